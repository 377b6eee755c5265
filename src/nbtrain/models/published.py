"""Published weights, as far as that can be told without asking the network: whether they lie in a cache already.

It knows where the Hugging Face hub and torch keep what they have fetched. It fetches nothing and imports neither.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import psutil

from nbtrain.errors import Problem
from nbtrain.models.catalog import Entry
from nbtrain.models.model import unpublished

_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth")
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def problem_of(entry: Entry) -> Problem | None:
    """Return why the weights of ``entry`` cannot be had, None where they lie here or could be fetched."""
    if problem := unpublished(entry):
        return problem
    why = _cut_off(entry)
    if not why or _is_cached(entry):
        return None
    told = f"the weights of {entry.variant} are not on this machine, and {why}."
    return Problem(
        "model.pretrained", told, f"Fetch {address(entry)} elsewhere and set model.weights_file to it, or turn it off."
    )


def address(entry: Entry) -> str:
    """Return the address of the file with the weights."""
    return entry.file if _is_address(entry) else f"https://huggingface.co/{entry.file}/resolve/main/model.safetensors"


def _is_address(entry: Entry) -> bool:
    return entry.file.startswith("http")


def _cut_off(entry: Entry, environment: Mapping[str, str] = os.environ) -> str:
    """Return why nothing can be fetched; empty where it might: a network that is there may still lead nowhere."""
    for name in () if _is_address(entry) else _OFFLINE:
        if environment.get(name, "").strip().lower() in ("1", "true", "yes", "on"):
            return f"{name} forbids fetching them"
    try:
        connected = any(card.isup for name, card in psutil.net_if_stats().items() if not name.startswith("lo"))
    except OSError:
        return ""
    return "" if connected else "it has no network"


def _is_cached(entry: Entry) -> bool:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    if _is_address(entry):
        torch_home = Path(os.environ.get("TORCH_HOME") or caches / "torch").expanduser()
        return (torch_home / "hub" / "checkpoints" / entry.file.rpartition("/")[2]).is_file()
    home = Path(os.environ.get("HF_HOME") or caches / "huggingface").expanduser()
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    hub = Path(named).expanduser() if named else home / "hub"
    kept = (hub / f"models--{entry.file.replace('/', '--')}" / "snapshots").glob("*/*")
    return any(file.suffix in _WEIGHTS and file.exists() for file in kept)
