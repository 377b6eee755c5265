"""The studio's stages: what is shown below the header, one at a time. Each is made when it is first opened.

A stage that is left stays on the page, folded away, so that its scrolling and what was typed into it are still there;
its panels notice that nobody sees them and draw nothing. It knows widgets' boxes; what a stage holds, its maker says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nbtrain.ui.group import Group

_OFF = "nbt-off"


@dataclass(frozen=True)
class Stage:
    """One stage: its name for people, and what makes its widgets."""

    label: str
    make: Callable[[], Any]


class Stages(Group):
    """A box that shows one of several boxes."""

    def __init__(self, stages: Mapping[str, Stage], first: str, **kwargs: Any) -> None:
        """Take the stages by key; the one called ``first`` is open."""
        self._stages, self._made = dict(stages), dict[str, Any]()
        self.opened = first
        self._made[self.opened] = self._stages[self.opened].make()
        super().__init__([self._made[self.opened]], **kwargs)
        self.add_class("nbt-stages")

    @property
    def labels(self) -> list[dict[str, str]]:
        """Key and label of each, in order."""
        return [{"key": key, "label": stage.label} for key, stage in self._stages.items()]

    def show(self, key: str) -> None:
        """Open a stage; one that there is not changes nothing."""
        if key not in self._stages or key == self.opened:
            return
        made = self._made.get(key) or self._stages[key].make()  # first: a stage that cannot be made is not opened
        self._made[self.opened].add_class(_OFF)
        self.opened = key
        if key in self._made:
            made.remove_class(_OFF)
        else:
            self._made[key] = made
            self.children = list(self._made.values())  # those that are there stay what and where they are
