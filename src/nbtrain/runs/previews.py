"""A kernel's line to its renderer: started on first need, asked without waiting, started again when it has died.

One thread sends, one per line reads, and nobody who asks ever waits for a process. An answer that a newer wish of the
same asker has overtaken is dropped. Known here: how a renderer is reached, and how often it is tried again. Not known
here: what is rendered, or for which panel.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, TypeAlias, cast

from nbtrain.errors import LaunchError
from nbtrain.messages import Preview, Previewed
from nbtrain.runs import fresh, launch, renderer, warm

Then: TypeAlias = Callable[[Previewed, list[bytes]], None]
_TRIES = 2
"""So often a request that ended its renderer, or met its leaving, is asked again."""
_WARM_S = 2.0
"""So long a warm process that has just been started may take to listen."""
_numbers = count(1)


@dataclass(frozen=True)
class Line:
    """A renderer as its kernel sees it: where to write, where to read, and what to close."""

    incoming: int
    outgoing: int
    held: socket.socket | subprocess.Popen[bytes]
    warm: bool

    def close(self) -> None:
        """Hang up; the renderer then leaves."""
        if isinstance(self.held, socket.socket):
            self.held.close()
            return
        for pipe in (self.held.stdin, self.held.stdout):
            if pipe is not None:
                pipe.close()
        self.held.wait()


@dataclass(frozen=True)
class _Wish:
    asked: Preview
    then: Then
    tries: int = 0


class Previews:
    """The renderer of this kernel, as long as somebody wants pictures."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._wishes: dict[str, _Wish] = {}
        self._sent: dict[int, _Wish] = {}
        self._newest: dict[str, int] = {}
        self._line: Line | None = None
        self._thread: threading.Thread | None = None
        self.starts = 0
        """How many renderers this kernel has had."""

    @property
    def ready(self) -> bool:
        """Whether there is a renderer; without one the next request has to start it."""
        return self._line is not None

    @property
    def is_warm(self) -> bool:
        """Whether the present renderer came from the warm process."""
        return self._line is not None and self._line.warm

    def ask(self, asked: Preview, then: Then) -> int:
        """Have ``then`` called with the answer, on another thread, unless the same asker asks again before."""
        with self._changed:
            numbered = replace(asked, number=next(_numbers))
            self._newest[asked.who] = numbered.number
            self._wishes[asked.who] = _Wish(numbered, then)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._send_wishes, name="nbtrain-previews", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return numbered.number

    def wait(self, asked: Preview, timeout_s: float = 60.0) -> tuple[Previewed, list[bytes]]:
        """Return the answer; raises LaunchError where none comes in time."""
        found: list[tuple[Previewed, list[bytes]]] = []
        come = threading.Event()
        mine = replace(asked, who=f"{asked.who} {next(_numbers)}")

        def take(said: Previewed, blobs: list[bytes]) -> None:
            found.append((said, blobs))
            come.set()

        self.ask(mine, take)
        if not come.wait(timeout_s):
            raise LaunchError("no preview came", value=f"{timeout_s:g} s", advice="Try again.")
        with self._changed:
            self._newest.pop(mine.who, None)
        return found[0]

    def drop(self, who: str) -> None:
        """Forget what ``who`` has asked: nobody looks any more."""
        with self._changed:
            self._wishes.pop(who, None)
            self._newest.pop(who, None)

    def close(self) -> None:
        """Let the renderer go."""
        with self._changed:
            line, self._line = self._line, None
            self._wishes.clear()
            self._newest.clear()
            self._sent.clear()
        if line is not None:
            _shut(line)

    # -- inside -------------------------------------------------------------------------------------------------

    def _send_wishes(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._wishes))
                line = self._line
            if line is None and self._start() is None:
                for wish in self._taken():
                    self._failed(wish, "the preview's process could not be started")
                continue
            with self._changed:  # a line is closed only after it was taken from here: its number may then be another's
                line = self._line
                for wish in self._taken() if line is not None else []:
                    self._send(cast(Line, line), wish)

    def _taken(self) -> list[_Wish]:
        with self._changed:
            wishes, self._wishes = list(self._wishes.values()), {}
            return wishes

    def _send(self, line: Line, wish: _Wish) -> None:
        self._sent = {n: sent for n, sent in self._sent.items() if sent.asked.who != wish.asked.who}
        self._sent[wish.asked.number] = wish
        try:
            renderer.send(line.outgoing, wish.asked)
        except OSError:
            return  # its reader sees the end of the line too, and has it asked again

    def _start(self) -> Line | None:
        line = _warm_line() or _cold_line()
        if line is not None:
            with self._changed:
                self._line = line
                self.starts += 1
            threading.Thread(target=self._read, args=(line,), name="nbtrain-pictures", daemon=True).start()
        return line

    def _read(self, line: Line) -> None:
        while (frame := renderer.receive(line.incoming)) is not None:
            said, blobs = frame
            if isinstance(said, Previewed):
                self._answer(said, blobs)
        self._ended(line)

    def _answer(self, said: Previewed, blobs: list[bytes]) -> None:
        with self._changed:
            wish = self._sent.pop(said.number, None)
            wanted = wish is not None and self._newest.get(wish.asked.who) == said.number
        if wanted and wish is not None:
            wish.then(said, blobs)

    def _ended(self, line: Line) -> None:
        """Take leave of a renderer that has gone, and ask again what it has left."""
        with self._changed:
            if self._line is line:
                self._line = None
            left, self._sent = list(self._sent.values()), {}
            left = [wish for wish in left if self._newest.get(wish.asked.who) == wish.asked.number]
            for wish in left:
                if wish.tries < _TRIES:
                    self._wishes[wish.asked.who] = replace(wish, tries=wish.tries + 1)
            self._changed.notify_all()
        line.close()
        for wish in left:
            if wish.tries >= _TRIES:
                self._failed(wish, f"the preview's process ended {_TRIES + 1} times over these images")

    @staticmethod
    def _failed(wish: _Wish, told: str) -> None:
        advice = "Memory may be short, or an image too large: choose other images, or change the last step."
        wish.then(Previewed(number=wish.asked.number, problem=told, advice=advice), [])


def _shut(line: Line) -> None:
    """End the line under its reader, which then closes it."""
    if isinstance(line.held, socket.socket):
        try:
            line.held.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
    elif line.held.stdin is not None:
        line.held.stdin.close()


def _warm_line() -> Line | None:
    """Return a line to a fork of the warm process; one that is only just starting is waited for."""
    if warm.unavailable():
        return None
    end_s = time.monotonic() + _WARM_S
    there = launch.ensure_warm()
    while not there and not warm.hindrance() and time.monotonic() < end_s:
        time.sleep(0.05)
        there = warm.is_there()
    if not there:
        return None
    request: dict[str, Any] = {"renderer": True, "cwd": os.getcwd(), "env": dict(os.environ)}
    connection = warm.open_line(request)
    return None if connection is None else Line(connection.fileno(), connection.fileno(), connection, True)


def _cold_line() -> Line | None:
    streams: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    try:
        process = fresh.python("renderer", **streams)
    except OSError:
        return None
    assert process.stdin is not None
    assert process.stdout is not None
    return Line(process.stdout.fileno(), process.stdin.fileno(), process, False)


PREVIEWS = Previews()
"""The kernel's one renderer."""
