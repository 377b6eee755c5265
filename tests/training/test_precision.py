"""Devices, number formats and threads: what auto means on this machine, and what is refused."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest
import torch

from nbtrain.errors import ConfigError
from nbtrain.training import precision
from nbtrain.training.precision import Precision, choose_device, choose_threads, keep_memory

CPU = torch.device("cpu")


def test_auto_takes_the_first_gpu_or_the_cpu():
    chosen = choose_device("auto")
    assert chosen.value == ("cuda:0" if torch.cuda.is_available() else "cpu")
    assert "GPU" in chosen.reason
    assert choose_device("cpu").value == "cpu"


def test_a_device_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ConfigError, match=r"hardware\.device: this machine has no device 'cuda:77'\. There is: cpu"):
        choose_device("cuda:77")


@pytest.mark.parametrize(
    ("cores", "device", "threads"), [(1, "cpu", 1), (2, "cpu", 1), (8, "cpu", 7), (32, "cuda:0", 4)]
)
def test_auto_leaves_one_core(monkeypatch, cores, device, threads):
    monkeypatch.setattr(precision, "usable_cores", lambda: cores)
    chosen = choose_threads("auto", device)
    assert chosen.value == threads
    assert chosen.reason
    assert choose_threads(3, device).value == 3


def test_float16_is_for_gpus():
    with pytest.raises(ConfigError, match=r"hardware\.precision: float16 is for GPUs"):
        Precision("16-mixed", CPU)


def test_float16_scales_its_gradients():
    """torch switches the scaler off again where there is no GPU, and says so: it was asked for."""
    if torch.cuda.is_available():
        assert Precision("16-mixed", torch.device("cuda")).scaler.is_enabled()
        return
    with pytest.warns(UserWarning, match="GradScaler is enabled"):
        Precision("16-mixed", torch.device("cuda"))


@pytest.mark.parametrize(("name", "dtype"), [("32", torch.float32), ("bf16-mixed", torch.bfloat16)])
def test_autocast_sets_the_number_format_of_the_forward_pass(name, dtype):
    chosen = Precision(name, CPU)
    with chosen.autocast():
        assert torch.nn.Linear(4, 4)(torch.ones(2, 4)).dtype == dtype
    assert not chosen.scaler.is_enabled()


def test_bfloat16_is_refused_where_the_cpu_computes_wrong_gradients():
    """A strided convolution over single pixels: its weight gradient was NaN (PyTorch 2.15, oneDNN)."""
    model = torch.nn.Sequential(*(torch.nn.Conv2d(3, 3, 3, stride=2, padding=1) for _ in range(3)))
    Precision("bf16-mixed", CPU).check(model, 5)
    Precision("32", CPU).check(model, 4)
    with pytest.raises(ConfigError, match=r"hardware\.precision: bfloat16 .* wrong gradients .* at 4 px \(at 2\)"):
        Precision("bf16-mixed", CPU).check(model, 4)


def test_freed_memory_is_kept_where_the_c_library_is_glibc():
    assert keep_memory() == (platform.libc_ver()[0] == "glibc")


def test_a_library_without_the_setting_is_left_alone(monkeypatch):
    monkeypatch.setattr(precision.ctypes, "CDLL", lambda _: object())
    assert not keep_memory()


DETERMINISTIC = """
import os, torch
from nbtrain.training.precision import make_deterministic
print(make_deterministic(torch.device("cpu")), torch.are_deterministic_algorithms_enabled())
print(make_deterministic(torch.device("cuda:0")), torch.are_deterministic_algorithms_enabled(),
      torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark, os.environ["CUBLAS_WORKSPACE_CONFIG"])
"""


def test_deterministic_is_for_gpus_and_sets_every_switch():
    ended = subprocess.run([sys.executable, "-c", DETERMINISTIC], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "False", "True", "True", "True", "False", ":4096:8"]
