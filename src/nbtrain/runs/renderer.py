"""The renderer: a process that answers previews for one kernel, so that torch stays out of it.

It comes from the warm process, which forks it in a fraction of a second, or cold; it reads requests from a pipe or
socket and writes answers to another, and that is all it has: no file, no port, no run. Only the newest request of each
asker counts. It goes when nobody has asked for a while, and at once when its kernel goes, because the line then ends.
Known here: frames on the line, and how long to stay. Not known here: what a picture is (pictures.py).
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import threading
import traceback
from dataclasses import replace
from typing import Any

import orjson

from nbtrain.messages import RENDERING, Message, Preview, Previewed, decode, encode

IDLE_S = 60.0
"""Without a request for this long it leaves, and gives its memory back."""
_NICE = 5
"""A run that trains on the same machine goes first."""
_HEAD = struct.Struct(">II")


# ---------------------------------------------------------------------- frames, for both ends


def send(descriptor: int, message: Message, blobs: list[bytes] | tuple[bytes, ...] = ()) -> None:
    """Write a message and the bytes that belong to it as one frame; raises OSError where the line has ended."""
    head = orjson.dumps({"message": orjson.Fragment(encode(message)), "blobs": [len(blob) for blob in blobs]})
    body = head + b"".join(blobs)
    data = memoryview(_HEAD.pack(len(head), len(body)) + body)
    while data:
        data = data[os.write(descriptor, data) :]


def receive(descriptor: int) -> tuple[Message, list[bytes]] | None:
    """Wait for one frame and return it; None where the line has ended or carries something else."""
    prefix = _exactly(descriptor, _HEAD.size)
    if prefix is None:
        return None
    head_bytes, body_bytes = _HEAD.unpack(prefix)
    body = _exactly(descriptor, body_bytes)
    if body is None:
        return None
    try:
        head = orjson.loads(body[:head_bytes])
        message = decode(orjson.dumps(head["message"]), RENDERING)
        sizes = [int(size) for size in head["blobs"]]
    except (ValueError, KeyError, TypeError):
        return None
    blobs, start = [], head_bytes
    for size in sizes:
        blobs.append(bytes(body[start : start + size]))
        start += size
    return None if message is None else (message, blobs)


def _exactly(descriptor: int, size: int) -> bytearray | None:
    data = bytearray()
    while len(data) < size:
        try:
            part = os.read(descriptor, min(1 << 20, size - len(data)))
        except OSError:
            return None
        if not part:
            return None
        data += part
    return data


# ---------------------------------------------------------------------- the process itself


def main() -> None:
    """Entry of the cold start: requests on standard input, answers on standard output."""
    incoming, outgoing = os.dup(0), os.dup(1)
    os.dup2(2, 1)  # what a library prints must not get between the answers
    os._exit(Renderer(incoming, outgoing).work())


def become(descriptor: int) -> Renderer:
    """In a fork of the warm process: leave its session, and be the renderer for whoever is at the other end."""
    os.setsid()
    os.set_blocking(descriptor, True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.write(descriptor, b"{}\n")  # nothing is asked before this: it would be read as a part of the fork's request
    return Renderer(descriptor, descriptor)


class Renderer:
    """Reads requests on one thread, answers the newest of each asker on the other."""

    def __init__(self, incoming: int, outgoing: int, idle_s: float = IDLE_S) -> None:
        self._incoming, self._outgoing, self._idle_s = incoming, outgoing, idle_s
        self._waiting: dict[str, Preview] = {}
        self._changed = threading.Condition()

    def work(self) -> int:
        """Answer until nobody asks any more; return the exit code."""
        if hasattr(os, "nice"):
            os.nice(_NICE)
        threading.Thread(target=self._listen, name="nbtrain-requests", daemon=True).start()
        import torch

        from nbtrain.runs.pictures import Pictures

        torch.set_num_threads(1)  # eight small images: more threads would only take them from a run
        pictures = Pictures()
        while (asked := self._next()) is not None:
            try:
                send(self._outgoing, *_answered(pictures, asked))
            except OSError:
                return 0
        return 0

    def _next(self) -> Preview | None:
        """Return the request that has waited longest; None where none comes for too long."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._waiting), self._idle_s):
                return None
            return self._waiting.pop(next(iter(self._waiting)))

    def take(self, asked: Preview) -> None:
        """Note a request; one of the same asker that still waits is overtaken."""
        with self._changed:
            self._waiting[asked.who] = asked
            self._changed.notify()

    def _listen(self) -> None:
        while (frame := receive(self._incoming)) is not None:
            message, _ = frame
            if isinstance(message, Preview):
                self.take(message)
        os._exit(0)  # the kernel has gone, also in the middle of a picture


def _answered(pictures: Any, asked: Preview) -> tuple[Previewed, list[bytes]]:
    try:
        said, blobs = pictures.answer(asked)
        return replace(said, pid=os.getpid()), blobs
    except Exception as error:  # transforms are anyone's code, and the next request may be a better one
        sys.stderr.write(traceback.format_exc())
        told = f"the preview failed ({type(error).__name__}: {error})"
        return Previewed(number=asked.number, problem=told, advice="Change the last step, or report this."), []
