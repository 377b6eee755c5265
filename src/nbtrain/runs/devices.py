"""Who uses which device of this machine, over all projects of this user: advice, not enforcement.

Each trainer registers in a private folder: a lock file that it holds for life and a JSON beside it, so that a killed
trainer's entry is void at once. All changes happen under one gate lock, so two runs never both find a device free.
Where the folder cannot be used, every device counts as free. Known here: names of devices. Not known here: what runs on
them, who waits for them (queue.py), or CUDA itself (asking it would create a context).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from nbtrain import files, locks
from nbtrain.errors import NbtrainError


def runtime_folder() -> Path:
    """Return this user's private folder for sockets and locks that mean nothing after a reboot."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given and os.access(given, os.W_OK):
        return files.private_folder(Path(given) / "nbtrain")
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return files.private_folder(Path(tempfile.gettempdir()) / f"nbtrain-{user}")


def device_name(asked: str) -> str:
    """Return the machine's own name of a device: ``auto`` is the first GPU or the CPU, and masked GPUs are unmasked."""
    if asked == "auto":
        asked = "cuda:0" if Path("/dev/nvidia0").exists() and os.environ.get("CUDA_VISIBLE_DEVICES") != "" else "cpu"
    kind, _, index = asked.partition(":")
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    if kind == "cuda" and index.isdecimal() and int(index) < len(visible):
        return f"cuda:{visible[int(index)]}"
    return asked


@dataclass(frozen=True, slots=True)
class Use:
    """One run that uses a device."""

    run: str
    device: str
    since_s: float


def busy(device: str) -> list[Path]:
    """Return the folders of the living runs that use ``device`` now, the oldest first."""
    return users(device_name(device))


def users(name: str) -> list[Path]:
    """The same for the machine's own name of a device."""
    try:
        uses = sorted(_uses(runtime_folder() / "devices").values(), key=lambda use: use.since_s)
        return [Path(use.run) for use in uses if use.device == name]
    except (OSError, NbtrainError):
        return []


class Claim:
    """One trainer's registration for one device, from :meth:`take` to :meth:`release` or the end of its process."""

    def __init__(self, run: str | Path, device: str) -> None:
        self._use = Use(str(run), device_name(device), time.time())
        self._name = files.new_id()
        self._lock: locks.FileLock | None = None

    @property
    def device(self) -> str:
        """The machine's name of the device."""
        return self._use.device

    def take(self, *, beside: bool = False) -> bool:
        """Register as using the device, unless others do; return whether it may be used now."""
        try:
            folder = files.make_folder(runtime_folder() / "devices", mode=0o700)
            with locks.FileLock(folder / "gate"):
                return self._register(folder, beside)
        except (OSError, NbtrainError):
            return True

    def release(self) -> None:
        """Give the device back."""
        if self._lock:
            files.remove(self._lock.path.with_suffix(".json"))
            files.remove(self._lock.path)
            self._lock.release()
            self._lock = None

    def _register(self, folder: Path, beside: bool) -> bool:
        others = [use for use in _uses(folder, sweep=True).values() if use.device == self.device]
        if others and not beside:
            return False
        self._lock = locks.FileLock(folder / f"{self._name}.lock")
        self._lock.acquire()
        files.write_json(folder / f"{self._name}.json", asdict(self._use), durable=False)
        return True


def _uses(folder: Path, *, sweep: bool = False) -> dict[str, Use]:
    """Return the entries of living processes; ``sweep`` (only under the gate) removes the others."""
    found: dict[str, Use] = {}
    for lock in _lock_files(folder):
        entry = lock.with_suffix(".json")
        if locks.locked(lock) is not False:
            found.update((lock.stem, use) for use in _read(entry))
        elif sweep:
            files.remove(entry)
            files.remove(lock)
    return found


def _lock_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.lock")) if folder.is_dir() else []


def _read(entry: Path) -> Iterator[Use]:
    try:
        yield Use(**files.read_json(entry))
    except (OSError, TypeError, NbtrainError):
        return
