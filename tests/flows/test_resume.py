"""Paused, stopped or killed, a run goes on as if nothing had happened: real trainers, real signals, one story."""

import json
import os
import signal
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch

from flows.conftest import LIMIT_S, until
from nbtrain.errors import BusyError, StatusError
from nbtrain.messages import Acknowledged, Metric, Saved
from nbtrain.project.project import Project
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.journal import JournalReader
from training.tiny import same

SHORT = {
    "training.epochs": 16,
    "training.ema": True,
    "augmentation.mixup": 0.2,
    "data.workers": "auto",
    "checkpoint.keep_last_n": 2,
}
"""About 100 steps with a checkpoint after every sixth, and all that an exact resume has to bring back."""


def run_of(experiment):
    return RunFolder(experiment.run_path)


def paused(experiment):
    """Pause a run that trains; return the step it has kept."""
    experiment.pause()
    assert experiment.wait(LIMIT_S) == "paused", experiment.error
    return experiment.step


def further(experiment):
    """Wait until a resumed run has made steps of its own."""
    step = experiment.step
    until(lambda: experiment.step > step + 3 or not experiment.running)
    assert experiment.status == "training", (experiment.status, experiment.error)


def kill_between_checkpoints(experiment, after_step):
    """SIGKILL the trainer two or three steps after a checkpoint, so that some steps have to be done twice."""

    def there():
        said = JournalReader(run_of(experiment).events).read()
        step = max((m.step for m in said if isinstance(m, Metric)), default=0)
        kept = max((m.step for m in said if isinstance(m, Saved)), default=10**9)
        assert experiment.running, experiment.status
        return step >= after_step and step in (kept + 2, kept + 3)

    until(there)
    os.kill(run_of(experiment).owner()["pid"], signal.SIGKILL)
    assert experiment.wait(LIMIT_S) == "failed"
    assert experiment.error["cause"] in ("killed", "interrupted")


def test_pause_keeps_a_checkpoint_and_leaves_resume_goes_on(long_run):
    experiment = long_run()
    pid, run = run_of(experiment).owner()["pid"], experiment.run_path
    events = []
    experiment.on("paused", lambda e: events.append(e.status))
    step = paused(experiment)
    until(lambda: not Path(f"/proc/{pid}").exists())
    assert json.loads((Path(run) / "checkpoints" / "last.json").read_text())["step"] == step
    assert (experiment.error, experiment.exact, events) == ({}, "", ["paused"])
    before = experiment.curves.series("train", "loss")
    other = Project(experiment.project.path)
    assert other.experiment("Long").status == "paused"
    experiment.resume()
    assert (experiment.run_path, run_of(experiment).owner()["generation"]) == (run, 2)
    np.testing.assert_array_equal([a[:step] for a in experiment.curves.series("train", "loss")], before)
    further(experiment)
    until(lambda: other.experiment("Long").step > step)  # who looks on from elsewhere sees it go on
    experiment.stop()
    assert experiment.wait(LIMIT_S) == "cancelled"
    steps = experiment.curves.series("train", "loss")[0]
    np.testing.assert_array_equal(steps, np.arange(1, len(steps) + 1))  # every step once
    other.close()


def test_killed_and_resumed_equals_never_interrupted(project):
    project.defaults = {**project.defaults, **SHORT}
    whole, pieces = project.new("Whole"), project.new("Pieces")
    assert whole.train(beside=True).wait(LIMIT_S) == "completed", whole.error
    pieces.train(beside=True)
    for after_step, workers in ((8, 2), (40, 1)):
        kill_between_checkpoints(pieces, after_step)
        resolved = (
            run_of(pieces).path / "resolved.json"
        )  # what is measured is kept for life; here it is another machine
        plain = json.loads(resolved.read_text())
        plain["choices"]["data.workers"]["value"] = workers
        resolved.write_text(json.dumps(plain))
        pieces.resume(beside=True)
    assert pieces.wait(LIMIT_S) == "completed", pieces.error
    assert run_of(pieces).owner()["generation"] == 3
    assert pieces.exact == "exact"
    ends = [
        torch.load(Path(e.run_path) / "checkpoints" / "last_checkpoint.pt", weights_only=True) for e in (whole, pieces)
    ]
    assert same(*ends)
    assert (whole.best, whole.metrics) == (pieces.best, pieces.metrics)
    for split, name in whole.curves.keys():  # noqa: SIM118 - a history is no dict
        np.testing.assert_array_equal(whole.curves.series(split, name), pieces.curves.series(split, name))
    other = Project(project.path)
    again = other.experiment("Pieces")  # two interruptions later it is one story for whoever reads it anew
    assert (again.exact, again.metrics, len(again.history)) == ("exact", whole.metrics, len(whole.history))
    assert again.duration_s == pytest.approx(pieces.duration_s, abs=2)
    other.close()


