"""The warm process: it has imported what a trainer needs, and forks one, or a short job, on request within a moment.

It only imports. One tensor operation before the fork would start a thread pool, and the child would hang; so it serves
only while the system counts exactly one thread, and never asks CUDA anything. A request may come while it still
imports: the fork is then made between two imports, and the trainer goes on importing where the process stood.
One per environment: interpreter, variables that libraries read while they load, the files of nbtrain and of torch; when
a file changes, it leaves. It listens on a Unix socket in a private folder, to this user only, never on a port.
Known here: the socket, the fork, when to leave. Not known here: runs and short jobs, but for handing one over.
Linux only.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import importlib.util
import json
import os
import pkgutil
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from nbtrain import files, locks, processes
from nbtrain.errors import NbtrainError
from nbtrain.runs import errand, parent, renderer  # whole before the first request: a fork may come at any import
from nbtrain.runs.devices import runtime_folder
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.jobfolder import JobFolder

IDLE_S = 600.0
"""Without a request for this long it leaves, and gives its memory back."""
_MEMORY_SHARE = 0.1
"""With less of the machine's memory available than this it leaves at once."""
_ANSWER_S = 10.0
"""Longer than any import that a request may have to wait for; a cold start would take longer still."""
_LOOK_S = 5.0
_REQUEST_BYTES = 1 << 20
_LIBRARIES = ("torch", "torchvision", "torchvision.transforms.v2", "timm", "timm.optim")
_PARTS = ("nbtrain.data", "nbtrain.models", "nbtrain.training", "nbtrain.probing")
_READ_WHILE_LOADING = ("OMP_", "KMP_", "MKL_", "GOMP_", "OPENBLAS_", "TORCH_", "PYTORCH_", "LD_", "PYTHON")


# ---------------------------------------------------------------------- for those who ask


def unavailable() -> str:
    """Return why there can be no warm process here, nothing where there can; ``NBTRAIN_WARM=0`` switches it off."""
    if os.environ.get("NBTRAIN_WARM") == "0":
        return "NBTRAIN_WARM=0 switches the warm process off"
    return "" if processes.LINUX else f"a warm process is not available on {sys.platform}"


def environment_key() -> str:
    """Return a text that changes when a process that imported before would not be the same any more."""
    variables = sorted((k, v) for k, v in os.environ.items() if k.startswith(_READ_WHILE_LOADING))
    seen = json.dumps([sys.executable, sys.prefix, sys.version, variables, source_stamp()])
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


def source_stamp() -> str:
    """Return a text that changes with nbtrain's source and with the installed libraries."""
    found = [*Path(__file__).resolve().parents[1].rglob("*.py"), *_library_files()]
    stamps = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(found) if path.exists()]
    return hashlib.sha256(json.dumps(stamps).encode()).hexdigest()[:16]


def refusal() -> str:
    """Return why the last warm process of this environment could not serve; nothing where none has refused."""
    try:
        return _refusal_path(environment_key()).read_text()
    except (OSError, NbtrainError):
        return ""


def is_there() -> bool:
    """Tell whether a warm process for this environment listens; counts as use, so it stays a while longer."""
    connection = _connect()
    if connection is None:
        return False
    connection.close()
    return True


def ask(request: dict[str, Any]) -> dict[str, Any]:
    """Send a request and return the answer; ``refused`` says why there is none."""
    connection = _connect()
    if connection is None:
        return {"refused": refusal() or "no warm process was ready"}
    with connection:
        try:
            connection.sendall(json.dumps(request).encode() + b"\n")
            line = _receive(connection)
            return dict(json.loads(line)) if line else {"refused": "the warm process went away"}
        except (OSError, ValueError) as error:
            return {"refused": f"the warm process did not answer: {error}"}


def open_line(request: dict[str, Any]) -> socket.socket | None:
    """Send a request whose fork goes on talking; return the connection once it has answered, None where none does."""
    connection = _connect()
    if connection is None:
        return None
    try:
        connection.sendall(json.dumps(request).encode() + b"\n")
        line = _receive(connection)
        if line and "refused" not in json.loads(line):
            connection.settimeout(None)
            return connection
    except (OSError, ValueError):
        pass
    connection.close()
    return None


def _connect() -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_ANSWER_S)
    try:
        connection.connect(str(_socket_path(environment_key())))
    except (OSError, NbtrainError):
        connection.close()
        return None
    return connection


def _socket_path(key: str) -> Path:
    return runtime_folder() / f"warm-{key}.sock"


def _refusal_path(key: str) -> Path:
    return runtime_folder() / f"warm-{key}.refused"


def _receive(connection: socket.socket) -> bytes:
    """Return one line; nothing where the other end goes away first."""
    data = b""
    while not data.endswith(b"\n") and len(data) < _REQUEST_BYTES:
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    return data


def _library_files() -> Iterator[Path]:
    for name in ("torch", "torchvision", "timm", "numpy"):
        spec = importlib.util.find_spec(name) if name not in sys.modules else sys.modules[name].__spec__
        if spec and spec.origin:
            yield Path(spec.origin)


# ---------------------------------------------------------------------- the process itself


def main() -> None:
    """Entry of the process: ``KEY``. It detaches itself; its starter sees its child end at once."""
    key, stamp = sys.argv[1], source_stamp()
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    lock = locks.FileLock(runtime_folder() / f"warm-{key}.lock")
    if not lock.acquire():
        os._exit(0)  # another one serves this environment
    _output_to(runtime_folder() / f"warm-{key}.log")
    Server(key, stamp).serve()


