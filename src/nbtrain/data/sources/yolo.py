"""YOLO: a text file beside each image, one line per object, and a YAML file that names classes and sets.

A line holds a class and a box (centre, width, height) or the corners of a polygon, as shares of the image: its size
comes from the image's header, read for those that have labels. An image without a text file shows nothing. A
classification set of YOLO's is an image folder.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from nbtrain.data.names import clean_name
from nbtrain.data.questions import Answer, Question
from nbtrain.data.records import Listing, Record, counted, first
from nbtrain.data.sources import annotations_beside
from nbtrain.data.sources.base import Annotated, ElsewhereError, existing, is_image, names_in, spellings_told
from nbtrain.data.sources.folder import holds_classes
from nbtrain.data.sources.gathering import Gathering, Image, box_of, uncollected
from nbtrain.data.sources.headers import in_parallel, size_or_reason
from nbtrain.data.sources.named import Files, name_key
from nbtrain.data.sources.sets import is_set_name, set_of, sets_among
from nbtrain.data.sources.texts import text_of
from nbtrain.data.sources.walk import Walk
from nbtrain.data.splits import SETS
from nbtrain.errors import DataError, shown
from nbtrain.files import ordinary

_YAML = (".yaml", ".yml")
_CLASS_FILES = ("classes.txt", "obj.names", "_darknet.labels", "classes.names", "names.txt", "predefined_classes.txt")
_CLASS_PLACES = ("", "labels", "data", "train", "train/labels", "labels/train")
"""Where a file with a name per line lies, below the root."""
_LABELS = {"Images": "Labels", "IMAGES": "LABELS"}
_INNER = 3
"""Folders that are looked into for an image with labels."""
_READ, _PEEKED_CHARACTERS = 20, 4096
"""Text files that are looked into to tell labels from captions, and how far."""
_NUMBERS = re.compile(r"[0-9]+(\.0*)?(\s+[-+0-9.eE]+)*")
"""A line of labels: the number of a class, and numbers."""
_MAX_YAML_BYTES = 2**24
_NOTHING: tuple[Any, ...] = (None, "", "~", "null", [], {})
"""What stands in a YAML file where nothing is given for a set, a path, or all names."""
_UNKNOWN = ("line names no known class", "lines name no known class")
_UNREADABLE = ("line is no box and no polygon", "lines are no boxes and no polygons")
_CLASS_ALONE = ("line names a class and draws nothing", "lines name a class and draw nothing")


class Yolo(Annotated, kind="yolo", label="YOLO"):
    """A YOLO data set: its YAML file, or a folder with images and labels."""

    layout = "a YOLO data.yaml, or a folder with images and labels"
    reads = frozenset({".txt", ".yaml", ".yml", ".names", ".labels"})

    @classmethod
    def claims(cls, path: Path) -> bool:
        """Return whether ``path`` is a YAML file, or a folder that holds one or has a text file per image."""
        if path.is_file():
            return path.suffix.lower() in _YAML
        return _is_data_set(path) and cls.doubt(path) is None

    @classmethod
    def also(cls, path: Path) -> Iterator[Answer]:
        """Yield the folder that has a text file per image, whatever else says what they show."""
        if path.is_dir() and _is_data_set(path):
            yield Answer(cls.label, f"It is read as {cls.layout}.", {"kind": cls.kind})

    @classmethod
    def doubt(cls, path: Path) -> Question | None:
        """Ask where text files beside the images of class folders say something else than the folders."""
        if not path.is_dir() or not _folders(path) or not annotations_beside.may_be_classes(path):
            return None
        try:
            listing = cls(path=str(path)).listing()
        except DataError:
            return None
        this = Answer(cls.label, "", {"kind": cls.kind})
        return annotations_beside.doubt(path, path, listing, this, "the text files beside the images (YOLO)")

    @spellings_told
    @uncollected()
    def listing(self) -> Listing:
        """Return the images of all sets; raises DataError saying what is wrong and where."""
        path = existing(self.path)
        file = path if path.is_file() else _yaml_in(path)
        described = _described(file) if file else _Described()
        notices = list(described.notices)
        folder = file.parent if file else path
        root = existing(self.images_root) if self.images_root else _root(described, folder)
        walk, named = Walk(), bool(self.images_root)
        places = _Places(root, walk, named, notices)
        sets = _sets(described, places) if described.sets else _by_folder(places)
        files = Files(root, file.name if file else str(root), folder, named=named)
        gathering = Gathering(files, "line")
        names = described.names or _names_beside(root)
        gathering.note("" if names else "There are no names of classes: their numbers are their names.")
        _gather(gathering, sets, names, described)
        for listed in places.listed:
            listed.tell(gathering.tally)
        gathering.note(*notices)
        classes = None if names is None else list(names.values())
        return gathering.listing(root, classes, path, _outside_sets, self.reads)


def _is_data_set(path: Path) -> bool:
    return bool(_folders(path)) or (_yaml_in(path) is not None and not holds_classes(path))


def _outside_sets(_: str) -> tuple[str, str]:
    return "outside the folders of the sets", ""


@cache
def _texts_alone() -> Any:
    """Return the loader that reads every value as its text: a class called no, 010, 12:30 or null is none of these."""
    import yaml

    class Texts(yaml.CBaseLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            """Return the mapping; raises ConstructorError for a key that stands twice: YAML would keep the last."""
            seen: set[str] = set()
            for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
                if key.value in seen:
                    told = f"{key.value!r} stands twice"
                    raise yaml.constructor.ConstructorError(problem=told, problem_mark=key.start_mark)
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    return Texts


@dataclass
class _Described:
    """What a YAML file says; empty where there is none."""

    file: Path | None = None
    path: str = ""
    sets: dict[str, list[str]] = field(default_factory=dict)
    names: dict[int, str] | None = None
    keypoints: bool = False
    notices: list[str] = field(default_factory=list)


def _described(file: Path) -> _Described:
    import yaml  # here: the first display need not wait for it

    try:
        plain = yaml.load(text_of(file), _texts_alone())  # it builds texts, lists and mappings alone
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that is none, a huge number
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None)
        told = f", line {mark.line + 1}: this is no YAML ({why})" if mark else f" cannot be read as YAML ({error})"
        raise DataError(f"{file.name}{told}", value=str(file), advice="Repair the file.") from None
    if not isinstance(plain, dict) or not ({"names", "train"} & set(plain)):
        advice = "It has names: the classes, and train: and val: the folders of images."
        raise DataError(f"{file.name} describes no data set", value=str(file), advice=advice)
    given = {key: value for key, value in plain.items() if is_set_name(key) and value not in _NOTHING}
    sets: dict[str, list[str]] = {}
    for key, value in given.items():
        sets.setdefault(set_of(key), []).extend(_texts(value, key, file))
    path = "" if plain.get("path") in _NOTHING else plain.get("path", "")
    if not isinstance(path, str):
        raise DataError(f"{file.name}: path is no folder", value=path, advice="Write the folder's name.")
    names, keypoints = _names(plain.get("names"), file), "kpt_shape" in plain
    notices = [_miscounted(names, plain.get("nc"), file)]
    notices += ["Keypoints are not used, their boxes are."] if keypoints else []
    return _Described(file, path, sets, names, keypoints, [notice for notice in notices if notice])


def _miscounted(names: dict[int, str] | None, said: Any, file: Path) -> str:
    """Return what is odd about the number of names, "" where nothing is."""
    if not names:
        return ""
    twice = sorted(name for name, n in Counter(names.values()).items() if n > 1)
    if twice:
        return f"In {file.name} several numbers have one name, and are one class: {first(twice)}."
    wrong = isinstance(said, str) and said.isdecimal() and int(said) != len(names)
    return f"In {file.name} nc says {said} classes, and names are {len(names)}; the names count." if wrong else ""


def _texts(value: Any, key: str, file: Path) -> list[str]:
    found = value if isinstance(value, list) else [value]
    if all(isinstance(text, str) for text in found):
        return found
    raise DataError(
        f"{file.name}: {key} is no folder or list of folders", value=value, advice="Write the folder's name."
    )


def _names(value: Any, file: Path) -> dict[int, str] | None:
    """Return the classes by number; raises DataError where they are something else."""
    if value in _NOTHING:
        return None
    # One text in place of a list is under no number, and refused like all that is.
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else [("", value)]
    names: dict[int, str] = {}
    for number, name in pairs:
        if not (str(number).isascii() and str(number).isdigit()) or not isinstance(name, str):
            advice = "Write names: [cat, dog], or one line for each, 0: cat."
            raise DataError(f"{file.name}: names are no list of classes", value=name, advice=advice)
        names[int(number)] = clean_name(name)
        if not names[int(number)]:
            raise DataError(f"{file.name}: class {number} has no name", value=str(file), advice="Write one behind it.")
    return dict(sorted(names.items())) or None


def _names_beside(root: Path) -> dict[int, str] | None:
    named = [root / place / name for place in _CLASS_PLACES for name in _CLASS_FILES]
    named += [root / name for name in names_in(root) if name.lower().endswith(".names")]
    for place in named:
        if place.is_file():
            lines = text_of(place).splitlines()
            return {i: name for i, line in enumerate(lines) if (name := clean_name(line))} or None
    return None


def _root(described: _Described, folder: Path) -> Path:
    """Return the folder that a YAML file's sets are relative to; raises DataError where it lies elsewhere."""
    place = Path(os.path.normpath(folder / described.path))
    if place.is_relative_to(folder) and place.is_dir():
        return place
    if any(_placed(text, folder) or _moved(text, folder) for texts in described.sets.values() for text in texts):
        return folder  # the set was moved, or its path is relative to where it was trained
    told = f"{described.file.name if described.file else folder}: its path leads out of its folder, or nowhere"
    raise ElsewhereError(told, value=described.path)


