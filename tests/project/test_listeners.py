"""Who listens to what."""

import pytest

from nbtrain.errors import NbtrainError
from nbtrain.project.listeners import Listeners, happened


@pytest.mark.parametrize(
    ("before", "now", "events"),
    [
        (("training", 1), ("training", 1), ["news"]),
        (("training", 1), ("training", 2), ["news", "epoch"]),
        (("training", 2), ("completed", 2), ["news", "status", "completed"]),
        (("pending", 0), ("preparing", 0), ["news", "status"]),
    ],
)
def test_what_happened_between_two_states(before, now, events):
    assert happened(before, now) == events


def test_listeners_come_and_go():
    heard, listeners = [], Listeners()
    off = listeners.add("epoch", heard.append)
    listeners.tell("a", ["news", "epoch"])
    off()
    listeners.tell("b", ["epoch"])
    assert heard == ["a"]
    with pytest.raises(NbtrainError, match="no such event"):
        listeners.add("epochs", heard.append)
