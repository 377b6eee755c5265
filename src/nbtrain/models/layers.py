"""The order of a network's layers from its input to its head: for layer-wise learning rates and for freezing.

timm's networks say it themselves (``group_matcher``); of others it follows from how their modules are nested. Imported
where a network is built or trained, never by the kernel side. What is done with the order is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from nbtrain.models.heads import head_modules, head_parameters

_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


def layers(model: nn.Module, *, coarse: bool = False) -> dict[str, int]:
    """Return the place of each parameter's layer, 0 at the input; ``coarse`` counts stages instead of layers.

    The head is the last layer, by itself.
    """
    head = head_parameters(model)
    matcher: Any = getattr(model, "group_matcher", None)
    found = _as_timm_says(model, matcher(coarse=coarse)) if matcher else _as_nested(model, coarse)
    places = sorted({found[name] for name, _ in model.named_parameters() if name not in head})
    order = {place: index for index, place in enumerate(places)}
    return {name: order[found[name]] if name not in head else len(places) for name, _ in model.named_parameters()}


def stage_parameters(model: nn.Module, stages: int) -> set[str]:
    """Return the names of the parameters of the first ``stages`` stages; the head is never among them."""
    head = head_parameters(model)
    return {name for name, stage in layers(model, coarse=True).items() if stage < stages and name not in head}


def _as_timm_says(model: nn.Module, matcher: Any) -> dict[str, int]:
    from timm.models import group_parameters

    return dict(group_parameters(model, matcher, reverse=True))


def _as_nested(model: nn.Module, coarse: bool) -> dict[str, int]:
    """Return the layers by nesting; a normalisation belongs to what stands before it."""
    found, place = {name: 0 for name, _ in model.named_parameters()}, -1  # loose parameters belong to the input
    for prefix, unit in _stages(model) if coarse else _units(model, ""):
        place += place < 0 or not isinstance(unit, _NORMS)
        found.update({f"{prefix}{name}": place for name, _ in unit.named_parameters()})
    return found


def _stages(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the outermost chain of modules, also where it lies in one module ("features")."""
    heads = {id(module) for module in head_modules(model)}
    trunk = [name for name, child in _learning(model) if id(child) not in heads]
    for name, child in _learning(model):
        if len(trunk) == 1 and name in trunk and list(_learning(child)):
            yield from ((f"{name}.{inner}.", part) for inner, part in _learning(child))
        else:
            yield f"{name}.", child


def _units(module: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    """Yield what counts as one layer each: the members of lists of modules, and all modules beside them."""
    for name, child in _learning(module):
        if _is_list(child) or _holds_lists(child):
            yield from _units(child, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}.", child


def _learning(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    return ((name, child) for name, child in module.named_children() if any(True for _ in child.parameters()))


def _is_list(module: nn.Module) -> bool:
    return type(module) in (nn.Sequential, nn.ModuleList)


def _holds_lists(module: nn.Module) -> bool:
    """Return whether ``module`` holds a list of equal blocks, as an encoder does (a residual block does not)."""
    lists = (list(child.children()) for child in module.children() if _is_list(child))
    return any(len(blocks) > 1 and len({type(block) for block in blocks}) == 1 for blocks in lists)
