"""A fresh interpreter in a session of its own: the beginning of every process that nbtrain starts.

Known here: flags, and where nbtrain is found. Not known here: what the process is for. Windows is untested.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

_ROOT = str(Path(__file__).resolve().parents[2])
# -P keeps a notebook's folder, with its random.py or torch.py, off the path; nbtrain is found wherever this one is.
_BOOT = f"import sys; sys.path.append({_ROOT!r}); from nbtrain.runs.%s import main; main()"


def python(module: str, *args: str, env: dict[str, str] | None = None, **streams: Any) -> subprocess.Popen[bytes]:
    """Start ``main()`` of a module of this folder; interrupting the process that starts it does not reach it."""
    flags: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    argv = [sys.executable, "-P", "-c", _BOOT % module, *args]
    return subprocess.Popen(argv, env=env, **{"stdin": subprocess.DEVNULL, **streams}, **flags)


def forgotten(module: str, *args: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a process that nobody listens to, and collect what is left of it when it has ended; return it."""
    process = python(module, *args, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    threading.Thread(target=process.wait, name="nbtrain-reap", daemon=True).start()
    return process
