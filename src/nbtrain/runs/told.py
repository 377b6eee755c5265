"""A folder in which a process tells what it does; what runs and short jobs have in common.

Known here: where its lock, its journal and its output lie. Not known here: what else is in the folder, or who writes.
"""

from __future__ import annotations

from pathlib import Path


class ToldFolder:
    """One process's folder. Cheap to make; every answer is read from disk anew."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)

    @property
    def lock(self) -> Path:
        """The file that is held locked while the process lives; not to be opened inside the holder (see locks.py)."""
        return self.path / "lock"

    @property
    def events(self) -> Path:
        """The journal."""
        return self.path / "events.jsonl"

    @property
    def log(self) -> Path:
        """What the process and its libraries printed."""
        return self.path / "log.txt"
