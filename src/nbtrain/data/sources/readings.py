"""Readings: the ways in which one path can be read, each as a source that says so with explicit settings.

    look("photos").readings[1].source        # the second way, to be added in place of the path

Where two ways are plausible, nothing is added until somebody has chosen: ``AskError`` names each with the code and the
option that choose it. A source that says explicitly what was in doubt is an answer, and is asked nothing more. This
file knows sources and their settings; what is in doubt, each format knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nbtrain.data.questions import Answer, Question
from nbtrain.data.records import Listing
from nbtrain.data.sources.base import Annotated, Source, existing, is_image, names_in, readable
from nbtrain.data.sources.foreign import recognised
from nbtrain.data.sources.sets import is_set_name
from nbtrain.errors import DataError
from nbtrain.files import encodable

_READ_ME = re.compile(r"(readme|licen[cs]e|about|changelog)\b.*", re.IGNORECASE)
"""Files beside a folder that lies alone but for them."""
_WRAPPERS = 10
"""Folders that are passed through at most: a link may lead back to where it lies."""


@dataclass(frozen=True)
class Reading:
    """One way to read what lies at a path."""

    source: Source
    title: str
    """In a few words: "Class folders"."""
    why: str
    """In a sentence, what is read so."""

    @property
    def code(self) -> str:
        """The source as code: ``Folder(path='photos', sets='none')``."""
        return code_of(self.source)

    def plain(self) -> dict[str, object]:
        """Return it as plain JSON values."""
        return {"title": self.title, "why": self.why, "source": self.source.plain(), "code": self.code}


@dataclass(frozen=True)
class Asked:
    """A question about a path, with the readings that answer it: the one that is used unless told first."""

    text: str
    readings: tuple[Reading, ...]

    @classmethod
    def of(cls, question: Question, source: Source) -> Asked:
        """Return ``question`` as it is about ``source``."""
        return cls(question.text, tuple(bound(question.answers, source)))


class AskError(DataError):
    """Images may be meant in several ways; ``question`` says what is not clear, ``readings`` are the answers."""

    def __init__(self, question: Question, source: Source) -> None:
        self.question = Asked.of(question, source)
        ways = "; ".join(f"({n}) {one.title}: {one.code}" for n, one in enumerate(self.readings, 1))
        advice = f"Add one of these in place of the path, or say --reading 1, 2, … on the command line: {ways}."
        super().__init__(question.text, value=source.path, advice=advice)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The answers, the one that is used unless told first."""
        return self.question.readings


def rooted(path: str | Path, images_root: str = "") -> Source:
    """Return the source at ``path`` whose annotations name images below ``images_root``; "" leaves that to it.

    Raises DataError for one that has its images itself.
    """
    source = detect(path)
    if not images_root.strip():
        return source
    if not isinstance(source, Annotated):
        told = f"{type(source).label.lower()} has its images where it lies"
        raise DataError(told, value=images_root, advice="Leave the folder of the images out.")
    return source.set("images_root", str(existing(images_root)))


def detect(path: str | Path) -> Source:
    """Return the source that fits what lies at ``path``; raises DataError where nothing is there or nothing fits.

    Where kinds are equally plausible, that is an AskError with a source of each.
    """
    source = claimed(path)
    question = doubt(source)
    if question is not None:
        raise AskError(question, source)
    return source


def claimed(path: str | Path) -> Source:
    """Return the source of the first kind that claims ``path``, whether or not another one is as plausible."""
    named = next((kind for kind in Source.kinds().values() if kind.means(str(path))), None)
    if named is not None and not Path(path).exists():
        return named(path=str(path))
    where = existing(path)
    with readable(where):
        inner = _unwrapped(where)
        if inner != where:
            closer = (kind for kind in _kinds() if not kind.broad and kind.claims(inner))
            for kind in closer:
                return kind(path=str(inner))
        for kind in _kinds():
            if kind.claims(where):
                others = (other.instead(where) for other in _kinds() if kind.broad)
                return next(filter(None, others), None) or kind(path=str(where))
    known = "; ".join(kind.layout for kind in Source.kinds().values())
    if foreign := recognised(where):
        told = f"this is the format of {foreign.name}, which is not read"
        raise DataError(told, value=str(where), advice=foreign.advice)
    if is_image(where.name):
        advice = "Give the folder with one sub-folder of images per class, or a table that names the images."
        raise DataError("this is a single image", value=str(where), advice=advice)
    raise DataError("this is nothing that images can be read from", value=str(where), advice=f"Give one of: {known}.")


def _unwrapped(folder: Path) -> Path:
    """Return the folder inside folders that lie alone, as in archives that were unpacked; a set's own folder counts."""
    for _ in range(_WRAPPERS):
        if not folder.is_dir():
            return folder
        names = [name for name in names_in(folder) if not name.startswith(".") and not _READ_ME.match(name)]
        if len(names) != 1 or is_set_name(names[0]) or not (folder / names[0]).is_dir():
            return folder
        folder = folder / names[0]
    return folder


def doubt(source: Source) -> Question | None:
    """Return what has to be asked where other kinds could read the path of ``source`` too; None where it is right."""
    where = Path(source.path)
    with readable(where):
        inner = _unwrapped(where)
        found = (kind.doubt(inner) for kind in _kinds() if kind is not type(source))
        return next(filter(None, found), None)


def others(source: Source, listing: Listing) -> Iterator[Reading]:
    """Yield how ``source`` was read, and then each other way in which what lies there could be read."""
    how, *more = listing.ways or (Answer(source.label, f"It is read as {type(source).layout}.", {}),)
    yield _reading(source, how)
    yield from bound(more, source)
    where = Path(source.path).expanduser()
    if where.exists():
        with readable(where):
            inner = _unwrapped(where)
            kinds = [kind for kind in _kinds() if kind is not type(source)]
            yield from bound((answer for kind in kinds for answer in kind.also(inner)), source, inner)


def _kinds() -> list[type[Source]]:
    return sorted(Source.kinds().values(), key=lambda kind: kind.broad)


def bound(answers: Iterable[Answer], source: Source, path: Path | None = None) -> Iterator[Reading]:
    """Yield each answer as the source that it makes of ``source``; one of another kind reads ``path`` where it says."""
    for answer in answers:
        if "kind" in answer.settings:
            where = str(path) if path else source.path
            made = Source.parse({"path": where, "values": source.values, **answer.settings})
        else:
            made = source.replace(**answer.settings)
        yield _reading(made, answer)


def _reading(source: Source, answer: Answer) -> Reading:
    return Reading(source, encodable(answer.title), encodable(answer.why))  # they name files, whose names may be none


def settled(source: Source, listing: Listing) -> Listing:
    """Return ``listing``; raises AskError where something about ``source`` has not been answered."""
    for question in listing.questions:
        raise AskError(question, source)
    return listing


def code_of(source: Source) -> str:
    """Return what makes ``source`` in Python: its class, and the fields that are not as usual."""
    plain = {name: getattr(source, name) for name in type(source).model_fields}
    told = (
        f"{name}={value!r}" for name, value in plain.items() if name != "unpacked" and value != source.default(name)
    )
    return f"{type(source).__name__}({', '.join(told)})"
