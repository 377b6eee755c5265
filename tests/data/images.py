"""Small real images for the tests of data, of every kind that people bring."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def pixels(seed: int, width: int = 24, height: int = 16) -> np.ndarray:
    """Return smooth colours that differ from seed to seed, so that JPEG keeps them nearly as they are."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin((x * (c + 1) + y * 2 + seed * 7) / 9) for c in range(3)]
    return ((np.stack(waves, axis=2) + 1) * 127).astype(np.uint8)


def write(path: Path, seed: int = 0, width: int = 24, height: int = 16, **save: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(seed, width, height)).save(path, **save)
    return path


def folder(root: Path, counts: dict[str, int], ending: str = ".png") -> Path:
    """Write ``counts[name]`` images into each sub-folder ``name``."""
    root.mkdir(parents=True, exist_ok=True)
    for place, (name, count) in enumerate(counts.items()):
        for i in range(count):
            write(root / name / f"{i}{ending}", seed=place * 100 + i)
    return root


def bomb(path: Path, width: int = 60_000, height: int = 60_000) -> Path:
    """Write a PNG of a few bytes whose header claims billions of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def cut(path: Path, share: float = 0.5) -> Path:
    """Cut a file off after ``share`` of its bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path
