"""The copy beside the loop: whole, exact, and untouched by what happens once it may."""

from __future__ import annotations

import io

import pytest
import torch

from nbtrain.training.snapshot import Snapshot
from training.tiny import same


def taken(snapshot, state, changing=()):
    copied = snapshot.begin(state, changing)
    snapshot.copy()
    return copied


def test_a_copy_is_exact_and_apart():
    image = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    state = {
        "a": image, "b": {"slice": image[:, 1:2], "step": torch.tensor(3), "empty": torch.empty(0, 4)},
        "c": [torch.arange(5), (1.5, torch.ones(3, dtype=torch.bfloat16))], "words": "kept", "none": None,
    }  # fmt: skip
    copied = taken(Snapshot(), state)
    assert same(copied, state)
    assert copied["a"].stride() == image.stride()
    image.zero_()
    assert copied["a"].abs().sum() > 0
    assert copied["b"]["slice"].untyped_storage().data_ptr() == copied["a"].untyped_storage().data_ptr()


def test_the_file_of_a_copy_is_that_of_the_state():
    weights = torch.randn(100, 100)
    state = {"weights": weights, "tied": weights.t(), "buffer": torch.ones(3)}
    files = []
    for one in (state, taken(Snapshot(), state)):
        files.append(io.BytesIO())
        torch.save(one, files[-1])
    assert files[0].getvalue() == files[1].getvalue()


def test_what_changes_early_is_copied_at_once_and_the_rest_later():
    weights, running = torch.zeros(1000), torch.zeros(1000)
    snapshot = Snapshot()
    copied = snapshot.begin({"weights": weights, "running": running}, [running])
    running.fill_(1)
    weights.fill_(2)  # as a loop must not: it waits for copy() before its step
    snapshot.copy()
    assert copied["running"].sum() == 0
    assert copied["weights"].sum() == 2000


def test_the_memory_is_used_again():
    snapshot = Snapshot()
    weights = torch.randn(1000)
    places = [taken(snapshot, {"weights": weights})["weights"].data_ptr() for _ in range(3)]
    assert len(set(places)) == 1
    larger = taken(snapshot, {"weights": torch.ones(2000), "more": [torch.ones(5)]})
    assert larger["weights"].sum() == 2000


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_copy_from_a_gpu_is_that_of_the_moment():
    weights, running = torch.ones(50_000_000, device="cuda"), torch.ones(1000, device="cuda")
    snapshot = Snapshot()
    for value in (1.0, 2.0):
        weights.fill_(value)
        running.fill_(value)
        copied = snapshot.begin({"weights": weights, "running": running}, [running])
        running.zero_()
        snapshot.before_step()
        weights.zero_()
        snapshot.copy()
        assert copied["weights"].eq(value).all()
        assert copied["running"].eq(value).all()
        assert copied["weights"].device.type == "cpu"
