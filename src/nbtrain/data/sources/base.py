"""What every source has in common: the family's root, and the endings of images.

It knows no format. A new one is a new file with one class, whose ``claims`` says which paths it can read.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import ClassVar, Self, TypeVar
from urllib.parse import unquote, urlsplit

from nbtrain.data.names import hearing
from nbtrain.data.questions import Answer, Question
from nbtrain.data.records import Listing
from nbtrain.data.scan import Progress, Stopped
from nbtrain.data.sources.machine_made import is_machine_file, is_machine_folder
from nbtrain.data.unread import HEIC_ENDINGS, reads_heic
from nbtrain.errors import DataError
from nbtrain.schema import Family, field

IMAGE_ENDINGS: frozenset[str] = frozenset(
    (
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".bmp",
        ".gif",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".avif",
        *(HEIC_ENDINGS if reads_heic() else ()),
    )
)
"""Endings, in lower case, of the files that are taken for images."""

_SAY_WHERE = (
    "Name the folder that holds all of the images: images_root=… in code, --images-root on the command line, "
    "“Folder of the images” in the panel."
)
_REFUSALS = {
    errno.EACCES: "Give yourself permission to read it and to enter the folders above it, or ask whoever owns it.",
    errno.EPERM: "Give yourself permission to read it and to enter the folders above it, or ask whoever owns it.",
    errno.ELOOP: "It is a link that leads back to itself: give the folder that is meant.",
    errno.ENAMETOOLONG: "Names end at 255 bytes and paths at 4096: check what was pasted.",
    errno.EIO: "The disk, or the server it lies on, does not answer: try again, or copy the images elsewhere.",
    errno.ESTALE: "The disk, or the server it lies on, does not answer: try again, or copy the images elsewhere.",
    errno.EMFILE: "Too many files are open in this process: restart the kernel.",
}
"""What to do where the file system refuses, by its number for why."""
_ADDRESS = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
"""How paths of Windows begin."""
_GLANCED_AT = 20_000
"""Names that a look reads at most: listing a folder of a million files takes a second."""


S = TypeVar("S")


class Source(Family):
    """Where a data set's images and labels come from."""

    layout: ClassVar[str] = ""
    """What this kind reads, for the message that no kind fits."""
    broad: ClassVar[bool] = False
    """Whether it claims whatever is a folder, so that all others are asked first."""
    foreign: ClassVar[bool] = False
    """Whether ``prepare`` runs code of the person's, which belongs in a process of its own."""

    reads: ClassVar[frozenset[str]] = frozenset()
    """Endings of what is read beside images, for kinds that take so long to read that their listing is kept."""

    path: str = field("", label="Path")
    """Folder or file that the images are read from."""
    values: str = field("auto", advanced=True, label="Values of images of more than 8 bits")
    """Which stored values become black and white: a number of bits ("12 bits": 0 to 4095), two values ("200 to 1800"),
    or auto, which looks at a sample. Chosen once for the whole source; images of 8 bits stay as they are."""

    def listing(self) -> Listing:
        """Return every image with its labels, opening none; raises DataError saying what is wrong and where."""
        raise NotImplementedError

    def preview(self) -> Listing:
        """Return what can be told without unpacking anything; for most kinds that is the listing itself."""
        return self.listing()

    def depends_on(self, listing: Listing) -> tuple[Path, ...]:
        """Return the files and folders of all that its ``listing`` was read from; nothing where that is not known."""
        return ()

    @classmethod
    def instead(cls, path: Path) -> Source | None:
        """Return a source to read in place of folders that hold no classes, so that the real reason is told."""
        return None

    @classmethod
    def also(cls, path: Path) -> Iterator[Answer]:
        """Yield the ways in which this kind could read ``path`` too, where another kind does."""
        if cls.claims(path):
            yield Answer(cls.label, f"It is read as {cls.layout}.", {"kind": cls.kind})

    @classmethod
    def doubt(cls, path: Path) -> Question | None:
        """Return what has to be asked where both this kind and another could read ``path``; None where one is right."""
        return None

    @classmethod
    def means(cls, text: str) -> bool:
        """Return whether ``text`` names, without being a path, what this kind reads."""
        return False

    @classmethod
    def claims(cls, path: Path) -> bool:
        """Return whether ``path`` looks like what this kind reads."""
        raise NotImplementedError

    def placed(self, folder: Path) -> Self:
        """Return the source with its place below ``folder``, for kinds whose images have to be unpacked first."""
        return self

    def ready(self) -> bool:
        """Return whether there is nothing to prepare any more; raises DataError where the source is gone."""
        existing(self.path)
        return True

    def prepare(self, progress: Progress = lambda _: None, stopped: Stopped = lambda: False) -> None:
        """Unpack what has to be, where that is not done; ``listing`` does it too, but says nothing meanwhile."""


