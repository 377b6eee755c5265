"""The judge: reads a data set as a person would, within a time, and says whether the end is one that is promised.

A right end is a listing in which all is as in the valid file, but for what was touched and is told; or a DataError
that says which file, where in it, and what to do. All else is a fault.
"""

from __future__ import annotations

import contextlib
import re
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import orjson

from data.fuzzing.promises import Promise
from data.fuzzing.seeds import Seed, Shown
from nbtrain.data.records import Listing
from nbtrain.data.sources import Found, Source, detect, look
from nbtrain.errors import DataError

LIMIT_S = 20.0
"""How long one data set of eight images may take, on a machine that does other things too."""
_OF_CLASSES = re.compile(r"class(es)? (has|have)|These classes differ")
"""Notices that say nothing of what was dropped."""
_COUNTS = ("images: ", "classes: ", "own split: ", "columns: ", "box: ", "mask: ", "polygon: ")
"""How lines of a look begin that count what is used."""
_COUNT = re.compile(r"(?:note: |Not used: |too few classes are left: )?(\d[\d ]*?) ")
_MORE = re.compile(r" and (\d+) more")


_PLACED = re.compile(
    r"\b(lines?|row|place|task|image|annotation|object) \S*\d|first line|two \w+ have the id"
    r"|a column of 0 and 1 has no name|class \d+ has no name"
)
"""How an error says where in a file it is."""
_OF_ALL = re.compile(
    r"is empty|no rows|no images|no labels|names? no |only one class|too few classes|none of |no column"
    r"|not clear which|Which column|stands twice|is no COCO file|no list of|describes no data set"
    r"|no XML files|in two sets|a class has a name of|\d+ classes"
    r"|holds neither|path is no folder|no folder or list|names are no list|cannot be read|leads out|outside|not there"
    r"|and no text"
)
"""Errors about a file, or a data set, as a whole."""


class Hung(BaseException):
    """A reader has taken longer than it may. No reader catches it."""


