"""Numbers that are none, losses that run away, memory that is not there: the run goes back, changes, and goes on."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from torch import nn

from nbtrain.advice.running import Recovery
from nbtrain.errors import TrainingError
from nbtrain.messages import Message, Metric, Notice, Resolved, Saved, Status
from nbtrain.training.budget import Work
from nbtrain.training.commands import Commands
from nbtrain.training.loop import Loop
from nbtrain.training.losses import MeanLoss
from nbtrain.training.rescue import Rescue
from training import tiny
from training.tiny import of, tiny_loop

HOST = "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"


def breaking(loop: Loop, steps: set[int], times: int = 1) -> None:
    """Let the loss be NaN at these steps, so many times each."""
    whole, left = loop.parts.loss, dict.fromkeys(steps, times)

    def loss(logits, target):
        here = loop.place.step
        if loop.parts.model.training and left.get(here, 0):
            left[here] -= 1
            return whole(logits, target) * torch.nan
        return whole(logits, target)

    object.__setattr__(loop.parts, "loss", MeanLoss(loss))


class Hungry(nn.Module):
    """A network that has memory for so many images at once, and for any number before a given step."""

    def __init__(self, inside: nn.Module, room: int, error: Exception | None = None) -> None:
        super().__init__()
        self.inside, self.room, self.since, self.error = inside, room, 0, error or RuntimeError(HOST)
        self.register_buffer("passes", torch.zeros((), dtype=torch.long))
        self.largest = 0

    def forward(self, x):
        out = self.inside(x)  # the statistics of batch normalisation have moved when the memory runs out
        if self.training:
            self.passes += 1
            if len(x) > self.room and self.passes > self.since:
                raise self.error
            self.largest = max(self.largest, len(x))
        return out


def test_a_nan_loss_goes_back_halves_the_learning_rate_and_goes_on(tmp_path):
    loop, said = tiny_loop(tmp_path, epochs=4)
    breaking(loop, {13})
    assert loop.run().status == "completed"
    [notice] = of(said, Notice)
    assert "The loss became NaN or infinite at step 14 (learning rate 0.00" in notice.text
    assert notice.text.endswith("Training went back to step 10 with half the learning rate; this is tried once.")
    assert (notice.about, notice.step) == (Recovery.name, 10)  # told above the charts, and among the changes
    lrs = {m.step: m.values["lr"] for m in of(said, Metric) if m.split == "train"}
    plain = tiny_loop(tmp_path / "plain", epochs=4)[0].parts.schedule
    for step, lr in lrs.items():
        plain.done = step - 1
        assert lr == pytest.approx(plain.lr / (1 if step <= 10 else 2))
    assert all(math.isfinite(m.values["loss"]) for m in of(said, Metric))
    assert [m.step for m in of(said, Saved)][:3] == [10, 10, 20]
    assert [m.step for m in of(said, Status) if m.phase == "training"][:3] == [0, 10, 10]


def test_the_second_time_it_fails_and_keeps_the_good_checkpoint(tmp_path):
    loop, _ = tiny_loop(tmp_path, epochs=4)
    breaking(loop, {13}, times=2)
    with pytest.raises(TrainingError, match=r"at step 14 .*again: it had gone back before") as raised:
        loop.run()
    assert raised.value.cause == "numerics"
    assert json.loads((tmp_path / "last.json").read_bytes())["step"] == 10
    state = torch.load(tmp_path / "last_checkpoint.pt", weights_only=True)
    assert all(t.isfinite().all() for t in state["model_state_dict"].values())
    again, _ = tiny_loop(tmp_path, epochs=4)  # another life knows that it has been helped once
    breaking(again, {13})
    with pytest.raises(TrainingError, match="again"):
        again.run()


def test_a_nan_weight_is_never_kept(tmp_path):
    loop, said = tiny_loop(tmp_path, epochs=1, say_every=100)
    validate = loop._validate

    def broken() -> bool:
        with torch.no_grad():
            next(loop.parts.model.parameters())[0] = torch.inf
        return validate()

    loop._validate = broken  # type: ignore[method-assign]
    with pytest.raises(TrainingError, match="a weight became NaN or infinite"):
        loop.run()
    assert [m.step for m in of(said, Saved)] == [0]  # the first weights, with the halved learning rate
    for path in tmp_path.glob("step-*.pt"):
        state = torch.load(path, weights_only=True)
        assert all(t.isfinite().all() for t in state["model_state_dict"].values())


@pytest.mark.parametrize("stop_at", [10, 12, 17, 25])
@pytest.mark.parametrize("broken", [3, 13], ids=["before the first checkpoint", "after it"])
def test_after_a_roll_back_a_resume_is_exact(tmp_path, stop_at, broken):
    options: dict[str, Any] = {"ema": True, "mix": True, "warmup": 1.0}
    whole, heard = tiny_loop(tmp_path / "whole", **options)
    breaking(whole, {broken})
    whole.run()
    first, _ = tiny_loop(tmp_path / "pieces", **options, stop_at=None)
    breaking(first, {broken})
    first.commands = killed_at(first, max(stop_at, broken + 1))
    with pytest.raises(KeyboardInterrupt):
        first.run()
    second, said = tiny_loop(tmp_path / "pieces", **options)
    second.run()
    assert tiny.same(second._state(), whole._state())
    tail = of(said, Metric)
    assert of(heard, Metric)[-len(tail) :] == tail


def killed_at(loop: Loop, step: int) -> Any:
    """Return commands that end the loop as SIGKILL would, once it has been rescued and stands at ``step``."""

    class Kill(Commands):
        def look(self, ahead: Work = "save") -> None:
            changed = loop.rescue.changes.lr_factor < 1 or loop.rescue.changes.splits > 1
            if changed and loop.place.step >= step:
                raise KeyboardInterrupt
            super().look(ahead)

    return Kill(list)


@pytest.mark.parametrize(
    "error", [RuntimeError(HOST), MemoryError(), torch.OutOfMemoryError("CUDA out of memory.")], ids=repr
)
def test_out_of_memory_computes_each_batch_in_parts(tmp_path, error):
    made: list[Hungry] = []
    loop, said = tiny_loop(tmp_path, epochs=2, wrap=lambda m: made.append(Hungry(m, 10, error)) or made[0])
    assert loop.run().status == "completed"
    texts = [m.text for m in of(said, Notice)]
    assert ["2 parts of at most 16" in texts[0], "4 parts of at most 8" in texts[1], len(texts)] == [True, True, 2]
    assert "batch normalisation, though, sees 8 of them" in texts[1]
    assert [(m.path, m.value) for m in of(said, Resolved)] == [("training.batch_parts", 2), ("training.batch_parts", 4)]
    assert made[0].largest == 8
    assert {m.step for m in of(said, Metric) if m.split == "val"} == {10, 20}


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("multiplier", [1, 3])
def test_in_parts_it_learns_the_same_from_the_same_images(tmp_path, several, multiplier):
    """Without batch normalisation and dropout the weights are equal up to rounding, mixing and labels included."""

    def plain(model: nn.Module) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(192, 10))

    options = {"epochs": 2, "several": several, "mix": not several, "multiplier": multiplier}
    whole, heard = tiny_loop(tmp_path / "whole", wrap=plain, **options)
    whole.run()
    parts, said = tiny_loop(tmp_path / "parts", wrap=lambda m: Hungry(plain(m), 12), **options)
    parts.run()
    assert parts.rescue.changes.splits == 4
    for a, b in zip(whole.parts.model.parameters(), parts.parts.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    losses = [[m.values["loss"] for m in of(news, Metric)] for news in (heard, said)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_out_of_memory_later_goes_back_to_the_checkpoint_and_a_resume_is_exact(tmp_path):
    def late(model: nn.Module) -> nn.Module:
        hungry = Hungry(model, 20)
        hungry.since = 13
        return hungry

    whole, heard = tiny_loop(tmp_path / "whole", wrap=late)
    whole.run()
    [notice] = of(heard, Notice)
    assert "From step 10 on, each batch of 32 is computed in 2 parts of at most 16" in notice.text
    first, _ = tiny_loop(tmp_path / "pieces", wrap=late)
    first.commands = killed_at(first, 17)
    with pytest.raises(KeyboardInterrupt):
        first.run()
    second, said = tiny_loop(tmp_path / "pieces", wrap=late)
    second.run()
    assert not of(said, Resolved)
    assert tiny.same(second._state(), whole._state())
    assert of(said, Metric) == of(heard, Metric)[-len(of(said, Metric)) :]


def test_with_one_image_too_many_it_fails_with_advice(tmp_path):
    loop, said = tiny_loop(tmp_path, batch=8, wrap=lambda m: Hungry(nn.Sequential(nn.Flatten(), nn.Linear(192, 10)), 0))
    with pytest.raises(TrainingError, match="the computer is out of memory, with 1 of 8 images at once") as raised:
        loop.run()
    assert raised.value.cause == "out of memory"
    assert "smaller image size" in raised.value.advice
    assert len(of(said, Resolved)) == 3


def test_an_error_of_another_kind_is_left_alone(tmp_path):
    loop, _ = tiny_loop(tmp_path, wrap=lambda m: Hungry(m, 0, KeyError("x")))
    with pytest.raises(KeyError):
        loop.run()


def watched(losses: list[float], every: int = 10) -> list[str]:
    said: list[Message] = []
    rescue = Rescue(nn.Linear(1, 1), tiny.CPU, said.append)
    for place, loss in enumerate(losses, 1):
        rescue.watch(loss, every, every * place)
    return [m.text for m in said]


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        ([2.3, 1.5, 1.0, 0.8, 0.6, *[9.0] * 10], True),
        ([2.3, 5.0, 12.0, 40.0, 200.0, 900.0], True),
        ([2.3, 1.5, 1.0, 0.8, 0.6, 9.0, 0.6, 0.6], False),
        ([2.3, 0.5, 0.01, 0.001, 0.02, 0.05, 0.05, 0.05], False),
        ([2.3 * 0.9**i for i in range(100)], False),
        ([2.3] * 50, False),
    ],
    ids=["explodes", "from the start", "one bad step", "nearly learned by heart", "learns", "learns nothing"],
)
def test_a_loss_that_runs_away_is_told_once(losses, told):
    texts = watched(losses)
    assert len(texts) == told
    assert not told or ("runs away" in texts[0] and "lower the learning rate" in texts[0])


def test_divergence_of_a_real_run_is_told_and_does_not_end_it(tmp_path):
    class Ten(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.flat, self.line = nn.Flatten(), nn.Linear(192, 10)

        def forward(self, x):
            return self.line(6 * self.flat(x))  # as good as 36 times the learning rate

    loop, said = tiny_loop(tmp_path, epochs=2, lr=10.0, warmup=1.0, wrap=lambda m: Ten(), say_every=1)
    assert loop.run().status == "completed"
    assert sum("runs away" in m.text for m in of(said, Notice)) == 1
