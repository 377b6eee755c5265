"""``nbtrain advise``: suggestions for people and for scripts, and a fix applied by its rule's name."""

import json

import pytest

from nbtrain.cli import main
from nbtrain.project.project import Project


@pytest.fixture
def fast(images, project):
    opened = Project(project)
    opened.add_images(images, "squares")
    experiment = opened.new("Fast")
    experiment.set("optimizer.lr", 0.5)
    experiment.save()
    opened.close()
    return ["advise", "Fast", "--project", project]


def test_told_for_people_and_for_scripts(fast, capsys):
    assert main(fast) == 0  # nothing that could not work
    told = capsys.readouterr().out
    assert "warning  optimizer.lr: 0.5 is too high" in told
    assert "--apply 'learning rate' sets --optimizer.lr 0.0007" in told
    assert main([*fast, "--json"]) == 0
    found = {one["rule"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["learning rate"]["fix"] == {"optimizer.lr": 0.0007}
    assert found["learning rate"]["source"]


def test_a_fix_is_applied_and_saved(fast, project, capsys):
    assert main([*fast, "--apply", "learning rate"]) == 0
    assert "learning rate 7e-4" in capsys.readouterr().out
    assert Project(project).experiment("Fast").config.optimizer.lr == 0.0007
    assert main([*fast, "--apply", "learning rate"]) == 2
    assert "has found nothing" in capsys.readouterr().err


def test_what_cannot_work_is_an_exit_code(fast, images, capsys):
    from pathlib import Path

    Path(images).rename(f"{images}-moved")
    assert main(fast) == 1
    told = capsys.readouterr().out
    assert "problem  data.dataset: the images of" in told
    assert "are not there" in told
