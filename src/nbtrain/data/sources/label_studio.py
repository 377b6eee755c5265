"""Label Studio: its two JSON exports, with classes of whole images, boxes (also turned), polygons, ellipses, brushes.

Coordinates are percent of the image. A turned rectangle becomes a rotated box, a round ellipse a circle, any other
ellipse a polygon; brushes are counted as masks, their pixels stay in the export. Images are looked for beside the
export, or below ``images_root``; addresses in the net or in a cloud are told, and never fetched. What else a task
says of its image becomes a column.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from nbtrain.data.names import clean_name
from nbtrain.data.questions import Answer, Question
from nbtrain.data.records import Listing, MarkKind, counted, first, natural
from nbtrain.data.sources import annotations_beside
from nbtrain.data.sources.base import Annotated, existing, is_image, names_in, spellings_told
from nbtrain.data.sources.cells import Values
from nbtrain.data.sources.census import unnamed
from nbtrain.data.sources.folder import holds_classes
from nbtrain.data.sources.foreign import recognised
from nbtrain.data.sources.gathering import Gathering, Image, box_of
from nbtrain.data.sources.headers import size_or_reason
from nbtrain.data.sources.named import Files
from nbtrain.data.sources.texts import begins_with, json_of, peek
from nbtrain.errors import DataError
from nbtrain.schema import field

_ELLIPSE_CORNERS = 32
_ROUND = 0.01
"""By how much the radii of a circle may differ, as a share: coordinates are percents of sides that differ."""
_TASK_WORDS = frozenset(
    ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement", "total_annotations")
)
"""What the short export says of the work, not of the image."""
_SHAPES = ("rectangle", "polygon", "ellipse", "brush")
_SIDES = ("original_width", "original_height")
_MAX_CELL = 200
_PEEKED_BYTES = 1 << 16
_OF_EXPORTS = re.compile(rb'"(annotations|completions|predictions|annotation_id|total_annotations|lead_time)"\s*:')
"""Words that stand in every task of an export, long or short, and in no other list of objects that is known."""


class LabelStudio(Annotated, kind="label studio", label="Label Studio"):
    """A JSON or JSON-MIN export of Label Studio, beside the folder with its images."""

    layout = "a JSON export of Label Studio, or the folder that holds it and the images"

    groups: tuple[str, ...] = field((), label="Groups of choices")
    """Groups of choices that are labels, where there are several; the others become columns. Empty takes all."""

    @classmethod
    def claims(cls, path: Path) -> bool:
        """Return whether ``path`` is a JSON file that holds a list, or a folder with an export and no class folders."""
        if path.is_dir():
            return bool(_exports(path)) and not holds_classes(path)
        return _is_list(path) and recognised(path) is None

    @classmethod
    def also(cls, path: Path) -> Iterator[Answer]:
        """Yield the exports that lie in a folder."""
        files = _exports(path) if path.is_dir() else []
        yield from (annotations_beside.answer(file, cls.kind, cls.label) for file in files)
        yield from () if path.is_dir() else super().also(path)

    @classmethod
    def doubt(cls, path: Path) -> Question | None:
        """Ask where folders of images may be classes, and an export beside them says something else."""
        files = _exports(path) if path.is_dir() else []
        if len(files) != 1 or not holds_classes(path):
            return None
        try:
            listing = cls(path=str(files[0])).listing()
        except DataError:
            return None  # it is no export after all, or one of other images: the folders stand for themselves
        return annotations_beside.doubt(
            path, files[0], listing, annotations_beside.answer(files[0], cls.kind, cls.label)
        )

    @spellings_told
    def listing(self) -> Listing:
        """Return the annotated images in the order of the tasks; raises DataError saying what is wrong."""
        given = existing(self.path)
        path = _export_in(given) if given.is_dir() else given
        tasks = _tasks(json_of(path), path)
        root = existing(self.images_root) if self.images_root else path.parent
        gathering = Gathering(
            Files(root, path.name, path.parent, named=bool(self.images_root), meant=self.meant_folder), "region"
        )
        nameless = [_at(task, place) for place, task in enumerate(tasks) if not task.image]
        skipped: dict[str, int] = {}
        unannotated = 0
        groups = _groups(tasks)
        unknown = [name for name in self.groups if name not in groups]
        if unknown:
            advice = f"It has {first(list(groups)) or 'none'}."
            raise DataError(f"{path.name} has no such group of choices", value=unknown[0], advice=advice)
        shared = _in_several({name: groups[name] for name in self.groups or groups})
        for place, task in enumerate(tasks):
            # Exports keep the server's folders and prefixes: Files looks for the end of the path.
            image = gathering.image(task.image, place=_at(task, place)) if task.image else None
            if image is None:
                continue
            image.cells.update(task.cells)
            unannotated += not task.done
            results = list(enumerate(task.results, 1))
            columns = [one for one in _of_images(results) if self.groups and _group(one[1]) not in self.groups]
            image.cells.update((_group(result), ";".join(_choices(result))) for _, result in columns)
            kept = [one for one in results if one not in columns]
            _results(gathering, image, _told_apart(kept, shared) if shared else kept, skipped)
        gathering.tally.add("annotation", "naming no image", *nameless)
        gathering.note(*_notices(tasks, skipped, unannotated))
        listing = gathering.listing(root, None, given, unnamed(path.name), {".json"})
        if len(groups) < 2:
            return listing
        answers = tuple(_answers(groups))
        named = f"{', '.join(list(groups)[:-1])} and {list(groups)[-1]}"
        question = Question(f"{named} are groups of choices: which are the labels?", answers)
        read = Answer("Labels: " + ", ".join(self.groups or groups), f"{path.name} has choices of {named}.", {})
        return listing.asking(None if self.groups else question).read_as(read, *answers)


def _is_list(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".json" and begins_with(path, b"[")


def _exports(folder: Path) -> list[Path]:
    """Return the files in a folder that look like exports: a list of tasks, with the words of annotators."""
    files = (folder / name for name in names_in(folder) if name.lower().endswith(".json"))
    return [
        file
        for file in files
        if _is_list(file) and _OF_EXPORTS.search(peek(file, _PEEKED_BYTES)) and recognised(file) is None
    ]


def _export_in(folder: Path) -> Path:
    """Return the one export in a folder; raises DataError where there is none, or several."""
    files = _exports(folder)
    if len(files) != 1:
        told = "there are several exports of Label Studio" if files else "there is no export of Label Studio"
        value = first([file.name for file in files]) if files else str(folder)
        raise DataError(told, value=value, advice="Give the path of one." if files else "Give the path of the file.")
    return files[0]


Numbered = list[tuple[int, dict[str, Any]]]
"""Results with their places in the task, from 1, by which messages name them."""


class _Task(NamedTuple):
    number: Any
    image: str
    results: list[dict[str, Any]]
    cells: dict[str, str]
    done: bool
    """Whether somebody has annotated it."""
    n_annotations: int
    guessed: bool = False
    """Whether a model has predicted it, and nobody has annotated it."""


def _at(task: _Task, place: int) -> str:
    return f"task {task.number or place + 1}"


def _tasks(plain: Any, path: Path) -> list[_Task]:
    """Return the tasks of either export; raises DataError where there are none."""
    if not isinstance(plain, list) or not all(isinstance(entry, dict) for entry in plain):
        advice = "Export the project from Label Studio as JSON or JSON-MIN."
        raise DataError(f"{path.name} is no list of Label Studio's tasks", value=str(path), advice=advice)
    full = any(isinstance(entry.get("data"), dict) for entry in plain)
    tasks = [_full(entry) for entry in plain] if full else _newest([_short(entry) for entry in plain])
    if not any(task.image for task in tasks):
        advice = 'A task reads {"data": {"image": "/data/upload/1/cat.jpg"}, "annotations": […]}.'
        raise DataError(f"{path.name} names no images", value=str(path), advice=advice)
    return tasks


def _full(entry: dict[str, Any]) -> _Task:
    data = entry.get("data")
    if not isinstance(data, dict):
        return _Task(entry.get("id"), "", [], {}, done=False, n_annotations=0)
    annotations = entry.get("annotations") or entry.get("completions")
    every = annotations if isinstance(annotations, list) else []
    real = [a for a in every if isinstance(a, dict) and not a.get("was_cancelled")]
    chosen = max(real, key=lambda a: (bool(a.get("ground_truth")), str(a.get("updated_at") or "")), default={})
    told = chosen.get("result") if real else []
    results = [r if isinstance(r, dict) else {} for r in told] if isinstance(told, list) else [{}]
    key = _image_key(data)
    guessed = not real and bool(entry.get("predictions"))
    return _Task(entry.get("id"), str(data.get(key, "")), results, _cells(data, {key}), bool(real), len(real), guessed)


def _short(entry: dict[str, Any]) -> _Task:
    """Return a row of the short export, written as the long one would write it."""
    key = _image_key(entry)
    results, cells = [], dict[str, Any]()
    for name, value in entry.items():
        if name in (key, *_TASK_WORDS):
            continue
        if isinstance(value, list) and any(isinstance(region, dict) for region in value):
            results += [_region(region) if isinstance(region, dict) else {} for region in value]
        elif isinstance(value, dict) and "choices" in value:
            results.append({"type": "choices", "value": value, "from_name": name})
        elif isinstance(value, str) and _is_choice(name, entry):
            results.append({"type": "choices", "value": {"choices": [value]}, "from_name": name})
        else:
            cells[name] = value
    return _Task(entry.get("id"), str(entry.get(key, "")), results, _cells(cells, set()), bool(results), 1)


def _region(region: dict[str, Any]) -> dict[str, Any]:
    kind = next((key for key in region if key.endswith("labels")), "")
    return {"type": kind or "region", "value": region, **{side: region.get(side) for side in _SIDES}}


def _is_choice(name: str, entry: dict[str, Any]) -> bool:
    """Return whether a text of the short export is the annotator's: it stands behind the task's own id."""
    keys = list(entry)
    return "id" in keys and keys.index(name) > keys.index("id")


def _group(result: dict[str, Any]) -> str:
    """Return the name of the group that a choice is of; "" where it is no choice, or of no group."""
    return str(result.get("from_name") or "") if result.get("type") == "choices" else ""


def _of_images(results: Numbered) -> Numbered:
    """Return the choices that are of a group, and of the whole image: others describe a region."""
    drawn_on = _drawn_on(results)
    return [(number, result) for number, result in results if _group(result) and _key(result, number) not in drawn_on]


def _choices(result: dict[str, Any]) -> list[str]:
    value = result.get("value")
    names = value.get("choices") if isinstance(value, dict) else None
    return list(map(clean_name, names)) if isinstance(names, list) else []


def _groups(tasks: list[_Task]) -> dict[str, list[str]]:
    """Return the groups of choices, and what was chosen in each."""
    found: dict[str, dict[str, None]] = {}
    for task in tasks:
        for _, result in _of_images(list(enumerate(task.results, 1))):
            found.setdefault(_group(result), {}).update(dict.fromkeys(_choices(result)))
    return {group: sorted(names, key=natural) for group, names in found.items()}


def _in_several(groups: dict[str, list[str]]) -> set[str]:
    """Return the groups that have a choice in common, such as yes and no: in each it means something of its own."""
    counts = Counter(name for names in groups.values() for name in names)
    return {group for group, names in groups.items() if any(counts[name] > 1 for name in names)}


def _told_apart(results: Numbered, shared: set[str]) -> Numbered:
    """Return results whose choices say their group too, where it is one of ``shared``: "left: yes"."""
    of_images = {number for number, _ in _of_images(results)}
    return [
        (number, {**result, "value": {"choices": [_with_group(result, name, shared) for name in _choices(result)]}})
        if number in of_images
        else (number, result)
        for number, result in results
    ]


def _with_group(result: dict[str, Any], name: str, shared: set[str]) -> str:
    return f"{_group(result)}: {name}" if _group(result) in shared else name


def _answers(groups: dict[str, list[str]]) -> Iterator[Answer]:
    yield Answer("Labels: all groups", "Each choice is a label, of whichever group.", {"groups": tuple(groups)})
    for group, names in groups.items():
        others = ", ".join(other for other in groups if other != group)
        why = f"It says {first(names)}; {others} {'becomes a column' if len(groups) == 2 else 'become columns'}."
        yield Answer(f"Labels: {group}", why, {"groups": (group,)})


def _newest(tasks: list[_Task]) -> list[_Task]:
    """Return one task per image, the last: the short export repeats it for every annotator."""
    found: dict[tuple[str, str], list[_Task]] = {}
    for task in tasks:
        found.setdefault((str(task.number), task.image), []).append(task)
    return [same[-1]._replace(n_annotations=len(same)) for same in found.values()]


def _image_key(data: dict[str, Any]) -> str:
    """Return the key whose text names an image."""
    texts = [key for key, value in data.items() if isinstance(value, str)]
    named = [key for key in texts if is_image(_file_of(data[key])) or data[key].startswith(("/data/", "data:"))]
    return next((key for key in ("image", "img", *named) if key in named), texts[0] if "image" in texts else "")


def _file_of(text: str) -> str:
    """Return the file that an address or a name is about, with what stands behind ``?d=`` where it says so."""
    try:
        parts = urlsplit(text)
    except ValueError:  # an address that is none, such as http://[
        return text
    asked = parse_qs(parts.query).get("d")
    return asked[0] if asked else unquote(parts.path)


def _cells(data: dict[str, Any], taken: set[str]) -> dict[str, str]:
    plain = {k: v for k, v in data.items() if k not in taken and isinstance(v, str | int | float)}
    return {str(k): str(v) for k, v in plain.items() if len(str(v)) <= _MAX_CELL}


def _results(gathering: Gathering, image: Image, results: Numbered, skipped: dict[str, int]) -> None:
    (labels, described), drawn_on = _labels(results, gathering.values), _drawn_on(results)
    for number, result in results:
        kind, value = str(result.get("type", "")), result.get("value")
        if not isinstance(value, dict):
            gathering.odd("region says nothing", "regions say nothing", f"{image.file} (region {number})")
            continue
        names = labels.get(_key(result, number), [])
        if kind == "choices" and _key(result, number) in drawn_on:
            if _key(result, number) in described:
                skipped["choices of regions"] = skipped.get("choices of regions", 0) + 1
        elif kind == "choices":
            image.labels.update(names)
            if not names:
                gathering.odd("choice names no class", "choices name no class", f"{image.file} (region {number})")
        elif not (shape := _shape(kind, value)):
            if kind != "labels":
                skipped[kind] = skipped.get(kind, 0) + 1
        elif not names:
            gathering.odd("region has no class", "regions have no class", f"{image.file} (region {number})")
            gathering.doubt(image, "unknown class", f"region {number}: it has no class")
        else:
            _mark(gathering, image, result, shape, names, number)


def _mark(
    gathering: Gathering, image: Image, result: dict[str, Any], shape: str, names: list[str], number: int
) -> None:
    _measure(image, result, gathering.files.root)
    drawn, points = _drawn(shape, result["value"], image)
    for name in names:
        gathering.mark(image, drawn, name, points, number)


def _drawn_on(results: Numbered) -> set[Any]:
    """Return the ids of the regions that are drawn, which a choice of the same id describes."""
    return {
        _key(result, number)
        for number, result in results
        if isinstance(value := result.get("value"), dict) and _shape(str(result.get("type", "")), value)
    }


def _key(result: dict[str, Any], number: int) -> Any:
    known = result.get("id")
    return known if known and isinstance(known, str | int) else f"region {number}"


def _labels(results: Numbered, values: Values) -> tuple[dict[Any, list[str]], set[Any]]:
    """Return the classes of each region, which may stand in a result of their own under the same id.

    A region with a class may be described by choices, such as "occluded": those are no classes, and are told.
    """
    found: dict[Any, list[str]] = {}
    chosen: dict[Any, list[str]] = {}
    for number, result in results:
        value = result.get("value")
        for key, names in value.items() if isinstance(value, dict) else ():
            if key.endswith(("labels", "choices")) and isinstance(names, list):
                known = (chosen if key == "choices" else found).setdefault(_key(result, number), [])
                known += [name for name in map(values.name, names) if name and name not in known]
    described = {key for key in chosen.keys() & found.keys() if found[key] and found[key] != chosen[key]}
    return chosen | found, described


def _shape(kind: str, value: dict[str, Any]) -> str:
    """Return what a region is by its type, which may be "rectangle", "rectanglelabels", or left out."""
    for shape in _SHAPES:
        if kind.startswith(shape):
            return shape
    if "points" in value:
        return "polygon"
    return "brush" if "rle" in value else ""


def _measure(image: Image, result: dict[str, Any], root: Path) -> None:
    """Note the image's size in px as the result says it, or else as its header does."""
    if image.width:
        return
    sides: list[Any] = [result.get(side) for side in _SIDES]
    known = all(isinstance(side, int | float) and side > 0 for side in sides)
    image.width, image.height = sides if known else size_or_reason(root / image.file)[:2]


