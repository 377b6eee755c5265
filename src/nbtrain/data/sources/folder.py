"""Image folders: one sub-folder per class, alone or inside ``train/``, ``val/`` and ``test/``.

It knows names of folders and files, and opens no image. The first folder below the root (or below ``train/`` …)
names the class; deeper folders belong to it, but for sets inside every class (``cat/train/``). A folder around
everything is passed through. Hidden folders and files, and those that are no images, are passed over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

from nbtrain.data.questions import Answer, Question
from nbtrain.data.records import Listing, OneClassError, Record, checked, counted, first, in_words, natural
from nbtrain.data.sources.base import Source, existing, holds_an_image, is_image, names_in, spellings_told
from nbtrain.data.sources.cells import may_be_missing
from nbtrain.data.sources.census import OTHER, Why, counted_in, unread_of
from nbtrain.data.sources.foreign import JSON_BESIDE, among, recognised
from nbtrain.data.sources.sets import More, added, is_set_name, set_and_rest, set_of, sets_among, without_set
from nbtrain.data.sources.walk import Walk, is_folder, shown_name
from nbtrain.data.splits import SETS
from nbtrain.data.unpack import ENDINGS as ARCHIVES
from nbtrain.errors import DataError
from nbtrain.schema import field

_ALWAYS, _NONE = {"sets": "always"}, {"sets": "none"}
_TECHNICAL = frozenset(
    (
        *("annotation", "annotations", "bboxes", "gt", "groundtruth", "ground_truth", "image", "images", "img", "imgs"),
        *("imagesets", "jpegimages", "json", "label", "labels", "mask", "masks", "meta", "original", "png", "rgb"),
        *("segmentation", "segmentations", "segmentationclass", "segmentationobject", "trimaps", "txt", "xml", "xmls"),
    )
)
"""Folders that formats of annotations have, in lower case, and classes have not."""
_OF_ANNOTATIONS = ("annot", "_annot", "_annotations", "_mask", "_masks", "_label", "_labels", "_gt", "_seg")
"""What follows the name of a folder of images in that of its masks."""
_ANNOTATED = (".json", ".xml", ".ndjson", ".manifest", ".vott", ".jsonl")
"""Endings of annotations of other tools, of which the first files among images are looked into."""
_FOLD = re.compile(r"(k|cv)?[ _-]?fold", re.IGNORECASE)
"""How folders of a cross validation are called."""
_FEW = 12
"""Folders up to which they may be the parts of a format, and no classes."""
_WRAPPERS = 10
"""Folders that are passed through at most: a link may lead back to where it lies."""


class Folder(Source, kind="folder", label="Image folder"):
    """A folder with one sub-folder of images per class, or with train, val and test folders of that kind inside."""

    layout = "a folder with one sub-folder of images per class"
    broad = True

    sets: Literal["auto", "always", "none", "in names", "in file names"] = field(
        "auto", label="Train, val and test folders", advanced=True
    )
    """Whether folders called train, val and test, in any usual form, are sets where they hold class folders (auto),
    always, or classes as all others (none); or whether names of folders say class and set (cat_train), or names of
    files say the set (train_1.jpg)."""

    set_names: tuple[str, ...] = field((), label="More names of sets", advanced=True)
    """Folder names that mean a set here, such as entreno=train."""

    @classmethod
    def claims(cls, path: Path) -> bool:
        """Return whether ``path`` is a folder."""
        return path.is_dir()

    @classmethod
    def also(cls, path: Path) -> Iterator[Answer]:
        """Yield class folders, where there are at least two that are called neither like sets nor as formats do."""
        if names := classes_in(path):
            yield Answer("Class folders", f"Each folder is a class: {first(names)}.", {"kind": cls.kind})

    @spellings_told
    def listing(self) -> Listing:
        """Return the images of all class folders, ordered by name; raises DataError saying what is wrong."""
        root = existing(self.path)
        if not root.is_dir():
            raise DataError("this is a file, not a folder", value=str(root), advice="Give the folder that holds it.")
        walk = Walk()
        where, prefix, beside = _unwrapped(walk, root)
        tops = walk.top(where)
        more = added(self.set_names)
        by_folder = self.sets in ("auto", "always")
        sets = _sets(walk, where, tops, more, self.sets) if by_folder else {}
        called = _called_like_sets(tops, more) if self.sets != "none" and not sets else []
        bare = [name for name in called if _has_images(tops[name])]
        found = {s: _of_set(walk, parts, prefix) for s, parts in sets.items()} or {"": walk.classes(where, prefix)}
        named_so = _by_folder_names(found, more) if self.sets in ("auto", "in names") and not sets else {}
        if self.sets == "in names":
            found, called, bare = named_so or found, [], []
        if not any(any(files for files in classes.values()) for classes in found.values()):
            raise _empty(root)
        named = {top.name for parts in sets.values() for top in parts}
        passed = [name for name in tops if sets and name not in named]
        unlabelled = bare if self.sets == "always" else []
        if unlabelled:
            _take_out(found[""], unlabelled, root)
        if not sets and self.sets in ("auto", "always"):
            found = _sets_of_classes(found[""], prefix, more)
        if self.sets == "in file names":
            found = _by_file_names(found, more) or found
        question = None
        if self.sets == "auto":
            _refuse_technical(root, found)
            question = (
                _unnamed_set(walk, found, tops, passed, self.set_names)
                or _lone_set(walk, sets, tops, passed)
                or (_class_and_set(named_so, tops) if named_so else None)
                or _other_set(walk, tops, called, self.set_names)
                or _classes_or_sets(tops, called, bare)
                or ("" in found and _sets_of_other_names(walk, tops, called, self.set_names))
                or (not sets and len(found) > 1 and _folds(found, prefix, root))
                or (list(found) == [""] and _sets_of_files(found, more))
                or None
            )
        why = _why_unused(prefix, named, unlabelled)
        listing = counted_in(_listing(root, found), root, why)
        told = ("" if self.sets == "in names" else _deeper(found), *_set_notices(found, beside), *_parts_told(sets))
        listing = listing.noting(*told, _missing_told(listing), _foreign_told(listing, root))
        listing = listing.read_as(*_ways(found, sets, called, self.sets))
        try:
            return checked(listing.asking(question), root)
        except OneClassError as error:
            raise _one_class(root, error) from None


def _missing_told(listing: Listing) -> str:
    """Tell of class folders that are called like no value, as a table's empty cells become folders."""
    names = [name for name in listing.classes if may_be_missing(name)]
    named, one = in_words([f"“{name}”" for name in names]), len(names) == 1
    return (
        f"The folder{'' if one else 's'} {named} {'is' if one else 'are'} taken for {'a class' if one else 'classes'}; "
        f"where {'it holds' if one else 'they hold'} images without a label, move {'it' if one else 'them'} out."
        if names
        else ""
    )


