"""Tables: a CSV or Parquet file with one row per image, a column that names the file, and one or more of labels.

It knows columns, rows and their line numbers; it opens no image, and asks of each file only its size. Labels stand
in one column (cells.py reads them), or in one column of 0 and 1, or of -1 and 1, per class. A folder may hold a table
for each set (``train.csv``, ``valid/_classes.csv``). What other columns say is kept beside each image.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from itertools import islice, permutations
from pathlib import Path
from typing import Literal

from nbtrain.data.questions import Answer, Question
from nbtrain.data.records import Listing, Record, checked, counted, first, natural
from nbtrain.data.sources import tables_beside
from nbtrain.data.sources.base import Annotated, Source, common, existing, is_image, names_in, spellings_told
from nbtrain.data.sources.cells import (
    Reading,
    is_broken_list,
    is_drawing,
    is_missing,
    is_scores,
    is_vectors,
    read_labels,
)
from nbtrain.data.sources.census import counted_in, unnamed
from nbtrain.data.sources.columns import LABEL_COLUMNS, choose, doubtful, how_read, in_all, separators
from nbtrain.data.sources.drawn import drawn_columns
from nbtrain.data.sources.drawn import told as boxes_told
from nbtrain.data.sources.folder import holds_classes
from nbtrain.data.sources.foreign import recognised
from nbtrain.data.sources.gathering import without_image
from nbtrain.data.sources.named import Files, before_query, number_of
from nbtrain.data.sources.readings import AskError
from nbtrain.data.sources.rows import JSON_LINES, LOOKED_AT, Rows, read
from nbtrain.data.sources.sets import More, added, is_set_name, set_and_rest, set_of, sets_among
from nbtrain.data.sources.tally import Tally
from nbtrain.data.splits import SETS
from nbtrain.errors import DataError
from nbtrain.schema import field

_ENDINGS = (".csv", ".tsv", ".parquet", *JSON_LINES)
_IMAGE_COLUMNS = (
    *("file", "filename", "file_name", "fname", "image", "image_path", "filepath", "file_path", "path", "img"),
    *("image_id", "imageid", "image_name", "img_name", "id", "name"),
)
_SPLIT_COLUMNS = ("split", "set", "subset", "partition", "usage", "dataset", "phase", "data_split", "fold")
_FOLDS = re.compile(r"((k|kf|skf|cv|val|valid|test|outer|inner|group|stratified)[ _-]?)?folds?"
                    r"([ _-]?(id|idx|index|no|nr|num|number|[0-9]+))?|cv([ _-]?(split|set|id|idx))?")  # fmt: skip
"""Columns, in lower case, of folds."""
_FLAG_WORDS = frozenset(("is", "in", "for", "use", "used", "flag"))
"""Words beside a set's in the names of columns that say whether an image is in it, such as is_valid."""
_BITS = {
    **dict.fromkeys(("1", "1.0", "true", "yes", "y", "t", "x", "✓", "✔"), True),
    **dict.fromkeys(("0", "0.0", "false", "no", "n", "f"), False),
}
_SIGNS = {"1": True, "1.0": True, "-1": False, "-1.0": False}
_REPEATED = "repeating an earlier one"
_OF_TABLES = frozenset(
    (
        *("labels", "label", "annotations", "annotation", "anno", "csv", "csvs", "tables", "meta", "metadata"),
        *("splits", "split", "lists", "index"),
    )
)
"""Folders, in lower case, that hold the tables of sets whose images lie beside them."""
_FOLDERS_NEAR = 20
"""Folders beside a table that are looked into for images whose names it writes without an ending."""
_MARKS = 0.5
"""Share of cells of 0 and 1, of those with a value, above which several columns are marks, one per class."""
_PIXELS = re.compile(r"pixels?|(pixel|px|p)[ _-]?[0-9]+(x[0-9]+)?|[0-9]+x[0-9]+")
"""Columns whose cells are pixels, as MNIST's and FER2013's tables have them."""
_MOST_FOLDS = 10
"""Values of a column of folds up to which each is offered as the one that validates."""
_NO_SETS = Answer("No sets", "Neither a column nor the folders of the images say a set.", {"sets": "none"})
_FOLDER_COLUMN = "folder of the image"
"""What the column is called that holds the folders of the images, where they are the labels."""
_LONG = 0.05
"""Share of files with rows of different labels from which on rows are labels, and not contradictions."""


