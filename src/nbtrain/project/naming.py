"""Names of experiments that nobody has named: what they train on, with what, and when they were made.

``resnet18-digits-adamw-1120`` reads as model, data set, optimizer, hour and minute. It knows configurations and
words; what a name may hold is card.py's matter.
"""

from __future__ import annotations

import time
from collections.abc import Collection

from nbtrain.config import Config

_LONGEST_WORD = 40


def generated(config: Config, made_s: float, taken: Collection[str]) -> str:
    """Return a readable name for an experiment made at ``made_s`` that none of ``taken`` has."""
    clock = time.strftime("%H%M", time.localtime(made_s))
    words = [_model(config), config.data.dataset, config.optimizer.kind, clock]
    name = "-".join(word[:_LONGEST_WORD].strip() for word in words if word.strip())
    return name if name not in taken else _numbered(name, taken)


def _model(config: Config) -> str:
    """The architecture's own name where it has one, with its activation where a person chose that."""
    words = (getattr(config.model, "activation", ""), getattr(config.model, "variant", "") or config.model.kind)
    return "-".join(str(word) for word in words if word)


def _numbered(name: str, taken: Collection[str]) -> str:
    return next(free for number in range(2, 100_000) if (free := f"{name}-{number}") not in taken)