def _foreign_told(listing: Listing, root: Path) -> str:
    """Name the tool whose annotations lie among the images of class folders, where one is recognised."""
    others = [one for one in listing.unused if one.what == "file" and one.reason == OTHER]
    shown = {example.split(" ")[0] for one in others for example in one.examples}
    endings = tuple(ending for ending in _ANNOTATED if ending in shown)
    known = among(root, endings) if endings else None
    if known is None:
        return ""
    if "Pascal VOC" in known.name:
        return "There are annotations in the format of Pascal VOC, which are not used: the folders are the classes."
    return (
        f"There are annotations in the format of {known.name}, which are not used: the folders are the classes. "
        f"To use them: {known.advice}"
    )


def holds_classes(path: Path, *, deep: bool = False) -> bool:
    """Return whether ``path`` is a folder whose images lie in several folders, alone or in sets: classes, it seems.

    ``deep`` counts folders whose images lie in folders inside them, too.
    """
    return len(class_folders(path, deep=deep)) > 1


def classes_in(path: Path) -> list[str]:
    """Return the folders of images that may be classes: none but for at least two not called like sets or formats'."""
    names = list(dict.fromkeys(class_folders(path))) if path.is_dir() else []
    own = [name for name in names if name.casefold() not in _TECHNICAL and not set_of(name)]
    return names if len(own) > 1 else []


