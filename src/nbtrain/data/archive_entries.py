"""Entries of archives, looked at before anything is unpacked: names as they were meant, and what cannot be read.

It knows what zip and tar say of their files; it writes nothing.
"""

from __future__ import annotations

import tarfile
import zipfile

from nbtrain.data.records import counted
from nbtrain.errors import DataError

_METHODS = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
_NOTES = frozenset((b"x", b"g", b"X", b"L", b"K"))
"""Types of a tar's entries that only say something of the next one, such as its long name; Python reads them whole."""
_MAX_NOTE_BYTES = 2**20


def zip_entries(found: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the entries of a zip; raises DataError where some have a password, or are packed in a way of their own."""
    entries = found.infolist()
    locked = [zip_name(entry) for entry in entries if entry.flag_bits & 0x1]
    foreign = [zip_name(entry) for entry in entries if entry.compress_type not in _METHODS]
    for names, told in ((locked, "locked with a password"), (foreign, "packed in a way that is not read here")):
        if names:
            files_are = counted(len(names), "file in it is", "files in it are")
            raise DataError(f"{files_are} {told}", value=names[0], advice="Unpack it by hand, and give the folder.")
    return entries


class TarEntry(tarfile.TarInfo):
    """An entry of a tar; Python's own takes a damaged one for the archive's end, and its notes at any size."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> TarEntry:
        """Return the entry that 512 bytes describe; raises ReadError for one that is damaged, or far too large."""
        try:
            made = super().frombuf(buf, encoding, errors)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"it is damaged, or cut off: {error}") from None
        if made.type in _NOTES and made.size > _MAX_NOTE_BYTES:
            raise tarfile.ReadError(f"it has a note of {made.size >> 20} MiB on one file")
        return made


def zip_name(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name; many tools write UTF-8 and forget to say so."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode()
    except UnicodeError:
        return entry.filename
