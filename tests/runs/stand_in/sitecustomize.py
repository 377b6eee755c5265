"""Stand-ins for torch and for nbtrain.build in processes that a test starts with this folder on PYTHONPATH.

The processes, locks, sockets and signals under test are the real ones; only the training is small. What a run does is
written in its config under ``act``.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
import types
from dataclasses import dataclass

from nbtrain.errors import DataError
from nbtrain.messages import Best, Metric, Status, leaving


@dataclass
class Outcome:
    status: str
    reason: str = ""


class Loop:
    def __init__(self, act: dict, run_path, say, asked) -> None:
        self.act, self.run_path, self.say, self.asked = act, run_path, say, asked

    def run(self) -> Outcome:
        steps = self.act.get("steps", 20)
        for step in range(1, steps + 1):
            if step == self.act.get("fail_at"):
                (self.run_path / "stands").touch()
                fail(self.act["how"])
            time.sleep(self.act.get("step_s", 0.01))
            if step == 1:
                self.say(Status(status="training", phase="training", epoch=1, epochs=1, step=step, steps=steps))
            self.say(Metric(step=step, epoch=step / steps, split="train", values={"loss": 1 / step}))
            if left := leaving(self.asked()):
                return Outcome(left, "asked to")
        self.say(Metric(step=steps, epoch=1.0, split="val", values={"loss": 0.5, "accuracy": 0.9}))
        self.say(Best(metric="accuracy", value=0.9, epoch=1.0, step=steps))
        return Outcome("completed")


def fail(how: str) -> None:
    if how == "segfault":
        ctypes.string_at(0)
    elif how == "hang":
        time.sleep(3600)
    elif how == "hang holding the interpreter":
        ctypes.PyDLL(None).sleep(3600)
    elif how == "exit":
        os._exit(3)
    elif how == "child":
        import subprocess

        print("child", subprocess.Popen(["sleep", "60"]).pid, flush=True)
    elif how == "data":
        raise DataError("the image cannot be read", value="a.png", advice="Replace it.")
    elif how == "memory":
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
    elif how == "disk":
        raise OSError(28, "No space left on device")
    else:
        raise ValueError(how)


def build(frozen: dict, run_path, say, asked) -> Loop:
    act = frozen["act"]
    say(Status(status="preparing", phase="building"))
    time.sleep(act.get("build_s", 0))
    return Loop(act, run_path, say, asked)


def work(desk) -> dict:
    act = desk.request
    desk.progress("acting", 0.5)
    if "how" in act:
        fail(act["how"])
    time.sleep(act.get("seconds", 0))
    return {"pid": os.getpid(), "echo": act, "beside": desk.beside, "nice": os.nice(0)}


def module(name: str, **content: object) -> None:
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(content, __path__=[], __spec__=None)


if os.environ.get("NBTRAIN_STAND_IN"):
    module("nbtrain.build", build=build)
    module("nbtrain.probing.act", work=work)
    module("nbtrain.probing.act_timed", work=work, TIMED=True)
    for name in ("torch", "torchvision", "torchvision.transforms", "torchvision.transforms.v2", "timm", "timm.optim"):
        module(name)
