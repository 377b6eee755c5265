"""The catalogue of models: what timm and torchvision offer, known without importing either.

catalog.json is written by scripts/make_catalog.py and shipped; it is read once, on first use. FLOPs are those of one
image at the default input size, a multiply-add counted as two. Building a model is backbones.py's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

import orjson

from nbtrain.errors import ConfigError, Problem, shown

_USUAL_PX = 256
PROVIDERS = ("timm", "torchvision")


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the catalogue."""

    provider: str
    variant: str
    family: str
    parameters: int | None
    flops: int | None
    """Operations for one image at ``input_size``; None where it could not be measured."""
    input_size: int
    """Default height and width in pixels."""
    licence: str
    """Licence of the pretrained weights, empty where there are none or it is not stated."""
    pretrained: bool
    """Whether pretrained weights are published."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    file: str
    """Where the weights are: a repository on the Hugging Face hub, or the address of a file."""

    @property
    def summary(self) -> str:
        """Return size, cost and licence in a few words: ``11.7 M parameters · 3.6 GFLOPs · apache-2.0``."""
        words = [f"{self.parameters / 1e6:.3g} M parameters" if self.parameters else ""]
        words += [f"{self.flops / 1e9:.3g} GFLOPs" if self.flops else "", self.licence]
        return " · ".join(word for word in words if word)


@cache
def entries(provider: str) -> Mapping[str, Entry]:
    """Return every model of ``provider`` by its variant name."""
    packed = _catalog()[provider]
    columns = dict(packed["columns"])
    for name, table in packed["tables"].items():
        values = [tuple(value) if isinstance(value, list) else value for value in table]
        columns[name] = [values[index] for index in columns[name]]
    rows = zip(*columns.values(), strict=True)
    return {row[0]: Entry(provider, **dict(zip(columns, row, strict=True))) for row in rows}


@cache
def _catalog() -> dict[str, Any]:
    text = resources.files("nbtrain.models").joinpath("catalog.json").read_bytes()
    return orjson.loads(text)  # type: ignore[no-any-return]


def version(provider: str) -> str:
    """Return the version of ``provider`` that the catalogue was made from."""
    return str(_catalog()[provider]["version"])


@cache
def families(provider: str) -> tuple[str, ...]:
    """Return the names of the families of ``provider``, in alphabetical order."""
    return tuple(sorted({entry.family for entry in entries(provider).values()}, key=str.casefold))


@cache
def variants(provider: str, family: str) -> tuple[Entry, ...]:
    """Return the models of one family, smallest first."""
    found = (entry for entry in entries(provider).values() if entry.family == family)
    return tuple(sorted(found, key=lambda entry: (entry.parameters or 0, entry.variant)))


def starter(provider: str, family: str) -> Entry:
    """Return the model to start a family with: the smallest of usual input size that has published weights."""
    found = variants(provider, family)
    return min(found, key=lambda entry: (not entry.pretrained, entry.input_size > _USUAL_PX, entry.parameters or 0))


def entry(provider: str, variant: str) -> Entry:
    """Return the model called ``variant``; raises ConfigError with the nearest names, also of other providers."""
    found = entries(provider).get(variant)
    if found is None:
        raise ConfigError([_unknown(provider, variant)])
    return found


def _unknown(provider: str, variant: str) -> Problem:
    near = get_close_matches(variant, entries(provider), n=3)
    other = next((name for name in PROVIDERS if name != provider and variant in entries(name)), "")
    advice = f"Did you mean {', '.join(near)}? " if near else ""
    advice += f"{other} has it: set model.kind to {other}." if other else ""
    advice = advice.strip() or f"The catalogue lists {len(entries(provider))} models of {provider}, by family."
    return Problem("variant", f"{provider} has no model {shown(variant)}.", advice)


def search(text: str, provider: str | None = None) -> tuple[Entry, ...]:
    """Return the models whose name or family holds every word of ``text``, smallest first."""
    words = text.casefold().split()
    chosen = [provider] if provider else PROVIDERS
    found = [
        entry
        for name in chosen
        for entry in entries(name).values()
        if all(word in f"{entry.variant} {entry.family} {name}".casefold() for word in words)
    ]
    return tuple(sorted(found, key=lambda entry: (entry.parameters or 0, entry.variant)))
