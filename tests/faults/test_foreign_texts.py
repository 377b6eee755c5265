"""Every text that a project can hold goes through every way out: none is obeyed by a terminal, a page or a sheet.

The project is a real one. One after another, each text in each of its files is replaced by one that would do harm at
every border, and everything that prints, draws or exports is asked again.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from evaluation.made import one_label
from evaluation.test_report import record
from images import write_classes
from nbtrain import files
from nbtrain.cli import advise, configuration, entry, experiments, main, queue
from nbtrain.cli import data as cli_data
from nbtrain.errors import NbtrainError
from nbtrain.evaluation import folder
from nbtrain.messages import Failure, Metric, Notice, Resolved, Status, encode
from nbtrain.project import doctor
from nbtrain.project.project import Project
from nbtrain.runs import entries
from nbtrain.runs.folder import RunFolder, RunStatus
from nbtrain.ui.snapshot import experiment_html, project_html, project_text
from nbtrain.ui.studio import TrainingStudio

BAD = "=1+1\x1b]0;x\x07\x9b31m\r\u202e<img src=x onerror=alert(1)>\"'{0}"
"""A formula, escapes of a terminal, a text that runs backwards, markup, and what ends a quoted text."""
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?inf|nan")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with a run that failed, one that waits, an evaluation, a split and a log of edits."""
    home = tmp_path_factory.mktemp("foreign")
    project = Project(home / "project")
    project.add_images(write_classes(home / "images", {"a": 6, BAD.replace("/", ""): 6}), "pictures")
    data = project.dataset("pictures")
    data.exclude([data.value.found().listing.records[0].file], "blurred")
    for name, status in (("Failed", "failed"), ("Waiting", "pending")):
        experiment = project.new(name, tags=("tag",))
        experiment.set("data.dataset", "pictures")
        experiment.annotate(description="as it is")
        experiment.save()
        project.data.make_split(experiment.config.data)
        run = RunFolder.create(experiment.folder, {"format": 1, "config": experiment.config.plain(), "dataset": {}})
        if status == "pending":
            (project.path / "queue").mkdir()
            waits = {"device": "cpu", "since_s": 1.0, "status": "", "by": "eve on mars", "token": "0" * 32}
            files.write_json(project.path / "queue" / entries.name(1, run.path), waits)
            continue
        fill(run)
        found = one_label(n=40, k=3)
        number = folder.make(experiment.folder, record(found), found)
        assert number == 1
    project.close()
    return project.path


def fill(run: RunFolder) -> None:
    """Write what a trainer and its parent leave behind."""
    best = {"metric": "accuracy", "value": 0.5, "epoch": 1.0, "step": 3}
    run.write_status(
        RunStatus("failed", heartbeat_s=5.0, cause="code", detail="why", epoch=1, epochs=2, step=3, best=best)
    )
    files.write_json(run.path / "owner.json", {"host": "pc7", "pid": 1, "started_s": 1.0, "generation": 1})
    files.write_json(run.path / "exit.json", {"code": 1, "cause": "code", "message": "m", "advice": ["a"],
                                              "last_lines": ["l"], "generation": 1})  # fmt: skip
    files.write_json(run.path / "resolved.json", {"choices": {"data.workers": {"value": 2, "reason": "why"}}})
    fixes = [{"label": "Halve it", "changes": {"training.batch_size": 16}}]
    told = [Status(status="training", steps=4), Notice(text="n"), Resolved(path="data.workers", value=2, reason="r"),
            Metric(step=3, epoch=1.0, split="val", values={"loss": 0.5, "accuracy": 0.5}),
            Failure(cause="code", message="m", advice=("a",), traceback="t", fixes=tuple(fixes)),
            Status(status="failed", detail="d")]  # fmt: skip
    run.events.write_bytes(b"".join(encode(message) + b"\n" for message in told))