def _output_to(log: Path) -> None:
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.close(written)


class Server:
    """Listens from the first moment, imports, then waits for requests; each makes a trainer or a short job."""

    def __init__(self, key: str, stamp: str) -> None:
        self._stamp = stamp
        self._key, self._path = key, _socket_path(key)
        self._path.unlink(missing_ok=True)  # of a killed one; this process holds the lock
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self._path))
        self._listener.listen(16)
        self._listener.setblocking(False)
        self._used_s = time.monotonic()
        self._forking = False
        self._work: Callable[[], int] | None = None  # set in a child that has become a trainer or a job

    def serve(self) -> NoReturn:
        """Import, then serve until it is time to leave."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended children are not kept as zombies
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        hook = _BetweenImports(self)
        sys.meta_path.insert(0, hook)
        for name in _names():
            if self._work is None:  # a child imports what its work needs, and no more
                self._import(name)
        sys.meta_path.remove(hook)
        self._work_if_asked()
        gc.collect()
        gc.freeze()  # a collection in a child would touch, and so copy, every page
        while not (reason := self._reason_to_leave()):
            select.select([self._listener], [], [], _LOOK_S)
            self.poll()
            self._work_if_asked()
        self._leave(reason)

    def _leave(self, reason: str) -> NoReturn:
        """Go, and leave word where it makes no sense to try again in the same environment."""
        sys.stderr.write(f"left: {reason}\n")
        if _unsafe():
            files.write_atomic(_refusal_path(self._key), _unsafe().encode(), durable=False)
        self._path.unlink(missing_ok=True)
        os._exit(0)

    def poll(self) -> None:
        """Answer one request if one waits; in a child that gets work this returns, and it polls no more."""
        if self._forking or self._work is not None:
            return
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        self._used_s = time.monotonic()
        self._forking = True
        try:
            self._answer(connection)
        finally:
            self._forking = False
            connection.close()

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(1.0)
        try:
            line = _receive(connection) if _is_same_user(connection) else b""
            if not line or _has_gone(connection):
                return
            request, refusal = json.loads(line), _unsafe()
            if refusal:
                connection.sendall(json.dumps({"refused": refusal}).encode() + b"\n")
                return
        except (OSError, ValueError):
            return
        if os.fork() == 0:
            self._become(request, connection.detach())

    def _become(self, request: dict[str, Any], descriptor: int) -> None:
        """In the fork: its own parent splits off, the rest is the worker, which goes on where the server stood."""
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._listener.close()
            os.environ.clear()
            os.environ.update(request["env"])
            os.chdir(request["cwd"])
            if "renderer" in request:
                self._work = renderer.become(descriptor).work
            else:
                self._work = _take_on(request, parent.Channel(descriptor))
        except BaseException as error:  # a fork that went on as a second server would be worse
            sys.stderr.write(f"the fork could not take its work on: {error!r}\n")
            sys.stderr.flush()
            os._exit(1)

    def _work_if_asked(self) -> None:
        if self._work is not None:
            parent.end(self._work())

    def _import(self, name: str) -> None:
        try:
            importlib.import_module(name)
        except Exception as error:  # a trainer that needs it will say so itself, in its run
            sys.stderr.write(f"{name} could not be imported: {error!r}\n")

    def _reason_to_leave(self) -> str:
        if time.monotonic() - self._used_s > IDLE_S:
            return "nobody has asked for a while"
        if processes.available_share() < _MEMORY_SHARE:
            return "the machine is short of memory"
        return "nbtrain or a library has changed" if source_stamp() != self._stamp else _unsafe()


class _BetweenImports:
    """A finder that finds nothing: the import system asks it before each module, which is when a fork is safe."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Let the server answer a request that waits."""
        self._server.poll()


def _take_on(request: dict[str, Any], channel: parent.Channel) -> Callable[[], int]:
    """Make this fork a trainer or a short job, with a small parent beside it; return what it has to do."""
    if "job" in request:
        return errand.begin(JobFolder(request["job"]), channel)
    run = RunFolder(request["run"])
    parent.become_trainer(run, channel)
    return parent.begin(run, request["when_busy"], channel).work


def _names() -> Iterator[str]:
    """What to import, lightest last: the libraries, then every part of nbtrain that trains."""
    yield from _LIBRARIES
    for part in _PARTS:
        spec = importlib.util.find_spec(part)
        for found in pkgutil.walk_packages(spec.submodule_search_locations or [] if spec else [], f"{part}."):
            yield found.name
    yield "nbtrain.build"
    yield "nbtrain.runs.pictures"


def _unsafe() -> str:
    """Return why a fork of this process would not be safe, nothing where it is."""
    if processes.threads() != 1:
        return f"the warm process has {processes.threads()} threads after its imports, so it cannot be forked"
    torch = sys.modules.get("torch")
    started = getattr(getattr(torch, "cuda", None), "is_initialized", bool)
    return "an import has started CUDA, which does not survive a fork" if started() else ""


def _is_same_user(connection: socket.socket) -> bool:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return bool(struct.unpack("3i", credentials)[1] == os.getuid())


def _has_gone(connection: socket.socket) -> bool:
    """A starter that lost patience has started cold; serving it too would only make a second trainer give way."""
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    finally:
        connection.setblocking(True)
