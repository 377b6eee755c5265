"""What a person says of a data set's classes: other names, merged, dropped, in another order, new ones.

Each call is one edit in the journal. It knows classes and what each edit means; images are labelling.py's.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from nbtrain import files
from nbtrain.data import edits as journal
from nbtrain.data.edit_log import EditLog
from nbtrain.data.edits import Line
from nbtrain.data.records import first
from nbtrain.errors import DataError
from nbtrain.project.dataset_file import DataSet

Names: TypeAlias = str | Iterable[str]
Lines: TypeAlias = Callable[[DataSet, EditLog], Sequence[Line]]
"""Makes the lines of an edit from the data set and its journal, as they are at that moment."""


class ClassEdits:
    """What a data set offers for its classes; a mixin for whoever has ``_edit``."""

    def _edit(self, lines: Lines) -> DataSet:
        raise NotImplementedError

    def rename(self, name: str, to: str) -> DataSet:
        """Call a class ``to`` from now on; where there is such a class already, the two are one."""
        return self._rename([name], to)

    def merge(self, names: Names, into: str) -> DataSet:
        """Make several classes one, called ``into``: one of them, another class, or a new name."""
        return self._rename(listed(names), into)

    def drop(self, *names: str) -> DataSet:
        """Leave classes out; images that have no other leave the data set with them."""
        return self._rename(names, "")

    def as_found(self, *names: str) -> DataSet:
        """Take classes as their sources name them, whatever was said before; all of them where none is named."""

        def lines(known: DataSet, _: EditLog) -> list[Line]:
            there = list(dict.fromkeys([*known.found().listing.classes, *known.edits.names]))
            for name in names:
                known_name(name, there, "none of the sources has this class")
            mine = [name for name in names or there if name in known.edits.names]
            if names and not mine:
                raise DataError("nothing was said of these classes", value=", ".join(names), advice="See history.")
            edit = new_edit()
            made = [journal.made("class", edit, classes=tuple(mine))] if mine else []
            return made + ([journal.made("order", edit)] if not names and known.edits.order else [])

        return self._edit(lines)

    def reorder(self, names: Sequence[str]) -> DataSet:
        """Give the classes another order, and so other ids; those that are not named follow as they are."""

        def lines(known: DataSet, _: EditLog) -> list[Line]:
            for name in names:
                known_name(name, known.classes, "there is no such class")
            if len(set(names)) < len(names):
                raise DataError("a class is named twice", value=", ".join(names), advice="Name each once.")
            rest = [name for name in known.classes if name not in names]
            return [journal.made("order", new_edit(), classes=(*names, *rest))]

        return self._edit(lines)

    def add_class(self, name: str) -> DataSet:
        """Have a class that no image shows yet, so that images can be given to it."""
        name = _clean(name)

        def lines(known: DataSet, _: EditLog) -> list[Line]:
            if name in known.classes:
                raise DataError("there is such a class already", value=name, advice="Use it as it is.")
            used = {*known.found().listing.classes, *known.edits.names}
            own = next(n for n in (name, *(f"{name} ({i})" for i in range(2, 10_000))) if n not in used)
            return [journal.made("class", new_edit(), classes=(own,), to=name)]

        return self._edit(lines)

    def _rename(self, names: Sequence[str], to: str) -> DataSet:
        to = _clean(to) if to else to

        def lines(known: DataSet, _: EditLog) -> list[Line]:
            for name in names:
                known_name(name, known.classes, "there is no such class")
            meant = tuple(dict.fromkeys(own for name in names for own in origins(known, name) if name != to))
            if not meant:
                return []
            edit, order = new_edit(), known.edits.order
            made = [journal.made("class", edit, classes=meant, to=to)]
            if order and to:
                told = dict.fromkeys(to if name in names else name for name in order)
                made.append(journal.made("order", edit, classes=tuple(told)))
            return made

        if not names:
            raise DataError("no class was named", advice="classes lists those there are.")
        return self._edit(lines)


def new_edit() -> str:
    """Return the id of a new edit: longer than others, as there may be a hundred thousand."""
    return files.new_id() + files.new_id()


def listed(names: Names) -> list[str]:
    """Return one name, or several, as a list."""
    return [names] if isinstance(names, str) else list(names)


def _clean(name: str) -> str:
    """Return a class's name in the form that equal names share; raises DataError for one that says nothing."""
    clean = unicodedata.normalize("NFC", name).strip()
    if not clean or not clean.isprintable():
        raise DataError("this is no name for a class", value=name, advice="Give letters, digits, or words.")
    return clean


def known_name(name: str, known: Sequence[str], told: str) -> str:
    """Return ``name``; raises DataError with the nearest where it is not ``known``."""
    if name in known:
        return name
    near = difflib.get_close_matches(name, known[:5000], n=3) if isinstance(name, str) else []
    advice = f"Did you mean {' or '.join(near)}?" if near else f"There are: {first(known) or 'none'}."
    raise DataError(told, value=name, advice=advice)


def origins(known: DataSet, name: str) -> list[str]:
    """Return what the sources call a class, or several that are one; its own name first."""
    found = dict.fromkeys([*known.found().listing.classes, *known.edits.names])
    own = [one for one in found if known.edits.name_of(one) == name]
    return sorted(own, key=lambda one: one != name)
