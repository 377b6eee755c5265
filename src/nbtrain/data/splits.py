"""Splits: which files train, which validate, which test. Named, seeded, stored as lists of files with a hash.

The choice is the same on every machine and in every version: files are ranked by a keyed hash of their name, not by a
random generator. A split never changes under a run that used it, because it lists files instead of a rule. This file
knows names and labels; it opens no image.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nbtrain import files as disk
from nbtrain.data.records import Listing, counted, first
from nbtrain.errors import DataError, FormatError, Problem
from nbtrain.schema import Format, canonical

SETS = ("train", "val", "test")
FORMAT = Format("split")
Files = Mapping[str, tuple[str, ...]]
_MAX_BYTES = 2**30
"""A split names every image: ten million of them are a file of this size."""


@dataclass(frozen=True)
class Split:
    """Three lists of files. ``seed`` is the one that drew them, 0 where the source's own folders decided."""

    name: str
    seed: int
    files: Files
    dataset: str = ""

    @cached_property
    def hash(self) -> str:
        """A hash over the file lists and their order; 16 hex digits. Name, seed and data set are no part of it."""
        lists = {name: self.files.get(name, ()) for name in SETS}
        return hashlib.sha256(canonical(lists)).hexdigest()[:16]

    @property
    def sizes(self) -> dict[str, int]:
        """Number of files in each set."""
        return {name: len(self.files.get(name, ())) for name in SETS}

    def places(self, listing: Listing, *, lacking: bool = False) -> dict[str, tuple[int, ...]]:
        """Return the place in ``listing.records`` of every file that is not left out on purpose.

        Raises DataError naming the files that are gone, unless some may be ``lacking``.
        """
        places = listing.positions()
        gone = [file for files in self.gone(listing).values() for file in files]
        if gone and not lacking:
            raise DataError(
                f"the split {self.name!r} names {counted(len(gone), 'file that is', 'files that are')} not there "
                f"any more: {first(gone)}",
                value=str(listing.root),
                advice="Bring the files back, or make a new split.",
            )
        return {name: tuple(places[f] for f in self.files.get(name, ()) if f in places) for name in SETS}

    def gone(self, listing: Listing) -> dict[str, tuple[str, ...]]:
        """Return the files of each set that are in ``listing`` no more, and were not left out on purpose."""
        there, out = listing.positions(), listing.left_out
        lists = {n: tuple(f for f in self.files.get(n, ()) if f not in there and f not in out) for n in SETS}
        return {name: files for name, files in lists.items() if files}

    def save(self, path: str | Path) -> None:
        """Write the split to ``path``, whole or not at all."""
        disk.write_json(path, FORMAT.mark(self.plain()))

    def plain(self) -> dict[str, Any]:
        """Return the split as plain JSON values, with its hash."""
        lists = {name: list(self.files.get(name, ())) for name in SETS}
        return {"name": self.name, "dataset": self.dataset, "seed": self.seed, "files": lists, "hash": self.hash}


