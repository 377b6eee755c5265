"""What of the world a run needs and does not find: told before the start, at the field that says it is needed.

The rules between fields stand in config.py; here are files, folders, packages, devices and room, as far as they can be
seen without starting anything. What only a built network or a read image shows, the trainer tells. Each look is anew:
a file that somebody brings back is there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib import util
from pathlib import Path

from nbtrain import files
from nbtrain.advice.words import gigabytes
from nbtrain.config import Config
from nbtrain.errors import DataError, Problem, shown
from nbtrain.models import published, transfer, weight_files
from nbtrain.project.dataset_file import DataSet
from nbtrain.runs import gpus

_BYTES = 4
"""Of one weight in a checkpoint; what the optimizer keeps of it comes on top."""

_INSTALLED: set[str] = set()


def problems(project: Path, config: Config, but: Path | None = None) -> list[Problem]:
    """Return what keeps a run of ``config`` from beginning in the folder ``project``, its images aside.

    ``but`` is the folder of the experiment itself, which is not its own origin.
    """
    return [*machine_problems(project, config), *start_problems(project, config, but)]


def machine_problems(project: Path, config: Config) -> Iterator[Problem]:
    """Yield what each part of a run needs, its resumes too: packages, a device, a folder to write to."""
    for package, path in (("torch", "hardware.device"), ("torchvision", "hardware.device"), ("timm", "model.kind")):
        if (package != "timm" or config.model.kind == "timm") and not _is_installed(package):
            told = f"{package} is not installed, which training needs."
            yield Problem(path, told, f"Install it: pip install {package}")
    yield from _device_problems(config)
    for target in config.logging.targets:
        if target.enabled and (missing := target.missing()):
            yield missing
    yield from _folder_problems(project, config)


def start_problems(project: Path, config: Config, but: Path | None = None) -> Iterator[Problem]:
    """Yield what a run needs until its first checkpoint: the weights that it starts from."""
    model = config.model
    if model.weights_file:
        if wrong := weight_files.problem_of(model.weights_file):
            yield wrong
    elif model.transfer_from:
        if wrong := transfer.problem_of(project, model.transfer_from, but):
            yield wrong
    elif model.pretrained and (wrong := published.problem_of(model.entry)):
        yield wrong


def source_problems(dataset: DataSet) -> Iterator[Problem]:
    """Yield which sources of the images are gone, or closed to us."""
    for part in dataset.parts:
        path = Path(part.source.path).expanduser()
        try:
            part.source.ready()
        except DataError as error:
            told = f"the images of {dataset.name!r} are not there: {error.what} ({shown(str(error.value))})."
            yield Problem("data.dataset", told, f"Bring them back, or add them again. {error.advice}")
            continue
        except OSError:  # it does not say whether they are there: the run will
            continue
        if path.exists() and not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
            told = f"there is no permission to read the images of {dataset.name!r}: {shown(str(path))}."
            yield Problem("data.dataset", told, "Give yourself permission to read them.")


def _is_installed(package: str) -> bool:
    """Tell whether the package can be imported; one that is there is not looked for again."""
    if package not in _INSTALLED and util.find_spec(package) is not None:
        _INSTALLED.add(package)
    return package in _INSTALLED


def _device_problems(config: Config) -> Iterator[Problem]:
    n_gpus, device = gpus.usable(), config.hardware.device
    if n_gpus is None:
        return
    there = ", ".join(["cpu", *(f"cuda:{index}" for index in range(n_gpus))])
    if device not in ("auto", "cpu") and device not in there.split(", "):
        yield Problem("hardware.device", f"this machine has no device {device!r}.", f"There is: {there}.")
    elif config.hardware.precision == "16-mixed" and device == "auto" and not n_gpus:
        told = "16-mixed needs a GPU, and this machine has none."
        yield Problem("hardware.precision", told, "Choose 32 or bf16-mixed on the CPU.")


def _folder_problems(project: Path, config: Config) -> Iterator[Problem]:
    folder = next(path for path in (project, *project.absolute().parents) if path.exists())
    if not os.access(folder, os.W_OK):
        told = f"the project's folder cannot be written: {shown(str(folder))}."
        yield Problem("project", told, "Give yourself permission, or choose another folder for the project.")
        return
    try:
        free_bytes = shutil.disk_usage(folder).free
    except OSError:
        return
    least_bytes = (config.model.entry.parameters or 0) * _BYTES * (1 + config.training.ema)
    if least_bytes > free_bytes or not files.room_left(folder):
        told = f"a checkpoint of {gigabytes(least_bytes)} does not fit: {gigabytes(free_bytes)} are free on the disk."
        yield Problem("checkpoint.keep_last_n", told, "Make room, or choose a smaller model.")
