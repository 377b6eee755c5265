"""Splits that keep images together, k-folds, and what leaks between the sets of a split.

Images of one group (a patient, a video, copies of one image) fall into one set. Groups are dealt out greedily, the
largest first, each to the set that lacks its labels most; groups are ranked by a keyed hash like single images
(splits.py), so the choice is the same everywhere. This file knows names, labels and groups; it opens no image.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nbtrain.data.records import Listing, counted, first
from nbtrain.data.splits import SETS, Split, lists, rank, ratios_of, with_both
from nbtrain.errors import DataError

MIN_FOLDS = 2


@dataclass(frozen=True, slots=True)
class Leak:
    """Images that belong together and lie in several sets: what is validated on was learned from."""

    files: Mapping[str, tuple[str, ...]]
    """By set, those of them that lie in it."""

    def __str__(self) -> str:
        return "; ".join(f"{name}: {first(files)}" for name, files in self.files.items())


def leaks(split: Split, groups: Iterable[Sequence[str]]) -> list[Leak]:
    """Return the groups of files (copies of one image, say) that lie in more than one set of ``split``."""
    home = {file: name for name in SETS for file in split.files.get(name, ())}
    found = []
    for group in groups:
        by_set: dict[str, list[str]] = {}
        for file in group:
            if file in home:
                by_set.setdefault(home[file], []).append(file)
        if len(by_set) > 1:
            found.append(Leak({name: tuple(by_set[name]) for name in SETS if name in by_set}))
    return found


def grouped(
    listing: Listing,
    *,
    by: str = "",
    together: Iterable[Sequence[str]] = (),
    val_ratio: float = 0.2,
    test_ratio: float = 0.0,
    seed: int = 42,
    name: str = "grouped",
) -> Split:
    """Return a split by ratio in which images with the same value in the column ``by`` lie in one set.

    So do the files of each of the groups in ``together``. Classes are as even as groups allow. Raises DataError where
    there are too few groups.
    """
    ratios = ratios_of(val_ratio, test_ratio)
    members = groups_of(listing, by, together)
    _enough(members, sum(ratio > 0 for ratio in ratios), by)
    home = _dealt(listing, members, ratios, seed)
    chosen = [[p for group, own in zip(members, home, strict=True) if own == s for p in group] for s in range(3)]
    for place, told in enumerate(("to train on", "for validation", "for testing")):
        if ratios[place] and not chosen[place]:
            advice = "Choose other shares or another seed, or split without groups."
            raise DataError(f"the groups leave no image {told}", value=counted(len(members), "group", "groups"),
                            advice=advice)  # fmt: skip
    return Split(name, seed, lists(listing, chosen))


def k_fold(
    listing: Listing,
    k: int,
    *,
    by: str = "",
    together: Iterable[Sequence[str]] = (),
    seed: int = 42,
    name: str = "fold",
) -> list[Split]:
    """Return ``k`` splits: of ``k`` parts, each validates once and trains in all the others.

    Parts are even in classes, and keep groups whole as :func:`grouped` does. Raises DataError where a class or the
    groups are fewer than ``k``.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < MIN_FOLDS:
        raise DataError("the number of folds must be a whole number from 2", value=k, advice="5 is usual.")
    members = groups_of(listing, by, together)
    _enough(members, k, by)
    _enough_of_each(listing, members, k)
    home = _dealt(listing, members, [1 / k] * k, seed)
    parts = [[p for group, own in zip(members, home, strict=True) if own == fold for p in group] for fold in range(k)]
    made = []
    for fold in range(k):
        rest = [place for other in range(k) if other != fold for place in parts[other]]
        made.append(Split(f"{name}-{fold + 1}-of-{k}", seed, lists(listing, with_both([rest, parts[fold], []]))))
    return made


