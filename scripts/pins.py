"""Write the versions that are installed here as the constraint pins of pyproject.toml (``make pins``).

The pins are read by uv in this repository only (``make lab``, ``make test``); whoever installs the package elsewhere
gets what its own dependencies allow. This file knows the block it rewrites, nothing about what the packages are for.
"""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
OURSELVES = {"nbtrain", "pip", "uv"}


def installed() -> dict[str, str]:
    """Return the normalised name and the version of everything installed beside this Python."""
    named = ((re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower(), d.version) for d in distributions())
    return {name: version for name, version in sorted(named) if name not in OURSELVES}


def block(versions: dict[str, str]) -> str:
    """Return the ``[tool.uv]`` table that pins ``versions``, one a line."""
    lines = "".join(f'    "{name}=={version}",\n' for name, version in versions.items())
    return f"[tool.uv]  # written by `make pins`\nconstraint-dependencies = [\n{lines}]\n"


def main() -> None:
    """Replace the table in pyproject.toml, or add it at the end."""
    text = PYPROJECT.read_text(encoding="utf-8")
    kept = re.sub(r"\n*\[tool\.uv\].*?^\]\n", "\n", text, flags=re.DOTALL | re.MULTILINE).rstrip("\n")
    versions = installed()
    PYPROJECT.write_text(f"{kept}\n\n{block(versions)}", encoding="utf-8")
    print(f"{len(versions)} pins written to {PYPROJECT.name}")


if __name__ == "__main__":
    main()
