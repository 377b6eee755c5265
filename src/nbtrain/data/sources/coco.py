"""COCO: one JSON file per set that names images, classes, and the boxes, polygons and masks on them.

Each object gives a mark per kind that is known of it: its box, and its polygon or mask. An object of several polygons
gives several. Run-length masks are counted as masks; their pixels stay in the JSON file. Classes are in the order of
their ids. It opens no image.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtrain.data.records import Listing, counted, first
from nbtrain.data.sources import annotations_beside
from nbtrain.data.sources.base import Annotated, common, existing, names_in, spellings_told
from nbtrain.data.sources.census import unnamed
from nbtrain.data.sources.foreign import recognised
from nbtrain.data.sources.gathering import Gathering, Image, box_of, uncollected
from nbtrain.data.sources.named import Files, nearest
from nbtrain.data.sources.sets import SET_WORDS, set_of
from nbtrain.data.sources.texts import begins_with, json_of
from nbtrain.data.splits import SETS
from nbtrain.errors import DataError, shown
from nbtrain.files import ordinary

_PEEKED_BYTES = 1 << 16
_KEYS = (b'"images"', b'"annotations"', b'"categories"')
_MAX_DIGITS = 20
_CLASS_ALONE = ("annotation names a class and draws nothing", "annotations name a class and draw nothing")
_NO_CLASS = ("annotation names no known class", "annotations name no known class")
_IMAGE_FOLDERS = ("images", "JPEGImages", "imgs", "data")


class Coco(Annotated, kind="coco", label="COCO"):
    """A COCO JSON file, or a folder with one for each set."""

    layout = "a COCO JSON file, or the folder that holds it"
    reads = frozenset({".json"})

    @classmethod
    def claims(cls, path: Path) -> bool:
        """Return whether ``path`` is, or holds, a JSON file that names images as COCO does."""
        # A JSON file that is no list can be nothing else: what is wrong with it is said when it is read.
        return (
            path.suffix.lower() == ".json" and not begins_with(path, b"[") and recognised(path) is None
            if path.is_file()
            else bool(_json_files(path))
        )

    @spellings_told
    @uncollected()
    def listing(self) -> Listing:
        """Return the images of all sets in the order of their files; raises DataError saying what is wrong."""
        path = existing(self.path)
        parts = [_part(file, split) for split, file in _sets(path)]
        bases = [_base(part, self.images_root) for part in parts]
        root = existing(self.images_root) if self.images_root else common(bases)
        beside = parts[0].file.parent if len(parts) == 1 else path
        told = ", ".join(part.file.name for part in parts)
        gathering = Gathering(Files(root, told, beside, named=bool(self.images_root), meant=self.meant_folder))
        names = [{number: gathering.values.name(said) for number, said in part.classes.items()} for part in parts]
        for part, classes, base in zip(parts, names, bases, strict=True):
            _gather(gathering, part, classes, base.relative_to(root).as_posix())
        gathering.note(_not_read(path, parts))
        listing = gathering.listing(root, _classes(names), path, unnamed(told), self.reads)
        if path.is_file() or len(parts) > 1:
            return listing
        this = annotations_beside.answer(parts[0].file, self.kind, self.label)
        return listing.asking(annotations_beside.doubt(path, parts[0].file, listing, this))


@dataclass(frozen=True)
class _Part:
    """The content of one JSON file."""

    file: Path
    split: str
    images: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    classes: dict[Any, Any]
    """What each class is called, by its id in this file."""


def _part(file: Path, split: str) -> _Part:
    plain = json_of(file)
    if not isinstance(plain, dict):
        raise _not_coco(file, "it holds no object with images and annotations")
    images, annotations, categories = (_entries(plain, key, file) for key in ("images", "annotations", "categories"))
    if not images:
        raise _not_coco(file, "it names no images")
    if annotations and not categories:
        raise _no_classes(file, annotations)
    classes = _by_id(categories, file, "categories", _class_name)
    _by_id(images, file, "images", _file_name)
    return _Part(file, split, images, list(_single(annotations)), classes)


def _no_classes(file: Path, annotations: list[dict[str, Any]]) -> DataError:
    if "caption" in annotations[0]:
        told, advice = (
            f"{file.name} holds captions, and no classes",
            "Give the file with the objects: instances_….json.",
        )
    else:
        told = f"{file.name} names no categories"
        advice = 'They say what the numbers of classes mean: "categories": [{"id": 1, "name": "cat"}].'
    return DataError(told, value=str(file), advice=advice)


def _by_id(
    entries: list[dict[str, Any]], file: Path, what: str, name: Callable[[dict[str, Any]], Any]
) -> dict[Any, Any]:
    """Return names by id; raises DataError where two entries have one: annotations would go to the wrong one."""
    found: dict[Any, Any] = {}
    for entry in entries:
        number = _id(entry, "id")
        if str(found.setdefault(number, name(entry))) != str(name(entry)):
            told = " and ".join(shown(one, 40) for one in (found[number], name(entry)))
            told = f"{file.name}: two {what} have the id {shown(entry.get('id'), 20)}: {told}"
            raise DataError(told, value=str(file), advice="Give each an id of its own, or export the file again.")
    return found


def _single(annotations: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield one annotation per object: those of panoptic files list the segments of an image."""
    for annotation in annotations:
        segments = annotation.get("segments_info")
        if not isinstance(segments, list):
            yield annotation
        else:
            yield from ({**s, "image_id": annotation.get("image_id")} for s in segments if isinstance(s, dict))


