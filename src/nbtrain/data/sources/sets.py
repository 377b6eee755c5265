"""Names of sets: which of train, val and test a folder, a file or a cell of a table is about.

``seg_train``, ``training_set``, ``X_train``, ``trainImages``, ``TRAIN``, ``train2017``, ``dev`` and ``holdout`` are
understood. A name that also says something else ("pets_train") is about a set only beside one that says the same
("pets_test"): ``sets_among`` looks at names together. Words of other languages, or numbers, are added by a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from nbtrain.data.splits import SETS
from nbtrain.errors import DataError

SET_WORDS: dict[str, str] = {
    **dict.fromkeys(("train", "training", "trainval", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "devel", "eval", "evaluation"), "val"),
    **dict.fromkeys(("test", "testing", "tst", "holdout"), "test"),
}
"""What people call the three sets, in lower case, and what nbtrain calls them."""

_FILLERS = frozenset(
    (
        *("a", "all", "class", "classes", "data", "dataset", "dir", "directory", "file", "files", "final", "folder"),
        *("full", "image", "images", "img", "imgs", "jpeg", "jpg", "photo", "photos", "pic", "pics", "picture"),
        *("pictures", "png", "sample", "samples", "set", "sets", "split", "splits", "subset", "the", "x", "y"),
    )
)
"""Words beside a set's word that say nothing more."""
_COMPOUND = re.compile(rf"({'|'.join(sorted(SET_WORDS, key=len, reverse=True))})(set|data|images|imgs|img)")
_HOLD_OUT = re.compile(r"hold[ _-]out", re.IGNORECASE)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+")
"""Runs of letters, parted where a capital begins a word: trainImages, TRAIN, XTrain."""


More = Mapping[str, str]
"""Words that a person has added, in lower case, and the sets that they mean."""
_NO_MORE: More = {}


def added(given: Iterable[str]) -> More:
    """Return what texts such as ``entreno=train`` or ``0=val`` add; raises DataError for one that names no set."""
    found: dict[str, str] = {}
    for text in given:
        word, equals, named = text.partition("=")
        if not word.strip() or not equals or named.strip() not in SETS:
            raise DataError(
                "this names no set", value=text, advice="Write the word, = and train, val or test: eval2=val."
            )
        found[word.strip().casefold()] = named.strip()
    return found


def set_and_rest(name: str, more: More = _NO_MORE) -> tuple[str, tuple[str, ...]]:
    """Return the set that ``name`` is about, "" where it says none or several, and what else it says, in lower case."""
    whole = more.get(name.strip().casefold())
    if whole:
        return whole, ()
    sets: list[str] = []
    rest: list[str] = []
    for word in _words(name):
        known = more.get(word) or SET_WORDS.get(word)
        if known:
            sets.append(known)
        elif word not in _FILLERS:
            rest.append(word)
    return (sets[0], tuple(rest)) if len(set(sets)) == 1 else ("", tuple(rest))


def _words(name: str) -> Iterable[str]:
    for word in _WORDS.findall(_HOLD_OUT.sub("holdout", name)):
        compound = _COMPOUND.fullmatch(word.lower())
        yield from (compound.groups() if compound else (word.casefold(),))


def set_of(name: str, more: More = _NO_MORE) -> str:
    """Return the set that a name such as ``instances_train2017`` is about; "" where it says none, or several."""
    return set_and_rest(name, more)[0]


def is_set_name(name: str, more: More = _NO_MORE) -> bool:
    """Return whether ``name`` says a set and nothing else: ``training_set`` does, ``pets_train`` does not."""
    named, rest = set_and_rest(name, more)
    return bool(named) and not rest


def sets_among(names: Iterable[str], more: More = _NO_MORE) -> dict[str, str]:
    """Return of ``names`` those that are sets, with the set that each is; nothing where they are something else.

    They all say the same beside their set ("seg_train", "seg_test"), and one of them trains.
    """
    groups: dict[tuple[str, ...], dict[str, str]] = {}
    for name in names:
        named, rest = set_and_rest(name, more)
        if named:
            groups.setdefault(rest, {})[name] = named
    sound = [group for rest, group in groups.items() if "train" in group.values() and (not rest or len(group) > 1)]
    return max(sound, key=len, default={})