@dataclass(frozen=True, slots=True)
class Extent:
    """What the sizes of one source's sets follow from, before they are drawn."""

    own: Mapping[str, int]
    """Images of each set that the source itself names; empty where it names none."""
    n_drawn_from: int
    """Images that are dealt out by ratio: all, or those of its own train set where it has no val."""
    counts: tuple[int, ...]
    """The same by class; empty where an image may have several labels."""

    @classmethod
    def of(cls, listing: Listing) -> Extent:
        """Return the extent of what one source holds."""
        own, records = {name: tuple(files) for name, files in (listing.own_split or {}).items()}, listing.records
        if own.get("train"):
            train = frozenset(own["train"])
            records = tuple(record for record in records if record.file in train)
        several = listing.multilabel or any(len(record.labels) != 1 for record in records)
        counts = Counter() if several else Counter(record.labels[0] for record in records)
        sizes = {name: len(files) for name, files in own.items() if files}
        return cls(sizes, len(records), tuple(counts[label] for label in sorted(counts)))

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"own": dict(self.own), "n_drawn_from": self.n_drawn_from, "counts": list(self.counts)}

    @classmethod
    def parse(cls, plain: object) -> tuple[Extent, ...]:
        """Return the extents that JSON describes; none where one of them is none: the images can be looked at."""
        try:
            return tuple(
                cls(
                    {n: int(one["own"].get(n, 0)) for n in SETS},
                    int(one["n_drawn_from"]),
                    tuple(map(int, one["counts"])),
                )
                for one in (plain if isinstance(plain, list) else ())
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return ()

    def sizes(self, val_ratio: float, test_ratio: float) -> dict[str, int]:
        """Return the size of each set; with several labels per image, give or take a few."""
        if any(self.own.values()) and (self.own.get("val") or not self.own.get("train")):
            return {name: self.own.get(name, 0) for name in SETS}
        test_ratio = 0.0 if self.own.get("train") else test_ratio
        n_val, n_test = round(self.n_drawn_from * val_ratio), round(self.n_drawn_from * test_ratio)
        if self.counts:
            n_val, n_test = map(sum, _drawn(self.counts, (1 - val_ratio - test_ratio, val_ratio, test_ratio)))
        n_train = max(0, self.n_drawn_from - n_val - n_test)
        if n_train + n_val > 1:  # as with_both() has it
            n_train, n_val = (n_train - 1, 1) if not n_val else (1, n_val - 1) if not n_train else (n_train, n_val)
        return {"train": n_train, "val": n_val, "test": n_test + self.own.get("test", 0)}


def load(path: str | Path) -> Split:
    """Return the split stored at ``path``; raises FormatError where it is broken or was edited by hand."""
    plain = FORMAT.read(disk.read_json(path, limit_bytes=_MAX_BYTES), path)
    try:
        lists = {name: tuple(map(_text, plain["files"][name])) for name in SETS}
        split = Split(_text(plain["name"]), int(plain["seed"]), lists, _text(plain["dataset"]))
        stored = _text(plain["hash"])
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(path, f"is no split ({type(error).__name__}: {error})") from None
    if stored != split.hash:
        raise _broken(path, f"was changed after it was stored (hash {stored}, now {split.hash})")
    return split


def stratified(
    listing: Listing, *, val_ratio: float = 0.2, test_ratio: float = 0.0, seed: int = 42, name: str = "default"
) -> Split:
    """Return a split by ratio in which every class is present in proportion.

    A class with one image only trains. With several labels per image the sets are filled label by label, the rarest
    first (iterative stratification; Sechidis, Tsoumakas and Vlahavas 2011).
    """
    ratios = ratios_of(val_ratio, test_ratio)
    if len(listing) < 2:
        told = counted(len(listing), "image", "images")
        raise DataError(f"{told} cannot be split", advice="Add images: one for training and one for validation.")
    ranked = sorted(range(len(listing)), key=lambda place: rank(seed, listing.records[place].file))
    choose = _by_label if listing.multilabel else _by_class
    chosen = with_both(choose(listing, ranked, ratios))
    return Split(name, seed, lists(listing, chosen))


def from_folders(listing: Listing, *, val_ratio: float = 0.2, seed: int = 42, name: str = "own") -> Split:
    """Return the split that the source itself gives; where it has no val, val is drawn from its train, stratified."""
    own = listing.own_split
    if not own or not own.get("train"):
        raise DataError(
            "the source has no train set of its own" if own else "the source says nothing about train and val",
            value=str(listing.root),
            advice="Split by ratio instead, or name the folders train and val.",
        )
    sets = {s: tuple(own.get(s, ())) for s in SETS}
    if sets["val"]:
        return Split(name, 0, sets)
    places = listing.positions()
    train = replace(listing, records=tuple(listing.records[places[file]] for file in sets["train"]))
    drawn = stratified(train, val_ratio=val_ratio, seed=seed)
    return Split(name, seed, {**drawn.files, "test": sets["test"]})


def chosen(listing: Listing, *, val_ratio: float, test_ratio: float, seed: int, name: str) -> Split:
    """Return the split that the source itself gives, and one by ratio where it gives none."""
    if listing.own_split:
        return from_folders(listing, val_ratio=val_ratio, seed=seed, name=name)
    return stratified(listing, val_ratio=val_ratio, test_ratio=test_ratio, seed=seed, name=name)


def rank(seed: int, file: str) -> bytes:
    """Return the key by which files are put into random order: equal everywhere, and untouched by other files."""
    return hashlib.blake2b(file.encode(), digest_size=8, key=seed.to_bytes(16, "little", signed=True)).digest()


def ratios_of(val_ratio: float, test_ratio: float) -> tuple[float, float, float]:
    """Return the shares of train, val and test; raises DataError where they leave nothing to train on."""
    if not 0 < val_ratio < 1:
        raise DataError("the share for validation must lie between 0 and 1", value=val_ratio, advice="0.2 is usual.")
    if not 0 <= test_ratio < 1:
        raise DataError("the share for testing must lie between 0 and 1", value=test_ratio, advice="0 means none.")
    train_ratio = 1 - val_ratio - test_ratio
    if train_ratio < 1e-9:
        told = "the shares for validation and testing leave nothing to train on"
        raise DataError(told, value=(val_ratio, test_ratio), advice="Their sum must stay below 1.")
    return train_ratio, val_ratio, test_ratio


def _by_class(listing: Listing, ranked: Sequence[int], ratios: tuple[float, float, float]) -> list[list[int]]:
    """Return the places of train, val and test: of each class its share, rounded so that the totals fit too."""
    members: list[list[int]] = [[] for _ in listing.classes]
    for place in ranked:
        members[listing.records[place].labels[0]].append(place)
    n_val, n_test = _drawn([len(places) for places in members], ratios)
    chosen: list[list[int]] = [[], [], []]
    for places, val, test in zip(members, n_val, n_test, strict=True):
        chosen[1] += places[:val]
        chosen[2] += places[val : val + test]
        chosen[0] += places[val + test :]
    return chosen


def _drawn(counts: Sequence[int], ratios: tuple[float, float, float]) -> tuple[list[int], list[int]]:
    """Return how many images of each class validate, and how many test."""
    n_test = _shares(counts, ratios[2], [max(0, count - 1) for count in counts])
    n_val = _shares(counts, ratios[1], [max(0, count - 1 - taken) for count, taken in zip(counts, n_test, strict=True)])
    return n_val, n_test


def _shares(counts: Sequence[int], ratio: float, most: Sequence[int]) -> list[int]:
    """Return ``ratio`` of each count in whole numbers (largest remainders), none above its ``most``."""
    # Rounded before comparing, so that 0.2 × 5 is 1 whichever way the multiplication errs.
    exact = [round(count * ratio, 9) for count in counts]
    given = [min(int(x), m) for x, m in zip(exact, most, strict=True)]
    left = round(sum(exact)) - sum(given)
    for i in sorted(range(len(counts)), key=lambda i: (int(exact[i]) - exact[i], i)):
        if left > 0 and given[i] < most[i] and exact[i] > given[i]:
            given[i] += 1
            left -= 1
    return given


def _by_label(listing: Listing, ranked: Sequence[int], ratios: tuple[float, float, float]) -> list[list[int]]:
    """Return the places of train, val and test, filled label by label: the label with fewest images left goes first."""
    labels = [listing.records[place].labels for place in ranked]
    left = np.array(listing.counts)
    wanted = np.array(ratios)[:, None] * left
    room = np.array(ratios) * len(ranked)
    holders: list[list[int]] = [[] for _ in listing.classes]
    for i, own in enumerate(labels):
        for label in own:
            holders[label].append(i)
    home = np.full(len(ranked), -1)

    def put(i: int, target: int) -> None:
        home[i] = target
        room[target] -= 1
        for label in labels[i]:
            wanted[target, label] -= 1
            left[label] -= 1

    while left.any():
        label = int(np.where(left > 0, left, left.max() + 1).argmin())
        for i in holders[label]:
            if home[i] < 0:
                put(i, _neediest(wanted[:, label], room))
    for unlabelled in np.flatnonzero(home < 0).tolist():
        put(unlabelled, int(room.argmax()))
    return [[ranked[i] for i in np.flatnonzero(home == target).tolist()] for target in range(3)]


def _neediest(wanted: Any, room: Any) -> int:
    """Return the set that lacks most of a label; among equals the one with most room."""
    best = np.flatnonzero(wanted >= wanted.max() - 1e-9)
    return int(best[room[best].argmax()])


def with_both(chosen: list[list[int]]) -> list[list[int]]:
    """Return the choice with an image for training and one for validation at least; rounding may leave none."""
    for needy, giver in ((0, 1), (1, 0)):
        if not chosen[needy]:
            chosen[needy].append(chosen[giver].pop())
    return chosen


def lists(listing: Listing, chosen: Iterable[list[int]]) -> Files:
    """Return the files at the chosen places of train, val and test."""
    # In the listing's order, not in the drawn one: lists that read well, and a shuffle that owes nothing to the split.
    return {
        name: tuple(listing.records[place].file for place in sorted(places))
        for name, places in zip(SETS, chosen, strict=True)
    }


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _broken(path: str | Path, told: str) -> FormatError:
    return FormatError([Problem(str(path), f"{told}.", "Restore it from a copy, or make a new split.")])
