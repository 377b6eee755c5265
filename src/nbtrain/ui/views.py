"""Which pages show a panel: every view speaks for itself, and one that goes without a word is not counted for ever.

A view says that it is seen, again every 20 s while that is so, that it is hidden, and that it has gone (see
``Panel.report`` in js/src/lib/panel.ts). It knows view ids and clocks; it does not know any panel.
"""

from __future__ import annotations

import sys
import time
from typing import Any

LEASE_S = 60.0
"""A view that has said nothing for so long, while the kernel could have heard it, is taken for gone."""
_ASK_S = 1.0


class Hearing:
    """When this kernel last took messages: while it runs a cell it may take none, and then silence says nothing."""

    def __init__(self) -> None:
        self._heard_s, self._asked_s = time.monotonic(), 0.0

    def heard(self) -> None:
        """Note that a message was taken just now."""
        self._heard_s = time.monotonic()

    def last_s(self) -> float:
        """Return when that was, on the monotonic clock, and have the kernel's loop say whether it is free."""
        now_s = time.monotonic()
        if now_s > self._asked_s + _ASK_S:
            self._asked_s = now_s
            loop = _kernel_loop()
            if loop is None:
                self.heard()  # no kernel, so nothing keeps it from hearing
            else:
                loop.add_callback(self.heard)
        return self._heard_s


HEARING = Hearing()
"""The kernel's one."""


class Views:
    """The views of one panel, by id."""

    def __init__(self, hearing: Hearing = HEARING) -> None:
        self._hearing = hearing
        self._seen: dict[str, float] = {}
        """When each view that is seen last said so."""
        self._here: set[str] = set()
        """Views that are on a page, seen or hidden."""
        self._any_yet = False

    def say(self, view: str, *, seen: bool, gone: bool = False) -> bool:
        """Take what a view says of itself; return whether the panel was not seen before, and is now."""
        before, self._any_yet = self.seen, True
        self._hearing.heard()
        self._seen.pop(view, None)
        self._here.discard(view)
        if not gone:
            self._here.add(view)
        if seen and not gone:
            self._seen[view] = time.monotonic()
        return self.seen and not before

    @property
    def seen(self) -> bool:
        """Whether any page shows the panel, as far as is known; a panel that no view has spoken of counts as seen."""
        if not self._any_yet:
            return True
        since_s = self._hearing.last_s() - LEASE_S
        return any(at_s >= since_s for at_s in list(self._seen.values()))

    @property
    def all_gone(self) -> bool:
        """Whether there were views, and each has said that it has gone."""
        return self._any_yet and not self._here


def _kernel_loop() -> Any:
    """Return the loop that takes the messages of this process's kernel, None where there is no kernel."""
    shell = sys.modules.get("IPython")
    here = shell.get_ipython() if shell is not None else None
    return getattr(getattr(here, "kernel", None), "io_loop", None)