class Annotated(Source):
    """What all kinds share whose annotations stand in files of their own, which name the images."""

    images_root: str = field("", label="Root folder of the images")
    """Folder that the images lie in, where annotations name them from elsewhere; empty looks beside the annotations."""

    meant_folder: str = field("", label="Folder that is meant", advanced=True)
    """Where a name may mean files in several folders: the one that is meant, such as scans/, or "none" to leave such
    names out; empty asks."""

    def depends_on(self, listing: Listing) -> tuple[Path, ...]:
        """Return where the annotations and the images lie."""
        return (existing(self.path), listing.root) if isinstance(listing.root, Path) else ()


class ElsewhereError(DataError):
    """Annotations name images that do not lie where they are looked for; ``images_root`` says where they do."""

    def __init__(self, what: str, *, value: object = None, advice: str = _SAY_WHERE) -> None:
        super().__init__(what, value=value, advice=advice)


def existing(path: str | Path) -> Path:
    """Return ``path`` with ``~`` resolved; raises DataError where it is empty or missing, naming what is there."""
    if not str(path).strip() or "\0" in str(path):
        raise DataError("no path was given", value=str(path), advice="Give a folder with images, or a file.")
    if _ADDRESS.match(str(path)):
        advice = "Download it, and give the path of the file or folder."
        raise DataError("this is an address in the net, and nothing is fetched", value=str(path), advice=advice)
    try:
        where = _pasted(path).expanduser()
    except RuntimeError:
        advice = "Write the whole path, without ~."
        raise DataError("it is not known whose home this is", value=str(path), advice=advice) from None
    with readable(where):
        try:
            os.stat(where)
        except (FileNotFoundError, NotADirectoryError, UnicodeError):
            parent = next((p for p in where.absolute().parents if os.path.isdir(p)), Path("/"))
            advice = f"The nearest folder that exists is {parent}."
            if _WINDOWS.match(str(path)) and os.sep == "/":
                advice = "It is a path of Windows: give the one that this machine knows the folder by."
            raise DataError("there is no such path", value=str(where), advice=advice) from None
    return where.absolute()


def _pasted(path: str | Path) -> Path:
    """Return ``path`` without what was pasted with it, where nothing lies at it as it stands: quotes, spaces, file://."""
    text = str(path)
    if isinstance(path, Path) or os.path.lexists(text):
        return Path(path)
    bare = text.strip().strip("\"'")
    return Path(unquote(urlsplit(bare).path) if bare.startswith("file://") else bare)


@contextmanager
def readable(path: object) -> Iterator[None]:
    """Turn what the file system refuses while something at ``path`` is read into one error that says where and why."""
    try:
        yield
    except OSError as error:
        advice = _REFUSALS.get(error.errno or 0, "Look whether it can be opened, or leave it out.")
        what = f"it cannot be read ({error.strerror or error})"
        raise DataError(what, value=str(error.filename or path), advice=advice) from None


def spellings_told(read: Callable[[S], Listing]) -> Callable[[S], Listing]:
    """Let a reader's listing say which classes are written in several ways that look the same."""

    @wraps(read)
    def listing(source: S) -> Listing:
        with hearing() as told:
            found = read(source)
            return found.noting(*told(found.classes))

    return listing


def unplaced(path: str) -> DataError:
    """Return the error for what has to be unpacked, and nobody has said where."""
    advice = "Add it to a project, or name a folder: unpacked=…, or --unpack FOLDER on the command line."
    return DataError("it is not said where its images are to be unpacked", value=path, advice=advice)


def names_in(folder: Path) -> tuple[str, ...]:
    """Return the first names in ``folder``, sorted, for a look at what it may be; nothing where it cannot be read.

    What programs leave there is left out.
    """
    try:
        with os.scandir(folder) as found:
            names = sorted(entry.name for entry in islice(found, _GLANCED_AT))
    except OSError:
        return ()
    return tuple(name for name in names if not is_machine_folder(name))


def holds_an_image(folder: str | Path) -> bool:
    """Return whether a file in ``folder`` is taken for an image; a large folder is read up to the first."""
    try:
        with os.scandir(folder) as found:
            return any(is_image(entry.name) and not is_machine_file(entry.name) for entry in islice(found, _GLANCED_AT))
    except OSError:
        return False


def is_image(name: str) -> bool:
    """Return whether a file of this name is taken for an image."""
    return os.path.splitext(name)[1].lower() in IMAGE_ENDINGS


def common(folders: Iterable[Path]) -> Path:
    """Return the deepest folder that holds all of ``folders``."""
    return Path(os.path.commonpath(list(folders)))
