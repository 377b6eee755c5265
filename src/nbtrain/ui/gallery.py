"""A gallery: the images of a data set, found by class, set, problem and name, and relabelled or left out from there.

The page asks for the stretch of images that it shows and gets their thumbnails with them; the newest wish is answered
first, from a thread of its own, so that scrolling fast does not wait for what has passed by. It knows shelves,
thumbnails and a data set's edits; what a class is, the data set knows.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from threading import Lock, Thread
from typing import Any

import numpy as np
from traitlets import Bool, Dict, Int, Unicode

from nbtrain.data.decode import decode
from nbtrain.data.records import conversion_of
from nbtrain.data.thumbnails import Thumbnails, picture_of
from nbtrain.errors import DataError
from nbtrain.evaluation.predictions import HeatMap
from nbtrain.evaluation.report.pictures import heated
from nbtrain.project.dataset import LiveDataSet
from nbtrain.project.shelf import Query, Shelf
from nbtrain.ui.panel import Panel

_log = logging.getLogger("nbtrain.ui")
_WAITING = 12
"""Wishes that may wait; older ones were scrolled past, and are told so."""
_LARGE_PX, _HEAT_PX = 720, 360


class Gallery(Panel, twin="gallery"):
    """Images as tiles; only those that are seen are sent."""

    FREE = frozenset({"rows", "find", "widen", "open"})

    total = Int(help="Images in use.").tag(sync=True)
    count = Int(help="Images that fit the query.").tag(sync=True)
    version = Int(help="Number of the list: it changes with the query and with each edit.").tag(sync=True)
    query = Dict(asdict(Query()), help="What is looked for: label, part, problem and words.").tag(sync=True)
    choices: Any = Dict(
        {"labels": [], "parts": [], "problems": []}, help="What can be looked for: value, label and count of each."
    ).tag(sync=True)
    title = Unicode(help="What the images have in common that somebody has narrowed the list to; empty for all.").tag(
        sync=True
    )
    can_widen = Bool(help="Whether a list that somebody has narrowed can be all images again.").tag(sync=True)
    editable = Bool(help="Whether images can be relabelled and left out.").tag(sync=True)
    undo = Unicode(help="The newest edit that can be taken back, in words; empty for none.").tag(sync=True)
    redo = Unicode(help="The edit that was taken back last, in words; empty for none.").tag(sync=True)
    opened = Dict(
        help="The image that is shown large: file, facts, and heat, where a model looked, as an address."
    ).tag(sync=True)

    def __init__(self, edited: Callable[[], None] | None = None, **kwargs: Any) -> None:
        """Show nothing yet; ``edited`` is called after each edit that was made here."""
        super().__init__(**kwargs)
        self._edited = edited or (lambda: None)
        self._data: LiveDataSet | None = None
        self._shelf: Shelf | None = None
        self._thumbnails: Thumbnails | None = None
        self._found, self._wishes = np.empty(0, np.int64), deque[tuple[int, int, int]]()
        self._guard, self._working = Lock(), False
        self._notes: dict[str, str] | None = None
        self.heat_of: Callable[[str], HeatMap | None] = lambda file: None
        """Returns where in an image a model looked, for those of which that is known."""

    def show(self, data: LiveDataSet | None, shelf: Shelf | None, thumbnails: Thumbnails | None) -> None:
        """Show the images on a shelf; another data set begins with all of its images."""
        if (data and data.name) != (self._data and self._data.name):
            self.query, self.opened = asdict(Query()), {}
        self._data, self._shelf, self._thumbnails = data, shelf, thumbnails
        self._look()

    def subject(self) -> str:
        """Return the name of the data set."""
        return self._data.name if self._data is not None else ""

    def narrow(self, title: str, images: Sequence[tuple[str, str]]) -> None:
        """From the next look on, show only these files, in their order and each with a note."""
        self._notes, self.query = dict(images), asdict(Query())
        self.title = title

    def widen(self) -> None:
        """From the next look on, show all images again."""
        self._notes, self.title = None, ""

    def _look(self) -> None:
        """Find what the query asks for, and tell the page that its list is another one."""
        shelf = self._shelf
        with self._drawing, self.hold_sync():
            self._found, self.total = np.empty(0, np.int64), 0
            if shelf is not None:
                only = None if self._notes is None else shelf.places(self._notes)
                self._found = shelf.find(Query(**self.query), only)
                self.total = len(shelf) - len(shelf.out) if only is None else len(only)
            self.count, self.version = len(self._found), self.version + 1
            self.redraw()

    def state(self) -> dict[str, Any]:
        """Return what can be looked for, and what can be taken back."""
        if self._shelf is None or self._data is None:
            nothing: dict[str, Any] = {"labels": [], "parts": [], "problems": []}
            return {"choices": nothing, "editable": False, "undo": "", "redo": ""}
        history = self._data.history
        return {
            "choices": {
                "labels": _counted(self._shelf.label_counts),
                "parts": _counted(self._shelf.part_counts),
                "problems": _counted(self._shelf.problem_counts),
            },
            "editable": True,
            "undo": next((edit.text for edit in reversed(history) if not edit.taken_back), ""),
            "redo": next((edit.text for edit in reversed(history) if edit.taken_back), ""),
        }

    # -- what the page asks for ---------------------------------------------------------------------------------

    def do_rows(self, first: int, n: int, version: int) -> None:
        """Send a stretch of the list with its thumbnails, soon; what is asked for last comes first."""
        with self._guard:
            self._wishes.append((int(first), int(n), int(version)))
            overtaken = [self._wishes.popleft() for _ in range(len(self._wishes) - _WAITING)]
            start, self._working = not self._working, True
        for gone, _, asked in overtaken:
            self.send({"rows": {"version": asked, "first": gone, "tiles": []}})
        if start:
            Thread(target=self._work, name="nbtrain-gallery", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._guard:
                if not self._wishes:
                    self._working = False
                    return
                first, n, version = self._wishes.pop()
            if version == self.version:
                try:
                    self._send_rows(first, n, version)
                except Exception as error:  # noqa: BLE001 - nobody reads a traceback of this thread
                    _log.exception("a stretch of images could not be shown")
                    self.tell(f"These images could not be shown: {type(error).__name__}: {error}")

    def _send_rows(self, first: int, n: int, version: int) -> None:
        shelf, thumbnails, places = self._shelf, self._thumbnails, self._found[first : first + n].tolist()
        if shelf is None or thumbnails is None:
            return
        files = [shelf.files[place] for place in places]
        pictures = thumbnails.get(files, shelf.root)
        notes = self._notes or {}
        tiles = [
            _tile(shelf, place, bool(picture)) | {"note": notes.get(shelf.files[place], "")}
            for place, picture in zip(places, pictures, strict=True)
        ]
        self.send({"rows": {"version": version, "first": first, "tiles": tiles}}, buffers=pictures)

    def do_find(self, label: str = "", part: str = "", problem: str = "", words: str = "") -> None:
        """Look for other images."""
        self.query = asdict(Query(label, part, problem, words))
        self._look()

    def do_widen(self) -> None:
        """Show all images again, instead of those that somebody has narrowed the list to."""
        self.widen()
        self._look()

    def do_open(self, file: str) -> None:
        """Show an image large, with what is known of it; an empty name shows none."""
        shelf = self._shelf
        if not file or shelf is None:
            self.opened = {}
            return
        if file not in shelf.files:  # it went since the page was drawn
            raise DataError("this image is not in the data set any more", value=file, advice="Choose another one.")
        self.opened = {"file": file, "facts": _facts(shelf, shelf.files.index(file))}
        self.aside("large", lambda: self._send_large(shelf, file))

    def _send_large(self, shelf: Shelf, file: str) -> None:
        try:
            conversion = conversion_of(shelf.root, file)
            picture, heat = picture_of(shelf.root / file, _LARGE_PX, conversion), self.heat_of(file)
            if heat is not None:
                pixels = decode(shelf.root / file, conversion=conversion)
                self.opened = {**self.opened, "heat": heated(pixels, heat, _HEAT_PX)}
        except OSError as error:
            self.tell(str(error))
            return
        self.send({"large": {"file": file}}, buffers=[picture])

    # -- edits --------------------------------------------------------------------------------------------------

    def do_relabel(self, files: list[str], labels: list[str]) -> None:
        """Give images other classes."""
        self._edit(lambda data: data.relabel(files, labels))

    def do_exclude(self, files: list[str], reason: str = "") -> None:
        """Leave images out of all training and measuring."""
        self._edit(lambda data: data.exclude(files, reason))

    def do_include(self, files: list[str]) -> None:
        """Take images in again that were left out."""
        self._edit(lambda data: data.include(files))

    def do_undo(self) -> None:
        """Take the newest edit back."""
        self._edit(lambda data: data.undo())

    def do_redo(self) -> None:
        """Make the edit again that was taken back last."""
        self._edit(lambda data: data.redo())

    def _edit(self, edit: Callable[[LiveDataSet], Any]) -> None:
        if self._data is None:
            return
        done = edit(self._data)
        for conflict in getattr(done, "conflicts", ())[:1]:
            theirs, seen = " and ".join(conflict.theirs) or "nothing", " and ".join(conflict.seen) or "nothing"
            told = f"{conflict.file} was {seen} here, and {conflict.by} had made it {theirs} since. Yours holds now"
            self.tell(f"{told}; undo takes it back.")
        self._edited()


def _counted(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"value": name, "label": name, "count": count} for name, count in counts.items()]


def _tile(shelf: Shelf, place: int, readable: bool) -> dict[str, Any]:
    told = shelf.told(place)
    return {
        "file": shelf.files[place],
        "labels": list(shelf.labels(place)),
        "part": shelf.part(place),
        "problems": told,
        "left_out": shelf.is_out(place),
        "trouble": "" if readable else next(iter(told), ""),
    }


def _facts(shelf: Shelf, place: int) -> list[dict[str, str]]:
    rows: Sequence[tuple[str, str]] = (
        ("Class", ", ".join(shelf.labels(place)) or "none"),
        ("Set", shelf.part(place)),
        ("Problems", "; ".join(shelf.told(place))),
        ("Left out", (shelf.reason(place) or "without a reason") if shelf.is_out(place) else ""),
        ("Path", str(shelf.root / shelf.files[place])),
    )
    return [{"label": label, "value": value} for label, value in rows if value]
