"""Links, pipes, folders and second names in place of the files of a project, and a project of another user.

A project may come from somebody else. Whatever lies in it: nothing outside changes, nothing is waited for, and what
cannot be done is refused in words.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import pytest

from images import write_classes
from nbtrain import files, locks, processes
from nbtrain.cli import main
from nbtrain.errors import NbtrainError
from nbtrain.messages import Notice, Status, Stop
from nbtrain.project import doctor
from nbtrain.project.project import Project
from nbtrain.runs import lastword
from nbtrain.runs.folder import RunFolder, RunStatus
from nbtrain.runs.queue import Queue
from nbtrain.training.checkpoint import STATE_KEYS, Checkpoints
from nbtrain.training.settings import Checkpoint
from nbtrain.ui.details import log_tail

LIMIT_S = 120
pytestmark = pytest.mark.timeout(LIMIT_S)  # whatever waits for a pipe waits for ever
LOOKS = (
    doctor.project_file, doctor.experiment_files, doctor.stale_runs, doctor.waiting_runs, doctor.damaged_checkpoints,
    doctor.data_sets, doctor.split_files, doctor.left_jobs, doctor.leftovers,
)  # fmt: skip
RUN = "experiments/trained/runs/0001"
FILES = [
    "project.json", "experiments/trained/experiment.json", "experiments/trained/runs/lock",
    "experiments/trained/runs/next", "datasets/images.json", "datasets/images.edits.jsonl", "datasets/.images.lock",
    "queue/lock", "queue/000001.gone.0001.json", "jobs/scan-abcdef/request.json",
    *(f"{RUN}/{name}" for name in ("events.jsonl", "log.txt", "lock", "status.json", "owner.json", "exit.json",
                                   "config.json", "changes.json", "checkpoints/last.json",
                                   "checkpoints/step-00000010.json", "checkpoints/step-00000010.pt",
                                   "checkpoints/last_checkpoint.pt", "commands/stop-x.json")),
]  # fmt: skip
FOLDERS = [
    "experiments", "experiments/trained", "experiments/trained/runs", RUN, f"{RUN}/checkpoints", f"{RUN}/commands",
    "datasets", "splits", "queue", "jobs", "trash", "measured", "unpacked", "cache",
]  # fmt: skip
WRITTEN_IN_PLACE = ("events.jsonl", "images.edits.jsonl", "log.txt", "lock", "last_checkpoint.pt")
KINDS = ("link", "link to nowhere", "second name", "pipe", "device", "folder")
PLANTED = [(n, k) for n in FILES for k in (KINDS if n.endswith(WRITTEN_IN_PLACE) else ("link", "pipe"))]
PROJECT_LINE = b'{"kind": "notice", "text": "torn'


def state(step):
    return {**dict.fromkeys(STATE_KEYS), "step": step, "epoch": 1, "metrics": {}}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A project whose one run has failed, with everything that may lie in it; the images are outside."""
    root = tmp_path_factory.mktemp("template")
    images = write_classes(root / "images", {"a": 6, "b": 6})
    project = Project(root / "project")
    project.add_images(images, "images")
    project.dataset().relabel("a/0.png" if (images / "a/0.png").exists() else next_image(images), "b")
    experiment = project.new("Trained")
    experiment.save()
    project.data.make_split(experiment.config.data)
    run = RunFolder.create(experiment.folder, {"format": 1, "config": experiment.config.plain()})
    run.write_status(RunStatus("failed", heartbeat_s=5.0, cause="code"))
    Checkpoints(run.path / "checkpoints", Checkpoint()).save(state(10), best=True)
    lastword.say(run, run.status(), Status(status="failed"))
    project.close()
    experiment.folder.rename(experiment.folder.with_name("trained"))
    for name in FILES:
        path = root / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text("{}")
    for name in FOLDERS:
        (root / "project" / name).mkdir(exist_ok=True)
    return root


def next_image(images):
    return next(images.rglob("*.png")).relative_to(images).as_posix()


def everything(path):
    """Do all that can be done with a project, as code, command line and trainers do it; return what went wrong."""
    run, wrong = RunFolder(path / RUN), []

    def attempt(act, *given, **more):
        """Whatever a person does is refused in words."""
        try:
            return act(*given, **more)
        except NbtrainError:
            return None
        except Exception:  # noqa: BLE001 - what nobody should see
            wrong.append(traceback.format_exc())

    def inside(act, *given, **more):
        """What the trainer and the doctor do is refused as a disk refuses it."""
        try:
            act(*given, **more)
        except (OSError, NbtrainError):
            return

    attempt(main, ["ls", "--project", str(path)])
    attempt(main, ["show", "Trained", "--project", str(path)])
    inside(lastword.say, run, RunStatus("failed"), Notice(text="a word"))
    inside(lambda: Checkpoints(run.path / "checkpoints", Checkpoint(keep_last_n=1)).save(state(20), best=True))
    inside(run.ask, Stop())
    for look in LOOKS:
        for finding in attempt(lambda: list(look(path))) or ():  # noqa: B023 - called at once
            inside(finding.repair or list)
    project = attempt(Project, path)
    if project is None:
        return wrong
    edit(project, run, attempt)
    project.close()
    return wrong


def edit(project, run, attempt):
    attempt(lambda: project.dataset().relabel(project.dataset().listing().records[0].file, "b"))
    attempt(lambda: project.new("Another").save())
    attempt(project.save)
    attempt(Queue(project.path).drop_lost)
    for experiment in list(project.cards):
        attempt(getattr, experiment, "curves")
        attempt(log_tail, run.log)
        attempt(experiment.stop)
        if experiment.folder is not None:
            attempt(RunFolder.create, experiment.folder, {"format": 1, "config": {}})
        attempt(experiment.restart)
        attempt(experiment.delete)


