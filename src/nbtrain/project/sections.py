"""Every section of the configuration as an attribute: ``experiment.optimizer = AdamW(lr=3e-4)``.

It knows the names of the sections; what an experiment does with a value is the experiment's affair.
"""

from __future__ import annotations

from typing import Any

from nbtrain.config import Config


class Sections:
    """A mixin for whoever has ``config`` and ``set(path, value)``."""


def _section(name: str) -> property:
    def get(self: Any) -> Any:
        return self.config.get(name)

    def set_(self: Any, value: Any) -> None:
        self.set(name, value)

    return property(get, set_, doc=f"The configuration's section ``{name}``.")


for _name in Config.model_fields:
    setattr(Sections, _name, _section(_name))
