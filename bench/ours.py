"""nbtrain as its user runs it, under the same task as the peers: ``python -m bench.ours TASK warm|cold``.

This process stands for the notebook's kernel: the project is open, its images are added, and the clock starts where
Train is clicked. ``warm`` clicks when the warm process is there, as after a minute on the page; ``cold`` without one.
What happened is read from the run's journal, so all moments are the trainer's own.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import psutil

from bench.load import spent_s as spent
from bench.peers.task import Notes, Task, given
from nbtrain.messages import Message, Metric
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.runs import environment, launch, warm
from nbtrain.runs.journal import JournalReader

LOOK_S, LOOKS, WAIT_S = 1.5, 4, 240.0
"""A warm process that has used no CPU between so many looks has imported everything; so long it is waited for."""


def main() -> None:
    """Open a project, click, wait, tell."""
    task, notes = given()
    how = sys.argv[2]
    if how == "warm":
        pid = await_warm()
        Path(task.scratch, "warm.json").write_text(json.dumps(pid), encoding="utf-8")
    project = Project(Path(task.scratch, "project"))
    experiment = configured(project, task)
    if how == "cold":
        warm.ask = lambda request: {"refused": "a cold start, to be measured"}
    notes.began_s = time.time()
    experiment.train(beside=True)
    status = experiment.wait(560)
    notes.ended_s = time.time()
    if status != "completed" or experiment.run is None:
        raise RuntimeError(f"{status}: {experiment.error}")
    note(JournalReader(experiment.run.events).read(), task, notes)
    project.close()
    notes.tell()


def configured(project: Project, task: Task) -> Experiment:
    """Return an experiment that does what the task says; all else is as nbtrain has it, the cache too."""
    project.add_images(task.data, "photographs")
    experiment = project.new("bench")
    wanted = {
        "data.dataset": "photographs", "data.workers": task.workers, "hardware.threads": task.threads,
        "model.kind": "torchvision", "model.variant": task.model, "task.image_size": task.size,
        "augmentation.train": [{"kind": "random_resized_crop", "scale": [0.08, 1.0]}, {"kind": "horizontal_flip"}],
        "augmentation.val": [{"kind": "resize", "size": task.resize, "how": "crop"}, {"kind": "center_crop"}],
        "optimizer.lr": task.lr, "optimizer.weight_decay": task.decay, "training.epochs": task.epochs,
        "training.batch_size": task.batch, "training.seed": task.seed, "training.early_stopping": False,
        "hardware.precision": task.precision, "logging.every_n_steps": 1,
    }  # fmt: skip
    experiment.config = experiment.config.set_all(wanted)
    return experiment


def note(messages: list[Message], task: Task, notes: Notes) -> None:
    """Note each step and each validation that a journal tells of; importing happened before the click, if warm."""
    metrics = [message for message in messages if isinstance(message, Metric)]
    notes.steps = [(found.t_s, task.batch) for found in metrics if found.split == "train"]
    notes.validated = [(found.t_s, found.values["accuracy"]) for found in metrics if found.split == "val"]


def await_warm() -> int:
    """Return the process id of a warm process that has imported everything; 0 where there can be none."""
    end_s, looks = time.monotonic() + WAIT_S, [-1.0]
    while not warm.unavailable() and time.monotonic() < end_s:
        found = _warm() if launch.ensure_warm() else None
        looks = [*looks, spent(found.pid) if found else -1.0][-LOOKS:]
        if found and len(looks) == LOOKS and len(set(looks)) == 1:
            return found.pid
        time.sleep(LOOK_S)
    return 0


def _warm() -> psutil.Process | None:
    key = environment.key()
    listed = psutil.process_iter(["cmdline", "ppid"])
    found = [one for one in listed if key in (one.info["cmdline"] or ())]
    pids = {one.pid for one in found}
    return next((one for one in found if one.info["ppid"] not in pids), None)  # its forks carry its name on


if __name__ == "__main__":
    main()
