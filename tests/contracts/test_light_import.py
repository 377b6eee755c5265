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


def test_the_studio_paints_before_the_slow_half_is_imported():
    """Charts, data frames and the digits' source cost a second or two, and the first paint needs none of them."""
    code = LOADED.replace("nbtrain;", "nbtrain; nbtrain.TrainingStudio; nbtrain.demo;")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    slow = {*HEAVY, "sklearn", "scipy", "pandas", "bqplot", "jupyterlab"}
    assert slow & set(json.loads(done.stdout)) == set()


def test_kernel_side_imports_without_torch():
    """Every module that is not the trainer's own, and all their names, with torch, torchvision and timm forbidden."""
    modules = [module_name(p) for p in sources() if p not in trainer_only() and p.name != "__main__.py"]
    code = IMPORT_ALL.format(heavy=HEAVY, modules=modules)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
