"""Columns of labels: which column of a table says what its images show, and which others may.

One column named like labels is taken; of two that say the same in numbers and in words, the words. Where several may be
meant, a person is asked. This file knows columns and cells; it knows no images.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nbtrain.data.questions import Answer, Question
from nbtrain.data.records import first, in_words, natural
from nbtrain.data.sources.cells import Reading, between, is_drawing, is_missing
from nbtrain.data.sources.rows import LOOKED_AT, Rows

LABEL_COLUMNS = (
    *("label", "labels", "class", "classes", "category", "target", "tags", "choice"),
    *("class_name", "label_name", "labelname"),
)
_MEASURED = re.compile(r"[-+]?[0-9]*\.[0-9]*[1-9][0-9]*(e[-+]?[0-9]+)?", re.IGNORECASE)
"""A number with a fraction: a measurement, and no class."""
_NUMBER = re.compile(r"[-+]?[0-9]+(\.0*)?")
_KEY = re.compile(
    r"(.*[ _.-])?(id|ids|idx|index|uuid|guid|md5|sha[0-9]*|hash|key|nr|no|number|row|rownum|pk)"
    r"|unnamed: ?[0-9.]+|[a-z]+id"
)
"""Columns, in lower case, that may number or name the rows."""
_OF_CLASSES = re.compile(r"class|label|categ|target|species|breed|tag")
_FEW_ROWS = 20
"""Rows up to which every one of them may show another class."""
_OFFERED = 6
_TOLD = 5


@dataclass(frozen=True)
class LabelColumns:
    """The columns of labels: those that are taken, or those that may be."""

    taken: tuple[str, ...] = ()
    likely: tuple[tuple[str, ...], ...] = ()
    """Other choices, the likeliest first; where nothing is taken, what a person is asked about."""

    together: tuple[str, ...] = ()
    """Columns of names that may all be labels of one image: its species and its quality."""

    def answers(self, rows: Rows) -> tuple[Answer, ...]:
        """Return the other choices as answers."""
        found = tuple(_answer(rows, columns) for columns in self.likely[:_OFFERED])
        if not self.together:
            return found
        why = f"Each image has several labels: what {in_words(self.together)} say of it."
        return (*found, Answer("Labels: all of them", why, {"label_columns": self.together}))

    def question(self, rows: Rows) -> Question:
        """Return what to ask a person."""
        return Question(f"Which column of {rows.name} holds the labels?", self.answers(rows))


def choose(rows: Rows, free: Sequence[str], bits: Sequence[str]) -> LabelColumns:
    """Return which of the columns ``free`` hold labels; ``bits`` are those of them that hold 0 and 1, or no value."""
    named = [c for c in free if c.lower() in LABEL_COLUMNS]
    may = [c for c in free if _may_be_labels(rows, c)]
    may.sort(key=lambda c: (c not in named, _is_numbers(rows, c), len(_values(rows, c))))
    varying = [c for c in bits if len(_values(rows, c)) > 1]  # sizes and counts of 1 alone are no classes
    per_class = (tuple(bits),) if len(varying) > 1 else ()
    alone = len(free) == 1 and not _is_key(rows, free[0])
    if len(named) == 1 or alone:
        one = (named or list(free))[0]
        return LabelColumns((one,), (*((c,) for c in may if c != one), *per_class))
    if len(bits) > 1 and len(bits) == len(free):
        return LabelColumns(tuple(bits), tuple((c,) for c in may))
    if len(named) > 1 and _say_the_same(rows, named):
        one = next((c for c in named if not _is_numbers(rows, c)), named[0])
        return LabelColumns((one,), tuple((c,) for c in may if c not in named))
    single = tuple((c,) for c in may if c not in bits or len(bits) < 2 or c in named)
    likely = (*per_class, *single) if len(per_class) and not named else (*single, *per_class)
    if len(likely) == 1 and len(likely[0]) == 1 and not _is_numbers(rows, likely[0][0]):
        return LabelColumns(likely[0])
    words = tuple(c for c in may if c not in bits and not _is_numbers(rows, c))
    several = _numbered(words) or (words if len(words) > 1 and _share_nothing(rows, words) else ())
    return LabelColumns((), likely, several)


def how_read(rows: Rows, image: str, labels: Sequence[str], reading: Reading | None) -> Answer:
    """Return how a table was read; ``reading`` is that of the one column of labels, where there is one."""
    files = f"Files stand in “{image}”"
    if reading is None:
        title = f"Labels: {len(labels)} columns of 0 and 1"
        return Answer(title, f"{files}, classes are the columns {first(list(labels), _TOLD)}.", {})
    per_cell = _several(reading.separator) if reading.several else "one per cell"
    return Answer(f"Labels: {labels[0]}, {per_cell}", f"{files}, labels in “{labels[0]}” of {rows.name}.", {})


def in_all(rows: Rows, image: str, labels: Sequence[str]) -> Answer:
    """Return how a table was read whose labels stand in several columns of names."""
    why = f"Files stand in “{image}”, labels in {in_words([f'“{column}”' for column in labels])} of {rows.name}."
    return Answer(f"Labels: {in_words(labels)}, several per image", why, {})


def separators(reading: Reading) -> tuple[Answer, ...]:
    """Return how else the cells of a column could be read, the way that is used first; nothing where that is clear."""
    one = Answer("Labels: one per cell", f"“{reading.example}” is one label.", {"separator": ""})
    apart = reading.doubt or reading.separator
    if not apart:
        return ()
    title, why = f"Labels: {_several(apart)}", f"“{reading.example}” is read as several labels."
    several = Answer(title, why, {"separator": apart})
    return (one, several) if reading.doubt else (several, one)


def _several(separator: str) -> str:
    if separator == "list":
        return "several per cell, as lists"
    return f"several per cell, with {between(separator)} between"


def doubtful(column: str, reading: Reading) -> Question | None:
    """Return what to ask of the cells of a column; None where it is clear what stands in them."""
    if not reading.doubt:
        return None
    text = f"Is “{reading.example}” in {column} one label, or several with {between(reading.doubt)} between them?"
    return Question(text, separators(reading))


def _answer(rows: Rows, columns: tuple[str, ...]) -> Answer:
    settings = {"label_columns": columns}
    if len(columns) > 1:
        return Answer(
            f"Labels: {len(columns)} columns of 0 and 1", f"{first(columns, _TOLD)} are the classes.", settings
        )
    values = sorted(_values(rows, columns[0]), key=natural)
    return Answer(f"Labels: {columns[0]}", f"It says {first(values, _TOLD)}.", settings)


def _values(rows: Rows, column: str) -> set[str]:
    cells = (rows.cell(line, column) for line in list(rows.lines)[:LOOKED_AT])
    return {cell for cell in cells if not is_missing(cell)}


def _may_be_labels(rows: Rows, column: str) -> bool:
    """Return whether a column may hold labels: several values, most of them repeated, no measurements, no regions."""
    n_rows, values = min(len(rows.lines), LOOKED_AT), _values(rows, column)
    few = len(values) * 2 <= n_rows or n_rows <= _FEW_ROWS
    measured = any(_MEASURED.fullmatch(cell) or is_drawing(cell) for cell in values)
    return len(values) > 1 and few and not measured and not _is_key(rows, column)


def _is_key(rows: Rows, column: str) -> bool:
    """Return whether a column numbers or names the rows, and says nothing of them: id, index, Unnamed: 0, md5."""
    if not _KEY.fullmatch(column.lower()) or _OF_CLASSES.search(column.lower()):
        return False
    cells = [rows.cell(line, column) for line in list(rows.lines)[:LOOKED_AT]]
    return len(set(cells)) == len(cells)


def _numbered(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that are one and the same but for a number: label1 and label2, tag_1 and tag_2."""
    groups: dict[str, list[str]] = {}
    for column in columns:
        groups.setdefault(re.sub(r"[\W_]*[0-9]+$", "", column.lower()), []).append(column)
    return tuple(next((group for group in groups.values() if len(group) > 1), ()))


def _is_numbers(rows: Rows, column: str) -> bool:
    return all(map(_NUMBER.fullmatch, _values(rows, column)))


def _share_nothing(rows: Rows, columns: Sequence[str]) -> bool:
    """Return whether no value stands in two of the columns: it would be one class, whatever is meant by it."""
    values = [{cell.casefold() for cell in _values(rows, column)} for column in columns]
    return sum(map(len, values)) == len(set().union(*values))


def _say_the_same(rows: Rows, columns: Sequence[str]) -> bool:
    """Return whether columns name the same classes, each in its own words: 0 and cat, 1 and dog."""
    together = {tuple(rows.cell(line, column) for column in columns) for line in rows.lines}
    return all(len({cells[i] for cells in together}) == len(together) for i in range(len(columns)))
