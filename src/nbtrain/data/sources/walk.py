"""Walking: the images in folders, in natural order. What is hidden, or made by programs, is passed over.

It knows names and sizes of files and opens none; it knows no classes and no labels. What it passes over is counted by
census.py.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbtrain.data import heed
from nbtrain.data.names import visible
from nbtrain.data.records import Record, natural
from nbtrain.data.sources.base import IMAGE_ENDINGS, is_image, names_in
from nbtrain.data.sources.machine_made import HIDDEN, is_machine_folder, is_trainer_folder
from nbtrain.errors import DataError

_DEEPEST = 100


@dataclass
class Walk:
    """Reads folders, and says how far it is."""

    n_images: int = 0

    def top(self, root: Path) -> dict[str, os.DirEntry[str]]:
        """Return the folders directly below ``root`` by name."""
        return {e.name: e for e in self.folders(root)[0]}

    def classes(self, folder: str | Path, prefix: str) -> dict[str, list[Record]]:
        """Return the images below each folder in ``folder``, by class; labels are not known yet."""
        inode = os.stat(folder)
        found: dict[str, list[Record]] = {}
        for entry in self.entries(folder):
            if not is_folder(entry):
                continue
            files = found.setdefault(shown_name(entry.name), [])
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
            return
        for entry in self.entries(folder):
            if is_folder(entry):
                yield from self.images(entry, f"{prefix}{entry.name}/", (*above, here))
            elif os.path.splitext(entry.name)[1].lower() in IMAGE_ENDINGS:
                yield from self.record(entry, prefix + entry.name)

    def record(self, entry: os.DirEntry[str], file: str) -> Iterator[Record]:
        """Yield the record of one image; nothing for a link to nowhere, or a pipe, which reading would wait for."""
        self.n_images += 1
        if self.n_images % heed.EVERY == 0:
            heed.at(self.n_images)
        try:
            found = entry.stat()
        except OSError:
            return
        if stat.S_ISREG(found.st_mode):
            yield Record(file, (), found.st_size)

    def entries(self, folder: str | Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
        """Return what lies in ``folder`` in natural order, without what is hidden or made by programs."""
        return _in_order(self._shown(folder))

    def folders(self, folder: str | Path | os.DirEntry[str]) -> tuple[list[os.DirEntry[str]], bool]:
        """Return the folders among the entries, and whether an image lies beside them.

        Files are not put in order: of a hundred thousand that takes a second, and a look asks several times.
        """
        shown = self._shown(folder)
        folders = [entry for entry in shown if is_folder(entry)]
        loose = any(is_image(entry.name) and not is_folder(entry) for entry in shown)
        return _in_order(folders), loose

    def _shown(self, folder: str | Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as found:
                shown = [e for e in found if not e.name.startswith(HIDDEN) and is_text(e.name)]
        except OSError as error:
            advice = "Give yourself permission to read it, or move it elsewhere."
            raise DataError(
                f"the folder cannot be read ({error.strerror})", value=os.fspath(folder), advice=advice
            ) from None
        return [e for e in shown if not is_machine_made(e)]


def shown_name(folder: str) -> str:
    """Return the class of a folder: names that a person sees as equal are, however the file system composes an "é"."""
    return visible(folder) or folder


def _in_order(entries: list[os.DirEntry[str]]) -> list[os.DirEntry[str]]:
    return sorted(entries, key=lambda entry: natural(entry.name))


def _identity(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_dev, stat.st_ino


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether ``entry`` is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def is_machine_made(entry: os.DirEntry[str]) -> bool:
    """Return whether a program made this folder: by its name, or as a trainer's folder without an image of its own."""
    if not is_folder(entry):
        return False
    if is_trainer_folder(entry.name):
        return not any(map(is_image, names_in(Path(entry.path))))
    return is_machine_folder(entry.name)


def is_text(name: str) -> bool:
    """Return whether ``name`` is text; one in another encoding is not, and JSON could not hold it."""
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
