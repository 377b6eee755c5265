"""Image folders: one sub-folder per class, alone or inside ``train/``, ``val/`` and ``test/``.

It knows names of folders and files, and opens no image. The first folder below the root (or below ``train/`` …)
names the class; deeper folders belong to it. Hidden folders and files, and those that are no images, are passed over.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as attribute
from pathlib import Path
from typing import Literal

from nbtrain.data.records import Listing, Record, checked, counted, first, natural
from nbtrain.data.sources.base import IMAGE_ENDINGS, SPLIT_NAMES, Source, existing
from nbtrain.errors import DataError
from nbtrain.schema import field

_IGNORED = frozenset({"__macosx", "__pycache__", "lost+found", "$recycle.bin"})


class Folder(Source, kind="folder", label="Image folder"):
    """A folder with one sub-folder of images per class, or with train, val and test folders of that kind inside."""

    layout = "a folder with one sub-folder of images per class"

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
        walk = _Walk()
        tops = walk.top(root)
        sets = _sets(walk, tops) if self.sets == "auto" else {}
        found = {s: walk.classes(top.path, f"{top.name}/") for s, top in sets.items()} or {"": walk.classes(root, "")}
        if not any(any(files for files in classes.values()) for classes in found.values()):
            raise _empty(root, walk)
        passed = [name for name in tops if sets and name not in {top.name for top in sets.values()}]
        return checked(_listing(root, found).noting(*_set_notices(found, passed), *walk.notices()), root)


@dataclass
class _Walk:
    """Reads folders and remembers what it passed over, to tell it once."""

    others: Counter[str] = attribute(default_factory=Counter)
    unreadable: set[str] = attribute(default_factory=set)
    broken_links: list[str] = attribute(default_factory=list)
    loops: list[str] = attribute(default_factory=list)
    loose: int = 0

    def top(self, root: Path) -> dict[str, os.DirEntry[str]]:
        """Return the folders directly below ``root`` by name."""
        return {e.name: e for e in self.entries(root) if _is_folder(e)}

    def classes(self, folder: str | Path, prefix: str) -> dict[str, list[Record]]:
        """Return the images below each folder in ``folder``, by class; labels are not known yet."""
        inode = os.stat(folder)
        found: dict[str, list[Record]] = {}
        for entry in self.entries(folder):
            if not _is_folder(entry):
                self.loose += entry.name.lower().endswith(tuple(IMAGE_ENDINGS))
                continue
            # Names that a person sees as equal are equal, whichever way the file system composes an "é".
            name = unicodedata.normalize("NFC", entry.name)
            files = found.setdefault(name, [])
            files += self.images(entry, f"{prefix}{entry.name}/", (_identity(inode),))
        return found

    def images(self, folder: os.DirEntry[str], prefix: str, above: tuple[tuple[int, int], ...]) -> Iterator[Record]:
        """Yield the images in ``folder`` and all folders below it, entering no folder that lies above itself."""
        here = _identity(folder.stat())
        if here in above:
            self.loops.append(prefix.rstrip("/"))
            return
        for entry in self.entries(folder.path):
            if _is_folder(entry):
                yield from self.images(entry, f"{prefix}{entry.name}/", (*above, here))
            elif os.path.splitext(entry.name)[1].lower() not in IMAGE_ENDINGS:
                self.others[os.path.splitext(entry.name)[1].lower() or entry.name] += 1
            else:
                yield from self.record(entry, prefix + entry.name)

    def record(self, entry: os.DirEntry[str], file: str) -> Iterator[Record]:
        """Yield the record of one image; nothing for a link to nowhere."""
        try:
            yield Record(file, (), entry.stat().st_size)
        except OSError:
            self.broken_links.append(file)

    def entries(self, folder: str | Path) -> list[os.DirEntry[str]]:
        """Return what lies in ``folder`` in natural order, without hidden entries."""
        try:
            with os.scandir(folder) as found:
                seen = [e for e in found if not e.name.startswith(".") and e.name.casefold() not in _IGNORED]
        except OSError as error:
            advice = "Give yourself permission to read it, or move it elsewhere."
            raise DataError(f"the folder cannot be read ({error.strerror})", value=str(folder), advice=advice) from None
        sound = [e for e in seen if _is_text(e.name)]
        self.unreadable |= {e.path for e in seen if not _is_text(e.name)}
        return sorted(sound, key=lambda e: natural(e.name))

    def notices(self) -> tuple[str, ...]:
        """Return what was passed over, in full sentences."""
        others = [f"{ending} ({n})" for ending, n in self.others.most_common()]
        told = (
            (self.others.total(), "file is no image", "files are no images", f": {first(others)}"),
            (self.loose, "image lies in no class folder", "images lie in no class folder", ""),
            (len(self.broken_links), "link leads nowhere", "links lead nowhere", f": {first(self.broken_links)}"),
            (
                len(self.loops),
                "link leads back to a folder above it",
                "links lead back above them",
                f": {first(self.loops)}",
            ),
            (len(self.unreadable), "name is not valid UTF-8", "names are not valid UTF-8", "; rename what you need"),
        )
        return tuple(f"Not used: {counted(n, one, many)}{more}." for n, one, many, more in told if n)


def _identity(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_dev, stat.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # a name in another encoding: JSON could not hold it
        return False
    return True


def _sets(walk: _Walk, tops: dict[str, os.DirEntry[str]]) -> dict[str, os.DirEntry[str]]:
    """Return the folders that are sets, by nbtrain's name of the set; none where the folders are classes."""
    named = [entry for name, entry in tops.items() if name.lower() in SPLIT_NAMES]
    sets: dict[str, os.DirEntry[str]] = {}
    for entry in named:
        inside = walk.entries(entry.path)
        if not any(_is_folder(e) for e in inside):
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


def _empty(root: Path, walk: _Walk) -> DataError:
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
