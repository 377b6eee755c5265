"""Where the time of a run goes, phase by phase: the table that a profile keeps and that people are shown.

Phases are parts of a step (load, transfer, forward, backward, step), what is done between steps (say, validate, save),
and the rest. It knows seconds and words; what measures them is profile.py's matter. No torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from nbtrain import files
from nbtrain.errors import NbtrainError

FILE, FLAME = "profile.json", "profile.html"
"""Names in a run's folder: the table, and the flame graph."""
NAMES = ("load", "transfer", "forward", "backward", "step", "say", "validate", "save")
MEANING: Mapping[str, str] = {
    "load": "waiting for the loader's next batch",
    "transfer": "to the device, normalised, mixed",
    "forward": "the network and its loss",
    "backward": "the gradients",
    "step": "clipping, optimizer, schedule, average",
    "say": "losses read from the device and written down",
    "validate": "validation, its loading included",
    "save": "what a checkpoint holds the loop up",
    "other": "what lies between, looking for commands for one",
}
COLUMNS = ("phase", "seconds", "share", "ms_per_step")
"""What each row of the table holds."""
Span: TypeAlias = Callable[[str], AbstractContextManager[object]]
"""Gives the context that a phase runs in."""
_NOTHING = nullcontext()


def no_span(_: str) -> AbstractContextManager[object]:
    """Return a context that does nothing, for a run without a profile."""
    return _NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """The time of one life of a run, by phase."""

    seconds: Mapping[str, float]
    steps: int
    took_s: float
    """Seconds of training, validation and checkpoints included."""
    device: str
    apart_s: float = 0.0
    """Seconds of the steps that were recorded for the flame graph, which are slower and not among the others."""

    @property
    def rows(self) -> list[tuple[str, float, float, float]]:
        """Name, seconds, share of all, milliseconds per step of each phase, in the order of a step."""
        rest = max(0.0, self.took_s - sum(self.seconds.values()))
        told = {name: self.seconds[name] for name in NAMES if name in self.seconds} | {"other": rest}
        whole, steps = max(self.took_s, 1e-9), max(1, self.steps)
        return [(name, took_s, took_s / whole, 1e3 * took_s / steps) for name, took_s in told.items()]

    def lines(self) -> list[str]:
        """Return the table as text, its head first."""
        head = f"{'phase':<10}{'seconds':>9}{'share':>8}{'ms/step':>10}"
        told = [f"{n:<10}{s:>9.2f}{share:>8.1%}{ms:>10.2f}  {MEANING[n]}" for n, s, share, ms in self.rows]
        return [f"{head}  {self.steps} steps on {self.device}", *told]

    def write(self, folder: Path) -> None:
        """Keep the table in a run's folder; raises OSError."""
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in self.rows]
        files.write_json(folder / FILE, {"format": 1, **asdict(self), "rows": rows}, durable=False)


def read(folder: Path) -> Phases | None:
    """Return the table in a run's folder, None where there is none that can be read."""
    try:
        plain: dict[str, Any] = files.read_json(folder / FILE)
        seconds = {str(name): float(took_s) for name, took_s in plain["seconds"].items() if name in NAMES}
        told = {"steps": int(plain["steps"]), "took_s": float(plain["took_s"]), "device": str(plain["device"])}
        return Phases(seconds=seconds, apart_s=float(plain["apart_s"]), **told)  # type: ignore[arg-type]
    except (OSError, NbtrainError, KeyError, TypeError, ValueError, AttributeError):
        return None
