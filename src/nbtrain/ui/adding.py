"""Adding images from a panel: look at a path, say what is there and how it is read before it is used, then add it.

Each other reading of the path is one click away, and what is not clear is asked: nothing is added before that. Both
take from a moment to minutes, so they run on a thread of their own, which gives up when it is told to; what has to be
unpacked, or is a person's own code, runs in a process of its own (project/preparing.py). A panel draws ``state``. It
knows projects and sources; it knows no widget, so that every panel that adds images shows the very same.
"""

from __future__ import annotations

import hashlib
import logging
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any

import orjson

from nbtrain import processes
from nbtrain.data.heed import heeding
from nbtrain.data.records import counted
from nbtrain.data.scan import Interrupted
from nbtrain.data.sources import AskError, ElsewhereError, Fact, Found, Reading, Source, look, rooted
from nbtrain.data.thumbnails import thumbnail_of
from nbtrain.errors import DataError, NbtrainError
from nbtrain.project.preparing import Preparation, placed
from nbtrain.project.project import Project
from nbtrain.ui.data_sources import from_here

_log = logging.getLogger("nbtrain.ui")
_CANCELLED = "Cancelled. Nothing was added."
_STAYS = frozenset(("facts", "lines", "ok", "pictures", "readings", "reading", "questions"))


@dataclass(slots=True)
class Turn:
    """One piece of work that somebody has asked for, and may have given up."""

    path: str
    root: str = ""
    """Folder of the images, where annotations name them elsewhere."""
    reading: str = ""
    """Key of the reading that was chosen; "" for the one that is used first."""
    stopped: Event = field(default_factory=Event)
    preparation: Preparation | None = None

    def stop(self) -> None:
        """Give it up."""
        self.stopped.set()
        if self.preparation is not None:
            self.preparation.cancel()


