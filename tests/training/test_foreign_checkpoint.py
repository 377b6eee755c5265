"""A checkpoint that somebody else has made, with code in it: nothing of it runs, wherever it is opened."""

from __future__ import annotations

import hashlib
import json
import pickle

import pytest
import torch

from nbtrain.errors import TrainingError
from nbtrain.probing import evaluate
from nbtrain.training.checkpoint import STATE_KEYS, Checkpoints
from nbtrain.training.settings import Checkpoint


class Evil:
    """Prints when it is unpickled."""

    def __reduce__(self):
        return print, ("code from a checkpoint ran",)


@pytest.fixture
def folder(tmp_path):
    """A checkpoint whose marker is right in every respect: size, checksum, all that a state holds."""
    folder = tmp_path / "checkpoints"
    checkpoints = Checkpoints(folder, Checkpoint())
    state = dict.fromkeys(STATE_KEYS) | {"step": 3, "epoch": 1, "metrics": {}, "loop_state_dict": {}}
    checkpoints.save(state, best=True)
    torch.save(state | {"model_state_dict": {}, "config": Evil()}, folder / "step-00000003.pt")
    payload = (folder / "step-00000003.pt").read_bytes()
    for marker in folder.glob("*.json"):
        plain = json.loads(marker.read_text())
        plain |= {"bytes": len(payload), "sha256": hashlib.sha256(payload).hexdigest()}
        marker.write_text(json.dumps(plain))
    return folder


def test_resuming_from_it_runs_nothing(folder, capsys):
    with pytest.raises(TrainingError, match="no checkpoint of this run can be read"):
        Checkpoints(folder, Checkpoint()).newest()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("which", ["best", "last", 3])
def test_evaluating_it_runs_nothing(folder, which, capsys):
    with pytest.raises(pickle.UnpicklingError, match="weights_only"):
        evaluate._weights(folder, which)
    assert capsys.readouterr().out == ""
