"""Pascal VOC: one XML file per image with its boxes, and text files that say which images train.

What is said of objects (difficult, truncated, pose) becomes columns of their image. Coordinates are taken as they
stand. XML is read safely (texts.py); no image is opened, but for those whose XML file gives no size.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as attribute
from itertools import islice
from pathlib import Path
from typing import Any

from nbtrain.data.questions import Answer, Question
from nbtrain.data.records import Listing, MarkKind, natural
from nbtrain.data.sources import annotations_beside
from nbtrain.data.sources.base import Annotated, common, existing, is_image, names_in, spellings_told
from nbtrain.data.sources.census import Why
from nbtrain.data.sources.folder import classes_in
from nbtrain.data.sources.gathering import Gathering, Image, uncollected
from nbtrain.data.sources.named import Files, nearest
from nbtrain.data.sources.sets import sets_among
from nbtrain.data.sources.texts import Node, text_of, xml_of
from nbtrain.data.sources.walk import is_text
from nbtrain.errors import DataError
from nbtrain.files import ordinary

_XML_FOLDERS = ("Annotations", "annotations", "annotations/xmls", "xmls")
_IMAGE_FOLDERS = ("JPEGImages", "images", "Images", "imgs")
_INNER = 3
"""Folders that are looked into for XML files beside images of class folders."""
_PEEKED_FILES, _PEEKED_BYTES = 20, 4096
_ROOT = re.compile(rb"<annotation[\s>]")
_SAID = ("difficult", "truncated", "occluded")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_TURNED = ("cx", "cy", "w", "h", "angle")


class Voc(Annotated, kind="voc", label="Pascal VOC"):
    """A folder in the layout of Pascal VOC: Annotations, JPEGImages and ImageSets, or XML files beside images."""

    layout = "a Pascal VOC folder with Annotations and JPEGImages"
    reads = frozenset({".xml", ".txt"})

    @classmethod
    def claims(cls, path: Path) -> bool:
        """Return whether ``path`` is a folder that holds annotations as XML files."""
        return path.is_dir() and bool(_folders(path)) and cls.doubt(path) is None

    @classmethod
    def also(cls, path: Path) -> Iterator[Answer]:
        """Yield the folder with XML files, whatever else says what its images show."""
        if path.is_dir() and _folders(path):
            yield Answer(cls.label, f"It is read as {cls.layout}.", {"kind": cls.kind})

    @classmethod
    def doubt(cls, path: Path) -> Question | None:
        """Ask where XML files beside the images of class folders say something else than the folders."""
        if not path.is_dir() or not _folders(path) or not annotations_beside.may_be_classes(path):
            return None
        try:
            listing = cls(path=str(path)).listing()
        except DataError:
            return None
        this = Answer(cls.label, "", {"kind": cls.kind})
        return annotations_beside.doubt(path, path, listing, this, "the XML files beside the images (Pascal VOC)")

    @spellings_told
    @uncollected()
    def listing(self) -> Listing:
        """Return the annotated images in the order of their XML files; raises DataError saying what is wrong."""
        path = existing(self.path)
        read = _read(path)
        if self.images_root:
            bases = dict.fromkeys(read, existing(self.images_root))
            root = existing(self.images_root)
        else:
            bases = {folder: _base(folder, path, found) for folder, found in read.items()}
            root = common(bases.values())
        gathering = Gathering(
            Files(root, "the XML files", path, named=bool(self.images_root), meant=self.meant_folder), "object"
        )
        in_sets = _in_sets(path)
        for folder, found in read.items():
            below = bases[folder].relative_to(root).as_posix()
            _gather(gathering, found, below, in_sets, _folders(path)[folder])
        gathering.tally.add("annotation", "that cannot be read", *_broken(read))
        gathering.tally.add("row", "of ImageSets without an annotated image", *_unknown(in_sets, read, bases))
        return gathering.listing(root, None, path, _why_unused(root, read, bases), self.reads)


@dataclass(slots=True)
class _Annotation:
    """What matters of one XML file: the trees of a hundred thousand would take a gigabyte."""

    file: Path
    name: str = ""
    sides: tuple[float, float] = (0, 0)
    """Width and height of the image in px, 0 where they are not said."""
    things: list[tuple[str, MarkKind | None, tuple[Any, ...]]] = attribute(default_factory=list)
    """Class, kind and points of each object; no kind for one that is said to be there, and not where."""
    cells: dict[str, str] = attribute(default_factory=dict)
    error: DataError | None = None
    """Why the file cannot be used."""


def _folders(path: Path) -> dict[Path, str]:
    """Return the folders with XML files, and the set that each is, "" where that is not said by folders."""
    for folder in (*(path / name for name in _XML_FOLDERS), path):
        if _holds_xml(folder):
            return {folder: ""}
    words = sets_among(names_in(path))
    sets = {path / word / inner: name for word, name in words.items() for inner in ("", *_XML_FOLDERS)}
    found = {folder: name for folder, name in sets.items() if _holds_xml(folder)}
    inner = (path / name for name in names_in(path) if "." not in name and (path / name).is_dir())
    if found or not any(map(_holds_xml, islice(inner, _INNER))) or not annotations_beside.may_be_classes(path):
        return found
    return {folder: "" for name in classes_in(path) if _holds_xml(folder := path / name)}


def _holds_xml(folder: Path) -> bool:
    """Return whether a folder holds annotations of VOC: a stray XML file, or another tool's, is none."""
    files = [folder / name for name in names_in(folder) if name.lower().endswith(".xml")]
    return any(_ROOT.search(_head(file)) for file in files[:_PEEKED_FILES])


