"""The project's data sets and splits: small files that say where the images lie and which of them train.

A data set's file holds its source, its classes and what a look at it found; the images stay where they are. A split's
file lists the files of each set. This file knows those two folders of a project; it opens no image.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nbtrain import files
from nbtrain.data import splits
from nbtrain.data.records import Listing
from nbtrain.data.settings import Data
from nbtrain.data.sources import Source
from nbtrain.data.splits import Split
from nbtrain.errors import DataError, FormatError, NbtrainError, Problem, ProjectError
from nbtrain.schema import Format

FORMAT = Format("data set file")
_TYPES = {
    "name": str, "classes": list, "counts": list, "n_images": int,
    "multilabel": bool, "own_split": bool, "hash": str, "notices": list,
}  # fmt: skip


@dataclass(frozen=True)
class DataSet:
    """One data set of a project, as it was when somebody last looked at its images."""

    name: str
    source: Source
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    """Images that carry each class."""
    n_images: int
    multilabel: bool
    own_split: bool
    """Whether the source itself says which images train."""
    hash: str
    notices: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, source: Source, listing: Listing) -> DataSet:
        """Return the data set that ``listing`` describes."""
        return cls(
            name=name,
            source=source,
            classes=listing.classes,
            counts=listing.counts,
            n_images=len(listing),
            multilabel=listing.multilabel,
            own_split=bool(listing.own_split),
            hash=listing.content_hash,
            notices=listing.notices,
        )

    def plain(self) -> dict[str, Any]:
        """Return the data set as it stands in its file."""
        return {**asdict(self), "source": self.source.plain()}

    def frozen(self) -> dict[str, Any]:
        """Return what a run records of it: enough to find the images again and to see a change."""
        return {"name": self.name, "source": self.source.plain(), "classes": list(self.classes), "hash": self.hash}


class DataSets:
    """The folders ``datasets/`` and ``splits/`` of one project."""

    def __init__(self, project: Path) -> None:
        self._sets, self._splits = project / "datasets", project / "splits"
        self._read: dict[str, tuple[int, DataSet]] = {}

    def names(self) -> list[str]:
        """Return the names of all data sets, in alphabetical order."""
        return [found.name for found in self.all()]

    def all(self) -> list[DataSet]:
        """Return all data sets that can be read, in alphabetical order."""
        found = (self._at(path) for path in sorted(self._sets.glob("*.json")))
        return sorted((d for d in found if d is not None), key=lambda d: d.name.casefold())

    def get(self, name: str) -> DataSet:
        """Return the data set called ``name``; raises DataError naming those there are."""
        usual = self._at(self._sets / f"{files.slug(name)}.json")  # where add() puts it
        if usual is not None and usual.name == name:
            return usual
        for found in self.all():
            if found.name == name:
                return found
        known = ", ".join(self.names()[:10]) or "none yet; add_images() adds one"
        raise DataError("this project has no such data set", value=name, advice=f"It has: {known}.")

    def split_names(self) -> list[str]:
        """Return the names of all splits on disk, in alphabetical order."""
        return sorted(path.stem for path in self._splits.glob("*.json"))

    def add(self, source: Source, name: str = "") -> DataSet:
        """Look at the images of ``source`` and keep them as a data set.

        One of the same name is renewed where it has the same source, or the same images, which then have moved.
        """
        listing = source.listing()
        made = DataSet.of(name.strip() or self._free_name(source), source, listing)
        same = next((d for d in self.all() if d.name == made.name), None)
        if same is not None and same.source != source and same.hash != made.hash:
            raise DataError("this name is taken by another data set", value=made.name, advice="Give another name.")
        path = self._sets / f"{files.slug(made.name)}.json"
        self._written(path, lambda where: files.write_json(where, FORMAT.mark(made.plain())))
        return made

    def split(self, data: Data) -> Split | None:
        """Return the split that ``data`` names or would make, where it is on disk already and still fits."""
        dataset = self.get(data.dataset)
        path = self._split_path(data, dataset)
        if not path.exists():
            if data.split:
                raise DataError("there is no such split", value=data.split, advice=f"Splits lie in {self._splits}.")
            return None
        return splits.load(path)

    def make_split(self, data: Data) -> Split:
        """Return the split for ``data``, made and kept now where it is not on disk yet."""
        found = self.split(data)
        if found is not None:
            return found
        dataset = self.get(data.dataset)
        listing = dataset.source.listing()
        path = self._split_path(data, dataset)
        made = splits.chosen(
            listing,
            val_ratio=data.val_ratio,
            test_ratio=data.test_ratio,
            seed=data.split_seed,
            name=path.stem,
        )
        made = replace(made, dataset=dataset.name)
        self._written(path, made.save)
        return made

    def where(self, data: Data) -> tuple[DataSet, Path]:
        """Return the data set that ``data`` names, and where its split lies, or will lie once it is made."""
        dataset = self.get(data.dataset)
        return dataset, self._split_path(data, dataset)

    def _split_path(self, data: Data, dataset: DataSet) -> Path:
        """A split's name says what it came from, data hash included: other images or another choice, another split."""
        shares = "own" if dataset.own_split else f"{data.val_ratio:g}-{data.test_ratio:g}"
        name = data.split or f"{files.slug(dataset.name)}-{shares}-seed{data.split_seed}-{dataset.hash[:8]}"
        return self._splits / f"{files.slug(name) if data.split else name}.json"

    def _at(self, path: Path) -> DataSet | None:
        try:
            changed = path.stat().st_mtime_ns
            if path.stem not in self._read or self._read[path.stem][0] != changed:
                self._read[path.stem] = (changed, read(path))
        except (OSError, NbtrainError):
            return None
        return self._read[path.stem][1]

    def _free_name(self, source: Source) -> str:
        stem = Path(source.path).stem or "images"
        taken = {d.name: d for d in self.all()}
        names = [stem, *(f"{stem} {n}" for n in range(2, 10_000))]
        return next(name for name in names if name not in taken or taken[name].source == source)

    def _written(self, path: Path, write: Callable[[Path], None]) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
        except OSError as error:
            raise _not_written(path, error) from None


def _not_written(path: Path, error: OSError) -> ProjectError:
    what = f"the project could not be written: {os.strerror(error.errno or 0)}"
    return ProjectError(what, value=str(path), advice="Choose a project folder that you may write to.")


def read(path: Path) -> DataSet:
    """Return the data set in a file; raises FormatError or ConfigError where it is broken or edited into nonsense."""
    plain = FORMAT.check_types(FORMAT.read(files.read_json(path), path), _TYPES, path)
    classes, counts = tuple(plain["classes"]), tuple(plain["counts"])
    fits = len(classes) == len(counts) and all(type(count) is int for count in counts)
    if not fits or not all(isinstance(name, str) for name in classes):
        told = "its classes and their counts do not fit each other."
        raise FormatError([Problem(str(path), told, "Add the images to the project again under the same name.")])
    known = {name: plain[name] for name in _TYPES}
    lists = {"classes": classes, "counts": counts, "notices": tuple(map(str, plain["notices"]))}
    return DataSet(**{**known, **lists}, source=Source.parse(plain.get("source")))
