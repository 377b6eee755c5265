"""Changes of a run that trains: what may be asked for, in words of the form, before anything is sent to the trainer.

It knows configurations and what the run has begun; it does not know traits, nor the trainer (training/live.py judges
again, because a command file may come from anywhere).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbtrain.config import Config, Facts
from nbtrain.errors import ConfigError, NbtrainError, Problem, StatusError
from nbtrain.messages import Change, Changed, Message
from nbtrain.training.changes import Changes, Entry, live_paths

UNDECIDED = ("auto is decided before a run begins.", "Give a number.")
"""What is wrong with auto in the middle of a run, and what to do."""


def entries(run: Path | None) -> tuple[Entry, ...]:
    """Return what was changed in the run folder ``run``; nothing where that cannot be read, which a resume tells."""
    try:
        return Changes.of(run).entries if run else ()
    except NbtrainError:
        return ()


def asked(now: Config, path: str, value: Any, begun: int, facts: Facts) -> Change | None:
    """Return what to ask of the trainer so that ``path`` becomes ``value``; None where it is that already.

    Raises StatusError for a field that is fixed while the run trains, ConfigError for a value that is not allowed.
    """
    wanted = now.set(path, value)
    live = live_paths(now)
    if path not in live:
        advice = f"These can: {', '.join(live)}. For all else, duplicate the experiment."
        raise StatusError(f"{path} cannot be changed while it trains", advice=advice)
    found = wanted.get(path)
    if found == "auto":
        raise ConfigError([Problem(path, *UNDECIDED)])
    before = now.check(facts)
    problems = [problem for problem in wanted.check(facts) if problem not in before]
    if path == "training.epochs":
        problems += too_few(found, begun)
    if problems:
        raise ConfigError(problems)
    return Change(path=path, value=found) if found != now.get(path) else None


def too_few(epochs: int, begun: int) -> list[Problem]:
    """Return what is wrong with a number of epochs of which ``begun`` have begun; nothing where it is enough."""
    if epochs >= begun:
        return []
    return [Problem("training.epochs", f"{epochs} is too few: {begun} have begun.", f"At least {begun}.")]


def begun(epoch: int, step: int, epochs: int, steps: int) -> int:
    """Return how many epochs have begun where ``epoch`` are done at ``step`` of ``steps``; at least one."""
    return max(1, epoch + (step * epochs > epoch * steps))


def answered(messages: Sequence[Message]) -> dict[str, str]:
    """Return the paths whose changes ``messages`` answer, each with the reason of a refusal or nothing."""
    return {message.path: message.refused for message in messages if isinstance(message, Changed)}
