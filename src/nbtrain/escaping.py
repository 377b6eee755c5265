"""Borders: one function for each place that text leaves through, used by everything that writes there.

A project may come from anybody, and every text in it, from an experiment's name to an error of its trainer, may hold
markup, formulas or terminal escapes. Inside nbtrain a text is as it was written; it is made safe where it leaves.
Panels need nothing of this: lit-html puts values in as text. Python source is written with ``repr``.
"""

from __future__ import annotations

import csv
import html as _html
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: escapes begin with one of these
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the order of what follows
    "\u2028\u2029\ufff9-\ufffb"  # lines, annotations
    "\ud800-\udfff\U000e0000-\U000e007f]"  # halves of characters, invisible tags
)
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell begins that a spreadsheet computes, in full-width forms too (OWASP, CSV injection)."""
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")


def html(value: object) -> str:
    """Return a value as text of HTML or SVG, also inside a quoted attribute, that can be written as UTF-8."""
    text = str(value).encode(errors="backslashreplace").decode()  # file names may hold bytes that are no characters
    return _html.escape(text, quote=True)


def terminal(text: object) -> str:
    r"""Return a text for a terminal: its control characters, but for line ends, are shown as ``\x1b`` and the like."""
    return "\n".join(map(line, str(text).split("\n")))


def line(text: object) -> str:
    r"""Return a text as one line of a terminal; a line end inside it is shown as ``\n``."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode("ascii"), str(text))


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as CSV that a spreadsheet shows and does not compute; numbers stay as Python writes them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(list(map(_cell, columns)))
    writer.writerows(list(map(_cell, row)) for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Return a cell: text on one line, with an apostrophe before what would be a formula, which means "text" there."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    text = line(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
