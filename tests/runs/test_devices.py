"""Who uses a device: over processes, and without those who were killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from nbtrain.runs import devices
from nbtrain.runs.devices import Claim, busy, device_name

USE = """
import sys, time
from nbtrain.runs.devices import Claim
claim = Claim(sys.argv[1], sys.argv[2]); print(claim.take(), flush=True); time.sleep(60)
"""


@pytest.fixture(autouse=True)
def runtime(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def using(run, device):
    process = subprocess.Popen([sys.executable, "-c", USE, run, device], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip() == "True"


def test_a_killed_process_frees_its_device():
    process, taken = using("/a", "cpu")
    assert taken
    assert [str(path) for path in busy("cpu")] == ["/a"]
    assert busy("cuda:0") == []
    mine = Claim("/b", "cpu")
    assert not mine.take()
    assert [str(path) for path in busy("cpu")] == ["/a"]  # who was refused does not use it
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert busy("cpu") == []
    assert mine.take()
    mine.release()
    assert busy("cpu") == []
    assert sorted(os.listdir(devices.runtime_folder() / "devices")) == ["gate"]


def test_one_uses_it_and_others_beside_it_until_all_are_gone():
    first, second, hasty = (Claim(f"/{name}", "cpu") for name in "abc")
    assert first.take()
    assert not second.take()
    assert hasty.take(beside=True)
    assert [path.name for path in busy("cpu")] == ["a", "c"]
    first.release()
    assert not second.take()  # the hasty one uses it now
    hasty.release()
    assert second.take()


def test_a_mask_is_not_applied_twice(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,0")
    claim = Claim("/a", "cuda:0")
    assert claim.take()
    assert claim.device == "cuda:4"
    assert (len(devices.users("cuda:4")), len(devices.users("cuda:0")), len(busy("cuda:1"))) == (1, 0, 0)
    claim.release()


@pytest.mark.parametrize(
    ("asked", "visible", "name"),
    [
        ("cpu", None, "cpu"),
        ("cuda:1", None, "cuda:1"),
        ("cuda:1", "4,7", "cuda:7"),
        ("cuda:0", "GPU-abc", "cuda:GPU-abc"),
        ("cuda:5", "4,7", "cuda:5"),
        ("auto", "", "cpu"),
    ],
)
def test_masked_devices_get_the_machines_name(asked, visible, name, monkeypatch):
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert device_name(asked) == name


def test_without_a_private_folder_everything_counts_as_free(tmp_path):
    (tmp_path / "nbtrain").mkdir(mode=0o755)
    os.chmod(tmp_path / "nbtrain", 0o755)
    assert busy("cpu") == []
    assert Claim("/a", "cpu").take()
