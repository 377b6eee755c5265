"""Faults on purpose: real processes, signals and full disks around real, small trainings."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.conftest import long_run, own_devices, project, until, warm

__all__ = ["long_run", "own_devices", "project", "warm"]  # fixtures of the flows


class Disk:
    """A small file system of its own, which a test fills, frees, and makes read-only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filling = path / "filling"

    def fill(self) -> None:
        """Leave not one byte, not even those that a writer gives back a moment later."""
        quiet = 0
        while quiet < 3:  # a writer that was refused removes what it had written, and makes room again
            quiet = 0 if self._write_on() else quiet + 1
            time.sleep(0.2)

    def _write_on(self) -> int:
        """Write until nothing more fits; return how many bytes did."""
        with open(self._filling, "ab", buffering=0) as file:
            before = file.tell()
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return file.tell() - before

    def use_all_names(self) -> None:
        """Leave room for bytes, but not for one more file."""
        self._filling.mkdir()
        try:
            for number in range(100_000):
                (self._filling / str(number)).touch()
        except OSError:
            return

    def give_back(self, n_bytes: int) -> None:
        """Make a little room again."""
        os.truncate(self._filling, max(0, self._filling.stat().st_size - n_bytes))

    def free(self) -> None:
        """Give the room back."""
        subprocess.run(["rm", "-rf", self._filling], check=True)

    def read_only(self) -> None:
        """Refuse every write from now on."""
        command = ["mount", "-o", "remount,ro", self.path]
        until(lambda: subprocess.run(command, capture_output=True, check=False).returncode == 0)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Disk]]:
    """Return a function that mounts a tmpfs with the given options; skips where that is not permitted."""
    mounted: list[Path] = []

    def mount(options: str) -> Disk:
        folder = tmp_path / f"disk-{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small tmpfs is not permitted here")
        mounted.append(folder)
        return Disk(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=False)
