"""The learning rate range test: a short training from fresh weights whose learning rate rises at every step.

Model, optimizer, loss, data, augmentation, batch and precision are the configuration's own, and a step is the loop's
own step; only the schedule is replaced by the sweep. What the curve means is lr_curve.py's matter.
"""

from __future__ import annotations

import time
from typing import Any

from torch.optim import Optimizer

from nbtrain.data import measured
from nbtrain.models.freezing import to_training
from nbtrain.probing.desk import Desk
from nbtrain.probing.lr_curve import STEPS, LrCurve, Watcher, rates
from nbtrain.training.parts import Parts, Plan
from nbtrain.training.schedule_free import ScheduleFree
from nbtrain.training.stepping import Stepping

KIND = "lr_range"


def work(desk: Desk) -> dict[str, Any]:
    """Sweep, and keep the curve under the request's ``key``."""
    wiring = desk.wiring()
    wiring.enter("scanning data")
    found = wiring.find()
    wiring.enter("planning")
    device = wiring.device()
    train, val = wiring.loader(found, "train"), wiring.loader(found, "val")
    normal, plan = wiring.normalisation(train.images), wiring.plan(train.steps_per_epoch)
    wiring.enter("building", wiring.config.model.entry.variant)
    parts = wiring.parts(found, device, train, val, normal, plan)
    result = _sweep(desk, parts, plan).plain()
    measured.keep(desk.project, KIND, str(desk.request["key"]), result)
    return result


def _sweep(desk: Desk, parts: Parts, plan: Plan) -> LrCurve:
    if parts.unfreezing:
        parts.unfreezing.enter(0)
    to_training(parts.model)
    if isinstance(parts.optimizer, ScheduleFree):
        parts.optimizer.to_path()
    stepping, watcher = Stepping(parts, plan.seed), Watcher()
    planned = rates(int(desk.request.get("steps", STEPS)))
    batches, losses, began_s = parts.train.stream(), list[float](), time.monotonic()
    for step, lr in enumerate(planned):
        desk.progress(f"step {step + 1} of {len(planned)}, learning rate {lr:.1e}", step / len(planned))
        _set(parts.optimizer, lr)
        loss = float(stepping.step(batches, step, plan.multiplier, plan.clip_norm)[0])
        if not watcher.add(loss):
            break
        losses.append(loss)
    took_s = round(time.monotonic() - began_s, 2)
    return LrCurve.of(planned[: len(losses)], losses, diverged=watcher.diverged, took_s=took_s)


def _set(optimizer: Optimizer, lr: float) -> None:
    """Set the rate of every group, as schedulers.py does."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group.get("lr_scale", 1.0)
