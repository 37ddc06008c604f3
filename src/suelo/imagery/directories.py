"""The chain of directories of a TIFF, one per page: where a cut-off copy of a file of pages shows."""

from __future__ import annotations

import struct
from typing import BinaryIO


def chain_is_cut(file: BinaryIO, size: int) -> bool:
    """Whether the chain of directories leads out of the file (TIFF 6.0, section 2; BigTIFF likewise).

    Args:
        file: A TIFF or BigTIFF.
        size: Bytes of the file.
    """
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in {b"+\0", b"\0+"}
    count_format, offset_format, entry, first = ("Q", "Q", 20, 8) if big else ("H", "I", 12, 4)
    count_size, offset_size = struct.calcsize(count_format), struct.calcsize(offset_format)
    if len(head) < first + offset_size:
        return True
    (offset,) = struct.unpack_from(order + offset_format, head, first)
    seen = set()
    while offset and offset not in seen:
        seen.add(offset)
        file.seek(offset)
        counted = file.read(count_size)
        if len(counted) < count_size:
            return True
        end = offset + count_size + struct.unpack(order + count_format, counted)[0] * entry
        if end + offset_size > size:
            return True
        file.seek(end)
        (offset,) = struct.unpack(order + offset_format, file.read(offset_size))
    return False
