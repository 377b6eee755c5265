"""Adding images from a panel: look at a path, say what is there before it is used, then add it.

Both take from a moment to minutes, so they run on a thread of their own, whose news a panel draws from ``state``. It
knows projects and sources; it knows no widget, so that every panel that adds images shows the very same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Thread
from typing import Any

from nbtrain.data.records import counted
from nbtrain.data.sources import ElsewhereError, look, rooted
from nbtrain.errors import NbtrainError
from nbtrain.project.project import Project

_log = logging.getLogger("nbtrain.ui")


class Adding:
    """What stands between a path that somebody has typed and a data set of ``project``."""

    def __init__(self, project: Project, changed: Callable[[], None], made: Callable[[str], None]) -> None:
        """Add to ``project``; ``changed`` hears that ``state`` is another, ``made`` the name of what was added.

        Both are called on the thread that works.
        """
        self.project, self._changed, self._made = project, changed, made
        self.state: dict[str, Any] = {}
        """For the page: path; busy and text while it works; lines and ok of what was found; done once it was added.

        ``elsewhere``: its annotations name images that lie elsewhere.
        """
        self._turn = 0

    def look(self, path: str, root: str = "") -> None:
        """Say what lies at ``path``, before it is used; an empty one asks nothing any more.

        ``root`` is the folder of the images, where annotations name them elsewhere.
        """
        if path.strip():
            self._work(path, "Looking…", lambda: self._looked(path, root))
        else:
            self.cancel()
            self.state = {}

    def add(self, path: str, name: str = "", into: str = "", root: str = "") -> None:
        """Add the images at ``path``: as a data set called ``name``, or ``into`` the one of that name."""
        self._work(path, "Adding…", lambda: self._added(path, name, into, root))

    def cancel(self) -> None:
        """Give up what is under way; what it comes to is not shown any more."""
        self._turn += 1
        if self.state.get("busy"):
            self.state = {"path": self.state["path"]}

    def _work(self, path: str, text: str, job: Callable[[], dict[str, Any]]) -> None:
        self._turn += 1
        self.state = {"path": path, "busy": True, "text": text}
        Thread(target=self._finish, args=(path, job, self._turn), name="nbtrain-look", daemon=True).start()

    def _finish(self, path: str, job: Callable[[], dict[str, Any]], turn: int) -> None:
        try:
            found = {"path": path, **job()}
        except NbtrainError as error:
            found = {"path": path, "lines": [str(error)], "ok": False, "elsewhere": isinstance(error, ElsewhereError)}
        except Exception as error:  # noqa: BLE001 - nobody reads a traceback of this thread
            _log.exception("the images at %s could not be added", path)
            found = {"path": path, "lines": [f"That did not work: {type(error).__name__}: {error}"], "ok": False}
        if turn == self._turn:
            self.state = found
            self._changed()

    def _looked(self, path: str, root: str) -> dict[str, Any]:
        return {"lines": list(look(rooted(path, root)).lines()), "ok": True}

    def _added(self, path: str, name: str, into: str, root: str) -> dict[str, Any]:
        source = rooted(path, root)
        made = self.project.dataset(into).add(source, name) if into else self.project.add_images(source, name)
        self._made(made.name)
        return {"path": "", "done": f"{counted(made.n_images, 'image', 'images')} in {made.name}."}
