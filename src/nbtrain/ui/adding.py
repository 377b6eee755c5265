"""Adding images from a panel: look at a path, say what is there before it is used, then add it.

Both take from a moment to minutes, so they run on a thread of their own, which gives up when it is told to; what has to
be unpacked, or is a person's own code, runs in a process of its own (project/preparing.py). A panel draws ``state``. It
knows projects and sources; it knows no widget, so that every panel that adds images shows the very same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any

from nbtrain.data.heed import heeding
from nbtrain.data.records import counted
from nbtrain.data.scan import Interrupted
from nbtrain.data.sources import ElsewhereError, Source, look, rooted
from nbtrain.errors import NbtrainError
from nbtrain.project.preparing import Preparation, placed
from nbtrain.project.project import Project

_log = logging.getLogger("nbtrain.ui")
_CANCELLED = "Cancelled. Nothing was added."


@dataclass(slots=True)
class Turn:
    """One piece of work that somebody has asked for, and may have given up."""

    path: str
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
        """For the page: path; busy, text and fraction while it works; lines and ok of what was found, said or done;
        elsewhere where its annotations name images that lie elsewhere."""
        self._turn = Turn("")
        self._guard = Lock()
        """Clicks, the thread that works and the watch thread all write the state."""

    def look(self, path: str, root: str = "") -> None:
        """Say what lies at ``path``, before it is used; an empty one asks nothing any more.

        ``root`` is the folder of the images, where annotations name them elsewhere.
        """
        if path.strip():
            self._work(path, "Looking…", lambda turn: self._looked(turn, root))
        else:
            self._take(Turn(""), {})

    def add(self, path: str, name: str = "", into: str = "", root: str = "") -> None:
        """Add the images at ``path``: as a data set called ``name``, or ``into`` the one of that name."""
        self._work(path, "Adding…", lambda turn: self._added(turn, name, into, root))

    def cancel(self) -> None:
        """Give up what is under way, and return at once; nothing comes of it."""
        if self.state.get("busy"):
            self._take(Turn(""), _given_up(self.state))

    def _work(self, path: str, text: str, job: Callable[[Turn], dict[str, Any]]) -> None:
        turn = Turn(path)
        seen = _seen(self.state) if self.state.get("path") == path else {}
        self._take(turn, {**seen, "path": path, "busy": True, "text": text, "fraction": None})
        Thread(target=self._finish, args=(turn, job), name="nbtrain-look", daemon=True).start()

    def _finish(self, turn: Turn, job: Callable[[Turn], dict[str, Any]]) -> None:
        try:
            with heeding(lambda text: self._tell(turn, f"{text}…", None), turn.stopped.is_set):
                found = {"path": turn.path, **job(turn)}
        except Interrupted:
            found = _given_up(self.state)
        except NbtrainError as error:
            elsewhere = isinstance(error, ElsewhereError)
            found = {"path": turn.path, "lines": [str(error)], "ok": False, "elsewhere": elsewhere}
        except Exception as error:  # noqa: BLE001 - nobody reads a traceback of this thread
            _log.exception("the images at %s could not be added", turn.path)
            found = {"path": turn.path, "lines": [f"That did not work: {type(error).__name__}: {error}"], "ok": False}
        self._put(turn, found)

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

    def _looked(self, turn: Turn, root: str) -> dict[str, Any]:
        return {"lines": list(look(placed(self.project.path, rooted(turn.path, root))).lines()), "ok": True}

    def _ready(self, turn: Turn, root: str) -> Source:
        """Return the source at a path once it is ready, telling meanwhile how far it is."""
        turn.preparation = ready = self.project.prepare(rooted(turn.path, root))
        ready.on_change(lambda _: self._tell(turn, ready.text or "Adding…", ready.fraction))
        if turn.stopped.is_set():  # before there was anything to cancel
            ready.cancel()
        return ready.result()

    def _added(self, turn: Turn, name: str, into: str, root: str) -> dict[str, Any]:
        source = self._ready(turn, root)
        made = self.project.dataset(into).add(source, name) if into else self.project.add_images(source, name)
        self._made(made.name)
        return {"path": "", "done": f"{counted(made.n_images, 'image', 'images')} in {made.name}."}


def _given_up(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state after a cancel: what was found still stands there."""
    seen = _seen(state)
    return {**seen, "path": state.get("path", ""), **({"said": _CANCELLED} if seen else {})}


def _seen(state: dict[str, Any]) -> dict[str, Any]:
    """Return what stays on the page while more is done with the same path."""
    return {name: value for name, value in state.items() if name in ("lines", "ok")}