def _drawn(shape: str, value: dict[str, Any], image: Image) -> tuple[MarkKind, tuple[float, ...]]:
    """Return kind and points, in px, of one region; no points where its numbers are none."""
    wide, high = image.width / 100, image.height / 100
    try:
        turned = float(value.get("rotation") or 0) % 360
        if shape == "rectangle":
            x0, y0, x1, y1 = box_of((value.get(key) for key in ("x", "y", "width", "height")), wide, high)
            return _rectangle(x0, y0, x1 - x0, y1 - y0, turned)
        if shape == "ellipse":
            x, y, rx, ry = (float(value[key]) for key in ("x", "y", "radiusX", "radiusY"))
            return _ellipse(x * wide, y * high, rx * wide, ry * high, turned)
        if shape == "polygon":
            return "polygon", tuple(float(p) * side for x, y in value["points"] for p, side in ((x, wide), (y, high)))
    except (KeyError, TypeError, ValueError):
        return "polygon", ()
    return "mask", ()


def _rectangle(x: float, y: float, width: float, height: float, turned: float) -> tuple[MarkKind, tuple[float, ...]]:
    """Return a box; one turned clockwise around its left top corner, as Label Studio does, by its centre."""
    if not turned:
        return "box", (x, y, x + width, y + height)
    sine, cosine = math.sin(math.radians(turned)), math.cos(math.radians(turned))
    x += width / 2 * cosine - height / 2 * sine
    y += width / 2 * sine + height / 2 * cosine
    return "rotated box", (x, y, width, height, turned)