def class_folders(path: Path, *, deep: bool = False) -> list[str]:
    """Return the names of the folders that have images in them, alone or in sets, once for each set."""
    walk = Walk()
    where, _, _ = _unwrapped(walk, path)
    tops = walk.top(where)
    sets = _sets(walk, where, tops, {}, "auto")
    if not sets and len(sets_among(tops)) == len(tops):
        return []  # sets whose images lie in them directly: a table beside the images says what they show
    parts = [top for parts in sets.values() for top in parts]
    classes = [e for top in parts for e in walk.folders(top)[0]] if sets else list(tops.values())
    return [e.name for e in classes if (_holds_images(Path(e.path)) if deep else _has_images(e))]


def _unwrapped(walk: Walk, root: Path) -> tuple[Path, str, list[str]]:
    """Return the folder that holds classes or sets, what its files' names begin with, and what lies beside it.

    Archives and exporters put everything into one more folder: one with folders inside is no class where it lies alone,
    or beside folders without any image (``Images`` beside ``Annotation``).
    """
    where, prefix, beside = root, "", list[str]()
    for _ in range(_WRAPPERS):
        folders, loose = walk.folders(where)
        filled = list(islice((entry for entry in folders if _holds_images(Path(entry.path))), 2))
        if len(filled) != 1 or loose or is_set_name(filled[0].name) or not _has_classes(walk, filled[0]):
            return where, prefix, beside
        beside += [f"{prefix}{entry.name}" for entry in folders if entry is not filled[0]]
        where, prefix = Path(filled[0].path), f"{prefix}{filled[0].name}/"
    return where, prefix, beside


def _holds_images(folder: Path, deeper: int = _WRAPPERS) -> bool:
    """Return whether there is an image in ``folder``, or in the folders in it."""
    if holds_an_image(folder):
        return True
    names = names_in(folder)
    inner = (folder / name for name in names if not name.startswith(".") and (folder / name).is_dir())
    return deeper > 0 and any(_holds_images(place, deeper - 1) for place in inner)


def _has_classes(walk: Walk, folder: os.DirEntry[str]) -> bool:
    """Return whether there are folders in ``folder``, and no images beside them."""
    folders, loose = walk.folders(folder)
    return bool(folders) and not loose


_Sets = dict[str, list[os.DirEntry[str]]]
"""The folders of each set, by nbtrain's name of the set."""


def _sets(walk: Walk, root: Path, tops: dict[str, os.DirEntry[str]], more: More, choice: str) -> _Sets:
    """Return the folders that are sets; none where the folders are classes.

    Raises DataError where two mean one set that are no parts of it: train and trainval hold the same images.
    """
    if choice == "none":
        return {}
    # Without class folders inside, a class called "test" is a class.
    likely = [name for name in tops if set_of(name, more)]
    inside = [name for name in likely if walk.folders(tops[name])[0]]
    named = sets_among(inside, more)
    if not named and choice == "always":
        named = {name: set_of(name, more) for name in inside if is_set_name(name, more)}
    sets: _Sets = {}
    for name, meant in named.items():
        sets.setdefault(meant, []).append(tops[name])
    for parts in sets.values():
        names = [top.name for top in parts]
        if len({_without_number(name) for name in names if name.casefold() not in more}) > 1:
            raise DataError(
                f"the folders {in_words(names)} mean the same set",
                value=str(root),
                advice=f"Merge or rename one of them; to use all, say set_names=('{names[0]}={set_of(names[0])}', …).",
            )
    return sets


def _without_number(name: str) -> str:
    return re.sub(r"[\W_]*\d+$", "", name.casefold())


def _parts_told(sets: _Sets) -> Iterator[str]:
    """Tell of folders that are one set together."""
    for name, parts in sets.items():
        if len(parts) > 1:
            yield f"{len(parts)} folders are the set {name} together: {first([top.name for top in parts])}."


def _called_like_sets(tops: Iterable[str], more: More) -> list[str]:
    together = sets_among(tops, more)
    return [name for name in tops if name in together or is_set_name(name, more)]


def _lone_set(walk: Walk, sets: _Sets, tops: Mapping[str, os.DirEntry[str]], passed: list[str]) -> Question | None:
    """Ask about one set beside folders of images that are no sets: it may be a class as they are.

    One folder with images right inside may be images to predict; two, or one that holds folders as the set does, are
    hardly that.
    """
    others = [name for name in passed if not set_of(name) and _holds_images(Path(tops[name].path))]
    if len(sets) != 1 or not others or (len(others) == 1 and len(_inside(walk, tops[others[0]])) < 2):
        return None
    one = in_words([top.name for parts in sets.values() for top in parts])
    inside, beside = f"The classes are the folders in {one}", first(others, 3)
    return Question(
        f"Is the folder {one} a set of images, or a class as {beside}?",
        (
            Answer(f"Set: {one}", f"{inside}; {beside} {'is' if len(others) == 1 else 'are'} not used.", _ALWAYS),
            Answer("Classes", f"{one} is a class as {beside}.", _NONE),
        ),
    )


