"""`nbtrain fields` tells of every field."""

import json

from nbtrain.cli import main


def test_fields_lists_every_path(capsys):
    assert main(["fields"]) == 0
    assert "optimizer.lr" in capsys.readouterr().out
    assert main(["fields", "--json"]) == 0
    assert {f["path"] for f in json.loads(capsys.readouterr().out)} >= {"optimizer.kind", "training.epochs"}
