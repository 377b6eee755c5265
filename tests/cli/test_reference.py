"""`nbtrain fields` tells of every field."""

import json

from cli.conftest import run
from nbtrain.cli import main


def test_fields_lists_every_path(capsys):
    assert main(["fields"]) == 0
    assert "optimizer.lr" in capsys.readouterr().out
    assert main(["fields", "--json"]) == 0
    assert {f["path"] for f in json.loads(capsys.readouterr().out)} >= {"optimizer.kind", "training.epochs"}


def test_the_module_is_the_command_line():
    listed = run("fields")
    assert listed.returncode == 0
    assert "optimizer.lr" in listed.stdout
    assert run("diff", "One", "Other", "--project", "not-there").returncode == 2