def _head(file: Path) -> bytes:
    try:
        with open(file, "rb", opener=ordinary) as opened:
            return opened.read(_PEEKED_BYTES)
    except OSError:
        return b""


def _read(path: Path) -> dict[Path, list[_Annotation]]:
    """Return the XML files of each folder; raises the error of the first where all are broken."""
    found: dict[Path, list[_Annotation]] = {}
    for folder in _folders(path):
        names = sorted((name for name in os.listdir(folder) if name.lower().endswith(".xml")), key=natural)
        found[folder] = [_annotation(folder / name) for name in names]
    if not found:
        advice = "Give the folder that holds Annotations and JPEGImages."
        raise DataError("there are no XML files of annotations", value=str(path), advice=advice)
    every = [annotation for annotations in found.values() for annotation in annotations]
    if all(annotation.error for annotation in every):
        raise every[0].error or AssertionError
    return found


def _annotation(file: Path) -> _Annotation:
    try:
        node = xml_of(file)
    except DataError as error:
        return _Annotation(file, error=error)
    if node.name != "annotation":
        told = f"{file.name}: its outermost element is <{node.name[:40]}>, not <annotation>"
        return _Annotation(file, error=DataError(told, value=str(file), advice="Leave it out."))
    objects = node.all("object")
    sides = _px(node.said("size", "width")), _px(node.said("size", "height"))
    return _Annotation(file, node.said("filename"), sides, [_thing(thing) for thing in objects], _cells(objects))


def _thing(thing: Node) -> tuple[str, MarkKind | None, tuple[Any, ...]]:
    label = thing.said("name")
    if thing.said("robndbox", "cx"):
        x, y, width, height, angle = (thing.said("robndbox", part) for part in _TURNED)
        return label, "rotated box", (x, y, width, height, _degrees(angle))
    box = thing.all("bndbox")
    return (label, "box", tuple(box[0].said(corner) for corner in _CORNERS)) if box else (label, None, ())


def _cells(objects: list[Node]) -> dict[str, str]:
    """Return what is said of objects as columns of their image: whether it is so of any, and every pose."""
    cells = {}
    for said in _SAID:
        values = {thing.said(said) for thing in objects if thing.all(said)}
        if values:
            cells[said] = "no" if values <= {"0", ""} else "yes"
    poses = {thing.said("pose") for thing in objects} - {""}
    return cells | ({"pose": ";".join(sorted(poses))} if poses else {})


def _broken(read: dict[Path, list[_Annotation]]) -> list[str]:
    return [annotation.error.what for found in read.values() for annotation in found if annotation.error]


def _base(folder: Path, path: Path, annotations: list[_Annotation]) -> Path:
    """Return the folder of the images that the XML files in ``folder`` name."""
    above = tuple(dict.fromkeys((folder, folder.parent, path))) if path in folder.parents else (folder,)
    looked = [place for top in (*above[::-1], path.parent) for place in (*(top / n for n in _IMAGE_FOLDERS), top)]
    names = [annotation.name for annotation in annotations if not annotation.error]
    found = nearest(looked, names) or next((place for place in looked if _same_stems(place, annotations)), None)
    # Where none holds them as they are named, they may lie anywhere below: Files looks for the ends of their paths.
    return found or path


