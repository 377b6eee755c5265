"""Cases: the n-th mutated data set of a number to begin with, the same on every machine."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from data.fuzzing.binaries import ARCHIVES, MASKS, TABLES
from data.fuzzing.judge import Outcome, fault, read
from data.fuzzing.places import moves
from data.fuzzing.promises import ANY, Pen, Promise
from data.fuzzing.seeds import MAKERS, Seed, Tree, plant, seed_of
from data.fuzzing.texts import BYTES, ENCODINGS, JSON, LINES, ROWS, XML, YAML, Mutation
from nbtrain.errors import DataError

BY_KIND: dict[str, tuple[Mutation, ...]] = {
    "csv": (*BYTES, *ENCODINGS, *ROWS),
    "tsv": (*BYTES, *ENCODINGS, *ROWS),
    "json": (*BYTES, *ENCODINGS, *JSON, *JSON),
    "xml": (*BYTES, *ENCODINGS, *XML),
    "yaml": (*BYTES, *ENCODINGS, *YAML),
    "lines": (*BYTES, *ENCODINGS, *LINES),
    "boxes": (*BYTES, *ENCODINGS, *LINES),
    "names": (*BYTES, *ENCODINGS, *LINES),
    "notes": BYTES,
    "parquet": (*BYTES, *TABLES),
    "arrow": (*BYTES, *TABLES),
    "png": (*BYTES, *MASKS),
    **dict.fromkeys(("zip", "tar", "tar.gz"), (*BYTES, *ARCHIVES)),
}
"""What mutates a file, by its kind."""
FORMATS = tuple(MAKERS)
_PLACES = 0.2
"""Share of cases that move files, where there are annotations too."""
_TWICE = 0.1
"""Share of cases that are mutated once more."""


@dataclass(frozen=True)
class Case:
    """One mutated data set."""

    form: str
    tree: Tree
    promise: Promise
    names: tuple[str, ...]
    """The mutations."""
    touched: str = ""
    """The annotation file that was mutated, "" where files were moved."""


@dataclass(frozen=True)
class Verdict:
    """How a case ended."""

    case: Case
    outcome: Outcome
    fault: str

    @property
    def end(self) -> str:
        """What it ended in: "read", "refused" or "wrong"."""
        return "wrong" if self.fault else "refused" if isinstance(self.outcome.error, DataError) else "read"


def case_of(seed: int, number: int, form: str = "") -> Case:
    """Return a case; the formats take turns unless one is given."""
    rng = random.Random(f"{seed} {number} {form}")
    form = form or FORMATS[number % len(FORMATS)]
    case = _mutated(rng, form, seed_of(form))
    if rng.random() >= _TWICE:
        return case
    try:
        again = _mutated(rng, form, replace(seed_of(form), tree=case.tree))
    except Exception:  # noqa: BLE001 - the second cannot parse what the first has broken
        return case
    return replace(again, promise=replace(ANY, grows=True), names=(*case.names, *again.names), touched="")


def _mutated(rng: random.Random, form: str, seed: Seed) -> Case:
    if not seed.annotations or rng.random() < _PLACES:
        move = rng.choice(moves(seed))
        tree, promise = move(rng, seed)
        return Case(form, tree, promise, (move.__name__,))
    file = rng.choice(list(seed.annotations))
    mutation = rng.choice(BY_KIND[seed.annotations[file]])
    data = seed.tree[file]
    if not isinstance(data, bytes):
        raise TypeError(f"{file} is no file any more")
    made, promise = mutation(Pen(rng, seed, file), data)
    return Case(form, {**seed.tree, file: made}, promise, (mutation.__name__,), file)


def verdict_of(case: Case, room: Path) -> Verdict:
    """Return how a case ends; its files lie in ``room`` until the next."""
    shutil.rmtree(room, ignore_errors=True)
    plant(case.tree, room / "set")
    seed = seed_of(case.form)
    outcome = read(room / "set" / seed.give, room / "unpacked")
    return Verdict(case, outcome, fault(seed, case.promise, valid(case.form, room), outcome, case.touched))


@cache
def valid(form: str, room: Path) -> Outcome:
    """Return what comes of the valid data set; raises AssertionError where that is not the truth."""
    seed = seed_of(form)
    place = room.with_name(f"{room.name}-valid")
    shutil.rmtree(place, ignore_errors=True)
    plant(seed.tree, place / "set")
    outcome = read(place / "set" / seed.give, place / "unpacked")
    if outcome.error is not None:
        raise outcome.error
    assert outcome.shown == seed.truth, f"{form}: {outcome.shown} is not {seed.truth}"
    return outcome