def test_numbers_that_differ_are_told(long_run):
    experiment = long_run()
    kill_between_checkpoints(experiment, 8)
    events = run_of(experiment).events
    lines = events.read_bytes().splitlines(keepends=True)
    last = max(n for n, line in enumerate(lines) if b'"train"' in line)
    step, loss = (json.loads(lines[last])[key] for key in ("step", "values"))
    lines[last] = lines[last].replace(repr(loss["loss"]).encode(), b"7.25")
    events.write_bytes(b"".join(lines))
    experiment.resume()
    until(lambda: experiment.exact)
    until(lambda: experiment.step > step)
    assert experiment.exact.startswith(f"step {step}: train loss was 7.25 before the resume and is {loss['loss']!r}")


def test_commands_of_earlier_lives_are_not_carried_out_again(long_run):
    experiment = long_run()
    paused(experiment)
    late = run_of(experiment).path / "commands" / "stop-late.json"
    late.write_text("{}")  # the second way of a click, which came after the end
    (late.parent / "stop-half.json").write_text("{")
    experiment.resume()
    (late.parent / "stop-half.json").write_text("{}")
    further(experiment)
    told = [m.command for m in JournalReader(run_of(experiment).events).read() if isinstance(m, Acknowledged)]
    assert late.name not in told
    assert len(told) == 1
    experiment.stop()
    assert experiment.wait(LIMIT_S) == "cancelled"


def test_a_damaged_newest_checkpoint_falls_back_and_says_so(long_run):
    experiment = long_run()
    until(lambda: experiment.epoch >= 2)
    step = paused(experiment)
    folder = run_of(experiment).path / "checkpoints"
    newest = folder / json.loads((folder / "last.json").read_text())["file"]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    experiment.resume()
    until(lambda: experiment.step > step and experiment.exact)
    assert experiment.exact == "exact"
    texts = [notice["text"] for notice in experiment.notices]
    assert any("damaged" in text and f"{step:08d}" in text for text in texts), texts
    assert any(text.startswith("Went on from the checkpoint at step") for text in texts)


def test_without_a_checkpoint_it_goes_on_from_its_beginning(long_run):
    experiment = long_run()
    step = paused(experiment)
    for file in (run_of(experiment).path / "checkpoints").iterdir():
        file.unlink()
    experiment.resume()
    until(lambda: experiment.exact and experiment.step > step)
    assert experiment.exact == "exact"
    steps = experiment.curves.series("train", "loss")[0]
    np.testing.assert_array_equal(steps, np.arange(1, len(steps) + 1))


def test_two_kernels_resume_and_one_trains(long_run):
    experiment = long_run()
    paused(experiment)
    other = Project(experiment.project.path)
    both = [experiment, other.experiment("Long")]
    threads = [Thread(target=one.resume) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in both:
        until(lambda: one.running)  # noqa: B023 - within this turn; the one that watches hears of it a moment later
        further(one)
    assert run_of(experiment).owner()["generation"] == 2
    both[1].stop()
    assert [one.wait(LIMIT_S) for one in both] == ["cancelled"] * 2
    other.close()


def test_a_busy_device_asks_and_the_queue_waits(project, long_run):
    experiment = long_run()
    step = paused(experiment)
    other = project.new("Other", experiment.config).train()
    with pytest.raises(BusyError, match="resume\\(queue=True\\)"):
        experiment.resume()
    assert experiment.status == "paused"
    experiment.resume(queue=True)
    until(lambda: experiment.status == "pending" and "Other" in experiment.detail)
    assert experiment.step == step
    other.stop()
    further(experiment)


def test_what_has_not_begun_or_is_complete_is_not_resumed(project):
    experiment = project.new("Short")
    with pytest.raises(StatusError, match="train\\(\\) starts it"):
        experiment.resume()
    assert experiment.train().wait(LIMIT_S) == "completed", experiment.error
    with pytest.raises(StatusError, match="completed cannot be resumed"):
        experiment.resume()


def test_a_paused_run_is_not_trained_anew_but_can_be_restarted(long_run):
    experiment = long_run()
    paused(experiment)
    with pytest.raises(StatusError, match="resume\\(\\) goes on"):
        experiment.train()
    experiment.restart()
    assert (experiment.status, experiment.exact) == ("created", "")
