"""Cells of labels: what a table writes for one label, for several, and for none.

Tables write no value as "", NaN, <NA>, None, null, n/a or "-"; several labels with a separator, as a Python or JSON
list, or as Label Studio's {"choices": […]}; one number as 1 and 1.0; yes as true and TRUE. Each is read as what it
means, and ``Reading.notices`` says what was read how. This file knows texts; it knows no images and no lines.
"""

from __future__ import annotations

import ast
import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nbtrain.data.names import clean_name, visible
from nbtrain.data.records import counted, first

_MISSING = frozenset(
    (
        *("", "nan", "<nan>", "na", "n/a", "<na>", "#n/a", "null", "<null>", "(null)", "[null]", "\\n", "nil", "nat"),
        *("n.a.", "n.a", "n. a.", "(na)", "(n/a)", "#nv", "#n/d", "#na"),
        *("-", "--", "–", "—", ".", "?", "#null!", "#value!", "#ref!", "#name?", "#div/0!"),
    )
)
"""What stands, in lower case, where a table has no value."""
_MISSING_AS_WRITTEN = frozenset(("None",))
"""Python's word for nothing: written small, "none" may be a class (no defect)."""
_WORDS_FOR_NONE = frozenset(
    (
        *("missing", "missing value", "undefined", "unlabeled", "unlabelled", "not labeled", "not labelled"),
        *("no label", "nolabel", "unannotated", "not annotated", "tbd", "todo", "to do", "not available"),
        *("no value", "not applicable", "null", "nan", "na", "n a", "nil"),
    )
)
"""Words that may be classes, and may say that there is no value; "unknown", "empty" and "blank" are classes of many."""
_CODES_FOR_NONE = frozenset(("-1", "-9", "-99", "-999", "-9999"))
"""Numbers that often stand for no value among others that are not negative."""
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
_SEPARATES = frozenset("'’`´\".()[]{}<>@*%$€°")
"""Signs that stand in names and part none."""
_ENTITY = re.compile(r"&(?:[a-z]+[0-9]*|#[0-9]+|#x[0-9a-f]+);", re.IGNORECASE)
"""A sign as a web page writes it: ``&amp;``."""
_NUMPY_VALUE = re.compile(r"\b(?:np|numpy)\.\w+\(([^()]*)\)")
_NUMPY_ARRAY = re.compile(r"(?:np\.|numpy\.)?array\((.*?)(?:,\s*dtype=[^)\]]*)?\)", re.DOTALL)
_PYTHON_SET = re.compile(r"(?:frozenset|set)\((.*)\)", re.DOTALL)
_NOTHING_IN_LIST = re.compile(r"(?<=[\[({,\s])(?:nan|NaN|null|<NA>|NaT)(?=\s*[,\])}])")
"""What is written bare in a list for a missing value, and is no Python."""
_DIGITS = frozenset(("0", "1", "0.", "1.", "0.0", "1.0"))
_MOST_PARTS = 200
_FEW_COMBINATIONS = 3
"""Different cells of several words from which on their words are compared."""
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
    cells, entities = _without_entities(cells, column)
    filled = [" ".join(cell.split()) for cell in cells if not is_missing(cell)]
    how = _Separator(separator) if separator != "auto" else _separator(filled, column)
    labels = [_labels_of(cell.strip(), how.separator) for cell in cells]
    labels, mixed = _otherwise_parted(labels, column) if separator == "auto" and how.separator else (labels, "")
    names, spellings = _one_spelling(sorted({name for label in labels if label for name in label}))
    read = [label and tuple(dict.fromkeys(names[name] for name in label)) for label in labels]
    told = (
        *filter(None, (how.notice, mixed, entities)),
        *spellings,
        *_none_alike(names, column),
        *_measured(names, column),
    )
    return Reading(read, how.separator, (*_none(cells, how.separator, column), *told), how.doubt, how.example)


def _without_entities(cells: Sequence[str], column: str) -> tuple[Sequence[str], str]:
    """Return cells with signs in place of ``&amp;``, whose semicolon parts nothing, and what to tell of it."""
    with_some = [cell for cell in cells if "&" in cell and _ENTITY.search(cell)]
    if not with_some:
        return cells, ""
    read = [html.unescape(cell) if "&" in cell else cell for cell in cells]
    n = counted(len(with_some), "cell", "cells")
    return read, f"{n} in {column} with signs as web pages write them (“{with_some[0]}”) are read as the signs."


