"""A model that is built while the data are scanned: by a thread, at the moment at which nothing else draws a number.

Building takes as long as looking through the images of a small set, and neither needs the other: the classes stand in
what was frozen. What both would share are the process's generators, which building seeds and draws from. A scan draws
nothing; so the thread is waited for before anything that might (transforms are tried, batch sizes are measured), and
the weights are those that building in its place would give, bit for bit. It knows no configuration: wiring.py does.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from torch import nn

_LOOK_S, _PATIENCE_S, _GIVEN_UP_S = 0.05, 0.5, 0.5
Say = Callable[[str], None]


class Ahead:
    """One model on its way, as a context: inside it, nothing may draw a number; when it is left, the model is there.

    ``make`` builds the model and tells, in sentences, what a person should read. ``look`` is called while it is waited
    for, and may raise; ``tell`` once, where that takes long. Left by an exception, it waits a moment only.
    """

    def __init__(self, make: Callable[[Say], nn.Module], look: Callable[[], None], tell: Callable[[], None]) -> None:
        self._make, self._look, self._tell = make, look, tell
        self._told: list[str] = []
        self._model: nn.Module | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._build, name="nbtrain-model", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._thread.join(_GIVEN_UP_S)
            return
        told_s = time.monotonic() + _PATIENCE_S
        while self._thread.is_alive():
            self._look()
            if time.monotonic() > told_s:
                told_s = math.inf
                self._tell()
            self._thread.join(_LOOK_S)

    def take(self, say: Say) -> nn.Module:
        """Return the model, after saying what was told on the way; raises what building it has raised."""
        for sentence in self._told:
            say(sentence)
        if self._model is None:
            raise self._error or RuntimeError("the model is not there yet")
        return self._model

    def _build(self) -> None:
        try:
            self._model = self._make(self._told.append)
        except BaseException as error:  # noqa: BLE001 - raised where the model is taken
            self._error = error
