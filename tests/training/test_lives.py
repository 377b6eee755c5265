"""Lives of a run in processes of their own: killed, of another process, and with less memory than they ask for.

All are forked from one process that has only imported; a start from nothing is for tests/runs/test_real_training.py.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from nbtrain.training.changes import Changes
from training import tiny
from training.test_live import PATIENT, state_of
from training.test_loop import ALL
from training.tiny import tiny_loop

CASES = {
    "optimizer.lr": ({"warmup": 1.0, "ema": True}, 2e-3),
    "training.epochs": ({"mix": True}, 4),
    "training.patience": (PATIENT, 1),
    "checkpoint.every_n_epochs": ({}, 2),
}


@pytest.fixture(scope="module")
def live_in_a_process():
    """Runs a life, or another function of this folder, in a process of its own; returns how that ended."""
    before = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(tiny.__file__).parents[1]), before])
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training.tiny", "torch._dynamo"])

    def run(folder: Path, **options) -> int | None:
        process = context.Process(target=options.pop("act", tiny.life), args=(folder, options))
        process.start()
        process.join(60)
        return process.exitcode

    yield run
    os.environ["PYTHONPATH"] = before


@pytest.mark.parametrize("kill_at", [17, 23], ids=["before its checkpoint", "after its checkpoint"])
@pytest.mark.parametrize("path", CASES)
def test_killed_around_a_change_it_ends_as_if_never_interrupted(tmp_path, live_in_a_process, path, kill_at):
    """The change comes at step 13, checkpoints after 10, 20 and 30."""
    options, value = CASES[path]
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    change = {"changes": [(13, path, value)]}
    assert live_in_a_process(whole, **options, **change) == 0
    assert live_in_a_process(pieces, **options, **change, kill_at=kill_at) == -signal.SIGKILL
    assert live_in_a_process(pieces, **options) == 0
    assert tiny.same(state_of(whole), state_of(pieces))
    [entry] = Changes.of(pieces).entries
    assert (entry.step, entry.path, entry.value) == (13, path, value)


def test_a_new_process_goes_on_bit_for_bit(tmp_path, live_in_a_process):
    options = {**ALL, "precision": "bf16-mixed"}
    whole, _ = tiny_loop(tmp_path / "whole", **options)
    whole.run()
    assert tiny_loop(tmp_path / "pieces", **options, stop_at=6)[0].run().status == "cancelled"
    assert live_in_a_process(tmp_path / "pieces", **options, workers=3) == 0
    assert tiny.same(state_of(tmp_path / "whole"), state_of(tmp_path / "pieces"))


def test_memory_that_really_runs_out(tmp_path, live_in_a_process):
    """A process that may not have more: torch's own allocator fails, the run completes, and a resume of it is exact."""
    assert live_in_a_process(tmp_path, act=tiny.short_of_memory) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    [told] = found["told"]
    assert told.startswith("The computer ran out of memory (1,280 MiB more were asked for). From step 0 on")
    assert told.endswith("in 2 parts of at most 16 images. A step still learns from the same images; batch "
                         "normalisation, though, sees 16 of them at once.")  # fmt: skip
    assert (found["splits"], found["told again"], found["exact"]) == ([2, 2], 0, True)