def _otherwise_parted(labels: list[tuple[str, ...] | None], column: str) -> tuple[list[tuple[str, ...] | None], str]:
    """Return the labels where some cells part them by another sign than most do, and what to tell of it.

    "cat,dog" among "cat;dog", "cat" and "dog" is both of them: each of its parts is a label elsewhere.
    """
    known = {name for names in labels if names for name in names}
    parted: dict[str, tuple[str, ...]] = {}
    for name in known:
        for sign in (*_CERTAIN, *_DOUBTFUL, *_other_signs([name])):
            parts = _split(name, sign) if sign in name and sign not in _TYPICAL else ()
            if len(parts) > 1 and known.issuperset(map(clean_name, parts)):
                parted[name] = tuple(map(clean_name, parts))
                break
    if not parted:
        return labels, ""
    told = f"Some cells of {column} part labels by another sign: {first([f'“{name}”' for name in sorted(parted)])}."
    return [
        names and tuple(dict.fromkeys(one for name in names for one in parted.get(name, (name,)))) for names in labels
    ], f"{told} Their parts are labels elsewhere, and are read as several here too."


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
    return _listed(cell)[0]


def _listed(cell: str) -> tuple[list[str] | None, bool]:
    """Return the parts of a cell that is a list, and whether it is one as it should be.

    A list without quotes ([cat, dog]) is; one whose quotes or brackets do not close is not.
    """
    cell = _as_python(cell)
    if len(cell) < 2 or (cell[0], cell[-1]) not in (("[", "]"), ("{", "}"), ("(", ")")):
        return None, True
    if _QUOTED_SIDE_BY_SIDE.search(cell):  # numpy's ['cat' 'dog'], which Python would join
        return [quoted[1:-1] for quoted in _QUOTED.findall(cell)], True
    for text, parse in ((cell, json.loads), (_NOTHING_IN_LIST.sub("None", cell), ast.literal_eval)):
        try:
            value = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        if isinstance(value, dict):
            value = _named_in(value)
        if isinstance(value, str):
            value = [value]
        if isinstance(value, list | tuple | set):
            parts = _flat(value)
            if parts is None:
                return None, True
            return (sorted(parts) if isinstance(value, set) else parts), True
    if cell[0] != "[":
        return None, True
    parts = [part.strip() for part in cell[1:-1].split(",")]  # [cat, dog]
    return parts, not any(part[:1] in "'\"" or part[-1:] in "'\"" for part in filter(None, parts))


def _as_python(cell: str) -> str:
    """Return a cell without what NumPy and Python write around lists and their values: ``array([…])``, ``set()``."""
    if "(" not in cell:
        return cell
    bare = _NUMPY_VALUE.sub(r"\1", cell)
    array = _NUMPY_ARRAY.fullmatch(bare)
    if array and array[1].lstrip().startswith("["):
        return array[1].strip()
    whole = _PYTHON_SET.fullmatch(bare)
    if whole and (not whole[1].strip() or whole[1].lstrip()[0] in "[({"):
        return whole[1].strip() or "[]"
    return bare if bare[:1] in "[({" else cell


def _named_in(value: dict[Any, Any]) -> object:
    """Return the labels in an object: Label Studio's choices, or the names that say yes; None for any other."""
    if "choices" in value:
        return value["choices"]
    if value and all(isinstance(said, bool) or said in (0, 1) for said in value.values() if said is not None):
        return [name for name, said in value.items() if said]
    return None


def _flat(parts: Iterable[object]) -> list[str] | None:
    """Return the texts in a list without those that are no value, a list of one in it as its part; None for others."""
    found: list[str] = []
    for part in parts:
        if isinstance(part, list | tuple) and len(part) == 1:
            part = part[0]
        if part is None or part != part:
            continue
        if not isinstance(part, str | int | float):
            return None
        found.append(str(part))
    return found


def is_broken_list(cell: str) -> bool:
    """Return whether a cell begins or ends like a list with quotes, or a bracket, and is none: it was cut or edited."""
    text = cell.strip()
    listed, sound = _listed(text)
    if listed is not None:
        return not sound
    begins = _SURE_LIST.match(_as_python(text)) or (text.startswith("[") and "]" not in text)
    return bool(begins) or (text.endswith(("']", '"]')) and not text.startswith("["))


def is_scores(cell: str) -> bool:
    """Return whether a cell holds a number for each class, as models give them: ``{"cat": 0.9, "dog": 0.1}``."""
    if cell[:1] != "{":
        return False
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        numbers = isinstance(value, dict) and bool(value) and all(type(n) in (int, float) for n in value.values())
        return numbers and not set(value.values()) <= {0, 1}
    return False


