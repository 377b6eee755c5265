"""Whether images come out the same twice: found by trying, on a few of them, before a run relies on it.

Every draw of the usual generators (torch, numpy, random) is seeded for each image, so a transform that gives two
results has a generator of its own, or looks at a clock. It knows images and their transform, not what is told of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbtrain.data.randomness import seed_everything

if TYPE_CHECKING:
    from nbtrain.data.loader import Images

TRIED = 4
"""Images that are tried; a step that is taken for half of them escapes one time in 16."""

_OFTEN = 8
"""Times that each step is tried once the whole pipeline has given two results."""


def unkeyed(images: Images) -> str:
    """Return the name of the first transform that changes an image differently the second time; empty for none."""
    for position in sorted({place * len(images) // TRIED for place in range(TRIED)}):
        found = _first_that_differs(images, position)
        if found:
            return found
    return ""


def _first_that_differs(images: Images, position: int) -> str:
    """Return the step of the pipeline, or the pipeline itself, that gives two results at ``position``."""
    import torch

    try:
        pixels = torch.from_numpy(images.read(position)).permute(2, 0, 1)
        if _same(images.transform, pixels):
            return ""
        steps = getattr(images.transform, "transforms", None) or [images.transform]
        return next((_name(step) for step in steps if not _same(step, pixels, _OFTEN)), type(images.transform).__name__)
    except Exception:  # noqa: BLE001 - whatever a transform or a damaged file raises is told where it is used
        return ""


def _same(transform: Any, pixels: Any, times: int = 3) -> bool:
    """Tell whether ``transform`` gives one result ``times`` times; a generator of its own may draw a number twice."""
    first, *others = [_seeded(transform, pixels) for _ in range(times)]
    return all(bool(first.shape == other.shape and (first == other).all()) for other in others)


def _seeded(transform: Any, pixels: Any) -> Any:
    seed_everything(0)
    return transform(pixels.clone())


def _name(step: Any) -> str:
    inner = getattr(step, "transforms", None)
    return _name(inner[0]) if inner else getattr(step, "__name__", type(step).__name__)
