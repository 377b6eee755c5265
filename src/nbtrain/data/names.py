"""Names of classes: how one is written down, and which of several look like one.

Names that a person cannot tell apart (composed letters, zero-width characters, spaces at the ends) are one class, and
:func:`hearing` says so. Names that differ in case, in spaces and hyphens, or in letters that only look alike are
offered to be merged (:func:`alike`), never merged by themselves: "A" and "a" may well be two classes. It knows texts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

_SHOWN = 5
_LONG = 120
_INVISIBLE = re.compile("[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Soft hyphens, zero-width spaces, marks of direction, byte order marks."""
_JOINERS = re.compile("(?:(?<![^\x00-\x7f])|(?=[\u200c\u200d](?![^\x00-\x7f])))[\u200c\u200d]")
"""Zero-width joiners at an end or beside Latin: between letters of Persian, and in emoji, they mean something."""
_ANY_JOINER = re.compile("[\u200c\u200d]")
_BETWEEN = re.compile(r"(?<=\d)[\s_\-]+(?=\d)")
_SEPARATORS = re.compile(r"(?<!^)[\s_\-]+|^[\s_\-]+(?!\d)")
_NUMBER = re.compile(r"^\+?(-?\d+)(?:\.0*)?$")
_LOOK_ALIKE = str.maketrans(
    {
        # Cyrillic, Greek, and others: single letters that Unicode's confusables.txt (UTS #39) takes for Latin ones.
        # Pairs within ASCII (l and 1, O and 0) are left out: where text is read, they are classes of their own.
        **dict(zip("аеорсухіјѕһԁԛԝѵ", "aeopcyxijshdqwv", strict=True)),
        **dict(zip("АВЕКМНОРСТУХІЈЅԌԚԜ", "ABEKMHOPCTYXIJSGQW", strict=True)),
        **dict(zip("αγινορυ", "ayivopu", strict=True)),
        **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
        **dict(zip("ɑɡı", "agi", strict=True)),
        **dict.fromkeys("ʻʼʹ′’‘", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
    }
)


_HEARD: ContextVar[dict[str, set[str]] | None] = ContextVar("names heard", default=None)
"""By name, the ways in which it was written, while somebody listens."""


def visible(name: str) -> str:
    """Return ``name`` with composed letters and without what nobody sees; spaces stay as they are."""
    if name.isascii():
        return name
    clean = _JOINERS.sub("", _INVISIBLE.sub("", unicodedata.normalize("NFC", name)))
    heard = _HEARD.get()
    if heard is not None:
        heard.setdefault(clean.strip(), set()).add(name.strip())
    return clean


def clean_name(name: object) -> str:
    """Return a class's name as people read it: composed letters, nothing invisible, no spaces around it or breaks."""
    return " ".join(visible(str(name)).split())


@contextmanager
def hearing() -> Iterator[Callable[[Iterable[str]], Iterator[str]]]:
    """Listen to names that are cleaned inside; give what tells of classes that are written in several ways."""
    heard: dict[str, set[str]] = {}
    token = _HEARD.set(heard)
    try:
        yield lambda classes: _several(heard, classes)
    finally:
        _HEARD.reset(token)


def _several(heard: Mapping[str, set[str]], classes: Iterable[str]) -> Iterator[str]:
    # A name that is composed on one machine and not on another is no news; two forms of it in one source are.
    found = [name for name in classes if len(heard.get(name, ())) > 1 or (name.isascii() and name in heard)]
    if found:
        told, each = ("1 class is", "It") if len(found) == 1 else (f"{len(found)} classes are", "Each of them")
        ways = "with invisible characters or in several forms of the same letters"
        yield f"{told} written {ways}: {_first(found)}. {each} is read as one class."


@dataclass(frozen=True)
class Alike:
    """Names of several classes that look like one."""

    names: tuple[str, ...]
    how: str
    """What they differ in."""

    @property
    def notice(self) -> str:
        """What a person should know, as a full sentence."""
        told = f"These {len(self.names)} names look like one class, and differ in {self.how}: {_first(self.names)}."
        return f"{told} They stay apart until you merge them."

    def into(self, counts: Mapping[str, int]) -> str:
        """Return the name to merge into: the one that most images carry."""
        return max(self.names, key=lambda name: counts.get(name, 0))

    def plain(self, counts: Mapping[str, int]) -> dict[str, Any]:
        """Return it as JSON values, with the name to merge into."""
        return {"names": list(self.names), "how": self.how, "into": self.into(counts)}


def alike(classes: Sequence[str]) -> tuple[Alike, ...]:
    """Return the groups of ``classes`` that look like one, in the order of their first names."""
    groups: list[list[str]] = []
    places: dict[str, int] = {}
    for name in classes:
        keys = _keys(name)
        known = sorted({places[key] for key in keys if key in places})
        if known:
            groups[known[0]].append(name)
            for other in known[1:]:  # each of two keys has led to a group of its own so far
                groups[known[0]] += groups[other]
                groups[other] = []
            places = {key: known[0] if place in known else place for key, place in places.items()}
        else:
            known = [len(groups)]
            groups.append([name])
        places |= dict.fromkeys(keys, known[0])
    return tuple(Alike(tuple(names), _difference(names)) for names in groups if len(names) > 1)


def without_notices(texts: Iterable[str], classes: Sequence[str]) -> list[str]:
    """Return ``texts`` without what :func:`notices` tells of ``classes``, for whoever shows the groups themselves."""
    told = set(notices(classes))
    return [text for text in texts if text not in told]


def notices(classes: Sequence[str]) -> Iterator[str]:
    """Tell of classes that look like one, a few of the groups."""
    groups = alike(classes)
    yield from (group.notice for group in groups[:_SHOWN])
    if len(groups) > _SHOWN:
        yield f"There are {len(groups) - _SHOWN} more groups of names that look like one class."


def _no_separators(name: str) -> str:
    """Return ``name`` without spaces, hyphens and underscores, but for those between digits, and a sign."""
    return _SEPARATORS.sub("", _BETWEEN.sub("\0", name)).strip()


_STEPS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("invisible characters", lambda name: _ANY_JOINER.sub("", name)),
    ("forms of letters, such as ﬁ for fi", lambda name: unicodedata.normalize("NFKC", name)),
    ("spaces, hyphens or underscores", _no_separators),
    ("spellings of one number", lambda name: _NUMBER.sub(r"\1", name)),
    ("upper and lower case", str.casefold),
)
"""What names may differ in, and what takes it away; letters that look alike come last."""