def _class_and_set(named: Mapping[str, Mapping[str, object]], tops: Mapping[str, object]) -> Question:
    """Ask about folders whose names may say a class and a set each: ``cat_train``, ``dog_train``, ``cat_test``."""
    classes = sorted({name for by_class in named.values() for name in by_class}, key=natural)
    sets = sorted(named, key=SETS.index)
    return Question(
        f"Are {first(classes, 3)} the classes, and {in_words(sets)} sets, as the names of the folders say?",
        (
            Answer(f"Classes: {first(classes, 3)}", f"The folders' names say a set too: {in_words(sets)}.",
                   {"sets": "in names"}),
            Answer(f"Classes: {first(list(tops), 3)}", "Each folder is a class.", _NONE),
        ),
    )  # fmt: skip


def _by_folder_names(found: Mapping[str, dict[str, list[Record]]], more: More) -> dict[str, dict[str, list[Record]]]:
    """Return the images by set and class where the name of every class folder says both; nothing else."""
    named: dict[str, dict[str, list[Record]]] = {}
    for name, records in found.get("", {}).items():
        said, rest = without_set(name, more)
        if not said or not rest:
            return {}
        named.setdefault(said, {}).setdefault(rest, []).extend(records)
    classes = {name for by_class in named.values() for name in by_class}
    return named if "train" in named and len(named) > 1 and len(classes) > 1 else {}


def _other_set(
    walk: Walk, tops: Mapping[str, os.DirEntry[str]], called: list[str], set_names: tuple[str, ...]
) -> Question | None:
    """Ask about folders that all hold folders of the same names, some called like sets: ``learn``, ``val``."""
    unknown = [name for name in tops if name not in called]
    if not called or not unknown or len(tops) > _FEW or any(_has_images(top) for top in tops.values()):
        return None
    inside = [set(_inside(walk, top)) for top in tops.values()]
    shared = sorted(set.intersection(*inside), key=natural)
    if len(shared) < 2:
        return None
    odd, known = in_words(unknown), {set_of(name) for name in called}
    why = (
        f"The classes are {first(shared, 3)}; {in_words(called)} {'is a set' if len(called) == 1 else 'are sets'} too."
    )
    ways = [
        Answer(
            f"{odd}: {name}",
            why,
            {"set_names": (*set_names, *(f"{one}={name}" for one in unknown))},
        )
        for name in (SETS if "train" in known else ("train",))
        if name not in known
    ]
    text = f"Which set {'is the folder' if len(unknown) == 1 else 'are the folders'} {odd}?"
    return Question(
        f"{text} {'It holds' if len(unknown) == 1 else 'They hold'} {first(shared, 3)} as {in_words(called)} "
        f"{'does' if len(called) == 1 else 'do'}.",
        (*ways, Answer(f"Classes: {first(list(tops), 3)}", "Deeper folders belong to them.", _NONE)),
    )


def _folds(found: Mapping[str, Mapping[str, list[Record]]], prefix: str, root: Path) -> Question | None:
    """Ask about folders that hold sets, which all hold folders of the same names: those may be the classes.

    ``fold1/train/cat``: the folders may be the folds of a cross validation, each with the same images.
    """
    depth = prefix.count("/")
    inside: dict[str, set[str]] = {}
    for by_class in found.values():
        for records in by_class.values():
            for record in records:
                parts = record.file.split("/")
                if len(parts) < depth + 4:
                    return None
                inside.setdefault(parts[depth], set()).add(parts[depth + 2])
    shared = sorted(set.intersection(*inside.values()), key=natural) if inside else []
    if len(inside) < 2 or len(shared) < 2:
        return None
    folders = sorted(inside, key=natural)
    ones = [
        Answer(
            f"{one} alone",
            f"The classes are {first(shared, 3)}, the sets those in {one}.",
            {"kind": Folder.kind, "path": str(root / f"{prefix}{one}")},
        )
        for one in folders[:_FEW]
    ]
    whole = Answer(f"Classes: {first(folders, 3)}", "Deeper folders belong to them.", _ALWAYS)
    return Question(
        f"Are the folders {in_words(folders)} the classes, or {first(shared, 3)}, which are in the sets of each of "
        "them?",
        (whole, *ones),
    )


