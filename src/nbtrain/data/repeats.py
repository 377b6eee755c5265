"""Whether images come out the same twice: found by trying, on a few of them, before a run relies on it.

Every draw of the usual generators (torch, numpy, random) is seeded for each image, so a transform that gives two
results has a generator of its own, or looks at a clock. It knows images and their transform, not what is told of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbtrain.data.images import Images
    from nbtrain.data.recipe import Recipe

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

    from nbtrain.data.recipe import Recipe

    try:
        pixels = torch.from_numpy(images.read(position)).permute(2, 0, 1)
        transform = images.recipe.transform
        if _same(images.recipe, pixels):
            return ""
        steps = getattr(transform, "transforms", None) or [transform]
        tried = (step for step in steps if not _same(Recipe(step), pixels, _OFTEN))
        return next((_name(step) for step in tried), type(transform).__name__)
    except Exception:  # noqa: BLE001 - whatever a transform or a damaged file raises is told where it is used
        return ""


def _same(recipe: Recipe, pixels: Any, times: int = 3) -> bool:
    """Tell whether ``recipe`` gives one result ``times`` times; a generator of its own may draw a number twice."""
    first, *others = [recipe(pixels.clone(), 0) for _ in range(times)]
    return all(bool(first.shape == other.shape and (first == other).all()) for other in others)


def _name(step: Any) -> str:
    inner = getattr(step, "transforms", None)
    return _name(inner[0]) if inner else getattr(step, "__name__", type(step).__name__)
