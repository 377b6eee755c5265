"""The part of the panel Data that tells of sources: path, kind and images; taken out, brought back, found again.

Listing a folder takes seconds, so all of it is done aside; what it came to stands in one trait. It knows a data set's
sources; where the panel gets its data set from, data.py says.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from traitlets import Dict, HasTraits, List

from nbtrain.errors import NbtrainError
from nbtrain.project.dataset import LiveDataSet


class SourceWishes(HasTraits):
    """A mixin for the panel that has ``data``, ``soon`` and ``_chose``."""

    sources = List(
        Dict(), help="Every source: name, path, kind, images and classes, whether it is there, or was taken out."
    ).tag(sync=True)
    finding = Dict(
        help="Of the source that is changed: which, the path looked at, text, busy, ok, whole, and done at the end."
    ).tag(sync=True)

    _chose: Callable[[], None]
    aside: Callable[[str, Callable[[], object]], None]
    soon: Callable[..., None]

    @property
    def data(self) -> LiveDataSet | None:
        """The data set that is shown."""
        raise NotImplementedError

    def _sources(self) -> list[dict[str, Any]]:
        data = self.data
        facts = data.source_facts if data is not None else []
        return [
            {
                "name": one.name, "path": one.path, "shown": from_here(one.path), "kind": one.kind, "there": one.there,
                "images": one.n_images, "classes": one.n_classes, "removed": one.removed,
            }
            for one in facts
        ]  # fmt: skip

    def do_remove_source(self, source: str) -> None:
        """Take a source out; its files stay where they are, and it can come back."""
        self._arrange(source, "Taking it out…", lambda data: data.remove_source(source), "Taken out.")

    def do_restore_source(self, source: str) -> None:
        """Bring a source back that was taken out."""
        self._arrange(source, "Bringing it back…", lambda data: data.restore_source(source), "Back again.")

    def do_check_source(self, source: str, path: str) -> None:
        """Say how many of a source's images lie at another path; an empty one asks nothing any more."""
        if not path.strip():
            self.finding = {}
            return
        told = {"source": source, "path": path}

        def check(data: LiveDataSet) -> dict[str, Any]:
            match = data.check_source(source, path)
            return {**told, "text": str(match), "ok": match.n_same > 0, "whole": match.whole}

        self._work({**told, "busy": True, "text": "Looking…"}, check)

    def do_move_source(self, source: str, path: str, partly: bool = False) -> None:
        """Read a source from another path, where its images were found again."""

        def move(data: LiveDataSet) -> dict[str, Any]:
            match = data.move_source(source, path, partly=partly)
            self._chose()
            return {"source": source, "done": f"Read from {from_here(match.path)} from now on."}

        self._work({"source": source, "path": path, "busy": True, "text": "Reading…"}, move)

    def _arrange(self, source: str, text: str, change: Callable[[LiveDataSet], object], done: str) -> None:
        def work(data: LiveDataSet) -> dict[str, Any]:
            change(data)
            self._chose()
            return {"source": source, "done": done}

        self._work({"source": source, "busy": True, "text": text}, work)

    def _work(self, told: dict[str, Any], job: Callable[[LiveDataSet], dict[str, Any]]) -> None:
        data = self.data
        if data is None or self.finding.get("busy"):
            return
        self.finding = told
        self.aside("sources", lambda: self._finish(data, told, job))

    def _finish(self, data: LiveDataSet, told: dict[str, Any], job: Callable[[LiveDataSet], dict[str, Any]]) -> None:
        found: dict[str, Any] = {**told, "busy": False, "ok": False, "text": "That did not work."}
        try:
            found = job(data)
        except NbtrainError as error:
            found["text"] = str(error)
        finally:
            self.finding = found


def from_here(path: str) -> str:
    """Return a path as the notebook's folder sees it, where it lies below that."""
    return path.removeprefix(os.path.join(os.getcwd(), ""))
