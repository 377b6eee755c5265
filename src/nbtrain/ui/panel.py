"""What all panels share: where their JavaScript is, how a click reaches a method, how errors are told.

A click arrives as ``{"do": "rename", "of": …, …}`` and calls ``do_rename(…)``; ``of`` says what the page showed when it
was clicked. Handlers return at once and write no widget traits; they change the experiment and ask for a redraw, which
the pulse does. Whatever goes wrong, on whatever thread, stands on the page and in the log. This file knows widgets; it
does not know experiments.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import anywidget
from ipywidgets import Layout
from traitlets import HasTraits, Unicode

from nbtrain.errors import NbtrainError
from nbtrain.ui.pulse import PULSE
from nbtrain.ui.views import Views

STATIC = Path(__file__).parent / "static"
_NOT_BUILT = """export default { render({ el }) {
  el.textContent = "This panel's JavaScript is not built. In a source checkout: make build";
} };"""
_CLICK_S = 0.05
_log = logging.getLogger("nbtrain.ui")


class Asset:
    """The text of a built file, read when a panel is first made; for a script that is not built one that says so.

    A path would have anywidget tie every panel to the file's changes, and none would ever be let go; that is for
    ``ANYWIDGET_HMR=1`` alone, where the panels are worked on.
    """

    def __init__(self, name: str) -> None:
        self.path = STATIC / name

    @cached_property
    def text(self) -> str:
        """What is in the file."""
        if self.path.exists():
            return self.path.read_text(encoding="utf-8")
        return _NOT_BUILT if self.path.suffix == ".js" else ""

    def __str__(self) -> str:
        return self.text


def asset(name: str) -> Asset | Path:
    """Return what anywidget takes for the built file called ``name``."""
    found = Asset(name)
    return found.path if os.environ.get("ANYWIDGET_HMR") == "1" and found.path.exists() else found


class Panel(anywidget.AnyWidget):
    """Base of all panels. A subclass says ``twin="header"`` and has ``js/src/header.ts`` as its other half."""

    trouble = Unicode(help="What went wrong with the last wish, for the person; empty when nothing did.").tag(sync=True)
    broken = Unicode(help="What could not be drawn, and why; empty while everything can.").tag(sync=True)
    of = Unicode(help="Id of the experiment, or name of the data set, that is shown: each wish says it again.").tag(
        sync=True
    )

    told = ""
    """What went wrong with the last wish."""

    twin: ClassVar[str] = ""
    FREE: ClassVar[frozenset[str]] = frozenset()
    """Wishes that change nothing but what is shown, and need not be of what is shown now."""
    GAP_S: ClassVar[float] = 0.1
    """Least time between two redraws for a run's beat; whatever a person does is shown within half of that."""
    COMPANY_S: ClassVar[float] = 0.0
    """How much longer a beat may wait for another panel's redraw, so that the page is painted once for both."""

    def __init_subclass__(cls, twin: str = "", **kwargs: Any) -> None:
        if twin:
            cls.twin, cls._esm, cls._css = twin, asset(f"{twin}.js"), asset(f"{twin}.css")
        super().__init_subclass__(**kwargs)

    def __init__(self, **kwargs: Any) -> None:
        self._followed_models: dict[tuple[int, Callable[[Any], None]], _Followed] = {}
        self._drawing, self._failing = threading.RLock(), dict[str, str]()
        self.views = Views()
        """The pages that show this panel."""
        self._own_layout = "layout" not in kwargs
        super().__init__(**kwargs)
        self.on_msg(self._received)
        answer_beside_cells(self)

    # -- drawing ------------------------------------------------------------------------------------------------

    def redraw(self) -> None:
        """Draw the present state, mostly on the pulse thread; what goes wrong is told, and stops no other panel."""
        try:
            with self._drawing:
                self.draw()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one panel, the others are drawn
            _log.exception("the panel %s could not be drawn", self.twin)
            self.went("draw", error)
        else:
            self.went("draw")

    def draw(self) -> None:
        """Set the synced traits from the present state."""
        with self.hold_sync():
            self.of = self.subject()
            for name, value in self.state().items():
                setattr(self, name, value)

    def state(self) -> dict[str, Any]:
        """Return the value of every trait that this panel shows."""
        return {}

    def subject(self) -> str:
        """Return the id of what is shown; empty where every wish names what it is about."""
        return ""

    def went(self, job: str, error: Exception | None = None) -> None:
        """Say on the page that ``job`` has failed, until it has gone well; the pulse tells it of its jobs too."""
        if error is None and job not in self._failing:
            return
        self._failing.pop(job, None)
        if error is not None:
            self._failing[job] = f"This could not be drawn: {type(error).__name__}: {error}"
        self.broken = " ".join(dict.fromkeys(self._failing.values()))

    @property
    def visible(self) -> bool:
        """Whether any page shows this panel, as far as is known."""
        return self.views.seen

    @property
    def closed(self) -> bool:
        """Whether the panel has been taken off all pages, for good."""
        return self.comm is None

    def soon(self, change: Any = None) -> None:
        """Ask for a redraw; nothing is drawn for a page that nobody sees. A run's ``beat`` is in less of a hurry."""
        if self.closed or not self.visible:
            return
        if isinstance(change, dict) and change.get("name") == "beat":
            PULSE.soon(self.redraw, self.GAP_S, self.COMPANY_S)
        else:
            PULSE.soon(self.redraw, _CLICK_S)

    # -- following ----------------------------------------------------------------------------------------------

    def follow(self, model: HasTraits, *names: str, call: Callable[[Any], None] | None = None) -> None:
        """Redraw, or ``call``, when one of ``names`` changes, until :meth:`unfollow`; twice is the same as once."""
        key = (id(model), call or self.soon)
        followed = self._followed_models.get(key)
        if followed is None:
            followed = self._followed_models[key] = _Followed(self, model, call or self.soon)
        followed.add(names)

    def unfollow(self, *models: HasTraits) -> None:
        """Let go of ``models``, or of every one that is followed; of one that is not, there is nothing to let go."""
        chosen = {id(model) for model in models}
        for key in [key for key in self._followed_models if not models or key[0] in chosen]:
            self._followed_models.pop(key).stop()

    def close(self) -> None:
        """Let go of the models and take the panel off all pages, with the layout that was made for it alone."""
        self.unfollow()
        if self._own_layout and not self.closed:
            self.layout.close()
        super().close()

    # -- clicks -------------------------------------------------------------------------------------------------

    def _received(self, _: Any, content: Any, buffers: Any = None) -> None:
        if not isinstance(content, dict):
            return
        if isinstance(content.get("do"), str):
            wish = {name: value for name, value in content.items() if name != "do"}
            self.perform(content["do"], **wish)
        elif isinstance(content.get("view"), str):
            self._spoke(content["view"], content)

    def _spoke(self, view: str, content: dict[str, Any]) -> None:
        """Take what a view says of itself; one that asks whether the kernel is there is answered at once."""
        if self.views.say(view, seen=content.get("seen") is True, gone=content.get("gone") is True):
            self.appeared()
        if content.get("ask") is True:
            self.send({"here": view})

    def appeared(self) -> None:
        """Draw what has happened while no page showed the panel."""
        self.soon()

    def perform(self, what: str, of: str | None = None, **wish: Any) -> None:
        """Do what a click asks for; whatever goes wrong is told on the panel, never raised into the kernel.

        ``of`` is what the page showed when it was clicked: a wish never acts on anything else.
        """
        self.tell("")
        with self.telling(what):
            if of is not None and of != self.subject() and what not in self.FREE:
                raise NbtrainError(
                    "nothing was done, because something else is shown now than when this was clicked",
                    value=what,
                    advice="Look again, then click again.",
                )
            handler = getattr(self, f"do_{what}", None)
            if handler is None:
                raise NbtrainError(
                    "there is no such wish", value=what, advice="Reload the page: it is of an older kind."
                )
            handler(**wish)
        self.soon()

    @contextmanager
    def telling(self, what: str) -> Iterator[None]:
        """Tell on the panel what goes wrong with ``what``; what is no refusal stands in the log too."""
        try:
            yield
        except NbtrainError as error:
            self.tell(str(error))
        except Exception as error:  # noqa: BLE001 - a traceback has no reader on the handlers' threads
            _log.exception("%r failed", what)
            self.tell(f"That did not work: {type(error).__name__}: {error}")

    def aside(self, what: str, job: Callable[[], object]) -> None:
        """Run ``job`` on a thread of its own, tell what goes wrong, and draw what it has come to unless it is False."""

        def run() -> None:
            found: object = None
            with self.telling(what):
                found = job()
            if found is not False:
                self.soon()

        threading.Thread(target=run, name=f"nbtrain-{what}", daemon=True).start()

    def tell(self, trouble: str) -> None:
        """Show ``trouble`` on the panel, or take it away; a state that has troubles of its own keeps ``told``."""
        self.told = self.trouble = trouble


