"""The step against steps written by hand with SGD, whose weights show a gradient's direction and its size.

The gradient is that of all images at once, however a step divides them: into batches, into parts of a batch, evenly or
not, for every loss, weighting and task.
"""

from __future__ import annotations

import copy
import itertools
import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional

from nbtrain.data.randomness import Stream, key
from nbtrain.training.losses import CrossEntropy, Focal, Loss, SoftF1
from nbtrain.training.metrics import ClassMetrics, LabelMetrics
from nbtrain.training.parts import Parts
from nbtrain.training.precision import Precision
from nbtrain.training.rescue import Rescue
from nbtrain.training.schedulers import Constant, Course
from nbtrain.training.stepping import Stepping, seed, whole

CPU = torch.device("cpu")
SEED, LR, K = 11, 0.5, 4
COUNTS = (14, 7, 2, 5)
LOSSES = [(made, task) for made in Loss.kinds().values() for task in made.tasks]
WEIGHTS = ("none", "auto", "effective", "given")
DIVISIONS = {
    "a batch": ([13], 1),
    "a batch in parts": ([12], 4),
    "a batch in uneven parts": ([13], 4),
    "batches": ([6, 6, 6], 1),
    "a short last batch": ([6, 6, 2], 1),
    "single images": ([1] * 7, 1),
    "batches in uneven parts, the last short": ([5, 5, 3], 2),
}
"""Sizes of the batches of a step, and parts that each is computed in."""


def batches_of(sizes, task="classification", classes=K):
    """Return batches of random images with 8 numbers each, and labels for ``task``; the rare classes come late."""
    generator = torch.Generator().manual_seed(sum(sizes) + len(sizes))
    found = []
    for size in sizes:
        labels_B = torch.randint(0, classes, (size,), generator=generator)
        shares_BK = (torch.rand(size, classes, generator=generator) > 0.6).float()
        images_B8 = torch.randn(size, 8, generator=generator)
        found.append(SimpleNamespace(images=images_B8, targets=labels_B if task == "classification" else shares_BK))
    return found


def plain_model():
    """Return a network in which images know nothing of each other."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, K))


def stepping_of(model, loss, *, splits=1, mix=None):
    """Return the trainer's own step on ``model`` with SGD; ``splits`` as after running out of memory."""
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    parts = Parts(
        model=model, loss=loss, optimizer=optimizer, schedule=Constant().build(optimizer, Course(LR, 10, 10)),
        train=None, val=None, prepare=lambda x: x, metrics=lambda: ClassMetrics("abcd", CPU), one_label=True,
        precision=Precision("32", CPU), mix=mix,
    )  # fmt: skip
    rescue = Rescue(model, CPU, lambda message: None)
    rescue.changes.splits = splits
    return Stepping(parts, SEED, pieces=rescue.pieces if splits > 1 else whole)


def hand_written(model, loss, images, target, *, clip=0.0):
    """Change the weights of a copy by one plain gradient step on all images at once; return it, and the loss."""
    model = copy.deepcopy(model)
    value = loss(model(images), target)
    gradients = torch.autograd.grad(value, list(model.parameters()))
    norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
    share = min(1.0, clip / norm) if clip else 1.0
    with torch.no_grad():
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter -= LR * share * gradient
    return model, float(value.detach())


def together(batches):
    return torch.cat([b.images for b in batches]), torch.cat([b.targets for b in batches])


def assert_same_weights(ours, theirs, **how):
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, **{"rtol": 1e-4, "atol": 2e-6, **how})


def built(made, task, weights):
    return made(class_weights=weights, given_weights=(1, 0.5, 6, 2)).build(task, COUNTS)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(("made", "task"), LOSSES, ids=lambda x: getattr(x, "kind", x))
def test_a_step_is_that_of_the_one_large_batch(made, task, weights):
    loss = built(made, task, weights)
    for name, (sizes, splits) in DIVISIONS.items():
        model, batches = plain_model(), batches_of(sizes, task)
        expected, value = hand_written(model, loss, *together(batches))
        told, hits = stepping_of(model, loss, splits=splits).step(iter(batches), 0, len(sizes), 0.0)
        assert_same_weights(model, expected)
        assert float(told) == pytest.approx(value, rel=1e-4), name
        images, target = together(batches)
        right = target if target.ndim == 1 else target.argmax(1)
        before = plain_model()(images).argmax(1)
        assert float(hits) == pytest.approx(float((before == right).float().mean()), abs=1e-6), name


