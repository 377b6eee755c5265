"""The loop on real digits: what it learns, says and keeps, and that a second life repeats the first bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from nbtrain.errors import TrainingError
from nbtrain.messages import Message, Metric, Notice, PerClass, Saved, Status, Stop, encode
from nbtrain.training.checkpoint import STATE_KEYS
from nbtrain.training.commands import Commands
from nbtrain.training.optimizers import Optimizer
from nbtrain.training.settings import Checkpoint
from training import tiny
from training.tiny import of, tiny_loop


def test_a_run_learns_says_and_keeps(tmp_path):
    loop, said = tiny_loop(tmp_path, n=1000, epochs=6)
    outcome = loop.run()
    assert (outcome.status, outcome.reason) == ("completed", "")
    train = [m for m in of(said, Metric) if m.split == "train"]
    val = [m for m in of(said, Metric) if m.split == "val"]
    assert [m.step for m in train[:9]] == [4, 8, 12, 16, 20, 24, 28, 31, 32]
    assert set(train[0].values) == {"loss", "lr", "accuracy"}
    assert set(val[0].values) == {"loss", "accuracy", "top5", "precision", "recall", "f1", "auroc"}
    assert [m.epoch for m in val] == [1, 2, 3, 4, 5, 6]
    assert val[-1].values["accuracy"] > 0.9
    assert train[-1].values["loss"] < train[0].values["loss"] / 2
    assert of(said, PerClass)[-1].rows[3][0] == "3"
    first = of(said, Status)[0]
    assert (first.status, first.phase, first.epochs, first.steps) == ("training", "training", 6, 186)
    assert {m.phase for m in of(said, Status)} == {"training", "validating", "saving"}
    best = json.loads((tmp_path / "best.json").read_bytes())
    assert best["metrics"]["accuracy"] == max(m.values["accuracy"] for m in val)
    assert of(said, Saved)[-1].step == json.loads((tmp_path / "last.json").read_bytes())["step"] == 186
    assert all(encode(m) for m in said)


class Reads(TorchDispatchMode):
    """Counts how often a number is read from the device: item(), float() and bool() of a tensor all end here."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("options", [{}, {"clip": 0.5, "multiplier": 2, "ema": True}])
def test_no_step_reads_from_the_device(tmp_path, options):
    loop, said = tiny_loop(tmp_path, **options)
    loop.parts.model.train()
    batches = iter(list(loop.parts.train.stream(0, 6)))  # what reading draws is no part of a step
    with Reads() as reads:
        for _ in range(3):
            loop._step(batches, loop.plan.multiplier)
        assert reads.count == 0
        loop._say_losses()
    assert reads.count > 0
    assert len(said) == 1


def test_a_checkpoint_is_plain_and_complete(tmp_path):
    tiny_loop(tmp_path, epochs=1, ema=True)[0].run()
    state = torch.load(tmp_path / "last_checkpoint.pt", weights_only=True)
    assert set(state) == set(STATE_KEYS)
    assert (state["step"], state["epoch"], state["classes"]) == (10, 1, list(tiny.CLASSES))
    tiny.Network().load_state_dict(state["model_state_dict"])
    tiny.Network().load_state_dict(state["ema_state_dict"])


ALL = {"epochs": 3, "mix": True, "ema": True, "warmup": 1.0, "multiplier": 3, "clip": 1.0}
CASES = {
    "plain": {},
    "everything": ALL,
    "bfloat16": {**ALL, "precision": "bf16-mixed"},
    "several labels": {"several": True, "ema": True, "clip": 0.5},
    **{
        kind: {"optimizer": kind, "layer_decay": 0.7, "unfreeze": 1, "clip": 1.0, "warmup": 0.5}
        for kind in Optimizer.kinds()
    },
}


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
@pytest.mark.parametrize("stops", [(7,), (3, 5, 11)], ids=str)
def test_a_stopped_run_goes_on_bit_for_bit(tmp_path, options, stops):
    """Stopped in the middle of an epoch, once or several times: weights, averages, optimizer, metrics and losses."""
    whole, heard = tiny_loop(tmp_path / "whole", **options)
    whole.run()
    said: list[Message] = []
    for stop_at in (*stops, None):
        loop, news = tiny_loop(tmp_path / "pieces", **options, stop_at=stop_at)
        status = loop.run().status
        assert status == ("completed" if stop_at is None else "cancelled")
        assert stop_at is None or loop.place.step == stop_at
        said += news
    assert tiny.same(loop._state(), whole._state())
    assert of(said, Metric) == of(heard, Metric)
    assert of(said, PerClass) == of(heard, PerClass)


def test_another_number_of_workers_goes_on_bit_for_bit(tmp_path):
    whole, heard = tiny_loop(tmp_path / "whole", **ALL)
    whole.run()
    said: list[Message] = []
    for workers, stop_at in ((2, 4), (0, 7), (1, None)):
        loop, news = tiny_loop(tmp_path / "pieces", **ALL, workers=workers, stop_at=stop_at)
        loop.run()
        said += news
    assert tiny.same(loop._state(), whole._state())
    assert of(said, Metric) == of(heard, Metric)


def test_threads_and_processes_take_turns_bit_for_bit(tmp_path):
    whole, heard = tiny_loop(tmp_path / "whole", **ALL, crop=True)
    whole.run()
    said: list[Message] = []
    for workers, threads, stop_at in ((2, True, 4), (1, False, 7), (3, True, None)):
        options = {**ALL, "crop": True, "workers": workers, "threads": threads}
        loop, news = tiny_loop(tmp_path / "pieces", **options, stop_at=stop_at)
        loop.run()
        said += news
    assert tiny.same(loop._state(), whole._state())
    assert of(said, Metric) == of(heard, Metric)


