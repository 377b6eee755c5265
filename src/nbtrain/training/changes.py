"""What was changed after a run had begun: changes.json of its folder, the configuration on top of config.json.

An entry at step n holds for every step after the n-th, in every life of the run: what the loop does at a step follows
from the frozen configuration and the entries up to it, so a resume repeats a change at its own step. The trainer writes
an entry before it acts on it; between two lives whoever extends the run does. This file knows entries and the file;
it does not know what a change does to a loop (live.py), nor who asked for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from nbtrain import files
from nbtrain.errors import NbtrainError, TrainingError
from nbtrain.schema import Section, fields

FILE = "changes.json"
FREE = (
    "data.workers", "data.worker_kind", "data.cache", "data.prefetch", "data.pin_memory", "data.persistent_workers",
    "training.stall_limit_s",
    "checkpoint.keep_last_n", "checkpoint.keep_best_only",
)  # fmt: skip
"""What no number of a run hangs on: it may be another in each life, and holds for the whole of it."""
C = TypeVar("C", bound=Section)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change: ``value`` instead of ``old`` at ``path`` for the steps after ``step``."""

    step: int
    path: str
    old: Any
    value: Any
    extends: bool = False
    """Whether an ended run was extended here: early stopping's patience starts anew."""
    t_s: float = 0.0
    """Wall clock of the change, in seconds since 1970."""


class Changes:
    """The entries of one run, in the order of their steps."""

    def __init__(self, path: Path, entries: Iterable[Entry] = ()) -> None:
        self.path, self.entries = path, tuple(entries)

    @classmethod
    def of(cls, run: Path) -> Changes:
        """Return what was changed in the run folder ``run``.

        Raises TrainingError where the file is damaged: to go on without it would be another run.
        """
        path = run / FILE
        try:
            plain = files.read_json(path)
            return cls(path, sorted((_entry(item) for item in plain["changes"]), key=lambda entry: entry.step))
        except FileNotFoundError:
            return cls(path)
        except (OSError, ValueError, TypeError, KeyError, NbtrainError) as error:
            raise TrainingError(
                "the record of what was changed during this run cannot be read",
                cause="disk",
                value=str(path),
                advice="Bring the file back from a copy, or restart the experiment.",
            ) from error

    def add(self, entry: Entry) -> None:
        """Write one more entry, durably; what an earlier life did later to the same path is superseded by it."""
        kept = [old for old in self.entries if old.path != entry.path or old.step < entry.step or _older(old, entry)]
        self._write((*kept, entry))

    def remove(self, entry: Entry) -> None:
        """Take an entry back that nothing has been trained with."""
        self._write(tuple(old for old in self.entries if old != entry))

    def present(self, config: C, step: float = float("inf")) -> C:
        """Return ``config`` with what was changed up to ``step``."""
        for entry in self.entries:
            if entry.step <= step:
                config = config.set(entry.path, entry.value)
        return config

    def replace(self, entries: Iterable[Entry]) -> None:
        """Write ``entries`` instead of those that are there: to take back what a failed start had added."""
        self._write(tuple(entries))

    def free(self, config: C) -> C:
        """Return ``config`` with what was changed of the things that no number hangs on, whatever their step."""
        for entry in self.entries:
            config = config.set(entry.path, entry.value) if entry.path in FREE else config
        return config

    def _write(self, entries: tuple[Entry, ...]) -> None:
        ordered = tuple(sorted(entries, key=lambda entry: entry.step))
        files.write_json(self.path, {"format": 1, "changes": [asdict(entry) for entry in ordered]})
        self.entries = ordered


def changeable(config: Section) -> dict[str, str]:
    """Return the paths that may change between two lives of a run, with their labels."""
    return {f.path: f.label for f in fields(config) if f.shown and (f.live or f.path in FREE)}


def live_paths(config: Section) -> dict[str, str]:
    """Return the paths that may change while a run trains, with their labels; those that do not apply are left out."""
    return {found.path: found.label for found in fields(config) if found.live and found.shown}


def _older(old: Entry, new: Entry) -> bool:
    """Return whether an entry of the same step came before ``new``: both are kept, the newer one holds."""
    return old.step == new.step and not (old.extends and new.extends)


def _entry(plain: dict[str, Any]) -> Entry:
    known = {name: plain[name] for name in Entry.__slots__ if name in plain}
    made = Entry(**known)
    if type(made.step) is not int or not isinstance(made.path, str):
        raise ValueError(plain)
    return made
