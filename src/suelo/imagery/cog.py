"""Tiled TIFFs of one resolution each put together to one cloud-optimised GeoTIFF, without decoding a tile."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

# Sizes in bytes of the types of values, and numbers of tags, of TIFF 6.0 and BigTIFF.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8, 17: 8, 18: 8}
_LONG, _LONG8 = 4, 16
_SUBFILE_TYPE, _TILE_OFFSETS, _TILE_SIZES = 254, 324, 325
_CLASSIC_BYTES = 4_000_000_000
"""Larger files are BigTIFFs; offsets of classic ones have 32 bits, and the directories need room too."""

_Tags = dict[int, tuple[int, int, bytes]]


class BrokenTiffError(ValueError):
    """A part is not whole."""


@dataclass(frozen=True)
class _Part:
    """One resolution: its tags, and where its tiles lie."""

    path: Path
    tags: _Tags
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]


def assemble(parts: Sequence[Path], path: Path) -> None:
    """Put resolutions together in the order that the format asks for: directories, coarsest tiles, …, finest tiles.

    Args:
        parts: Little-endian BigTIFFs with tiles, finest first, each half the size of the one before; the first one has
            the georeference and the metadata.
        path: File to write.

    Raises:
        BrokenTiffError: A part is cut off.
        OSError: The disk does not take the file.
    """
    levels = [_read(part) for part in parts]
    for number, level in enumerate(levels):
        if number:
            level.tags[_SUBFILE_TYPE] = (_LONG, 1, struct.pack("<I", 1))
    big = sum(sum(level.sizes) for level in levels) > _CLASSIC_BYTES
    # Directories have the same length whatever the offsets in them are.
    start = 16 if big else 8
    starts = list(accumulate((_directory(level, level.offsets, 0, 0, big)[1] for level in levels), initial=start))
    tiles_from = starts.pop()
    offsets: list[tuple[int, ...]] = []
    for level in reversed(levels):
        ends = list(accumulate(level.sizes, initial=tiles_from))
        tiles_from = ends.pop()
        offsets.insert(0, tuple(ends))
    with path.open("wb") as file:
        file.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, start) if big else struct.pack("<2sHI", b"II", 42, start))
        for level, position, following, places in zip(levels, starts, [*starts[1:], 0], offsets, strict=True):
            file.write(_directory(level, places, position, following, big)[0])
        for level in reversed(levels):
            _copy_tiles(level, file)


def _read(path: Path) -> _Part:
    with path.open("rb") as file:
        (start,) = struct.unpack("<8xQ", _exactly(file, 16))
        file.seek(start)
        (count,) = struct.unpack("<Q", _exactly(file, 8))
        entries = list(struct.iter_unpack("<HHQ8s", _exactly(file, 20 * count)))
        tags: _Tags = {}
        for tag, kind, number, inline in entries:
            size = _SIZES[kind] * number
            if size > len(inline):
                file.seek(struct.unpack("<Q", inline)[0])
                tags[tag] = (kind, number, _exactly(file, size))
            else:
                tags[tag] = (kind, number, inline[:size])
    offsets, sizes = _numbers(tags.pop(_TILE_OFFSETS)), _numbers(tags.pop(_TILE_SIZES))
    return _Part(path, tags, offsets, sizes)


def _numbers(value: tuple[int, int, bytes]) -> tuple[int, ...]:
    kind, count, content = value
    return struct.unpack(f"<{count}{'Q' if kind == _LONG8 else 'I' if kind == _LONG else 'H'}", content)


def _exactly(file: BinaryIO, size: int) -> bytes:
    content = file.read(size)
    if len(content) != size:
        raise BrokenTiffError("a part ends too early")
    return content


def _directory(level: _Part, offsets: Sequence[int], start: int, following: int, big: bool) -> tuple[bytes, int]:
    """A directory with its values behind it, for a place in the file, and its length, which is even."""
    kind, code, word = (_LONG8, "Q", 8) if big else (_LONG, "I", 4)
    tags = level.tags | {
        _TILE_OFFSETS: (kind, len(offsets), struct.pack(f"<{len(offsets)}{code}", *offsets if start else level.sizes)),
        _TILE_SIZES: (_LONG, len(level.sizes), struct.pack(f"<{len(level.sizes)}I", *level.sizes)),
    }
    entry, fixed = (f"<HH{code}{word}s", (8 if big else 2) + (12 if not big else 20) * len(tags) + word)
    entries, values = b"", b""
    for tag, (of_kind, count, content) in sorted(tags.items()):
        where = content
        if len(content) > word:
            where = struct.pack(f"<{code}", start + fixed + len(values))
            values += content + bytes(len(content) % 2)
        entries += struct.pack(entry, tag, of_kind, count, where)
    number = struct.pack("<Q" if big else "<H", len(tags))
    directory = number + entries + struct.pack(f"<{code}", following) + values
    return directory, len(directory)


def _copy_tiles(level: _Part, file: BinaryIO) -> None:
    with level.path.open("rb") as source:
        for offset, size in zip(level.offsets, level.sizes, strict=True):
            source.seek(offset)
            file.write(_exactly(source, size))
