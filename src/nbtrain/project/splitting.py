"""Named splits of one data set: made when somebody asks for them, kept under a name, locked once a run used them.

The split that a run makes by itself, from shares and seed, is datasets.py's. This file knows names, files of splits and
which runs used them; how images are dealt out is data/splits.py's and data/folds.py's matter.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from nbtrain import files
from nbtrain.data import folds, splits
from nbtrain.data.folds import Leak
from nbtrain.data.records import Listing, first
from nbtrain.data.splits import Split
from nbtrain.errors import DataError, NbtrainError

if TYPE_CHECKING:
    from nbtrain.project.project import Project

Groups = Iterable[Sequence[str]]


class Splitting:
    """What a data set offers of splits; a mixin for whoever has ``project``, ``name`` and ``listing()``."""

    project: Project
    name: str

    def listing(self) -> Listing:
        """Return every image that is in use."""
        raise NotImplementedError

    @property
    def splits(self) -> list[str]:
        """Names of the splits of this data set that are on disk."""
        return list(self.split_sizes)

    @property
    def split_sizes(self) -> dict[str, dict[str, int]]:
        """Images of each set of these splits, by their names."""
        folder, found = self.project.data.splits_folder, dict[str, dict[str, int]]()
        for name in self.project.data.split_names():
            path = folder / f"{name}.json"
            with contextlib.suppress(OSError):
                of, sizes = _told(path, path.stat().st_mtime_ns)
                found |= {name: sizes} if of == self.name else {}
        return found

    def split(
        self,
        name: str,
        *,
        val_ratio: float = 0.2,
        test_ratio: float = 0.0,
        seed: int = 42,
        by: str = "",
        together: Groups = (),
        own: bool = False,
        replace: bool = False,
    ) -> Split:
        """Make and keep a split under a name, which ``data.split`` of a configuration can then name.

        Stratified by class; ``by`` names a column whose equal values stay in one set (patient, video), ``together``
        holds groups of files that do (copies of one image); ``own`` takes the sets that the sources themselves give.
        An earlier split of this name is only overwritten with ``replace``, and never once a run used it.
        """
        groups = [tuple(group) for group in together]
        if own and (by or groups):
            raise DataError("a source's own sets cannot be grouped", value=name, advice="Leave out own, or by.")
        self._refuse_taken([name], replace)
        listing, shares = self.listing(), {"val_ratio": val_ratio, "test_ratio": test_ratio}
        if own:
            made = splits.from_folders(listing, val_ratio=val_ratio, seed=seed, name=name)
        elif by or groups:
            made = folds.grouped(listing, by=by, together=groups, seed=seed, name=name, **shares)
        else:
            made = splits.stratified(listing, seed=seed, name=name, **shares)
        return self._kept([made])[0]

    def k_fold(
        self, name: str, k: int = 5, *, seed: int = 42, by: str = "", together: Groups = (), replace: bool = False
    ) -> list[Split]:
        """Make and keep ``k`` splits, called ``name-1-of-k`` and so on; in each another part validates."""
        made = folds.k_fold(self.listing(), k, by=by, together=[tuple(g) for g in together], seed=seed, name=name)
        self._refuse_taken([split.name for split in made], replace)
        return self._kept(made)

    def named_split(self, name: str) -> Split:
        """Return the split of this name; raises DataError naming those there are."""
        path = self._path(name)
        if not path.exists():
            advice = f"There are: {first(self.splits) or 'none yet; split() makes one'}."
            raise DataError("there is no such split", value=name, advice=advice)
        return splits.load(path)

    def rename_split(self, name: str, to: str) -> Split:
        """Call a split ``to`` from now on, also in experiments that were not started; a locked one keeps its name."""
        found = self.named_split(name)
        if to.strip() == found.name:
            return found
        self._refuse_used(found.name)
        self._refuse_taken([to], overwrite=False)
        old, made = self._path(name), self._kept([dataclasses.replace(found, name=to.strip())])[0]
        for experiment in self.project.cards:
            if experiment.status == "created" and experiment.config.data.split in (name, found.name, old.stem):
                experiment.set("data.split", made.name)
        if old != self._path(made.name):
            files.remove(old)
        self.project.data_changed()
        return made

    def delete_split(self, name: str) -> Path:
        """Move a split to the project's trash; raises DataError where a run used it."""
        found = self.named_split(name)
        self._refuse_used(found.name)
        moved = self.project.trash(self._path(name))
        self.project.data_changed()
        return moved

    def leaks(self, groups: Groups, split: str | Split) -> list[Leak]:
        """Return which of the ``groups`` of files (copies of one image) lie in several sets of a split."""
        return folds.leaks(self.named_split(split) if isinstance(split, str) else split, groups)

    def _path(self, name: str) -> Path:
        return self.project.data.split_file(name)

    def _refuse_taken(self, names: Sequence[str], overwrite: bool) -> None:
        for name in names:
            if not name.strip():
                raise DataError("a split needs a name", value=name, advice="Give one, such as by-patient.")
            if not self._path(name).exists():
                continue
            if not overwrite:
                raise DataError("there is such a split already", value=name, advice="replace=True makes it anew.")
            known = _load(self._path(name))
            if known is not None and known.dataset not in ("", self.name):
                told = f"this name is taken by a split of the data set {known.dataset!r}"
                raise DataError(told, value=name, advice="Give another name.")
            self._refuse_used(known.name if known else name)

    def _refuse_used(self, name: str) -> None:
        used = list(used_by(self.project, name))
        if used:
            told = f"this split is locked: {first(used)} used it"
            raise DataError(told, value=name, advice="Make another split under another name.")

    def _kept(self, made: Sequence[Split]) -> list[Split]:
        found = [dataclasses.replace(split, dataset=self.name) for split in made]
        for split in found:
            self.project.data.keep_split(split)
        self.project.data_changed()
        return found


def used_by(project: Project, split: str) -> Iterator[str]:
    """Yield the runs that used the split of this name, as "name, run 1"; those in the trash do not count."""
    names = {split, files.slug(split)}
    yield from (told for used, told in uses(project) if used in names)


def uses(project: Project) -> Iterator[tuple[str, str]]:
    """Yield the split and the words of every run that names one: ("by-patient", "Baseline, run 1")."""
    for experiment in project.cards:
        folder = experiment.folder
        for path in sorted(folder.glob("runs/*/config.json")) if folder is not None else ():
            with contextlib.suppress(OSError):
                used = _split_of(path, path.stat().st_mtime_ns)
                if used:
                    yield used, f"{experiment.name}, run {int(path.parent.name)}"


@lru_cache(maxsize=4096)
def _split_of(path: Path, changed_ns: int) -> str:
    """Return the name of the split that a run's config.json says; it is frozen, so it is read once."""
    try:
        told = files.read_json(path)
    except (OSError, NbtrainError):  # a broken run is told elsewhere
        return ""
    used = told.get("split") if isinstance(told, dict) else None
    return str(used.get("name", "")) if isinstance(used, dict) else ""


@lru_cache(maxsize=256)
def _told(path: Path, changed_ns: int) -> tuple[str, dict[str, int]]:
    """Return a split's data set and the sizes of its sets: its file names every image, so it is read once."""
    split = _load(path)
    return (split.dataset, split.sizes) if split is not None else ("", {})


def _load(path: Path) -> Split | None:
    try:
        return splits.load(path)
    except (OSError, NbtrainError):
        return None
