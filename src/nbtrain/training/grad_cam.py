"""Grad-CAM: where in an image the network found what speaks for a class (Selvaraju et al. 2017, arXiv:1610.02391).

The last map of features that still has height and width is weighted, channel by channel, by how much the class's score
would grow with it; what is negative is left out. The layer is found by watching one pass, so it works for networks from
anywhere. Networks whose last features are tokens have no such map, and are refused. It knows networks and tensors.

Shapes: B images, C channels of a map, h×w its cells, H×W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nbtrain.errors import TrainingError


class GradCam:
    """The heat maps of one network."""

    def __init__(self, model: nn.Module, images_BCHW: Tensor) -> None:
        """Find the layer by a pass over ``images_BCHW``; raises TrainingError where there is none."""
        self._model = model.eval()
        self.layer, self._channels_last = self._found(images_BCHW[:1])

    @property
    def module(self) -> nn.Module:
        """The layer whose output is looked at."""
        return self._model.get_submodule(self.layer)

    def raw(self, images_BCHW: Tensor, labels_B: Tensor) -> Tensor:
        """Return the maps of B images, each for its label, as they come out: B×h×w, 0 and more."""
        with torch.enable_grad(), self._kept() as kept:
            logits_BK = self._model(images_BCHW.detach().requires_grad_())
            score = logits_BK.gather(1, labels_B[:, None]).sum()
            (gradient,) = torch.autograd.grad(score, kept)
        features_BChw, slopes_BChw = (self._as_maps(one.detach()) for one in (kept[0], gradient))
        weights_BC = slopes_BChw.mean((2, 3))
        return torch.einsum("bchw,bc->bhw", features_BChw, weights_BC).relu()

    def maps(self, images_BCHW: Tensor, labels_B: Tensor) -> npt.NDArray[np.uint8]:
        """Return the maps as bytes, each brought to 255 at its hottest cell."""
        raw_Bhw = self.raw(images_BCHW, labels_B)
        scaled_Bhw = raw_Bhw / raw_Bhw.amax((1, 2), keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
        made: npt.NDArray[np.uint8] = (255 * scaled_Bhw).round().to(torch.uint8).cpu().numpy()
        return made

    def _as_maps(self, features: Tensor) -> Tensor:
        return features.permute(0, 3, 1, 2) if self._channels_last else features

    @contextmanager
    def _kept(self) -> Iterator[list[Tensor]]:
        """Keep what the layer puts out in the pass inside; what follows gets a copy, which it may overwrite."""
        kept: list[Tensor] = []

        def keep(_: nn.Module, __: tuple[Tensor, ...], out: Tensor) -> Tensor:
            kept[:] = [out]
            return out.clone()

        handle = self.module.register_forward_hook(keep)
        try:
            yield kept
        finally:
            handle.remove()

    @torch.no_grad()
    def _found(self, image_1CHW: Tensor) -> tuple[str, bool]:
        """Return the name of the last layer that puts out a map, and whether its channels come last."""
        seen: list[tuple[str, torch.Size]] = []

        def note(name: str, out: object) -> None:
            if isinstance(out, Tensor) and out.is_floating_point() and out.ndim in (3, 4) and out.shape[0] == 1:
                seen.append((name, out.shape))

        handles = [
            module.register_forward_hook(lambda _, __, out, name=name: note(name, out))
            for name, module in self._model.named_modules()
            if name
        ]
        try:
            self._model(image_1CHW)
        finally:
            for handle in handles:
                handle.remove()
        width = getattr(self._model, "num_features", None)
        for name, shape in reversed(seen):
            if len(shape) == 3 and shape[1] > 1:
                break
            last = len(shape) == 4 and shape[3] == width and shape[1] != width
            sides = shape[1:3] if last else shape[2:]
            if len(shape) == 4 and sides[0] * sides[1] > 1:
                return name, last
        told = "this network has no map of features at its end (it works on tokens), so there are no heat maps"
        raise TrainingError(told, cause="code", advice="Networks of convolutions have them.")