def groups_of(listing: Listing, by: str = "", together: Iterable[Sequence[str]] = ()) -> list[list[int]]:
    """Return the places of the images that must lie in one set, group by group; most images are a group of their own.

    An image without a value in the column ``by`` belongs to nobody. Raises DataError for a column that is not there.
    """
    leader = list(range(len(listing)))

    def find(place: int) -> int:
        while leader[place] != place:
            leader[place] = leader[leader[place]]
            place = leader[place]
        return place

    def join(own: Sequence[int]) -> None:
        for other in own[1:]:
            leader[find(other)] = find(own[0])

    for own in _by_column(listing, by) if by else ():
        join(own)
    places = listing.positions()
    for group in together:
        join([places[file] for file in group if file in places])
    found: dict[int, list[int]] = defaultdict(list)
    for place in range(len(listing)):
        found[find(place)].append(place)
    return list(found.values())


def _by_column(listing: Listing, by: str) -> list[list[int]]:
    if by not in listing.columns:
        there = first(listing.columns, 12) or "none"
        advice = f"Columns of this data set: {there}. A table may have columns beside file and label."
        raise DataError("the data set has no such column", value=by, advice=advice)
    column = listing.columns.index(by)
    found: dict[str, list[int]] = defaultdict(list)
    for place, record in enumerate(listing.records):
        value = record.cells[column] if record.cells else ""
        if value:
            found[value].append(place)
    if len(found) < 2:
        advice = "Choose a column that tells images apart, such as patient or video."
        raise DataError(f"all images have the same value in {by!r}", value=next(iter(found), ""), advice=advice)
    return list(found.values())


def _enough(members: Sequence[Sequence[int]], needed: int, by: str) -> None:
    if len(members) >= needed:
        return
    what = f"{counted(len(members), 'group', 'groups')} cannot fill {needed} sets" + (f" (by {by!r})" if by else "")
    raise DataError(what, advice="Take fewer sets, or groups that are smaller.")


def _enough_of_each(listing: Listing, members: Sequence[Sequence[int]], k: int) -> None:
    """Refuse more folds than there are groups of some class: a fold without it could not validate it."""
    held = Counter(label for group in members for label in {i for p in group for i in listing.records[p].labels})
    few = [label for label in range(len(listing.classes)) if 0 < held[label] < k]
    if not few:
        return
    label = min(few, key=lambda i: held[i])
    whole = len(members) == len(listing)
    told = counted(held[label], "image" if whole else "group", "images" if whole else "groups")
    raise DataError(
        f"{k} folds are more than the {told} of the class {listing.classes[label]!r}",
        value=k,
        advice=f"Take at most {held[label]} folds, or drop or merge the class." if held[label] > 1 else
        "Drop or merge the class, or add images of it.",
    )  # fmt: skip


def _dealt(listing: Listing, members: Sequence[Sequence[int]], ratios: Sequence[float], seed: int) -> list[int]:
    """Return the set of each group: the one in which the shares of its labels are then nearest to the wanted ones.

    Sums of squared distances from the wanted counts, each relative to its label's total; the number of images counts
    like one more label, so that sets also have the wanted sizes.
    """
    totals = np.array([*(max(1, count) for count in listing.counts), len(listing)], float)
    wanted = np.array(ratios)[:, None] * totals
    have = np.zeros_like(wanted)
    # A label of few images decides more: a whole image of it is a large share.
    weight = 1 / totals
    open_sets = np.array(ratios) > 0
    keys = [min(rank(seed, listing.records[place].file) for place in group) for group in members]
    home = [0] * len(members)
    for number in sorted(range(len(members)), key=lambda i: (-len(members[i]), keys[i])):
        counts = Counter(label for place in members[number] for label in listing.records[place].labels)
        counts[len(listing.classes)] = len(members[number])
        labels = np.fromiter(counts, int)
        more = np.fromiter(counts.values(), float)
        cost = (weight[labels] * more * (2 * (have[:, labels] - wanted[:, labels]) + more)).sum(1)
        target = int(np.where(open_sets, cost, np.inf).argmin())
        have[target, labels] += more
        home[number] = target
    return home
