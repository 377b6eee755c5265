"""Measuring beside the runs, through the real warm process: from code, and from the command line."""

import json

from flows.conftest import QUICK
from images import write_classes
from nbtrain.cli import main
from nbtrain.project.project import Project


def test_a_range_test_and_the_colours_from_code_and_command_line(tmp_path, capsys):
    project = Project(tmp_path / "project")
    project.add_images(write_classes(tmp_path / "images", {"red": 20, "blue": 20}))
    experiment = project.new("One", project.new_config().set_all(QUICK))
    experiment.save()
    job, texts = experiment.lr_range_test(steps=20), []
    job.on_change(lambda job: texts.append(job.text))
    assert experiment.lr_range_test(steps=20) is job
    assert job.wait(300) == "completed", job.failure
    assert job.result.why
    assert any(text.startswith("step ") for text in texts)
    assert experiment.lr_range == job.result
    experiment.set("optimizer.lr", 0.5)  # the rate itself and the schedule change nothing about the curve
    assert experiment.lr_range == job.result
    experiment.set("training.batch_size", 4)
    assert experiment.lr_range is None
    assert experiment.status == "created"
    assert experiment.run is None

    where = ["One", "--project", str(project.path)]
    assert main(["normalisation", *where, "--json", "--apply"]) == 0
    assert json.loads(capsys.readouterr().out)["n_images"] == 32
    assert Project(project.path).experiment("One").config.normalisation.kind == "custom"
    project.close()
