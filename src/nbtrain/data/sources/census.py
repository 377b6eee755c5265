"""Census: every image file that lies at a source, against those that its records name, so that the numbers add up.

A reader says with a :class:`Tally` what it cannot use, and why. :func:`counted_in` then goes through the folders once
more, by names alone: each image file there is in a record, or is counted as unused for exactly one reason. Where there
is far more than is used (a home directory around a table), it stops and says so. It opens nothing, and asks the disk
only about links.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from nbtrain.data import heed, unread
from nbtrain.data.records import Listing, Unused, UnusedKind, natural, spaced
from nbtrain.data.sources.base import is_image
from nbtrain.data.sources.machine_made import HIDDEN, is_machine_file
from nbtrain.data.sources.named import folded
from nbtrain.data.sources.tally import EXAMPLES, Tally
from nbtrain.data.sources.walk import is_folder, is_machine_made, is_text

_MOST, _MOST_PER_IMAGE = 200_000, 4
"""Files and folders that are looked at: so many, and this many more per image that is used."""
_DEEPEST = 100
_ORDER: tuple[UnusedKind, ...] = ("image", "annotation", "row", "file")
_MADE = "made by programs"
_IN_MADE = "in folders made by programs"
_HIDDEN = "in hidden files and folders"
_NO_TEXT = "named in no valid UTF-8 (rename what you need)"
_NO_FILE = "that cannot be opened like a file (pipe or device)"
_LOOP = "linking back to a folder above"
OTHER = "other than images"
_BECAUSE = "because "
"""What the reason of images begins with whose format is not read."""
_CASE_BLIND = sys.platform in ("darwin", "win32")
"""Whether file systems here usually take names of another case for the same."""


@dataclass(slots=True)
class _Group:
    """How many, and the few of them that come first."""

    n: int = 0
    names: dict[str, int] = field(default_factory=dict)

    def add(self, name: str) -> None:
        """Count one that lies in, or is, ``name``; of many names those that sort first are kept."""
        self.n += 1
        if name in self.names or len(self.names) < EXAMPLES:
            self.names[name] = self.names.get(name, 0) + 1
        elif name < (last := max(self.names)):
            del self.names[last]
            self.names[name] = 1

    def unused(self, what: UnusedKind, reason: str) -> Unused:
        """Return what was counted."""
        ordered = sorted(self.names.items(), key=lambda item: natural(item[0]))
        examples = tuple(name if n == 1 else f"{name} ({spaced(n)})" for name, n in ordered)
        return Unused(what, reason, self.n, examples, self.n - sum(self.names.values()))


Why = Callable[[str], tuple[str, str]]
"""Returns why the image file of this name, below the listing's root, is not used, and the folder to name, "" for it."""


def unnamed(by: str) -> Why:
    """Return what says of every image that ``by`` does not name it."""
    return lambda _: (f"not named in {by}", "")


def counted_in(
    listing: Listing, place: Path, why: Why, tally: Tally | None = None, reads: Collection[str] = frozenset()
) -> Listing:
    """Return the listing with what lies there ``unused``.

    ``place`` is the folder or file that was given: images are looked for in it where it holds the listing's root, else
    below the root alone. Files that end with one of ``reads`` are annotations.
    """
    root = listing.root
    tally = tally or Tally()
    if not isinstance(root, Path):
        return replace(listing, unused=tuple(tally.unused()))
    census = _Census(place, root, listing, why, tally, reads)
    found = (*census.unused(), *tally.unused())
    return replace(listing, unused=tuple(sorted(found, key=lambda one: _ORDER.index(one.what)))).noting(census.note)


def unread_of(listing: Listing) -> list[Unused]:
    """Return the images of a listing that are not used because of their format."""
    return [one for one in listing.unused if one.reason.startswith(_BECAUSE)]


_Folder = tuple[str, str, tuple[str, str] | None, tuple[tuple[int, int], ...]]
"""A folder to look in: its path, what its files' names begin with, why nothing in it is used, what lies above it."""


