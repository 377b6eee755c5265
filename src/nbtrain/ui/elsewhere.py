"""What stands where a studio was, once its project is shown in another cell: that it is, and a way to have it here.

It knows how to ask for the studio; it does not know studios.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from traitlets import Unicode

from nbtrain.ui.panel import Panel


class Elsewhere(Panel, twin="elsewhere"):
    """The notice in the place of a studio that is shown elsewhere."""

    name = Unicode(help="Name of the project.").tag(sync=True)

    def __init__(self, name: str, here: Callable[[], None], left: Callable[[], None], **kwargs: Any) -> None:
        """Tell of the project ``name``.

        ``here`` shows it in this place; ``left`` hears that no page has the notice any more.
        """
        super().__init__(name=name, **kwargs)
        self._here, self._left = here, left

    def do_show(self) -> None:
        """Show the studio in this place again."""
        self._here()

    def _spoke(self, view: str, content: dict[str, Any]) -> None:
        super()._spoke(view, content)
        if self.views.all_gone:
            self._left()
