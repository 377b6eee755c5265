"""Writing behind the loop: never two at once, the loop held up only before its step, every end told."""

from __future__ import annotations

import errno
import threading

import pytest
import torch

from nbtrain.errors import TrainingError
from nbtrain.messages import Notice, Saved
from nbtrain.training.checkpoint import STATE_KEYS, Checkpoints
from nbtrain.training.keeper import Keeper
from nbtrain.training.settings import Checkpoint


class Held(Checkpoints):
    """Checkpoints whose writing waits for :attr:`go`; it keeps what was to be written, and raises ``error``."""

    def __init__(self, folder):
        super().__init__(folder, Checkpoint())
        self.go, self.error, self.at_once, self.most = threading.Event(), None, 0, 0

    def save(self, state, *, best):
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        assert self.go.wait(10)
        self.at_once -= 1
        if self.error:
            raise self.error
        return super().save(state, best=best)


@pytest.fixture
def held(tmp_path):
    return Held(tmp_path)


@pytest.fixture
def keeper(held):
    said = []
    made = Keeper(held, 10, said.append)
    made.said = said
    yield made
    held.go.set()
    made.close()


def state(step, weights):
    return {**dict.fromkeys(STATE_KEYS), "step": step, "epoch": step // 10, "metrics": {}, "model_state_dict": weights}


def test_the_loop_goes_on_while_it_is_written(held, keeper):
    weights = {"w": torch.ones(10)}
    keeper.keep(state(25, weights), [], best=True)
    keeper.before_step()
    weights["w"].zero_()
    keeper.take_in()
    assert keeper.said == []
    assert keeper.under_way
    held.go.set()
    keeper.take_in(wait=True)
    [saved] = keeper.said
    assert (saved.step, saved.epoch, saved.best, saved.size_bytes > 0) == (25, 2.5, True, True)
    assert held.newest().state["model_state_dict"]["w"].sum() == 10
    assert keeper.has(25, 2)
    assert not keeper.has(26, 2)


def test_never_two_at_once(held, keeper):
    keeper.keep(state(10, {}), [], best=False)
    with pytest.raises(RuntimeError, match="under way"):
        keeper.keep(state(20, {}), [], best=False)
    threading.Timer(0.05, held.go.set).start()
    assert not keeper.has(20, 2)  # waits for the first
    keeper.keep(state(20, {}), [], best=False)
    keeper.take_in(wait=True)
    assert [m.step for m in keeper.said if isinstance(m, Saved)] == [10, 20]
    assert held.most == 1


def test_a_refusing_disk_is_told_and_the_last_one_must_be_kept(held, keeper):
    held.error = OSError(errno.ENOSPC, "No space left on device")
    held.go.set()
    keeper.keep(state(10, {}), [], best=False)
    keeper.take_in(wait=True)
    [notice] = keeper.said
    assert isinstance(notice, Notice)
    assert "step 10 was not kept: the disk is full" in notice.text
    assert not keeper.has(10, 1)
    keeper.keep(state(10, {}), [], best=False)
    with pytest.raises(TrainingError, match="step 10 was not kept") as raised:
        keeper.take_in(wait=True, must=True)
    assert raised.value.cause == "disk"


def test_any_other_error_is_raised_in_the_loop(held, keeper):
    held.error = TrainingError("another trainer has taken this run over", cause="interrupted")
    held.go.set()
    keeper.keep(state(10, {}), [], best=False)
    with pytest.raises(TrainingError, match="taken this run over"):
        keeper.take_in(wait=True)
    keeper.take_in(wait=True)  # once


def test_a_copy_that_fails_holds_nobody_up(keeper, monkeypatch):
    def no_memory():
        raise MemoryError

    monkeypatch.setattr(keeper._behind._snapshot, "copy", no_memory)
    keeper.keep(state(10, {}), [], best=False)
    keeper.before_step()
    keeper.take_in(wait=True)
    assert [notice.text.partition(":")[2] for notice in keeper.said] == [
        " there was no memory for it. The ones before it are untouched. Training goes on."
    ]
    keeper.keep(state(20, {}), [], best=False)
    with pytest.raises(TrainingError) as raised:
        keeper.take_in(wait=True, must=True)
    assert raised.value.cause == "out of memory"


def test_the_clock_asks(keeper, monkeypatch):
    now_s = [100.0]
    monkeypatch.setattr("nbtrain.training.keeper.time.monotonic", lambda: now_s[0])
    keeper.has(0, 0)
    assert not keeper.due(60)
    now_s[0] += 60
    assert keeper.due(60)
    assert not keeper.due(0)
    keeper.has(5, 0)
    assert not keeper.due(60)
