"""Where new configurations start: nbtrain's defaults, then a person's own, then the project's.

A person's own stand in one small file in the user's configuration folder and hold for every project; a project's
stand in its project.json. Both are values by path. This file knows that layering and the user's file; it does not know
experiments.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from nbtrain import files
from nbtrain.config import Config
from nbtrain.errors import ConfigError, Problem, ProjectError
from nbtrain.schema import Format, changes

FORMAT = Format("file of user defaults")
_OF_ONE_PROJECT = ("data.dataset", "data.split")
_OF_ONE_DATA_SET = ("task.kind", "loss.kind")
"""What a person's own defaults leave to each project."""


def user_file() -> Path:
    """Return the file of this person's own defaults, there or not."""
    return user_config_path("nbtrain") / "defaults.json"


def user_start() -> Config:
    """Return nbtrain's defaults with the person's own laid over them; raises ConfigError naming the file and path."""
    where = user_file()
    try:
        plain = FORMAT.read(files.read_json(where), where)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise ProjectError(f"your defaults cannot be read: {error.strerror}", value=str(where)) from None
    return laid_over(Config(), FORMAT.check_types(plain, {"defaults": dict}, where)["defaults"], str(where))


def laid_over(start: Config, values: Mapping[str, Any], where: str) -> Config:
    """Return ``start`` with ``values`` by path set; raises ConfigError naming ``where`` they stand."""
    try:
        return start.set_all(values)
    except ConfigError as error:
        raise ConfigError(
            Problem(f"{where}: defaults: {p.path}", p.message, p.advice) for p in error.problems
        ) from None


def for_project(config: Config) -> dict[str, Any]:
    """Return what a project must record so that its new experiments start like ``config``."""
    return _values(user_start(), config, _OF_ONE_PROJECT)


def save_for_user(config: Config) -> Path:
    """Make ``config`` the start of every new experiment of this person, project defaults aside; return the file."""
    where = user_file()
    try:
        files.make_folder(where.parent)
        values = _values(Config(), config, (*_OF_ONE_PROJECT, *_OF_ONE_DATA_SET))
        files.write_json(where, FORMAT.mark({"defaults": values}))
    except OSError as error:
        told = f"your defaults could not be written: {error.strerror or error}"
        raise ProjectError(told, value=str(where), advice="Check that this folder can be written.") from None
    return where


def _values(start: Config, config: Config, without: tuple[str, ...]) -> dict[str, Any]:
    return {path: value for path, value in changes(start, config).items() if path not in without}
