"""Making a source ready before it is added, as an object: started, followed, cancelled.

    ready = project.prepare("photos.zip")
    print(ready.text, ready.fraction)
    project.add_images(ready.result())

What takes long, or is a person's own code, runs in a short job (probing/prepare.py); a source that is ready already has
none. It knows sources and jobs; what is done to a source is the source's matter.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain.data import unpack
from nbtrain.data.scan import Interrupted
from nbtrain.data.sources import Source, detect
from nbtrain.errors import DataError
from nbtrain.project.work import Work
from nbtrain.runs.jobs import Job

if TYPE_CHECKING:
    from nbtrain.messages import Failure
    from nbtrain.project.project import Project

KIND, FOLDER = "prepare", "unpacked"
_ENDING_S = 5.0
"""How long a job that was interrupted is waited for; it ends within a second."""


class Preparation(Work):
    """A source on its way to be ready."""

    def __init__(self, project: Project, path: str | Path | Source) -> None:
        """Begin; raises DataError for a path at which nothing lies that can be read."""
        self.source = placed(project.path, path)
        self._cleared = threading.Event()
        if self.source.ready():
            return
        project.save()
        if sys.platform == "win32":  # there are no short jobs
            self.source.prepare()
            return
        request, title = {"source": self.source.plain()}, f"preparing {Path(self.source.path).name}"
        self.job = Job.start(project.path, KIND, request, title=title)
        threading.Thread(target=self._clear_up, args=(self.job,), name="nbtrain-prepare", daemon=True).start()

    def __repr__(self) -> str:
        return f"<Preparation of {self.source.path!r}: {self.status}>"

    @property
    def status(self) -> str:
        """``pending``, ``working``, ``completed``, ``failed`` or ``cancelled``."""
        if self.job is None:
            return "completed"
        return "failed" if self.job.status == "completed" and self.job.result else self.job.status

    @property
    def error(self) -> DataError | None:
        """Why it has failed; None where it has not."""
        if self.job is None or self.job.status in ("pending", "working", "cancelled"):
            return None
        return _refused(self.job.result) if self.job.result else _told(self.job.failure, self.source)

    def wait(self, timeout_s: float | None = None) -> str:
        """Block until it is over and cleared up, or for ``timeout_s``; return the status."""
        super().wait(timeout_s)
        if self.job is not None and self.job.over:
            self._cleared.wait()
        return self.status

    def result(self) -> Source:
        """Wait, and return the source, ready; raises DataError saying why not, and Interrupted once it is cancelled.

        Ctrl-C in a cell cancels it.
        """
        try:
            self.wait()
        except KeyboardInterrupt:
            self.cancel()
            self.wait(_ENDING_S)
            raise
        if self.status == "cancelled":
            raise Interrupted
        if self.error is not None:
            raise self.error
        return self.source

    def _clear_up(self, job: Job[Any]) -> None:
        """Wait for the end; one that was killed or cancelled could not take away what it had written."""
        try:
            if job.wait() != "completed":
                unpack.sweep(Path(getattr(self.source, "unpacked", "")))
        finally:
            self._cleared.set()


def placed(project: Path, path: str | Path | Source) -> Source:
    """Return the source that reads what lies at ``path``, with its place below the project where it needs one."""
    return (path if isinstance(path, Source) else detect(path)).placed(project / FOLDER)


def _refused(plain: dict[str, Any]) -> DataError:
    return DataError(plain["what"], value=plain["value"], advice=plain["advice"])


def _told(failure: Failure | None, source: Source) -> DataError | None:
    if failure is None:
        return None
    what = f"{Path(source.path).name} could not be made ready: {failure.message.rstrip('.')}"
    return DataError(what, value=source.path, advice=" ".join(failure.advice))
