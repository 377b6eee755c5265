"""What tests of runs wait for and look at."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import nbtrain
from nbtrain import files, processes
from nbtrain.messages import ENDED
from nbtrain.runs import devices
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.journal import JournalReader

SOURCE = Path(nbtrain.__file__).parents[1]
STAND_IN = Path(__file__).parent / "stand_in"


def share_warm(runtime: Path) -> None:
    """Let a runtime folder lead to the warm process of the present one: its devices are its own, its starts quick."""
    own = files.private_folder(runtime / "nbtrain")
    for path in devices.runtime_folder().glob("warm-*"):
        (own / path.name).symlink_to(path)


def kill(run: RunFolder, by: int = signal.SIGKILL) -> int:
    """Send a signal to the run's trainer if it lives; return its pid."""
    owner = run.owner()
    if owner and owner["pid"] != os.getpid() and processes.alive(owner):
        os.kill(owner["pid"], by)
    return owner.get("pid", 0)


def until(condition, limit_s: float = 120.0):
    """Wait until a condition holds and return its value; the limit is for a broken test only."""
    end_s = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end_s, f"{condition} did not come true"
        time.sleep(0.01)


def ended(run: RunFolder, limit_s: float = 120.0):
    """Wait for the run's end; return its status."""
    until(lambda: run.shown_status().status in ENDED, limit_s)
    return run.shown_status()


def exit_of(run: RunFolder) -> dict:
    """Wait for exit.json."""
    return until(run.exit)


def messages(run: RunFolder, kind: type) -> list:
    """Return the messages of one kind in the run's journal."""
    return [message for message in JournalReader(run.events).read() if isinstance(message, kind)]


def zombies() -> list[str]:
    """Every zombie whose parent is this process."""
    listed = subprocess.run(["ps", "-o", "stat=,ppid=,cmd=", "-A"], capture_output=True, text=True, check=True).stdout
    return [row for row in listed.splitlines() if row.startswith("Z") and row.split()[1] == str(os.getpid())]
