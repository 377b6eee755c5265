"""A model that is built beside the scan: the same weights, waited for as long as it takes, and left alone by a stop."""

from __future__ import annotations

import threading

import pytest
import torch

from nbtrain.ahead import Ahead
from nbtrain.errors import ConfigError, Problem


class Left(Exception):  # noqa: N818 - as Stopped, nothing went wrong
    pass


def nothing() -> None:
    pass


def test_it_is_there_when_the_context_is_left_and_what_was_told_is_told_when_it_is_taken():
    enough, looks, told = threading.Event(), [], []

    def make(say):
        enough.wait()
        say("Weights were loaded.")
        return torch.nn.Linear(2, 2)

    def look():
        looks.append(1)
        if len(looks) == 3:
            enough.set()

    with Ahead(make, look, nothing) as ahead:
        with pytest.raises(RuntimeError, match="not there yet"):
            ahead.take(told.append)
    assert isinstance(ahead.take(told.append), torch.nn.Linear)
    assert told == ["Weights were loaded."]


def test_what_building_raises_is_raised_where_the_model_is_taken():
    def make(say):
        raise ConfigError([Problem("model.variant", "there is none.", "")])

    with Ahead(make, nothing, nothing) as ahead:
        pass
    with pytest.raises(ConfigError, match="there is none"):
        ahead.take(nothing)


def test_a_stop_does_not_wait_for_it_and_a_long_wait_is_told(monkeypatch):
    monkeypatch.setattr("nbtrain.ahead._PATIENCE_S", 0.0)
    enough, told = threading.Event(), []

    def look():
        if told:
            raise Left

    with pytest.raises(Left):
        with Ahead(lambda say: enough.wait() and torch.nn.Linear(1, 1), look, lambda: told.append("building")):
            pass
    assert told == ["building"]
    monkeypatch.setattr("nbtrain.ahead._GIVEN_UP_S", 0.01)
    with pytest.raises(ValueError, match="the scan"):
        with Ahead(lambda say: enough.wait() and torch.nn.Linear(1, 1), look, nothing):
            raise ValueError("the scan")
    enough.set()
