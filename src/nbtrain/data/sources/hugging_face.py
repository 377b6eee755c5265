"""Hugging Face: data sets that ``save_to_disk`` wrote, and Parquet files with the images inside.

Their images are unpacked once into a folder that a field names; labels and other columns are read where they are.
``datasets`` itself is not needed. Classes are the names that the columns' notes give, else the values.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson

from nbtrain import files as disk
from nbtrain.data import unpack
from nbtrain.data.names import clean_name
from nbtrain.data.records import Listing, counted, first
from nbtrain.data.scan import Progress, Stopped, Ticker
from nbtrain.data.sources import arrow
from nbtrain.data.sources.base import Source, existing, is_image, names_in, spellings_told, unplaced
from nbtrain.data.sources.census import unnamed
from nbtrain.data.sources.gathering import Gathering
from nbtrain.data.sources.named import Files
from nbtrain.data.sources.sets import set_of
from nbtrain.data.sources.texts import json_of
from nbtrain.data.splits import SETS
from nbtrain.errors import DataError
from nbtrain.schema import field

_LABEL_COLUMNS = ("label", "labels", "class", "classes", "category", "fine_label", "target", "tags")
_NAMES = "names.json"
_SIGNS = {
    b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png", b"GIF8": ".gif", b"RIFF": ".webp", b"BM": ".bmp",
    b"II*\0": ".tif", b"MM\0*": ".tif",
}  # fmt: skip
"""Endings of images by their first bytes."""


class HuggingFace(Source, kind="hugging face", label="Hugging Face"):
    """A folder that Hugging Face's save_to_disk wrote, or Parquet files with the images inside."""

    layout = "a data set saved by Hugging Face, or Parquet files with images inside"

    image_column: str = field("", label="Image column")
    """Column that holds the images; empty finds it by its type."""
    label_column: str = field("", label="Label column")
    """Column that holds the label, or labels; empty finds it by its type or name."""
    unpacked: str = field("", label="Unpacked into", advanced=True)
    """Folder that the images are unpacked into; a project fills it in."""

    @classmethod
    def claims(cls, path: Path) -> bool:
        """Return whether ``path`` was written by Hugging Face, or is a Parquet file with bytes of images."""
        if path.is_dir():
            names = names_in(path)
            saved = {"state.json", "dataset_info.json"} <= set(names) or "dataset_dict.json" in names
            tables = (path / name for name in names if name.endswith(".parquet"))
            inner = (path / "data" / name for name in names_in(path / "data") if name.endswith(".parquet"))
            one = next(tables, None) or next(inner, None)
            return saved or (one is not None and _holds_images(one))
        return path.suffix.lower() == ".parquet" and path.is_file() and _holds_images(path)

    def placed(self, folder: Path) -> Self:
        """Return the source with its place below ``folder``, unless it has one."""
        return self if self.unpacked else self.set("unpacked", str(unpack.place(existing(self.path), folder)))

    def ready(self) -> bool:
        """Return whether the images are unpacked from the files as they are now."""
        parts = self._parts()
        return bool(self.unpacked) and unpack.known(Path(self.unpacked), unpack.stamp_of(parts.paths)) is not None

    def prepare(self, progress: Progress = lambda _: None, stopped: Stopped = lambda: False) -> None:
        """Unpack the images where that is not done; raises DataError saying what is wrong."""
        self._done(self._parts(), progress, stopped)

    @spellings_told
    def listing(self) -> Listing:
        """Return the images in the order of the rows; raises DataError saying what is wrong."""
        parts = self._parts()
        done = self._done(parts)
        names = orjson.loads(disk.content(done.folder / _NAMES))
        gathering = Gathering(Files(done.folder, Path(self.path).name, noun="row"), "row")
        gathering.note(*done.notices)
        return self._gathered(gathering, parts, names)

    def preview(self) -> Listing:
        """Return the listing; where nothing is unpacked, one with all labels and no files."""
        parts = self._parts()
        if self.unpacked and unpack.known(Path(self.unpacked), unpack.stamp_of(parts.paths)):
            return self.listing()
        size_mib = sum(path.stat().st_size for path in parts.paths) >> 20
        gathering = Gathering(_Unseen(existing(self.path), Path(self.path).name), "row")
        gathering.note(f"The images lie inside {size_mib} MiB of tables, and are unpacked once when they are added.")
        names = {split: [f"{split}/{row}" for row in range(parts.n_rows(split))] for split in parts.files}
        return self._gathered(gathering, parts, names)

    def _parts(self) -> _Parts:
        path = existing(self.path)
        files = _files(path)
        one = next(iter(files.values()))[0]
        columns, features = arrow.columns(one), arrow.features(one) or _noted(path)
        image = self.image_column or next((c for c, kind in columns.items() if kind == "image"), "")
        if columns.get(image) != "image":
            told = f"no column of {one.name} holds images" if not image else f"{one.name} has no such column of images"
            advice = f"Its columns are {first(list(columns), 12)}."
            raise DataError(told, value=image or str(path), advice=advice)
        return _Parts(files, image, self._label(columns, features, one), columns, features)

    def _label(self, columns: dict[str, str], features: dict[str, Any], one: Path) -> str:
        plain = [name for name, kind in columns.items() if kind == "plain"]
        noted = [name for name in plain if _class_names(features.get(name))]
        named = [name for name in plain if name.lower() in _LABEL_COLUMNS]
        if self.label_column:
            noted = [self.label_column] if self.label_column in plain else []
        chosen = noted or named
        if len(chosen) == 1 or (chosen and not self.label_column and chosen[0] in _LABEL_COLUMNS[:2]):
            return chosen[0]
        told = f"it is not clear which column of {one.name} holds the labels"
        raise DataError(told, value=self.label_column, advice=f"Say it with label_column=…; it has {first(plain, 12)}.")

    def _done(
        self, parts: _Parts, progress: Progress = lambda _: None, stopped: Stopped = lambda: False
    ) -> unpack.Unpacked:
        if not self.unpacked:
            raise unplaced(self.path)
        fill = lambda folder: _unpack(parts, folder, progress, stopped)  # noqa: E731
        return unpack.once(Path(self.unpacked), unpack.stamp_of(parts.paths), fill)

    def _gathered(self, gathering: Gathering, parts: _Parts, names: dict[str, list[str]]) -> Listing:
        classes = _class_names(parts.features.get(parts.label))
        others = [n for n, kind in parts.columns.items() if kind == "plain" and n != parts.label]
        unlabelled = 0
        for split, paths in parts.files.items():
            table = arrow.table(paths, [parts.label, *others])
            with arrow.told(paths[0]):
                rows = table.to_pylist()
            for place, (name, row) in enumerate(zip(names[split], rows, strict=True), 1):
                at = f"{split} row {place}".strip()
                if not name:
                    gathering.tally.add("row", "without an image inside", at)
                image = gathering.image(name, place=f"row {place}", split=set_of(split)) if name else None
                if image is not None:
                    image.labels.update(_labels(row[parts.label], classes, gathering, at))
                    image.cells = {other: _text(row[other]) for other in others}
                    unlabelled += not image.labels
        if unlabelled:
            gathering.note(f"{counted(unlabelled, 'row has', 'rows have')} no label.")
        unused = [name for name, kind in parts.columns.items() if kind != "plain" and name != parts.image]
        if unused:
            gathering.note(f"{counted(len(unused), 'column is', 'columns are')} not used: {first(unused)}.")
        root = gathering.files.root
        why = None if isinstance(gathering.files, _Unseen) else unnamed(Path(self.path).name)
        return gathering.listing(root, classes or None, root, why, {".json"})


