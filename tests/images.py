"""Small real image sets for tests: PNG files on disk, in folders by class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_classes(folder: Path, counts: dict[str, int], size_px: int = 16, seed: int = 0) -> Path:
    """Write ``counts`` images per class below ``folder``; each class has a colour of its own, so it can be learned."""
    generator = np.random.default_rng(seed)
    for place, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            noise = generator.integers(0, 80, (size_px, size_px, 3))
            noise[..., place % 3] += 150
            Image.fromarray(noise.astype(np.uint8)).save(folder / name / f"{number:03}.png")
    return folder
