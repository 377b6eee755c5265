"""What is kept of a data set's images in decoded form: how much, where, in words; and clearing it.

It reads the names and sizes of files, and opens no image. What a run decides about its cache is data/reading.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbtrain.config import Config
from nbtrain.data import cache
from nbtrain.data.cache import MAX_KEPT_BYTES, Kept
from nbtrain.errors import DataError

_SHAPE = 4 / 3
"""Longer side by shorter side that an image is taken to have, where only the shorter one was looked at."""


def caches(project: Path) -> list[Kept]:
    """Return the caches of a project's data sets on the disk, and all of this user's in memory."""
    return cache.kept(project / "datasets" / cache.FOLDER)


def caches_of(project: Path, info: Mapping[str, Any]) -> list[Kept]:
    """Return the caches of the data set that ``info`` (Experiment.data_info) describes."""
    where = Path(str(info.get("path", "")))
    roots = (where, where.parent, str(info.get("root", "")))
    names = {cache.file_of(str(info.get("name", "")), root) for root in roots}
    return [one for one in caches(project) if one.path.name in names]


def text_of(one: Kept) -> str:
    """Return what a cache holds, in words."""
    place = "in memory" if one.in_memory else f"on disk ({one.path.parent})"
    so_far = "" if one.size_bytes > 0.98 * one.room_bytes else f" of {_size(one.room_bytes)}"
    return f"{_size(one.size_bytes)}{so_far} of decoded images are kept {place}"


def outlook(project: Path, config: Config, info: Mapping[str, Any], image_px: int | None) -> dict[str, Any]:
    """Return what is kept of a data set by now, else what a run will keep: text, and whether it can be cleared.

    ``image_px`` is the median shorter side of its images, None where nobody has looked.
    """
    found = caches_of(project, info)
    if found:
        return {"text": "; ".join(map(text_of, found)) + ".", "clear": True}
    if not info or config.data.cache == "off":
        return {"text": "Every epoch decodes its images anew." if info else "", "clear": False}
    sides_px = (image_px or 0, (image_px or 0) * _SHAPE)
    if config.data.shrink_px and image_px and config.data.shrink_px < image_px:
        sides_px = (config.data.shrink_px, config.data.shrink_px * _SHAPE)
    size = 3 * sides_px[0] * sides_px[1] * int(info.get("n_images", 0))
    about = f"The images take about {_size(size)} decoded" if size else "How large the images are is not known yet"
    if 0 < size <= MAX_KEPT_BYTES:
        return {"text": f"{about}: the trainer keeps them itself, and needs no cache.", "clear": False}
    how = {
        "auto": "a run of several epochs measures whether keeping them pays",
        "memory": "the next run keeps them in memory, in at most half of what is free",
        "disk": "the next run keeps them on disk, as far as there is room",
    }[config.data.cache]
    return {"text": f"{about}; {how}.", "clear": False}


def clear(found: list[Kept]) -> int:
    """Remove these caches; return the bytes that are free now. Raises DataError for one that a run uses."""
    used = [one for one in found if not cache.clear(one.path)]
    if used:
        advice = "Wait for the run's end, or stop it; a cache in memory goes with its last run by itself."
        raise DataError("a run uses this cache", value=used[0].path.name, advice=advice)
    return sum(one.size_bytes for one in found)


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 2**30:.1f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.0f} MiB"
