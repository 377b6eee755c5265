"""Any configuration that the form can reach comes back unchanged: form → JSON → command line → code.

The configurations are drawn from the schema itself, so that a new field or kind is tested unasked.
"""

from __future__ import annotations

import json
import random
from contextlib import suppress
from functools import cache
from typing import Any

import pytest

from nbtrain import config as config_module
from nbtrain.cli.values import values
from nbtrain.config import Config
from nbtrain.errors import ConfigError
from nbtrain.schema import Family, Field, Section, fields
from nbtrain.schema.fields import part_kinds
from nbtrain.ui.form import plain_value

EDITS, SEEDS = 6, 24


def drawn(rng: random.Random, found: Field, config: Config) -> Any:
    """Return a value that a person could enter at this field: a choice, a number within the limits, a text."""
    if found.auto and rng.random() < 0.3:
        return "auto"
    if found.choices and found.type != "parts":
        return rng.choice(found.choices).value
    match found.type:
        case "bool":
            return rng.random() < 0.5
        case "int" | "float":
            return number(rng, found)
        case "numbers":
            return [number(rng, found) for _ in range(found.length or rng.randint(0, 4))]
        case "parts":
            kinds = list(part_kinds(config, found.path))
            return [{"kind": kind} for kind in rng.choices(kinds, k=rng.randint(0, 3))]
    return rng.choice(["", "a b", "Größe 🙂", "x.pt", "cpu", "cuda:1", "[1, 2", '"quoted"', "--flag", "1e-3", "-7"])


def number(rng: random.Random, found: Field) -> Any:
    low = found.minimum if found.minimum is not None else found.above
    high = found.maximum if found.maximum is not None else found.below
    shape = rng.choice(["edge", "soft", "any"])
    ends = found.soft if shape == "soft" and found.soft else (low, high)
    value = rng.choice(ends) if shape == "edge" else rng.uniform(*ends)
    whole = found.type == "int" or (isinstance(found.default, list) and all(isinstance(n, int) for n in found.default))
    return round(value) if whole else rng.choice([value, float(f"{value:.2e}"), f"{value:.3g}"])


@cache
def reached(seed: int) -> Config:
    """Return a configuration after many edits as the form makes them; what is refused leaves it as it was."""
    rng, config = random.Random(seed), Config()
    for name, section in config:  # every kind of every family has its turn
        if isinstance(section, Family):
            kinds = list(type(section).root.kinds())
            config = config.set(f"{name}.kind", kinds[seed % len(kinds)])
    for _ in range(EDITS):
        listed = [found for found in fields(config) if found.shown and (found.type != "kind" or rng.random() < 0.1)]
        for found in rng.sample(listed, min(12, len(listed))):
            with suppress(ConfigError):
                config = config.set(found.path, drawn(rng, found, config))
    return config


def words(config: Config) -> list[str]:
    """Return the arguments that stand for ``config`` on a command line: every kind, then every field."""
    told = []
    for found in fields(config):
        if any(found.path.startswith(f"{path}.") for path in lists(config)):
            continue  # it stands in its list
        value = plain_value(config.get(found.path))
        told.append(f"--{found.path}={value if isinstance(value, str) else json.dumps(value)}")
    return told


def lists(config: Config) -> list[str]:
    return [found.path for found in fields(config) if found.type == "parts"]


def names(made: type[Section]) -> dict[str, type[Section]]:
    """Return every class that a configuration is written with in code."""
    found = {made.__name__: made}
    for name in vars(config_module).values():
        if isinstance(name, type) and issubclass(name, Section):
            kinds = name.root.kinds().values() if issubclass(name, Family) and hasattr(name, "root") else ()
            found |= {kind.__name__: kind for kind in (name, *kinds)}
    for path in ("augmentation.train", "logging.targets"):
        found |= {kind.__name__: kind for kind in part_kinds(Config(), path).values()}
    return found


@pytest.mark.parametrize("seed", range(SEEDS))
def test_form_json_command_line_and_code_agree(seed):
    config = reached(seed)
    from_json = Config.decoded(json.loads(json.dumps(config.encoded())))
    from_line = Config().set_all(values(words(from_json)))
    from_code = eval(repr(from_line), {**names(Config), "inf": None, "nan": None})
    assert from_json == config
    assert from_line == config
    assert from_code == config
    assert from_code.hash == config.hash


def test_edits_reach_every_kind_and_almost_every_field():
    """Else the test above would show less than it says."""
    seen: set[str] = set()
    changed: set[str] = set()
    for seed in range(SEEDS):
        config = reached(seed)
        for found in fields(config):
            seen.add(f"{found.path}={config.get(found.path)}" if found.type == "kind" else found.path)
            if plain_value(config.get(found.path)) != found.default:
                changed.add(found.path)
    for name, section in Config():
        if isinstance(section, Family):
            missing = {kind for kind in type(section).root.kinds() if f"{name}.kind={kind}" not in seen}
            assert not missing, (name, missing)
    assert len(changed) > 100
