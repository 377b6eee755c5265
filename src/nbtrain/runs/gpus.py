"""The GPUs of this machine by NVML: asking CUDA would take memory on each, and load torch.

What NVML does not know is unknown, not absent: other makers' GPUs, and those of machines without it.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

_NODES = ("/dev/nvidia0", "/dev/nvhost-gpu", "/dev/kfd", "/dev/dxg")
"""What a GPU shows itself by that NVML may not know: a driver without its library, a Jetson, AMD's, Windows' own."""


@cache
def nvml() -> Any:
    """Return NVML, ready to be asked; None where there is nobody to ask."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no library, no driver, no permission
        return None
    return pynvml


def usable() -> int | None:
    """Return how many GPUs a run that is started here can use; None where that is not known."""
    found = nvml()
    try:
        count = int(found.nvmlDeviceGetCount()) if found is not None else 0
    except Exception:  # it has gone since
        return None
    if not count:
        return None if any(map(os.path.exists, _NODES)) else 0
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return count if visible is None else _shown(visible, count)


def _shown(visible: str, count: int) -> int:
    """Return how many devices a list of CUDA_VISIBLE_DEVICES leaves: it ends at the first that is none."""
    seen = 0
    for name in map(str.strip, visible.split(",")):
        if not name or (name.lstrip("-").isdecimal() and not 0 <= int(name) < count):
            break
        seen += 1
    return seen
