"""Other tools to compare with: one file each, with what it needs written at its top, as PEP 723 has it for scripts.

Each is installed into a folder of its own beside the environment, which stays as it is: what that already has (torch
above all) is taken from there, so that all compute with the same libraries, and nothing here becomes a dependency of
nbtrain. Ultralytics is under the AGPL: it is only ever run here, by whoever runs this benchmark, in its own process.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = Path(sys.prefix) / "peers"
SCRIPTS = Path(__file__).parent
TOOLS = {
    "plain": "plain loop, torchvision v1",
    "timm_loop": "timm's loader and loop",
    "lightning": "Lightning",
    "hf_trainer": "HF Trainer",
    "fastai_learner": "fastai",
    "ultralytics_classify": "Ultralytics classify",
}


def needs(tool: str) -> list[str]:
    """Return the requirements that stand at the top of a tool's script."""
    lines = (SCRIPTS / f"{tool}.py").read_text(encoding="utf-8").splitlines()
    block = lines[lines.index("# /// script") + 1 : lines.index("# ///")]
    found: list[str] = tomllib.loads("\n".join(line.removeprefix("#").strip() for line in block))["dependencies"]
    return found


def install(tool: str) -> Path:
    """Return the folder that holds what ``tool`` needs, installed now where it is not; raises CalledProcessError."""
    folder, wanted = FOLDER / tool, needs(tool)
    stamp = folder / ".installed"
    if not wanted or (stamp.exists() and stamp.read_text(encoding="utf-8") == "\n".join(wanted)):
        return folder
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as there:
        names = sorted({found.name for found in importlib.metadata.distributions()} - {"nbtrain"})
        there.write("".join(f'{name} ; python_version < "0"\n' for name in names))  # never: the environment has it
        there.flush()
        words = [Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--python", sys.executable]
        words += ["--target", folder, "--override", there.name, *wanted]
        subprocess.run(words, check=True, cwd=ROOT, capture_output=True, text=True)
    stamp.write_text("\n".join(wanted), encoding="utf-8")
    return folder


def environment(folder: Path, threads: int) -> dict[str, str]:
    """Return the variables of a process that finds what is in ``folder`` and computes with so many threads."""
    path = os.pathsep.join([*sys.path, str(folder)])
    quiet = {"TOKENIZERS_PARALLELISM": "false", "YOLO_CONFIG_DIR": str(FOLDER), "YOLO_OFFLINE": "true"}
    return {**os.environ, **quiet, "PYTHONPATH": path, "OMP_NUM_THREADS": str(threads)}


def versions(tool: str) -> dict[str, str]:
    """Return the version of each package that a tool's script names."""
    found = {one.name.lower(): one.version for one in importlib.metadata.distributions(path=[str(FOLDER / tool)])}
    names = [want.split("[")[0].split(">")[0].lower() for want in needs(tool)]
    return {name: found[name] for name in names if name in found}
