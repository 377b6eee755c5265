"""Files that somebody edited, copied in or made up: each is refused by name, and hides nothing beside it."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from images import write_classes
from nbtrain.data.sources import DatasetClass
from nbtrain.errors import DataError, NbtrainError
from nbtrain.messages import Status, encode
from nbtrain.project import doctor
from nbtrain.project.project import Project
from nbtrain.runs.folder import RunFolder, RunStatus

HTML = "<script>alert(1)</script><img src=x onerror=alert(2)>"
VALUES = [5, -1, "x", HTML, "../../etc/passwd", None, [], {}, [[]], {"a": []}, True, 1e308, "\u0000", "9" * 400]


@pytest.fixture
def saved(tmp_path):
    """A project on disk with two experiments, of which the second has a run that ended."""
    project = Project(tmp_path / "project")
    project.add_images(write_classes(tmp_path / "images", {"a": 6, "b": 6}))
    project.new("Good").save()
    broken = project.new("Broken")
    broken.save()
    run = RunFolder.create(broken.folder, {"format": 1, "config": broken.config.plain()})
    run.write_status(RunStatus("failed", heartbeat_s=5.0, cause="code", epoch=1, epochs=2, step=3, steps=4))
    (run.path / "owner.json").write_text(json.dumps({"host": "h", "pid": 1, "started_s": 1.0, "generation": 1}))
    (run.path / "exit.json").write_text(json.dumps({"code": 1, "cause": "code", "advice": ["a"], "generation": 1}))
    project.data.make_split(broken.config.data)
    project.close()
    return project.path


def opened(path):
    """Open a project and look at everything there is to see, as the panels do."""
    project = Project(path)
    try:
        for experiment in project.cards:
            told = experiment.data_info, experiment.error, experiment.metrics, experiment.best, experiment.notices
            json.dumps([told, experiment.problems, experiment.progress, experiment.duration_s], default=str)
        for found in project.datasets():
            json.dumps([found.name, found.counts])
        project.new("Another").look()
        return [experiment.name for experiment in project.cards], list(project.notices)
    finally:
        project.close()


def files_of(project):
    run = next((project / "experiments").glob("broken-*"))
    names = ["runs/0001/status.json", "runs/0001/owner.json", "runs/0001/exit.json", "runs/0001/config.json"]
    return [run / "experiment.json", *(run / name for name in names)]


@pytest.mark.parametrize("which", range(5), ids=["experiment", "status", "owner", "exit", "config"])
def test_a_field_of_any_type_hides_no_other_experiment(saved, which):
    path = files_of(saved)[which]
    whole = json.loads(path.read_text())
    for name in whole:
        for value in VALUES:
            path.write_text(json.dumps({**whole, name: value}))
            assert "Good" in opened(saved)[0], (name, value)


@pytest.mark.parametrize("where", ["datasets", "splits"])
def test_a_data_set_or_split_edited_by_hand_is_left_out_or_told(saved, where):
    path = next((saved / where).glob("*.json"))
    whole = json.loads(path.read_text())
    for name in whole:
        for value in VALUES:
            path.write_text(json.dumps({**whole, name: value}))
            assert "Good" in opened(saved)[0], (name, value)
    path.write_text(json.dumps(whole))
    assert opened(saved)[1] == []


def test_a_project_file_edited_by_hand_opens_or_says_what_is_wrong(saved):
    path = saved / "project.json"
    whole = json.loads(path.read_text())
    for name in whole:
        for value in VALUES:
            path.write_text(json.dumps({**whole, name: value}))
            assert said_by(saved) in ("opened", "project.json"), (name, value)


def said_by(saved):
    try:
        return "opened" if "Good" in opened(saved)[0] else "lost"
    except NbtrainError as error:
        return "project.json" if "project.json" in str(error) else str(error)


@pytest.mark.parametrize("name", ["experiment.json", "runs/0001/status.json", "runs/0001/config.json"])
def test_a_file_of_200_mb_is_refused_without_reading_it(saved, name):
    path = files_of(saved)[0].parent / name
    with open(path, "wb") as file:
        file.truncate(200 * 2**20)
    tracemalloc.start()
    names, notices = opened(saved)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "Good" in names
    assert peak_bytes < 20 * 2**20
    if name == "experiment.json":
        assert any("200 MiB" in notice for notice in notices)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_what_is_no_file_is_told_and_waits_for_nobody(saved, make):
    path = files_of(saved)[0]
    path.unlink()
    make(path)
    names, notices = opened(saved)
    assert "Good" in names
    assert any("experiment.json" in notice for notice in notices)


def test_foreign_things_among_the_experiments_hide_nothing(saved):
    folder = saved / "experiments"
    (folder / "notes.txt").write_text("mine")
    (folder / ".hidden").mkdir()
    (folder / "empty").mkdir()
    (folder / "loop").symlink_to(folder)
    (folder / "gone").symlink_to(folder / "nowhere")
    (folder / "photos" / "runs" / "0001").mkdir(parents=True)
    os.mkdir(os.fsencode(folder) + b"/\xff\xfe")
    runs = files_of(saved)[0].parent / "runs"
    (runs / "0007").write_text("a file, not a run")
    (runs / "99999999999999999999").mkdir()
    (runs / "٣").mkdir()
    (runs / "0002").mkdir()
    (runs / "0002" / "status.json").write_bytes(os.urandom(500))
    (runs / "0002" / "events.jsonl").write_bytes(os.urandom(5000))
    names, _ = opened(saved)
    assert sorted(names) == ["Another", "Broken", "Good"]


def test_a_run_folder_of_somebody_else_is_shown_as_it_is(saved, tmp_path):
    """Unpacked from an archive of another machine, it names a process that this machine knows nothing of."""
    run = RunFolder(files_of(saved)[1].parent)
    run.write_status(RunStatus("training", heartbeat_s=1.0))
    (run.path / "owner.json").write_text(json.dumps({"host": "elsewhere", "pid": os.getpid(), "generation": 1}))
    (run.path / "exit.json").unlink()
    assert run.shown_status().status == "failed"
    assert run.failure().cause == "interrupted"


def test_markup_in_every_text_stays_text(saved):
    path = files_of(saved)[0]
    whole = json.loads(path.read_text())
    path.write_text(json.dumps({**whole, "name": HTML, "description": HTML, "tags": [HTML], "id": HTML}))
    from nbtrain.ui.snapshot import project_html, project_text

    project = Project(saved)
    shown = project_html(project, project.experiment(HTML))
    assert "<script>" not in shown
    assert "<img" not in shown
    assert HTML in project_text(project)
    project.close()


def test_commands_that_nobody_should_send_do_nothing(saved):
    run = RunFolder(files_of(saved)[1].parent)
    commands = run.path / "commands"
    (commands / "stop-big.json").write_bytes(b" " * 10_000_000)
    (commands / "run-x.json").write_text('{"kind": "run", "code": "import os"}')
    (commands / "stop-y.json").symlink_to("/dev/zero")
    os.mkfifo(commands / "stop-z.json")
    (commands / "pickle-x.json").write_bytes(pickle.dumps(os.system))
    assert run.commands() == {}


def test_a_million_events_are_read_once_and_whole(saved):
    """Listing does not read them at all; the curves do, when somebody looks."""
    run = RunFolder(files_of(saved)[1].parent)
    line = '{"kind":"metric","t_s":%d,"step":%d,"epoch":1.0,"split":"train","values":{"loss":0.5}}\n'
    with open(run.events, "w") as file:
        file.write(encode(Status(status="training", steps=1_000_000)).decode() + "\n")
        file.writelines(line % (step, step) for step in range(1, 1_000_000))
    code = (
        "import sys, time\nfrom nbtrain import Project\n"
        "began = time.monotonic(); p = Project(sys.argv[1]); e = p.experiment('Broken'); seen = e.status, e.step\n"
        "print('opened in', time.monotonic() - began, e._story)\n"
        "print(len(e.curves.series('train', 'loss')[0]), time.monotonic() - began)"
    )
    told = subprocess.run([sys.executable, "-c", code, str(saved)], capture_output=True, text=True, check=True).stdout
    first, second = told.splitlines()
    assert first.endswith("None")
    assert second.split()[0] == "999999", told
    assert Path(run.events).stat().st_size > 80_000_000


def test_own_code_that_a_project_names_is_not_run_by_looking(saved, tmp_path, monkeypatch):
    """A data set made of an own Dataset names a module and its folder; only to add it runs its code."""
    ran = tmp_path / "ran"
    (tmp_path / "evil.py").write_text(f"open({str(ran)!r}, 'w').close()\nData = [(0, 0)]\n")
    path = next((saved / "datasets").glob("*.json"))
    whole = json.loads(path.read_text())
    source = {"kind": "dataset class", "path": "evil:Data", "folder": str(tmp_path), "unpacked": str(tmp_path / "into")}
    whole["sources"][0]["source"] = source
    path.write_text(json.dumps(whole))
    monkeypatch.chdir(tmp_path)
    assert "Good" in opened(saved)[0]
    project = Project(saved)
    data = project.dataset()
    assert data.value.parts[0].source.path == "evil:Data"
    for look in (lambda: data.problems, data.refresh):
        with pytest.raises(DataError, match="not written yet"):
            look()
    assert project.scan(start=False).status
    assert next(iter(doctor.data_sets(saved))).severity == "problem"
    good = project.experiment("Good")
    assert good.advice is not None
    with pytest.raises(NbtrainError):
        good.train()
    project.close()
    assert not ran.exists()
    with pytest.raises(DataError, match="cannot be used"):  # its items are no images
        DatasetClass(**{name: value for name, value in source.items() if name != "kind"}).prepare()
    assert ran.exists()  # the module was there to be run
