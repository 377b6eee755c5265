"""The part of the panel Data that tells of splits: named ones, those that runs have made, who uses them, what leaks.

Which images lie in several sets is worked out aside, for a split names every image. It knows splits and a scan; where
the panel gets them from, data.py says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from traitlets import Dict, HasTraits, List

from nbtrain.data.edit_log import stat_of
from nbtrain.data.inspection import store
from nbtrain.project.automatic import automatic
from nbtrain.project.dataset import LiveDataSet
from nbtrain.project.experiment import Experiment
from nbtrain.project.scanning import Scan
from nbtrain.project.splitting import uses
from nbtrain.ui.aside import Aside


class SplitWishes(HasTraits):
    """A mixin for the panel that has ``data``, ``experiment``, ``scanned``, ``soon`` and ``_chose``."""

    splits = List(
        Dict(),
        help="Every split: name, images of each set, words for one that a run has made, runs that used it, leaks.",
    ).tag(sync=True)

    experiment: Experiment | None
    _chose: Callable[[], None]
    soon: Callable[..., None]
    show_images: Callable[[str, Sequence[tuple[str, str]]], None]

    @property
    def data(self) -> LiveDataSet | None:
        """The data set that is shown."""
        raise NotImplementedError

    @property
    def scanned(self) -> Scan | None:
        """Its scan, or the way to have one."""
        raise NotImplementedError

    def _start_splits(self) -> None:
        self._leaking: Aside[dict[str, list[str]]] = Aside(self.soon)
        self._users: tuple[Any, dict[str, list[str]]] = (None, {})

    def _splits(self) -> list[dict[str, Any]]:
        data = self.data
        if data is None:
            return []
        sizes, base = data.split_sizes, data.value.base[:8]
        used = self._used(data)
        leaks = self._leaks(data, list(sizes))
        return [
            {
                "name": name, **own, "words": _words(name, data.name, base), "used": used.get(name, []),
                "leaks": None if leaks is None else len(leaks.get(name, ())),
            }
            for name, own in sizes.items()
        ]  # fmt: skip

    def _used(self, data: LiveDataSet) -> dict[str, list[str]]:
        """Return the runs of each split, in words; looked at again where an experiment has another run, or name."""
        key = [(one.id, one.name, one.run_path) for one in data.project.cards]
        if key != self._users[0]:
            found: dict[str, list[str]] = {}
            for name, run in uses(data.project):
                found.setdefault(name, []).append(run)
            self._users = (key, found)
        return self._users[1]

    def _leaks(self, data: LiveDataSet, names: Sequence[str]) -> dict[str, list[str]] | None:
        """Return, by split, the files that lie in several of its sets; None where that is not known, or not yet."""
        scan = self.scanned
        seen = stat_of(scan.folder / store.COLUMNS) if scan is not None else None
        if scan is None or seen is None:
            return None
        stats = tuple(stat_of(data.project.data.split_file(name)) for name in names)
        key = (str(data.project.path), data.name, tuple(names), stats, seen, data.value.edits.hash)
        return self._leaking.of(key, lambda: {name: scan.leaks(name) for name in names})

    def do_split(
        self, name: str, val: float, test: float, by: str = "", folds: int = 0, together: bool = False
    ) -> None:
        """Make a named split, or several for cross-validation; shares are per cent."""
        data, scan = self.data, self.scanned
        if data is None:
            return
        groups = scan.groups if together and scan is not None else ()
        if folds:
            data.k_fold(name, folds, by=by, together=groups)
        else:
            data.split(name, val_ratio=val / 100, test_ratio=test / 100, by=by, together=groups)
        self._chose()

    def do_use(self, name: str) -> None:
        """Let the selected experiment train with a split; an empty name is the quick one by shares."""
        if self.experiment is not None:
            self.experiment.set("data.split", name)
            self._chose()

    def do_rename_split(self, name: str, to: str) -> None:
        """Call a split otherwise; one that a run used is locked."""
        data = self.data
        if data is not None:
            data.rename_split(name, to)
            self._chose()

    def do_delete_split(self, name: str) -> None:
        """Move a split to the trash; one that a run used is locked."""
        data = self.data
        if data is not None:
            data.delete_split(name)
            self._chose()

    def do_leaks(self, name: str) -> None:
        """Show the images that lie, as copies, in several sets of a split."""
        data, scan = self.data, self.scanned
        if data is None or scan is None:
            return
        homes = {file: own for own, files in data.named_split(name).files.items() for file in files}
        self.show_images(f"Copies in several sets of {name}", [(file, homes[file]) for file in scan.leaks(name)])


def _words(name: str, dataset: str, base: str) -> str:
    """Return a split that a run has made in words; "" for one that somebody has named."""
    found = automatic(name, dataset)
    if found is None:
        return ""
    return found.words + ("" if found.base == base else ", of earlier images")