def _class_name(category: dict[str, Any]) -> Any:
    """Return what a category is called: its number where nothing is said."""
    return category.get("name", category.get("id"))


def _file_name(entry: dict[str, Any]) -> str:
    """Return what names an image's file; LVIS gives its address alone."""
    address = str(entry.get("coco_url") or entry.get("flickr_url") or "")
    return str(entry.get("file_name") or "") or address.rpartition("/")[2]


def _entries(plain: dict[str, Any], key: str, file: Path) -> list[dict[str, Any]]:
    entries = plain.get(key) or []
    if not isinstance(entries, list):
        raise _not_coco(file, f"its {key} are no list")
    bad = next((place for place, entry in enumerate(entries) if not isinstance(entry, dict)), None)
    if bad is not None:
        raise _not_coco(file, f"its {key} hold something else at place {bad}")
    return entries


def _not_coco(file: Path, told: str) -> DataError:
    advice = (
        'A COCO file is {"images": […], "annotations": […], "categories": […]}. Labels of whole images alone go into a '
        "CSV file with the columns file and label."
    )
    return DataError(f"{file.name} is no COCO file: {told}", value=str(file), advice=advice)


def _id(entry: dict[str, Any], key: str) -> Any:
    """Return an id: a number where it is one, for one list may write it as text; what is odd (a list) as its text."""
    value = entry.get(key)
    if isinstance(value, int | None):
        return value
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _MAX_DIGITS else text


def _classes(names: list[dict[Any, str]]) -> list[str]:
    """Return the classes in the order of their ids; those that later files add come last."""
    ordered = (sorted(classes.items(), key=lambda item: _rank(item[0])) for classes in names)
    return [name for items in ordered for _, name in items if name]


def _rank(number: Any) -> tuple[bool, float, str]:
    plain = isinstance(number, int | float)
    return (not plain, number if plain else 0, str(number))


def _gather(gathering: Gathering, part: _Part, classes: dict[Any, str], base: str) -> None:
    images: dict[Any, Image | None] = {}
    for place, entry in enumerate(part.images):
        name = _file_name(entry)
        image = gathering.image(name, place=f"image {entry.get('id', place)}", base=base, split=part.split)
        images[_id(entry, "id")] = image
        if image is not None:
            image.width, image.height = _px(entry.get("width")), _px(entry.get("height"))
    several: list[str] = []
    for annotation in part.annotations:
        at = annotation.get("id", "without id")
        owner = _id(annotation, "image_id")
        if owner not in images:
            gathering.tally.add("annotation", "without an image", f"{part.file.name} (annotation {at})")
            continue
        image = images[owner]
        label = classes.get(_id(annotation, "category_id"), "")
        if image is not None and not label:
            number = shown(annotation.get("category_id"), 20)
            gathering.odd(*_NO_CLASS, f"{image.file} (annotation {at}, class {number})")
            gathering.doubt(image, "unknown class", f"annotation {at}: no category with a name has the id {number}")
        elif image is not None and _mark(gathering, image, label, annotation, at):
            several.append(f"{image.file} (annotation {at})")
    if several:
        told = counted(len(several), "object consists", "objects consist")
        gathering.note(f"{told} of several polygons, each kept as one of its own: {first(several, 3)}.")
    gathering.note(*_oddities(part, classes))


def _oddities(part: _Part, classes: dict[Any, str]) -> Iterator[str]:
    """Tell of what is not used, and of what hardly means what it says."""
    with_points = sum(bool(annotation.get("keypoints")) for annotation in part.annotations)
    if with_points:
        told = counted(with_points, "object has", "objects have")
        yield f"{told} keypoints, which are not used."
    twice = [name for name, n in Counter(classes.values()).items() if name and n > 1]
    if twice:
        yield f"In {part.file.name} several ids have one name, and are one class: {first(twice)}."
    boxes = [box for annotation in part.annotations if isinstance(box := annotation.get("bbox"), list) and box]
    if boxes and all(isinstance(n, float) and 0 <= n <= 1 for box in boxes for n in box):
        yield f"All boxes of {part.file.name} are smaller than a pixel: COCO's are in pixels, these look like shares."