def _placed(text: str, root: Path) -> Path | None:
    """Return what a set's text means below ``root``; exports of Roboflow write ../train for train."""
    plain = text.replace("\\", "/")
    for tried in (plain, plain.lstrip("./")):
        place = Path(os.path.normpath(root / tried))
        if place.is_relative_to(root) and place.exists():
            return place
    return None


def _moved(text: str, root: Path) -> Path | None:
    """Return what the longest ending of a set's text means below ``root``, for one written on another machine.

    Nothing for a text that names what is there: to read elsewhere than below the root, a person names the folder.
    """
    plain = text.replace("\\", "/")
    if os.path.isabs(plain) and os.path.exists(plain):
        return None
    parts = [part for part in plain.split("/") if part not in ("", ".", "..")]
    endings = ("/".join(parts[start:]) for start in range(1, len(parts)))
    return next((root / ending for ending in endings if (root / ending).exists()), None)


@dataclass
class _Places:
    """Where sets are looked for, and what is noticed on the way."""

    root: Path
    walk: Walk
    named: bool
    """Whether a person has named the root."""
    notices: list[str]
    listed: list[Files] = field(default_factory=list)
    """What text files name."""

    def images(self, place: Path) -> Iterator[Record]:
        """Yield the images of a folder, or those that a text file lists."""
        if place.is_dir():
            below = place.relative_to(self.root).as_posix()
            yield from self.walk.images(place, "" if below == "." else f"{below}/")
            return
        listed = place.relative_to(self.root).parent.as_posix()
        files = Files(self.root, place.name, place.parent, named=self.named, noun="row")
        n_lines, n_found = 0, 0
        for number, line in enumerate(text_of(place).splitlines(), 1):
            if not line.strip():
                continue
            found = files.find(line.strip(), f"line {number}", listed if line.startswith(".") else "")
            n_lines += 1
            if found is not None:
                n_found += 1
                yield Record(found[0], (), found[1])
        if n_lines and not n_found:
            raise files.none_found(n_lines)
        self.notices.extend(files.notices())
        self.listed.append(files)