def _sets_of_files(found: Mapping[str, dict[str, list[Record]]], more: More) -> Question | None:
    """Ask about class folders whose files' names all say a set: ``cat/train_1.jpg``."""
    named = _by_file_names(found, more)
    if not named:
        return None
    sets = sorted(named, key=SETS.index)
    return Question(
        f"Do the names of the files say which set each image is in ({in_words(sets)})?",
        (
            Answer(f"Sets: {in_words(sets)}", "Each image is in the set that its name begins or ends with.",
                   {"sets": "in file names"}),
            Answer("No sets", "The names say none; nbtrain splits the images.", _NONE),
        ),
    )  # fmt: skip


def _by_file_names(found: Mapping[str, dict[str, list[Record]]], more: More) -> dict[str, dict[str, list[Record]]]:
    """Return the images by set and class where the name of every file says a set; nothing where one says none."""
    named: dict[str, dict[str, list[Record]]] = {}
    for name, records in found.get("", {}).items():
        for record in records:
            said = _set_of_file(record.file, more)
            if not said:
                return {}
            named.setdefault(said, {}).setdefault(name, []).append(record)
    return named if "train" in named and len(named) > 1 else {}


def _set_of_file(file: str, more: More) -> str:
    """Return the set that the first or last word of a file's name says, "" for none."""
    stem = os.path.splitext(file.rsplit("/", 1)[-1])[0]
    words = [word for word in re.split(r"[\W\d_]+", stem) if word]
    ends = dict.fromkeys((words[0], words[-1])) if len(words) > 0 else {}
    said = [set_of(word, more) for word in ends if is_set_name(word, more)]
    return said[0] if len(said) == 1 else ""


def _classes_or_sets(tops: Mapping[str, os.DirEntry[str]], called: list[str], bare: list[str]) -> Question | None:
    """Ask about folders called like sets that are read as classes."""
    if not called or len(tops) < 2:
        return None
    one, are = len(called) == 1, "Is the folder" if len(called) == 1 else "Are the folders"
    if bare:
        why = f"{'Its' if one else 'Their'} images have no class, and are not used."
        if len(called) == len(tops):
            why = f"{why} Their classes then have to come from a table, or from folders."
    else:
        why = f"The classes are the folders in {in_words(called)}; all others are not used."
    kinds = ("a class", "a set of images") if one else ("classes", "sets of images")
    return Question(
        f"{are} {in_words(called)} {kinds[0]}, or {kinds[1]}{' without classes' if bare else ''}?",
        (
            Answer("A class" if one else "Classes", f"Each folder is a class: {first(list(tops))}.", _NONE),
            Answer("A set" if one else "Sets", why, _ALWAYS),
        ),
    )


def _unnamed_set(
    walk: Walk,
    found: Mapping[str, Mapping[str, list[Record]]],
    tops: Mapping[str, os.DirEntry[str]],
    passed: list[str],
    set_names: tuple[str, ...],
) -> Question | None:
    """Ask about a folder beside the sets whose folders are called like their classes: a set by another name."""
    classes = {name for by_class in found.values() for name in by_class}
    odd = next((name for name in passed if len(classes & set(_inside(walk, tops[name]))) > 1), None)
    if odd is None:
        return None
    shared = [name for name in _inside(walk, tops[odd]) if name in classes]
    lacking = [name for name in ("val", "test", "train") if name not in found] or ["val", "test", "train"]
    ways = [
        Answer(f"{odd}: {name}", f"Its images are in the set {name}.", {"set_names": (*set_names, f"{odd}={name}")})
        for name in lacking
    ]
    return Question(
        f"Which set is the folder {odd}? It holds {first(shared, 3)} as the sets {in_words(list(found))} do.",
        (Answer("Not used", f"The images in {odd} are left out.", _ALWAYS), *ways),
    )