class Table(Annotated, kind="table", label="Table (CSV, Parquet)"):
    """A CSV, Parquet or JSON-lines file with one row per image: its file and its label, or labels; or one per set."""

    layout = "a CSV, Parquet or JSON-lines file with a column of image files and one or more of labels"

    image_column: str = field("", label="Image column")
    """Column that names the image files; empty finds it by its content."""
    label_columns: tuple[str, ...] = field((), label="Label columns")
    """Column of labels; or several, whose names are all labels of the image, or which hold 0 and 1, one per class;
    empty finds them by name and content."""
    separator: str = field("auto", label="Label separator")
    """What stands between several labels in one cell; "auto" looks, empty takes each cell as one label."""
    empty_cells: Literal["auto", "none", "leave out"] = field("auto", label="Empty cells", advanced=True)
    """What an empty cell means where others hold several labels: that the image shows none of the classes, or that its
    labels are missing, and it is left out; auto asks."""
    minus_one: Literal["auto", "no", "yes", "leave out"] = field("auto", label="-1 beside 0 and 1", advanced=True)
    """What -1 means in label columns that hold 0 and 1 too: no, yes, or that the image is left out; auto asks."""
    split_column: str = field("", label="Split column")
    """Column that says train, val or test; empty finds it by name."""
    set_names: tuple[str, ...] = field((), label="More names of sets", advanced=True)
    """Words or numbers that mean a set here, such as entreno=train or 1=val."""

    shown_column: str = field("auto", label="Column of what is shown", advanced=True)
    """In a table with a row for each label of an image: the column of 0 and 1 that says whether it shows it; empty
    takes every row as a label that is shown; auto asks where there is such a column."""

    sets: Literal["auto", "none"] = field("auto", label="Train, val and test", advanced=True)
    """Whether a column, or else the folders of the images, may say the sets (auto), or nothing does."""

    @classmethod
    def claims(cls, path: Path) -> bool:
        """Return whether ``path`` is a file that ends like a table, or a folder with one for each set."""
        if path.is_file():
            lines = path.suffix.lower() in JSON_LINES
            return path.suffix.lower() in _ENDINGS and not (lines and recognised(path))
        near = path.is_dir() and (_set_tables(path) or any(map(_is_table, names_in(path))))
        return bool(near) and not holds_classes(path) and bool(_tables(path))

    @classmethod
    def also(cls, path: Path) -> Iterator[Answer]:
        """Yield the tables of a folder that name images in it."""
        if path.is_dir() and (tables := _set_tables(path)):
            yield Answer("Tables of sets", f"Read are {first([table.name for table in tables])}.", {"kind": cls.kind})
        yield from map(tables_beside.answer, tables_beside.naming(path))

    @classmethod
    def instead(cls, path: Path) -> Source | None:
        """Return the one table in a folder that holds no classes: what is wrong with it says more than one class."""
        lone = tables_beside.only(path) if path.is_dir() else None
        return None if lone is None else cls(path=str(lone))

    @classmethod
    def doubt(cls, path: Path) -> Question | None:
        """Ask where both folders and a table beside them may say what the images show."""
        return tables_beside.doubt(path) if path.is_dir() else None

    @spellings_told
    def listing(self) -> Listing:
        """Return the images of all rows in their order; raises DataError naming the line that is wrong."""
        path = existing(self.path)
        tables = {path: ""} if path.is_file() else _tables(path)
        if not tables:
            raise DataError("this is a folder, not a table", value=str(path), advice="Give the path of a CSV file.")
        apart = path.is_dir() and not any(map(_holds_images_near, {table.parent for table in tables}))
        beside = {table: path if apart else table.parent for table in tables}
        roots = {table: existing(self.images_root) if self.images_root else beside[table] for table in tables}
        root = common(roots.values())
        parts, without = list[_Part](), list[Path]()
        for table, named in tables.items():
            known = {name for row in parts[0].rows for name in row.names or ()} if parts else set[str]()
            part = self._part(table, named, root, roots[table], parts[0].labels if parts else (), known)
            if part is None:
                without.append(table)
            else:
                parts.append(part)
        columns = tuple(dict.fromkeys(column for part in parts for column in part.columns))
        rows = [row for part in parts for row in part.rows]
        tally = Tally()
        for part in parts:
            part.tell(tally)
        tally.add("file", "of images without labels", *(table.relative_to(path).as_posix() for table in without))
        tally.annotation_files.update(table.relative_to(root).as_posix() for table in tables if root in table.parents)
        given = dict.fromkeys(name for part in parts for name in part.classes)
        classes = tuple(given) or tuple(sorted({name for row in rows for name in row.names or ()}, key=natural))
        ids = {name: i for i, name in enumerate(classes)}
        records = tuple(
            Record(
                row.file,
                tuple(sorted(ids[name] for name in row.names or ())),
                row.size_bytes,
                cells=tuple(row.cells.get(column, "") for column in columns),
            )
            for row in rows
            if row.names is not None
        )
        own, unplaced = _own_split(rows, str(path))
        multilabel = any(len(record.labels) != 1 for record in records)
        if len(classes) < 2 or not records:
            _raise_reason(rows, tally, path, list(dict.fromkeys(word for part in parts for word in part.missing)))
        used = [table for table in tables if table not in without]
        told = ", ".join(table.relative_to(path).as_posix() if path.is_dir() else table.name for table in used)
        plain = Listing(root, classes, records, own, multilabel, columns=columns)
        listing = counted_in(plain, path, unnamed(told), tally)
        notices = (*(notice for part in parts for notice in part.notices), unplaced, without_image(listing))
        asked = (question for part in parts for question in part.asked)
        return checked(listing.noting(*notices).asking(*asked).read_as(*parts[0].ways), path)

    def _part(
        self, path: Path, named: str, root: Path, images: Path, due: Sequence[str], known: set[str]
    ) -> _Part | None:
        """Return the rows of one table; ``named`` is its set, "" where its rows say theirs.

        ``due`` are the columns of labels of the table before, ``known`` its classes: None for one that has neither
        these columns nor another that says such classes, as test sets have.
        """
        table, more = read(path), added(self.set_names)
        if due and not set(due).intersection(table.columns):
            try:
                given = {self._image_column(table, images), *drawn_columns(table.columns)}
            except DataError:
                return None
            if not _labels_like(table, given, known):
                return None
        named_root = bool(self.images_root)
        files = Files(root, path.name, path.parent, named=named_root, split=named, noun="row", meant=self.meant_folder)
        base = images.relative_to(root).as_posix()
        image = self._image_column(table, images)
        drawn = {c: what for c, what in drawn_columns(table.columns).items() if c not in {image, *self.label_columns}}
        free = [c for c in table.columns if c not in {image, *self.label_columns, *drawn}]
        by_column = not named and self.sets == "auto"
        sets = _Sets.of(table, free, self.split_column, more, self.set_names) if by_column else _Sets()
        kept = _kept(table, image, files, base)
        table, by_folder = self._with_folders(table, {image, *sets.columns, *drawn}, kept, more)
        labels: tuple[str, ...]
        other_labels: tuple[Answer, ...] = ()
        if by_folder:
            labels = (_FOLDER_COLUMN,)
        elif due and not set(due).intersection(table.columns):
            labels = (_labels_like(table, {image, *sets.columns, *drawn}, known),)
        else:
            labels, other_labels = self._label_columns(table, {image, *sets.columns, *drawn})
        placed = _sets_of_folders([row.file for row in kept], more) if by_column and not sets.columns else {}
        read_so = self._labels(table, image, labels, kept)
        spoken_for = {image, *sets.columns, *labels, *(table.columns if drawn else ())}  # a row for each object
        shown, about_shown = self._shown_column(table, spoken_for, kept, read_so.names)
        names, absent = _verified(table, labels, kept, read_so.names, shown)
        columns = tuple(c for c in table.columns if c not in {image, *sets.columns, *labels, *drawn})
        rows = [
            _Row(
                row.file,
                row.size_bytes,
                row.line,
                label,
                {column: table.cell(row.line, column) for column in columns},
                named or placed.get(row.file) or sets.of_line(table, row.line),
            )
            for row, label in zip(kept, names, strict=True)
        ]
        once, twice, joined = _without_repeats(rows, table, per_object=bool(drawn or absent))
        classes = tuple(labels) if len(labels) > 1 and not _of_names(table, labels) else ()
        told = (
            *read_so.notices,
            absent,
            *boxes_told(drawn),
            *sets.notices,
            _placed_told(placed),
            by_folder,
            _labels_elsewhere(table.name, labels, due),
            _cut_off(rows, table),
        )
        notices = (*files.notices(), *joined, *told)
        ways = (*read_so.ways, *other_labels, *([_NO_SETS] if placed else []))
        asked = tuple(filter(None, (*read_so.asked, about_shown, sets.asked, files.question())))
        empty = (table.cell(row.line, labels[0]) for row, label in zip(kept, names, strict=True) if label is None)
        missing = tuple(dict.fromkeys(filter(None, empty))) if len(labels) == 1 else ()
        return _Part(once, columns, tuple(labels), classes, notices, files, twice, ways, asked, missing)

    def _image_column(self, rows: Rows, images: Path) -> str:
        if self.image_column:
            return rows.column(self.image_column)
        share = {c: rows.share(c, lambda cell: is_image(cell) or is_image(before_query(cell))) for c in rows.columns}
        best = max(share.values())
        if best >= 0.5:
            likely = [c for c in rows.columns if share[c] == best]
            return next((c for c in likely if c.lower() in _IMAGE_COLUMNS), likely[0])
        # Names without an ending: where images of these names lie.
        stems = _stems_near(images)
        numbers = {number_of(stem) for stem in stems} - {None}

        def is_there(cell: str) -> bool:
            name = cell.replace("\\", "/").split("/")[-1]
            return name in stems or number_of(name) in numbers

        share = {c: rows.share(c, is_there) for c in rows.columns}
        column = max(rows.columns, key=lambda c: (share[c], c.lower() in _IMAGE_COLUMNS))
        if share[column] >= 0.5:
            return column
        if any(_PIXELS.fullmatch(c.lower()) for c in rows.columns):
            told, advice = (
                f"the cells of {rows.name} hold pixels, and no names of files",
                "Save each row as an image file.",
            )
            raise DataError(told, advice=f"{advice} Then write a table with their names and labels.")
        raise DataError(
            f"no column of {rows.name} holds names of image files",
            advice=f"Say which one does with image_column=…; the columns are {first(rows.columns, 12)}.",
        )

    def _label_columns(self, rows: Rows, taken: set[str]) -> tuple[tuple[str, ...], tuple[Answer, ...]]:
        """Return the columns of labels, and the other choices; raises AskError where a person has to say it."""
        if self.label_columns:
            return tuple(rows.column(c) for c in self.label_columns), ()
        free = [c for c in rows.columns if c not in taken]
        bits = [c for c in free if rows.share(c, _is_bit) == 1 and rows.share(c, is_missing) < 1]
        if len(bits) > 1 and len(bits) == len(free) and not all(bits):
            what = f"{rows.name}: a column of 0 and 1 has no name, which would be its class"
            raise DataError(what, advice="Name it in the first line, or delete it.")
        found = choose(rows, [c for c in free if c] or free, [c for c in bits if c])  # pandas' index has no name
        if found.taken:
            return found.taken, found.answers(rows)
        if found.likely:
            raise AskError(found.question(rows), self)
        raise DataError(
            f"it is not clear which column of {rows.name} holds the labels" if free else f"{rows.name} has no labels",
            advice=f"Say it with label_columns=(…,); the columns are {first(rows.columns, 12)}.",
        )

    def _with_folders(self, rows: Rows, taken: set[str], kept: list[_Found], more: More) -> tuple[Rows, str]:
        """Return the rows with a column of what each image's folder is called, and what to tell of it.

        Only where no column is left that may say a label, and the folders may: ``file,split`` beside class folders.
        """
        if self.label_columns or any(c for c in rows.columns if c not in taken):
            return rows, ""
        folder_of = {row.line: _class_folder(row.file, more) for row in kept}
        names = sorted(set(folder_of.values()), key=natural)
        if len(names) < 2 or "" in names:
            return rows, ""
        lines = {line: [*rows.lines[line], folder] for line, folder in folder_of.items()}
        told = f"No column says a label; the folders of the images do: {first(names)}."
        return replace(rows, columns=(*rows.columns, _FOLDER_COLUMN), lines=lines), told

    def _shown_column(
        self, rows: Rows, taken: set[str], kept: list[_Found], names: Names
    ) -> tuple[str, Question | None]:
        """Return the column of 0 and 1 that says of each row whether its label is shown, "" for none, and what to ask.

        There may be one where an image has rows of several labels, of which some say yes and some no.
        """
        if self.shown_column != "auto":
            return (rows.column(self.shown_column) if self.shown_column else ""), None
        if _open_images(rows):
            return "", None  # its Confidence says so
        said: dict[str, set[tuple[str, ...] | None]] = {}
        for row, label in zip(kept, names, strict=True):
            said.setdefault(row.file, set()).add(label)
        several = {file for file, labels in said.items() if len(labels) > 1}
        if len(several) < 2 or len(several) < _LONG * len(said):
            return "", None
        lines = [row.line for row in kept if row.file in several]
        for column in (c for c in rows.columns if c and c not in taken):
            yes_or_no = {_says_yes(rows.cell(line, column)) for line in lines}
            if yes_or_no == {True, False}:
                return column, _about_shown(rows, column)
        return "", None

    def _labels(self, rows: Rows, image: str, columns: Sequence[str], kept: list[_Found]) -> _Labels:
        """Return the class names of each kept line, None for one without a value, and how they were read."""
        if len(columns) > 1 and not _of_names(rows, columns):
            names, notices = _marked(rows, columns, kept, self)
            return _Labels(names, notices, (how_read(rows, image, columns, None),))
        if len(columns) > 1:
            each = [self._labels(rows, image, (column,), kept) for column in columns]
            said = dict.fromkeys(notice for one in each for notice in one.notices)
            asked = tuple(question for one in each for question in one.asked)
            return _Labels(_of_all([one.names for one in each]), tuple(said), (in_all(rows, image, columns),), asked)
        _refuse_no_names(rows, columns[0], kept)
        reading = read_labels([rows.cell(row.line, columns[0]) for row in kept], columns[0], self.separator)
        if reading.separator == "list":
            _refuse_broken(rows, columns[0], kept)
        doubt = doubtful(columns[0], reading) if self.separator == "auto" else None
        names, told, about = self._without_labels(rows, columns[0], kept, reading)
        ways = (how_read(rows, image, columns, reading), *separators(reading)[1:])
        return _Labels(names, (*told, *reading.notices), ways, tuple(filter(None, (doubt, about))))

    def _without_labels(
        self, rows: Rows, column: str, kept: list[_Found], reading: Reading
    ) -> tuple[Names, tuple[str, ...], Question | None]:
        """Return the names of each line where empty cells stand beside several labels, what is told, and asked."""
        empty = {row.line: row.file for row in kept if reading.several and not rows.cell(row.line, column)}
        if not empty:
            return list(reading.labels), (), None
        if self.empty_cells == "leave out":
            pairs = zip(kept, reading.labels, strict=True)
            return [None if row.line in empty else names for row, names in pairs], (), None
        about = _about_empty(list(empty.values()), column) if self.empty_cells == "auto" else None
        cells = counted(len(empty), f"cell in {column} is", f"cells in {column} are")
        return list(reading.labels), (f"{cells} empty: read as showing none of the classes.",), about


