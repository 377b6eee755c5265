"""``nbtrain plan``: what it prints for people. Measured for real in tests/flows/test_planning.py."""

from __future__ import annotations

from dataclasses import replace

from nbtrain.cli import main
from nbtrain.cli.plan import _text
from nbtrain.plans import plan
from test_plans import CONFIG, MEASURED


def test_numbers_and_table_are_told_with_how_they_were_got():
    told = _text(plan(CONFIG, replace(MEASURED, table=(16, 32, 128))))
    assert any(line.startswith("Time in all") and "22 s" in line for line in told)
    assert any(line.startswith("Fits") and "yes" in line for line in told)
    assert told[-1].split() == ["128", "633.7", "7", "659", "MB", "over", "the", "memory", "target", "worked", "out"]
    assert not any("images/s" in line for line in _text(plan(CONFIG, MEASURED)))


def test_what_cannot_train_is_told_in_a_line(images, project, capsys):
    from nbtrain.project.project import Project

    opened = Project(project)
    opened.add_images(images, "squares")
    experiment = opened.new("Large")
    experiment.set("training.batch_size", 4096)
    experiment.save()
    opened.close()
    assert main(["plan", "Large", "--project", project]) == 2
    assert "a batch of 4096 is larger than" in capsys.readouterr().err
