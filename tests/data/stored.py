"""Files written byte by byte, with stored values that no library would write so: what decoding is compared with."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

_TIFF_TYPES = {
    ("u", 1): (1, "u1"), ("u", 2): (1, "u2"), ("u", 4): (1, "u4"),
    ("i", 2): (2, "i2"), ("i", 4): (2, "i4"), ("f", 4): (3, "f4"), ("f", 8): (3, "f8"),
}  # fmt: skip
_SIZES = {2: "B", 3: "H", 4: "I"}
_PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}
DEFLATED = 8


def png(values: np.ndarray, chunks: Sequence[tuple[bytes, bytes]] = (), after: Sequence[tuple[bytes, bytes]] = ()):
    """Return a PNG of uint8 or uint16 values, height × width (× 1 to 4), with more chunks before or after its data."""
    values = values if values.ndim == 3 else values[:, :, None]
    bits, (height, width, n_colours) = 8 * values.itemsize, values.shape
    head = struct.pack(">IIBBBBB", width, height, bits, _PNG_COLOURS[n_colours], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(values.dtype.newbyteorder(">")).tobytes() for row in values)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(rows)), *after, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def tiff(
    values: np.ndarray,
    *,
    order: str = "<",
    compression: int = 1,
    planar: int = 1,
    no_data: str = "",
    photometric: int | None = None,
    tags: Mapping[int, tuple[int, Sequence[int]]] | None = None,
) -> bytes:
    """Return a TIFF of one strip (or one per band): ``values`` height × width (× bands), of any kind of number."""
    sample_format, kind = _TIFF_TYPES[values.dtype.kind, values.itemsize]
    values = values if values.ndim == 3 else values[:, :, None]
    height, width, n_bands = values.shape
    stored = values.astype(order + kind)
    strips = [stored.tobytes()] if planar == 1 else [stored[..., band].tobytes() for band in range(n_bands)]
    strips = [zlib.compress(strip) for strip in strips] if compression == DEFLATED else strips
    entries: dict[int, tuple[int, Sequence[int]]] = {
        256: (4, [width]), 257: (4, [height]), 258: (3, [8 * values.itemsize] * n_bands), 259: (3, [compression]),
        262: (3, [photometric if photometric is not None else 2 if n_bands >= 3 else 1]), 277: (3, [n_bands]),
        278: (4, [height]), 279: (4, list(map(len, strips))), 284: (3, [planar]), 339: (3, [sample_format] * n_bands),
    }  # fmt: skip
    if no_data:
        entries[42113] = (2, f"{no_data}\0".encode())
    starts = np.cumsum([8, *map(len, strips)]).tolist()
    entries |= {273: (4, starts[:-1]), **(tags or {})}
    at = starts[-1] + starts[-1] % 2
    table, tail = struct.pack(f"{order}H", len(entries)), b""
    for tag, (code, numbers) in sorted(entries.items()):
        data = struct.pack(f"{order}{len(numbers)}{_SIZES[code]}", *numbers)
        if len(data) > 4:
            data, place = b"", data
            data = struct.pack(f"{order}I", at + 2 + 12 * len(entries) + 4 + len(tail))
            tail += place + b"\0" * (len(place) % 2)
        table += struct.pack(f"{order}HHI", tag, code, len(numbers)) + data.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", at)
    return (head + b"".join(strips)).ljust(at, b"\0") + table + b"\0\0\0\0" + tail


def icc(colorants: Mapping[str, Sequence[float]], gamma: float, space: bytes = b"RGB ") -> bytes:
    """Return a colour profile (ICC 2): XYZ under D50 of each colour by "r", "g", "b" (none: grey), and one gamma."""

    def number(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    white = b"XYZ \0\0\0\0" + b"".join(map(number, (0.9642, 1.0, 0.8249)))
    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", 2) + b"t\0" + b"\0" * 78, b"wtpt": white}
    tags |= {b"cprt": b"text\0\0\0\0none\0"}
    for name, xyz in colorants.items():
        tags[f"{name}XYZ".encode()] = b"XYZ \0\0\0\0" + b"".join(map(number, xyz))
        tags[f"{name}TRC".encode()] = curve
    if not colorants:
        tags[b"kTRC"] = curve
    at, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(data))
        body += data.ljust(-(-len(data) // 4) * 4, b"\0")
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"none", 0x02100000, b"mntr", space, b"XYZ ")
    head = head.ljust(36, b"\0") + b"acsp" + b"\0" * 28 + b"".join(map(number, (0.9642, 1.0, 0.8249)))
    return head.ljust(128, b"\0") + table + body