@dataclass(frozen=True)
class Outcome:
    """What came of reading."""

    shown: dict[str, Shown]
    told: frozenset[str]
    error: BaseException | None = None
    seconds: float = 0.0


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise Hung in the main thread after so many seconds."""

    def ring(*_: object) -> None:
        raise Hung

    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a limit of time is for the main thread")
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def read(path: Path, work: Path) -> Outcome:
    """Return what looking at ``path``, and then using it, gives; images inside files are unpacked below ``work``."""
    began_s = time.monotonic()
    try:
        with limited(LIMIT_S):
            found = look(path)
            source = detect(path).placed(work)
            listing = source.listing()
            if type(source).preview is not Source.preview:
                found = look(source)
            said = _told(found, listing)
            orjson.dumps(found.plain())
            "\n".join((*found.lines(), *said)).encode()
    except (Exception, Hung) as error:  # noqa: BLE001 - which of them is right is the judge's to say
        return Outcome({}, frozenset(), error, time.monotonic() - began_s)
    return Outcome(_shown(listing), said, None, time.monotonic() - began_s)


def _told(found: Found, listing: Listing) -> frozenset[str]:
    """Return all that a person is told of what is not used, by the listing and by the look."""
    _, *said = found.lines()  # the first says where it lies
    lines = (line for line in said if not line.startswith(_COUNTS))
    lacking = (f"{kind}: {told}" for kind, told in found.lacking.items())
    doubts = (f"{doubt.file}: {doubt.text}" for doubt in listing.doubts)
    return frozenset((*listing.notices, *found.notices, *lines, *lacking, *doubts))


def _shown(listing: Listing) -> dict[str, Shown]:
    sets = {file: name for name, files in (listing.own_split or {}).items() for file in files}
    named = listing.columns.index("name") if "name" in listing.columns else None
    return {
        record.cells[named] if named is not None else PurePosixPath(record.file).stem: Shown(
            frozenset(listing.classes[label] for label in record.labels),
            tuple(
                sorted(
                    (mark.kind, listing.classes[mark.label], tuple(round(p, 2) for p in mark.points))
                    for mark in record.marks
                )
            ),
            sets.get(record.file, ""),
        )
        for record in listing.records
    }


def fault(seed: Seed, promise: Promise, valid: Outcome, after: Outcome, touched: str) -> str:
    """Return what is wrong with ``after``, the outcome for a mutated ``touched`` file, "" where nothing is."""
    error = after.error
    if isinstance(error, Hung):
        return f"it hung for {LIMIT_S:g} s"
    if isinstance(error, DataError):
        return _refused_wrongly(seed, promise, error, touched)
    if error is not None:
        return f"raised {type(error).__name__}: {error}"[:300]
    news = frozenset(told for told in after.told - valid.told if not _OF_CLASSES.search(told))
    return next(filter(None, _faults(seed, promise, after, news)), "")


def _refused_wrongly(seed: Seed, promise: Promise, error: DataError, touched: str) -> str:
    text = str(error)
    if promise.reads:
        return f"refused what is valid: {text}"
    if not error.advice:
        return f"says no way on: {text}"
    names = {PurePosixPath(name).name for name in (touched, seed.give) if name} | seed.truth.keys()
    if touched and not any(name in text for name in names) and "/set" not in text:
        return f"names no file: {text}"
    text_alone = _is_text(seed.annotations.get(touched, ""))
    if text_alone and not _PLACED.search(text) and not _OF_ALL.search(text):
        return f"says no line: {text}"
    return ""


def _is_text(kind: str) -> bool:
    return kind in ("csv", "tsv", "json", "xml", "yaml", "lines", "boxes", "names")


def _faults(seed: Seed, promise: Promise, after: Outcome, news: frozenset[str]) -> Iterator[str]:
    shown, truth = after.shown, seed.truth
    yield from _broken_promises(promise, shown, truth, news)
    touched = truth.keys() if promise.touched is None else promise.touched
    silent = truth.keys() if promise.silent is None else promise.silent
    for stem in sorted(truth.keys() - touched):
        now, was = shown.get(stem), truth[stem]
        # Where one set is lost the other stands for nothing: then no image is in a set, and that is told.
        lone = now is not None and now == was._replace(split="") and bool(news)
        if now != was and not lone:
            yield f"{stem} is {now}, not {was}, and was not touched"
    missing = truth.keys() - shown.keys() - silent
    if n := _unsaid(missing, news):
        yield f"{n} of {sorted(missing)} are missing without a word; said is {sorted(news)}"
    for stem in sorted((shown.keys() & truth.keys() & touched) - silent):
        if _poorer(shown[stem], truth[stem]) and not news:
            yield f"{stem} is {shown[stem]}, not {truth[stem]}, without a word"


def _broken_promises(
    promise: Promise, shown: dict[str, Shown], truth: dict[str, Shown], news: frozenset[str]
) -> Iterator[str]:
    if promise.refuses:
        yield "read what must be refused"
    if any(not name.strip() for one in shown.values() for name in one.labels):
        yield "has a class without a name"
    if extra := shown.keys() - truth.keys():
        yield "" if promise.grows else f"has images that are not there: {sorted(extra)}"
    if there := promise.gone & shown.keys():
        yield f"still has {sorted(there)}"
    if promise.told and not news:
        yield "says nothing"


def _poorer(now: Shown, was: Shown) -> bool:
    lost = bool(was.labels and not now.labels) or len(now.marks) < len(was.marks)
    return lost or bool(was.split and not now.split)


def _unsaid(missing: frozenset[str] | set[str], news: frozenset[str]) -> int:
    """Return how many missing images are neither named nor counted."""
    if any("names a set" in told for told in news):
        return 0  # all of its images are told by that
    unnamed = [stem for stem in missing if not any(stem in told for told in news)]
    counts = sum(int(n.group(1).replace(" ", "")) for told in news if (n := _COUNT.match(told)))
    counts += sum(int(n) for told in news for n in _MORE.findall(told))
    return max(0, len(unnamed) - counts)