def _mark(gathering: Gathering, image: Image, label: str, annotation: dict[str, Any], at: object) -> bool:
    """Add what is known of one object; return whether it consists of several polygons."""
    crowd = bool(annotation.get("iscrowd"))
    box, shape = annotation.get("bbox"), annotation.get("segmentation")
    if box:
        corners = box_of(box if isinstance(box, list) else ())
        gathering.mark(image, "box", label, corners, at, crowd=crowd)
    if isinstance(shape, dict):
        gathering.mark(image, "mask", label, (), at, crowd=crowd)
    elif isinstance(shape, list) and shape:
        rings = shape if isinstance(shape[0], list) else [shape]
        for ring in rings:
            gathering.mark(image, "polygon", label, ring if isinstance(ring, list) else (), at, crowd=crowd)
        return len(rings) > 1
    elif not box:
        image.labels.add(label)
        gathering.odd(*_CLASS_ALONE, f"{image.file} (annotation {at})")
    return False


def _px(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0


def _base(part: _Part, images_root: str) -> Path:
    """Return the folder that the names of a file are relative to."""
    names = [_file_name(entry) for entry in part.images]
    looked = [*_candidates(part, existing(images_root))] if images_root else [*_beside(part)]
    # Where none holds them as they are named, they may lie anywhere below: Files looks for the ends of their paths.
    return nearest(looked, names) or looked[0]


def _beside(part: _Part) -> Iterator[Path]:
    yield from _candidates(part, part.file.parent)
    yield from _candidates(part, part.file.parent.parent)


def _candidates(part: _Part, folder: Path) -> Iterator[Path]:
    """Yield the folders in which the images of a file called ``instances_val2017.json`` may lie."""
    words = [word for word in re.split(r"[_\-. ]+", part.file.stem) if word]
    words += [word for word, name in SET_WORDS.items() if name == part.split]
    yield folder
    for name in (*_IMAGE_FOLDERS, *words):
        if (folder / name).is_dir():
            yield folder / name
            yield from (folder / name / word for word in words if (folder / name / word).is_dir())


def _sets(path: Path) -> list[tuple[str, Path]]:
    """Return the JSON files to read with the sets that they are; raises DataError where that is not clear."""
    if path.is_file():
        return [("", path)]
    found = _json_files(path)
    objects = [file for file in found if file.stem.startswith("instances")] or found
    named = {file: set_of(file.stem) or set_of(file.parent.name) for file in objects}
    chosen = [file for file in objects if named[file]] or objects
    sets = [named[file] for file in chosen]
    if len(chosen) > 1 and len(set(sets)) < len(sets):
        told = "several COCO files are of the same set" if any(sets) else "there are several COCO files"
        names = first([file.relative_to(path).as_posix() for file in chosen])
        raise DataError(told, value=names, advice="Give the path of one, or move the others away.")
    return sorted(((named[file], file) for file in chosen), key=lambda pair: ("", *SETS).index(pair[0]))


def _json_files(folder: Path) -> list[Path]:
    """Return the COCO files in a folder, in its ``annotations``, or in the folders of its sets."""
    return [file for file in _every_json(folder) if _looks(file)]


def _every_json(folder: Path) -> Iterator[Path]:
    inner = [folder, folder / "annotations", *(folder / name for name in names_in(folder) if set_of(name))]
    return (here / name for here in inner for name in names_in(here) if name.lower().endswith(".json"))


def _not_read(path: Path, parts: list[_Part]) -> str:
    """Return a notice on JSON files beside those that were read, "" where there are none."""
    read = {part.file for part in parts}
    left = [] if path.is_file() else [file.name for file in _every_json(path) if file not in read]
    told = counted(len(left), "other JSON file is", "other JSON files are")
    return f"{told} not read: {first(left)}." if left else ""


def _looks(path: Path) -> bool:
    """Return whether a file begins or ends as a COCO file does, or began so and is cut off: reading it says where."""
    if path.suffix.lower() != ".json":
        return False
    try:
        with open(path, "rb", opener=ordinary) as file:
            head = file.read(_PEEKED_BYTES)
            file.seek(max(0, path.stat().st_size - _PEEKED_BYTES))
            tail = file.read(_PEEKED_BYTES)
    except OSError:
        return False
    n_keys = sum(key in head or key in tail for key in _KEYS)
    is_cut_off = n_keys == 1 and head.lstrip().startswith(b"{") and not tail.rstrip().endswith(b"}")
    return (n_keys >= 2 or is_cut_off) and recognised(path) is None
