"""Configurations that a form can reach: random kinds, and random legal values in the fields that they show."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from nbtrain.config import Config
from nbtrain.errors import ConfigError
from nbtrain.schema import Field, fields


def configs(count: int, edits: int = 25, seed: int = 0) -> Iterator[Config]:
    """Yield ``count`` configurations, each some edits away from the default one."""
    chance = random.Random(seed)
    for _ in range(count):
        config = Config().set("data.dataset", "flowers")
        for _ in range(edits):
            config = _edited(config, chance)
        yield config


def _edited(config: Config, chance: random.Random) -> Config:
    kinds = [found for found in fields(config) if found.type == "kind" and found.path.count(".") == 1]
    shown = [found for found in fields(config) if found.shown and found.type not in ("kind", "parts")]
    found = chance.choice(kinds if chance.random() < 0.2 else shown)
    try:
        return config.set(found.path, value_for(found, chance))
    except ConfigError:  # what a form refuses is not reached
        return config


def value_for(found: Field, chance: random.Random) -> Any:
    """Return a value that the field's own limits allow."""
    if found.choices:
        return chance.choice(found.choices).value
    match found.type:
        case "bool":
            return chance.random() < 0.5
        case "int" | "float":
            return "auto" if found.auto and chance.random() < 0.3 else _number(found, chance)
        case "numbers":
            return [_number(found, chance) for _ in range(found.length or 2)]
    return found.default


def _number(found: Field, chance: random.Random) -> float:
    low = found.minimum if found.minimum is not None else found.above if found.above is not None else -10.0
    high = found.maximum if found.maximum is not None else found.below if found.below is not None else 10.0
    drawn = low + (min(high, low + 1000) - low) * chance.choice((1e-6, 0.01, 0.3, 0.999, 1 - 1e-9))
    return round(drawn) if found.type == "int" else drawn
