"""Photographs to read: a folder of JPEG files cut out of those that scikit-learn and scikit-image carry with them.

Each file shows another part of a photograph at the size that ImageNet's have on average, so that no two are alike and
decoding costs what it costs elsewhere. It knows pictures, not what is measured with them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT, QUALITY = 500, 376, 90
CLASSES = 10


def folder(n_images: int) -> Path:
    """Return a folder of ``n_images`` JPEG files in ten classes; made once and kept for the next time."""
    root = Path(tempfile.gettempdir()) / f"nbtrain-bench-photographs-{n_images}"
    if (root / ".complete").exists():
        return root
    sources, drawn = _sources(), np.random.default_rng(0)
    for number in range(n_images):
        path = root / f"class{number % CLASSES}" / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        _part(sources[number % len(sources)], drawn).save(path, quality=QUALITY)
    (root / ".complete").touch()
    return root


def learnable(n_train: int, n_val: int) -> Path:
    """Return a folder with ``train`` and ``val`` in it, a class for each photograph; needs scikit-image.

    The parts that make the two sets are drawn apart, so some of what is validated overlaps what is trained.
    """
    root = Path(tempfile.gettempdir()) / f"nbtrain-bench-learnable-{n_train}-{n_val}"
    if (root / ".complete").exists():
        return root
    sources, drawn = _sources(), np.random.default_rng(0)
    for part, n_images in (("train", n_train), ("val", n_val)):
        for number in range(n_images):
            path = root / part / f"photograph{number % len(sources)}" / f"{number:05}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            _part(sources[number % len(sources)], drawn).save(path, quality=QUALITY)
    (root / ".complete").touch()
    return root


def _sources() -> list[Image.Image]:
    """Return the photographs: two of scikit-learn's, and scikit-image's where that is installed."""
    from sklearn.datasets import load_sample_images

    found = [Image.fromarray(image) for image in load_sample_images().images]
    try:
        from skimage import data
    except ImportError:
        return found
    named = ("astronaut", "chelsea", "coffee", "rocket")
    return found + [Image.fromarray(getattr(data, name)()) for name in named]


def _part(source: Image.Image, drawn: np.random.Generator) -> Image.Image:
    """Return a random part of a photograph, at least half as wide as it, in the size of all."""
    width = int(source.width * drawn.uniform(0.5, 1.0))
    height = min(source.height, width * HEIGHT // WIDTH)
    left, top = drawn.integers(0, source.width - width + 1), drawn.integers(0, source.height - height + 1)
    part = source.crop((int(left), int(top), int(left) + width, int(top) + height))
    return part.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