@pytest.mark.parametrize("made", [CrossEntropy(label_smoothing=0.1), Focal(), SoftF1()], ids=lambda m: m.kind)
@pytest.mark.parametrize("weights", ["none", "auto"])
def test_mixed_labels_are_that_of_the_one_large_batch_too(made, weights):
    """Each batch is mixed by itself, by numbers that hang on the step and its place."""

    def mix(images, labels):
        share = float(torch.rand(()))
        shares = functional.one_hot(labels, K).float()
        return torch.lerp(images.roll(1, 0), images, share), torch.lerp(shares.roll(1, 0), shares, share)

    loss = made.replace(class_weights=weights).build("classification", COUNTS)
    for sizes, splits in DIVISIONS.values():
        model, batches, mixed = plain_model(), batches_of(sizes), []
        for place, batch in enumerate(batches):
            torch.manual_seed(key(SEED, Stream.STEP, 3, place))
            mixed.append(mix(batch.images, batch.targets))
        images, target = (torch.cat(found) for found in zip(*mixed, strict=True))
        expected, _ = hand_written(model, loss, images, target)
        stepping_of(model, loss, splits=splits, mix=mix).step(iter(batches), 3, len(sizes), 0.0)
        assert_same_weights(model, expected)


def test_an_unweighted_batch_gives_torchs_own_bits():
    """The mean is torch's, and nothing is multiplied or divided on the way."""
    model, batches = plain_model(), batches_of([13])
    theirs = copy.deepcopy(model)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=LR)
    value = nn.CrossEntropyLoss(label_smoothing=0.1)(theirs(batches[0].images), batches[0].targets)
    value.backward()
    optimizer.step()
    loss = CrossEntropy(label_smoothing=0.1).build("classification")
    told, _ = stepping_of(model, loss).step(iter(batches), 0, 1, 0.0)
    assert torch.equal(told, value.detach())
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), theirs.parameters(), strict=True))


def test_the_gradient_of_the_step_before_is_forgotten():
    loss = CrossEntropy().build("classification")
    model, batches = plain_model(), batches_of([6, 6])
    expected, _ = hand_written(model, loss, batches[0].images, batches[0].targets)
    expected, _ = hand_written(expected, loss, batches[1].images, batches[1].targets)
    stepping, stream = stepping_of(model, loss), iter(batches)
    for step in range(2):
        stepping.step(stream, step, 1, 0.0)
    assert_same_weights(model, expected)


@pytest.mark.parametrize("clip", [1e-2, 0.1, 100.0])
@pytest.mark.parametrize(("sizes", "splits"), [([13], 1), ([6, 6, 2], 1), ([13], 4)])
def test_clipping_bounds_the_norm_of_the_whole_steps_gradient(clip, sizes, splits):
    loss = built(CrossEntropy, "classification", "auto")
    model, batches = plain_model(), batches_of(sizes)
    expected, _ = hand_written(model, loss, *together(batches), clip=clip)
    start = copy.deepcopy(model)
    stepping_of(model, loss, splits=splits).step(iter(batches), 0, len(sizes), clip)
    assert_same_weights(model, expected)
    pairs = zip(model.parameters(), start.parameters(), strict=True)
    moved = math.sqrt(sum(float(((a - b).detach() ** 2).sum()) for a, b in pairs))
    assert moved <= LR * clip * 1.001
    if clip < 1:
        assert moved == pytest.approx(LR * clip, rel=1e-3)


# --- gradient scaling, as float16 needs it: torch's scaler works on the CPU too ------------------------------------


def with_scaler(stepping, **settings):
    stepping.parts.precision.scaler = torch.amp.GradScaler("cpu", **{"init_scale": 1024.0, **settings})
    return stepping


@pytest.mark.parametrize("made", [CrossEntropy, SoftF1])
@pytest.mark.parametrize(("sizes", "splits"), [([13], 1), ([6, 6, 2], 2)])
@pytest.mark.parametrize("clip", [0.0, 0.05])
def test_a_scaled_gradient_changes_the_weights_as_the_plain_one(made, sizes, splits, clip):
    loss = built(made, "classification", "auto")
    model, batches = plain_model(), batches_of(sizes)
    expected, _ = hand_written(model, loss, *together(batches), clip=clip)
    stepping = with_scaler(stepping_of(model, loss, splits=splits))
    stepping.step(iter(batches), 0, len(sizes), clip)
    assert_same_weights(model, expected)


