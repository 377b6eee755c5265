"""Fixes: legal changes for every cause that a change can help, and none that changes nothing."""

from __future__ import annotations

import pytest

from nbtrain.config import Config
from nbtrain.data.scan import Bad, ScanResult
from nbtrain.errors import DataError
from nbtrain.messages import CAUSES, Failure, decode, encode
from nbtrain.runs.failures import failure_of
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
        (
            "data",
            "16 images of 120 cannot be used, more than the allowed 1 %: a",
            {},
            "Skip the 16 broken images (13 %)",
        ),
        ("data", "1 image of 60 cannot be used, more than the allowed 1 %: a", {}, "Skip the broken image (2 %)"),
    ],
)
def test_the_first_fix_is_the_likeliest(cause, message, changes, first):
    config = Config().set_all(changes)
    assert fixes_of(Failure(cause=cause, message=message), config.plain())[0]["label"] == first


def test_a_configuration_that_cannot_be_read_gets_none():
    assert fixes_of(Failure(cause="numerics", message=""), None) == ()
    assert fixes_of(Failure(cause="numerics", message=""), {"optimizer": 7}) == ()


@pytest.mark.parametrize(("bad", "n_images"), [(16, 120), (1, 3), (7, 100), (1797, 12_000), (5, 12_000), (119, 120)])
def test_the_share_that_is_offered_for_broken_images_suffices(bad, n_images):
    """The refusal's own words are read, and a run with the change gets past them."""
    found = ScanResult(n_images, tuple(Bad(f"{n}.png", "truncated") for n in range(bad)), 0)
    with pytest.raises(DataError) as refused:
        found.check(0.0001)
    failure = failure_of(refused.value)
    assert failure.message.count(refused.value.advice) == 0
    (fix,) = fixes_of(failure, Config().set("data.allowed_bad_share", 0.0001).plain())
    assert f"{bad:,}".replace(",", " ") in fix["label"] or bad == 1
    share = fix["changes"]["data.allowed_bad_share"]
    assert found.check(share)
    assert share <= bad / n_images + 0.001
