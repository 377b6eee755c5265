"""Cells of labels: what a table writes for one label, for several, and for none.

Tables write no value as "", NaN, <NA>, None, null, n/a or "-"; several labels with a separator, as a Python or JSON
list, or as Label Studio's {"choices": […]}; one number as 1 and 1.0; yes as true and TRUE. Each is read as what it
means, and ``Reading.notices`` says what was read how. This file knows texts; it knows no images and no lines.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nbtrain.data.names import clean_name, visible
from nbtrain.data.records import counted, first

_MISSING = frozenset(
    (
        *("", "nan", "<nan>", "na", "n/a", "<na>", "#n/a", "null", "<null>", "(null)", "[null]", "\\n", "nil", "nat"),
        *("-", "--", "–", "—", ".", "?", "#null!", "#value!", "#ref!", "#name?", "#div/0!"),
    )
)
"""What stands, in lower case, where a table has no value."""
_MISSING_AS_WRITTEN = frozenset(("None",))
"""Python's word for nothing: written small, "none" may be a class (no defect)."""
_CERTAIN = (";", "|")
"""Separators that stand in no name."""
_DOUBTFUL = (",", "+", "&", "/", " ", "_", "-")
"""Separators that may be part of a name: "Corgi, Pembroke", "R&B", "polar bear"."""
_TYPICAL = frozenset("_-")
"""Separators that are more often part of a name than not: what they part stays whole until somebody says otherwise."""
_AND = frozenset(("and", "&", "+"))
"""Words between labels that are no labels."""
_NAMES = {
    "_": "underscores",
    "-": "hyphens",
    ",": "commas",
    "+": "plus signs",
    "&": "& signs",
    "/": "slashes",
    " ": "spaces",
    ";": "semicolons",
    "|": "vertical bars",
    "list": "lists",
}
_NUMBER = re.compile(r"[-+]?[0-9]+(\.0*)?")
_FRACTION = re.compile(r"[-+]?[0-9]*\.[0-9]*[1-9][0-9]*(e[-+]?[0-9]+)?", re.IGNORECASE)
_DIGITS = frozenset(("0", "1", "0.", "1.", "0.0", "1.0"))
_MOST_PARTS = 200
_SURE_LIST = re.compile(r"[\[({]\s*['\"]")
"""How a list begins that is no name in brackets."""
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_QUOTED_SIDE_BY_SIDE = re.compile(r"(['\"])\s+['\"]")


def is_missing(cell: str) -> bool:
    """Return whether a cell holds no value, in any of the ways that tables write it."""
    text = visible(cell).strip()
    return text in _MISSING_AS_WRITTEN or text.casefold() in _MISSING


@dataclass(frozen=True)
class Reading:
    """The labels of every cell, and how they were read."""

    labels: list[tuple[str, ...] | None]
    """Names of each cell's labels; None for a cell without a value, () for an empty list."""
    separator: str
    """What stood between labels: a character, "list", or "" where each cell is one label."""
    notices: tuple[str, ...]
    """What a person should know of the reading, in full sentences."""
    doubt: str = ""
    """What may as well stand between several labels, where each cell is read as one; "" for nothing."""
    example: str = ""
    """A cell with what stands, or may stand, between labels."""

    @property
    def several(self) -> bool:
        """Whether cells were read as lists of labels."""
        return bool(self.separator)


