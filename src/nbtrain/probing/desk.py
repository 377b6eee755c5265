"""What a short job finds on its desk: the project, the request, and a way to say how far it is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbtrain.messages import Progress
from nbtrain.training.commands import Commands, Say
from nbtrain.wiring import Wiring

_EVERY_S = 0.1


@dataclass(slots=True)
class Desk:
    """The surroundings of one job."""

    project: Path
    """The project's folder, to read from."""
    request: Mapping[str, Any]
    """What was asked for, as JSON gives it back."""
    say: Say
    """Takes messages: what wiring.py says of its phases is shown as progress too."""
    beside: str = ""
    """Beside whom the job works on its device; empty where it is alone."""
    _told_s: float = field(default=0.0, init=False)

    def wiring(self) -> Wiring:
        """Return what wires ``request["frozen"]`` (see project/freeze.py) to the project's data."""
        return Wiring(self.project, self.request["frozen"], self.say, Commands(lambda: ()))

    def progress(self, text: str, fraction: float | None = None) -> None:
        """Say what is under way and how much of it is done (0…1, None where unknown); too many words are dropped."""
        now = time.monotonic()
        if now - self._told_s >= _EVERY_S or fraction == 1:
            self._told_s = now
            self.say(Progress(text=text, fraction=fraction))
