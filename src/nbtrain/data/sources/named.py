"""Named files: from a name in an annotation file to the image that is meant, inside one root folder and nowhere else.

A name that leads out of the root is refused. One that differs from the file only in upper and lower case, or in how
Unicode composes its letters, is taken for that file, and told. It asks of a file only its size.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from nbtrain.data.records import counted, first
from nbtrain.data.sources.base import ElsewhereError
from nbtrain.errors import DataError

_TRIED = 50
_PLAIN = re.compile(r"(?!/|[A-Za-z]:)(?!.*(^|/)(\./|/|\.$))", re.DOTALL)
"""A name that is a path below its folder as it stands."""


class Files:
    """Finds images below ``root``, and remembers those that are missing or are called a little otherwise."""

    def __init__(self, root: Path, told: str, beside: Path | None = None) -> None:
        """Take the root; ``told`` names what names the images, ``beside`` the folder that names may be relative to."""
        self.root, self.told, self.beside = root, told, beside
        self.missing: list[str] = []
        self.renamed: list[str] = []
        self._prefix = os.path.join(root, "")
        self._folders: dict[str, dict[str, list[str]]] = {}

    def find(self, name: str, place: str = "", base: str = "") -> tuple[str, int] | None:
        """Return the file below the root and its size in bytes, None for one that is missing.

        ``base`` is the folder below the root that the name is relative to. Raises DataError for a name that leads out
        of the root.
        """
        file = self.inside(name, place, base)
        size_bytes = self._size(file)
        if size_bytes is not None:
            return file, size_bytes
        alike = self._alike(file)
        size_bytes = self._size(alike) if alike else None
        if size_bytes is None:
            self.missing.append(f"{file} ({place})" if place else file)
            return None
        self.renamed.append(f"{file} is {alike}" if alike.casefold() != file.casefold() else alike)
        return alike, size_bytes

    def inside(self, name: str, place: str = "", base: str = "") -> str:
        """Return ``name`` relative to the root; raises DataError where it is empty or leads elsewhere."""
        if not name:
            where = f"{self.told}, {place}" if place else self.told
            raise DataError(f"{where}: no file is named", advice="Fill it in, or delete the entry.")
        plain = name.replace("\\", "/")
        if _PLAIN.match(plain) and ".." not in plain:
            return plain if base in ("", ".") else f"{base}/{plain}"
        if PurePosixPath(plain).is_absolute() or PureWindowsPath(plain).is_absolute():
            tries = [plain]
        else:
            # Only a name that leads out of its base is tried from where the annotations lie.
            tries = [f"{self._prefix}{base}/{plain}", f"{self.beside}/{plain}" if self.beside else ""]
        for tried in filter(None, tries):
            clean = _below(os.path.normpath(tried), self.root)
            if clean:
                return clean
        where = f"{self.told}, {place}" if place else self.told
        raise ElsewhereError(f"{where}: the file lies outside {self.root}", value=name)

    def _size(self, file: str) -> int | None:
        try:
            found = os.stat(self._prefix + file)
        except (OSError, ValueError):
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def _alike(self, file: str) -> str:
        """Return the one file that a person would read as this name, "" where there is none, or several."""
        found = ""
        for part in file.split("/"):
            names = self._names(found).get(folded(part), [])
            if len(names) != 1 and part not in names:
                return ""
            here = part if part in names else names[0]
            found = f"{found}/{here}" if found else here
        return found

    def _names(self, folder: str) -> dict[str, list[str]]:
        if folder not in self._folders:
            names: dict[str, list[str]] = {}
            try:
                for name in os.listdir(self._prefix + folder):
                    names.setdefault(folded(name), []).append(name)
            except OSError:
                pass
            self._folders[folder] = names
        return self._folders[folder]

    def none_found(self, n_named: int, looked: Sequence[Path] = ()) -> DataError:
        """Return the error for annotations whose ``n_named`` images are all missing."""
        below = first([str(folder) for folder in looked], 3) if looked else str(self.root)
        told = f"none of the {n_named} files named in {self.told} exists below {below}"
        return ElsewhereError(told, value=self.missing[0] if self.missing else None)

    def notices(self) -> tuple[str, ...]:
        """Return what is missing and what is called otherwise, in full sentences."""
        missing, renamed = len(self.missing), len(self.renamed)
        told = counted(missing, f"file named in {self.told} does", f"files named in {self.told} do")
        other = counted(renamed, "name differs", "names differ")
        return tuple(
            notice
            for n, notice in (
                (missing, f"{told} not exist and {_are(missing)} left out: {first(self.missing)}."),
                (renamed, f"{other} from the file's in case or in composed letters: {first(self.renamed)}."),
            )
            if n
        )


def nearest(folders: Iterable[Path], names: Sequence[str]) -> Path | None:
    """Return the first of ``folders`` that holds the most of the first ``names``, None where none holds any."""
    tried = [name.replace("\\", "/") for name in names[:_TRIED]]
    scores = {folder: sum(_is_file(folder, name) for name in tried) for folder in dict.fromkeys(folders)}
    best = max(scores, key=lambda folder: scores[folder], default=None)
    return best if best is not None and scores[best] else None


def folded(name: str) -> str:
    """Return ``name`` such that names which a person reads as equal are equal."""
    return unicodedata.normalize("NFC", name).casefold()


def _is_file(folder: Path, name: str) -> bool:
    return os.path.isfile(os.path.join(folder, name)) or os.path.isfile(
        os.path.join(folder, unicodedata.normalize("NFD", name))
    )


def _below(path: str, root: Path) -> str:
    """Return ``path`` relative to ``root``, "" where it does not lie below it."""
    for base in (str(root), os.path.realpath(root)):
        try:
            relative = os.path.relpath(path, base).replace(os.sep, "/")
        except ValueError:  # another drive
            continue
        if relative not in (".", "..") and not relative.startswith("../"):
            return relative
    return ""


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
