"""Models from timm and torchvision: settings, and construction with a head for the classes at hand.

The variant decides; the family is how a person finds it. Giving a variant sets the family, choosing a family takes a
small variant of it. Both come from the catalogue, so that a form works without torch. What they share with other
networks stands in model.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from pydantic import field_validator, model_validator

from nbtrain.errors import ConfigError, DataError, Problem
from nbtrain.models import catalog, published
from nbtrain.models.model import Model, Say, unfit
from nbtrain.schema import Choice, field
from nbtrain.schema.section import unknown

if TYPE_CHECKING:
    from torch import nn


def _families(model: Any) -> Sequence[Choice]:
    counts = {name: len(catalog.variants(model.kind, name)) for name in catalog.families(model.kind)}
    return [Choice(name, name, f"{count} variants") for name, count in counts.items()]


def _variants(model: Any) -> Sequence[Choice]:
    return [Choice(e.variant, e.variant, e.summary) for e in catalog.variants(model.kind, model.family)]


class Catalogued(Model):
    """A published network: the variant decides, the family is how a person finds it."""

    leading = ("family", "variant")
    family: str = field("ResNet", choices=_families)
    """Group of networks with one design."""
    variant: str = field("resnet18", choices=_variants)
    """The network itself. Larger ones learn more and take more time and memory."""

    @model_validator(mode="before")
    @classmethod
    def _paired(cls, plain: Any) -> Any:
        if not isinstance(plain, dict):
            return plain
        known = catalog.entries(cls.kind)
        variant, family = plain.get("variant"), plain.get("family")
        if isinstance(variant, str) and variant in known:
            return {**plain, "family": known[variant].family}
        if variant is None and family in catalog.families(cls.kind):
            return {**plain, "variant": catalog.starter(cls.kind, family).variant}
        return plain

    @field_validator("variant", mode="after")
    @classmethod
    def _known_variant(cls, variant: str) -> str:
        return catalog.entry(cls.kind, variant).variant

    @field_validator("family", mode="after")
    @classmethod
    def _known_family(cls, family: str) -> str:
        if family not in catalog.families(cls.kind):
            raise ConfigError([unknown("family", family, catalog.families(cls.kind))])
        return family

    def replace(self, **changes: Any) -> Self:
        """Return a copy with several fields changed; a new family brings a variant along."""
        if "variant" not in changes and changes.get("family", self.family) != self.family:
            values = {**self._values(), **changes}
            return type(self)(**{name: value for name, value in values.items() if name != "variant"})
        return super().replace(**changes)

    def switched(self, kind: str) -> Self:
        """Return the model of another provider: the same variant where that has it, else its default one."""
        made = super().switched(kind)
        if made is not self and isinstance(made, Catalogued) and self.variant in catalog.entries(kind):
            return made.replace(variant=self.variant)
        return made

    @property
    def entry(self) -> catalog.Entry:
        """The catalogue's entry for this model: size, cost, licence, default input."""
        return catalog.entry(self.kind, self.variant)


class Timm(Catalogued, kind="timm", label="timm"):
    """Over a thousand networks from the timm library."""

    drop_path: float = field(0.0, ge=0, lt=1, unit="ratio", soft=(0, 0.5), advanced=True)
    """Share of the blocks skipped in training, against overfitting. 0: as the architecture has it."""

    def _made(self, classes: int, image_size: int, pretrained: bool, say: Say) -> nn.Module:
        options: dict[str, Any] = {"num_classes": classes, "pretrained": pretrained}
        options |= {"drop_rate": self.dropout} if self.dropout else {}
        options |= {"drop_path_rate": self.drop_path} if self.drop_path else {}
        import timm

        config = timm.get_pretrained_cfg(self.variant)
        if config is not None and config.fixed_input_size and config.input_size[-1] != image_size:
            options["img_size"] = image_size
        try:
            model: nn.Module = timm.create_model(self.variant, **options)
        except (TypeError, AssertionError, ValueError) as error:
            raise ConfigError([_refused(self.entry, image_size, error)]) from error
        except Exception as error:
            raise (_unreachable(self.entry, error) if pretrained else error) from error
        if pretrained:
            say(f"Pretrained weights of {self.variant} were loaded ({self.entry.licence}); the head starts fresh.")
        return model


class Torchvision(Catalogued, kind="torchvision", label="torchvision"):
    """The classic networks that come with torchvision."""

    def _made(self, classes: int, image_size: int, pretrained: bool, say: Say) -> nn.Module:
        from torchvision.models import get_model

        from nbtrain.models.heads import set_dropout
        from nbtrain.models.weights import load_matching

        options: dict[str, Any] = {"num_classes": classes}
        if self.variant in ("googlenet", "inception_v3"):
            options |= {"aux_logits": False, "init_weights": True}
        if self.entry.family == "ViT":
            options["image_size"] = image_size
        if self.entry.family == "MaxViT":
            options["input_size"] = (image_size, image_size)
        try:
            model: nn.Module = get_model(self.variant, **options)
        except (TypeError, AssertionError, ValueError, RuntimeError) as error:
            raise ConfigError([_refused(self.entry, image_size, error)]) from error
        if pretrained:
            for sentence in load_matching(model, self._published()).sentences("the pretrained weights"):
                say(sentence)
        if self.dropout and not set_dropout(model, self.dropout):
            raise ConfigError([Problem("model.dropout", f"{self.variant} has no place for it.", "Set it to 0.")])
        return model

    def _published(self) -> dict[str, Any]:
        """Return the published weights, under the names that today's torchvision gives them."""
        from torchvision.models import get_model

        try:
            return dict(get_model(self.variant, weights="DEFAULT").state_dict())
        except Exception as error:  # no network, no disk space, a broken file
            raise _unreachable(self.entry, error) from error


def _unreachable(entry: catalog.Entry, error: Exception) -> DataError:
    """Return the error for weights that could not be had, with the file to fetch and where to put it."""
    told = str(error).strip().splitlines() or [type(error).__name__]
    return DataError(
        f"the pretrained weights of {entry.variant} could not be loaded: {told[0][:200]}",
        advice=f"Without a network: fetch {published.address(entry)} elsewhere, put the file anywhere on this machine, "
        f"and set model.weights_file to its path. Or turn model.pretrained off.",
    )


def _refused(entry: catalog.Entry, image_size: int, error: Exception) -> Problem:
    """Return the problem for options that a model does not take."""
    text = str(error)
    if "drop_path" in text:
        return Problem("model.drop_path", f"{entry.variant} knows no drop path.", "Set it to 0.")
    if "drop_rate" in text:
        return Problem("model.dropout", f"{entry.variant} knows no dropout.", "Set it to 0.")
    return unfit(entry, image_size, text)
