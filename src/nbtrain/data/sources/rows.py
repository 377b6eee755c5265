"""Rows: the cells of a table (CSV, Parquet, JSON lines) as text, by line. It knows no images and no labels."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from nbtrain.data.records import first
from nbtrain.data.sources import arrow
from nbtrain.data.sources.base import is_image
from nbtrain.data.sources.texts import beginning_of, text_of
from nbtrain.errors import DataError

_PEEKED_BYTES = 1 << 16
JSON_LINES = (".jsonl", ".ndjson")
"""Endings of files with a JSON object on each line."""
LOOKED_AT = 200
"""Lines that decide what a column holds."""


@dataclass(frozen=True)
class Rows:
    """The cells of a table by line number; in a CSV file, line 1 holds the names of the columns."""

    name: str
    columns: tuple[str, ...]
    lines: dict[int, list[str]]
    word: str = "line"
    """What the numbers count."""
    open_end: int = 0
    """The last line, where no line break ends it: of a file that was cut off it is a part; else 0."""

    def at(self, line: int) -> str:
        """Return where a line stands, for messages that go on with what is wrong."""
        return f"{self.name}, {self.word} {line}"

    def column(self, name: str) -> str:
        """Return ``name`` if it is a column; raises DataError naming those that are."""
        if name in self.columns:
            return name
        raise DataError(
            f"{self.name} has no such column", value=name, advice=f"Its columns are {first(self.columns, 12)}."
        )

    def cell(self, line: int, column: str) -> str:
        """Return the content of one cell without spaces around it."""
        return self.lines[line][self.columns.index(column)].strip()

    def share(self, column: str, test: Callable[[str], bool]) -> float:
        """Return the share of the first lines whose cell in ``column`` passes ``test``."""
        cells = [self.cell(line, column) for line in list(self.lines)[:LOOKED_AT]]
        return sum(map(test, cells)) / len(cells)


def read(path: Path) -> Rows:
    """Return the rows of the table at ``path``; raises DataError saying what cannot be read."""
    kinds = {".parquet": parquet_rows, **dict.fromkeys(JSON_LINES, json_rows)}
    return kinds.get(path.suffix.lower(), csv_rows)(path)


def parquet_rows(path: Path) -> Rows:
    """Return the rows of a Parquet file; of its columns, those whose cells are texts, numbers, or lists of them."""
    names = [name for name, kind in arrow.columns(path).items() if kind != "image"]
    table = arrow.table([path], names)
    lines: dict[int, list[str]] = {}
    with arrow.told(path):
        for batch in table.to_batches():
            cells = zip(*(map(_cell, column.to_pylist()) for column in batch.columns), strict=True)
            lines.update(enumerate(map(list, cells), len(lines) + 1))
    if not lines:
        raise DataError("the table has no rows", value=str(path), advice="Add one row per image.")
    return Rows(path.name, tuple(names), lines, "row")


def json_rows(path: Path) -> Rows:
    """Return the rows of a file with a JSON object on each line; raises DataError naming the line that is none."""
    return _json_rows_of(path, text_of(path))


def _json_rows_of(path: Path, text: str) -> Rows:
    found: dict[int, dict[str, object]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            plain = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            told = f"{path.name}, line {number}: this is no JSON ({error.msg})"
            raise DataError(told, value=str(path), advice="Repair the file, or export it again.") from None
        if not isinstance(plain, dict):
            told, advice = f"{path.name}, line {number}: this is no JSON object", 'Write {"file_name": …, "label": …}.'
            raise DataError(told, value=str(path), advice=advice)
        found[number] = plain
    columns = tuple(dict.fromkeys(name for plain in found.values() for name in plain))
    if not columns:
        raise DataError("the table has no rows", value=str(path), advice="Write one line per image.")
    return Rows(path.name, columns, {n: [_json_cell(plain.get(c)) for c in columns] for n, plain in found.items()})


def _json_cell(value: object) -> str:
    """Return a value as text; of lists and objects their JSON, as tables have it."""
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ";".join(map(_cell, value))
    return "" if value is None else str(value)


def beginning(path: Path) -> Rows | None:
    """Return the first rows of the CSV or JSON-lines file at ``path``, None where they are none."""
    rows_of = _json_rows_of if path.suffix.lower() in JSON_LINES else _rows_of
    try:
        return rows_of(path, beginning_of(path, _PEEKED_BYTES))
    except (OSError, UnicodeDecodeError, DataError):
        return None


def csv_rows(path: Path) -> Rows:
    """Return the rows of the table at ``path``; raises DataError naming the line that cannot be read."""
    return _rows_of(path, text_of(path))


def _rows_of(path: Path, text: str) -> Rows:
    if not text.strip():
        raise DataError("the table is empty", value=str(path), advice="Its first line names the columns: file,label.")
    comments = _COMMENTS.match(text)
    start = comments.end() if comments else 0
    said = _SEP.match(text, start)
    delimiter = said.group(1) if said else _delimiter(text[start:])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: dict[int, list[str]] = {}
    try:
        for _ in range(text.count("\n", 0, said.end() if said else start)):
            next(reader)
        columns = tuple(cell.strip() for cell in next(reader))
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(columns) and not any(map(str.strip, cells[len(columns) :])):
                cells = cells[: len(columns)]  # commas at the end, as spreadsheets leave them
            if len(cells) != len(columns):
                told = f"{len(cells)} cells where line 1 names {len(columns)} columns"
                raise _broken(path, reader.line_num, told)
            lines[reader.line_num] = cells
    except csv.Error as error:
        raise _broken(path, reader.line_num, str(error)) from None
    columns, lines = _without_quotes(*_without_empty(columns, lines))
    _refuse_names(path, columns)
    if not lines:
        raise DataError("the table has column names and no rows", value=str(path), advice="Add one row per image.")
    return Rows(path.name, columns, lines, open_end=0 if text.endswith(("\n", "\r")) else max(lines))


def _refuse_names(path: Path, columns: Sequence[str]) -> None:
    """Raise DataError where the first line names an image, or a column twice."""
    if any(map(is_image, columns)):
        told = f"{path.name} has no line with column names: its first line names an image"
        raise DataError(told, value=str(path), advice="Add a first line such as file,label.")
    twice = [c for c in columns if columns.count(c) > 1]
    if twice:
        raise _broken(path, 1, f"the column {twice[0]!r} is named twice")


def _broken(path: Path, line: int, told: str) -> DataError:
    advice = "Correct the line; a cell with a comma or a quote in it must stand in double quotes."
    return DataError(f"{path.name}, line {line}: {told}", value=str(path), advice=advice)


_COMMENTS = re.compile(r"(?:#[^\",;\t|\r\n]*\r?\n)+")
"""Lines before the names of columns that name none."""
_SEP = re.compile(r"sep=(.)\r?\n")
"""The line in which a file tells Excel what stands between its cells."""


def _delimiter(text: str) -> str:
    """Return what stands between cells: what parts the first line, and the others into as many cells."""
    first_lines = "\n".join(text.lstrip().split("\n", _HEADER_LINES)[:_HEADER_LINES])
    header = first_lines.split("\n", 1)[0]
    likely = [sign for sign in sorted(_DELIMITERS, key=header.count, reverse=True) if sign in header]
    if len(likely) < 2:
        return (likely or [_DELIMITERS[0]])[0]
    return max(likely, key=lambda sign: _n_parted_alike(first_lines, sign))


def _n_parted_alike(text: str, delimiter: str) -> int:
    """Return how many lines have as many cells as the first, where ``delimiter`` parts them."""
    try:
        rows = [cells for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if cells]
    except csv.Error:
        return 0
    return sum(len(cells) == len(rows[0]) for cells in rows) if rows else 0


_Table = tuple[tuple[str, ...], dict[int, list[str]]]


def _without_empty(columns: tuple[str, ...], lines: dict[int, list[str]]) -> _Table:
    """Return a table without columns that have neither a name nor a cell, as spreadsheets leave them behind."""
    left = [place for place, name in enumerate(columns) if not name and not _any_at(lines, place)]
    if not left or len(left) == len(columns):
        return columns, lines
    kept = [place for place in range(len(columns)) if place not in left]
    return tuple(columns[place] for place in kept), {n: [cells[place] for place in kept] for n, cells in lines.items()}


def _any_at(lines: dict[int, list[str]], place: int) -> bool:
    return any(cells[place].strip() for cells in lines.values())


def _without_quotes(columns: tuple[str, ...], lines: dict[int, list[str]]) -> _Table:
    """Return a table without the quotes that stand around every cell of a column and are part of none: 'a.jpg'."""
    if not lines:
        return columns, lines
    quoted = [
        place
        for place in range(len(columns))
        if all(_is_quoted(cells[place]) or not cells[place].strip() for cells in lines.values())
        and _any_at(lines, place)
    ]
    if not quoted:
        return columns, lines
    bare = {n: [_bare(cell) if place in quoted else cell for place, cell in enumerate(c)] for n, c in lines.items()}
    return tuple(_bare(name) if _is_quoted(name) else name for name in columns), bare


def _is_quoted(cell: str) -> bool:
    text = cell.strip()
    return len(text) > 1 and (text[0], text[-1]) in _QUOTES and not {text[0], text[-1]} & set(text[1:-1])


def _bare(cell: str) -> str:
    return cell.strip()[1:-1]


_DELIMITERS = (",", ";", "\t", "|")
_HEADER_LINES = 20
"""Lines that decide what stands between cells."""
_QUOTES = frozenset((("'", "'"), ('"', '"'), ("“", "”"), ("”", "”"), ("„", "“"), ("‘", "’"), ("«", "»"), ("`", "`")))
"""Pairs of quotes that programs write around cells."""
