"""Rows: the cells of a CSV or Parquet table as text, by line. It knows no images and no labels."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nbtrain.data.records import first
from nbtrain.data.sources import arrow
from nbtrain.data.sources.texts import text_of
from nbtrain.errors import DataError
from nbtrain.files import ordinary

_PEEKED_BYTES = 1 << 16
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
    return parquet_rows(path) if path.suffix.lower() == ".parquet" else csv_rows(path)


def parquet_rows(path: Path) -> Rows:
    """Return the rows of a Parquet file; of its columns, those whose cells are texts, numbers, or lists of them."""
    names = [name for name, kind in arrow.columns(path).items() if kind != "image"]
    table = arrow.table([path], names)
    lines: dict[int, list[str]] = {}
    for batch in table.to_batches():
        cells = zip(*(map(_cell, column.to_pylist()) for column in batch.columns), strict=True)
        lines.update(enumerate(map(list, cells), len(lines) + 1))
    if not lines:
        raise DataError("the table has no rows", value=str(path), advice="Add one row per image.")
    return Rows(path.name, tuple(names), lines, "row")


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ";".join(map(_cell, value))
    return "" if value is None else str(value)


def beginning(path: Path) -> Rows | None:
    """Return the first rows of the CSV file at ``path``, None where they are none."""
    try:
        with open(path, "rb", opener=ordinary) as opened:
            data = opened.read(_PEEKED_BYTES)
        whole = data if len(data) < _PEEKED_BYTES else data[: data.rfind(b"\n") + 1]
        return _rows_of(path, whole.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, DataError):
        return None


def csv_rows(path: Path) -> Rows:
    """Return the rows of the table at ``path``; raises DataError naming the line that cannot be read."""
    return _rows_of(path, text_of(path))


def _rows_of(path: Path, text: str) -> Rows:
    if not text.strip():
        raise DataError("the table is empty", value=str(path), advice="Its first line names the columns: file,label.")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    lines: dict[int, list[str]] = {}
    try:
        columns = tuple(cell.strip() for cell in next(reader))
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                told = f"{len(cells)} cells where line 1 names {len(columns)} columns"
                raise _broken(path, reader.line_num, told)
            lines[reader.line_num] = cells
    except csv.Error as error:
        raise _broken(path, reader.line_num, str(error)) from None
    twice = [c for c in columns if columns.count(c) > 1]
    if twice:
        raise _broken(path, 1, f"the column {twice[0]!r} is named twice")
    if not lines:
        raise DataError("the table has column names and no rows", value=str(path), advice="Add one row per image.")
    return Rows(path.name, columns, lines)


def _broken(path: Path, line: int, told: str) -> DataError:
    advice = "Correct the line; a cell with a comma or a quote in it must stand in double quotes."
    return DataError(f"{path.name}, line {line}: {told}", value=str(path), advice=advice)


def _delimiter(text: str) -> str:
    header = text.lstrip().split("\n", 1)[0]
    return max((",", ";", "\t", "|"), key=header.count)