def _same_stems(place: Path, annotations: list[_Annotation]) -> bool:
    stems = {os.path.splitext(name)[0] for name in names_in(place) if is_image(name)}
    return any(annotation.file.stem in stems for annotation in annotations)


def _gather(
    gathering: Gathering, annotations: list[_Annotation], base: str, in_sets: dict[str, str], split: str
) -> None:
    folder = gathering.files.root / base
    names = {name for name in os.listdir(folder) if is_image(name) and is_text(name)}
    n_named = Counter(annotation.name for annotation in annotations)
    by_stem = {os.path.splitext(name)[0]: name for name in sorted(names)}
    for annotation in annotations:
        if annotation.error:
            continue
        stem, name = annotation.file.stem, annotation.name
        # Files that were renamed keep the old name inside; the XML file's own name was changed with them.
        sure = name in names and (n_named[name] == 1 or stem not in by_stem)  # a line that was copied names one image
        found = name if sure else by_stem.get(stem, name or f"{stem}.jpg")
        image = gathering.image(found, place=annotation.file.name, base=base, split=in_sets.get(stem, split))
        if image is not None:
            _marks(gathering, image, annotation)


def _marks(gathering: Gathering, image: Image, annotation: _Annotation) -> None:
    image.width, image.height = annotation.sides
    image.cells = annotation.cells
    for number, (said, kind, points) in enumerate(annotation.things, 1):
        label = gathering.values.name(said)
        if not label:
            gathering.odd("object has no class", "objects have no class", f"{image.file} (object {number})")
            gathering.doubt(image, "unknown class", f"object {number}: it has no class")
        elif kind:
            gathering.mark(image, kind, label, points, number)
        else:
            image.labels.add(label)
            gathering.odd("object has no box", "objects have no box", f"{image.file} (object {number})")


def _px(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0


def _degrees(radians: str) -> float:
    try:
        return math.degrees(float(radians))
    except ValueError:
        return math.nan


def _in_sets(path: Path) -> dict[str, str]:
    """Return the set of each image's stem where ImageSets says it; raises DataError for one that is in two."""
    folder = next(
        (f for f in (path / "ImageSets" / "Main", path / "ImageSets") if any(f.glob("*.txt"))), path / "ImageSets"
    )
    files = {s: folder / f"{s}.txt" for s in ("train", "val", "test")}
    if not files["train"].is_file():
        files["train"] = folder / "trainval.txt"
    found: dict[str, str] = {}
    for name, file in files.items():
        for number, line in enumerate(text_of(file).splitlines() if file.is_file() else (), 1):
            stem = line.split()[0] if line.strip() else ""
            stem = os.path.splitext(stem)[0] if is_image(stem) else stem
            if stem and found.setdefault(stem, name) != name:
                told = f"{file.name}, line {number}: the image is in {found[stem]} too"
                raise DataError(told, value=stem, advice="Name each image in one set only.")
    return found


def _unknown(in_sets: dict[str, str], read: dict[Path, list[_Annotation]], bases: dict[Path, Path]) -> list[str]:
    """Return the names in ImageSets that neither an XML file nor an image has."""
    known = {annotation.file.stem for found in read.values() for annotation in found}
    left = set(in_sets) - known
    for base in set(bases.values()) if left else ():
        left -= {os.path.splitext(name)[0] for name in os.listdir(base) if is_image(name)}
    return sorted(left, key=natural)


def _why_unused(root: Path, read: dict[Path, list[_Annotation]], bases: dict[Path, Path]) -> Why:
    """Return what says why nobody has said what an image shows: it has no XML file, or a broken one."""
    broken = {
        f"{bases[folder].relative_to(root).as_posix()}/{annotation.file.stem}".removeprefix("./")
        for folder, found in read.items()
        for annotation in found
        if annotation.error
    }

    def why(file: str) -> tuple[str, str]:
        return ("with a broken XML file" if os.path.splitext(file)[0] in broken else "without an XML file"), ""

    return why