@dataclass(frozen=True)
class _Parts:
    """The files of each split, and what their columns are."""

    files: dict[str, list[Path]]
    image: str
    label: str
    columns: dict[str, str]
    features: dict[str, Any]

    @property
    def paths(self) -> list[Path]:
        return [path for paths in self.files.values() for path in paths]

    def n_rows(self, split: str) -> int:
        return int(arrow.table(self.files[split], [self.label]).num_rows)


class _Unseen(Files):
    """Takes every name for a file that is there: nothing is unpacked yet."""

    def find(self, name: str, place: str = "", base: str = "") -> tuple[str, int] | None:
        return name, 0


def _holds_images(path: Path) -> bool:
    try:
        return "image" in arrow.columns(path).values()
    except DataError:
        return False  # said by the table that it is then taken for


def _files(path: Path) -> dict[str, list[Path]]:
    """Return the data files of each split; raises DataError where there are none."""
    if path.is_file():
        return {"": [path]}
    if (path / "dataset_dict.json").is_file():
        splits = _listed(json_of(path / "dataset_dict.json"), "splits", path)
        return {split: _saved(path / split) for split in splits if _is_name(split, path)}
    if (path / "state.json").is_file():
        return {"": _saved(path)}
    folder = path if any(n.endswith(".parquet") for n in names_in(path)) else path / "data"
    found: dict[str, list[Path]] = {}
    for name in names_in(folder):
        if name.endswith(".parquet"):
            found.setdefault(name.split("-")[0].removesuffix(".parquet"), []).append(folder / name)
    if not found:
        raise DataError(
            "there is neither a state.json nor a Parquet file",
            value=str(path),
            advice="Save it again with save_to_disk.",
        )
    return dict(sorted(found.items(), key=lambda item: (*SETS, "").index(set_of(item[0]))))