def _sets(described: _Described, places: _Places) -> dict[str, list[Record]]:
    """Return the images of each set of a YAML file, by folder or by a text file that lists them."""
    file, root, notices = described.file.name if described.file else "", places.root, places.notices
    found: dict[str, list[Record]] = {}
    sets = {name: texts for name, texts in described.sets.items() if name == "train" or not _is_train(name, described)}
    if len(sets) < len(described.sets):
        same = " and ".join(("train", *(name for name in described.sets if name not in sets)))
        notices.append(f"In {file} {same} are the same images: there is no split of its own.")
    for name, texts in sets.items():
        for text in texts:
            place = _placed(text, root)
            if place is None and (place := _moved(text, root)) is not None:
                notices.append(f"{file} names {text}, found as {place.relative_to(root).as_posix()}.")
            if place is not None:
                images = list(places.images(place))
                found.setdefault(name, []).extend(images)
                if not images:
                    notices.append(f"{file} names a set {name} that holds no image: {text}.")
            elif name == "train":
                outside = os.path.isabs(text) or not Path(os.path.normpath(root / text)).is_relative_to(root)
                told = f"lies outside {root}" if outside else f"is not there below {root}"
                raise ElsewhereError(f"{file}: the folder of {name} {told}", value=text)
            else:
                notices.append(f"{file} names a set {name} that is not there: {text}.")
    return found


