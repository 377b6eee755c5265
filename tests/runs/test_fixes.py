"""Fixes: legal changes for every cause that a change can help, and none that changes nothing."""

from __future__ import annotations

import pytest

from nbtrain.config import Config
from nbtrain.messages import CAUSES, Failure, decode, encode
from nbtrain.runs.fixes import fixes_of

HELPLESS = {"killed", "interrupted", "code", "data", "configuration"}


@pytest.mark.parametrize("cause", CAUSES)
def test_every_fix_is_legal_and_changes_something(cause):
    config = Config()
    fixes = fixes_of(Failure(cause=cause, message=""), config.plain())
    assert bool(fixes) == (cause not in HELPLESS)
    for fix in fixes:
        assert config.set_all(fix["changes"]) != config
    failure = Failure(cause=cause, message="", fixes=fixes)
    assert decode(encode(failure)) == failure


@pytest.mark.parametrize(
    ("cause", "message", "changes", "first"),
    [
        ("out of memory", "", {"training.batch_size": 1}, "Use images of 160 px"),
        ("out of memory", "with 1 of 32 images at once", {}, "Use images of 160 px"),
        ("out of memory", "while the loader read", {}, "Use one loader worker"),
        ("out of memory", "while the loader read", {"data.workers": 1}, "Use no loader workers"),
        ("worker", "", {"data.workers": 8}, "Use no loader workers"),
        ("numerics", "", {"optimizer.lr": 3e-3}, "Lower the learning rate to 0.0003"),
        ("disk", "", {"checkpoint.keep_last_n": 3}, "Keep only the newest checkpoint and the best"),
        ("data", "raise data.allowed_bad_share", {}, "Skip up to 5% of broken images"),
    ],
)
def test_the_first_fix_is_the_likeliest(cause, message, changes, first):
    config = Config().set_all(changes)
    assert fixes_of(Failure(cause=cause, message=message), config.plain())[0]["label"] == first


def test_a_configuration_that_cannot_be_read_gets_none():
    assert fixes_of(Failure(cause="numerics", message=""), None) == ()
    assert fixes_of(Failure(cause="numerics", message=""), {"optimizer": 7}) == ()
