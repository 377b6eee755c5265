"""The warm process: it has imported what a trainer needs, and forks one, or a short job, on request within a moment.

It only imports. One tensor operation before the fork would start a thread pool, and the child would hang; so it serves
only while the system counts exactly one thread, and never asks CUDA anything. A request may come while it still
imports: the fork is then made between two imports, and the trainer goes on importing where the process stood.
One per environment (environment.py); where that changes, where nobody asks for a while and where memory is short, it
leaves, and should memory run out at once, the system ends it first. It holds no lock but the one that keeps a second
one away. It listens on a Unix socket in a private folder, to this user only, never on a port. Known here: the socket,
the fork, when to leave. Not known here: runs and short jobs, but for handing one over. Linux only.
"""

from __future__ import annotations

import gc
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

# Whole before the first request: a fork may come at any import.
from nbtrain.runs import environment, errand, parent, renderer
from nbtrain.runs.devices import runtime_folder
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.jobfolder import JobFolder

IDLE_S = 600.0
"""Without a request for this long it leaves, and gives its memory back."""
_ANSWER_S = 10.0
"""Longer than any import that a request may have to wait for; a cold start would take longer still."""
_LOOK_S = 5.0
_REQUEST_BYTES = 1 << 20
_LIBRARIES = ("torch", "torchvision", "torchvision.transforms.v2", "timm", "timm.optim")
_PARTS = ("nbtrain.data", "nbtrain.models", "nbtrain.training", "nbtrain.probing")


# ---------------------------------------------------------------------- for those who ask


def unavailable() -> str:
    """Return why there can be no warm process here, nothing where there can; ``NBTRAIN_WARM=0`` switches it off."""
    if os.environ.get("NBTRAIN_WARM") == "0":
        return "NBTRAIN_WARM=0 switches the warm process off"
    return "" if processes.LINUX else f"a warm process is not available on {sys.platform}"


def hindrance() -> str:
    """Return why it makes no sense to start one here and now; nothing where it does."""
    return unavailable() or refusal() or processes.memory_shortage()


def refusal() -> str:
    """Return why the last warm process of this environment could not serve; nothing where none has refused."""
    try:
        return _refusal_path(environment.key()).read_text()
    except (OSError, NbtrainError):
        return ""


def is_there() -> bool:
    """Tell whether a warm process for this environment listens; counts as use, so it stays a while longer."""
    connection = _connect()
    if connection is None:
        return False
    connection.close()
    return True


def is_coming() -> bool:
    """Tell whether a process has taken this environment's lock: it listens, or is about to."""
    return locks.locked(_lock_path(environment.key()))


def ask(request: dict[str, Any]) -> dict[str, Any]:
    """Send a request and return the answer; ``refused`` says why there is none."""
    connection = _connect()
    if connection is None:
        return {"refused": hindrance() or "no warm process was ready"}
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
        connection.connect(str(_socket_path(environment.key())))
    except (OSError, NbtrainError):
        connection.close()
        return None
    return connection


def _socket_path(key: str) -> Path:
    return runtime_folder() / f"warm-{key}.sock"


def _lock_path(key: str) -> Path:
    return runtime_folder() / f"warm-{key}.lock"


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


# ---------------------------------------------------------------------- the process itself


def main() -> None:
    """Entry of the process: ``KEY IDLE_S``. It detaches itself; its starter sees its child end at once."""
    key, idle_s, stamp = sys.argv[1], float(sys.argv[2]), environment.stamp()
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    lock = locks.FileLock(_lock_path(key))
    if not lock.acquire():
        os._exit(0)  # another one serves this environment
    _output_to(runtime_folder() / f"warm-{key}.log")
    Server(key, stamp, idle_s).serve()


def _output_to(log: Path) -> None:
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.close(written)


class Server:
    """Listens from the first moment, imports, then waits for requests; each makes a trainer or a short job."""

    def __init__(self, key: str, stamp: str, idle_s: float) -> None:
        self._stamp, self._idle_s = stamp, idle_s
        self._stay_as_long_as_others: Callable[[], None] = lambda: None
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
        self._stay_as_long_as_others = processes.go_first()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended children are not kept as zombies
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        gc.disable()  # imports make no garbage, but a million objects to look through
        hook = _BetweenImports(self)
        sys.meta_path.insert(0, hook)
        for name in _names():
            if self._work is None:  # a child imports what its work needs, and no more
                self._import(name)
                self._leave_where_memory_is_short()
        sys.meta_path.remove(hook)
        self._work_if_asked()
        gc.collect()
        processes.give_back_memory()
        gc.freeze()  # a collection in a child would touch, and so copy, every page
        gc.enable()
        self._used_s = time.monotonic()  # it is ready only now
        while not (reason := self._reason_to_leave()):
            select.select([self._listener], [], [], min(_LOOK_S, self._idle_s))
            self.poll()
            self._work_if_asked()
        self._leave(reason)

    def _leave_where_memory_is_short(self) -> None:
        """While it still imports: what is not loaded yet would only make it worse."""
        short = processes.memory_shortage()
        if short and self._work is None:
            self._leave(short)

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
            self._stay_as_long_as_others()
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
        if time.monotonic() - self._used_s > self._idle_s:
            return "nobody has asked for a while"
        changed = environment.stamp() != self._stamp
        return processes.memory_shortage() or ("nbtrain or a library has changed" if changed else _unsafe())


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