class _Followed:
    """A model whose changes a panel wants to hear of; what goes wrong then is the panel's affair, not the model's."""

    def __init__(self, panel: Panel, model: HasTraits, call: Callable[[Any], None]) -> None:
        self._panel, self._model, self._call = panel, model, call
        self._names: set[str] = set()

    def add(self, names: Iterable[str]) -> None:
        """Listen to these traits too."""
        new = [name for name in names if name not in self._names]
        if new:
            self._model.observe(self.changed, new)
            self._names.update(new)

    def changed(self, change: Any) -> None:
        """Call whoever follows."""
        job = getattr(self._call, "__name__", "follow")
        try:
            self._call(change)
        except Exception as error:  # noqa: BLE001 - else the model's own change would fail, for all who follow it
            _log.exception("the panel %s could not take a change", self._panel.twin)
            self._panel.went(job, error)
        else:
            self._panel.went(job)

    def stop(self) -> None:
        """Listen no more."""
        if self._names:
            self._model.unobserve(self.changed, list(self._names))
        self._names.clear()


class Heart:
    """A mixin for panels whose page should notice that the kernel is gone: a trait ``beat`` that keeps changing."""

    BEAT_S: ClassVar[float] = 2.0

    def start_beating(self) -> None:
        """Beat from now on, as long as the page is seen; at once, for the kernel may die while the pulse is busy."""
        self.pump()

    def pump(self) -> None:
        """Beat once and plan the next one."""
        if getattr(self, "visible", True):
            self.beat = time.time()
        if getattr(self, "comm", None) is not None:
            PULSE.later(self.pump, self.BEAT_S)


def answer_beside_cells(widget: Any) -> None:
    """Let clicks on ``widget`` be handled while a cell runs.

    ipykernel 7.4.0 hands a comm's messages back to the (sub)shell that last published on it: for a widget made in a
    cell, the main shell, which is busy until the cell ends. The front end's own choice is right.
    """
    comm = getattr(widget, "comm", None)
    if comm is not None and hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda data, default: default


def shared_layout() -> Layout:
    """Return one layout for several panels: each would otherwise open a comm for its own."""
    return Layout()
