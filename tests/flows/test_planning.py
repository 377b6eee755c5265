"""The plan, measured for real in a job beside the experiment, from code and from the command line."""

from __future__ import annotations

import json
from pathlib import Path

from nbtrain import plans
from nbtrain.cli import main


def test_a_plan_is_measured_and_the_run_is_compared_with_it(project, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    experiment = project.new("One")
    experiment.save()
    found = experiment.plan()
    assert (found.batch, found.samples, found.steps) == (8, 48, 12)
    assert found.measured.trial.batch == 8
    assert found.checkpoint_bytes > 1_000_000
    assert found.fits
    assert experiment.planning.plan == found
    assert experiment.run is None  # nothing of it is a run
    experiment.train(beside=True)
    assert experiment.wait(60) == "completed", experiment.error
    told = json.loads((Path(experiment.run_path) / plans.RECORD).read_text())
    assert told["epochs"] == 2
    assert told["took_s"] > 0
    assert len(plans.past_runs()) == 1

    code = main(["plan", "One", "--project", str(project.path), "--table", "--json"])
    plain = json.loads(capsys.readouterr().out)
    assert code == 0
    assert [row["batch"] for row in plain["rows"]] == [16, 32]
    assert all(row["measured"] and row["fits"] for row in plain["rows"])