@dataclass(frozen=True, slots=True)
class _Found:
    """A line whose file exists."""

    line: int
    file: str
    size_bytes: int


Names = list[tuple[str, ...] | None]


@dataclass(frozen=True)
class _Labels:
    """The class names of each line, and how they were read and could be."""

    names: Names
    notices: tuple[str, ...]
    ways: tuple[Answer, ...]
    asked: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    """One image as its row describes it."""

    file: str
    size_bytes: int
    line: int
    names: tuple[str, ...] | None
    """Names of its labels; None where it has no value."""
    cells: dict[str, str]
    split: str
    """Its set, "" where the table says none."""


@dataclass(frozen=True)
class _Part:
    """What one table says."""

    rows: list[_Row]
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    """Columns of labels."""
    classes: tuple[str, ...]
    """Where they are columns; else they stand in the rows."""
    notices: tuple[str, ...]
    files: Files
    repeated: list[str]
    """Rows that say of an image what an earlier one has said, and where."""
    ways: tuple[Answer, ...]
    asked: tuple[Question, ...]
    missing: tuple[str, ...]
    """What stands in the cells of labels that hold no value."""

    def tell(self, tally: Tally) -> None:
        """Count what is not used."""
        self.files.tell(tally)
        tally.add("row", f"of {self.files.told} {_REPEATED}", *self.repeated)
        why = f"without a label in {self.files.told}"
        tally.images.update((row.file, why) for row in self.rows if row.names is None)


