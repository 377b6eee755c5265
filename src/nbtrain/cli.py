"""The command line: ``nbtrain lab | train | resume | pause | stop | show | ls | smoke | fields | doctor``.

Every command drives the same objects that panels and scripts use. Configuration values are given as
``--section.field VALUE``. Exit codes: 0 done, 1 the run failed, 2 the command was refused, 130 stopped by Ctrl-C.
This file knows words and printing; it decides nothing about training.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nbtrain.errors import ConfigError, NbtrainError, Problem
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import DEFAULT_PATH, Project
from nbtrain.runs.machine import Finding

REFUSED, FAILED, INTERRUPTED = 2, 1, 130
SMOKE_ACCURACY = 0.9
_NOTEBOOK = "nbtrain.ipynb"
_CELL = "from nbtrain import TrainingStudio\n\nTrainingStudio()"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. What goes wrong is said in one line, without a traceback."""
    parser = _parser()
    known, rest = parser.parse_known_args(arguments)
    if rest and not getattr(known, "takes_values", False):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        known.values = _values(rest)
        return int(known.run(known) or 0)
    except NbtrainError as error:
        print(f"nbtrain: {error}", file=sys.stderr)
        return REFUSED
    except BrokenPipeError:  # the reader (head, less) has seen enough
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("nbtrain", description="Training image models from a notebook.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    lab = commands.add_parser("lab", help="open JupyterLab on a notebook with the studio")
    lab.add_argument("folder", nargs="?", default=".", help="folder to work in (default: this one)")
    lab.set_defaults(run=_lab)

    train = commands.add_parser("train", help="train on a folder or table of images", epilog=_VALUES_HELP)
    train.add_argument("data", help="image folder, CSV table, or the name of a data set of the project")
    _add_project(train)
    train.add_argument("--name", default="", help="name of the experiment (default: Experiment N)")
    train.add_argument("--config", default="", metavar="FILE", help="configuration as JSON: nested, or {path: value}")
    _add_start(train)
    train.set_defaults(run=_train, takes_values=True)

    resume = commands.add_parser("resume", help="go on with a run that is paused, stopped or failed")
    resume.add_argument("name", help="name or id of the experiment")
    _add_project(resume)
    _add_start(resume)
    resume.set_defaults(run=_resume)

    smoke = commands.add_parser("smoke", help="train a tiny model on handwritten digits: does everything work here?")
    smoke.set_defaults(run=_smoke)

    ls = commands.add_parser("ls", help="list the experiments of a project")
    _add_project(ls)
    ls.add_argument("--json", action="store_true", help="print machine-readable status")
    ls.set_defaults(run=_ls)

    for name, run, text in _ON_ONE:
        one = commands.add_parser(name, help=text)
        one.add_argument("name", help="name or id of the experiment")
        _add_project(one)
        one.add_argument("--json", action="store_true", help="print machine-readable status")
        one.set_defaults(run=run)

    fields = commands.add_parser("fields", help="list every configuration field with its limits and default")
    style = fields.add_mutually_exclusive_group()
    style.add_argument("--markdown", action="store_true", help="print the reference page")
    style.add_argument("--json", action="store_true", help="print machine-readable fields of the default configuration")
    fields.set_defaults(run=_fields)

    doctor = commands.add_parser(
        "doctor", help="check this machine and a project, and repair what is safe, asking first"
    )
    _add_project(doctor)
    doctor.add_argument("--json", action="store_true", help="print machine-readable findings; repairs only with --yes")
    doctor.add_argument("--yes", action="store_true", help="repair without asking")
    doctor.set_defaults(run=_doctor)
    return parser


_VALUES_HELP = (
    "Any configuration field may follow: --optimizer.lr 3e-4 --training.epochs 20. `nbtrain fields` lists them."
)


def _add_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", default=DEFAULT_PATH, help=f"project folder (default: ./{DEFAULT_PATH})")


def _add_start(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--detach", action="store_true", help="return at once; the run goes on")
    busy = parser.add_mutually_exclusive_group()
    busy.add_argument("--beside", action="store_true", help="share the device with a run that uses it")
    busy.add_argument("--queue", action="store_true", help="wait until the device is free")


def _values(rest: Sequence[str]) -> dict[str, Any]:
    """Return the ``--section.field value`` pairs as ``{path: value}``; raises ConfigError for anything else."""
    found: dict[str, Any] = {}
    words = iter(rest)
    for word in words:
        if not word.startswith("--") or "." not in word:
            raise ConfigError([Problem(word, "this argument is not known.", _VALUES_HELP)])
        path, equals, value = word[2:].partition("=")
        value = value if equals else next(words, None)  # type: ignore[assignment]
        if value is None:
            raise ConfigError([Problem(path, "its value is missing.", f"Write --{path} VALUE.")])
        found[path] = _value(value)
    return found


def _value(text: str) -> Any:
    """Lists and objects are JSON; all else stays text, which the field itself reads as a number or a word."""
    if text[:1] not in "[{":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


# -- commands -----------------------------------------------------------------------------------------------------


def _lab(given: argparse.Namespace) -> int:
    from jupyterlab.labapp import main as jupyterlab

    folder = Path(given.folder).expanduser()
    if not folder.is_dir():
        raise NbtrainError("there is no such folder", value=str(folder))
    notebook = folder / _NOTEBOOK
    if not notebook.exists():
        _write_notebook(notebook)
        print(f"wrote {notebook}")
    return int(jupyterlab([str(notebook)]) or 0)


def _write_notebook(path: Path) -> None:
    from nbtrain import files

    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "studio",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": _CELL,
    }
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    plain = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    try:
        files.write_json(path, plain)
    except OSError as error:
        raise NbtrainError("the notebook could not be written", value=str(path), advice=str(error.strerror)) from None


def _train(given: argparse.Namespace) -> int:
    project = Project(given.project)
    changes = {**_config_file(given.config), **given.values}
    project.new_config().set_all(changes)  # refused before anything is written
    experiment = project.new(given.name or None)
    names = [found.name for found in project.datasets()]
    name = given.data if given.data in names else project.add_images(given.data).name
    experiment.set("data.dataset", name)
    experiment.config = experiment.config.set_all(changes)
    experiment.train(beside=given.beside, queue=given.queue)
    return _started(experiment, given.detach)


def _resume(given: argparse.Namespace) -> int:
    experiment = Project(given.project).experiment(given.name)
    experiment.resume(beside=given.beside, queue=given.queue)
    return _started(experiment, given.detach)


def _started(experiment: Experiment, detach: bool) -> int:
    if not detach:
        return _watch(experiment)
    print(f"{experiment.name} ({experiment.id}) is training; `nbtrain show {experiment.id}` tells how it goes")
    return 0


def _config_file(path: str) -> dict[str, Any]:
    if not path:
        return {}
    from nbtrain import files

    try:
        plain = files.read_json(path)
    except FileNotFoundError:
        raise NbtrainError("there is no such configuration file", value=path) from None
    if not isinstance(plain, dict):
        raise NbtrainError("a configuration file holds a JSON object", value=path)
    return _flat({k: v for k, v in plain.get("config", plain).items() if k != "format"})


def _flat(plain: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested sections as dotted paths; lists and values stay whole."""
    flat: dict[str, Any] = {}
    for name, value in plain.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _smoke(given: argparse.Namespace) -> int:
    from nbtrain.demo import digits

    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nbtrain-smoke-") as folder:
        project = digits(Path(folder) / "digits")
        experiment = project.new("smoke")
        experiment.config = experiment.config.set_all({"training.epochs": 6})
        code = _watch(experiment.train(beside=True))
        accuracy = experiment.best.get("value", 0.0)
        project.close()
    good = code == 0 and accuracy >= SMOKE_ACCURACY
    wanted = "" if good else f" (wanted: completed, at least {SMOKE_ACCURACY})"
    print(
        f"smoke: {'ok' if good else 'FAILED'}, val accuracy {accuracy:.3f}, {time.monotonic() - began_s:.0f} s{wanted}"
    )
    return 0 if good else FAILED


def _ls(given: argparse.Namespace) -> int:
    found = Project(given.project).experiments()
    if given.json:
        print(json.dumps([_plain(experiment) for experiment in found], indent=2))
        return 0
    for e in found:
        print(f"{e.id}  {e.status:<10} {_place(e):<24} {e.name}")
    if not found:
        print(f"no experiments in {given.project}; `nbtrain train DATA --project {given.project}` makes one")
    return 0


def _show(given: argparse.Namespace) -> int:
    experiment = Project(given.project).experiment(given.name)
    if given.json:
        print(json.dumps(_plain(experiment), indent=2))
        return 0
    print(f"{experiment.name} ({experiment.id}): {experiment.status} {experiment.detail}".rstrip())
    rows = {"progress": _place(experiment), "data": experiment.data_info.get("name", ""), "run": experiment.run_path}
    rows |= {"resume": experiment.exact}
    rows |= {f"{split} {k}": f"{v:.4f}" for split, values in experiment.metrics.items() for k, v in values.items()}
    rows |= {"error": experiment.error.get("message", ""), "what to do": " ".join(experiment.error.get("advice", ()))}
    for name, text in rows.items():
        if text:
            print(f"  {name:<16} {text}")
    return 0


def _stop(given: argparse.Namespace) -> int:
    return _leave(given, "stop", Experiment.stop)


def _pause(given: argparse.Namespace) -> int:
    return _leave(given, "pause", Experiment.pause)


def _leave(given: argparse.Namespace, word: str, ask: Callable[[Experiment], None]) -> int:
    experiment = Project(given.project).experiment(given.name)
    if not experiment.running:
        print(f"{experiment.name} is {experiment.status}: nothing to {word}")
        return 0
    ask(experiment)
    print(f"{experiment.name}: {experiment.wait(60)}")
    return 0 if not experiment.running else FAILED


_ON_ONE = (
    ("show", _show, "show one experiment"),
    ("pause", _pause, "keep a checkpoint and leave memory and device; `nbtrain resume` goes on"),
    ("stop", _stop, "stop a run; what it has is kept"),
)


def _fields(given: argparse.Namespace) -> int:
    from nbtrain.config import Config
    from nbtrain.schema import fields
    from nbtrain.schema.reference import limits_text, reference

    if given.markdown:
        print(reference(Config), end="")
    elif given.json:
        print(json.dumps([field.plain() for field in fields(Config())], indent=2))
    else:
        for field in fields(Config()):
            print(f"{field.path:<34} {field.default!s:<22} {limits_text(field)[:40]:<40} {field.help}")
    return 0


def _doctor(given: argparse.Namespace) -> int:
    """Exit code 1 where a problem is left, 0 otherwise; what was repaired is no problem any more."""
    from nbtrain.project import doctor

    left, told = False, []
    for finding in doctor.examine(Path(given.project).expanduser().absolute()):
        if not given.json:
            _print_finding(finding)
        done = finding.repair() if finding.repair and (given.yes or (not given.json and _agreed(finding))) else ""
        if done and not given.json:
            print(f"         {done}")
        left = left or (finding.severity == "problem" and not done)
        told.append({"check": finding.check, "severity": finding.severity, "text": finding.text,
                     "advice": finding.advice, "repairable": finding.repair is not None, "repaired": done})  # fmt: skip
    if given.json:
        print(json.dumps(told, indent=2))
    return FAILED if left else 0


def _print_finding(finding: Finding) -> None:
    print(f"{finding.severity:<8} {finding.check}: {finding.text}", flush=True)
    if finding.severity != "ok" and finding.advice:
        print(f"         {finding.advice}")


def _agreed(finding: Finding) -> bool:
    """Ask; no answer (a pipe, the end of input) is a no."""
    try:
        return input(f"         {finding.question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


# -- telling how it goes ------------------------------------------------------------------------------------------


def _watch(experiment: Experiment) -> int:
    """Print one line per new epoch until the run has ended; Ctrl-C stops the run and keeps what it has."""
    printed = len(experiment.curves.series("val", "loss")[2])
    try:
        while experiment.running:
            experiment.wait(0.1)
            printed = _print_epochs(experiment, printed)
    except KeyboardInterrupt:
        print("stopping: the batch is finished and what there is is kept", file=sys.stderr)
        experiment.stop()
        experiment.wait(60)
        return INTERRUPTED
    _print_epochs(experiment, printed)
    return _print_end(experiment)


def _print_epochs(experiment: Experiment, printed: int) -> int:
    history = experiment.curves
    _, epochs, losses = history.series("val", "loss")
    monitor = experiment.best.get("metric", "")
    values = history.series("val", monitor)[2]
    for row in range(printed, len(losses)):  # fewer than were printed where a resume goes through some again
        told = f"  val {monitor} {values[row]:.4f}" if monitor != "loss" and row < len(values) else ""
        print(f"epoch {epochs[row]:.0f}/{experiment.epochs}  val loss {losses[row]:.4f}{told}", flush=True)
    return len(losses)


def _print_end(experiment: Experiment) -> int:
    if experiment.status == "failed":
        error = experiment.error
        advice = " ".join(error.get("advice", ()))
        print(f"failed ({error.get('cause', 'code')}): {error.get('message', '')} {advice}".rstrip(), file=sys.stderr)
        return FAILED
    best = experiment.best
    told = f", best val {best['metric']} {best['value']:.4f} in epoch {best['epoch']:.0f}" if best else ""
    print(f"{experiment.status} after {experiment.duration_s:.0f} s{told}; run: {experiment.run_path}")
    if experiment.exact:
        print(f"resume: {experiment.exact}")
    return 0


def _place(experiment: Experiment) -> str:
    if experiment.status == "created":
        return ""
    best = experiment.best
    told = f"  {best['metric']} {best['value']:.4f}" if best else ""
    return f"epoch {experiment.epoch}/{experiment.epochs}{told}"


def _plain(experiment: Experiment) -> dict[str, Any]:
    names = ("id", "name", "description", "tags", "status", "phase", "detail", "epoch", "epochs", "step", "steps")
    more = (
        "progress",
        "eta_s",
        "best",
        "metrics",
        "started_s",
        "duration_s",
        "run_path",
        "error",
        "exact",
        "notices",
        "problems",
    )
    told = {name: getattr(experiment, name) for name in (*names, *more)}
    return {**told, "config_hash": experiment.config.hash, "config": experiment.config.plain()}