def _sets_of_other_names(
    walk: Walk, tops: Mapping[str, os.DirEntry[str]], called: list[str], set_names: tuple[str, ...]
) -> Question | None:
    """Ask about folders that all hold folders of the same names: they may be sets, or parts, and those the classes."""
    if called or not 1 < len(tops) <= _FEW or any(_has_images(top) for top in tops.values()):
        return None
    inside = [set(_inside(walk, top)) for top in tops.values()]
    shared = {name for name in set.intersection(*inside) if not set_of(name)}  # sets inside classes are no classes
    if len(shared) < 2 or 2 * len(shared) < len(set.union(*inside)):
        return None
    names, classes = list(tops), sorted(shared, key=natural)
    whole = Answer(
        f"Classes: {first(classes, 3)}",
        f"The images of {in_words(names)} are taken together, and are split by nbtrain.",
        {"set_names": (*set_names, *(f"{name}=train" for name in names))},
    )
    pairs = (names, names[::-1]) if len(names) == 2 else ()
    folds = [] if pairs or not all(map(_FOLD.match, names)) else names
    parted = [
        Answer(
            f"{one} trains, {other} {'validates' if name == 'val' else 'tests'}",
            f"The classes are {first(classes, 3)}.",
            {"set_names": (*set_names, f"{one}=train", f"{other}={name}")},
        )
        for one, other in pairs
        for name in ("val", "test")
    ] + [
        Answer(
            f"{one} validates",
            f"The classes are {first(classes, 3)}; all other folders train.",
            {"set_names": (*set_names, *(f"{name}={'val' if name == one else 'train'}" for name in names))},
        )
        for one in folds
    ]
    return Question(
        f"Are the folders {in_words(names)} the classes, or {first(classes, 3)}, which are in each of them?",
        (Answer(f"Classes: {first(names, 3)}", "Deeper folders belong to them.", _NONE), whole, *parted),
    )


def _inside(walk: Walk, top: os.DirEntry[str]) -> list[str]:
    """Return the names of the folders with images in a folder that holds no image itself."""
    folders, loose = walk.folders(top)
    return [] if loose else [shown_name(entry.name) for entry in folders if _has_images(entry)]


def _take_out(classes: dict[str, list[Record]], bare: list[str], root: Path) -> None:
    """Take sets without classes out of ``classes``; raises DataError where all are."""
    for name in bare:
        classes.pop(shown_name(name), None)
    if not any(classes.values()):
        advice = "Put the images of each class into a folder of its own, or give a CSV file with their labels."
        raise DataError(f"the images in {in_words(bare)} have no class", value=str(root), advice=advice)


def _ways(found: Mapping[str, object], tops: _Sets, like_sets: list[str], choice: str) -> Iterator[Answer]:
    """Yield how folders were read, and how else they can be.

    ``tops`` are the folders of sets, where classes lie in sets; ``like_sets`` are classes that are called like sets.
    """
    sets = sorted(filter(None, found), key=SETS.index)
    where = f" in {in_words(sets)}" if sets else ""
    why = "Each folder is a class."
    if tops:
        called = {name: in_words([top.name for top in tops[name]]) for name in sets}
        folders = [top if top == name else f"{top} ({name})" for name, top in called.items()]
        why = f"Each folder in {in_words(folders)} is a class."
    elif sets:
        why = f"Each folder is a class, and holds a folder for each set: {in_words(sets)}."
    yield Answer(f"Class folders{where}", why, {})
    if choice in ("none", "in names", "in file names"):
        yield Answer("Sets by name", "Folders called train, val and test, in any usual form, are sets.", _ALWAYS)
    elif sets or like_sets:
        yield Answer("Class folders, no sets", f"Folders called {in_words(like_sets or sets)} say no set.", _NONE)


def _has_images(folder: os.DirEntry[str]) -> bool:
    return holds_an_image(folder.path)


def _of_set(walk: Walk, parts: Sequence[os.DirEntry[str]], prefix: str) -> dict[str, list[Record]]:
    """Return the images of one set by class.

    A lone folder inside it that holds the classes, and is called like it or like no class, is passed through:
    ``train/train/cat``, ``train/images/cat``.
    """
    found: dict[str, list[Record]] = {}
    for top in parts:
        for name, records in walk.classes(*_of_classes(walk, top, prefix)).items():
            found.setdefault(name, []).extend(records)
    return found