def texts(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where in a JSON value its texts lie; a name of an object counts too, with a mark behind.

    Of a configuration, whose names and choices are a closed list, the first few do for all.
    """
    if path and path[-1] == "config" and isinstance(value, dict):
        return [place for name, one in list(value.items())[:3] for place in texts(one, (*path, name))][:6]
    if isinstance(value, str):
        return [path]
    if isinstance(value, list):
        return [place for number, one in enumerate(value) for place in texts(one, (*path, number))]
    if isinstance(value, dict):
        inner = [place for name, one in value.items() for place in texts(one, (*path, name))]
        return [*inner, *((*path, name, "its name") for name in value)]
    return []


def put(value: Any, place: tuple[Any, ...], text: str) -> None:
    """Replace one of them in place."""
    if place[-1] == "its name":
        *path, name, _ = place
    else:
        *path, name = place
    for step in path:
        value = value[step]
    if place[-1] == "its name":
        value[text] = value.pop(name)
    else:
        value[name] = text


def ways_out(path: Path, capsys: Any, patched: pytest.MonkeyPatch, *, evaluations: bool) -> None:
    """Ask everything that prints, draws or exports, and check what comes; the project is opened once for all."""
    capsys.readouterr()
    printed(["doctor"], path, capsys)
    try:
        project = Project(path)
    except NbtrainError as error:
        return plain(str(error))
    for module in (advise, cli_data, configuration, experiments, queue):
        patched.setattr(module, "Project", lambda _: project)
    try:
        for words in (["ls"], ["queue"], ["data", "ls"], ["cache"]):
            printed(words, path, capsys)
        plain(project_text(project).replace("\n", ""))
        page(project_html(project, project.cards[0] if project.cards else None))
        for found in project.datasets():
            for words in (["show"], ["history"]):
                printed(["data", words[0], found.name, *words[1:]], path, capsys)
        for experiment in project.cards:
            for words in (["show"], ["config"], ["advise"]):
                printed([words[0], experiment.id, *words[1:]], path, capsys)
            page(experiment_html(experiment))
            plain(repr(experiment))
            script = experiment.as_python()
            ast.parse(script)
            plain(script.replace("\n", ""))
            for evaluation in experiment.evaluations if evaluations else ():
                exported(evaluation, path.parent)
    finally:
        project.close()
    return None


def exported(evaluation: Any, target: Path) -> None:
    plain(repr(evaluation) if evaluation.readable else "")
    try:
        page(evaluation.report(target / "report.html").read_text(encoding="utf-8"))
        for sheet in evaluation.to_csv(target / "sheets"):
            table(sheet.read_text(encoding="utf-8-sig"))
    except NbtrainError as error:
        plain(str(error))


def printed(words: list[str], path: Path, capsys: Any) -> None:
    assert main([*words, "--project", str(path)]) in (0, 1, 2)
    told = capsys.readouterr()
    plain(told.out.replace("\n", ""))
    plain(told.err.replace("\n", ""))


def plain(text: str) -> None:
    assert not CONTROL.search(text), text
    assert "\n" not in text, text


class Tags(HTMLParser):
    """Collects what a browser would obey."""

    def __init__(self) -> None:
        super().__init__()
        self.obeyed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.obeyed += [f"{tag} {name}" for name, _ in attrs if name.startswith("on")]
        self.obeyed += [tag] if tag in ("script", "iframe") else []
        self.obeyed += [
            f"{tag} {value}" for name, value in attrs if name == "src" and not str(value).startswith("data:")
        ]


def page(text: str) -> None:
    tags = Tags()
    tags.feed(text)
    assert tags.obeyed == [], text


def table(text: str) -> None:
    assert "\r" not in text
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            plain(cell)
            assert not cell.lstrip().startswith(("=", "+", "-", "@")) or NUMBER.fullmatch(cell), cell


HOLDERS = {
    "project.json": "*.json", "data set": "datasets/*.json*", "split": "splits/*.json", "queue": "queue/*.json",
    "experiment": "experiments/failed-*/*.json*", "run": "experiments/failed-*/runs/0001/*.json",
    "journal": "experiments/failed-*/runs/0001/*.jsonl", "evaluation": "experiments/*/evaluations/0001/*.json",
    "waiting run": "experiments/waiting-*/runs/0001/status.json",
}  # fmt: skip
"""Where a project holds texts."""


@pytest.mark.parametrize("where", HOLDERS.values(), ids=HOLDERS)
def test_every_text_is_harmless_at_every_way_out(made, capsys, monkeypatch, where):
    monkeypatch.setattr(doctor, "machine_findings", lambda _: iter(()))  # of this machine, and slow
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr(entry, "_parser", cache(entry._parser))  # to make it anew for each takes most of the time
    monkeypatch.setenv("NBTRAIN_WARM", "0")
    found = sorted(made.glob(where))
    assert found
    for path in found:
        whole = path.read_bytes()
        try:
            each_text(
                path, whole, made, lambda: ways_out(made, capsys, monkeypatch, evaluations="evaluations" in where)
            )
        finally:
            path.write_bytes(whole)


def each_text(path: Path, whole: bytes, project: Path, look: Callable[[], None]) -> None:
    """Call ``look`` with each text of a file replaced in turn."""
    lines = whole.splitlines() if path.suffix == ".jsonl" else [whole]
    for number, line in enumerate(lines):
        for place in texts(json.loads(line)):
            value = json.loads(line)
            put(value, place, BAD)
            path.write_bytes(b"\n".join([*lines[:number], json.dumps(value).encode(), *lines[number + 1 :], b""]))
            try:
                look()
            except Exception as error:
                raise AssertionError(f"{path.relative_to(project)}: {place}") from error


def test_no_file_of_a_project_is_left_out(made):
    tried = {path for where in HOLDERS.values() for path in made.glob(where)}
    others = {path for path in made.rglob("*.json*") if path.is_file()} - tried
    assert [path for path in others if "waiting-" not in str(path)] == []


def test_every_text_of_the_widgets_own_picture_is_text(made, monkeypatch):
    """What a saved notebook keeps of the studio: HTML and plain text beside the widget."""
    monkeypatch.setenv("NBTRAIN_WARM", "0")
    project = Project(made)
    project.new(BAD[:400]).save()
    shown = TrainingStudio(project)._repr_mimebundle_()
    bundle = shown[0] if isinstance(shown, tuple) else shown
    page(bundle["text/html"])
    assert "onerror" in bundle["text/html"]
    plain(bundle["text/plain"].replace("\n", ""))
    project.close()
