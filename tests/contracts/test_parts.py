"""What every part of every family owes: text, units, limits, a JSON that comes back, and work that it does.

Parametrised over the families, so that a new kind is tested unasked.
"""

from __future__ import annotations

import subprocess
import sys

import orjson
import pytest
import torch
from torch import nn

from nbtrain.data.augmentation import Augmentation
from nbtrain.data.normalisation import Normalisation
from nbtrain.data.transforms import Transform
from nbtrain.errors import ConfigError
from nbtrain.models import Model
from nbtrain.models.initialisation import Initialisation
from nbtrain.schema import fields
from nbtrain.schema.fields import summary_of
from nbtrain.training.loggers import Target
from nbtrain.training.losses import Loss
from nbtrain.training.optimizers import Optimizer
from nbtrain.training.schedulers import Course, Scheduler
from nbtrain.training.tasks import Task

FAMILIES = (Target, Task, Model, Initialisation, Normalisation, Transform, Optimizer, Scheduler, Loss)
ALL = [pytest.param(made, id=f"{made.root.__name__}-{kind}") for f in FAMILIES for kind, made in f.kinds().items()]
TINY = {
    "timm": {"variant": "test_resnet"},
    "torchvision": {"variant": "squeezenet1_1"},
    "custom": {"blocks": 2, "width": 8, "dense": (16,)},
}


def kinds(family):
    return [pytest.param(made, id=kind) for kind, made in family.kinds().items()]


@pytest.mark.parametrize("made", ALL)
def test_it_returns_from_json(made):
    part = made()
    text = orjson.dumps(part.plain())
    assert made.root._coerced(orjson.loads(text)) == part


@pytest.mark.parametrize("made", ALL)
def test_everything_is_said(made):
    """Each kind has a name and a sentence, each field a help text, each number a unit (or "ratio")."""
    assert made.label
    assert summary_of(made).endswith(".")
    for field in fields(made(), "part"):
        assert field.help.endswith("."), field.path
        if field.type in ("float", "int", "numbers"):
            assert field.unit, field.path


@pytest.mark.parametrize("made", ALL)
def test_every_number_has_limits(made):
    for field in fields(made(), "part"):
        if field.type in ("float", "int", "numbers"):
            low = field.minimum if field.minimum is not None else field.above
            high = field.maximum if field.maximum is not None else field.below
            assert low is not None, field.path
            assert high is not None, field.path


@pytest.mark.parametrize("made", ALL)
def test_numbers_beyond_the_limits_are_refused(made):
    for field in fields(made()):
        if field.type in ("float", "int"):
            high = field.maximum if field.maximum is not None else field.below
            for wrong in (high + 1, float("nan"), True, "many"):
                with pytest.raises(ConfigError) as refused:
                    made().set(field.path, wrong)
                assert refused.value.problems[0].path == field.path


@pytest.mark.parametrize("made", ALL)
def test_switching_there_and_back_is_possible(made):
    for kind in made.root.kinds():
        assert made().switched(kind).switched(made.kind) == made()


def test_no_family_needs_torch():
    """All settings, their JSON and the catalogue work where torch is not even imported."""
    modules = ("data.augmentation", "data.normalisation", "models.backbones", "training.losses")
    modules += (
        "models.initialisation",
        "models.transfer",
        "training.optimizers",
        "training.schedulers",
        "training.tasks",
    )
    code = f"import sys\nfor name in {modules!r}: __import__('nbtrain.' + name)\n"
    code += "from nbtrain.models.backbones import Timm\nTimm(variant='test_vit').plain()\n"
    code += "assert not {'torch', 'torchvision', 'timm'} & set(sys.modules)\n"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- each family at work -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", kinds(Optimizer))
