"""A profile of a run: the time of every phase, and a flame graph of a few of its steps.

Phases are timed by two looks at the clock each, in all steps. torch.profiler records a few steps early in the run, each
operation with what it is part of; with it, the modules of the network are named. Recording is slow, so these steps are
left out of the table where there are enough others. On a GPU the clock waits for the device at the end of each phase,
or a phase would be charged with the one before; so a profiled run is slower, and its numbers are the same. Nothing of
this is there in a run without a profile. It knows a loop's phases by name; it does not know the loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.autograd import DeviceType  # type: ignore[attr-defined]
from torch.profiler import ProfilerActivity, record_function

from nbtrain import files
from nbtrain.messages import Notice
from nbtrain.training.commands import Say
from nbtrain.training.flame import Node, page
from nbtrain.training.phases import FILE, FLAME, NAMES, Phases

_FIRST, _MOST, _MOST_S = 3, 8, 10.0
"""Steps that are not recorded because everything is new in them; steps that are, and for how long at most."""
_ENOUGH = 8
"""Steps beside the recorded ones from which on the table is of these alone."""


class Profile:
    """What is measured of one life of a run; it writes two files into ``folder``."""

    def __init__(self, model: nn.Module, device: torch.device, folder: Path, say: Say, *, modules: bool = True) -> None:
        """Name the ``modules`` of ``model`` in the flame graph; not where it is compiled, which hooks would undo."""
        self._model, self._device, self._folder, self._say, self._modules = model, device, folder, say, modules
        self._plain: dict[str, float] = {}
        self._recorded: dict[str, float] = {}
        self._seconds = self._plain
        self._steps = self._n_recorded = 0
        self._began_s = self._recording_since_s = 0.0
        self._apart_s = 0.0
        self._recorder: torch.profiler.profile | None = None
        self._hooks = ExitStack()

    def start(self) -> None:
        """Begin to count."""
        self._began_s = time.perf_counter()

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Count the time inside as the phase ``name``."""
        began_s = time.perf_counter()
        try:
            with record_function(name):
                yield
        finally:
            if self._device.type == "cuda":
                torch.cuda.synchronize(self._device)
            self.add(name, time.perf_counter() - began_s)

    def add(self, name: str, took_s: float) -> None:
        """Count seconds of the phase ``name``."""
        self._seconds[name] = self._seconds.get(name, 0.0) + took_s

    def stepped(self) -> None:
        """Count a step that is done; begin and end recording."""
        self._steps += 1
        if self._recorder is not None:
            self._n_recorded += 1
            if self._n_recorded >= _MOST or time.perf_counter() - self._recording_since_s > _MOST_S:
                self._try(FLAME, self._end_recording)
        elif self._steps == _FIRST:
            self._try("recording", self._begin_recording)

    def close(self) -> None:
        """End, and keep the table; a disk that refuses it is told of."""
        took_s = time.perf_counter() - self._began_s
        if self._recorder is not None:
            self._try(FLAME, self._end_recording)
        beside = self._steps - self._n_recorded
        seconds, steps, apart_s = self._plain, beside, self._apart_s
        if beside < _ENOUGH:  # then all count, or hardly anything would be told
            names = {*self._plain, *self._recorded}
            seconds = {name: self._plain.get(name, 0.0) + self._recorded.get(name, 0.0) for name in names}
            steps, apart_s = self._steps, 0.0
        device = torch.cuda.get_device_name(self._device) if self._device.type == "cuda" else "cpu"
        found = Phases(seconds=seconds, steps=steps, took_s=max(0.0, took_s - apart_s), device=device, apart_s=apart_s)
        self._try(FILE, lambda: found.write(self._folder))

    # ------------------------------------------------------------------ recording

    def _begin_recording(self) -> None:
        self._seconds = self._recorded
        self._recording_since_s = time.perf_counter()
        if self._modules:
            self._hooks.enter_context(named_modules(self._model))
        gpu = [ProfilerActivity.CUDA] if self._device.type == "cuda" else []
        self._recorder = torch.profiler.profile(activities=[ProfilerActivity.CPU, *gpu], acc_events=True)
        self._recorder.start()

    def _end_recording(self) -> None:
        recorder, self._recorder = self._recorder, None
        assert recorder is not None
        try:
            recorder.stop()
            if self._n_recorded:
                tree = tree_of(recorder.events() or ())  # type: ignore[no-untyped-call]
                title = f"{self._n_recorded} training steps, {tree.took_us / 1e3 / self._n_recorded:.1f} ms each"
                text = page(tree, title, self._n_recorded)
                files.write_atomic(self._folder / FLAME, text.encode(), durable=False)
        finally:
            self._hooks.close()
            self._apart_s = time.perf_counter() - self._recording_since_s
            self._seconds = self._plain

    def _try(self, what: str, act: Callable[[], None]) -> None:
        """Do a part of the profiling, which may fail without failing the run."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever it is, the run is worth more than its profile
            self._say(Notice(level="warning", text=f"The profile lacks {what}: {error}. Training goes on."))


@contextmanager
def named_modules(model: nn.Module) -> Iterator[None]:
    """Give the forward pass of every module its name in what torch.profiler records; the numbers stay as they are."""
    open_: list[Any] = []

    def enter(name: str) -> Callable[..., None]:
        def begin(*_: object) -> None:
            open_.append(record_function(name))
            open_[-1].__enter__()

        return begin

    def leave(*_: object) -> None:
        open_.pop().__exit__(None, None, None)

    hooks = []
    for name, module in model.named_modules():
        if name:
            hooks += [module.register_forward_pre_hook(enter(name)), module.register_forward_hook(leave)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        while open_:  # where the forward pass has failed
            leave()


def tree_of(events: Any) -> Node:
    """Return what torch.profiler has recorded as a tree: phases, modules, operations; equal names side by side are one.

    Work on other threads (a GPU's backward pass is on one) belongs to the phase in which it began.
    """
    root, phases = Node("training steps"), list[tuple[float, float, Node]]()
    events = [event for event in events if event.device_type == DeviceType.CPU]
    roots = sorted((event for event in events if event.cpu_parent is None), key=lambda event: event.time_range.start)
    main = next((event.thread for event in roots if event.name == "forward"), None)
    for event in roots:
        if event.thread == main:
            above = root if event.name in NAMES else root.part("other")
            phases.append((event.time_range.start, event.time_range.end, _add(above, event)))
    for event in roots:
        if event.thread != main:
            inside = (node for start, end, node in phases if start <= event.time_range.start <= end)
            found = next(inside, None)
            if found is not None:
                _add(found, event)
    if "other" in root.parts:
        other = root.parts["other"]
        other.took_us = sum(part.took_us for part in other.parts.values())
    root.took_us = sum(part.took_us for part in root.parts.values())
    root.calls = 1
    return root


def _add(above: Node, event: Any) -> Node:
    node = above.part(_short(event.name))
    node.took_us += event.time_range.elapsed_us()
    node.calls += 1
    for part in event.cpu_children:
        _add(node, part)
    return node


def _short(name: str) -> str:
    return name.removeprefix("autograd::engine::evaluate_function: ").removeprefix("aten::")
