"""Texts: annotation files read whole, as UTF-8 text, JSON or XML; what is broken is told with its file and line.

XML is read by expat itself, with document types that declare anything refused: entities are how a file of a kilobyte
grows to gigabytes, or reads other files. Python's usual XML tree offers no way to refuse them. This file knows
encodings and syntax; it knows no format of annotations.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

import orjson

from nbtrain.errors import DataError, shown
from nbtrain.files import ordinary

MAX_BYTES = 4 * 2**30
"""Largest annotation file that is read: the largest in use (LVIS, Objects365) have one to two GiB."""
_MAX_DEPTH = 100
_PEEKED_BYTES = 4096
_BOM = b"\xef\xbb\xbf"
_BOMS_16 = (b"\xff\xfe", b"\xfe\xff")
"""How texts begin that Excel saves as “Unicode text”."""
_NO_TEXTS = (
    (b"PK\x03\x04", "a zip archive, or a workbook of a spreadsheet", "Unpack it, or save its sheet as CSV (UTF-8)."),
    (b"\x1f\x8b", "packed (gzip)", "Unpack it, and give the file in it."),
    (b"\xd0\xcf\x11\xe0", "a workbook of an old Excel", "Save its sheet as CSV (UTF-8)."),
    (b"BZh", "packed (bzip2)", "Unpack it, and give the file in it."),
    (b"PAR1", "a Parquet file", "Let its name end with .parquet."),
    (b"SQLite format 3", "a database", "Save its table as CSV (UTF-8)."),
    (b"\x89PNG", "an image", "Give the file with the annotations."),
    (b"\xff\xd8\xff", "an image", "Give the file with the annotations."),
)
"""How files begin that are no texts, what they are, and what to do."""
_NO_NUMBERS = (b"NaN", b"Infinity")
"""What Python writes into JSON, and JSON does not know."""
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
"""Where JSON may name half of a character, which no text can hold."""
_BY_HAND_BYTES = 2**22
"""Up to this size a JSON file is read twice, to see keys that stand twice: programs do not write them."""


def bytes_of(path: Path) -> bytes:
    """Return what is in the file, without a byte order mark; raises DataError where it is none, or cannot be read."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise DataError("this is no file", value=str(path), advice="Give the path of a file.")
        if found.st_size > MAX_BYTES:
            told = f"{path.name} has {found.st_size / 2**30:.1f} GiB, more than the {MAX_BYTES >> 30} that are read"
            raise DataError(told, value=str(path), advice="Split it into several files.")
        return path.read_bytes().removeprefix(_BOM)
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or str(error)
        advice = "Give yourself permission to read it, or leave it out."
        raise DataError(f"{path.name} cannot be read ({told})", value=str(path), advice=advice) from None


def text_of(path: Path) -> str:
    """Return the text of a file in UTF-8, or UTF-16 where it says so; raises DataError naming the line that is neither.

    A zero byte is no text: UTF-16 that does not say so, or what a disk gives back after a crash.
    """
    data = _in_utf_8(bytes_of(path))
    try:
        text, broken = data.decode(), data.find(b"\0")
    except UnicodeDecodeError as error:
        text, broken = "", error.start
    if broken < 0:
        return text
    for start, what, advice in _NO_TEXTS:
        if data.startswith(start):
            raise DataError(f"{path.name} is {what}, and no text", value=str(path), advice=advice)
    told = f"{path.name}, line {data.count(bytes([10]), 0, broken) + 1}: this is not UTF-8"
    raise DataError(told, value=str(path), advice="Save the file as UTF-8.")


def beginning_of(path: Path, n_bytes: int) -> str:
    """Return the whole lines among the first ``n_bytes`` of a text; raises OSError, or UnicodeDecodeError for none."""
    with open(path, "rb", opener=ordinary) as file:
        data = file.read(n_bytes)
    coding = "utf-16" if data.startswith(_BOMS_16) else "utf-8-sig"
    text = codecs.getincrementaldecoder(coding)().decode(data)
    return text if len(data) < n_bytes else text[: text.rfind("\n") + 1]


def _in_utf_8(data: bytes) -> bytes:
    """Return text with UTF-16's byte order mark, as Excel and Notepad write it, in UTF-8; all else as it is."""
    if not data.startswith(_BOMS_16):
        return data
    try:
        return data.decode("utf-16").encode()
    except UnicodeError:
        return data


