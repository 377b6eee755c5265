"""Evaluations through real jobs: from code and from the command line, found again, compared, outdated, deleted."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from flows.conftest import LIMIT_S, QUICK, until
from nbtrain import locks
from nbtrain.cli import main
from nbtrain.errors import DataError, StatusError
from nbtrain.project.evaluation import compare
from nbtrain.project.project import Project
from nbtrain.runs.jobfolder import FOLDER
from nbtrain.ui.evaluation import EvaluationPanel
from nbtrain.ui.pulse import PULSE


def test_an_experiment_is_evaluated_from_code_and_command_line(project, capsys, tmp_path):
    one = project.new("One", project.new_config().set_all({**QUICK, "training.epochs": 1}))
    with pytest.raises(StatusError, match="not been trained"):
        one.evaluate()
    assert one.evaluations == []
    assert one.train(beside=True).wait(LIMIT_S) == "completed", one.error
    for wrong, words in ({"part": "test"}, "no test set"), ({"part": "all"}, "no such part"), (
        {"checkpoint": 77}, "no such checkpoint",
    ):  # fmt: skip
        with pytest.raises(StatusError, match=words):
            one.evaluate(**wrong)

    evaluation, seen = one.evaluate(), []
    assert one.evaluate() is evaluation
    evaluation.on_change(lambda e: seen.append((e.status, e.text)))
    with pytest.raises(StatusError, match="has no numbers"):
        _ = evaluation.metrics
    assert evaluation.wait(LIMIT_S) == "completed", evaluation.failure
    until(lambda: seen and seen[-1][0] == "completed")
    assert {name: evaluation.metrics[name] for name in one.metrics["val"]} == one.metrics["val"]
    assert evaluation.outdated == ""
    assert evaluation.confusion.to_numpy().sum() == 12 == len(evaluation.predictions)
    assert list(evaluation.per_class.index) == ["blue", "green", "red"]
    assert {"f1_low", "f1_high"} <= set(evaluation.per_class.columns)
    wrong = evaluation.errors(100)
    assert len(wrong) == 12 - round(12 * evaluation.metrics["accuracy"])
    assert evaluation.cell("red", "red") == [f for f in evaluation.cell("red", "red") if f.startswith("red/")]
    assert list(evaluation.slices("brightness").columns)[:2] == ["images", "accuracy"]
    assert len(evaluation.suspicious(5)) == 5

    where = ["--project", str(project.path)]
    told = ["--csv", str(tmp_path / "csv"), "--html", str(tmp_path / "report.html"), "--json"]
    assert main(["evaluate", "One", *where, "--part", "train", *told]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert (plain["number"], plain["part"], plain["n_images"]) == (2, "train", 48)
    assert {path.stem for path in (tmp_path / "csv").glob("*.csv")} >= {"metrics", "per_class", "confusion", "errors"}
    assert "<svg" in (tmp_path / "report.html").read_text()

    other = Project(project.path)
    again = other.experiment("One").evaluations
    assert [(e.number, e.part, e.status) for e in again] == [(1, "val", "completed"), (2, "train", "completed")]
    assert again[0].metrics == evaluation.metrics
    assert compare(again[0], again[0]).tie
    with pytest.raises(DataError, match="same images"):
        compare(again[0], again[1])
    assert main(["compare", "One", "One", *where]) == 0
    assert "A tie" in capsys.readouterr().out
    (one.folder / "evaluations" / "0002" / "evaluation.json").write_text("{}")
    assert [e.readable for e in one.evaluations] == [True, False]
    again[1].delete()
    assert [e.number for e in one.evaluations] == [1]
    source = project.datasets()[0].source.path
    next(path for path in (tmp_path / "images" / "red").iterdir()).unlink()
    project.add_images(source, project.datasets()[0].name)
    assert evaluation.outdated == "the images or labels have changed"
    one.restart()
    assert "restarted" in evaluation.outdated
    other.close()


def test_it_works_beside_a_long_training_and_says_so(project, long_run):
    experiment = long_run()
    until(lambda: experiment.checkpoints)
    evaluation = experiment.evaluate(checkpoint="last")
    until(lambda: evaluation.text.endswith(", at low priority"))
    assert "beside" in evaluation.text
    assert evaluation.wait(LIMIT_S) == "completed"
    assert experiment.status == "training"


def test_it_can_be_cancelled(project, long_run):
    experiment = long_run()
    until(lambda: experiment.checkpoints)
    evaluation = experiment.evaluate(checkpoint="last")
    until(lambda: "beside" in evaluation.text)
    assert experiment.evaluations_under_way == [evaluation]
    evaluation.cancel()
    assert evaluation.wait(LIMIT_S) == "cancelled"
    assert experiment.evaluations == experiment.evaluations_under_way == []


def job_of(project):
    """Return the pid of the only short job, which is the child of its guard."""
    (lock,) = (project.path / FOLDER).glob("*/lock")
    told = subprocess.run(["pgrep", "-P", str(locks.holder(lock))], capture_output=True, text=True, check=True).stdout
    return int(told.split()[0])


def test_one_that_is_killed_says_so_and_leaves_nothing(project, long_run):
    experiment = long_run()
    until(lambda: experiment.checkpoints)
    panel = EvaluationPanel()
    panel.show(experiment)
    panel.perform("evaluate", part="val", checkpoint="last")
    (evaluation,) = experiment.evaluations_under_way
    until(lambda: "beside" in evaluation.text)
    os.kill(job_of(project), signal.SIGSTOP)  # or it could be over before it is looked at
    other = project.new("Other")
    panel.show(other)
    assert panel.job == {}
    panel.show(experiment)  # whoever comes back finds it under way
    until(lambda: PULSE.settle() and "beside" in panel.job.get("text", ""))
    assert panel.job["running"]
    os.kill(job_of(project), signal.SIGKILL)
    assert evaluation.wait(LIMIT_S) == "failed"
    until(lambda: PULSE.settle() and "killed" in panel.job.get("trouble", ""))
    assert panel.job["trouble"].endswith("Start it again.")
    assert experiment.evaluations == []
    panel.close()
