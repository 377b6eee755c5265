"""What a person says of a data set's images: other labels, left out, taken in again.

Each call is one edit in the journal, of one image or of many. It knows images and labels; classes are classes.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nbtrain.data import edits as journal
from nbtrain.data.edit_log import EditLog
from nbtrain.data.edits import Edits, Line
from nbtrain.errors import DataError
from nbtrain.project.classes import Lines, Names, known_name, listed, new_edit, origins
from nbtrain.project.dataset_file import DataSet


@dataclass(frozen=True, slots=True)
class Conflict:
    """An image that somebody else has relabelled since whoever relabels it now saw it; both stand in the journal."""

    file: str
    seen: tuple[str, ...]
    theirs: tuple[str, ...]
    """What the others had given it."""
    by: str
    t_s: float


@dataclass(frozen=True, slots=True)
class Relabelled:
    """What a relabelling did: the edit's id ("" where all had these labels already), its files, and conflicts."""

    id: str
    files: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


class ImageEdits:
    """What a data set offers for its images; a mixin for whoever has ``_edit`` and ``_shown``."""

    _shown: Edits
    """The edits that whoever works with this object has seen."""

    def _edit(self, lines: Lines) -> DataSet:
        raise NotImplementedError

    def exclude(self, file: Names, reason: str = "") -> DataSet:
        """Leave images out of all training and measuring; they stay on the list of ``excluded``."""

        def lines(known: DataSet, _: EditLog) -> list[Line]:
            edit, named = new_edit(), _images(known, file)
            return [
                journal.made("exclude", edit, file=one, reason=reason)
                for one in named
                if one not in known.edits.excluded
            ]

        return self._edit(lines)

    def include(self, file: Names) -> DataSet:
        """Take images that were left out in again."""

        def lines(known: DataSet, _: EditLog) -> list[Line]:
            named = list(dict.fromkeys(listed(file)))
            for one in named:
                known_name(one, list(known.edits.excluded), "this image is not left out")
            edit = new_edit()
            return [journal.made("include", edit, file=one) for one in named]

        return self._edit(lines)

    def relabel(self, file: Names, labels: Names, *, seen: Names | None = None) -> Relabelled:
        """Give images other classes; return what was done, and where somebody else was faster.

        ``seen`` is what the person saw them have; without it, what they had when this object was last looked at. The
        last writer wins, and both stand in the journal.
        """
        named, shown = tuple(dict.fromkeys(listed(labels))), self._shown
        expected = None if seen is None else tuple(listed(seen))
        done = Relabelled("")

        def lines(known: DataSet, log: EditLog) -> list[Line]:
            nonlocal done
            for name in named:
                known_name(name, known.classes, "there is no such class")
            given = tuple(origins(known, name)[0] for name in named)
            if len(given) != 1 and not known.multilabel:
                told = "each image of this data set has exactly one class"
                raise DataError(told, value=", ".join(named), advice="Give one class.")
            had = _labels(known, _images(known, file))
            edit = new_edit()
            before = {one: shown.labels.get(one, known.edits.before.get(one, own)) for one, own in had.items()}
            conflicts = tuple(
                conflict
                for one, own in had.items()
                if (conflict := _conflict(known, log, one, own, before[one], expected)) is not None
            )
            changed = [one for one, own in had.items() if set(own) != set(given)]
            done = Relabelled(edit if changed else "", tuple(changed), conflicts)
            return [journal.made("label", edit, file=one, old=had[one], classes=given) for one in changed]

        self._edit(lines)
        return done


def _images(known: DataSet, file: Names) -> list[str]:
    named = list(dict.fromkeys(listed(file)))
    if not named:
        raise DataError("no image was named", advice="Name files as listing() does.")
    places = known.found().listing.positions()
    if not all(one in places for one in named):
        known_name(next(one for one in named if one not in places), list(places), "the data set has no such image")
    return named


def _labels(known: DataSet, named: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the classes of images, as the sources name them."""
    found = known.found().listing
    places, given = found.positions(), known.edits.labels
    own = {one: tuple(found.classes[i] for i in found.records[places[one]].labels) for one in named}
    return {one: given.get(one, own[one]) for one in named}


def _conflict(
    known: DataSet,
    log: EditLog,
    file: str,
    own: tuple[str, ...],
    before: tuple[str, ...],
    expected: tuple[str, ...] | None,
) -> Conflict | None:
    """Return who has relabelled an image since the person saw it, None where nobody has."""
    theirs = tuple(known.edits.name_of(name) for name in own)
    seen = tuple(known.edits.name_of(name) for name in before) if expected is None else expected
    if set(seen) == set(theirs):
        return None
    last = next((line for line in reversed(log.lines) if line.kind == "label" and line.file == file), None)
    return Conflict(file, seen, theirs, who(last) if last else "", last.t_s if last else 0.0)


def who(line: Line) -> str:
    """Return who made a line, in words."""
    by = line.by
    return f"{by.get('user', '')}@{by.get('host', '')}, process {by.get('pid', '?')}"
