"""Other tools to compare with, in a folder of their own beside the environment, which stays as it is."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = Path(sys.prefix) / "peers"


def install() -> Path:
    """Return the folder that holds the packages of the extra ``peers``, installed now where they are not.

    Without what they depend on: torch and the rest are taken from the environment.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["optional-dependencies"]["peers"]
    stamp = FOLDER / ".installed"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != "\n".join(wanted):
        uv = Path(sys.executable).with_name("uv")
        words = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--no-deps", "--target", FOLDER, *wanted]
        subprocess.run(words, check=True, cwd=ROOT)
        stamp.write_text("\n".join(wanted), encoding="utf-8")
    return FOLDER
