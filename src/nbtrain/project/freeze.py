"""Freezing: what a run's config.json holds, so that the run folder tells the whole story by itself.

It knows a project's data and a configuration. It does not know the run folder's other files.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from platform import python_version
from types import MappingProxyType
from typing import Any

from nbtrain.config import FORMAT, Config
from nbtrain.project.datasets import DataSets

_PACKAGES = ("nbtrain", "torch", "torchvision", "timm", "numpy", "pillow", "pydantic")


_NOTHING: Mapping[str, Any] = MappingProxyType({})


def frozen(
    data: DataSets, config: Config, start: Mapping[str, Any] = _NOTHING, plan: Mapping[str, Any] = _NOTHING
) -> dict[str, Any]:
    """Return the content of a run's config.json: the choice, the data with its hash, the split, the versions, the seed.

    ``start`` is where a branch begins (branches.py), ``plan`` what was foretold of the run (plans.py). Makes and keeps
    the split where there is none yet. Raises DataError where the data cannot be used.
    """
    split = data.make_split(config.data)
    return {
        "format": FORMAT.number,
        "config": config.plain(),
        "config_hash": config.hash,
        "dataset": data.get(config.data.dataset).frozen(),
        "split": {"name": split.name, "hash": split.hash},
        "seed": config.training.seed,
        "versions": dict(versions()),
        **({"start": dict(start)} if start else {}),
        **({"plan": dict(plan)} if plan else {}),
    }


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of what training rests on, without importing any of it."""
    return {"python": python_version(), **{name: _version(name) for name in _PACKAGES}}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed" if name != "nbtrain" else f"source at {Path(__file__).parents[1].name}"
