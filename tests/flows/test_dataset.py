"""One run on data that somebody has edited: it learns what was said, records it, and locks its split."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.conftest import LIMIT_S
from images import write_classes
from nbtrain.data import assembly
from nbtrain.errors import DataError
from nbtrain.ui.details import facts_of


def test_a_run_trains_on_the_edited_data_and_says_what_changed_since(project, tmp_path):
    data = project.dataset()
    data.add(write_classes(tmp_path / "more", {"blue": 4, "red": 4}), "more")
    data.rename("blue", "azure")
    data.relabel("red/000.png", "green")
    data.exclude(["green/001.png", "more/red/000.png"], "blurred")
    data.split("mine", val_ratio=0.25)
    data.exclude(data.named_split("mine").files["val"][0], "left out later")
    experiment = project.new("Edited")
    experiment.set("data.split", "mine")
    experiment.train()
    assert experiment.data_change is None  # what it is set up with is frozen
    data.relabel("red/001.png", "green")
    experiment.wait(LIMIT_S)
    assert experiment.status == "completed", experiment.error
    assert [row[0] for row in experiment.per_class["rows"]] == ["azure", "green", "red"]
    told = " ".join(notice["text"] for notice in experiment.notices)
    assert "since this run was set up" not in told

    run = Path(experiment.run_path)
    frozen = json.loads((run / "config.json").read_text())["dataset"]
    assert frozen["version"] == 4
    again = assembly.recorded(frozen, project.data.folder)
    labels = {r.file: again.listing.classes[r.labels[0]] for r in again.listing.records}
    assert (labels["red/000.png"], labels["red/001.png"]) == ("green", "red")
    assert len(labels) == 60 + 8 - 3
    assert again.hash == frozen["hash"] != data.value.hash

    assert experiment.data_change.rows == ("red/001.png",)
    [fact] = [row for row in facts_of(experiment.data_info, "", experiment.data_change) if "Since" in row["label"]]
    assert fact["value"] == "1 row changed"
    data.drop("red")
    assert str(experiment.data_change) == "1 row changed; classes changed"
    data.undo()
    data.undo()
    assert experiment.data_change is None

    for change in (lambda: data.delete_split("mine"), lambda: data.split("mine", replace=True)):
        with pytest.raises(DataError, match="locked: Edited, run 1 used it"):
            change()
    broken = json.dumps({"dataset": {"name": "images", "edits": {"file": "x", "bytes": "many"}}})
    (run / "config.json").write_text(broken)
    assert str(experiment.data_change) != ""