def _is_train(name: str, described: _Described) -> bool:
    """Return whether a set is written as the one that trains, as small examples do."""
    return set(described.sets[name]) == set(described.sets.get("train", ()))


def _folders(root: Path) -> dict[str, Path]:
    """Return the folders of images of each set where no YAML file says them; "" where there are no sets."""
    for above, below in (("images", ""), ("", "images"), ("", "")):
        named = sets_among(names_in(root / above)) if (root / above).is_dir() else {}
        sets = {s: root / above / word / below for word, s in named.items()}
        found = {s: folder for s, folder in sets.items() if _labelled(folder)}
        if found:
            return found
    return next(({"": folder} for folder in (root / "images", root) if _labelled(folder)), {})


def _labelled(folder: Path, deeper: int = 2) -> bool:
    """Return whether a folder's images have text files beside them, or in the folder called labels."""
    names = names_in(folder) if folder.is_dir() else ()
    images = [name for name in names if is_image(name)]
    places = dict.fromkeys(where(f"{folder.as_posix()}/x.png") for where in (_label_file, _flat_label_file))
    labels = next(filter(None, (names_in(Path(place).parent) for place in places)), ())
    stems = {os.path.splitext(name)[0] for name in (*labels, *names) if name.lower().endswith(".txt")}
    if images and not stems:
        return False
    if images or not deeper:
        named = [os.path.splitext(name)[0] for name in images if os.path.splitext(name)[0] in stems]
        if not named:
            keys = {name_key(os.path.splitext(name)[0]) for name in images}
            named = [stem for stem in stems if name_key(stem) in keys]
        return bool(named) and _any_labels(_text_file(folder, stem) for stem in named[:_READ])
    inner = (folder / name for name in names if "." not in name and (folder / name).is_dir())
    return any(_labelled(place, deeper - 1) for place in islice(inner, _INNER) if place.name != "labels")


def _text_file(folder: Path, stem: str) -> Path:
    beside = folder / f"{stem}.txt"
    below, flat = (Path(where(f"{folder.as_posix()}/{stem}.png")) for where in (_label_file, _flat_label_file))
    return next((file for file in (beside, below) if file.is_file()), flat)


def _any_labels(files: Iterable[Path]) -> bool:
    """Return whether text files hold labels, and not captions: a line of numbers, or nothing in any of them."""
    lines = [line for file in files for line in _first_lines(file)]
    return not lines or any(_NUMBERS.fullmatch(line) for line in lines)


def _first_lines(file: Path) -> list[str]:
    try:
        with open(file, encoding="utf-8-sig", errors="replace", opener=ordinary) as opened:
            return [line.strip() for line in opened.read(_PEEKED_CHARACTERS).splitlines() if line.strip()]
    except OSError:
        return []


