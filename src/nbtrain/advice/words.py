"""Numbers as people read and type them: 3e-4, 12.5 %, 1.2 GB. Pure functions."""

from __future__ import annotations

import math


def typed(value: float, digits: int = 3) -> str:
    """Return a number as a person would type it: ``0.0003`` is ``3e-4``, ``0.05`` and ``64`` stay."""
    if value == 0 or 0.01 <= abs(value) < 1e6:
        return f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:g}"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{int(exponent)}"


def rounded(value: float) -> float:
    """Return ``value`` with one significant digit, as one chooses a learning rate."""
    return float(f"{value:.0e}")


def percent(share: float) -> str:
    """Return a share as ``12.5 %``, without digits that say nothing."""
    return f"{100 * share:.3g} %"


def gigabytes(size: float) -> str:
    """Return bytes as ``1.2 GB`` or ``45 MB``."""
    return f"{size / 1e9:.3g} GB" if size >= 1e9 else f"{max(1, math.ceil(size / 1e6))} MB"


def counted(number: int, one: str, many: str = "") -> str:
    """Return ``1 image`` or ``3 images``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
