import io

import numpy as np
import pytest
import tifffile

from suelo.imagery.directories import chain_is_cut


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}, {"bigtiff": True, "byteorder": ">"}])
def test_a_chain_is_cut_wherever_the_file_ends_before_its_last_directory_does(options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.ones((5, 4, 6), np.uint8), photometric="minisblack", **options)
    whole = buffer.getvalue()
    with tifffile.TiffFile(io.BytesIO(whole)) as file:
        tag = file.tiff
        last = file.pages[-1].aspage()
        end = last.offset + tag.tagnosize + len(last.tags) * tag.tagsize + tag.offsetsize
    for size in range(8, len(whole) + 1):
        assert chain_is_cut(io.BytesIO(whole[:size]), size) == (size < end), size


def test_a_chain_that_bites_its_tail_ends():
    directory = b"\x01\0" + bytes(12) + b"\x08\0\0\0"
    assert not chain_is_cut(io.BytesIO(b"II*\0\x08\0\0\0" + directory), 26)