def _by_folder(places: _Places) -> dict[str, list[Record]]:
    found = _folders(places.root)
    if not found:
        advice = "Labels lie in a folder called labels, beside the one called images, one text file per image."
        raise DataError("no image has a text file of labels", value=str(places.root), advice=advice)
    return {s: list(places.images(folder)) for s, folder in found.items()}


def _label_file(image: str) -> str:
    """Return where the labels of an image lie: the last folder called images is called labels."""
    folder, _, name = image.rpartition("/")
    parts = folder.split("/")
    place = _place_of_images(parts)
    if place >= 0:
        parts[place] = _LABELS.get(parts[place], "labels")
    stem = os.path.splitext(name)[0]
    return "/".join((*parts, f"{stem}.txt")) if folder else f"{stem}.txt"


def _flat_label_file(image: str) -> str:
    """Return where the labels lie if those of all sets are in one folder: right in the one called labels."""
    *parts, name = _label_file(image).split("/")
    place = _place_of_images(image.split("/")[:-1])
    return "/".join((*parts[: place + 1], name)) if place >= 0 else _label_file(image)


def _place_of_images(parts: list[str]) -> int:
    """Return which of these folders is the last called images; -1 for none."""
    return max((place for place, part in enumerate(parts) if part.lower() == "images"), default=-1)


@dataclass(slots=True)
class _Looked:
    """What was found of one image: its size in px, or why it has none, and the lines of its text file."""

    width: int = 0
    height: int = 0
    reason: str = ""
    lines: list[str] = field(default_factory=list)
    label_file: str = ""


def _look(root: Path, file: str, labels: _LabelFiles) -> _Looked:
    beside = os.path.splitext(file)[0] + ".txt"
    found = _read_labels(root, file, dict.fromkeys((_label_file(file), beside, _flat_label_file(file))))
    if not found.label_file and (other := labels.spelled_otherwise(_label_file(file))):
        return _read_labels(root, file, (other,))
    return found


def _read_labels(root: Path, file: str, places: Iterable[str]) -> _Looked:
    for place in places:
        try:
            with open(os.path.join(root, place), encoding="utf-8-sig", errors="replace", opener=ordinary) as text:
                lines = text.read().splitlines()
        except OSError:
            continue
        return (
            _Looked(*size_or_reason(root / file), lines, place)
            if any(map(str.strip, lines))
            else _Looked(label_file=place)
        )
    return _Looked()


def _gather(
    gathering: Gathering, sets: dict[str, list[Record]], names: dict[int, str] | None, described: _Described
) -> None:
    root, unreadable, unlabelled = gathering.files.root, list[str](), list[str]()
    labels = _LabelFiles(root)
    for name in (*SETS, ""):
        records = sets.get(name, [])
        # A list may name an image as it is no longer called, or twice: what was found is looked at, once.
        found = (gathering.image(r.file, split=name, size_bytes=r.size_bytes) for r in records)
        images = list({image.file: image for image in found if image is not None}.values())
        looked = in_parallel(lambda image: _look(root, image.file, labels), images)
        for image, seen in zip(images, looked, strict=True):
            image.width, image.height = seen.width, seen.height
            if seen.reason:
                unreadable.append(f"{image.file} ({seen.reason})")
            if not seen.label_file:
                unlabelled.append(image.file)
            labels.used(seen.label_file)
            for number, line in enumerate(seen.lines, 1):
                if line.strip():
                    _mark(gathering, image, line, number, names, described.keypoints)
    if unreadable:
        told = counted(len(unreadable), "image cannot be read, so nothing", "images cannot be read, so nothing")
        gathering.note(f"{told} is drawn on {'it' if len(unreadable) == 1 else 'them'}: {first(unreadable)}.")
    if unlabelled:
        told = counted(len(unlabelled), "image has no text file and shows", "images have no text file and show")
        gathering.note(f"{told} nothing of the classes: {first(unlabelled)}.")
    gathering.tally.add("annotation", "without an image", *labels.left())