def _tables(folder: Path) -> dict[Path, str]:
    """Return the tables of a folder by their set: one for each set, or one for all under ""."""
    if sets := _set_tables(folder):
        return sets
    lone = tables_beside.alone(folder)
    return {lone: ""} if lone else {}


def _set_tables(folder: Path) -> dict[Path, str]:
    """Return the tables of a folder that has one for each set, beside each other or in folders of the sets."""
    beside = sets_among(filter(_is_table, names_in(folder)))
    if len(beside) > 1 and len(set(beside.values())) == len(beside):
        return {folder / name: named for name, named in _in_order(beside)}
    for inner in (name for name in names_in(folder) if name.lower() in _OF_TABLES):
        beside = sets_among(filter(_is_table, names_in(folder / inner)))
        if len(beside) > 1 and len(set(beside.values())) == len(beside):
            return {folder / inner / name: named for name, named in _in_order(beside)}
    found: dict[Path, str] = {}
    for inner, named in _in_order(sets_among(names_in(folder))):
        tables = [name for name in names_in(folder / inner) if _is_table(name)]
        if len(tables) == 1:
            found[folder / inner / tables[0]] = named
    return found if len(found) > 1 and len(set(found.values())) == len(found) else {}


def _holds_images_near(folder: Path) -> bool:
    """Return whether images lie in ``folder``, or in the first folders in it."""
    return bool(_stems_near(folder))


