"""The pictures in the form: what the model will get, drawn again when anything changes that decides about them.

Asked for only while somebody looks: a page says so every few seconds as long as the section is open, on screen and in
a visible tab. The pictures are a synced trait, so a reloaded page has them. What is rendered, and where, is not known
here (project/previewing.py, runs/previews.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from traitlets import Dict, List

from nbtrain.errors import NbtrainError
from nbtrain.messages import Previewed
from nbtrain.project import previewing
from nbtrain.project.experiment import Experiment
from nbtrain.runs.previews import PREVIEWS
from nbtrain.ui.advice import Advised
from nbtrain.ui.pulse import PULSE

LEASE_S = 30.0
"""A page that has not said for this long that it looks is taken for gone."""
_START: Mapping[str, Any] = MappingProxyType({"part": "train", "first": 0, "epoch": 0, "raw": False, "one": -1})
"""Part, place of the first image, epoch, whether numbers are shown raw, and the image that is shown in many epochs."""


class Illustrated(Advised):
    """A form that also shows the images as the model gets them."""

    preview = Dict(help="What the pictures show, what is told of them, and why there are none.").tag(sync=True)
    pictures = List(Dict(), help="File, label, note and two pictures, before and after, of each image.").tag(sync=True)

    _looks: Mapping[str, float] = MappingProxyType({})
    """When each page last said that it looks."""
    _where: Mapping[str, Any] = _START
    _asked: tuple[Any, ...] = ()
    _answered: tuple[Any, ...] = ()
    _newest: Previewed | None = None
    _refused: Mapping[str, str] = MappingProxyType({})
    _tiles: tuple[Mapping[str, Any], ...] = ()

    def illustrated(self, experiment: Experiment) -> dict[str, Any]:
        """Return the traits of the preview, and ask for new pictures where somebody looks and something has changed."""
        if any(time.monotonic() - at_s < LEASE_S for at_s in self._looks.values()):
            self._ask(experiment)
        return self._pictured()

    @staticmethod
    def unillustrated() -> dict[str, Any]:
        """Return the same traits, empty."""
        return {"preview": {}, "pictures": []}

    def forget_pictures(self) -> None:
        """Begin anew: another experiment is shown."""
        self._asked, self._answered, self._newest, self._tiles = (), (), None, ()
        self._refused, self._where = {}, {**_START, "raw": self._where["raw"]}

    def close(self) -> None:
        """Ask for no more pictures, and take the form off the page."""
        PREVIEWS.drop(self._who)
        super().close()

    def perform(self, what: str, of: str | None = None, **wish: Any) -> None:
        """Do what a click asks for; to look at other pictures changes nothing in the form's other half."""
        if what not in ("look", "picture"):
            super().perform(what, of, **wish)
            return
        with self.telling(what):
            getattr(self, f"do_{what}")(**wish)
        PULSE.soon(self.draw_pictures)

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_look(self, view: str, on: bool) -> None:
        """Note that a page looks at the pictures, or does not any more."""
        others = {name: at_s for name, at_s in self._looks.items() if name != view}
        self._looks = {**others, view: time.monotonic()} if on else others
        if not self._looks:
            PREVIEWS.drop(self._who)
            self._asked = self._answered

    def do_picture(self, **where: Any) -> None:
        """Show other images: another part, first image, epoch, numbers instead of colours, one image in many epochs."""
        new = {name: type(_START[name])(value) for name, value in where.items() if name in _START}
        if new.get("part", self._where["part"]) != self._where["part"]:
            new |= {"first": 0, "one": -1}
        self._where = {**self._where, **new}

    def do_again(self) -> None:
        """Ask again, after something outside has been put right."""
        self._asked = self._answered = ()

    # -- inside -------------------------------------------------------------------------------------------------

    @property
    def _who(self) -> str:
        return f"form {id(self)}"

    def _ask(self, experiment: Experiment) -> None:
        """Ask for pictures, unless those that are there or under way are right."""
        where, n = self._where, previewing.SHOWN
        places = previewing.spread(experiment.data_info.get(where["part"], 0), where["first"])
        epochs = [where["epoch"]] * len(places)
        if where["one"] >= 0:
            places, epochs = [where["one"]] * n, [where["epoch"] + number for number in range(n)]
        try:
            asked = previewing.request(experiment, self._who, where["part"], places, epochs, raw=where["raw"])
        except NbtrainError as error:
            self.forget_pictures()
            self._refused = {"problem": getattr(error, "what", str(error)), "advice": getattr(error, "advice", "")}
            return
        self._refused, deciding = {}, previewing.deciding(asked)
        if deciding != self._asked:
            self._asked = deciding
            PREVIEWS.ask(asked, lambda said, blobs: self._take(deciding, said, blobs))

    def _take(self, deciding: tuple[Any, ...], said: Previewed, blobs: list[bytes]) -> None:
        """Take an answer, on the thread that reads them, and have it drawn."""
        if deciding != self._asked:
            return
        self._answered, self._newest = deciding, said
        if not said.problem:  # else the pictures of before stay, greyed
            self._tiles = tuple(tiles_of(said, blobs))
        PULSE.soon(self.draw_pictures)

    def draw_pictures(self) -> None:
        """Send the pictures, where the form's other half has not changed."""
        if self.experiment is None:
            return
        with self._drawing, self.hold_sync():
            for name, value in self.illustrated(self.experiment).items():
                setattr(self, name, value)

    def _pictured(self) -> dict[str, Any]:
        said, busy = self._newest, self._asked != self._answered
        told: dict[str, Any] = {**self._where, "busy": busy, "starting": busy and not PREVIEWS.ready, **self._refused}
        if said is not None:
            told |= {"problem": said.problem, "advice": said.advice, "count": said.n_images, "facts": dict(said.facts)}
            told |= {"rows": dict(said.rows)}
        return {"preview": told, "pictures": list(self._tiles)}


def tiles_of(said: Previewed, blobs: list[bytes]) -> list[dict[str, Any]]:
    """Return what is told of each image, with its pictures."""
    left = iter(blobs)
    return [{**tile, **({"before": next(left), "after": next(left)} if tile["blobs"] else {})} for tile in said.tiles]
