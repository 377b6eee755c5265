"""The looks at a machine, for real."""

from __future__ import annotations

import subprocess

from nbtrain.runs import fresh, machine


def test_no_check_imports_what_lies_in_the_current_folder(tmp_path, monkeypatch):
    """A project's folder may hold a torch.py, or an orjson.py, which nbtrain itself imports."""
    for name in ("torch", "torchvision", "timm", "orjson", "json"):
        (tmp_path / f"{name}.py").write_text("open('ran', 'w').close()\nraise ImportError('not the real one')")
    monkeypatch.chdir(tmp_path)
    assert machine.file_locks(tmp_path).severity == "ok"
    code = machine._IMPORTS.replace('("torch", "torchvision", "timm")', '("orjson",)')  # the others take seconds
    done = subprocess.run(fresh.command(code), capture_output=True, text=True, check=True)
    assert "not the real one" not in done.stdout
    assert not (tmp_path / "ran").exists()
