"""Tables: a CSV or Parquet file with one row per image, a column that names the file, and one or more of labels.

It knows columns, rows and their line numbers; it opens no image, and asks of each file only its size. Labels stand
in one column, as a name or as several joined by a separator ("cat;dog"), or in one column of 0 and 1 per class. What
other columns say is kept beside each image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nbtrain.data.records import Listing, Record, checked, counted, first, natural
from nbtrain.data.sources.base import SPLIT_NAMES, Annotated, existing, is_image
from nbtrain.data.sources.gathering import unused
from nbtrain.data.sources.named import Files
from nbtrain.data.sources.rows import Rows, read
from nbtrain.errors import DataError
from nbtrain.schema import field

_IMAGE_COLUMNS = ("file", "filename", "file_name", "image", "image_path", "filepath", "file_path", "path", "img")
_LABEL_COLUMNS = ("label", "labels", "class", "classes", "category", "target", "tags", "class_name")
_SPLIT_COLUMNS = ("split", "set", "subset", "partition")
_SEPARATORS = (";", "|")
_BITS = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False, "": False}


class Table(Annotated, kind="table", label="Table (CSV, Parquet)"):
    """A CSV or Parquet file with one row per image: its file and its label, or labels."""

    layout = "a CSV or Parquet file with a column of image files and one or more of labels"

    image_column: str = field("", label="Image column")
    """Column that names the image files; empty finds it by its content."""
    label_columns: tuple[str, ...] = field((), label="Label columns")
    """Column of labels, or several columns of 0 and 1, one per class; empty finds them by name and content."""
    separator: str = field("auto", label="Label separator")
    """What stands between several labels in one cell; "auto" takes ; or |, empty takes each cell as one label."""
    split_column: str = field("", label="Split column")
    """Column that says train, val or test; empty finds it by name."""

    @classmethod
    def claims(cls, path: Path) -> bool:
        """Return whether ``path`` is a file that ends like a table."""
        return path.is_file() and path.suffix.lower() in (".csv", ".tsv", ".parquet")

    def listing(self) -> Listing:
        """Return the images of all rows in their order; raises DataError naming the line that is wrong."""
        path = existing(self.path)
        if path.is_dir():
            raise DataError("this is a folder, not a table", value=str(path), advice="Give the path of a CSV file.")
        rows = read(path)
        image = self._image_column(rows)
        split = self._split_column(rows)
        labels = self._label_columns(rows, {image, split})
        root = existing(self.images_root) if self.images_root else path.parent
        files = Files(root, path.name, path.parent)
        kept = _kept(rows, image, files)
        names = _labels(rows, labels, self._separator(rows, labels), kept)
        classes = tuple(labels) if len(labels) > 1 else tuple(sorted({n for ns in names for n in ns}, key=natural))
        ids = {name: i for i, name in enumerate(classes)}
        columns = tuple(c for c in rows.columns if c not in {image, split, *labels})
        records = tuple(
            Record(
                row.file,
                tuple(sorted(ids[n] for n in ns)),
                row.size_bytes,
                cells=tuple(rows.cell(row.line, c) for c in columns),
            )
            for row, ns in zip(kept, names, strict=True)
        )
        records, twice = _without_repeats(records, kept, classes, rows)
        own = _own_split(rows, split, kept) if split else None
        multilabel = any(len(r.labels) != 1 for r in records)
        listing = Listing(root, classes, records, own, multilabel, columns=columns)
        return checked(listing.noting(*files.notices(), twice, unused(listing)), path)

    def _image_column(self, rows: Rows) -> str:
        if self.image_column:
            return rows.column(self.image_column)
        if any(is_image(c) for c in rows.columns):
            raise DataError(
                f"{rows.name} has no line with column names: its first line names an image",
                advice="Add a first line such as file,label.",
            )
        share = {c: rows.share(c, is_image) for c in rows.columns}
        best = max(share.values())
        if best >= 0.5:
            likely = [c for c in rows.columns if share[c] == best]
            return next((c for c in likely if c.lower() in _IMAGE_COLUMNS), likely[0])
        raise DataError(
            f"no column of {rows.name} holds names of image files",
            advice=f"Say which one does with image_column=…; the columns are {first(rows.columns, 12)}.",
        )

    def _split_column(self, rows: Rows) -> str:
        if self.split_column:
            return rows.column(self.split_column)
        named = (c for c in rows.columns if c.lower() in _SPLIT_COLUMNS)
        return next((c for c in named if rows.share(c, lambda cell: cell.lower() in SPLIT_NAMES) == 1), "")

    def _label_columns(self, rows: Rows, taken: set[str]) -> tuple[str, ...]:
        if self.label_columns:
            return tuple(rows.column(c) for c in self.label_columns)
        free = [c for c in rows.columns if c not in taken]
        named = [c for c in free if c.lower() in _LABEL_COLUMNS]
        bits = [c for c in free if rows.share(c, lambda cell: cell.lower() in _BITS) == 1]
        if len(named) == 1 or len(free) == 1:
            return ((named or free)[0],)
        if len(bits) > 1 and len(bits) == len(free):
            return tuple(bits)
        raise DataError(
            f"it is not clear which column of {rows.name} holds the labels" if free else f"{rows.name} has no labels",
            advice=f"Say it with label_columns=(…,); the columns are {first(rows.columns, 12)}.",
        )

    def _separator(self, rows: Rows, labels: Sequence[str]) -> str:
        if self.separator != "auto":
            return self.separator
        cells = [rows.cell(line, labels[0]) for line in rows.lines] if len(labels) == 1 else []
        return next((s for s in _SEPARATORS if any(s in cell for cell in cells)), "")


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    file: str
    size_bytes: int


def _kept(rows: Rows, column: str, files: Files) -> list[_Row]:
    """Return the rows whose file exists; raises DataError where none does, or one lies outside the root."""
    found = []
    for line in rows.lines:
        file = files.find(rows.cell(line, column), f"{rows.word} {line}")
        if file is not None:
            found.append(_Row(line, *file))
    if found:
        return found
    raise files.none_found(len(rows.lines))


def _labels(rows: Rows, columns: Sequence[str], separator: str, kept: list[_Row]) -> list[tuple[str, ...]]:
    """Return the class names of each kept row; raises DataError naming the line of a label that is none."""
    if len(columns) > 1:
        return [_marked(rows, columns, row.line) for row in kept]
    found = []
    for row in kept:
        cell = rows.cell(row.line, columns[0])
        if separator:
            found.append(tuple(dict.fromkeys(n.strip() for n in cell.split(separator) if n.strip())))
        elif cell:
            found.append((cell,))
        else:
            what = f"{rows.at(row.line)}: the cell in {columns[0]} is empty"
            raise DataError(what, advice="Fill in the label, or delete the line.")
    return found


def _marked(rows: Rows, columns: Sequence[str], line: int) -> tuple[str, ...]:
    cells = [(column, rows.cell(line, column)) for column in columns]
    for column, cell in cells:
        if cell.lower() not in _BITS:
            raise DataError(
                f"{rows.at(line)}: {column} holds neither 0 nor 1",
                value=cell,
                advice="Several label columns hold 0 and 1, one column per class; for names, use one column.",
            )
    return tuple(column for column, cell in cells if _BITS[cell.lower()])


def _without_repeats(
    records: tuple[Record, ...], kept: list[_Row], classes: Sequence[str], rows: Rows
) -> tuple[tuple[Record, ...], str]:
    """Return each file once, with a notice; raises DataError where two rows of one file disagree."""
    seen: dict[str, tuple[Record, int]] = {}
    twice: list[str] = []
    for record, row in zip(records, kept, strict=True):
        earlier, line = seen.setdefault(record.file, (record, row.line))
        if line == row.line:
            continue
        if earlier.labels != record.labels:
            named = [" and ".join(classes[i] for i in r.labels) or "nothing" for r in (earlier, record)]
            raise DataError(
                f"{rows.at(line)}: {record.file} is {named[0]}, and {named[1]} on {rows.word} {row.line}",
                advice="Keep one row per image; several labels go into one cell, joined by a semicolon.",
            )
        twice.append(f"{record.file} ({rows.word}s {line} and {row.line})")
    notice = f"{counted(len(twice), 'row repeats an earlier one', 'rows repeat earlier ones')}: {first(twice)}."
    return tuple(record for record, _ in seen.values()), notice if twice else ""


def _own_split(rows: Rows, column: str, kept: list[_Row]) -> dict[str, tuple[str, ...]]:
    """Return the files of each set; raises DataError naming the line of a word that is no set."""
    sets: dict[str, list[str]] = {}
    placed: dict[str, int] = {}
    for row in kept:
        cell = rows.cell(row.line, column)
        name = SPLIT_NAMES.get(cell.lower())
        if name is None:
            what = f"{rows.at(row.line)}: {column} holds no name of a set"
            raise DataError(what, value=cell, advice="Write train, val or test.")
        line = placed.setdefault(row.file, row.line)
        if line == row.line:
            sets.setdefault(name, []).append(row.file)
        elif row.file not in sets.get(name, ()):
            what = f"{rows.name}: {row.file} is in two sets, on {rows.word}s {line} and {row.line}"
            raise DataError(what, advice="Keep one row per image.")
    return {name: tuple(sets[name]) for name in ("train", "val", "test") if name in sets}
