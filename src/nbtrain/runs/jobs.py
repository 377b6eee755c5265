"""Short jobs, from the side of whoever wants their result: start one, follow it, cancel it.

    job = Job.start(project, "lr_range", request, title="a learning rate range test", device="auto")
    job.on_change(lambda job: print(job.text, job.fraction))
    if job.wait() == "completed":
        print(job.result)

Starting returns at once; the process is made on a thread of its own, from the warm one where there is one. News come on
the watch thread. Known here: a job's folder and its messages. Not known here: what a kind does; it never imports torch.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from nbtrain import folders, processes
from nbtrain.data.scan import share
from nbtrain.errors import LaunchError
from nbtrain.messages import Failure, Message, Progress, Result, Status
from nbtrain.runs import launch
from nbtrain.runs.failures import failure_of
from nbtrain.runs.jobfolder import FOLDER, JobFolder, JobStatus, Request, stale
from nbtrain.runs.journal import JournalReader
from nbtrain.runs.watch import TAIL_S, kernel_watch

_OVER = frozenset({"completed", "failed", "cancelled"})
_GONE = Failure(cause="killed", message="The short job is gone without a word.", advice=("Start it again.",))
T = TypeVar("T")
Listener = Callable[["Job[Any]"], None]
Wanted: TypeAlias = Mapping[str, Any] | Callable[[], Mapping[str, Any]]


class Job(Generic[T]):
    """One piece of work in a process of its own; it ends with this process, or when it is cancelled."""

    def __init__(self, read: Callable[[dict[str, Any]], T]) -> None:
        self._read = read
        self.status: JobStatus = "pending"
        self.text = "starting"
        """What it is doing, for the person."""
        self.fraction: float | None = None
        """How much of that is done, 0…1; None where nobody knows."""
        self.result: T | None = None
        self.failure: Failure | None = None
        self.waits = False
        """Whether it waits for its device; begin_now() ends that."""
        self.beside = ""
        """Beside whom it works, and with which priority; empty where it has the device for itself."""
        self.memory_peak_mib = 0.0
        """The most resident memory that the process had, once it has ended."""
        self._folder: JobFolder | None = None
        self._unwanted = self._hurried = False
        self._changed, self._listeners = threading.Condition(), list[Listener]()
        self._token = 0

    @classmethod
    def start(
        cls,
        project: Path,
        kind: str,
        request: Wanted,
        *,
        title: str,
        device: str = "",
        beside: bool = False,
        read: Callable[[dict[str, Any]], T] = dict,  # type: ignore[assignment]
    ) -> Job[T]:
        """Ask for a job of ``kind`` in the folder of a project, and return at once; what is wrong becomes its failure.

        It takes its turn for ``device`` (as a configuration names it; "" needs none), unless ``beside`` is set. On the
        CPU most kinds run beside whatever uses it, at low priority. ``title`` is what people read.
        ``request`` may be a function, which is called on another thread: to make one can take a while. ``read`` makes
        the result of what the kind returns.
        """
        job = cls(read)
        job._hurried = beside
        asked = (project.absolute(), kind, request, title, device)
        threading.Thread(target=job._begin, args=asked, name="nbtrain-job", daemon=True).start()
        return job

    def __repr__(self) -> str:
        return f"<Job {self._folder.path.name if self._folder else ''} {self.status}>"

    @property
    def over(self) -> bool:
        """Whether it has completed, failed, or was cancelled."""
        return self.status in _OVER

    def cancel(self) -> None:
        """Ask for its end and return at once; it is gone within a second. Nothing for one that is over."""
        self._unwanted = True
        if self._folder is not None and not self.over:
            with contextlib.suppress(OSError):  # it has just ended, and its folder with it
                self._folder.cancel()

    def begin_now(self) -> None:
        """Wait for the device no longer: share it with whoever uses it. Nothing for one that has begun."""
        self._hurried = True
        if self._folder is not None and not self.over:
            with contextlib.suppress(OSError):  # it has just ended, and its folder with it
                self._folder.begin_now()

    def wait(self, timeout_s: float | None = None) -> JobStatus:
        """Block until it is over, or for ``timeout_s``; return the status. Not to be called by a listener."""
        with self._changed:
            self._changed.wait_for(lambda: self.over, timeout_s)
        return self.status

    def on_change(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener(job)`` on the watch thread at every change; return the function that takes it off again.

        One that is over already calls it once, here.
        """
        self._listeners.append(listener)
        if self.over:
            listener(self)

        def off() -> None:
            with contextlib.suppress(ValueError):  # taken off already
                self._listeners.remove(listener)

        return off

    # ------------------------------------------------------------------ inside

    def _begin(self, project: Path, kind: str, wanted: Wanted, title: str, device: str) -> None:
        """Write the request down and have the process made; called on a thread of its own."""
        try:
            folders.sweep(project / FOLDER)
            for left in stale(project):
                left.remove()
            request = wanted() if callable(wanted) else wanted
            asked = Request(kind=kind, title=title, request=request, device=device, asker=processes.identity())
            self._folder = JobFolder.create(project, asked)
            if self._hurried:
                self._folder.begin_now()
            if not self._unwanted:
                self._launch(self._folder)
            else:
                self._end("cancelled", None)
        except Exception as error:  # nobody reads a traceback of this thread
            self._end("cancelled" if self._unwanted else "failed", failure_of(error))

    def _launch(self, folder: JobFolder) -> None:
        answer, _ = launch.hand_over({"job": str(folder.path)}, "errand", str(folder.path))
        if "pid" not in answer:
            raise LaunchError("the process of a short job could not be started", value=answer.get("error"))
        reader = JournalReader(folder.events)
        self._token = kernel_watch().every(TAIL_S, lambda: self._look(folder, reader))

    def _look(self, folder: JobFolder, reader: JournalReader) -> None:
        """Take in what the job has said; called on the watch thread."""
        if self.over:  # it was, before the watch had said by which token this look is known
            kernel_watch().unfollow(self._token)
            return
        end, held = folder.exit, folder.held  # before the last lines, which were written before it
        messages = reader.read()
        for message in messages:
            self._take(message)
        if end is not None:
            self.memory_peak_mib = end.memory_peak_mib
            self._end(end.status, end.failure)
        elif not held and folder.exit is None:
            self._end("failed", _GONE)
        elif messages:
            self._tell()

    def _take(self, message: Message) -> None:
        if isinstance(message, Progress):
            self.status, self.waits = "pending" if message.waits else "working", message.waits
            self.beside = message.beside or self.beside
            self._say(message.text, message.fraction)
        elif isinstance(message, Status):
            self._say(": ".join(filter(None, (message.phase, message.detail))), share(message.detail))
        elif isinstance(message, Result):
            self.result = self._read(dict(message.value))
        elif isinstance(message, Failure):
            self.failure = message

    def _say(self, text: str, fraction: float | None) -> None:
        self.text, self.fraction = " · ".join(filter(None, (text, self.beside))), fraction

    def _end(self, status: JobStatus, failure: Failure | None) -> None:
        """Close the job; what it has said itself goes before what others say of its end."""
        kernel_watch().unfollow(self._token)
        if status != "cancelled" and (self.result is None or self.failure is not None):
            status, self.failure = "failed", self.failure or failure or _GONE
        elif status != "cancelled":
            status, self.failure = "completed", None
        if self._folder is not None:
            self._folder.remove()
        with self._changed:
            self.status, self.text, self.fraction, self.waits = status, "", None, False
            self._changed.notify_all()
        self._tell()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener(self)
