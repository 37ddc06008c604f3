"""PNG files from arrays, quickly: tiles are made by the dozen for each view of a map.

Format: Portable Network Graphics (PNG) Specification, third edition, W3C 2025.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_UP = 2
"""PNG's filter that stores each row as its difference from the row above."""


def encode_png(rgba: NDArray[np.uint8]) -> bytes:
    """Encode an image with opacity.

    Args:
        rgba: uint8 (height, width, 4); the opacity is left out of the file where it is 255 everywhere.
    """
    height, width, channels = rgba.shape
    if (rgba[..., 3] == 255).all():
        channels = 3
    pixels = rgba[..., :channels].reshape(height, width * channels)
    rows = np.empty((height, width * channels + 1), np.uint8)
    rows[:, 0] = _UP
    rows[0, 1:] = pixels[0]
    np.subtract(pixels[1:], pixels[:-1], out=rows[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 6, 0, 0, 0)
    parts = [_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows.data, 1)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
