"""Nothing that is committed names a machine, a person's folder or a package registry."""

from __future__ import annotations

import re

import pytest

from contracts.repository import ROOT, committed

TEXT = {".py", ".md", ".toml", ".json", ".ts", ".css", ".yml", ".yaml", ".ipynb", ".npmrc", ".txt", ".cfg", ""}
# Put together here, so that this file does not find itself.
PATHS = ("/ro" + "ot/", "/ho" + r"me/\w+/", "/Us" + r"ers/\w+/", "/wo" + "rk/")
REGISTRIES = ('"resol' + 'ved": "http', "index" + "-url", "/sim" + "ple/", "registry" + r"\s*=\s*.?http")
FORBIDDEN = {
    "a path of one machine": re.compile("|".join(PATHS)),
    "a package registry": re.compile("|".join(REGISTRIES)),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_traces_in_committed_files(what):
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in committed()
        if path.suffix in TEXT
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if FORBIDDEN[what].search(line)
    ]
    assert found == []


def test_nothing_heavy_is_committed():
    """Models and data are made or downloaded; pictures are the only large files."""
    large = {p.relative_to(ROOT).as_posix(): p.stat().st_size for p in committed() if p.stat().st_size > 600_000}
    assert {name: size for name, size in large.items() if not name.startswith("docs/pictures/")} == {}