def is_drawing(cell: str) -> bool:
    """Return whether a cell holds what was drawn, as JSON: regions of Label Studio, attributes of VIA, objects."""
    if cell[:1] not in ("[", "{") or "{" not in cell:
        return False
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return False
    parts = value if isinstance(value, list) else [value]
    return bool(parts) and all(isinstance(part, dict) and _named_in(part) is None for part in parts)


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
    for separator in (*_DOUBTFUL, *_other_signs(cells)):
        joined = [cell for cell in cells if separator in cell]
        between_labels = bool(joined) and _is_between(separator, cells)
        if between_labels and separator not in _TYPICAL:
            return _Separator(separator, _read_as(column, separator, joined[0]), example=joined[0])
        if between_labels or (joined and separator not in _TYPICAL and _may_be_between(separator, cells)):
            return _Separator(doubt=separator, example=joined[0])
        if joined and separator != "," and _has_part_alone(separator, cells):
            example = f"{counted(len(joined), 'cell', 'cells')} with {between(separator)}, such as “{joined[0]}”"
            several = f"for several labels, say separator={separator!r}"
            return _Separator(notice=f"In {column}, {example}, count as one label each; {several}.")
    return _Separator()


def between(separator: str) -> str:
    """Return in words what stands between labels: "commas"."""
    return _NAMES.get(separator, f"“{separator}”")


def _other_signs(cells: Iterable[str]) -> list[str]:
    """Return the signs in cells that may part labels beside the usual ones (: # ~ • 、 ，), the commonest first."""
    signs = Counter(
        sign for cell in cells for sign in set(cell) if not (sign.isalnum() or sign.isspace() or sign in _SEPARATES)
    )
    return [sign for sign, _ in signs.most_common() if sign not in _DOUBTFUL and sign not in _CERTAIN]


def _read_as(column: str, separator: str, example: str) -> str:
    return (
        f"The cells of {column} hold several labels, as {between(separator)} (“{example}”) say; "
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
    the parts stands elsewhere too, or two parts of one cell are cells of their own. Words may be combinations also
    where one cell holds all of another, or where there are no cells of one word, and each word stands in several.
    """
    distinct = [frozenset(_split(cell, separator)) for cell in set(cells)]
    n_cells = Counter(part for parts in distinct for part in parts)
    if separator == ",":
        return any(n > 1 for n in n_cells.values())
    again = any(len(parts) > 1 and all(n_cells[part] > 1 for part in parts) for parts in distinct)
    if again and _has_part_alone(separator, cells):
        return True
    alone = {part for parts in distinct if len(parts) == 1 for part in parts}
    several = [parts for parts in distinct if len(parts) > 1]
    if any(len(parts & alone) > 1 for parts in several):  # "scab spot complex" beside "scab" and "complex"
        return True
    if separator != " " or len(several) < _FEW_COMBINATIONS:
        return False
    holds = any(one < other for one in several for other in several)  # "clear water" in "clear primary water"
    return holds or (not alone and all(n > 1 for n in n_cells.values()))


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
        whole = name.split(".")[0].removeprefix("+")
        return "0" if whole == "-0" else whole
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


def _none_alike(names: dict[str, str], column: str) -> Iterable[str]:
    """Tell of classes that may stand for no value."""
    for name in sorted(names):
        if name.casefold() == "none":
            yield "“none” is taken for a class; where it stands for no value, leave the cell empty."
        elif may_be_missing(name):
            yield f"“{name}” in {column} is taken for a class; where it stands for no value, leave the cell empty."
    numbers = [name for name in names if _NUMBER.fullmatch(name)]
    below = [name for name in numbers if name in _CODES_FOR_NONE]
    if below and len(numbers) == len(names) and len(names) > len(below) + 1:
        others = [name for name in numbers if name not in below]
        if not any(name.startswith("-") for name in others):
            yield (
                f"{first([f'“{name}”' for name in below])} in {column} is taken for a class; where it stands for no "
                "value, as it often does, leave the cell empty."
            )


def may_be_missing(name: str) -> bool:
    """Return whether a class may be a word for no value: unlabeled, missing, undefined."""
    words = " ".join(re.split(r"[\W_]+", name.casefold())).strip()
    return words in _WORDS_FOR_NONE or name == "None" or not words