def _saved(folder: Path) -> list[Path]:
    entries = _listed(json_of(folder / "state.json"), "_data_files", folder)
    names = [str(entry.get("filename", "")) for entry in entries if isinstance(entry, dict)]
    files = [folder / name for name in names if _is_name(name, folder)]
    if not files:
        raise DataError("the data set has no files", value=str(folder), advice="Save it again with save_to_disk.")
    return files


def _listed(plain: Any, key: str, folder: Path) -> list[Any]:
    found = plain.get(key) if isinstance(plain, dict) else None
    if isinstance(found, list) and found:
        return found
    advice = "Save it again with save_to_disk."
    raise DataError(f"the data set's notes do not say its {key}", value=str(folder), advice=advice)


def _is_name(name: object, folder: Path) -> bool:
    """Return True for the name of something directly inside ``folder``; raises DataError for one that leads out."""
    if isinstance(name, str) and name == os.path.basename(name) and name not in ("", ".", ".."):
        return True
    raise DataError("a name in the data set's notes leads out of it", value=name, advice=f"Look at {folder}.")


def _noted(path: Path) -> dict[str, Any]:
    """Return the features that a saved data set's own file says."""
    for file in (path / "dataset_info.json", *path.glob("*/dataset_info.json")):
        plain = json_of(file) if file.is_file() else None
        found = plain.get("features") if isinstance(plain, dict) else None
        if isinstance(found, dict):
            return found
    return {}


def _class_names(feature: Any) -> list[str]:
    """Return the classes of a column of ClassLabel, or of lists of them; nothing for any other."""
    if isinstance(feature, list) and feature:
        return _class_names(feature[0])
    if not isinstance(feature, dict):
        return []
    if feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list):
        return [clean_name(name) for name in feature["names"]]
    return _class_names(feature.get("feature"))


def _labels(value: Any, classes: list[str], gathering: Gathering, place: str) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if not classes:
            text = gathering.values.name(one)
            if text:
                yield text
        elif isinstance(one, int) and 0 <= one < len(classes):
            yield classes[one]
        elif one is not None and one != -1:  # -1 is how it writes that a test set's label is not known
            gathering.odd("label is no class", "labels are no classes", f"{one} ({place})")


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(map(_text, value))
    return "" if value is None else str(value)


def _unpack(parts: _Parts, folder: Path, progress: Progress, stopped: Stopped) -> tuple[str, ...]:
    """Write every image below ``folder``, and a file with their names in the order of the rows."""
    writer = unpack.Writer(folder, unpack.fitting(unpack.Limits(), folder), stopped=stopped)
    writer.expect(sum(path.stat().st_size for path in parts.paths))  # images hardly get smaller in tables
    names: dict[str, list[str]] = {}
    for split, paths in parts.files.items():
        told = Ticker(progress, stopped, parts.n_rows(split), f"images{f' of {split}' if split else ''}")
        here = names.setdefault(split, [])
        for value in (value for path in paths for value in arrow.values(path, parts.image)):
            data = value.get("bytes") if isinstance(value, dict) else value
            if data:
                said = str(value.get("path") or "") if isinstance(value, dict) else ""
                here.append(writer.write(f"{split or 'images'}/{len(here):08}{_ending(data, said)}", io.BytesIO(data)))
            else:
                here.append("")  # told with the listing
            told.at(len(here))
    disk.write_atomic(folder / _NAMES, orjson.dumps(names), durable=False)
    return writer.notices()


def _ending(data: bytes, said: str) -> str:
    sign = next((ending for start, ending in _SIGNS.items() if data.startswith(start)), "")
    return sign or (os.path.splitext(said)[1].lower() if is_image(said) else ".png")