def test_the_scale_grows_after_some_good_steps_and_an_overflow_skips_one_and_halves_it():
    loss = CrossEntropy().build("classification")
    model = plain_model()
    stepping = with_scaler(stepping_of(model, loss), growth_interval=2)
    scaler = stepping.parts.precision.scaler
    for step, scale in enumerate([1024.0, 2048.0, 2048.0, 4096.0]):
        stepping.step(iter(batches_of([6])), step, 1, 1.0)
        assert scaler.get_scale() == scale
    before = copy.deepcopy(model)
    infinite = batches_of([6])
    infinite[0].images[2] = torch.inf
    stepping.step(iter(infinite), 4, 1, 1.0)
    assert scaler.get_scale() == 2048.0
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before.parameters(), strict=True))
    stepping.step(iter(batches_of([6])), 5, 1, 1.0)
    assert not torch.equal(model[0].weight, before[0].weight)


# --- soft F1 needs the whole step ------------------------------------------------------------------------------------


class Noisy(nn.Sequential):
    """Batch normalisation and dropout: what must not see a batch twice, and must draw the same numbers twice."""

    def __init__(self):
        torch.manual_seed(2)
        super().__init__(nn.Linear(8, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.4), nn.Linear(6, K))


@pytest.mark.parametrize(("sizes", "splits"), [([12], 1), ([12], 3), ([6, 6, 4], 1), ([6, 6, 4], 2)])
def test_soft_f1_of_a_step_is_exact_with_dropout_and_normalisation(sizes, splits):
    """As one graph over all parts has it, each with its own statistics and its own dropped units."""
    loss, batches = SoftF1().build("classification"), batches_of(sizes)
    model, theirs = Noisy(), Noisy()
    optimizer, outputs = torch.optim.SGD(theirs.parameters(), lr=LR), []
    for place, batch in enumerate(batches):
        seed(key(SEED, Stream.STEP, 7, place), CPU)
        outputs += [theirs(some) for some in batch.images.tensor_split(splits)]
    value = loss(torch.cat(outputs), together(batches)[1])
    value.backward()
    optimizer.step()
    told, _ = stepping_of(model, loss, splits=splits).step(iter(batches), 7, len(sizes), 0.0)
    assert_same_weights(model, theirs)
    assert float(told) == pytest.approx(float(value.detach()), rel=1e-5)
    for ours, expected in zip(model.buffers(), theirs.buffers(), strict=True):
        torch.testing.assert_close(ours, expected)
    assert int(model[1].num_batches_tracked) == len(sizes) * splits


def test_one_batch_of_soft_f1_is_computed_once():
    model, passes = plain_model(), []
    model.register_forward_hook(lambda *_: passes.append(1))
    stepping = stepping_of(model, SoftF1().build("classification"))
    stepping.step(iter(batches_of([6])), 0, 1, 0.0)
    assert len(passes) == 1
    stepping.step(iter(batches_of([6, 6])), 1, 2, 0.0)
    assert len(passes) == 5


def test_the_first_of_two_passes_holds_no_part_in_memory():
    """A part's graph is let go before the next one's is made: memory is what the parts are for."""
    alive, most = [], []

    class Watched(nn.Linear):
        def forward(self, x):
            out = super().forward(x)
            alive.append(True)
            out.grad_fn.metadata["end"] = End(lambda: alive.pop())
            most.append(len(alive))
            return out

    class End:
        def __init__(self, then):
            self.then = then

        def __del__(self):
            self.then()

    model = nn.Sequential(Watched(8, K))
    stepping_of(model, SoftF1().build("classification"), splits=4).step(iter(batches_of([12, 12])), 0, 2, 0.0)
    assert len(most) == 16
    assert max(most) == 1


# --- validation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(("made", "task"), LOSSES, ids=lambda x: getattr(x, "kind", x))
def test_the_validation_loss_hangs_on_no_batch_size(made, task, weights):
    loss = built(made, task, weights)
    images, target = together(batches_of([23], task))
    logits = plain_model()(images).detach()
    measures = ClassMetrics if task == "classification" else LabelMetrics
    expected = float(loss(logits, target))
    for size in (1, 3, 7, 23):
        metrics = measures("abcd", CPU)
        for some, wanted in zip(logits.split(size), target.split(size), strict=True):
            metrics.add(some, wanted, loss.sums(some, wanted))
        assert metrics.result().values["loss"] == pytest.approx(expected, rel=1e-5), size


def test_the_sums_of_processes_add_up_as_those_of_parts_do():
    """What several processes would exchange: the terms of :class:`Sums`, whatever the loss."""
    for (made, task), weights in itertools.product(LOSSES, WEIGHTS):
        loss = built(made, task, weights)
        images, target = together(batches_of([21], task))
        logits = plain_model()(images).detach()
        first, second = (loss.sums(logits[part], target[part]) for part in (slice(0, 4), slice(4, None)))
        assert float((first + second).loss()) == pytest.approx(float(loss(logits, target)), rel=1e-5)
