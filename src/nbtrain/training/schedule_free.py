"""Schedule-free optimizers (Defazio et al. 2024, arXiv:2405.15682): SGD and AdamW whose average needs no schedule.

Three sequences: z takes the steps, x is the weighted average of all z, and gradients are taken at y between the two.
While training the parameters are y; for validation and in checkpoints they are x. Both z and x are kept, and y is made
of them by the same operation each time, so that going to x and back changes no bit. The learning rate comes from the
groups, as with any optimizer; the weight of a step in the average is the square of the highest one so far.

tests/training/test_schedule_free.py holds it equal to the paper's formulas. It knows nothing of when it is asked for
x or y: the loop does that, through :func:`to_average` and :meth:`ScheduleFree.to_path`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class ScheduleFree(Optimizer):
    """SGD (without ``memory``) or AdamW (with it) on averaged weights."""

    def __init__(
        self, params: Iterable[Any], lr: float, momentum: float = 0.9, memory: float | None = None, eps: float = 1e-8
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "memory": memory, "eps": eps, "weight_decay": 0.0}
        super().__init__(params, {**defaults, "on_path": False})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Change the weights once; the parameters must be on the path (y)."""
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if parameters:
                self._step(group, parameters)
        return loss

    def _step(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        states = [self._state_of(p, group) for p in parameters]
        xs, zs = [state["x"] for state in states], [state["z"] for state in states]
        shares = [_share(state, group["lr"]) for state in states]
        directions = self._directions(group, parameters, states)
        torch._foreach_add_(zs, directions, alpha=-group["lr"])
        towards = torch._foreach_sub(zs, xs)
        torch._foreach_mul_(towards, shares)
        torch._foreach_add_(xs, towards)
        _put_on_path(parameters, xs, zs, group["momentum"])

    def _state_of(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state: dict[str, Any] = self.state[parameter]
        if not state:
            state.update(step=0, weights=0.0, highest_lr=0.0, x=parameter.clone(), z=parameter.clone())
            if group["memory"] is not None:
                state["squares"] = torch.zeros_like(parameter)
        return state

    def _directions(
        self, group: dict[str, Any], parameters: list[Tensor], states: list[dict[str, Any]]
    ) -> tuple[Tensor, ...] | list[Tensor]:
        """Return the direction of each step: the gradient, scaled per weight for AdamW, with the decay at y."""
        found = [p.grad.clone() for p in parameters if p.grad is not None]
        memory = group["memory"]
        if memory is not None:
            squares = [state["squares"] for state in states]
            torch._foreach_mul_(squares, memory)
            torch._foreach_addcmul_(squares, found, found, value=1 - memory)
            scales = torch._foreach_div(squares, [1 - memory ** state["step"] for state in states])
            torch._foreach_sqrt_(scales)
            torch._foreach_add_(scales, group["eps"])
            torch._foreach_div_(found, scales)
        if group["weight_decay"]:
            torch._foreach_add_(found, parameters, alpha=group["weight_decay"])
        return found

    @torch.no_grad()
    def to_average(self) -> None:
        """Let the parameters be the average x, which is what validation and checkpoints want."""
        for group in self.param_groups:
            for parameter in group["params"] if group["on_path"] else ():
                if parameter in self.state:
                    parameter.copy_(self.state[parameter]["x"])
            group["on_path"] = False

    @torch.no_grad()
    def to_path(self) -> None:
        """Let the parameters be y again, where gradients are taken."""
        for group in self.param_groups:
            known = [p for p in group["params"] if p in self.state and not group["on_path"]]
            if known:
                xs, zs = ([self.state[p][name] for p in known] for name in ("x", "z"))
                _put_on_path(known, xs, zs, group["momentum"])
            group["on_path"] = True


def _share(state: dict[str, Any], lr: float) -> float:
    """Count one more step of a parameter; return its share in the average."""
    state["step"] += 1
    state["highest_lr"] = max(state["highest_lr"], lr)
    weight = state["highest_lr"] ** 2
    state["weights"] += weight
    return float(weight / state["weights"]) if state["weights"] else 0.0


def _put_on_path(parameters: list[Tensor], xs: list[Tensor], zs: list[Tensor], momentum: float) -> None:
    """Set the parameters to y, which is ``momentum`` of the way from z to x."""
    for parameter, y in zip(parameters, torch._foreach_lerp(zs, xs, momentum), strict=True):
        parameter.copy_(y)


def to_average(optimizer: Optimizer) -> None:
    """Bring the weights that ``optimizer`` averages into the model; most optimizers have none."""
    if isinstance(optimizer, ScheduleFree):
        optimizer.to_average()
