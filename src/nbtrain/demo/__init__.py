"""Demo: a project of real handwritten digits, ready to train, made from what is installed; nothing is downloaded.

The images are those of scikit-learn's ``load_digits`` (1797 digits written by 43 people, 8×8 px, 16 shades of grey;
Alpaydin and Kaynak 1998), enlarged to 32×32 px and written out once as PNG files, one folder per digit, as a person's
own images would lie. This file knows that data set and settings that suit it; the project does the rest.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain import files, folders
from nbtrain.errors import DataError, ProjectError

if TYPE_CHECKING:
    from nbtrain.project.project import Project

DATASET = "digits"
N_IMAGES = 1797
SIZE_PX = 32
SETTINGS: dict[str, Any] = {
    "task.image_size": SIZE_PX,
    "data.dataset": DATASET,
    "data.val_ratio": 0.2,
    "data.split_seed": 42,
    "model.variant": "test_resnet",
    # No flips: a mirrored digit is another shape. Two pixels to and fro, as people write.
    "augmentation.train": [{"kind": "resize"}, {"kind": "random_crop", "padding": 2}],
    "optimizer.kind": "adamw",
    "optimizer.lr": 3e-3,
    "scheduler.kind": "cosine",
    "loss.label_smoothing": 0.05,
    "training.epochs": 12,
    "training.batch_size": 64,
}
"""Configuration values, by path, that learn the digits in seconds on a CPU."""


def digits(path: str | Path = "nbtrain-digits") -> Project:
    """Return the project of handwritten digits at ``path``, making what is missing of it.

    The first call writes 1797 small images and takes about two seconds; later ones only open the project, with
    whatever experiments and defaults it has by then.
    """
    from nbtrain.data.sources import Folder
    from nbtrain.project.project import Project
    from nbtrain.ui.attach import attach

    attach()
    project = Project(path)
    if not project.exists:
        project.name = "Handwritten digits"
        project.description = "1797 real digits, 0 to 9, each enlarged from 8 × 8 to 32 × 32 px."
        project.defaults = dict(SETTINGS)
        project.save()
    images = write_images(project.path / "images")
    if not any(d.name == DATASET and Path(d.source.path) == images for d in project.datasets()):
        project.add_images(Folder(path=str(images)), DATASET)
    return project


def write_images(folder: str | Path) -> Path:
    """Write the digits to ``folder``, one PNG per image in one sub-folder per class, unless all are there.

    They appear under this name all at once, so that nobody ever reads a half-written set; a file that has gone missing
    since is written anew.
    """
    folder = Path(folder)
    if _count(folder) >= N_IMAGES:
        return folder
    try:
        return _completed(folder) if folder.exists() else _written(folder)
    except OSError as error:
        advice = "Choose a folder that you may write to, with 10 MB free."
        raise ProjectError(
            f"the digits could not be written: {error.strerror}", value=str(folder), advice=advice
        ) from None


def _count(folder: Path) -> int:
    try:
        return sum(
            entry.name.endswith(".png") and entry.stat().st_size > 0
            for digit in range(10)
            for entry in os.scandir(folder / str(digit))
        )
    except OSError:
        return 0


def _written(folder: Path) -> Path:
    """Write all images beside ``folder``, then give them its name; whoever else did so first has won."""
    files.make_folder(folder.parent)
    folders.sweep(folder.parent)
    try:
        with folders.unborn(folder) as beside:
            for digit in range(10):
                files.make_folder(beside / str(digit))
            for name, data in _images():
                with open(beside / name, "xb") as file:
                    file.write(data)
            folders.take_place(beside, folder)
    except OSError:
        if _count(folder) < N_IMAGES:
            raise
    return folder


def _completed(folder: Path) -> Path:
    """Write the images that are missing or empty in ``folder``."""
    for name, data in _images():
        path = folder / name
        if not path.exists() or not path.stat().st_size:
            files.make_folder(path.parent)
            files.write_atomic(path, data, durable=False)
    return folder


def _images() -> list[tuple[str, bytes]]:
    """Return the relative name and the PNG file of every digit."""
    import io

    from PIL import Image
    from sklearn.datasets import load_digits

    bunch = load_digits()
    if len(bunch.images) != N_IMAGES:
        told = f"this scikit-learn has {len(bunch.images)} digits instead of {N_IMAGES}"
        raise DataError(told, advice="Install a scikit-learn from 1.5 on.")
    made = []
    for number, (shades, digit) in enumerate(zip(bunch.images, bunch.target, strict=True)):
        small = Image.fromarray((shades * (255 / 16)).round().astype("uint8"))
        png = io.BytesIO()
        small.resize((SIZE_PX, SIZE_PX), Image.Resampling.BICUBIC).save(png, "PNG")
        made.append((f"{digit}/{number:04d}.png", png.getvalue()))
    return made