class Values:
    """Classes as values say them, in JSON, XML and columns: what is no value is no class, one number is one class.

    Lists that declare the classes (folders, the names of a YOLO data set) are no such values: there "null" is a name.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._missing: Counter[str] = Counter()

    def name(self, value: object) -> str:
        """Return the class that a value stands for, "" for none."""
        if value is None or value != value:  # NaN
            return ""
        text = value if isinstance(value, str) else str(value)
        if text not in self._names:
            self._names[text] = "" if is_missing(text) else clean_name(text)
        name = self._names[text]
        if not name and (written := clean_name(text)):
            self._missing[written] += 1
        return _spelling(name)

    def notices(self) -> Iterator[str]:
        """Tell which values were taken for none, and which spellings for one class."""
        if self._missing:
            n = counted(self._missing.total(), "label is", "labels are")
            yield f"{n} no value, and no class: {first([f'{text} ({n})' for text, n in self._missing.most_common()])}."
        yield from _one_spelling(sorted(filter(None, set(self._names.values()))))[1]


def read_labels(cells: Sequence[str], column: str, separator: str = "auto") -> Reading:
    """Return the labels of ``cells``; ``separator`` "auto" looks what stands between several, "" takes cells whole."""
    filled = [" ".join(cell.split()) for cell in cells if not is_missing(cell)]
    how = _Separator(separator) if separator != "auto" else _separator(filled, column)
    labels = [_labels_of(cell.strip(), how.separator) for cell in cells]
    names, spellings = _one_spelling(sorted({name for label in labels if label for name in label}))
    read = [label and tuple(dict.fromkeys(names[name] for name in label)) for label in labels]
    told = (*filter(None, (how.notice,)), *spellings, *_none_alike(names), *_measured(names, column))
    return Reading(read, how.separator, (*_none(cells, how.separator, column), *told), how.doubt, how.example)


@dataclass(frozen=True)
class _Separator:
    """What stands between several labels, what a person should know of it, and what else may stand between them."""

    separator: str = ""
    notice: str = ""
    doubt: str = ""
    example: str = ""


def _labels_of(cell: str, separator: str) -> tuple[str, ...] | None:
    """Return the labels of one cell. Where cells hold several, an empty one is an empty list."""
    if not cell and separator:
        return ()
    return None if is_missing(cell) else _parts(cell, separator)


def _parts(cell: str, separator: str) -> tuple[str, ...]:
    if not separator:
        return (clean_name(cell),)
    listed = _list(cell)
    parts = listed if listed is not None else _words(cell) if separator in ("list", " ") else cell.split(separator)
    if listed is None and separator == "list":
        parts = [cell]  # one label beside lists
    cleaned = (clean_name(part) for part in parts if not is_missing(str(part)))
    return tuple(dict.fromkeys(name for name in cleaned if name))


def _list(cell: str) -> list[str] | None:
    """Return the parts of a cell that is a list in Python, JSON or Label Studio's choices; None where it is none."""
    if len(cell) < 2 or (cell[0], cell[-1]) not in (("[", "]"), ("{", "}"), ("(", ")")):
        return None
    if _QUOTED_SIDE_BY_SIDE.search(cell):  # numpy's ['cat' 'dog'], which Python would join
        return [quoted[1:-1] for quoted in _QUOTED.findall(cell)]
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        if isinstance(value, dict):
            value = value.get("choices")
        if isinstance(value, str):
            value = [value]
        if isinstance(value, list | tuple | set) and all(isinstance(part, str | int | float) for part in value):
            return sorted(map(str, value)) if isinstance(value, set) else list(map(str, value))
    return [part.strip() for part in cell[1:-1].split(",")] if cell[0] == "[" else None  # [cat, dog]


def is_drawing(cell: str) -> bool:
    """Return whether a cell holds what was drawn, as JSON: regions of Label Studio, attributes of VIA, objects."""
    if cell[:1] not in ("[", "{") or "{" not in cell:
        return False
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return False
    parts = value if isinstance(value, list) else [value]
    return bool(parts) and all(isinstance(part, dict) and "choices" not in part for part in parts)


def _separator(cells: Sequence[str], column: str) -> _Separator:
    """Return what stands between several labels in the cells."""
    listed = [cell for cell in cells if _list(cell) is not None]
    sure = set(filter(_SURE_LIST.match, listed))
    rest = [cell for cell in cells if cell not in sure]
    certain = max(_CERTAIN, key=lambda separator: sum(separator in cell for cell in rest))
    parted = next((cell for cell in rest if certain in cell), "")
    if listed and (len(listed) * 2 >= len(cells) or (sure and not parted)):
        longest = max(listed, key=len)
        return _Separator("list", _read_as(column, "list", longest), example=longest)
    if parted:
        return _Separator(certain, example=parted)
    for separator in _DOUBTFUL:
        joined = [cell for cell in cells if separator in cell]
        between_labels = bool(joined) and _is_between(separator, cells)
        if between_labels and separator not in _TYPICAL:
            return _Separator(separator, _read_as(column, separator, joined[0]), example=joined[0])
        if between_labels or (joined and separator not in _TYPICAL and _may_be_between(separator, cells)):
            return _Separator(doubt=separator, example=joined[0])
        if joined and separator != "," and _has_part_alone(separator, cells):
            example = f"{counted(len(joined), 'cell', 'cells')} with {_NAMES[separator]}, such as “{joined[0]}”"
            several = f"for several labels, say separator={separator!r}"
            return _Separator(notice=f"In {column}, {example}, count as one label each; {several}.")
    return _Separator()


def between(separator: str) -> str:
    """Return in words what stands between labels: "commas"."""
    return _NAMES.get(separator, repr(separator))


def _read_as(column: str, separator: str, example: str) -> str:
    return (
        f"The cells of {column} hold several labels, as {_NAMES[separator]} (“{example}”) say; "
        'to take each cell as one label, say separator="".'
    )