class Adding:
    """What stands between a path that somebody has typed and a data set of ``project``."""

    def __init__(self, project: Project, changed: Callable[[], None], made: Callable[[str], None]) -> None:
        """Add to ``project``; ``changed`` hears that ``state`` is another, ``made`` the name of what was added.

        Both are called on the thread that works.
        """
        self.project, self._changed, self._made = project, changed, made
        self.state: dict[str, Any] = {}
        """For the page: path; busy, text and fraction while it works; facts of what was found, as labels and texts;
        lines of what went wrong, or is said instead; ok where it can be added;
        elsewhere where its annotations name images that lie elsewhere; pictures; the readings, the key of the one that
        is shown, and the questions with the keys of their answers."""
        self._readings: dict[str, Reading] = {}
        """The readings of the path that was looked at last, by key: also those of earlier answers, for the way back."""
        self._turn = Turn("")
        self._guard = Lock()
        """Clicks, the thread that works and the watch thread all write the state."""

    def look(self, path: str, root: str = "", reading: str = "") -> None:
        """Say what lies at ``path``, before it is used; an empty one asks nothing any more.

        ``root`` is the folder of the images, where annotations name them elsewhere; ``reading`` the key of the reading
        that was chosen, of those in ``state``.
        """
        if path.strip():
            self._work(Turn(path, root, reading), "Looking…", self._looked)
        else:
            self._take(Turn(""), {})

    def add(self, path: str, name: str = "", into: str = "", root: str = "", reading: str = "") -> None:
        """Add the images at ``path``: as a data set called ``name``, or ``into`` the one of that name."""
        self._work(Turn(path, root, reading), "Adding…", lambda turn: self._added(turn, name, into))

    def cancel(self) -> None:
        """Give up what is under way, and return at once; nothing comes of it."""
        if self.state.get("busy"):
            self._take(Turn(""), _given_up(self.state))

    def _work(self, turn: Turn, text: str, job: Callable[[Turn], dict[str, Any]]) -> None:
        seen = _seen(self.state) if self.state.get("path") == turn.path else {}
        self._take(turn, {**seen, "path": turn.path, "busy": True, "text": text, "fraction": None})
        Thread(target=self._finish, args=(turn, job), name="nbtrain-look", daemon=True).start()

    def _finish(self, turn: Turn, job: Callable[[Turn], dict[str, Any]]) -> None:
        try:
            with heeding(lambda text: self._tell(turn, f"{text}…", None), turn.stopped.is_set):
                found = {"path": turn.path, **job(turn)}
        except Interrupted:
            found = _given_up(self.state)
        except NbtrainError as error:
            elsewhere = isinstance(error, ElsewhereError)
            found = {**self._way_back(turn), "lines": [str(error)], "ok": False, "elsewhere": elsewhere}
        except Exception as error:  # noqa: BLE001 - nobody reads a traceback of this thread
            _log.exception("the images at %s could not be added", turn.path)
            found = {"path": turn.path, "lines": [f"That did not work: {type(error).__name__}: {error}"], "ok": False}
        self._put(turn, found)

    def _way_back(self, turn: Turn) -> dict[str, Any]:
        """Return what stays beside an error: the other readings, where the one that was chosen does not work."""
        state = self.state
        readings = state.get("readings", []) if state.get("path") == turn.path and turn.reading else []
        return {"path": turn.path, **({"readings": readings, "reading": turn.reading} if readings else {})}

    def _take(self, turn: Turn, state: dict[str, Any]) -> None:
        """Let ``turn`` be what is asked for from now on; the one before gives up."""
        with self._guard:
            before, self._turn, self.state = self._turn, turn, state
        before.stop()

    def _put(self, turn: Turn, state: dict[str, Any]) -> None:
        """Show what a turn has come to, unless somebody has asked for something else meanwhile."""
        with self._guard:
            if turn is not self._turn:
                return
            self.state = state
        self._changed()

    def _tell(self, turn: Turn, text: str, fraction: float | None) -> None:
        """Show how far it is."""
        with self._guard:
            if turn is not self._turn or not self.state.get("busy"):
                return
            self.state = {**self.state, "text": text, "fraction": fraction}
        self._changed()

    def _looked(self, turn: Turn) -> dict[str, Any]:
        try:
            source: str | Source = self._source(turn)
        except AskError:  # look() tells it, with the first answer
            source = turn.path
        found = look(placed(self.project.path, source) if isinstance(source, Source) else source)
        if turn.reading not in self._readings:
            self._readings = {}
        by_key = {_key(reading): reading for reading in found.readings}
        self._readings = {**by_key, **self._readings}
        asked = [{"text": one.text, "readings": list(map(_key, one.readings))} for one in found.questions]
        return {
            "facts": [[label, text] for label, text in _seen_from_here(found)],
            "ok": not asked,
            "pictures": _pictures(found),
            "readings": [
                {"key": key, "title": reading.title, "why": reading.why} for key, reading in self._readings.items()
            ],
            "reading": turn.reading or ("" if asked else next(iter(by_key))),
            "questions": asked,
        }

    def _source(self, turn: Turn) -> Source:
        """Return the source at a path, or the reading of it that was chosen; raises DataError, or AskError."""
        if not turn.reading:
            return rooted(turn.path, turn.root)
        if turn.reading not in self._readings:
            raise DataError("this reading is of an earlier look", value=turn.reading, advice="Look at the path again.")
        return self._readings[turn.reading].source

    def _ready(self, turn: Turn) -> Source:
        """Return the source at a path once it is ready, telling meanwhile how far it is."""
        turn.preparation = ready = self.project.prepare(self._source(turn))
        ready.on_change(lambda _: self._tell(turn, ready.text or "Adding…", ready.fraction))
        if turn.stopped.is_set():  # before there was anything to cancel
            ready.cancel()
        return ready.result()

    def _added(self, turn: Turn, name: str, into: str) -> dict[str, Any]:
        try:
            return self._used(turn, name, into)
        except AskError:  # of what lies in an archive nothing was known before
            return self._looked(turn)

    def _used(self, turn: Turn, name: str, into: str) -> dict[str, Any]:
        source = self._ready(turn)
        made = self.project.dataset(into).add(source, name) if into else self.project.add_images(source, name)
        self._made(made.name)
        return {"path": "", "done": f"{counted(made.n_images, 'image', 'images')} in {made.name}."}


def _given_up(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state after a cancel: what was found still stands there."""
    seen = _seen(state)
    return {**seen, "path": state.get("path", ""), **({"said": _CANCELLED} if seen else {})}


def _seen(state: dict[str, Any]) -> dict[str, Any]:
    """Return what stays on the page while more is done with the same path."""
    return {name: value for name, value in state.items() if name in _STAYS}


def _seen_from_here(found: Found) -> Iterator[Fact]:
    """Yield what was found, the path as the notebook's folder sees it."""
    what, *more = found.facts()
    yield what._replace(text=from_here(what.text))
    yield from more


def _key(reading: Reading) -> str:
    """Return what a page calls a reading; where an archive is unpacked is no matter of it."""
    plain = {name: value for name, value in reading.source.plain().items() if name != "unpacked"}
    return hashlib.sha256(orjson.dumps(plain)).hexdigest()[:12]


def _pictures(found: Found) -> list[dict[str, str]]:
    """Return a few pictures as a page shows them; those that cannot be read have none."""
    with ThreadPoolExecutor(processes.usable_cores(), thread_name_prefix="nbtrain-look") as pool:
        made = pool.map(lambda picture: thumbnail_of(picture.path, found.conversion), found.pictures)
        return [
            {
                "src": f"data:image/jpeg;base64,{b64encode(data).decode()}" if data else "",
                "file": picture.file,
                "labels": ", ".join(picture.labels),
            }
            for picture, data in zip(found.pictures, made, strict=True)
        ]
