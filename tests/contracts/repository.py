"""What the contract tests read: the repository's files and modules as they are, found by walking, never listed."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "nbtrain"


@cache
def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return all nodes of a file's syntax tree; reading the whole tree of files once takes seconds."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def committed(*patterns: str) -> list[Path]:
    """Return the files that git knows or would add; of an unpacked sdist without git, all of them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [path for line in listed if (path := ROOT / line).is_file()]


def trainer_patterns() -> list[str]:
    """Return pyproject's list of files that may import torch at their top (ruff's TID253), one pattern per name."""
    ignores = pyproject()["tool"]["ruff"]["lint"]["per-file-ignores"]
    listed = [pattern for pattern, rules in ignores.items() if "TID253" in rules and pattern.startswith("src/")]
    return [one for pattern in listed for one in _braces(pattern)]


@cache
def trainer_only() -> frozenset[Path]:
    """Return the files that only the trainer process reads."""
    return frozenset(path for pattern in trainer_patterns() for path in ROOT.glob(pattern))


def _braces(pattern: str) -> list[str]:
    if "{" not in pattern:
        return [pattern]
    before, rest = pattern.split("{", 1)
    inner, after = rest.split("}", 1)
    return [before + word + after for word in inner.split(",")]


def sources() -> list[Path]:
    """Return every Python file of the package."""
    return sorted(SOURCE.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, *, top_only: bool = False) -> set[str]:
    """Return the full names of all modules that a file imports; ``top_only`` leaves functions' imports out."""
    module, *_ = every = nodes(path)
    found: set[str] = set()
    for node in module.body if top_only and isinstance(module, ast.Module) else every:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found