class _Census:
    """One walk through all folders of a place."""

    def __init__(
        self, place: Path, root: Path, listing: Listing, why: Why, tally: Tally, reads: Collection[str]
    ) -> None:
        where = place if place.is_dir() and root.is_relative_to(place) else root
        below = root.relative_to(where).as_posix()
        self._prefix = "" if below == "." else f"{below}/"
        """What the files of records begin with, seen from here."""
        self._where, self._why, self._tally = where, why, tally
        self._reads = reads if where == place else None
        """Endings of files that are no others; None where a file was given: what else lies beside it is no matter."""
        self._used = set(self._seen_from_here(record.file for record in listing.records))
        masks = (mark.file for record in listing.records for mark in record.marks if mark.file)
        self._annotations = set(self._seen_from_here((*masks, *tally.annotation_files)))
        """Files that are annotations, whatever they end with."""
        self._groups: dict[tuple[UnusedKind, str], _Group] = {}
        self._made: set[str] = set()
        """Names of folders made by programs, and those of them that hold images."""
        self._made_with_images: set[str] = set()
        self._left = _MOST + _MOST_PER_IMAGE * len(self._used)
        self._because: dict[str, str] = {}
        """Why images of an ending are not read; "" for endings of those that are, and of other files."""
        self.note = ""
        """Says that there was more than was looked at, "" where all was."""

    def _seen_from_here(self, files: Iterable[str]) -> Iterable[str]:
        named = (self._prefix + file for file in files) if self._prefix else files
        return map(folded, named) if _CASE_BLIND else named

    def unused(self) -> Iterator[Unused]:
        """Yield what is not used, image files first by the number of them."""
        self._walk()
        for name in self._made - self._made_with_images:
            self._add("file", _MADE, name)
        for (what, reason), group in sorted(self._groups.items(), key=lambda item: (-item[1].n, item[0])):
            yield group.unused(what, reason)

    def _walk(self) -> None:
        waiting: list[_Folder] = [(str(self._where), "", None, ())]
        while waiting:
            folder, prefix, inherited, above = waiting.pop()
            heed.at()
            try:
                own = os.stat(folder)
                here = (own.st_dev, own.st_ino)
                if here in above or len(above) > _DEEPEST:
                    self._add("file", _LOOP, prefix.rstrip("/"))
                    continue
                with os.scandir(folder) as found:
                    inner = self._look_in(found, prefix, inherited)
            except OSError:  # what may not be read, or has gone since
                continue
            if self._left < 0:
                self.note = (
                    f"What is not used was counted in part: more lies below {self._where} than is looked at; "
                    "move the data into a folder of its own, or name the folder of the images."
                )
                return
            waiting += (
                (entry.path, f"{prefix}{entry.name}/", inherited or self._of_folder(entry), (*above, here))
                for entry in inner
            )

    def _look_in(
        self, entries: Iterable[os.DirEntry[str]], prefix: str, inherited: tuple[str, str] | None
    ) -> list[os.DirEntry[str]]:
        """Count the files among ``entries``; return the folders."""
        inner, n, used = list[os.DirEntry[str]](), 0, self._used
        for n, entry in enumerate(entries, 1):  # noqa: B007
            file = prefix + entry.name
            if (folded(file) if _CASE_BLIND else file) in used:
                if inherited:
                    self._made_with_images.add(inherited[1])
            elif is_folder(entry):
                inner.append(entry)
            else:
                self._file(entry, file, inherited)
        self._left -= n
        return inner

    def _file(self, entry: os.DirEntry[str], file: str, inherited: tuple[str, str] | None) -> None:
        if (folded(file) if _CASE_BLIND else file) in self._annotations:
            return
        if is_image(entry.name) or self._unread(entry.name):
            self._image(entry, file, inherited)
        elif inherited is None:
            self._other(entry.name)

    def _of_folder(self, entry: os.DirEntry[str]) -> tuple[str, str] | None:
        """Return why nothing in a folder is used, and the folder's name; None where files speak for themselves."""
        if is_machine_made(entry):
            if not entry.name.startswith(HIDDEN):
                self._made.add(entry.name)
            return _IN_MADE, entry.name
        if entry.name.startswith(HIDDEN):
            return _HIDDEN, entry.name
        return None if is_text(entry.name) else (_NO_TEXT, entry.name)

    def _image(self, entry: os.DirEntry[str], file: str, inherited: tuple[str, str] | None) -> None:
        below, within = file.removeprefix(self._prefix), ""
        if inherited is not None:
            reason, within = inherited
            self._made_with_images.add(within)
        elif not is_text(entry.name):
            reason = _NO_TEXT
        elif below in self._tally.images:
            reason = self._tally.images[below]
        elif is_machine_file(entry.name):
            reason = _MADE
        elif entry.name.startswith(HIDDEN):
            reason = _HIDDEN
        elif not _is_file(entry):
            reason = "behind a link to nowhere" if entry.is_symlink() else _NO_FILE
        elif not (reason := self._unread(entry.name)):
            reason, within = self._why(below)
        self._add("image", reason, within or file)

    def _unread(self, name: str) -> str:
        """Return why an image of this name is of no format that is read; "" where it is, or is no image."""
        ending = os.path.splitext(name)[1].lower()
        if ending not in self._because:
            found = unread.by_ending(ending)
            self._because[ending] = f"{_BECAUSE}{found.what}" if found else ""
        return self._because[ending]

    def _other(self, name: str) -> None:
        """Count a file that is no image; hidden ones are no matter."""
        if is_machine_file(name):
            self._add("file", _MADE, name)
        elif self._reads is not None and not name.startswith(HIDDEN):
            ending = os.path.splitext(name)[1].lower()
            if ending not in self._reads:
                self._add("file", OTHER, ending or name)

    def _add(self, what: UnusedKind, reason: str, name: str) -> None:
        shown = name if is_text(name) else os.fsencode(name).decode("utf-8", "replace")
        self._groups.setdefault((what, reason), _Group()).add(shown)


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False
