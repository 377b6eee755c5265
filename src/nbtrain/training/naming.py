"""Names for the best and the last checkpoint, as a person writes them: a file name with blanks to be filled in.

``{name}-{epoch:03}-{metric:.3f}.pt`` becomes ``baseline-012-0.953.pt``. A name is one file in the checkpoints folder,
whatever stands in the blanks. It knows names; it does not know files, nor torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from nbtrain.files import slug

_BLANK = re.compile(r"\{([a-z]*)(?::([^{}]*))?\}")
_FORMS = {"name": r"", "epoch": r"0?[1-9]?", "step": r"0?[1-9]?", "metric": r"(\.[0-9]f)?"}
"""What may stand behind the colon of each blank."""
_PLAIN = re.compile(r"[A-Za-z0-9][\w.-]{0,99}\.pt", re.ASCII)
_OURS = re.compile(r"step-\d", re.IGNORECASE)
"""How the names of the checkpoints themselves begin."""
_LARGE = 1e6


def checked(pattern: str) -> str:
    """Return ``pattern`` where it is one; raises ValueError with what is allowed."""
    for blank in _BLANK.finditer(pattern):
        if not re.fullmatch(_FORMS.get(blank[1], r"(?!)"), blank[2] or "", re.ASCII):
            raise ValueError("the blanks are {name}, {epoch}, {step} and {metric}, such as {epoch:03} or {metric:.3f}")
    example = _BLANK.sub("0", pattern)
    if not _PLAIN.fullmatch(example):
        raise ValueError("a checkpoint's name is letters, digits, '.', '_', '-' and blanks in {}, and ends in .pt")
    if _OURS.match(example):
        raise ValueError("a name that begins like the checkpoints' own (step-…) would stand for two things")
    return pattern


def has_blanks(pattern: str) -> bool:
    """Tell whether the name changes from checkpoint to checkpoint."""
    return _BLANK.search(pattern) is not None


def is_link(name: str) -> bool:
    """Tell whether ``name`` may be a person's name for a checkpoint, and no other file."""
    return _PLAIN.fullmatch(name) is not None and not _OURS.match(name)


@dataclass(frozen=True, slots=True)
class Naming:
    """What fills the blanks beside step and epoch: the experiment's name, and which metric is meant."""

    name: str = ""
    metric: str = ""

    def filled(self, pattern: str, step: int, epoch: int, metrics: Mapping[str, float]) -> str:
        """Return the file name that ``pattern`` stands for."""
        values = {"name": slug(self.name), "epoch": epoch, "step": step, "metric": metrics.get(self.metric, math.nan)}

        def fill(blank: re.Match[str]) -> str:
            value, form = values[blank[1]], blank[2] or ""
            if isinstance(value, float):
                return f"{value:.0e}".replace("+", "") if abs(value) >= _LARGE else f"{value:{form or '.4f'}}"
            return f"{value:{form}}"

        name = _BLANK.sub(fill, pattern)
        return f"x-{name}" if _OURS.match(name) else name