def _of_classes(walk: Walk, top: os.DirEntry[str], prefix: str) -> tuple[str, str]:
    """Return the folder of the classes of one set's folder, and what the names of its files begin with."""
    path, prefix, meant = top.path, f"{prefix}{top.name}/", set_of(top.name)
    for _ in range(_WRAPPERS):
        inner = [entry for entry in walk.entries(path) if is_folder(entry)]
        if len(inner) != 1 or not _has_classes(walk, inner[0]):
            break
        named, rest = set_and_rest(inner[0].name)
        if named not in ("", meant) or (rest and named != meant and inner[0].name.casefold() not in _TECHNICAL):
            break
        path, prefix = inner[0].path, f"{prefix}{inner[0].name}/"
    return path, prefix


def _sets_of_classes(classes: dict[str, list[Record]], prefix: str, more: More) -> dict[str, dict[str, list[Record]]]:
    """Return the images by set where each class is parted into sets (cat/train, cat/val), else as one nameless set."""
    depth = prefix.count("/") + 1
    found: dict[str, dict[str, list[Record]]] = {}
    for name, records in classes.items():
        for record in records:
            parts = record.file.split("/")
            inner = parts[depth] if len(parts) > depth + 1 else ""
            if not is_set_name(inner, more):
                return {"": classes}
            found.setdefault(set_of(inner, more), {}).setdefault(name, []).append(record)
    return found if len(found) > 1 and "train" in found else {"": classes}


def _listing(root: Path, found: dict[str, dict[str, list[Record]]]) -> Listing:
    names = {name for classes in found.values() for name, files in classes.items() if files}
    classes = tuple(sorted(names, key=natural))
    ids = {name: i for i, name in enumerate(classes)}
    sets = {
        s: [Record(r.file, (ids[name],), r.size_bytes) for name, files in by_class.items() for r in files]
        for s, by_class in found.items()
    }
    records = tuple(r for s in ("", "train", "val", "test") for r in sets.get(s, ()))
    # A lone train folder says nothing about how to validate: that stays to be chosen, as without it.
    own = {s: tuple(r.file for r in sets[s]) for s in sets} if len(sets) > 1 and "train" in sets else None
    return Listing(root, classes, records, own)


def _why_unused(prefix: str, sets: set[str], unlabelled: Sequence[str] = ()) -> Why:
    """Return what says why an image below ``prefix`` is in no class.

    ``sets`` are the folders of sets that hold classes, ``unlabelled`` those of sets that hold images alone.
    """

    def why(file: str) -> tuple[str, str]:
        top, slash, _ = file.removeprefix(prefix).partition("/")
        if slash and top in unlabelled:
            return "in sets without classes", top
        beside = slash and sets and top not in sets
        return ("in folders beside the sets", top) if beside else ("in no class folder", "")

    return why


def _set_notices(found: dict[str, dict[str, list[Record]]], beside: list[str]) -> Iterator[str]:
    """Tell of classes that a set has not, and of folders without an image; those ``beside`` the classes have none."""
    filled = {s: {name for name, files in classes.items() if files} for s, classes in found.items()}
    everywhere = set().union(*filled.values())
    for s, names in filled.items():
        absent = sorted(everywhere - names, key=natural)
        if absent:
            yield f"{counted(len(absent), 'class has', 'classes have')} no image in {s}: {first(absent)}."
    empty = sorted({*beside, *(name for classes in found.values() for name in classes)} - everywhere, key=natural)
    if empty:
        told = counted(len(empty), "folder holds no image and is no class", "folders hold no image and are no classes")
        yield f"{told}: {first(empty)}."


def _refuse_technical(root: Path, found: dict[str, dict[str, list[Record]]]) -> None:
    """Raise DataError where the folders are parts of some format, and no classes: images beside their masks."""
    names = list(dict.fromkeys(name for classes in found.values() for name, files in classes.items() if files))
    if not 1 < len(names) <= _FEW:
        return
    foreign = recognised(root) if all(map(set_of, names)) else None
    if foreign:
        told = f"the folder holds files in the format of {foreign.name}, which is not read"
        raise DataError(told, value=str(root), advice=foreign.advice)
    if all(_is_part(name, names) for name in names):
        foreign = recognised(root)
        told = f"the folders {first(names)} are parts of a format of annotations, it seems, and no classes"
        advice = (
            "Give the file with the annotations, or masks as PNG files; to read each folder as a class, say sets=none."
        )
        raise DataError(told, value=str(root), advice=foreign.advice if foreign else advice)