def json_of(path: Path) -> Any:
    """Return the content of a JSON file, NaN and Infinity allowed.

    Raises DataError naming line and column; and in a file small enough to be written by hand, for a key that stands
    twice in one object with other values, of which JSON would keep the last.
    """
    data = _in_utf_8(bytes_of(path))
    try:
        plain = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        plain = _json_with_no_numbers(data, path, error)
    if len(data) <= _BY_HAND_BYTES:
        _refuse_twice(data, path)
    return plain


def _json_with_no_numbers(data: bytes, path: Path, refused: json.JSONDecodeError) -> Any:
    """Return what Python's own reader makes of what orjson has ``refused``; raises DataError where that is no JSON."""
    line, column, told = refused.lineno, refused.colno, refused.msg
    if any(word in data for word in _NO_NUMBERS):
        try:
            plain = json.loads(data)
            if _HALF_CHARACTER.search(data):
                json.dumps(plain, ensure_ascii=False).encode()
            return plain
        except json.JSONDecodeError as error:
            line, column, told = error.lineno, error.colno, error.msg
        except (RecursionError, ValueError) as error:  # ValueError: half a character, a number of thousands of digits
            told = type(error).__name__
    what = (
        f"{path.name}, line {line}, column {column}: this is no JSON ({told})" if data.strip() else "the file is empty"
    )
    raise DataError(what, value=str(path), advice="Repair the file, or export it again.")


def _refuse_twice(data: bytes, path: Path) -> None:
    twice: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice.extend(
                f"{shown(key)} is {shown(value)} and {shown(found[key])}" for key, value in pairs if found[key] != value
            )
        return found

    with contextlib.suppress(RecursionError, ValueError):  # of what orjson reads, Python refuses some
        json.loads(data, object_pairs_hook=look)
    if twice:
        told = f"{path.name}: a key stands twice in one object: {twice[0]}"
        raise DataError(told, value=str(path), advice="Keep one of them, or export the file again.")


def begins_with(path: Path, start: bytes) -> bool:
    """Return whether the first characters of a file that are no spaces are ``start``."""
    return _in_utf_8(peek(path).removeprefix(_BOM)).lstrip().startswith(start)


def peek(path: Path, n_bytes: int = _PEEKED_BYTES) -> bytes:
    """Return the first bytes of a file, none where it cannot be read."""
    try:
        with open(path, "rb", opener=ordinary) as file:
            return file.read(n_bytes)
    except OSError:
        return b""


@dataclass(slots=True)
class Node:
    """One XML element: its name, its text, and what is inside."""

    name: str
    text: str = ""
    nodes: list[Node] = field(default_factory=list)

    def all(self, name: str) -> list[Node]:
        """Return the elements directly inside that have this name."""
        return [node for node in self.nodes if node.name == name]

    def said(self, *names: str) -> str:
        """Return the text of the element that lies at the end of these names, "" where there is none."""
        node: Node | None = self
        for name in names:
            node = next((inner for inner in node.nodes if inner.name == name), None) if node else None
        return node.text.strip() if node else ""


class _Tree:
    """Builds nodes while expat reads."""

    def __init__(self) -> None:
        self.root = Node("")
        self._open = [self.root]

    def begin(self, name: str, _: dict[str, str]) -> None:
        if len(self._open) > _MAX_DEPTH:
            raise ValueError(f"it is nested deeper than {_MAX_DEPTH} elements")
        node = Node(name)
        self._open[-1].nodes.append(node)
        self._open.append(node)

    def end(self, _: str) -> None:
        self._open.pop()

    def text(self, text: str) -> None:
        self._open[-1].text += text


def _refuse(*_: object) -> int:
    raise ValueError("it declares entities, which are not read")


def xml_of(path: Path) -> Node:
    """Return the outermost element of an XML file; raises DataError naming the line that is wrong."""
    data, tree = bytes_of(path), _Tree()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = tree.begin, tree.end
    parser.CharacterDataHandler = tree.text
    parser.EntityDeclHandler = parser.ExternalEntityRefHandler = parser.UnparsedEntityDeclHandler = _refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        told, line = expat.ErrorString(error.code), error.lineno
    except (ValueError, LookupError) as error:  # LookupError: an encoding that nobody knows
        told, line = str(error), parser.CurrentLineNumber
    else:
        return tree.root.nodes[0]
    what = f"{path.name}, line {line}: this is no XML that can be used ({told})"
    raise DataError(what, value=str(path), advice="Repair the file, or leave it out.")
