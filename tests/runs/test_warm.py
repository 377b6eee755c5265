"""The warm process: one per environment, quick, private, and gone when it is of no use."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import sys
import time
from pathlib import Path

import pytest

from nbtrain import locks, processes
from nbtrain.messages import Status
from nbtrain.runs import environment, launch, warm
from nbtrain.runs.journal import JournalReader
from runs.helpers import SOURCE, STAND_IN, ended, until


def servers(runtime):
    """The pids of warm processes in a runtime folder."""
    holders = (locks.holder(path) for path in (runtime / "nbtrain").glob("warm-*.lock"))
    return [pid for pid in holders if pid]


def test_however_often_it_is_asked_for_there_is_one(stand_in):
    for _ in range(4):
        launch.ensure_warm()
    until(warm.is_there)
    time.sleep(0.3)
    assert len(servers(stand_in)) == 1
    assert launch.ensure_warm() is True


def test_it_is_started_once_however_long_that_takes(stand_in):
    """On a busy machine each project that is opened asked for one more: all but one in vain."""
    before = {child.pid for child in launch._starting}
    for _ in range(20):
        launch.ensure_warm()
    assert len({child.pid for child in launch._starting} - before) == 1
    until(warm.is_coming)
    launch.ensure_warm()
    assert len({child.pid for child in launch._starting} - before) <= 1


def test_its_socket_is_for_this_user_only(one_warm):
    (path,) = (one_warm / "nbtrain").glob("*.sock")
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_it_does_not_outlive_its_usefulness_but_its_trainers_do(warmed, make):
    run = make(steps=10_000)
    assert launch.start(run).warm
    (server,) = servers(warmed)
    os.kill(server, signal.SIGKILL)
    until(lambda: not processes.exists(server))
    step = run.status().step
    until(lambda: run.status().step > step)
    cold = make(steps=3)
    launched = launch.start(cold, when_busy="beside")
    assert (launched.warm, launched.why) == (False, "no warm process was ready")
    launch.ensure_warm()
    until(warm.is_there)
    assert launch.start(make(steps=3), when_busy="beside").warm


def test_a_changed_environment_gets_a_process_of_its_own(quick, make, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert not warm.is_there()
    launched = launch.start(make(steps=3))
    assert not launched.warm


def test_edited_source_or_another_package_is_another_environment_and_the_old_process_leaves(
    stand_in, tmp_path, monkeypatch
):
    keys, edited, packages = {environment.key()}, tmp_path / "torch.py", tmp_path / "site-packages"
    packages.mkdir()
    edited.touch()
    monkeypatch.setattr(environment, "_library_files", lambda: iter([edited]))
    monkeypatch.setattr(environment, "_package_folders", lambda: {packages, tmp_path / "none"})
    keys.add(environment.key())
    os.utime(edited, (1, 1))
    keys.add(environment.key())
    server = warm.Server("key", environment.stamp(), 600)
    monkeypatch.setattr(processes, "threads", lambda: 1)
    assert server._reason_to_leave() == ""
    os.utime(packages, (1, 1))  # as pip leaves it that installs, updates or removes something
    keys.add(environment.key())
    assert len(keys) == 4
    assert server._reason_to_leave() == "nbtrain or a library has changed"


def test_where_memory_is_short_it_leaves_and_none_is_started(stand_in, make, monkeypatch):
    monkeypatch.setattr(processes, "threads", lambda: 1)
    server = warm.Server("key", environment.stamp(), 600)
    assert server._reason_to_leave() == ""
    monkeypatch.setattr(processes, "memory_shortage", lambda: "only 3 % of the memory here is available")
    assert "only 3 %" in server._reason_to_leave()
    assert launch.ensure_warm() is False
    run = make(steps=3)
    assert launch.start(run).why == "only 3 % of the memory here is available"  # such a start needs as much, no more
    assert ended(run).status == "completed"
    assert servers(stand_in) == []


def test_it_goes_when_nobody_asks(stand_in, monkeypatch):
    monkeypatch.setattr(warm, "IDLE_S", 0.5)
    launch.ensure_warm()
    until(lambda: servers(stand_in))
    (lock,) = (stand_in / "nbtrain").glob("warm-*.lock")
    until(lambda: locks.holder(lock) is None)
    assert "left: nobody has asked for a while" in lock.with_suffix(".log").read_text()


def test_it_holds_nothing_but_its_own_and_is_the_first_to_go(warmed):
    (pid,) = servers(warmed)
    own = {f"warm-{environment.key()}.lock", f"warm-{environment.key()}.log", "null"}

    def held():  # what it imports at this moment comes and goes
        names = []
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                names.append(os.readlink(path))
        return sorted(name.split(":")[0] for name in names if Path(name).name not in own)

    until(lambda: held() == ["socket"])  # the one it listens on
    assert int(Path(f"/proc/{pid}/oom_score_adj").read_text()) == 900


@pytest.mark.parametrize("garbage", [b"", b"\n", b"{", b"not json\n", b"[]\n", b"{}\n", b"x" * 5000, b'{"run": 1}\n'])
def test_garbage_on_the_socket_does_not_end_it(garbage, quick, make):
    (path,) = (quick / "nbtrain").glob("*.sock")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(garbage)
    assert launch.start(make(steps=2)).warm


def test_the_trainer_has_the_starters_environment_and_folder(quick, make, tmp_path, monkeypatch):
    monkeypatch.setenv("NBTRAIN_TEST_ONLY", "seen")
    monkeypatch.chdir(tmp_path)
    run = make(steps=10_000)
    pid = launch.start(run).pid
    assert os.readlink(f"/proc/{pid}/cwd") == str(tmp_path)
    ours, theirs = (Path(f"/proc/{one}/oom_score_adj").read_text() for one in ("self", pid))
    assert theirs == ours  # the warm process goes first, not what it has started
    assert until(lambda: run.status().status == "training")


def test_a_click_while_it_imports_shares_what_is_imported(stand_in, make, tmp_path, monkeypatch):
    """The fork is made between two imports; the trainer imports the rest itself, and the server goes on too."""
    folder = tmp_path / "slow"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        f"exec(open({str(STAND_IN / 'sitecustomize.py')!r}).read())\nimport sys\ndel sys.modules['timm']\n"
    )
    (folder / "timm.py").write_text(
        "import importlib.util as u, pathlib, time\n"
        f"here, n = pathlib.Path({str(folder)!r}), 0\n"
        "(here / 'begun').touch()\n"
        "while not (here / 'enough').exists():\n    n += 1\n    time.sleep(.05)\n    u.find_spec(f'no{n}')\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{SOURCE}")
    launch.ensure_warm()
    until((folder / "begun").exists)
    run = make(steps=3)
    launched = launch.start(run)  # comes back although the import has not ended
    assert launched.warm
    assert run.status().phase == "importing"
    (folder / "enough").touch()
    assert ended(run).status == "completed"
    assert next(m.status for m in JournalReader(run.events).read() if isinstance(m, Status)) == "preparing"
    until(lambda: launch.start(make(steps=3), when_busy="beside").warm)


def test_threads_or_cuda_make_it_refuse(monkeypatch):
    monkeypatch.setattr(processes, "threads", lambda: 3)
    assert "3 threads" in warm._unsafe()
    monkeypatch.setattr(processes, "threads", lambda: 1)
    assert warm._unsafe() == ""


def test_a_server_with_threads_refuses_and_the_start_is_cold(stand_in, make, tmp_path, monkeypatch):
    folder = tmp_path / "threads"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        f"exec(open({str(STAND_IN / 'sitecustomize.py')!r}).read())\nimport sys\ndel sys.modules['timm']\n"
    )
    (folder / "timm.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{SOURCE}")
    launch.ensure_warm()
    until(warm.refusal)
    until(lambda: servers(stand_in) == [])
    run = make(steps=3)
    launched = launch.start(run)
    assert not launched.warm
    assert "threads" in launched.why
    assert ended(run).status == "completed"
    assert launch.ensure_warm() is False  # it would only refuse again
    time.sleep(0.3)
    assert servers(stand_in) == []


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_where_there_can_be_none_the_start_is_cold_and_the_run_says_why(system, stand_in, make, monkeypatch):
    """The kernel's side of macOS and Windows; the process that it starts is this system's."""
    with monkeypatch.context() as there:
        there.setattr(processes, "LINUX", False)
        there.setattr(sys, "platform", system)
        assert launch.ensure_warm() is False
        why = warm.unavailable()
    assert system in why
    monkeypatch.setattr(warm, "unavailable", lambda: why)
    run = make(steps=3)
    launched = launch.start(run)
    assert not launched.warm
    assert ended(run).status == "completed"
    said = next(message for message in JournalReader(run.events).read() if isinstance(message, Status))
    assert why in said.detail
    assert servers(stand_in) == []
