"""The notebook's kernel never loads torch: every kernel-side module imports where torch cannot be."""

from __future__ import annotations

import json
import subprocess
import sys

from contracts.repository import module_name, sources, trainer_only

HEAVY = ("torch", "torchvision", "timm")
# None in sys.modules makes an import fail with the line that asked for it, as if it were not installed.
IMPORT_ALL = """
import importlib, sys
for name in {heavy}: sys.modules[name] = None
for name in {modules}: importlib.import_module(name)
"""
LOADED = "import sys, json, nbtrain; print(json.dumps(sorted(sys.modules)))"


def test_import_nbtrain_is_light():
    """``import nbtrain`` alone loads none of the big libraries: names are loaded on first use."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    slow = {*HEAVY, "sklearn", "scipy", "pandas", "bqplot", "jupyterlab", "IPython"}
    assert slow & set(json.loads(done.stdout)) == set()


TYPED = "from nbtrain import TrainingStudio, demo"
"""What a person types first; bench/start.py holds its time against that of ``import ipywidgets``."""
OURS = {
    "nbtrain", "nbtrain.cgroups", "nbtrain.demo", "nbtrain.errors", "nbtrain.escaping", "nbtrain.files",
    "nbtrain.folders", "nbtrain.locks", "nbtrain.processes", "nbtrain.ui", "nbtrain.ui.group", "nbtrain.ui.hosts",
    "nbtrain.ui.picture", "nbtrain.ui.pulse", "nbtrain.ui.studio",
}  # fmt: skip
OTHERS = {"orjson"}
"""Packages beside those that ``import ipywidgets`` loads too."""


def loaded_by(code: str) -> set[str]:
    """Return the modules that a fresh Python has after ``code``."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, json; {code}; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(json.loads(done.stdout))


def test_what_a_person_types_first_loads_the_widgets_and_little_else():
    """The list is closed: what joins it is paid for by everybody, and without byte code also compiled."""
    found = loaded_by(TYPED) - loaded_by("import ipywidgets")
    assert {name for name in found if name.partition(".")[0] == "nbtrain"} == OURS
    packages = {name.partition(".")[0] for name in found} - {"nbtrain"} - sys.stdlib_module_names
    assert packages == OTHERS


def test_the_first_display_loads_neither_the_trainer_nor_what_is_not_shown(tmp_path):
    """Charts, data frames and the digits' source cost a second or two; a stage that nobody has opened is not loaded."""
    code = f"{TYPED}; TrainingStudio({str(tmp_path / 'new')!r})"
    found = loaded_by(f"import os; os.environ['NBTRAIN_WARM'] = '0'; {code}")
    assert {*HEAVY, "sklearn", "scipy", "pandas", "bqplot", "jupyterlab"} & found == set()
    stages = ("comparison_view", "data_stage", "evaluation_stage", "gallery", "guide", "run_table", "statistics")
    assert {f"nbtrain.ui.{name}" for name in stages} & found == set()
    assert {"nbtrain.evaluation.report.page", "yaml"} & found == set()


def test_kernel_side_imports_without_torch():
    """Every module that is not the trainer's own, and all their names, with torch, torchvision and timm forbidden."""
    modules = [module_name(p) for p in sources() if p not in trainer_only() and p.name != "__main__.py"]
    code = IMPORT_ALL.format(heavy=HEAVY, modules=modules)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