def test_the_clock_keeps_checkpoints_in_the_middle_of_epochs(tmp_path):
    """After every step here; a life that is stopped in between goes on bit for bit, and what is said stays the same."""
    whole, heard = tiny_loop(tmp_path / "whole", **ALL)
    whole.run()
    said: list[Message] = []
    for stop_at in (6, None):
        loop, news = tiny_loop(tmp_path / "pieces", **ALL, save_every_s=1e-9, stop_at=stop_at)
        loop.run()
        said += news
    assert [m.step for m in of(said, Saved)] == [*range(1, 5), 4, *range(5, 9), 8, *range(9, 13), 12]
    assert tiny.same(loop._state(), whole._state())
    assert of(said, Metric) == of(heard, Metric)


def test_stopped_during_validation_it_validates_again(tmp_path):
    loop, said = tiny_loop(tmp_path)
    loop.commands = Commands(lambda: [Stop()] if of(said, Status)[-1].phase == "validating" else [])
    assert loop.run().status == "cancelled"
    assert (loop.place.step, loop.place.epoch) == (10, 0)
    again, news = tiny_loop(tmp_path)
    again.run()
    assert [m.step for m in of(news, Metric) if m.split == "val"] == [10, 20, 30]
    whole, _ = tiny_loop(tmp_path / "whole")
    whole.run()
    assert tiny.same(again._state(), whole._state())


def test_accumulation_equals_one_large_batch(tmp_path):
    """Without batch normalisation and dropout, 4 batches of 16 change the weights as one of 64 does."""

    def plain(model: nn.Module) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(192, 10))

    large = tiny_loop(tmp_path / "a", n=320, batch=64, epochs=1, wrap=plain)[0]
    small = tiny_loop(tmp_path / "b", n=320, batch=16, epochs=1, multiplier=4, wrap=plain)[0]
    large.run()
    small.run()
    for a, b in zip(large.parts.model.parameters(), small.parts.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_the_last_short_group_of_batches_is_a_step_of_its_own(tmp_path):
    loop, said = tiny_loop(tmp_path, multiplier=4, epochs=2)  # 10 batches: 4 + 4 + 2
    loop.run()
    assert loop.place.step == loop.plan.steps == 6
    assert [m.step for m in of(said, Metric) if m.split == "train"] == [3, 4, 6]


def test_stop_before_the_first_step_keeps_nothing(tmp_path):
    loop, _ = tiny_loop(tmp_path)
    loop._train = lambda batches: loop.commands.look()  # type: ignore[method-assign]
    loop.commands = Commands(lambda: [Stop()])
    assert loop.run().status == "cancelled"
    assert not list(tmp_path.iterdir())


def test_early_stopping_says_why(tmp_path):
    loop, _ = tiny_loop(tmp_path, epochs=30, lr=1e-7, patience=2, monitor="accuracy")
    outcome = loop.run()
    assert outcome.status == "completed"
    assert outcome.reason == "Stopped early: accuracy has not improved for 2 epochs."
    assert loop.place.epoch < 30
    assert loop.keeper.saved == (loop.place.step, loop.place.epoch)
    again, said = tiny_loop(tmp_path, epochs=30, lr=1e-7, patience=2, monitor="accuracy")
    assert again.run() == outcome
    assert not of(said, Metric)


def test_a_full_disk_keeps_the_old_checkpoint_and_goes_on(tmp_path, monkeypatch):
    loop, said = tiny_loop(tmp_path, epochs=3, monitor="loss")
    save, calls = loop.checkpoints.save, []

    def full_once(state, *, best):
        calls.append(state["step"])
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return save(state, best=best)

    monkeypatch.setattr(loop.checkpoints, "save", full_once)
    assert loop.run().status == "completed"
    [notice] = of(said, Notice)
    assert notice.level == "warning"
    assert "step 20 was not kept: the disk is full" in notice.text
    assert [m.step for m in of(said, Saved)] == [10, 30]


def test_a_run_whose_end_cannot_be_kept_has_failed(tmp_path, monkeypatch):
    loop, _ = tiny_loop(tmp_path, epochs=1)

    def full(state, *, best):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loop.checkpoints, "save", full)
    with pytest.raises(TrainingError) as raised:
        loop.run()
    assert raised.value.cause == "disk"


def test_only_the_best_is_kept_where_asked(tmp_path):
    tiny_loop(tmp_path, epochs=4, settings=Checkpoint(keep_best_only=True, best_name="mine.pt"))[0].run()
    best = json.loads((tmp_path / "best.json").read_bytes())
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["best.json", "mine.pt", best["file"], Path(best["file"]).with_suffix(".json").name]
    )


def test_a_damaged_newest_checkpoint_is_skipped_and_told(tmp_path):
    settings = Checkpoint(keep_last_n=3)
    tiny_loop(tmp_path, stop_at=25, settings=settings)[0].run()
    newest = tmp_path / json.loads((tmp_path / "last.json").read_bytes())["file"]
    damaged = bytearray(newest.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    newest.unlink()  # the person's own name is a link to the same bytes
    newest.write_bytes(damaged)
    again, said = tiny_loop(tmp_path, settings=settings)
    again.run()
    assert "step-00000025" in of(said, Notice)[0].text
    assert "checksum" in of(said, Notice)[0].text
    assert of(said, Status)[0].step == 20
    whole, _ = tiny_loop(tmp_path / "whole", settings=settings)
    whole.run()
    assert tiny.same(again._state(), whole._state())
