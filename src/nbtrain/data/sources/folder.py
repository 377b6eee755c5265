"""Image folders: one sub-folder per class, alone or inside ``train/``, ``val/`` and ``test/``.

It knows names of folders and files, and opens no image. The first folder below the root (or below ``train/`` …)
names the class; deeper folders belong to it. Hidden folders and files, and those that are no images, are passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from nbtrain.data.records import Listing, Record, checked, counted, first, natural
from nbtrain.data.sources.base import SPLIT_NAMES, Source, existing
from nbtrain.data.sources.walk import Walk, is_folder
from nbtrain.errors import DataError
from nbtrain.schema import field


class Folder(Source, kind="folder", label="Image folder"):
    """A folder with one sub-folder of images per class, or with train, val and test folders of that kind inside."""

    layout = "a folder with one sub-folder of images per class"
    broad = True

    sets: Literal["auto", "none"] = field("auto", label="Train, val and test folders", advanced=True)
    """Whether folders called train, val and test are sets (auto), or classes like any other (none)."""

    @classmethod
    def claims(cls, path: Path) -> bool:
        """Return whether ``path`` is a folder."""
        return path.is_dir()

    def listing(self) -> Listing:
        """Return the images of all class folders, ordered by name; raises DataError saying what is wrong."""
        root = existing(self.path)
        if not root.is_dir():
            raise DataError("this is a file, not a folder", value=str(root), advice="Give the folder that holds it.")
        walk = Walk()
        tops = walk.top(root)
        sets = _sets(walk, tops) if self.sets == "auto" else {}
        found = {s: walk.classes(top.path, f"{top.name}/") for s, top in sets.items()} or {"": walk.classes(root, "")}
        if not any(any(files for files in classes.values()) for classes in found.values()):
            raise _empty(root, walk)
        passed = [name for name in tops if sets and name not in {top.name for top in sets.values()}]
        return checked(_listing(root, found).noting(*_set_notices(found, passed), *walk.notices()), root)


def _sets(walk: Walk, tops: dict[str, os.DirEntry[str]]) -> dict[str, os.DirEntry[str]]:
    """Return the folders that are sets, by nbtrain's name of the set; none where the folders are classes."""
    named = [entry for name, entry in tops.items() if name.lower() in SPLIT_NAMES]
    sets: dict[str, os.DirEntry[str]] = {}
    for entry in named:
        inside = walk.entries(entry.path)
        if not any(is_folder(e) for e in inside):
            continue  # no class folders inside: a class called "test" is a class
        known = sets.setdefault(SPLIT_NAMES[entry.name.lower()], entry)
        if known is not entry:
            raise DataError(
                f"the folders {known.name} and {entry.name} mean the same set",
                value=str(Path(entry.path).parent),
                advice="Merge or rename one of them.",
            )
    return sets if "train" in sets else {}


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
    own = {s: tuple(r.file for r in sets[s]) for s in sets} if len(sets) > 1 else None
    return Listing(root, classes, records, own)


def _set_notices(found: dict[str, dict[str, list[Record]]], passed: list[str]) -> Iterator[str]:
    if passed:
        told = counted(len(passed), "folder beside the sets is", "folders beside the sets are")
        yield f"{told} not used: {first(passed)}."
    filled = {s: {name for name, files in classes.items() if files} for s, classes in found.items()}
    everywhere = set().union(*filled.values())
    for s, names in filled.items():
        absent = sorted(everywhere - names, key=natural)
        if absent:
            yield f"{counted(len(absent), 'class has', 'classes have')} no image in {s}: {first(absent)}."
    empty = sorted({name for classes in found.values() for name in classes} - everywhere, key=natural)
    if empty:
        told = counted(len(empty), "folder holds no image and is no class", "folders hold no image and are no classes")
        yield f"{told}: {first(empty)}."


def _empty(root: Path, walk: Walk) -> DataError:
    """Return the error for a folder without a single class image, saying what is there instead."""
    tables = sorted(p.name for p in root.iterdir() if p.suffix.lower() in (".csv", ".tsv"))
    if tables:
        advice = f"It holds the table {tables[0]}: give the path of that file."
    elif walk.loose:
        advice = "Put the images into one sub-folder per class, or give a CSV file with their labels."
    elif walk.others:
        advice = f"It holds files that are no images: {first([f'{e} ({n})' for e, n in walk.others.most_common()])}."
    else:
        advice = "Give a folder with one sub-folder of images per class."
    what = "none of the images lies in a class folder" if walk.loose else "the folder holds no images"
    return DataError(what, value=str(root), advice=advice)
