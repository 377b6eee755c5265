"""`nbtrain smoke` and `nbtrain doctor`, as a person types them."""

import json

from flows.conftest import warm
from nbtrain.cli import main

__all__ = ["warm"]


def test_smoke(warm, capsys):
    assert main(["smoke"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("epoch") for line in lines) == 6
    assert lines[-1].startswith("smoke: ok, val accuracy 0.9")


def test_doctor_asks_before_it_repairs(images, project, capsys, monkeypatch, no_imports):
    from nbtrain.project.project import Project
    from nbtrain.runs.folder import RunFolder, RunStatus

    assert main(["doctor", "--project", project]) == 0
    assert "there is none in" in capsys.readouterr().out
    made = Project(project)
    experiment = made.new("Stale")
    experiment.save()
    run = RunFolder.create(experiment.folder, {"format": 1})
    run.write_status(RunStatus("training", heartbeat_s=1.0))
    made.close()
    answers = iter(["", "n", "y"])
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    for _ in range(2):
        assert main(["doctor", "--project", project]) == 0
        assert run.status().status == "training"
    assert "stale run" in capsys.readouterr().out
    assert main(["doctor", "--project", project]) == 0
    assert run.status().status == "failed"
    assert "nothing is wrong" not in capsys.readouterr().out
    assert main(["doctor", "--project", project]) == 0
    assert "nothing is wrong" in capsys.readouterr().out


def test_doctor_for_scripts(project, capsys, no_imports):
    from nbtrain.project.project import Project

    Project(project).save()
    with open(f"{project}/project.json", "w") as file:
        file.write("{")
    assert main(["doctor", "--project", project, "--json", "--yes"]) == 1
    told = json.loads(capsys.readouterr().out)
    [problem] = [finding for finding in told if finding["severity"] == "problem"]
    assert (problem["check"], problem["repairable"], problem["repaired"]) == ("project file", False, "")


def test_a_repair_that_is_refused_is_told_and_the_next_one_is_done(images, project, capsys, no_imports):
    from nbtrain.project.project import Project
    from nbtrain.runs.folder import RunFolder, RunStatus

    made = Project(project)
    runs = []
    for name in ("A", "B"):
        experiment = made.new(name)
        experiment.save()
        runs.append(RunFolder.create(experiment.folder, {"format": 1}))
        runs[-1].write_status(RunStatus("training", heartbeat_s=1.0))
    made.close()
    status = runs[0].path / "status.json"
    status.unlink()
    status.mkdir()
    (status / "mine.txt").write_text("mine")
    assert main(["doctor", "--project", project, "--json", "--yes"]) == 1
    told = [one for one in json.loads(capsys.readouterr().out) if one["check"] == "stale run"]
    assert [one["refused"][:12] for one in told] == ["not repaired", ""]
    assert (status / "mine.txt").read_text() == "mine"
    assert runs[1].status().status == "failed"
