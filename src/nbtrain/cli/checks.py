"""``nbtrain smoke | doctor``: does everything work here, and is everything in order."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from nbtrain.cli.options import FAILED, Commands, add_project
from nbtrain.cli.output import agreed, say, say_json
from nbtrain.cli.printing import watch
from nbtrain.errors import NbtrainError
from nbtrain.runs.machine import Finding

SMOKE_ACCURACY = 0.9
_LAST_FILE_S = 10.0


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    smoke = commands.add_parser("smoke", help="train a tiny model on handwritten digits: does everything work here?")
    smoke.set_defaults(run=_smoke)
    doctor = commands.add_parser(
        "doctor", help="check this machine and a project, and repair what is safe, asking first"
    )
    add_project(doctor)
    doctor.add_argument("--json", action="store_true", help="print machine-readable findings; repairs only with --yes")
    doctor.add_argument("--yes", action="store_true", help="repair without asking")
    doctor.set_defaults(run=_doctor)


def _smoke(given: argparse.Namespace) -> int:
    from nbtrain.demo import digits

    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nbtrain-smoke-") as folder:
        project = digits(Path(folder) / "digits")
        experiment = project.new("smoke")
        experiment.config = experiment.config.set_all({"training.epochs": 6})
        code = watch(experiment.train(beside=True))
        accuracy = experiment.best.get("value", 0.0)
        project.close()
        _let_go(Path(experiment.run_path))
    good = code == 0 and accuracy >= SMOKE_ACCURACY
    wanted = "" if good else f" (wanted: completed, at least {SMOKE_ACCURACY})"
    say(f"smoke: {'ok' if good else 'FAILED'}, val accuracy {accuracy:.3f}, {time.monotonic() - began_s:.0f} s{wanted}")
    return 0 if good else FAILED


def _let_go(run: Path) -> None:
    """Wait until the run's last file is written, so that its folder can go."""
    end_s = time.monotonic() + _LAST_FILE_S
    while not (run / "exit.json").exists() and time.monotonic() < end_s:
        time.sleep(0.02)


def _doctor(given: argparse.Namespace) -> int:
    """Exit code 1 where a problem is left or a repair was refused, 0 otherwise."""
    from nbtrain.project import doctor

    left, told = False, []
    for finding in doctor.examine(Path(given.project).expanduser().absolute()):
        if not given.json:
            _print_finding(finding)
        wanted = given.yes or (not given.json and finding.repair and agreed(f"         {finding.question}"))
        done = refused = ""
        if finding.repair and wanted:
            try:
                done = finding.repair()
            except (OSError, NbtrainError) as error:  # the other findings are still to be told
                refused = f"not repaired: {error}"
        if not given.json and (done or refused):
            say(f"         {done or refused}")
        left = left or bool(refused) or (finding.severity == "problem" and not done)
        told.append({"check": finding.check, "severity": finding.severity, "text": finding.text,
                     "advice": finding.advice, "repairable": finding.repair is not None, "repaired": done,
                     "refused": refused})  # fmt: skip
    if given.json:
        say_json(told)
    return FAILED if left else 0


def _print_finding(finding: Finding) -> None:
    say(f"{finding.severity:<8} {finding.check}: {finding.text}")
    if finding.severity != "ok" and finding.advice:
        say(f"         {finding.advice}")
