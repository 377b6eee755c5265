"""exit.json: how a trainer ended, in the words that the run's failure is made of."""

from __future__ import annotations

import json
import signal

import pytest

from nbtrain.messages import CAUSES
from nbtrain.runs.folder import RunFolder, RunStatus
from nbtrain.runs.parent import last_lines, write_exit


def exit_after(tmp_path, code, status="training", *, out_of_memory=False, **said):
    run = RunFolder(tmp_path)
    run.write_status(RunStatus(status, **said))
    run.log.write_text("".join(f"line {number}\n" for number in range(100)))
    write_exit(run, code, 12.34, out_of_memory)
    return json.loads((tmp_path / "exit.json").read_text())


def test_a_good_end_has_a_code_and_no_cause(tmp_path):
    said = exit_after(tmp_path, 0, "completed")
    assert (said["code"], said["signal"], said["cause"], said["message"], said["advice"]) == (0, None, "", "", [])
    assert (said["memory_peak_mib"], said["generation"]) == (12.3, 0)
    assert said["last_lines"][-1] == "line 99"


@pytest.mark.parametrize(
    ("code", "out_of_memory", "cause", "word"),
    [
        (3, False, "code", "exit code 3"),
        (-signal.SIGKILL, False, "killed", "SIGKILL"),
        (-signal.SIGKILL, True, "out of memory", "ran out of memory"),
        (-signal.SIGTERM, True, "killed", "SIGTERM"),
        (-signal.SIGSEGV, False, "code", "SIGSEGV"),
    ],
)
def test_one_that_said_nothing_gets_its_cause_from_outside(tmp_path, code, out_of_memory, cause, word):
    said = exit_after(tmp_path, code, out_of_memory=out_of_memory)
    assert said["cause"] == cause
    assert word in said["message"]
    assert said["advice"]
    assert (said["code"], said["signal"]) == ((code, None) if code > 0 else (None, -code))


@pytest.mark.parametrize("cause", [CAUSES[0], "not a cause"])
def test_what_the_trainer_said_itself_stands(tmp_path, cause):
    said = exit_after(tmp_path, -signal.SIGKILL, "failed", cause=cause)
    assert said["cause"] == (cause if cause in CAUSES else "")
    assert said["message"] == ""


def test_a_log_that_is_not_there_has_no_lines(tmp_path):
    assert last_lines(tmp_path / "log.txt") == []