def _keys(name: str) -> tuple[str, ...]:
    """Return what names that look like one have in common, each pair of them one of these at least."""
    if name.isascii():
        return (_NUMBER.sub(r"\1", _no_separators(name)).lower(),)
    for _, simpler in _STEPS:
        name, before = simpler(name), name
    # Small and capital letters look alike to different ones: В is like B, and в like nothing.
    small, capital = name.translate(_LOOK_ALIKE), before.translate(_LOOK_ALIKE).casefold().translate(_LOOK_ALIKE)
    return (small, capital) if small != capital else (small,)


def _difference(names: Sequence[str]) -> str:
    """Return in words what names that look like one differ in: each step without which more of them would differ."""
    simple = _forms(names)
    how = [words for words, _ in _STEPS if len(_forms(names, but=words)) > len(simple)]
    if not how and len(simple) == 1:  # two steps take the same away: ﬁ is fi as a form of letters, and as small letters
        how = [next(words for words, simpler in _STEPS if len(set(map(simpler, names))) < len(names))]
    return " and ".join((*how, _strangers(names)) if len(simple) > 1 else how)


def _forms(names: Sequence[str], but: str = "") -> set[str]:
    forms = set(names)
    for words, simpler in _STEPS:
        forms = forms if words == but else {simpler(form) for form in forms}
    return forms


def _strangers(names: Sequence[str]) -> str:
    """Name the letters that only look like those of the other names."""
    common = set.intersection(*(set(name) for name in names))
    odd = sorted({letter for name in names for letter in name if not letter.isascii()} - common)
    named = [f"“{letter}” ({unicodedata.name(letter, f'U+{ord(letter):04X}').lower()})" for letter in odd]
    return f"letters that look alike: {_first(named)}" if named else "letters that look alike"


def _first(names: Sequence[str]) -> str:
    short = [name if len(name) <= _LONG else f"{name[: _LONG // 2]}…{name[-_LONG // 3 :]}" for name in names[:_SHOWN]]
    return ", ".join(short) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
