"""What all panels share: where their JavaScript is, how a click reaches a method, how errors are told.

A click arrives as ``{"do": "rename", …}`` and calls ``do_rename(…)``. Handlers return at once and write no widget
traits; they change the experiment and ask for a redraw, which the pulse does. This file knows widgets; it does not
know experiments.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import anywidget
from ipywidgets import Layout
from traitlets import HasTraits, Unicode

from nbtrain.errors import NbtrainError
from nbtrain.ui.pulse import PULSE

STATIC = Path(__file__).parent / "static"
_NOT_BUILT = """export default { render({ el }) {
  el.textContent = "This panel's JavaScript is not built. In a source checkout: make build";
} };"""
_CLICK_S = 0.05
_log = logging.getLogger("nbtrain.ui")


def asset(name: str) -> Path | str:
    """Return the built file called ``name``, or for a script that is not built one that says so."""
    path = STATIC / name
    return path if path.exists() else _NOT_BUILT if name.endswith(".js") else ""


class Panel(anywidget.AnyWidget):
    """Base of all panels. A subclass says ``twin="header"`` and has ``js/src/header.ts`` as its other half."""

    trouble = Unicode(help="What went wrong with the last wish, for the person; empty when nothing did.").tag(sync=True)

    twin: ClassVar[str] = ""
    GAP_S: ClassVar[float] = 0.1
    """Least time between two redraws for a run's beat; whatever a person does is shown within half of that."""
    COMPANY_S: ClassVar[float] = 0.0
    """How much longer a beat may wait for another panel's redraw, so that the page is painted once for both."""

    def __init_subclass__(cls, twin: str = "", **kwargs: Any) -> None:
        if twin:
            cls.twin, cls._esm, cls._css = twin, asset(f"{twin}.js"), asset(f"{twin}.css")
        super().__init_subclass__(**kwargs)

    def __init__(self, **kwargs: Any) -> None:
        self._observed: list[tuple[HasTraits, Callable[[Any], None], Iterable[str]]] = []
        self._drawing = threading.RLock()
        super().__init__(**kwargs)
        self.on_msg(self._received)
        answer_beside_cells(self)

    # -- drawing ------------------------------------------------------------------------------------------------

    def redraw(self) -> None:
        """Set the synced traits from the present state; mostly on the pulse thread, and one at a time."""
        with self._drawing, self.hold_sync():
            for name, value in self.state().items():
                setattr(self, name, value)

    def state(self) -> dict[str, Any]:
        """Return the value of every trait that this panel shows."""
        return {}

    def soon(self, change: Any = None) -> None:
        """Ask for a redraw; nothing is drawn for a page that nobody sees. A run's ``beat`` is in less of a hurry."""
        if not getattr(self, "visible", True):
            return
        if isinstance(change, dict) and change.get("name") == "beat":
            PULSE.soon(self.redraw, self.GAP_S, self.COMPANY_S)
        else:
            PULSE.soon(self.redraw, _CLICK_S)

    def follow(self, model: HasTraits, *names: str, call: Callable[[Any], None] | None = None) -> None:
        """Redraw, or ``call``, when one of ``names`` changes, until :meth:`unfollow`."""
        handler = call or self.soon
        model.observe(handler, list(names))
        self._observed.append((model, handler, list(names)))

    def unfollow(self) -> None:
        """Let go of every model that is followed."""
        for model, handler, names in self._observed:
            model.unobserve(handler, list(names))
        self._observed = []

    def close(self) -> None:
        """Let go of the models and take the panel off the page."""
        self.unfollow()
        super().close()

    # -- clicks -------------------------------------------------------------------------------------------------

    def _received(self, _: Any, content: Any, buffers: Any = None) -> None:
        if isinstance(content, dict) and content.get("seen") and self.has_trait("visible"):
            self.visible = True  # a page has opened; see reportVisibility in js/src/lib/panel.ts
            self.soon()
        if isinstance(content, dict) and isinstance(content.get("do"), str):
            wish = {name: value for name, value in content.items() if name != "do"}
            self.perform(content["do"], **wish)

    def perform(self, what: str, **wish: Any) -> None:
        """Do what a click asks for; whatever goes wrong is told on the panel, never raised into the kernel."""
        handler = getattr(self, f"do_{what}", None)
        if handler is None:
            return
        self.tell("")
        try:
            handler(**wish)
        except NbtrainError as error:
            self.tell(str(error))
        except Exception as error:  # noqa: BLE001 - a traceback has no reader on the handlers' thread
            _log.exception("the wish %r failed", what)
            self.tell(f"That did not work: {type(error).__name__}: {error}")
        self.soon()

    def tell(self, trouble: str) -> None:
        """Show ``trouble`` on the panel, or take it away."""
        if trouble != self.trouble:
            self.trouble = trouble


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
