"""Thumbnails: small JPEG pictures of a data set's images, made once and kept.

    Thumbnails(folder).get(["cats/1.jpg", "cats/2.jpg"], root)   # two pictures as bytes, b"" where there is none

They lie in one SQLite file per data set. That is safe where several notebooks read and write it, and where one of them
is killed; it holds a bounded number of bytes, of which the oldest go first. A thumbnail counts as long as its file has
the size and the time that it had. What is missing is made when somebody asks, by several threads: a screen full of
photographs in a moment. A damaged or unwritable file costs making them again.

It knows files and pictures; it knows no labels, and no torch.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import simplejpeg
from PIL import Image

from nbtrain import files as disk
from nbtrain import processes
from nbtrain.data.conversion import AS_BEFORE, Conversion
from nbtrain.data.decode import Pixels, decode
from nbtrain.data.inspection.look import size_and_time, small_pixels
from nbtrain.data.records import Root, conversion_of
from nbtrain.errors import ImageError

EDGE_PX = 128
"""Width and height that a thumbnail has at most, give or take a quarter: a resize that can be saved is saved."""
FILE = "thumbnails.sqlite"
MOST_BYTES = 2**30
_SPARE = 0.9
_AS_IT_IS_PX = 160
_ICON_PX = 64
_QUALITY, _ICON_QUALITY = 80, 92
_BUSY_S = 5.0
_ASKED_AT_ONCE = 500
_LOOK_EVERY = 256
_TABLE = (
    "CREATE TABLE IF NOT EXISTS thumbnails (file TEXT PRIMARY KEY, size_bytes INTEGER, mtime_ns INTEGER, picture BLOB)"
)


class Thumbnail(NamedTuple):
    """One thumbnail, and the file that it was made of, as it was then."""

    file: str
    """Its name, and how it was converted where that was chosen."""
    size_bytes: int
    mtime_ns: int
    picture: bytes


class Thumbnails:
    """The thumbnails of one data set, in ``folder``."""

    def __init__(self, folder: str | Path, most_bytes: int = MOST_BYTES) -> None:
        self.path, self._most_bytes = Path(folder) / FILE, most_bytes
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None
        self._pid, self._since_look = 0, 0

    def get(self, files: Sequence[str], root: Root) -> list[bytes]:
        """Return the thumbnails of ``files`` below ``root`` as JPEG, b"" for those that cannot be read."""
        paths = [os.fspath(root / file) for file in files]
        stamps = [size_and_time(path) for path in paths]
        conversions = [conversion_of(root, file) for file in files]
        names = [_named(file, conversion) for file, conversion in zip(files, conversions, strict=True)]
        known = self._known(names)
        found = [known[name].picture if name in known and known[name][1:3] == stamp else None
                 for name, stamp in zip(names, stamps, strict=True)]  # fmt: skip
        missing = [place for place, picture in enumerate(found) if picture is None]
        with ThreadPoolExecutor(processes.usable_cores(), thread_name_prefix="thumbnails") as pool:
            made = list(pool.map(lambda place: thumbnail_of(paths[place], conversions[place]), missing))
        self.put(Thumbnail(names[place], *stamps[place], picture)
                 for place, picture in zip(missing, made, strict=True) if picture)  # fmt: skip
        for place, picture in zip(missing, made, strict=True):
            found[place] = picture
        return [picture or b"" for picture in found]

    def put(self, thumbnails: Iterable[Thumbnail]) -> None:
        """Keep these thumbnails; where that cannot be done, they are made again when somebody asks."""
        rows = list(thumbnails)
        if not rows:
            return
        with self._lock, contextlib.suppress(sqlite3.Error, OSError):
            with self._connected() as connection:
                connection.executemany("INSERT OR REPLACE INTO thumbnails VALUES (?, ?, ?, ?)", rows)
                self._since_look += len(rows)
                if self._since_look >= _LOOK_EVERY:
                    self._since_look = 0
                    self._bound(connection)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._open is not None and self._pid == os.getpid():
                self._open.close()
            self._open = None

    def _known(self, files: Sequence[str]) -> dict[str, Thumbnail]:
        found: dict[str, Thumbnail] = {}
        with self._lock, contextlib.suppress(sqlite3.Error, OSError):
            connection = self._connected()
            for start in range(0, len(files), _ASKED_AT_ONCE):
                some = files[start : start + _ASKED_AT_ONCE]
                asked = f"SELECT * FROM thumbnails WHERE file IN ({','.join('?' * len(some))})"
                found.update((row[0], Thumbnail(*row)) for row in connection.execute(asked, some))
        return found

    def _connected(self) -> sqlite3.Connection:
        """Return the connection, of this process and not of the one that it was forked from."""
        if self._open is None or self._pid != os.getpid():
            disk.make_folder(self.path.parent)
            self._open, self._pid = _connect(self.path), os.getpid()
        return self._open

    def _bound(self, connection: sqlite3.Connection) -> None:
        """Take the oldest away where there is too much; SQLite writes into the room that they leave."""
        used, n_rows = connection.execute("SELECT total(length(picture)), count(*) FROM thumbnails").fetchone()
        if used > self._most_bytes:
            oldest = int(n_rows * (1 - _SPARE * self._most_bytes / used)) + 1
            asked = "DELETE FROM thumbnails WHERE rowid IN (SELECT rowid FROM thumbnails ORDER BY rowid LIMIT ?)"
            connection.execute(asked, (oldest,))


def _connect(path: Path) -> sqlite3.Connection:
    try:
        return _prepared(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # busy, or not to be written: the next try may find it better
            raise
        disk.remove(path)  # no database: a power cut, or somebody's editor
        return _prepared(path)


def _prepared(path: Path) -> sqlite3.Connection:
    for ending in ("", "-journal", "-wal", "-shm"):  # SQLite follows links
        disk.refuse_foreign(f"{path}{ending}")
    connection = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False)
    # What is kept can be made again, so nobody waits for the disk; a killed process leaves the file whole all the same.
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(_TABLE)
    return connection


def _named(file: str, conversion: Conversion) -> str:
    return f"{file}\0{conversion.key}" if conversion.range_key else file


def thumbnail_of(path: str, conversion: Conversion = AS_BEFORE) -> bytes:
    """Return the thumbnail of an image file as JPEG, b"" for one that cannot be read."""
    try:
        return thumbnail(small_pixels(path, conversion))
    except (ImageError, MemoryError):
        return b""


def thumbnail(small_HWC: Pixels) -> bytes:
    """Return the thumbnail of an image whose pixels (see look.py) are few already."""
    height, width = small_HWC.shape[:2]
    if max(height, width) > _AS_IT_IS_PX:
        image = Image.fromarray(small_HWC)
        image.thumbnail((EDGE_PX, EDGE_PX), Image.Resampling.BOX)
        small_HWC = np.asarray(image)
    icon = max(height, width) <= _ICON_PX  # a digit of 8 × 8 would be blurred by colours at half the size
    found: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(small_HWC), _ICON_QUALITY if icon else _QUALITY, "RGB", "444" if icon else "420"
    )
    return found


def picture_of(path: str | Path, most_px: int, conversion: Conversion | None = None) -> bytes:
    """Return an image as JPEG of at most ``most_px``, upright; raises ImageError where it cannot be read."""
    image = Image.fromarray(decode(str(path), conversion=conversion))
    image.thumbnail((most_px, most_px), Image.Resampling.BOX)
    found: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(image), _ICON_QUALITY, "RGB", "444")
    return found
