"""What was measured for a project and may be used again: ``PROJECT/measured/<kind>-<key>.json``.

A key stands for all that the value hangs on, so an entry never becomes wrong, only useless; anybody may delete the
folder. It knows files; what is measured, and what a key is made of, it does not know.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from nbtrain import files
from nbtrain.errors import NbtrainError

FOLDER = "measured"


def key_of(*parts: Any) -> str:
    """Return a key for all that a value hangs on, as plain JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def keep(project: Path, kind: str, key: str, value: dict[str, Any]) -> None:
    """Keep a value; a disk that refuses it costs a measurement later, nothing else."""
    try:
        files.make_folder(project / FOLDER, parents=False)
        files.write_json(_path(project, kind, key), {"format": 1, "value": value}, durable=False)
    except OSError:
        return


def recall(project: Path, kind: str, key: str) -> dict[str, Any] | None:
    """Return the value that was kept, None where there is none that can be read."""
    try:
        found = files.read_json(_path(project, kind, key))["value"]
    except (OSError, TypeError, KeyError, NbtrainError):
        return None
    return found if isinstance(found, dict) else None


def _path(project: Path, kind: str, key: str) -> Path:
    return project / FOLDER / f"{kind}-{key}.json"
