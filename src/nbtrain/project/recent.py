"""Recent projects of this person: one small file in the user's state folder, never needed for anything else."""

from __future__ import annotations

from pathlib import Path

from nbtrain import files
from nbtrain.errors import NbtrainError

_KEPT = 12


def folders() -> list[Path]:
    """Return the projects opened last, newest first, that still exist."""
    try:
        plain = files.read_json(_file())
    except (OSError, NbtrainError):
        return []
    named = [Path(item) for item in plain if isinstance(item, str)] if isinstance(plain, list) else []
    return [path for path in named if (path / "project.json").exists()]


def note(path: Path) -> None:
    """Put ``path`` first; a home that cannot be written is no reason to fail."""
    kept = [str(path), *(str(other) for other in folders() if other != path)][:_KEPT]
    try:
        files.make_folder(_file().parent)
        files.write_json(_file(), kept, durable=False)
    except OSError:
        return


def _file() -> Path:
    return files.user_state_folder() / "recent.json"