def _ellipse(x: float, y: float, rx: float, ry: float, turned: float) -> tuple[MarkKind, tuple[float, ...]]:
    if abs(rx - ry) <= _ROUND * max(rx, ry):
        return "circle", (x, y, (rx + ry) / 2)
    sine, cosine = math.sin(math.radians(turned)), math.cos(math.radians(turned))
    points: list[float] = []
    for step in range(_ELLIPSE_CORNERS):
        angle = 2 * math.pi * step / _ELLIPSE_CORNERS
        across, down = rx * math.cos(angle), ry * math.sin(angle)
        points += (x + across * cosine - down * sine, y + across * sine + down * cosine)
    return "polygon", tuple(points)


def _notices(tasks: list[_Task], skipped: dict[str, int], unannotated: int) -> Iterator[str]:
    several = sum(task.n_annotations > 1 for task in tasks)
    if several:
        told = counted(several, "image has", "images have")
        yield f"{told} several annotations; of each, the ground truth or else the newest is used."
    guessed = sum(task.guessed for task in tasks)
    if guessed:
        told = counted(guessed, "task has", "tasks have")
        yield f"{told} predictions of a model alone, which are not used; accept them in Label Studio, and export again."
    if unannotated:
        yield f"{counted(unannotated, 'image is', 'images are')} not annotated yet, and kept without a label."
    if skipped:
        told = first([f"{kind} ({n})" for kind, n in skipped.items()])
        yield f"Not used: what is neither a class, a box, a polygon, an ellipse nor a brush: {told}."
