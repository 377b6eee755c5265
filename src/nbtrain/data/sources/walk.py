"""Walking: what lies in folders of images, read once, with what was passed over remembered to be told.

Hidden entries are no matter. It knows names and sizes of files and opens none; it knows no classes and no labels.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from pathlib import Path

from nbtrain.data import heed, unread
from nbtrain.data.records import Record, counted, first, natural
from nbtrain.data.sources.base import IMAGE_ENDINGS, is_image, names_in
from nbtrain.data.sources.machine_made import is_machine_file, is_machine_folder, is_trainer_folder
from nbtrain.errors import DataError

_DEEPEST = 100
_HIDDEN = (".", "~$")
"""What names of hidden files begin with; "~$" marks the lock of an office program."""


@dataclass
class Walk:
    """Reads folders and remembers what it passed over, to tell it once."""

    others: Counter[str] = attribute(default_factory=Counter)
    machine_files: Counter[str] = attribute(default_factory=Counter)
    machine_folders: dict[str, str] = attribute(default_factory=dict)
    """Names by path: a folder may be read more than once."""
    unreadable: set[str] = attribute(default_factory=set)
    broken_links: list[str] = attribute(default_factory=list)
    no_files: list[str] = attribute(default_factory=list)
    loops: list[str] = attribute(default_factory=list)
    loose: int = 0
    n_images: int = 0

    def top(self, root: Path) -> dict[str, os.DirEntry[str]]:
        """Return the folders directly below ``root`` by name."""
        return {e.name: e for e in self.entries(root) if is_folder(e)}

    def classes(self, folder: str | Path, prefix: str) -> dict[str, list[Record]]:
        """Return the images below each folder in ``folder``, by class; labels are not known yet."""
        inode = os.stat(folder)
        found: dict[str, list[Record]] = {}
        for entry in self.entries(folder):
            if not is_folder(entry):
                self.loose += entry.name.lower().endswith(tuple(IMAGE_ENDINGS))
                continue
            # Names that a person sees as equal are equal, whichever way the file system composes an "é".
            name = unicodedata.normalize("NFC", entry.name)
            files = found.setdefault(name, [])
            files += self.images(entry, f"{prefix}{entry.name}/", (_identity(inode),))
        return found

    def images(
        self, folder: str | Path | os.DirEntry[str], prefix: str, above: tuple[tuple[int, int], ...] = ()
    ) -> Iterator[Record]:
        """Yield the images in ``folder`` and all folders below it, entering no folder that lies above itself."""
        if len(above) > _DEEPEST:
            advice = "Give a folder further in, or move its images up."
            raise DataError(f"folders lie more than {_DEEPEST} deep in each other", value=prefix, advice=advice)
        try:
            here = _identity(os.stat(folder))
        except FileNotFoundError:  # somebody has removed it since the folder above was read
            return
        if here in above:
            self.loops.append(prefix.rstrip("/"))
            return
        for entry in self.entries(folder):
            if is_folder(entry):
                yield from self.images(entry, f"{prefix}{entry.name}/", (*above, here))
            elif os.path.splitext(entry.name)[1].lower() not in IMAGE_ENDINGS:
                kind = self.machine_files if is_machine_file(entry.name) else self.others
                kind[os.path.splitext(entry.name)[1].lower() or entry.name] += 1
            else:
                yield from self.record(entry, prefix + entry.name)

    def record(self, entry: os.DirEntry[str], file: str) -> Iterator[Record]:
        """Yield the record of one image; nothing for a link to nowhere, or a pipe, which reading would wait for."""
        self.n_images += 1
        if self.n_images % heed.EVERY == 0:
            heed.at(self.n_images)
        try:
            found = entry.stat()
        except OSError:
            self.broken_links.append(file)
            return
        if stat.S_ISREG(found.st_mode):
            yield Record(file, (), found.st_size)
        else:
            self.no_files.append(file)

    def entries(self, folder: str | Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
        """Return what lies in ``folder`` in natural order, without what is hidden or made by programs."""
        try:
            with os.scandir(folder) as found:
                shown = [e for e in found if not e.name.startswith(_HIDDEN)]
        except OSError as error:
            advice = "Give yourself permission to read it, or move it elsewhere."
            raise DataError(
                f"the folder cannot be read ({error.strerror})", value=os.fspath(folder), advice=advice
            ) from None
        made = [e for e in shown if _is_machine_made(e)]
        self.machine_folders.update((e.path, e.name) for e in made)
        seen = [e for e in shown if e not in made] if made else shown
        sound = [e for e in seen if is_text(e.name)]
        self.unreadable |= {e.path for e in seen if not is_text(e.name)}
        return sorted(sound, key=lambda e: natural(e.name))

    def unread(self) -> list[tuple[str, list[tuple[str, int]]]]:
        """Return of images whose format is not read what to say of them, with their endings, counted."""
        return unread.among(self.others.most_common())

    def notices(self) -> tuple[str, ...]:
        """Return what was passed over, in full sentences."""
        foreign = self.unread()
        known = {ending for _, counts in foreign for ending, _ in counts}
        others = Counter({ending: n for ending, n in self.others.items() if ending not in known})
        machine_made = self.machine_files + Counter(self.machine_folders.values())
        made = [f"{name} ({n})" for name, n in machine_made.most_common()]
        told = (
            *(
                (sum(n for _, n in counts), "file", "files", f", since {what}: {_listed(counts)}")
                for what, counts in foreign
            ),
            (others.total(), "file is no image", "files are no images", f": {_listed(others.most_common())}"),
            (self.loose, "image lies in no class folder", "images lie in no class folder", ""),
            (
                machine_made.total(),
                "folder or file that a program made",
                "folders or files that programs made",
                f": {first(made)}",
            ),
            (len(self.no_files), "pipe or device", "pipes or devices", f": {first(self.no_files)}"),
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


def _listed(counts: Sequence[tuple[str, int]]) -> str:
    return first([f"{ending} ({n})" for ending, n in counts])


def _identity(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_dev, stat.st_ino


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether ``entry`` is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_machine_made(entry: os.DirEntry[str]) -> bool:
    """Return whether a program made this folder: by its name, or as a trainer's folder without an image of its own."""
    if is_machine_folder(entry.name):
        return is_folder(entry)
    return is_trainer_folder(entry.name) and is_folder(entry) and not any(map(is_image, names_in(Path(entry.path))))


def is_text(name: str) -> bool:
    """Return whether ``name`` is text; one in another encoding is not, and JSON could not hold it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
