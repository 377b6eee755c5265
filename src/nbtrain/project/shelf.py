"""The images of a data set as one looks through them: what each shows, in which set it is, what is wrong with it.

Images that are left out stand behind the others, with their reason. It knows names; it opens no image and changes
nothing. Problems come from a scan and are given, since not every data set has been scanned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nbtrain.data.records import Root
from nbtrain.data.splits import SETS, Split
from nbtrain.project.dataset_file import DataSet

LEFT_OUT = "Left out"
"""What the list of problems calls images that were left out."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; an empty text is no condition."""

    label: str = ""
    """A class."""
    part: str = ""
    """A set: train, val or test."""
    problem: str = ""
    """A kind of problem, or :data:`LEFT_OUT`."""
    words: str = ""
    """A part of the file's name; upper and lower case are one."""


class Shelf:
    """All images of a data set, those that are left out last."""

    def __init__(
        self, dataset: DataSet, split: Split | None = None, problems: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        """Take a data set, the split that divides it, and per kind of problem the files with what is wrong."""
        listing, edits = dataset.listing(), dataset.edits
        self.root: Root = listing.root
        self.classes = listing.classes
        found = dataset.found().listing
        known = found.positions() if edits.excluded else {}
        self._as_found = {file: found.records[known[file]] for file in edits.excluded if file in known}
        self.out = list(self._as_found)
        self.files = [*(record.file for record in listing.records), *self.out]
        self.problems = problems or {}
        self._edits = edits
        self._records, self._found_classes = listing.records, found.classes
        self._split = split

    def __len__(self) -> int:
        return len(self.files)

    def places(self, files: Iterable[str]) -> NDArray[np.int64]:
        """Return where these files stand, in their order; those that are not there are passed over."""
        known = {file: place for place, file in enumerate(self.files)}
        return np.array([known[file] for file in files if file in known], np.int64)

    def find(self, query: Query, only: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the places of the images that fit, in the data set's order; those left out only if asked for.

        ``only`` are the places to look at, whose order is kept; left-out ones among them count.
        """
        n_used = len(self._records)
        if only is not None and query.problem != LEFT_OUT:
            fits = np.ones(len(self), bool)
        elif query.problem == LEFT_OUT:
            fits = np.arange(len(self)) >= n_used
        else:
            fits = np.arange(len(self)) < n_used
        if query.problem and query.problem != LEFT_OUT:
            wrong = self.problems.get(query.problem, {})
            fits = np.array([file in wrong for file in self.files], bool)
        if query.label:
            fits &= np.array([query.label in self.labels(place) for place in range(len(self))], bool)
        if query.part:
            fits &= np.array([self._parts.get(file) == query.part for file in self.files], bool)
        if query.words:
            words = query.words.casefold()
            fits &= np.array([words in file.casefold() for file in self.files], bool)
        return np.flatnonzero(fits) if only is None else only[fits[only]]

    def labels(self, place: int) -> tuple[str, ...]:
        """Return the classes of an image, as they are called now."""
        if place < len(self._records):
            return tuple(self.classes[label] for label in self._records[place].labels)
        file = self.files[place]
        found = tuple(self._found_classes[label] for label in self._as_found[file].labels)
        own = self._edits.labels.get(file, found)
        return tuple(filter(None, map(self._edits.name_of, own)))

    def part(self, place: int) -> str:
        """Return the set of an image, "" where no split has it."""
        return self._parts.get(self.files[place], "")

    def told(self, place: int) -> list[str]:
        """Return what is wrong with an image, in sentences."""
        file = self.files[place]
        return [wrong[file] for wrong in self.problems.values() if file in wrong]

    def reason(self, place: int) -> str:
        """Return why an image is left out; "" for one that is not, or without a reason."""
        excluded = self._edits.excluded.get(self.files[place])
        return excluded.reason if excluded else ""

    def is_out(self, place: int) -> bool:
        """Return whether an image is left out."""
        return place >= len(self._records)

    @cached_property
    def label_counts(self) -> dict[str, int]:
        """Images in use that carry each class."""
        found = Counter(label for record in self._records for label in record.labels)
        return {name: found[place] for place, name in enumerate(self.classes)}

    @cached_property
    def part_counts(self) -> dict[str, int]:
        """Images in use of each set; empty where there is no split."""
        found = Counter(self._parts.get(record.file, "") for record in self._records)
        return {name: found[name] for name in SETS if found[name]}

    @property
    def problem_counts(self) -> dict[str, int]:
        """Images with each kind of problem, and those left out."""
        found = {kind: len(files) for kind, files in self.problems.items()}
        return {**found, **({LEFT_OUT: len(self.out)} if self.out else {})}

    @cached_property
    def _parts(self) -> dict[str, str]:
        if self._split is None:
            return {}
        return {file: name for name, files in self._split.files.items() for file in files}
