"""nbtrain: training image models from a notebook.

The public names, loaded on first use, so that ``import nbtrain`` costs next to nothing. Parts of a configuration
(``AdamW``, ``Cosine``, …) are public too. Nothing reachable from here imports torch in the notebook's kernel.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Config": "nbtrain.config",
    "Evaluation": "nbtrain.project.evaluation",
    "Experiment": "nbtrain.project.experiment",
    "NbtrainError": "nbtrain.errors",
    "Project": "nbtrain.project.project",
    "TrainingStudio": "nbtrain.ui.studio",
    "compare": "nbtrain.project.evaluation",
    "demo": "nbtrain.demo",
}
_PARTS = {
    "nbtrain.data.settings": ("Data",),
    "nbtrain.data.sources": (
        "Archive",
        "Coco",
        "DatasetClass",
        "Folder",
        "HuggingFace",
        "LabelStudio",
        "Masks",
        "Table",
        "Voc",
        "Yolo",
    ),
    "nbtrain.training.losses": ("BCE", "CrossEntropy", "Focal"),
    "nbtrain.training.optimizers": ("SGD", "Adam", "AdamW", "RMSprop"),
    "nbtrain.training.schedulers": (
        "Constant",
        "Cosine",
        "Exponential",
        "MultiStep",
        "Plateau",
        "Polynomial",
        "Step",
    ),
    "nbtrain.training.settings": ("Checkpoint", "Hardware", "Logging", "Training"),
    "nbtrain.training.tasks": ("Classification", "MultiLabel"),
}
_HOMES |= {name: home for home, names in _PARTS.items() for name in names}

_SHOWN = ("Experiment", "Project")
"""Names through which a person meets experiments, which then have their panels (``experiment.results``).

``TrainingStudio`` and ``demo`` give them theirs when they make a project."""

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nbtrain' has no attribute {name!r}")
    home = import_module(_HOMES[name])
    value = home if _HOMES[name] == f"nbtrain.{name}" else getattr(home, name)
    if name in _SHOWN:
        import_module("nbtrain.ui.attach").attach()
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