def _is_between(separator: str, cells: Sequence[str]) -> bool:
    """Return whether cells with ``separator`` are combinations of labels: every part is one in other cells too.

    "cat dog" is two labels where "cat" and "dog" are cells of their own; "polar bear" is one beside "bear", since
    "polar" stands nowhere else.
    """
    distinct = set(cells)
    alone = {cell for cell in distinct if separator not in cell}
    combinations = [found for cell in distinct if separator in cell and len(found := _split(cell, separator)) > 1]
    n_cells = Counter(part for parts in combinations for part in set(parts))
    parts = set(n_cells)
    if not parts or len(parts) > _MOST_PARTS or any(len(part) > 60 for part in parts):
        return False
    known = sum(part in alone for part in parts)
    orders = {tuple(sorted(p)) for p in combinations}
    swapped = len(orders) < len(combinations)  # "cat dog" and "dog cat"
    again = all(part in alone or n_cells[part] > 1 for part in parts)
    return (
        known == len(parts) or (swapped and again) or (again and known * 2 >= len(parts) and len(parts) < len(distinct))
    )


def _may_be_between(separator: str, cells: Sequence[str]) -> bool:
    """Return whether cells with ``separator`` may be combinations, and may be names.

    With commas, a part stands in several cells; with others, one part is a cell of its own, and in some cell each of
    the parts stands elsewhere too.
    """
    distinct = [frozenset(_split(cell, separator)) for cell in set(cells)]
    n_cells = Counter(part for parts in distinct for part in parts)
    if separator == ",":
        return any(n > 1 for n in n_cells.values())
    again = any(len(parts) > 1 and all(n_cells[part] > 1 for part in parts) for parts in distinct)
    return again and _has_part_alone(separator, cells)


def _has_part_alone(separator: str, cells: Sequence[str]) -> bool:
    """Return whether a part of a cell of several parts is a cell of its own: "bear" beside "polar bear"."""
    distinct = set(cells)
    split = [parts for cell in distinct if separator in cell and len(parts := _split(cell, separator)) > 1]
    return any(part in distinct for parts in split for part in parts)


def _split(cell: str, separator: str) -> tuple[str, ...]:
    parts = _words(cell) if separator == " " else cell.split(separator)
    return tuple(part.strip() for part in parts if part.strip())


def _words(cell: str) -> list[str]:
    return [word for word in cell.split() if word.lower() not in _AND]


def is_vectors(cells: Sequence[str]) -> bool:
    """Return whether each cell holds as many zeros and ones as all others: classes by their places, without names."""
    found = [[part.strip() for part in _list(cell) or cell.split()] for cell in cells if not is_missing(cell)]
    sizes = {len(parts) for parts in found}
    return len(sizes) == 1 and max(sizes) > 1 and all(part in _DIGITS for parts in found for part in parts)


def _spelling(name: str) -> str:
    if _NUMBER.fullmatch(name):
        return name.split(".")[0].removeprefix("+")
    return name.lower() if name.lower() in ("true", "false") else name


def _one_spelling(names: Iterable[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return for each name the one it is kept under (1 for 1.0, true for TRUE), and a notice where two are one."""
    kept = {name: _spelling(name) for name in names}
    ways: dict[str, list[str]] = {}
    for name, one in kept.items():
        ways.setdefault(one, []).append(name)
    joined = [f"{' and '.join(found)} as {one}" for one, found in ways.items() if len(found) > 1]
    zeros = [name for name in ways if name.startswith("0") and name.isdigit() and (name.lstrip("0") or "0") in ways]
    zeros = [name for name in zeros if name != "0"]
    notices = [f"One class in two spellings is one: {first(joined)}."] if joined else []
    if zeros:
        notices.append(f"Numbers with and without leading zeros are different classes: {first(zeros)}.")
    return kept, tuple(notices)


def _none(cells: Sequence[str], separator: str, column: str) -> Iterable[str]:
    missing = Counter(cell.strip() or "empty" for cell in cells if is_missing(cell))
    if separator:
        missing.pop("empty", 0)  # an empty list
    if missing:
        told = first([f"{text} ({n})" for text, n in missing.most_common()])
        cells = counted(missing.total(), f"cell in {column} holds", f"cells in {column} hold")
        yield f"{cells} no value: a missing label is no class ({told})."


def _measured(names: Iterable[str], column: str) -> Iterable[str]:
    """Tell of numbers with fractions: each of them is a class, and they hardly are."""
    fractions = [name for name in names if _FRACTION.fullmatch(name)]
    if fractions:
        yield f"In {column}, numbers with fractions count as a class each, and may be measurements: {first(fractions)}."


def _none_alike(names: dict[str, str]) -> Iterable[str]:
    if any(name.casefold() == "none" for name in names):
        yield "“none” is taken for a class; where it stands for no value, leave the cell empty."
