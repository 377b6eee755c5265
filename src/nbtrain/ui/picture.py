"""The picture of a panel that a saved notebook keeps, for places without a kernel or without widgets.

A front end that is told to update a widget's own output draws the widget once more, beside the first (JupyterLab's
renderer adds a view). So the picture is an output of its own behind the widget's: theme.css hides it wherever the
widget itself is drawn, and it is renewed in place (``update_display_data``), which adds no output. It is renewed as a
run ends and every minute while one goes on, page or no page: what waits for a page to come back are a few kilobytes.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from nbtrain import files
from nbtrain.ui.pulse import PULSE

EVERY_S = 60.0
LOOK_S = 2.0
_NOTHING = "<span></span>"
"""What stands in a saved notebook in place of the widget: the picture comes after it."""
_log = logging.getLogger("nbtrain.ui")


class Pictured:
    """A mixin for widgets that are displayed: what shows them as a picture, and in lines of text."""

    _picture = ""
    """Display id of the picture, empty before the first display."""
    _drawn: tuple[Any, float] = ((), 0.0)
    """What was going on when the picture was drawn last, and when that was, on the monotonic clock."""

    def picture_html(self) -> str:
        """Return the picture as it is now."""
        raise NotImplementedError

    def picture_text(self) -> str:
        """Return the same in a few lines of text."""
        raise NotImplementedError

    def going_on(self) -> tuple[Any, bool]:
        """Return what a new picture is due for at once where it changes, and whether a run goes on."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return with_picture(super()._repr_mimebundle_(**kwargs), self.picture_html(), self.picture_text())  # type: ignore[misc]

    def _ipython_display_(self) -> None:
        """Show the widget, and behind it the picture."""
        from IPython.display import display

        bundle = super()._repr_mimebundle_()  # type: ignore[misc]
        if not bundle:  # it is closed
            return
        display(with_picture(bundle, _NOTHING, self.picture_text()), raw=True)  # type: ignore[no-untyped-call]
        first = not self._picture
        self._picture = self._picture or files.new_id()
        self._drawn = (self.going_on()[0], time.monotonic())
        shown = {"text/html": framed(self.picture_html())}
        display(shown, raw=True, display_id=self._picture)  # type: ignore[no-untyped-call]
        if first:
            PULSE.later(self._look, LOOK_S)

    def _look(self) -> None:
        """Renew the picture where that is due, and look again in a moment, as long as the widget is there."""
        from IPython import get_ipython
        from IPython.display import display

        if getattr(self, "comm", None) is None or get_ipython() is None:
            return
        try:
            now, runs = self.going_on()
            before, drawn_s = self._drawn
            if now != before or (runs and time.monotonic() - drawn_s >= EVERY_S):
                self._drawn = (now, time.monotonic())
                shown = {"text/html": framed(self.picture_html())}
                display(shown, raw=True, display_id=self._picture, update=True)  # type: ignore[no-untyped-call]
        except Exception:  # noqa: BLE001 - a project that cannot be read for a moment, or a kernel that is ending
            _log.exception("the picture for the saved notebook could not be renewed")
        PULSE.later(self._look, LOOK_S)


def framed(html: str) -> str:
    """Return the picture as theme.css knows it."""
    return f'<div class="nbt-picture">{html}</div>'


def with_picture(shown: Any, html: str, text: str) -> Any:
    """Return a widget's mime bundle with a picture and a text for places that have no kernel, or no widgets."""
    if not shown:
        return shown
    bundle, *rest = shown if isinstance(shown, tuple) else (shown,)
    full = {**bundle, "text/html": html, "text/plain": text}
    return (full, *rest) if rest else full
