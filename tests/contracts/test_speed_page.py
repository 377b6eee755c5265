"""docs/speed.md is what the kept results say, and what it compares with is nowhere among nbtrain's dependencies."""

from __future__ import annotations

import os
import subprocess
import sys

from contracts.repository import ROOT, pyproject


def test_the_page_of_speed_is_fresh_and_needs_no_torch():
    code = "import sys; from bench.page import page; sys.exit('torch' in sys.modules or print(page(), end=''))"
    words, path = [sys.executable, "-c", code], os.pathsep.join([str(ROOT), str(ROOT / "src")])
    written = subprocess.run(words, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, capture_output=True, check=True)
    kept = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    assert kept == written.stdout.decode("utf-8"), "run `make docs`"


def test_no_peer_is_a_dependency():
    project = pyproject()["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    asked = " ".join(name for names in lists for name in names).lower()
    assert [name for name in ("lightning", "transformers", "fastai", "ultralytics") if name in asked] == []
