"""The loop on real digits: what it learns, says and keeps, and that a second life repeats the first bit for bit."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from nbtrain.data.randomness import Stream, key
from nbtrain.errors import TrainingError
from nbtrain.messages import Best, Message, Metric, Notice, PerClass, Saved, Status, Stop, encode
from nbtrain.training.checkpoint import STATE_KEYS
from nbtrain.training.commands import Commands
from nbtrain.training.optimizers import Optimizer
from nbtrain.training.schedulers import Plateau
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


class ByHand:
    """The course of a run as one would write it: SGD, cosine, clipping, averaging and validation by torch alone."""

    def __init__(self, loop, *, of=1, clip=0.0, clip_from=0, average=False):
        self.model = copy.deepcopy(loop.parts.model)
        self.train, self.val = list(loop.parts.train.stream(0, 20)), list(loop.parts.val.once())
        self.of, self.clip, self.clip_from = of, clip, clip_from
        self.average = copy.deepcopy(self.model) if average else None
        self.scores: list[tuple[float, float]] = []
        """Validation loss and accuracy of each epoch."""

    def run(self, epochs=2, lr=0.05):
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        spared = [p for p in self.model.parameters() if p.ndim == 1]
        groups = [{"params": decayed, "weight_decay": 1e-4}, {"params": spared, "weight_decay": 0.0}]
        optimizer = torch.optim.SGD(groups, lr=lr, momentum=0.9, nesterov=True, fused=True)
        per_epoch = -(-10 // self.of)
        for step in range(epochs * per_epoch):
            epoch, place = divmod(step, per_epoch)
            first = 10 * epoch + place * self.of
            for group in optimizer.param_groups:
                group["lr"] = lr * (1 + math.cos(math.pi * step / (epochs * per_epoch))) / 2
            self.step(optimizer, step, self.train[first : min(first + self.of, 10 * (epoch + 1))])
            if place == per_epoch - 1:
                self.scores.append(self.validate())
        return self

    def step(self, optimizer, step, batches):
        self.model.train()
        optimizer.zero_grad()
        for place, batch in enumerate(batches):
            torch.manual_seed(key(5, Stream.STEP, step, place))
            loss = self.loss(self.model(batch.images.float() / 255), batch.targets)
            (loss / len(batches)).backward()
        if self.clip and step >= self.clip_from:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        optimizer.step()
        if self.average is not None:
            keep = min(0.99, (2 + step) / (11 + step))
            new = self.model.state_dict()
            for name, old in self.average.state_dict().items():
                old.copy_(keep * old + (1 - keep) * new[name] if old.is_floating_point() else new[name])

    def validate(self):
        model = copy.deepcopy(self.average or self.model).eval()
        with torch.no_grad():
            logits = torch.cat([model(batch.images.float() / 255) for batch in self.val])
        labels = torch.cat([batch.targets for batch in self.val])
        return float(self.loss(logits, labels)), float((logits.argmax(1) == labels).float().mean())

    def loss(self, logits, labels):
        return nn.functional.cross_entropy(logits, labels, label_smoothing=0.05)


BY_HAND = {
    "plain": ({}, {}),
    "batches": ({"multiplier": 3}, {"of": 3}),
    "clipped": ({"clip": 0.3}, {"clip": 0.3}),
    "clipped from the fifth step on": ({"changes": [(4, "training.clip_norm", 0.3)]}, {"clip": 0.3, "clip_from": 4}),
    "averaged": ({"ema": True}, {"average": True}),
    "all": ({"multiplier": 3, "clip": 0.3, "ema": True}, {"of": 3, "clip": 0.3, "average": True}),
}


@pytest.mark.parametrize(("ours", "theirs"), BY_HAND.values(), ids=BY_HAND)
def test_a_run_is_the_one_written_by_hand(tmp_path, ours, theirs):
    """Weights, running statistics, averages and validations: in training mode for steps, as it is for validations."""
    loop, said = tiny_loop(tmp_path, epochs=2, lr=0.05, optimizer="sgd", **ours)
    expected = ByHand(loop, **theirs).run()
    loop.run()
    pairs = [(loop.parts.model, expected.model)]
    pairs += [(loop.parts.ema.model, expected.average)] if "ema" in ours else []
    for mine, by_hand in pairs:
        for name, value in by_hand.state_dict().items():
            if ours:
                torch.testing.assert_close(mine.state_dict()[name], value, rtol=1e-3, atol=1e-5)
            else:
                assert torch.equal(mine.state_dict()[name], value), name
    val = [m.values for m in of(said, Metric) if m.split == "val"]
    assert [v["loss"] for v in val] == pytest.approx([loss for loss, _ in expected.scores], rel=1e-3)
    assert [v["accuracy"] for v in val] == pytest.approx([accuracy for _, accuracy in expected.scores], abs=0.01)


def test_a_stopped_run_goes_on_with_the_scale_of_its_gradients(tmp_path):
    """float16 is for GPUs; its scaler is not, so it is put into a run on the CPU here."""

    def scaled(folder, **options):
        loop, _ = tiny_loop(folder, optimizer="sgd", clip=1.0, **options)
        loop.parts.precision.scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=4)
        return loop

    whole = scaled(tmp_path / "whole")
    whole.run()
    assert scaled(tmp_path / "pieces", stop_at=7).run().status == "cancelled"
    second = scaled(tmp_path / "pieces")
    second.run()
    state = second._state()
    assert state["scaler_state_dict"]["scale"] == 8.0 * 2**7  # 30 steps: it has grown seven times
    assert tiny.same(state, whole._state())


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("metric", ["loss", "f1", "auroc", "accuracy", "map"])
def test_what_is_watched_picks_the_best_lowers_the_rate_and_ends_the_run(tmp_path, metric, several):
    """Each by its own numbers, and the same over a stop."""
    if metric == ("accuracy" if several else "map"):
        return  # not measured for that task
    options = {
        "monitor": metric,
        "several": several,
        "epochs": 8,
        "lr": 0.1,
        "patience": 3,
        "optimizer": "sgd",
        "n": 96,
    }
    plateau = Plateau(patience=0, factor=0.4, threshold=0.01)

    def made(folder, **more):
        loop, said = tiny_loop(folder, **options, **more)
        loop.parts.schedule.scheduler = plateau
        loop.live._chosen = loop.live._now = loop.live._now.set("scheduler", plateau)
        loop.parts.schedule._apply()
        return loop, said

    loop, said = made(tmp_path / "whole")
    loop.run()
    val = [m for m in of(said, Metric) if m.split == "val"]
    values = [m.values[metric] for m in val]
    best = min(values) if metric == "loss" else max(values)
    told = of(said, Best)[-1]
    assert (told.metric, told.value, told.step) == (metric, best, val[values.index(best)].step)
    assert json.loads((tmp_path / "whole" / "best.json").read_bytes())["step"] == told.step
    expected, last, mark = 0.1, [], math.inf
    for value in values:
        last.append(expected)
        cost = value if metric == "loss" else -value
        better = cost < mark - 0.01 * abs(mark) if math.isfinite(mark) else True
        mark, expected = (cost, expected) if better else (mark, expected * 0.4)
    train = {m.epoch: m.values["lr"] for m in of(said, Metric) if m.split == "train"}
    assert [train[float(epoch)] for epoch in range(1, len(val) + 1)] == pytest.approx(last)
    if len(val) < 8:
        assert f"{metric} has not improved" in loop._why_early()
    made(tmp_path / "pieces", stop_at=5)[0].run()
    again, news = made(tmp_path / "pieces")
    again.run()
    assert tiny.same(again._state(), loop._state())
    assert of(news, Best)[-1] == told


def test_accumulation_equals_one_large_batch(tmp_path):
    """Without batch normalisation and dropout, 4 batches of 16 change the weights as one of 64 does."""

    def plain(model: nn.Module) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(192, 10))

    options = {"n": 320, "epochs": 1, "wrap": plain, "optimizer": "sgd"}  # AdamW does not see a gradient's size
    large = tiny_loop(tmp_path / "a", batch=64, **options)[0]
    small = tiny_loop(tmp_path / "b", batch=16, multiplier=4, **options)[0]
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


@pytest.mark.parametrize("what", ["groups", "names", "shapes"])
def test_a_checkpoint_of_another_layout_is_refused_in_words(tmp_path, what):
    tiny_loop(tmp_path, stop_at=5)[0].run()
    loop, _ = tiny_loop(tmp_path)
    if what == "groups":  # as where a version spares other parameters from weight decay
        groups = loop.parts.optimizer.param_groups
        groups[0]["params"].append(groups[1]["params"].pop())
        told = r"step 5 does not fit .* groups of \[\d+, \d+\] parameters, the one that is built now of \[\d+, \d+\]"
    elif what == "names":
        loop.parts.model.register_buffer("added", torch.zeros(1))
        told = "step 5 does not fit .* other parameters in added"
    else:
        name, weight = next(loop.parts.model.named_parameters())
        weight.data = torch.zeros(1, 2, 3)
        told = f"step 5 does not fit .* other parameters in {name}"
    with pytest.raises(TrainingError, match=told) as refused:
        loop.run()
    assert refused.value.cause == "configuration"
    assert "restart the experiment" in refused.value.advice