class _LabelFiles:
    """The text files beside a set's images by what a person reads in their names, and those that no image uses."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[str, dict[str, list[str]]] = {}
        self._used: set[str] = set()

    def spelled_otherwise(self, place: str) -> str:
        """Return the one file whose name reads as that of ``place``: in percent encoding, another case; "" for none."""
        folder, _, name = place.rpartition("/")
        found = self._in(folder).get(name_key(name), [])
        return f"{folder}/{found[0]}" if folder and len(found) == 1 else found[0] if len(found) == 1 else ""

    def used(self, place: str) -> None:
        """Note that an image's labels were read from ``place``; "" is none."""
        if place:
            self._used.add(place)
            self._in(place.rpartition("/")[0])

    def left(self) -> list[str]:
        """Return the text files in the folders of labels that belong to no image."""
        return [
            f"{folder}/{name}"
            for folder, names in self._names.items()
            if folder and folder.split("/")[-1] != "images"
            for found in names.values()
            for name in found
            if f"{folder}/{name}" not in self._used and name not in _CLASS_FILES
        ]

    def _in(self, folder: str) -> dict[str, list[str]]:
        if folder not in self._names:
            found: dict[str, list[str]] = {}
            for name in names_in(self._root / folder):
                if name.lower().endswith(".txt"):
                    found.setdefault(name_key(name), []).append(name)
            self._names[folder] = found
        return self._names[folder]


def _mark(
    gathering: Gathering, image: Image, line: str, number: int, names: dict[int, str] | None, keypoints: bool
) -> None:
    try:
        number_of_class, *shares = map(float, line.split())
    except ValueError:
        return _unusable(gathering, image, _UNREADABLE, line, number)
    shares = shares[:4] if keypoints else shares
    whole = number_of_class.is_integer() and number_of_class >= 0
    label = names.get(int(number_of_class)) if names and whole else str(int(number_of_class)) if whole else None
    if label is None:
        return _unusable(gathering, image, _UNKNOWN, line, number)
    if not shares:
        image.labels.add(label)
        gathering.odd(*_CLASS_ALONE, f"{image.file} (line {number})")
    elif len(shares) % 2 or len(shares) == 2:
        _unusable(gathering, image, _UNREADABLE, line, number)
    elif not image.width:  # the image cannot be read: what it shows is known, not where
        image.labels.add(label)
    elif len(shares) == 4:
        x, y, width, height = shares
        corners = box_of((x - width / 2, y - height / 2, width, height), image.width, image.height)
        gathering.mark(image, "box", label, corners, number)
    else:
        sides = (image.width, image.height) * (len(shares) // 2)
        gathering.mark(
            image, "polygon", label, (share * side for share, side in zip(shares, sides, strict=True)), number
        )


def _unusable(gathering: Gathering, image: Image, told: tuple[str, str], line: str, number: int) -> None:
    """Tell of a line that gives no mark."""
    gathering.odd(*told, f"{image.file} (line {number})")
    kind, why = ("unknown class", "names no known class") if told is _UNKNOWN else ("unreadable", "cannot be read")
    gathering.doubt(image, kind, f"line {number} of its text file {why} ({shown(line, 40)})")


def _yaml_in(folder: Path) -> Path | None:
    """Return the YAML file of a folder that describes a data set."""
    names = [name for name in names_in(folder) if name.lower().endswith(_YAML)]
    ordered = sorted(names, key=lambda name: name.lower() not in ("data.yaml", "dataset.yaml"))
    return next((folder / name for name in ordered if _describes(folder / name)), None)


def _describes(file: Path) -> bool:
    try:
        if file.stat().st_size > _MAX_YAML_BYTES:
            return False
        with open(file, encoding="utf-8-sig", errors="replace", opener=ordinary) as opened:
            text = opened.read()
    except OSError:
        return False
    return any(line.startswith("names:") for line in text.splitlines()) and any(
        line.startswith(("train:", "val:", "path:")) for line in text.splitlines()
    )