def _is_table(name: str) -> bool:
    return name.lower().endswith(_ENDINGS)


def _in_order(named: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(named.items(), key=lambda item: SETS.index(item[1]))


def _raise_reason(rows: list[_Row], tally: Tally, path: Path, as_written: Sequence[str]) -> None:
    """Raise the reason why too few classes are left: missing images, or missing labels; nothing elsewhere.

    ``as_written`` are the words in cells of labels that were taken for no value.
    """
    why = next((one.text for one in tally.unused() if not one.reason.endswith(_REPEATED)), "")
    advice = "Name the folder that holds all of the images (images_root=…), or correct the names."
    unlabelled = [row.file for row in rows if row.names is None]
    if not why and unlabelled:
        why = f"{counted(len(unlabelled), 'image has', 'images have')} no label: {first(unlabelled)}"
        advice = "Fill in the labels; of one class alone nothing can be learned."
        if as_written:
            why += f" (their cells say {first(as_written)}, which stands for no value)"
            advice += f" Where {as_written[0]} is a class, write it otherwise, such as {as_written[0]}_."
    if why:
        raise DataError(f"too few classes are left: {why}", value=str(path), advice=advice)


def _stems_near(folder: Path) -> set[str]:
    """Return the names, without their endings, of images in ``folder`` and in the first folders in it."""
    names = names_in(folder)
    inner = (name for name in names if "." not in name and (folder / name).is_dir())
    near = [names, *(names_in(folder / name) for name in islice(inner, _FOLDERS_NEAR))]
    return {os.path.splitext(name)[0] for found in near for name in found if is_image(name)}


def _is_bit(cell: str) -> bool:
    return cell.lower() in _BITS or cell in _SIGNS or is_missing(cell)


def _kept(rows: Rows, column: str, files: Files, base: str) -> list[_Found]:
    """Return the lines whose file exists; raises DataError where none does, or one lies outside the root."""
    found = []
    for line in rows.lines:
        file = files.find(rows.cell(line, column), f"{rows.word} {line}", base)
        if file is not None:
            found.append(_Found(line, *file))
    if found:
        return found
    raise files.none_found(len(rows.lines))


def _refuse_no_names(rows: Rows, column: str, kept: list[_Found]) -> None:
    """Raise DataError where cells hold regions that were drawn, or zeros and ones by their place."""
    for row in kept[:LOOKED_AT]:
        if is_scores(rows.cell(row.line, column)):
            told = f"{rows.at(row.line)}: {column} holds a number for each class, and does not say which are shown"
            advice = "Write the names of the classes that are shown, or a column of 0 and 1 for each class."
            raise DataError(told, value=rows.cell(row.line, column), advice=advice)
        if is_drawing(rows.cell(row.line, column)):
            raise DataError(
                f"{rows.at(row.line)}: {column} holds regions that were drawn, and no names of classes",
                advice="Export it as JSON or COCO, which are read with their regions, or name another column: "
                "label_columns=(…,).",
            )
    if is_vectors([rows.cell(row.line, column) for row in kept[:LOOKED_AT]]):
        told = f"{rows.at(kept[0].line)}: {column} holds zeros and ones by their place, and no names of classes"
        advice = (
            "Write one column of 0 and 1 for each class, or the names of those that are 1, with a semicolon between."
        )
        raise DataError(told, value=rows.cell(kept[0].line, column), advice=advice)


def _refuse_broken(rows: Rows, column: str, kept: list[_Found]) -> None:
    """Raise DataError for a cell among lists that is a list only in part: its brackets or quotes do not close."""
    for row in kept:
        cell = rows.cell(row.line, column)
        if is_broken_list(cell):
            told = f"{rows.at(row.line)}: {column} holds a list that is not closed, among others that are"
            advice = "Correct the cell: ['cat', 'dog'], every bracket and quote closed."
            raise DataError(told, value=cell, advice=advice)


def _cut_off(rows: list[_Row], table: Rows) -> str:
    """Return a notice on a last line that looks like part of one: without a line break, with a label of its own."""
    counts = Counter(name for row in rows for name in row.names or ())
    alone = [name for row in rows if row.line == table.open_end for name in row.names or () if counts[name] == 1]
    if not alone:
        return ""
    return (
        f"{table.at(table.open_end)}: no line break ends it, and no other row is {alone[0]}: the file may be cut off."
    )


def _of_names(rows: Rows, columns: Sequence[str]) -> bool:
    """Return whether columns hold names of classes, and not 0 and 1 for one class each."""
    empty = {column: rows.share(column, is_missing) for column in columns}
    return all(rows.share(column, _is_bit) - none <= _MARKS * (1 - none) for column, none in empty.items())


def _of_all(each: Sequence[Names]) -> Names:
    """Return the labels of each line from several columns; None where none of them says anything."""
    lines = zip(*each, strict=True)
    return [
        None
        if all(said is None for said in line)
        else tuple(dict.fromkeys(name for said in line for name in said or ()))
        for line in lines
    ]


def _marked(rows: Rows, columns: Sequence[str], kept: list[_Found], source: Table) -> tuple[Names, tuple[str, ...]]:
    """Return the columns that say yes, for each line; raises DataError naming the line of a cell that says neither."""
    cells = {(row.line, column): rows.cell(row.line, column).lower() for row in kept for column in columns}
    values = set(cells.values())
    signs = bool({"-1", "-1.0"} & values)
    says = _SIGNS if signs else _BITS
    uncertain = signs and bool({"0", "0.0"} & values)
    if uncertain:
        says = {**_BITS, "-1": source.minus_one == "yes", "-1.0": source.minus_one == "yes"}
    if uncertain and source.minus_one == "auto":
        line, column = next(at for at, cell in cells.items() if cell in ("-1", "-1.0"))
        raise AskError(_minus_one(f"{rows.at(line)}: {column}"), source)
    missing = 0
    for (line, column), cell in cells.items():
        missing += is_missing(cell)
        if cell not in says and not is_missing(cell):
            raise DataError(
                f"{rows.at(line)}: {column} holds neither 0 nor 1",
                value=cell,
                advice="Several label columns hold 0 and 1, one column per class; for names, use one column.",
            )
    left_out = uncertain and source.minus_one == "leave out"
    names: Names = [
        None
        if all(is_missing(cells[row.line, c]) for c in columns)
        or (left_out and any(cells[row.line, c] in ("-1", "-1.0") for c in columns))
        else tuple(c for c in columns if says.get(cells[row.line, c], False))
        for row in kept
    ]
    told = counted(
        missing, "cell of the label columns is empty and counts", "cells of the label columns are empty and count"
    )
    read_so = f"-1 is read as {source.minus_one}." if uncertain and not left_out else "-1 is read as no."
    notices = (f"{told} as 0." if missing else "", read_so if signs and not left_out else "")
    return names, tuple(filter(None, notices))


def _about_empty(files: Sequence[str], column: str) -> Question:
    """Return what to ask where cells are empty and others hold several labels."""
    told = counted(len(files), "image has an empty cell", "images have empty cells")
    return Question(
        f"{told} in {column}, where others name several labels: do they show none of the classes?",
        (
            Answer("They show none", f"They train as images of no class: {first(files, 3)}.", {"empty_cells": "none"}),
            Answer("Labels are missing", "These images are not used.", {"empty_cells": "leave out"}),
        ),
    )


def _minus_one(where: str) -> Question:
    """Return what to ask where -1 stands beside 0 and 1, as tables of diagnoses have it."""
    return Question(
        f"{where} holds -1 where others hold 0: does it mean no, or not certain?",
        (
            Answer("-1 means no", "It counts as 0: the image does not show the class.", {"minus_one": "no"}),
            Answer("-1 counts as yes", "What is not certain counts as shown.", {"minus_one": "yes"}),
            Answer("-1 leaves images out", "Images of which anything is not certain are not used.",
                   {"minus_one": "leave out"}),
        ),
    )  # fmt: skip


def _says_yes(cell: str) -> bool | None:
    """Return whether a cell says yes or no; None where it says neither."""
    said = _BITS.get(cell.lower())
    return _SIGNS.get(cell) if said is None else said


def _about_shown(rows: Rows, column: str) -> Question:
    """Return what to ask where images have a row for each class, and a column of yes and no beside."""
    return Question(
        f"Images in {rows.name} have rows of several labels, and {column} says yes or no: does it say whether an image "
        "shows the label?",
        (
            Answer("Rows that say no: not shown", f"Of no, in {column}, an image does not show the label.",
                   {"shown_column": column}),
            Answer("All rows: shown", f"Each row is a label of its image; {column} is kept as a column.",
                   {"shown_column": ""}),
        ),
    )  # fmt: skip


def _open_images(rows: Rows) -> str:
    """Return the column in which Open Images says how sure a label is, "" in other tables."""
    names = [c.lower() for c in rows.columns]
    return rows.columns[names.index("confidence")] if {"confidence", "labelname"}.issubset(names) else ""


def _verified(rows: Rows, labels: Sequence[str], kept: list[_Found], names: Names, shown: str) -> tuple[Names, str]:
    """Return the names without those of rows that say that a class is absent, as Open Images' confidence of 0 does.

    ``shown`` is the column that says so, "" for none but Open Images'.
    """
    sure = _open_images(rows) if [label.lower() for label in labels] == ["labelname"] else ""
    if not shown and not sure:
        return names, ""
    if shown:
        absent = [_says_yes(rows.cell(row.line, shown)) is False for row in kept]
        told = counted(sum(absent), f"row whose {shown} says no says", f"rows whose {shown} says no say")
    else:
        absent = [rows.cell(row.line, sure) in ("0", "0.0") for row in kept]
        told = counted(sum(absent), f"row whose {sure} is 0 says", f"rows whose {sure} is 0 say")
    left: Names = [() if gone else label for label, gone in zip(names, absent, strict=True)]
    return left, f"{told} that its image does not show the class." if any(absent) else ""


def _without_repeats(
    rows: list[_Row], table: Rows, *, per_object: bool = False
) -> tuple[list[_Row], list[str], tuple[str, ...]]:
    """Return each file once, where rows repeat others, and notices; raises DataError where two of one file disagree.

    ``per_object`` says that each row is about an object, or a class, of its image.
    """
    by_file: dict[str, list[_Row]] = {}
    for row in rows:
        by_file.setdefault(row.file, []).append(row)
    disagreeing = [same for same in by_file.values() if len({row.names for row in same}) > 1]
    long = per_object or (len(disagreeing) > 1 and len(disagreeing) >= _LONG * len(by_file))
    if disagreeing and not long:
        earlier, later = disagreeing[0][0], next(r for r in disagreeing[0] if r.names != disagreeing[0][0].names)
        named = [" and ".join(row.names or ()) or "nothing" for row in (earlier, later)]
        raise DataError(
            f"{table.at(earlier.line)}: {earlier.file} is {named[0]}, and {named[1]} on {table.word} {later.line}",
            advice="Keep one row per image; several labels go into one cell, joined by a semicolon.",
        )
    notices = []
    several = sum(len(same) > 1 for same in by_file.values())
    if per_object and several:
        told = counted(several, "image has", "images have")
        notices.append(f"{told} several rows, one for each object or class.")
    elif long and disagreeing:
        told = counted(len(disagreeing), "image has", "images have")
        notices.append(f"{told} several rows with different labels: each row is read as one label of its image.")
    # In a long table a row repeats one that says the same of its image; else any row of the same image does.
    earlier_of = {(row.file, row.names if long else ()): row for same in by_file.values() for row in same[::-1]}
    again = [(earlier_of[row.file, row.names if long else ()], row) for same in by_file.values() for row in same]
    twice = [f"{row.file} ({table.word}s {row.line} and {other.line})" for row, other in again if row is not other]
    return [_joined(same, table) for same in by_file.values()], [] if per_object else twice, tuple(notices)


def _joined(same: list[_Row], table: Rows) -> _Row:
    """Return the rows of one file as one; raises DataError where they are of different sets."""
    row = same[0]
    if len(same) == 1:
        return row
    if len({one.split for one in same}) > 1:
        other = next(one for one in same if one.split != row.split)
        what = f"{table.name}: {row.file} is in two sets, on {table.word}s {row.line} and {other.line}"
        raise DataError(what, advice="Keep one row per image.")
    known = [one.names for one in same if one.names is not None]
    return replace(row, names=tuple(dict.fromkeys(name for names in known for name in names)) if known else None)


@dataclass(frozen=True)
class _Sets:
    """How a table says which set each image is in."""

    columns: tuple[str, ...] = ()
    words: More = attribute(default_factory=dict)
    flags: tuple[tuple[str, str], ...] = ()
    """Columns of yes and no, each with its set; the last that says yes counts."""
    notices: tuple[str, ...] = ()
    asked: Question | None = None
    """What to ask where a column may say the sets in words that are not known."""

    @classmethod
    def of(cls, rows: Rows, free: Sequence[str], column: str, more: More, given: tuple[str, ...]) -> _Sets:
        """Return how ``rows`` say their sets in the columns ``free``; ``column`` is the one that is named, or "".

        ``given`` are the words that a person has added, as they were written; ``more`` is what they mean.
        """
        if column:
            chosen = rows.column(column)
            flag = _flag(chosen)
            return (
                cls((chosen,), more, ((chosen, flag),)) if flag and _is_yes_no(rows, chosen) else cls((chosen,), more)
            )
        for named in (c for c in free if _may_say_sets(c)):
            if rows.share(named, lambda cell: is_missing(cell) or set_of(cell, more) != "") == 1:
                return cls((named,), more)
        unread = [c for c in free if _may_say_sets(c)]
        notices = tuple(_not_understood(rows, c) for c in unread)
        flags = [(c, _flag(c)) for c in free if _flag(c) and _is_yes_no(rows, c)]
        flags.sort(key=lambda flag: SETS.index(flag[1]))
        if [named for _, named in flags] == ["train"]:
            notices = (*notices, f"{flags[0][0]} says which images train; the others validate.")
        if flags:
            return cls(tuple(c for c, _ in flags), more, tuple(flags), notices)
        other = next((c for c in free if c.lower() not in LABEL_COLUMNS and _says_sets(rows, c, more)), "")
        if other:
            return cls((other,), more)
        asked = next((question for c in unread if (question := _which_sets(rows, c, more, given))), None)
        return cls(notices=() if asked else notices, asked=asked)

    def of_line(self, rows: Rows, line: int) -> str:
        """Return the set of one line, "" where none is given; raises DataError for a word that is no set."""
        if self.flags:
            said = [named for column, named in self.flags if _BITS.get(rows.cell(line, column).lower())]
            about = {named for _, named in self.flags}
            return said[-1] if said else "train" if "train" not in about else "val" if about == {"train"} else ""
        if not self.columns:
            return ""
        cell = rows.cell(line, self.columns[0])
        named = set_of(cell, self.words)
        if not named and not is_missing(cell):
            what = f"{rows.at(line)}: {self.columns[0]} holds no name of a set"
            raise DataError(what, value=cell, advice=f"Write train, val or test, or say set_names=('{cell}=val',).")
        return named


def _flag(column: str) -> str:
    """Return the set that a column of yes and no is about, "" for other columns."""
    named, rest = set_and_rest(column)
    return named if _FLAG_WORDS.issuperset(rest) else ""


def _is_yes_no(rows: Rows, column: str) -> bool:
    """Return whether a column holds yes and no, or yes alone with nothing for no."""
    said = {rows.cell(line, column).lower() for line in list(rows.lines)[:LOOKED_AT]}
    return any(cell in _BITS for cell in said) and all(cell in _BITS or is_missing(cell) for cell in said)


def _says_sets(rows: Rows, column: str, more: More) -> bool:
    """Return whether every cell of a column names a set and says nothing else, and several sets are named."""
    if rows.share(column, lambda cell: is_missing(cell) or is_set_name(cell, more)) < 1:
        return False
    cells = {rows.cell(line, column) for line in rows.lines}
    named = {set_of(cell, more) for cell in cells if is_set_name(cell, more)}
    return len(named) > 1 and "train" in named and all(is_missing(cell) or is_set_name(cell, more) for cell in cells)


def _which_sets(rows: Rows, column: str, more: More, given: tuple[str, ...]) -> Question | None:
    """Return what to ask of a column that may say the sets: which fold validates, or what an unknown word means."""
    values = sorted({rows.cell(line, column) for line in rows.lines} - {""}, key=natural)
    odd = [value for value in values if not is_missing(value) and not set_of(value, more)]
    apart = f"The column {column} is kept beside the images; nbtrain splits them."
    no_sets = Answer("No sets", apart, {"sets": "none"})
    if _is_folds(column) and odd == values and 1 < len(values) <= _MOST_FOLDS:
        folds = [
            Answer(
                f"{column} {one} validates",
                "All other folds train.",
                {
                    "split_column": column,
                    "set_names": (*given, *(f"{value}={'val' if value == one else 'train'}" for value in values)),
                },
            )
            for one in values
        ]
        return Question(f"Which {column} of {rows.name} validates: {first(values, _MOST_FOLDS)}?", (no_sets, *folds))
    if odd == values and 1 < len(values) <= len(SETS) and all(len(value) == 1 for value in values):
        text = f"{column} of {rows.name} holds {_and(values)}: which sets do they mean?"
        return Question(text, (no_sets, *_orders(column, values, given)))
    if not odd or len(odd) == len(values):
        return None
    ways = [
        Answer(
            f"{_quoted(odd)}: {name}",
            f"Their images are in the set {name}.",
            {"split_column": column, "set_names": (*given, *(f"{value}={name}" for value in odd))},
        )
        for name in SETS
    ]
    text = f"{column} of {rows.name} names sets, and {_quoted(odd)}, which is not known as one: what does it mean?"
    return Question(text, (no_sets, *ways))


def _orders(column: str, values: Sequence[str], given: tuple[str, ...]) -> Iterator[Answer]:
    """Yield the ways in which the values of a column, such as 0 and 1, may mean sets of which one trains."""
    for named in permutations(SETS, len(values)):
        if "train" in named:
            pairs = list(zip(values, named, strict=True))
            names = (*given, *(f"{value}={name}" for value, name in pairs))
            title = ", ".join(f"{value}: {name}" for value, name in pairs)
            why = f"The column {column} says the sets so."
            yield Answer(title, why, {"split_column": column, "set_names": names})


def _may_say_sets(column: str) -> bool:
    return column.lower() in _SPLIT_COLUMNS or _is_folds(column)


def _is_folds(column: str) -> bool:
    return _FOLDS.fullmatch(column.lower()) is not None


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _quoted(words: Sequence[str]) -> str:
    return first([f"“{word}”" for word in words], 3)


def _sets_of_folders(files: Sequence[str], more: More) -> dict[str, str]:
    """Return the set of each file by the folders that it lies in; nothing unless all lie so, and several sets are."""
    placed: dict[str, str] = {}
    by_folder: dict[str, str] = {}
    for file in files:
        folder = os.path.dirname(file)
        if folder not in by_folder:
            parts = [part for part in folder.split("/") if is_set_name(part, more)]
            by_folder[folder] = set_of(parts[0], more) if parts else ""
        if not by_folder[folder]:
            return {}
        placed[file] = by_folder[folder]
    named = set(placed.values())
    return placed if len(named) > 1 and "train" in named else {}


def _placed_told(placed: Mapping[str, str]) -> str:
    named = [name for name in SETS if name in placed.values()]
    return f"No column says a set; the folders of the images do: {first(named)}." if named else ""


def _not_understood(rows: Rows, column: str) -> str:
    values = sorted({rows.cell(line, column) for line in rows.lines}, key=natural)
    told = f"{column} is kept as a column: which sets its values mean is not known ({first(values)})"
    if _is_folds(column):
        return f"{told}; split by this column, or say which fold validates with set_names=('{values[0]}=val', …)."
    return f"{told}; where they are sets, say split_column={column!r} and set_names=('{values[0]}=train', …)."


def _class_folder(file: str, more: More) -> str:
    """Return the innermost folder of a file that is not called like a set, "" for none."""
    folders = [part for part in file.split("/")[:-1] if not is_set_name(part, more)]
    return folders[-1] if folders else ""


def _labels_elsewhere(name: str, labels: Sequence[str], due: Sequence[str]) -> str:
    """Tell of a table that holds its labels in another column than the one before."""
    if not due or set(due).intersection(labels):
        return ""
    return f"{name} holds its labels in “{labels[0]}”, the table before in “{due[0]}”."


def _labels_like(rows: Rows, taken: set[str], known: set[str]) -> str:
    """Return the column that says nothing but ``known`` classes, "" for none; of numbers, one that is called so."""
    numbers = all(map(str.isdigit, known))
    for column in (c for c in rows.columns if c not in taken and (c.lower() in LABEL_COLUMNS or not numbers)):
        said = {rows.cell(line, column) for line in rows.lines}
        names = {name for name in said if not is_missing(name)}
        if names and known.issuperset(names):
            return column
    return ""


def _own_split(rows: list[_Row], where: str) -> tuple[dict[str, tuple[str, ...]] | None, str]:
    """Return the files of each set, and a notice on those in none; raises DataError for a file in two sets.

    A lone train set says nothing about how to validate: that stays to be chosen, as without it.
    """
    placed: dict[str, str] = {}
    for row in rows:
        if placed.setdefault(row.file, row.split) != row.split:
            told = f"{row.file} is in two sets, {placed[row.file] or 'none'} and {row.split or 'none'}"
            raise DataError(told, value=where, advice="Name each image in one set only.")
    sets = {name: tuple(row.file for row in rows if row.split == name and row.names is not None) for name in SETS}
    own = {name: files for name, files in sets.items() if files}
    if list(own) in ([], ["train"]):
        return None, ""
    left = [row.file for row in rows if not row.split]
    told = counted(len(left), "image is in no set", "images are in no set")
    return own, f"{told}: {first(left)}." if left else ""
