"""The compiled training pass: what it leaves alone, what it tells, and what becomes of a run without it."""

from __future__ import annotations

import os

import pytest
import torch
from torch import nn
from torch._inductor.runtime.cache_dir_utils import default_cache_dir

from nbtrain.training import compiling
from nbtrain.training.compiling import Compiled
from nbtrain.training.precision import Precision
from training.tiny import Network

CPU = torch.device("cpu")
IMAGES = torch.rand(4, 3, 8, 8)


@pytest.fixture(autouse=True)
def no_cache_of_anybody(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))


class Told:
    """A compiled pass with what it says; dynamo is the real one, only no C++ is compiled."""

    def __init__(self, model: nn.Module, backend: str = "eager") -> None:
        self.said: list[str] = []
        self.reasons: list[str] = []
        self.made = Compiled(model, self.said.append, self.reasons.append, backend=backend)


def test_warming_up_changes_nothing_and_tells_that_it_compiles():
    torch.manual_seed(0)
    model = Network().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    drawn = torch.default_generator.get_state()
    told = Told(model)
    told.made.warm_up(IMAGES, Precision("32", CPU))
    assert torch.equal(torch.default_generator.get_state(), drawn)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert told.said[0] == "compiling the network, 0 s"
    assert told.said[-1] == ""
    assert not told.reasons
    said = len(told.said)
    torch.manual_seed(1)
    got = told.made(IMAGES)
    assert len(told.said) == said, "what is compiled is not compiled again"
    torch.manual_seed(1)
    assert torch.equal(got, Network.forward(model, IMAGES))


def test_another_shape_and_unfrozen_weights_are_told_again():
    model = Network().train()
    model[0].requires_grad_(False)
    told = Told(model)
    told.made.warm_up(IMAGES, Precision("32", CPU))
    for again in (lambda: told.made(IMAGES[:2]), lambda: model[0].requires_grad_(True) and told.made(IMAGES)):
        told.said.clear()
        again()
        assert told.said[0].startswith("compiling")


def test_without_a_compiler_it_says_so_and_computes_as_ever(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    model = Network().eval()
    told = Told(model, "inductor")
    told.made.warm_up(IMAGES, Precision("32", CPU))
    assert told.reasons == ["no C++ compiler (no-such-compiler) was found; the system's package manager has one"]
    assert torch.equal(told.made(IMAGES), model(IMAGES))


def test_what_fails_while_compiling_is_told_and_training_goes_on():
    def fails(graph, inputs):
        raise RuntimeError("Python.h is missing")

    model = Network().eval()
    told = Told(model, fails)  # type: ignore[arg-type]
    assert torch.equal(told.made(IMAGES), model(IMAGES))
    assert told.reasons == [told.made.why_not] == ["Python.h is missing"]


def test_a_backward_pass_that_cannot_be_compiled_is_found_before_the_run():
    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, *grads):
            raise OSError("no room for the program")

    class Model(nn.Linear):
        def forward(self, x):
            return Fails.apply(super().forward(x))

    told = Told(Model(2, 2))
    told.made.warm_up(torch.ones(3, 2), Precision("32", CPU))
    assert told.reasons == ["no room for the program"]
    assert told.made(torch.ones(3, 2)).shape == (3, 2)


def test_an_error_of_the_model_itself_is_raised():
    told = Told(nn.Linear(5, 2))
    with pytest.raises(Exception, match="shape"):
        told.made(IMAGES)


def test_programs_are_kept_below_the_users_cache_unless_the_person_says_where(monkeypatch, tmp_path):
    Told(Network())
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path)
    for unsaid in ("", default_cache_dir()):  # torch writes its own into the environment as it loads
        monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", unsaid)
        if not unsaid:
            monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
        Told(Network())
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == compiling.folder()