def test_an_optimizer_lowers_a_loss(made):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.LayerNorm(8), nn.Linear(8, 1))
    inputs = torch.randn(32, 4)
    target = inputs.sum(dim=1, keepdim=True)
    optimizer = made().build(model)
    losses = []
    for _ in range(30):
        loss = nn.functional.mse_loss(model(inputs), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[1] < losses[0]
    assert losses[-1] < 0.98 * losses[0]


@pytest.mark.parametrize("made", kinds(Scheduler))
def test_a_schedule_stays_between_zero_and_the_peak(made):
    for warmup in (0, 1.5):
        curve = [made(warmup_epochs=warmup).lr(step, Course(0.1, 200, 20)) for step in range(200)]
        assert all(0 <= lr <= 0.1 for lr in curve)
        assert max(curve) == pytest.approx(0.1)


@pytest.mark.parametrize("made", kinds(Scheduler))
def test_a_schedule_goes_on_where_it_was_saved(made):
    def started():
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
        return optimizer, made(warmup_epochs=1).build(optimizer, Course(0.1, 400, 10))

    optimizer, schedule = started()
    seen, state = [], {}
    for step in range(200):
        if step == 83:
            state = schedule.state_dict()
        seen.append(optimizer.param_groups[0]["lr"])
        schedule.step()
        if step % 10 == 9:
            schedule.validated(1.0)
    optimizer, schedule = started()
    schedule.load_state_dict(state)
    for step in range(83, 200):
        assert optimizer.param_groups[0]["lr"] == seen[step]
        schedule.step()
        if step % 10 == 9:
            schedule.validated(1.0)


def targets(task, labels):
    one = torch.tensor(labels)
    return one if task == "classification" else nn.functional.one_hot(one, 4).float()


@pytest.mark.parametrize("weights", ["none", "auto", "effective", "given"])
@pytest.mark.parametrize(("made", "task"), [(made, task) for made in Loss.kinds().values() for task in made.tasks])
def test_a_loss_is_lower_for_better_scores(made, task, weights):
    labels = [0, 1, 2, 3, 0, 0]
    loss = made(class_weights=weights, given_weights=(1, 2, 2, 1)).build(task, class_counts=[3, 1, 1, 1])
    target = targets(task, labels)
    right = 4.0 * nn.functional.one_hot(torch.tensor(labels), 4).float() - 2
    values = [loss(scale * right, target) for scale in (-1.0, 0.0, 1.0)]
    assert values[0] > values[1] > values[2] > 0


@pytest.mark.parametrize(("made", "task"), [(made, task) for made in Loss.kinds().values() for task in made.tasks])
def test_a_loss_and_its_gradient_are_finite(made, task):
    """Also where a network is absurdly sure, right or wrong, and for mixed targets."""
    loss = made(class_weights="auto").build(task, class_counts=[5, 0, 1, 1])
    for scores in (torch.zeros(3, 4), 100 * torch.eye(4)[:3], -100 * torch.eye(4)[:3]):
        for target in (targets(task, [0, 1, 2]), torch.full((3, 4), 0.25)):
            leaf = scores.clone().requires_grad_()
            value = loss(leaf, target)
            value.backward()
            assert torch.isfinite(value)
            assert torch.isfinite(leaf.grad).all()


@pytest.mark.parametrize("made", kinds(Task))
def test_a_task_starts_from_a_loss_that_fits(made):
    task = made()
    assert task.kind in Loss.kinds()[task.loss].tasks
    assert task.monitor in task.metrics
    labels = [(0,), (2,)]
    target = task.targets(labels, 3)
    scores = 8.0 * torch.tensor([[1.0, -1, -1], [-1, -1, 1]])
    assert Loss.kinds()[task.loss]().build(task.kind, [1, 0, 1])(scores, target) < 1e-2
    assert task.predictions(scores).tolist() == (target.tolist() if target.ndim == 1 else (target > 0).tolist())
    assert ((task.probabilities(scores) >= 0) & (task.probabilities(scores) <= 1)).all()


@pytest.mark.parametrize("size", [(50, 70), (9, 200), (2, 2), (64, 64)], ids=str)
@pytest.mark.parametrize("made", kinds(Transform))
def test_a_transform_keeps_uint8_and_ends_at_the_image_size(made, size):
    torch.manual_seed(0)
    if made().problem(size, 64) and made.kind in ("elastic", "gaussian_blur"):
        pytest.skip("refused at its row")
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8)
    always = {"p": 1.0} if "p" in made.model_fields else {}
    for step in (made(), made(**always)):
        changed = step.build(64)(image)
        assert changed.dtype == torch.uint8
        assert changed.shape[0] == 3
        ended = Augmentation(train=(step,)).pipeline("train", 64)(image)
        assert (ended.dtype, tuple(ended.shape)) == (torch.uint8, (3, 64, 64))


@pytest.mark.parametrize("made", kinds(Transform))
def test_a_transform_draws_from_torch_alone(made):
    """The loader keys torch's generator for each sample: equal keys must give equal pixels."""
    image = torch.randint(0, 256, (3, 40, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    step = made().build(32)
    first, second = (torch.manual_seed(7) and step(image) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("made", kinds(Normalisation))
def test_a_normalisation_gives_three_channels(made):
    mean, std = made().values(model=((0.5,) * 3, (0.5,) * 3), dataset=((0.1,) * 3, (0.2,) * 3))
    assert len(mean) == len(std) == 3
    assert min(std) > 0


@pytest.mark.parametrize("made", kinds(Model))
def test_a_model_learns_one_batch(made):
    torch.manual_seed(0)
    model = made(**TINY[made.kind]).build(classes=3, image_size=64)
    images, labels = torch.randn(6, 3, 64, 64), torch.tensor([0, 1, 2, 0, 1, 2])
    optimizer = Optimizer.kinds()["adamw"]().build(model)
    losses = []
    for _ in range(8):
        scores = model(images)
        assert scores.shape == (6, 3)
        loss = nn.functional.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert min(losses[4:]) < losses[0]
