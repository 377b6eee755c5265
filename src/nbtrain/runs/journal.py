"""The journal: one message per line, written by the trainer alone, read by anyone while it grows.

Known here: whole lines only, in both directions. The writer puts a batch of lines out with one ``os.write``, cuts a
torn tail off when it opens, and outlives a full disk: lines wait, then are dropped and counted, and training goes on.
The reader takes what ends in a newline, skips and counts what it cannot read. Not known here: what messages mean.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from pathlib import Path

from nbtrain import files
from nbtrain.messages import ENDED, Failure, Message, Notice, Status, decode, encode
from nbtrain.processes import without_collecting

_BATCH_S = 0.02
"""Lines wait at most this long for company, if the next say() or flush() comes by then."""
_BATCH_BYTES = 1 << 16
_WAITING_BYTES = 1 << 18
"""How much is kept in memory while nothing can be written; older lines are dropped first."""
_CHUNK_BYTES = 1 << 16
_TAIL_BYTES = 1 << 20


class Journal:
    """The writing end; one per run folder, used by the trainer's threads."""

    def __init__(self, path: str | Path) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._written_s = 0.0
        self.dropped = 0
        """Lines lost because nothing could be written."""
        self._told = 0
        self._descriptor = files.open_ours(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self._size = _whole_bytes(self._descriptor)
        if self._size < os.fstat(self._descriptor).st_size:  # else the file keeps the time of its last line
            os.ftruncate(self._descriptor, self._size)
        self._torn = False

    def say(self, message: Message) -> None:
        """Add a message; it is on its way to the file at once, or within a batch of the next few milliseconds."""
        line = encode(message, time.time()) + b"\n"
        with self._guard:
            self._waiting.append(line)
            self._waiting_bytes += len(line)
            if self._waiting_bytes >= _BATCH_BYTES or time.monotonic() - self._written_s >= _BATCH_S:
                self._write()

    def flush(self) -> None:
        """Write what waits."""
        with self._guard:
            if self._waiting:
                self._write()

    def close(self) -> None:
        """Write what waits, then wait for the disk."""
        with self._guard:
            if self._waiting:
                self._write()
            with contextlib.suppress(OSError):  # nobody is left to be told that the disk refuses
                os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1  # a late word must not end up in whatever file gets the number next

    def _write(self) -> None:
        """Put all waiting lines out in one write; on an error they stay, up to a limit."""
        self._written_s = time.monotonic()
        data = (b"\n" if self._torn else b"") + b"".join(self._waiting)
        try:
            written = os.write(self._descriptor, data)
        except OSError:
            self._keep()
            return
        if written < len(data):
            self._undo(written)
            return
        self._size += written
        self._waiting.clear()
        self._waiting_bytes, self._torn = 0, False
        self._tell()

    def _undo(self, written: int) -> None:
        """Cut a half-written batch off again; where even that fails, the next write starts on a new line."""
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            self._size += written
            self._torn = True
        self._keep()

    def _keep(self) -> None:
        while self._waiting_bytes > _WAITING_BYTES:
            self._waiting_bytes -= len(self._waiting.popleft())
            self.dropped += 1

    def _tell(self) -> None:
        """Once there is room again, say how many lines were lost."""
        if self.dropped == self._told:
            return
        lost, self._told = self.dropped - self._told, self.dropped
        text = f"{lost} lines of the journal were lost because the disk was full; the training itself went on."
        line = encode(Notice(text=text, level="warning", t_s=time.time())) + b"\n"
        self._waiting.append(line)
        self._waiting_bytes += len(line)


class JournalReader:
    """The reading end: each :meth:`read` returns the messages that have come since the last."""

    def __init__(self, path: str | Path, offset: int = 0, bad: int = 0) -> None:
        """Begin at the start, or where another reader has come to."""
        self.path = Path(path)
        self.offset = offset
        """Bytes taken so far; always at the start of a line."""
        self.bad = bad
        """Lines that were skipped: damaged, or of a kind that this version does not know."""
        self.restarts = 0
        """How often the file was found shorter or replaced, and reading began anew."""
        self._seen = (0, 0)

    def read(self, limit_bytes: int = 1 << 62) -> list[Message]:
        """Return the new messages, of about ``limit_bytes`` at most; none where the file is not there yet."""
        try:
            found = os.stat(self.path)
        except OSError:
            return []
        self._restart_if_replaced(found)
        if self._seen == (found.st_ino, found.st_size):
            return []
        unread = found.st_size - self.offset
        lines = self._whole_lines(min(unread, limit_bytes)) or self._whole_lines(unread)
        self._seen = (found.st_ino, found.st_size if unread <= limit_bytes else -1)
        return self._decode(lines)

    def _restart_if_replaced(self, found: os.stat_result) -> None:
        replaced = self._seen[0] not in (0, found.st_ino)
        if replaced or found.st_size < self.offset:
            self.offset, self.restarts = 0, self.restarts + 1

    def _whole_lines(self, size: int) -> bytes:
        try:
            with open(self.path, "rb", buffering=0, opener=files.ordinary) as file:
                file.seek(self.offset)
                data = file.read(size) or b""
        except OSError:
            return b""
        end = data.rfind(b"\n") + 1
        self.offset += end
        return data[:end]

    def _decode(self, data: bytes) -> list[Message]:
        lines = data.split(b"\n")[:-1]
        with without_collecting():
            read = [decode(line) for line in lines]
        messages = [message for message in read if message is not None]
        self.bad += len(read) - len(messages)
        return messages


def last_failure(path: str | Path) -> Failure | None:
    """Return the Failure that ended the newest life of a run, None where there is none near the journal's end."""
    reader = JournalReader(path)
    try:
        reader.offset = max(0, os.path.getsize(path) - _TAIL_BYTES)
    except OSError:
        return None
    newest = (m for m in reversed(reader.read()) if isinstance(m, Failure) or _goes_on(m))
    found = next(newest, None)
    return found if isinstance(found, Failure) else None


def _goes_on(message: Message) -> bool:
    return isinstance(message, Status) and message.status not in ENDED


def _whole_bytes(descriptor: int) -> int:
    """Return where the last whole line ends, reading backwards from the end of the file."""
    end = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - _CHUNK_BYTES)
        os.lseek(descriptor, start, os.SEEK_SET)
        at = os.read(descriptor, end - start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0
