"""JPEG files that lack only the mark at their end, as cameras and copying programs leave them: all pixels are there.

Whether that is all that is missing, two things say: every scan that the frame needs has begun, and libjpeg, given the
file with the mark behind it, finds nothing wrong with the last one. It knows bytes; it decodes nothing.
"""

from __future__ import annotations

END = b"\xff\xd9"
_SCAN = 0xDA
_BASELINE, _PROGRESSIVE = frozenset((0xC0, 0xC1)), 0xC2
_IN_DATA = frozenset((0x00, *range(0xD0, 0xD8)))
"""What follows 0xFF within a scan: a byte that is 0xFF itself, and marks to start again at."""
_LAST = 63


def mended(data: memoryview) -> bytes | None:
    """Return a JPEG with the mark at its end, where only that may be missing; None for all others."""
    if len(data) < 4 or data[-2:] == END:
        return None
    whole = bytes(data)
    return whole + END if _all_scans(whole) else None


def _all_scans(data: bytes) -> bool:
    """Return whether the last bit of every coefficient of every colour lies in some scan, whole or not."""
    needed: set[tuple[int, int]] = set()
    at, progressive = 2, False
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, n_bytes = data[at + 1], data[at + 2] << 8 | data[at + 3]
        body = data[at + 4 : at + 2 + n_bytes]
        at += 2 + n_bytes
        if marker in _BASELINE or marker == _PROGRESSIVE:
            progressive = marker == _PROGRESSIVE
            colours = [body[place] for place in range(6, len(body) - 2, 3)]
            needed = {(colour, k) for colour in colours for k in range(_LAST + 1)}
        elif marker == _SCAN and len(body) >= 4 + 2 * body[0]:
            first, last, bits = body[-3:] if progressive else (0, _LAST, 0)
            if not bits & 15:
                colours = [body[1 + 2 * place] for place in range(body[0])]
                needed -= {(colour, k) for colour in colours for k in range(first, last + 1)}
            if not needed:
                return True
            at = _next_marker(data, at)
    return False


def _next_marker(data: bytes, at: int) -> int:
    """Return where the scan ends whose data begins at ``at``."""
    while (at := data.find(b"\xff", at)) >= 0:
        if at + 1 < len(data) and data[at + 1] not in _IN_DATA and data[at + 1] != 0xFF:
            return at
        at += 1 if at + 1 < len(data) and data[at + 1] == 0xFF else 2
    return len(data)
