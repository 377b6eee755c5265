"""``nbtrain lab``: JupyterLab on a notebook with the studio."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from nbtrain.cli.options import Commands
from nbtrain.cli.output import say
from nbtrain.errors import NbtrainError

_NOTEBOOK = "nbtrain.ipynb"
_CELL = "from nbtrain import TrainingStudio\n\nTrainingStudio()"


def add(commands: Commands) -> None:
    """Add the command of this file."""
    lab = commands.add_parser("lab", help="open JupyterLab on a notebook with the studio")
    lab.add_argument("folder", nargs="?", default=".", help="folder to work in (default: this one)")
    lab.set_defaults(run=_lab)


def _lab(given: argparse.Namespace) -> int:
    from jupyterlab.labapp import main as jupyterlab

    folder = Path(given.folder).expanduser()
    if not folder.is_dir():
        raise NbtrainError("there is no such folder", value=str(folder))
    notebook = folder / _NOTEBOOK
    if not notebook.exists():
        _write_notebook(notebook)
        say(f"wrote {notebook}")
    return int(jupyterlab([str(notebook)]) or 0)


def _write_notebook(path: Path) -> None:
    from nbtrain import files

    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "studio",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": _CELL,
    }
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    plain = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    try:
        files.write_json(path, plain)
    except OSError as error:
        raise NbtrainError("the notebook could not be written", value=str(path), advice=str(error.strerror)) from None
