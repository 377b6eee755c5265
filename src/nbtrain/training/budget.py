"""The time budget of one life of a run: when it has to keep a checkpoint and leave, so that it is gone in time.

Counted from the moment at which a life begins to prepare; each life has the whole budget, and waiting for a device is
none. Room is left for what still has to be done, as long as it took last: the checkpoint, and before a validation that
as well, because one that is broken off has to be done again. It knows times; it does not know who spends them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

Work = Literal["save", "validate"]
_SPARE = 1.25
"""The next checkpoint or validation may take this much longer than the last."""
_FIRST_SHARE, _FIRST_S = 0.05, 20.0
"""Room for a checkpoint that has not been measured yet: a share of the budget, at most these seconds."""


class Budget:
    """How much time a life has, and how much of it is needed to end well; ``minutes`` 0 is no limit."""

    def __init__(self, minutes: float = 0.0, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.minutes, self._clock_s = minutes, clock_s
        self._began_s = clock_s()
        self._took_s: dict[Work, float] = {}
        self.up = False
        """Whether the life has been ended by its budget."""

    def is_up(self, ahead: Work = "save") -> bool:
        """Return whether it is time to keep a checkpoint and leave, before a validation that may be ``ahead``."""
        if not self.minutes:
            return False
        left_s = self.minutes * 60 - (self._clock_s() - self._began_s)
        self.up = self.up or left_s <= self._room_s(ahead)
        return self.up

    @contextmanager
    def measured(self, work: Work) -> Iterator[None]:
        """Remember how long the work inside takes."""
        began_s = self._clock_s()
        yield
        self.remember(work, self._clock_s() - began_s)

    def remember(self, work: Work, took_s: float) -> None:
        """Expect ``work`` to take about as long the next time."""
        self._took_s[work] = took_s

    @property
    def why(self) -> str:
        """Why the life ended, in words."""
        length = f"{self.minutes:g} minute{'' if self.minutes == 1 else 's'}"
        return f"the time budget of {length} is used up. Resume goes on with a new one"

    def _room_s(self, ahead: Work) -> float:
        save_s = self._took_s.get("save", min(_FIRST_SHARE * self.minutes * 60, _FIRST_S) / _SPARE)
        return _SPARE * (save_s + (self._took_s.get("validate", 0.0) if ahead == "validate" else 0.0))