def _is_part(name: str, names: list[str]) -> bool:
    """Return whether a folder belongs to a format: by its name, or as one of a pair such as train and trainannot."""
    pairs = ((one, f"{one}{ending}") for one in names for ending in _OF_ANNOTATIONS)
    return name.casefold() in _TECHNICAL or any(name in pair and pair[1] in names for pair in pairs)


def _deeper(found: dict[str, dict[str, list[Record]]]) -> str:
    """Tell of folders inside classes, whose names are not used."""
    by_class = [item for classes in found.values() for item in classes.items()]
    folders = {(name, os.path.dirname(record.file)) for name, records in by_class for record in records}
    deeper = {folder for name, folder in folders if shown_name(os.path.basename(folder)) != name}
    inner = sorted(deeper, key=natural)
    told = counted(len(inner), "folder inside a class belongs to it", "folders inside classes belong to them")
    return f"{told}: {first(inner)}." if inner and not _parted(found, inner) else ""


def _parted(found: dict[str, dict[str, list[Record]]], inner: list[str]) -> bool:
    """Return whether the folders inside classes are the sets."""
    return "" not in found and all(is_set_name(folder.rpartition("/")[2]) for folder in inner)


def _one_class(root: Path, error: OneClassError) -> OneClassError:
    """Return the error for images in one folder, with the way on where annotations beside them may say more."""
    foreign = recognised(root)
    table = next(_below(root, (".csv", ".tsv")), "")
    if table:
        return OneClassError(error.listing, root, f"it also holds the table {table}", "Give the path of the table.")
    if not foreign:
        beside = next(_below(root, (".json",)), "")
        if not beside:
            return error
        return OneClassError(error.listing, root, f"it also holds {beside}", "If that names the labels, give its path.")
    return OneClassError(
        error.listing, root, f"it also holds files in the format of {foreign.name}, which is not read", foreign.advice
    )


def _below(root: Path, endings: tuple[str, ...]) -> Iterator[str]:
    """Yield the files of these endings in a folder, and in the first folders in it."""
    inner = islice((name for name in names_in(root) if (root / name).is_dir()), _WRAPPERS)
    for prefix in ("", *(f"{name}/" for name in inner)):
        yield from (f"{prefix}{name}" for name in names_in(root / prefix) if name.lower().endswith(endings))


def _empty(root: Path) -> DataError:
    """Return the error for a folder without a single class image, saying what is there instead."""
    tables = sorted(p.name for p in root.iterdir() if p.suffix.lower() in (".csv", ".tsv"))
    archives = [name for name in names_in(root) if name.lower().endswith(ARCHIVES)]
    nothing = counted_in(Listing(root, (), ()), root, _why_unused("", set()))
    unread = unread_of(nothing)
    loose = any(one.what == "image" for one in nothing.unused if one not in unread)
    others = next((", ".join(one.examples) for one in nothing.unused if one.reason == OTHER), "")
    foreign = recognised(root) or (JSON_BESIDE if _json_beside(root) else None)
    if foreign:
        told = f"the folder holds files in the format of {foreign.name}, which is not read"
        return DataError(told, value=str(root), advice=foreign.advice)
    if tables:
        advice = f"It holds the table {tables[0]}: give the path of that file."
    elif archives:
        advice = f"It holds {counted(len(archives), 'archive', 'archives')}: give the path of {first(archives)}."
    elif loose:
        advice = "Put the images into one sub-folder per class, or give a CSV file with their labels."
    elif unread:
        advice = " ".join(one.notice for one in unread)
    elif others:
        advice = f"It holds files that are no images: {others}."
    else:
        advice = "Give a folder with one sub-folder of images per class."
    what = "none of the images lies in a class folder" if loose else "the folder holds no images"
    return DataError(what, value=str(root), advice=advice)


def _json_beside(root: Path) -> bool:
    """Return whether images in a folder have JSON files of their names."""
    names = names_in(root)
    stems = {os.path.splitext(name)[0] for name in names if is_image(name)}
    return any(name.lower().endswith(".json") and os.path.splitext(name)[0] in stems for name in names)
