"""Making images ready in a process of its own: cancelled, killed, told with progress, and a person's code kept out."""

from __future__ import annotations

import os
import signal
import threading
import zipfile
from pathlib import Path

import pytest

from data.images import folder
from nbtrain import folders, locks
from nbtrain.data.scan import Interrupted
from nbtrain.errors import DataError
from nbtrain.project.project import Project
from nbtrain.ui.adding import Adding
from runs.helpers import until

CODE = """
import os
import time
from pathlib import Path
from PIL import Image

HERE = Path(__file__).parent
(HERE / "pid").write_text(str(os.getpid()))

class Slow:
    classes = ["cat", "dog"]

    def __len__(self):
        return 8

    def __getitem__(self, place):
        time.sleep(0.3 if place == 2 else 0)  # long enough for the next word to be told
        while place == 4 and not (HERE / "go").exists():
            (HERE / "waits").touch()
            time.sleep(0.01)
        return Image.new("RGB", (8, 8), (place, 0, 0)), place % 2

def broken():
    raise ValueError("the patients are on holiday")
"""


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A notebook's folder with a module of the person's."""
    (tmp_path / "mine.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def interrupts():
    """Ctrl-C is heard as in a kernel; a shell that runs the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def left(project: Project) -> list[str]:
    """Names of what was unpacked, whole or half."""
    return [path.name for path in project.path.glob("unpacked/*")] + [p.name for p in project.path.glob("unpacked/.*")]


def test_an_archive_is_unpacked_elsewhere_and_used_at_once(tmp_path):
    images, project = folder(tmp_path / "images", {"a": 6, "b": 6}), Project(tmp_path / "project")
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as made:
        for path in images.rglob("*.png"):
            made.write(path, path.relative_to(tmp_path))
    assert project.add_images(tmp_path / "pets.zip").classes == ("a", "b")
    again = project.prepare(tmp_path / "pets.zip")
    assert (again.job, again.status) == (None, "completed")
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"bad\.zip cannot be unpacked") as refused:
        project.add_images(tmp_path / "bad.zip")
    assert "Copy it again" in refused.value.advice
    project.close()


def test_own_code_runs_in_the_job_and_can_be_cancelled_or_killed(here, interrupts):
    project = Project(here / "project")
    ready = project.prepare("mine:Slow")
    until(lambda: ((here / "waits").exists() and ready.fraction) or ready.status == "failed")
    assert ready.text.endswith(" of 8 images"), ready.error
    assert int((here / "pid").read_text()) != os.getpid()
    ready.cancel()
    assert ready.wait() == "cancelled"
    assert left(project) == []
    with pytest.raises(Interrupted):
        ready.result()

    (here / "waits").unlink()
    ready = project.prepare("mine:Slow")
    until(lambda: (here / "waits").exists() or ready.status == "failed")
    filled = project.path / "unpacked"
    os.kill(until(lambda: next(map(locks.holder, filled.glob(f".*/{folders.MARKER}")), None)), signal.SIGKILL)
    assert ready.wait() == "failed"
    assert left(project) == []
    with pytest.raises(DataError, match=r"mine:Slow could not be made ready: .*SIGKILL"):
        ready.result()

    (here / "waits").unlink()
    threading.Thread(target=lambda: until((here / "waits").exists) and os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):  # as the notebook's stop button does it
        project.add_images("mine:Slow")
    assert left(project) == project.data.names() == []

    (here / "go").touch()
    assert project.add_images("mine:Slow", "slow").counts == (4, 4)
    project.close()


def test_a_panel_tells_how_far_it_is_gives_up_and_tells_the_code_s_own_words(here):
    project, made = Project(here / "project"), list[str]()
    adding = Adding(project, lambda: None, made.append)
    adding.look("mine:Slow")
    until(lambda: not adding.state.get("busy"))
    assert adding.state["ok"], adding.state
    assert "mine.py" in adding.state["facts"][-1][1]
    assert not (here / "pid").exists()  # a look runs none of it
    adding.add("mine:Slow")
    until(lambda: (here / "waits").exists() and adding.state.get("fraction"))
    assert adding.state["text"].endswith(" of 8 images")
    assert adding.state["ok"]  # what was found stays on the page
    adding.cancel()
    assert adding.state["said"] == "Cancelled. Nothing was added."
    until(lambda: left(project) == [])
    assert project.data.names() == made == []

    adding.add("mine:broken")
    until(lambda: not adding.state.get("busy"))
    assert "ValueError: the patients are on holiday; mine.py, line 24" in adding.state["lines"][0]
    (here / "go").touch()
    adding.add("mine:Slow", "slow")
    until(lambda: adding.state.get("done"))
    assert adding.state["done"] == "8 images in slow."
    assert made == ["slow"]
    project.close()