def seen(folder):
    """Return all that lies outside: names, kinds and content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else stat.S_IFMT(path.lstat().st_mode)
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def place(template, tmp_path):
    """Return the project, and a folder outside with the same things in it."""
    shutil.copytree(template / "project", tmp_path / "project")
    shutil.copytree(template / "project", tmp_path / "outside")
    for path in (tmp_path / "outside").rglob("*.jsonl"):
        path.write_bytes(PROJECT_LINE)  # what is cut at its last line shows
    (tmp_path / "outside" / RUN / "checkpoints" / "mine.pt").write_bytes(b"mine")
    (tmp_path / "outside" / "project.json").unlink()  # else it is a project itself, which may change
    return tmp_path


def planted(place, name, kind):
    ours, outside = place / "project" / name, place / "outside" / name
    if ours.is_dir():
        shutil.rmtree(ours)
    else:
        ours.unlink()
    if kind == "link":
        ours.symlink_to(outside)
    elif kind == "link to nowhere":
        ours.symlink_to(place / "outside" / "nowhere")
    elif kind == "second name":
        outside.exists() or outside.write_bytes(b"{}")
        os.link(outside, ours)
    elif kind == "pipe":
        os.mkfifo(ours)
    elif kind == "device":
        ours.symlink_to("/dev/zero")
    else:
        ours.mkdir()
        (ours / "mine").write_text("mine")


@pytest.mark.parametrize(("name", "kind"), PLANTED, ids=lambda value: value.removeprefix(f"{RUN}/"))
def test_what_is_in_place_of_a_file_is_left_alone_and_waits_for_nobody(name, kind, place):
    planted(place, name, kind)
    before = seen(place / "outside")
    assert everything(place / "project") == []
    assert seen(place / "outside") == before


@pytest.mark.parametrize("kind", ["link", "link to nowhere", "pipe"])
@pytest.mark.parametrize("name", FOLDERS)
def test_what_is_in_place_of_a_folder_is_left_alone_and_waits_for_nobody(name, kind, place):
    planted(place, name, kind)
    before = seen(place / "outside")
    assert everything(place / "project") == []
    assert seen(place / "outside") == before


def test_a_link_to_the_project_itself_works(place):
    (place / "here").symlink_to(place / "project")
    project = Project(place / "here")
    project.new("Through a link").save()
    project.dataset().relabel(project.dataset().listing().records[0].file, "b")
    [experiment] = project.experiments(find="Trained")
    experiment.restart()
    project.close()
    assert len(list((place / "project" / "trash").iterdir())) == 1
    assert everything(place / "here") == []


def test_a_link_to_a_project_inside_a_project_is_one_as_any_other(place):
    (place / "outside" / "project.json").write_text('{"format": 1}')
    shutil.rmtree(place / "project" / "datasets")
    (place / "project" / "datasets").symlink_to(place / "outside")
    with pytest.raises(NbtrainError, match="lies behind the link"):
        files.write_json(place / "project" / "datasets" / "x.json", {})
    with pytest.raises(OSError, match="lies behind the link"):
        locks.FileLock(place / "project" / "datasets" / "lock").acquire()
    assert not (place / "outside" / "x.json").exists()


SECOND = """
import os, sys
from pathlib import Path
from nbtrain import TrainingStudio
from nbtrain.cli import main
from nbtrain.project import doctor
from nbtrain.project.project import Project
from nbtrain.runs.folder import RunFolder
TrainingStudio(sys.argv[2]).close()  # it imports what this user may not read
os.setgroups([]); os.setgid(65534); os.setuid(65534)
path = sys.argv[1]
print("second")
project = Project(path)
print([(e.name, e.status) for e in project.cards], list(project.notices))
print(RunFolder(path + "/experiments/trained/runs/0001").living())
project.close()
print([main([*words, "--project", path]) for words in (["ls"], ["queue"], ["show", "Trained"])])
looks = (doctor.experiment_files, doctor.stale_runs, doctor.waiting_runs, doctor.damaged_checkpoints, doctor.left_jobs)
print([finding.text for look in (*looks, doctor.leftovers) for finding in look(Path(path))])
TrainingStudio(path).close()
print("whole")
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_another_user_who_may_read_a_project_can_open_it(mode, template, monkeypatch):
    """Locks of earlier versions could be read by nobody else; then the process and the heartbeat tell."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        root.chmod(0o755)
        shutil.copytree(template / "project", root / "project")
        (root / "home").mkdir(mode=0o777)
        (root / "home").chmod(0o777)
        run = RunFolder(root / "project" / RUN)
        for path in (run.lock, root / "project" / "queue" / "lock", root / "project" / "experiments/trained/runs/lock"):
            path.touch()
            path.chmod(mode)
        files.write_json(run.path / "owner.json", {**processes.identity(), "generation": 1})
        run.write_status(RunStatus("training", heartbeat_s=time.time() + LIMIT_S))
        before = seen(root / "project")  # first: a process that closes a file of its own lets go of its lock
        held = locks.FileLock(run.lock)
        assert held.acquire()
        home = {f"XDG_{name}": str(root / "home") for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME")}
        env = {**os.environ, **home, "HOME": str(root / "home"), "NBTRAIN_WARM": "0"}
        env.pop("XDG_RUNTIME_DIR", None)
        command = [sys.executable, "-c", SECOND, str(root / "project"), str(root / "own")]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        held.release()
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        said = done.stdout.partition("second\n")[2]
        assert said.startswith("[('Trained', 'training')] []\nliving\n"), said
        assert done.stdout.endswith("whole\n")
        assert seen(root / "project") == before
        assert ("cannot be known" in said) == (mode == 0o600)
