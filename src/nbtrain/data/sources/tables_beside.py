"""Tables beside folders of images: which of them name those images, and whether folders or tables say the classes.

``part_1/`` and ``part_2/`` beside ``metadata.csv`` are no classes; ``cat/`` and ``dog/`` beside a table that says the
same are. Only the first lines of a table are read. This file knows names and cells; it opens no image.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from nbtrain.data.questions import Answer, Question
from nbtrain.data.records import first
from nbtrain.data.sources.base import is_image, names_in
from nbtrain.data.sources.folder import class_folders, holds_classes
from nbtrain.data.sources.foreign import recognised
from nbtrain.data.sources.named import name_key
from nbtrain.data.sources.rows import JSON_LINES, Rows, beginning
from nbtrain.data.sources.sets import set_of
from nbtrain.data.sources.walk import is_text

_ENDINGS = (".csv", ".tsv", *JSON_LINES)
_TABLES, _FOLDERS, _DEEPEST = 5, 60, 4
"""Tables and folders that are looked into, and how deep."""
_ENOUGH = 0.5
"""Share of a table's first files that are there, and of the folders that a column names."""


class Naming(NamedTuple):
    """A table that names images which lie in its folder, or in folders in it."""

    file: Path
    rows: Rows
    image: str
    """The column that names them."""
    agrees: bool
    """Whether another column says of the images what their folders are called."""


def naming(folder: Path) -> Iterator[Naming]:
    """Yield the tables in ``folder`` that name images there and say something of them; those that train first."""
    names = [name for name in names_in(folder) if name.lower().endswith(_ENDINGS) and is_text(name)]
    ordered = islice(sorted(names, key=lambda name: "train" not in name.lower()), _TABLES)
    tables = {name: rows for name in ordered if (rows := _rows(folder / name)) and len(rows.columns) > 1}
    if not tables:
        return
    wanted = {_stem(cell) for rows in tables.values() for cells in rows.lines.values() for cell in cells}
    places = _places(folder, wanted)

    def is_there(cell: str) -> bool:
        return _stem(cell) in places or _ends_there(folder, cell)

    for name, rows in tables.items():
        share = {c: rows.share(c, is_there) for c in rows.columns}
        best = max(share, key=lambda c: share[c])
        if share[best] >= _ENOUGH:
            yield Naming(folder / name, rows, best, _agrees(rows, best, places))


def _rows(file: Path) -> Rows | None:
    """Return the first rows of a table, None for a file that is none, or one of another tool's."""
    return None if file.suffix.lower() in JSON_LINES and recognised(file) else beginning(file)


def answer(table: Naming) -> Answer:
    """Return the reading of a table in a folder that is read otherwise."""
    others = [column for column in table.rows.columns if column != table.image]
    why = f"{table.file.name} names the images in “{table.image}”, and says {first(others, 3)} of them."
    settings = {"kind": "table", "path": str(table.file), "image_column": table.image}
    return Answer(f"Table: {table.file.name}", why, settings)


def alone(folder: Path) -> Path | None:
    """Return the table that says what images show which lie in no class folders; None for none, or several."""
    tables = list(naming(folder))
    return tables[0].file if len(tables) == 1 and not _classes(folder) else None


def only(folder: Path) -> Path | None:
    """Return the one table of a folder whose images lie in no class folders, whether or not it names them."""
    names = [name for name in names_in(folder) if name.lower().endswith(_ENDINGS) and is_text(name)]
    if len(names) != 1 or holds_classes(folder, deep=True):
        return None
    rows = _rows(folder / names[0])
    broken = rows is None and not names[0].lower().endswith(JSON_LINES)
    return folder / names[0] if broken or (rows and len(rows.columns) > 1) else None


def doubt(folder: Path) -> Question | None:
    """Return what to ask where folders of images could be classes, and a table beside them says something else.

    Tables alone are asked about too, where there are several.
    """
    tables = list(naming(folder))
    folders = _classes(folder) if tables else []
    if not folders and len(tables) > 1:
        named = first([table.file.name for table in tables])
        return Question(f"Which table says what the images show: {named}?", tuple(map(answer, tables)))
    if len(folders) < 2 or any(table.agrees for table in tables):
        return None
    classes = Answer("Class folders", f"Each folder is a class: {first(folders)}.", {"kind": "folder"})
    text = f"Does {tables[0].file.name} say what the images show, or do the folders {first(folders, 3)}?"
    return Question(text, (*map(answer, tables), classes))


def _classes(folder: Path) -> list[str]:
    """Return the folders of images that are not called like sets; none where there is but one."""
    found = list(dict.fromkeys(class_folders(folder)))
    return found if len(found) > 1 and not all(map(set_of, found)) else []


def _agrees(rows: Rows, image: str, places: Mapping[str, set[str]]) -> bool:
    """Return whether a column says of most images what the folder is called that they lie in."""
    folders = {line: places.get(_stem(rows.cell(line, image)), set()) for line in rows.lines}
    for column in rows.columns:
        n_same = sum(name_key(rows.cell(line, column)) in names for line, names in folders.items())
        if n_same >= _ENOUGH * len(folders):
            return True
    return False


def _places(folder: Path, wanted: set[str]) -> dict[str, set[str]]:
    """Return where images whose name without ending is ``wanted`` lie: keys of folders in ``folder``, none for itself.

    Names are looked at as they come: sorting a hundred thousand takes longer than reading them.
    """
    found: dict[str, set[str]] = {}
    inner: list[tuple[str, str, int]] = []
    for place, key, depth in chain([(str(folder), "", 0)], inner):
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                stem = entry.name[: entry.name.rfind(".")]
                if stem in wanted and is_image(entry.name):
                    found.setdefault(stem, set()).update([key] if key else [])
                elif depth < _DEEPEST and len(inner) < _FOLDERS and entry.is_dir() and not entry.name.startswith("."):
                    inner.append((entry.path, key or name_key(entry.name), depth + 1))
    return found


def _ends_there(folder: Path, cell: str) -> bool:
    """Return whether an ending of a path is that of an image below ``folder``: images deep in folders of patients."""
    parts = [part for part in _parts(cell) if part]
    if len(parts) < 2 or not is_image(parts[-1]) or "\0" in cell:
        return False
    with contextlib.suppress(OSError):
        return any(os.path.isfile(folder.joinpath(*parts[n:])) for n in range(min(len(parts), _DEEPEST * 2)))
    return False


def _parts(cell: str) -> list[str]:
    return cell.replace("\\", "/").split("/")


def _stem(cell: str) -> str:
    name = _parts(cell)[-1]
    return os.path.splitext(name)[0] if is_image(name) else name
