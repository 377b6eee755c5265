"""What of this machine a trainer needs: libraries, room, memory, locks, a device, a warm process.

One function per thing looked at; each returns a Finding that says what there is and, where it falls short, what to do.
Libraries are imported in a process of their own: torch is never loaded here. Not known here: what is in a project.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import psutil

from nbtrain import files, locks
from nbtrain.errors import NbtrainError
from nbtrain.runs import devices, fresh, warm

Severity: TypeAlias = Literal["ok", "warning", "problem"]

_GIB = 2**30
_LOW_DISK_GIB, _LEAST_DISK_GIB = 5.0, 0.5
_LOW_MEMORY_GIB = 2.0
_LOW_SHARED_MIB = 512.0
_IMPORT_S = 300.0
_IMPORTS = """
import json, sys
found = {}
for name in ("torch", "torchvision", "timm"):
    try:
        found[name] = str(__import__(name).__version__)
    except Exception as error:
        found[name] = f"! {type(error).__name__}: {error}"
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look has found."""

    check: str
    """What was looked at, in a word or two."""
    severity: Severity
    text: str
    advice: str = ""
    repair: Callable[[], str] | None = field(default=None, compare=False)
    """Puts it right and returns what was done; None where nothing can be done safely without a person."""
    question: str = ""
    """What a person is asked before the repair."""


def machine_findings(folder: Path) -> Iterator[Finding]:
    """Look at everything that training below ``folder`` needs of this machine, the slow imports last."""
    there = next(path for path in (folder, *folder.parents) if path.is_dir())
    yield python()
    yield disk(there)
    yield shared_memory()
    yield memory()
    yield file_locks(there)
    yield gpu()
    yield warm_process()
    yield from libraries()


def python() -> Finding:
    """Python's version."""
    return Finding("Python", "ok", f"{sys.version.split()[0]} on {sys.platform}")


def disk(folder: Path) -> Finding:
    """Room for checkpoints, in bytes and in names of files."""
    free_gib = shutil.disk_usage(folder).free / _GIB
    text, advice = f"{free_gib:.1f} GiB free", "Make room, or choose a project folder on another disk."
    if free_gib < _LEAST_DISK_GIB or not files.room_left(folder):
        return Finding("disk", "problem", f"{text}: a checkpoint may not fit", advice)
    return Finding("disk", "warning" if free_gib < _LOW_DISK_GIB else "ok", text, advice)


def shared_memory(folder: Path = Path("/dev/shm")) -> Finding:
    """Shared memory, through which loader workers hand over their batches."""
    if not folder.is_dir():
        return Finding("shared memory", "ok", f"there is no {folder} on this system")
    size_mib = shutil.disk_usage(folder).free / 2**20
    text = f"{size_mib:.0f} MiB free in {folder}"
    advice = "Give the container more (docker run --shm-size=2g), or set data.workers to 0."
    return Finding("shared memory", "warning" if size_mib < _LOW_SHARED_MIB else "ok", text, advice)


def memory() -> Finding:
    """Memory that is free now."""
    found = psutil.virtual_memory()
    text = f"{found.available / _GIB:.1f} of {found.total / _GIB:.1f} GiB available"
    low = found.available / _GIB < _LOW_MEMORY_GIB
    return Finding("memory", "warning" if low else "ok", text, "Close other programs, or use a smaller batch size.")


def file_locks(folder: Path) -> Finding:
    """Whether a lock on a file in ``folder`` holds: some network file systems accept it and do nothing."""
    path = folder / f".nbtrain-doctor-{files.new_id()}"
    advice = "Keep the project on a disk of this machine, or ask for locks (lockd) on the network file system."
    try:
        with locks.FileLock(path):
            held = bool(locks.locked(path)) and _held_for_another(path)
    except OSError as error:
        return Finding("file locks", "problem", f"{folder} refuses a lock: {error.strerror or error}", advice)
    finally:
        files.remove(path)
    if not held:
        return Finding("file locks", "problem", f"they do not hold in {folder}: two trainers could share a run", advice)
    return Finding("file locks", "ok", f"they hold in {folder}")


def _held_for_another(path: Path) -> bool:
    """Ask from another process; this one knows its own locks without asking the file system."""
    code = "import sys; from nbtrain import locks; sys.exit(not locks.locked(sys.argv[1]))"
    return subprocess.run(fresh.command(code, str(path)), capture_output=True, check=False).returncode == 0


def gpu() -> Finding:
    """GPUs, by NVML: asking CUDA would take memory on each."""
    try:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        told = [f"{_text(pynvml.nvmlDeviceGetName(h))}, {pynvml.nvmlDeviceGetMemoryInfo(h).free / _GIB:.1f} GiB free"
                for h in handles]  # fmt: skip
    except Exception as error:  # no library, no driver, no permission
        return Finding("GPU", "ok", f"none that NVML knows of ({error}): training uses the CPU")
    return Finding("GPU", "ok", "; ".join(told) or "none: training uses the CPU")


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name


def warm_process() -> Finding:
    """Whether the next run can start within a second."""
    slow = "Runs start all the same, each with some seconds of imports."
    why = warm.unavailable()
    if why:
        return Finding("warm process", "ok", why)
    try:
        devices.runtime_folder()
    except (OSError, NbtrainError) as error:
        return Finding("warm process", "warning", f"there is no private folder for it: {error}", slow)
    if hindrance := warm.hindrance():
        return Finding("warm process", "warning", hindrance, slow)
    return Finding("warm process", "ok", "ready" if warm.is_there() else "possible; the studio starts it")


def libraries() -> Iterator[Finding]:
    """The libraries of the trainer, as a fresh Python finds them."""
    try:
        done = subprocess.run(fresh.command(_IMPORTS), capture_output=True, text=True, timeout=_IMPORT_S)
        found = dict(json.loads(done.stdout.splitlines()[-1]))
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        text = f"a Python process that imports them gives no answer ({type(error).__name__})"
        yield Finding("libraries", "problem", text, "Install nbtrain anew in a fresh environment.")
        return
    for name, version in found.items():
        if version.startswith("! "):
            yield Finding(name, "problem", f"cannot be imported: {version[2:]}", f"Install it anew: pip install {name}")
        else:
            yield Finding(name, "ok", version)
