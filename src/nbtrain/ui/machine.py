"""What the machine is doing: CPU, memory, and every GPU by name. Reads psutil and NVML; never asks CUDA.

It knows sensors; it does not know panels. A sensor that is missing is said plainly, never an error.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psutil

from nbtrain.runs import gpus as known_gpus

GIB = 2**30


def machine() -> dict[str, Any]:
    """Return the load since the last call: percent of all cores, memory in GiB, and a row per GPU."""
    memory = psutil.virtual_memory()
    found = gpus()
    return {
        "cpu_percent": round(psutil.cpu_percent(), 0),
        "memory_used_gib": round((memory.total - memory.available) / GIB, 1),
        "memory_total_gib": round(memory.total / GIB, 1),
        "gpus": found,
        "note": "" if found else "no GPU",
    }


def gpus() -> list[dict[str, Any]]:
    """Return name, use, memory and temperature of every GPU; empty where there is none, or no driver to ask."""
    nvml = known_gpus.nvml()
    if nvml is None:
        return []
    rows = []
    for index in range(nvml.nvmlDeviceGetCount()):
        with suppress(nvml.NVMLError):
            rows.append(_gpu(nvml, nvml.nvmlDeviceGetHandleByIndex(index)))
    return rows


def _gpu(nvml: Any, handle: Any) -> dict[str, Any]:
    name, memory = nvml.nvmlDeviceGetName(handle), nvml.nvmlDeviceGetMemoryInfo(handle)
    use_percent = temperature_c = None
    with suppress(nvml.NVMLError):
        use_percent = float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    with suppress(nvml.NVMLError):
        temperature_c = float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
    return {
        "name": _short(name.decode() if isinstance(name, bytes) else name),
        "use_percent": use_percent,
        "memory_used_gib": round(memory.used / GIB, 1),
        "memory_total_gib": round(memory.total / GIB, 1),
        "temperature_c": temperature_c,
    }


def _short(name: str) -> str:
    return name.removeprefix("NVIDIA ").removeprefix("GeForce ").strip()
