"""Groups: boxes that place panels, and how widgets are closed with all that they are made of."""

from __future__ import annotations

from typing import Any, Self

from ipywidgets import Box, Widget


class Group(Box):  # type: ignore[misc]
    """A box that places panels; closing it closes all that stands in it."""

    children: Any

    def add_class(self, name: str) -> Self:
        """Give it a class of the style sheet, and return it."""
        super().add_class(name)
        return self

    def went(self, job: str, error: Exception | None = None) -> None:
        """Say on the first panel that placing the panels has failed, until it has gone well."""
        first = next(
            (widget for widget in reachable(self) if not isinstance(widget, Group) and hasattr(widget, "went")), None
        )
        if first is not None:
            first.went(job, error)

    @property
    def closed(self) -> bool:
        """Whether the box has been taken off all pages, for good."""
        return self.comm is None

    def close(self) -> None:
        """Close every panel and take the box off all pages."""
        if not self.closed:
            close_all(self)

    def _close_alone(self) -> None:
        super().close()


def close_all(*roots: Widget, but: Widget | None = None) -> None:
    """Close widgets, and all that they are made of, ``but`` for one that others need."""
    for widget in [found for root in roots for found in reachable(root) if found is not but]:
        if isinstance(widget, Group):
            widget._close_alone()
        else:
            widget.close()


def reachable(root: Widget) -> list[Widget]:
    """Return a widget and all that its synced traits name, directly or through others."""
    found, waiting = dict[int, Widget](), [root]
    while waiting:
        widget = waiting.pop()
        if id(widget) in found:
            continue
        found[id(widget)] = widget
        for name in widget.keys:
            value = getattr(widget, name)
            held = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else (value,)
            waiting += [one for one in reversed(list(held)) if isinstance(one, Widget)]
    return list(found.values())
