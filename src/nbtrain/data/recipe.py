"""Recipes: a list of transforms, taken for one image with a generator of its own.

torchvision's transforms draw from torch's default generator, which belongs to the whole process: to the training step
first of all. A recipe hands them another one, seeded for the image at hand, so that images may be made in threads
beside the training and still come out as the seed says, bit for bit. Where anybody else's transform takes part, nobody
knows what it draws from; then every generator of the process is seeded, and such images belong into loader processes.

Where a list ends in a resize (after it, flips at most), the result is written where the batch wants it.
Only the trainer reads this file. Shapes: C colours, H height, W width; 1CHW is a batch of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Generator, Tensor
from torch.overrides import TorchFunctionMode
from torchvision.transforms import InterpolationMode, v2

from nbtrain.data.draws import Draws, rounded
from nbtrain.data.randomness import seed_everything

Transform = Callable[[Tensor], Tensor]
"""Takes one image, uint8 of shape CHW, and returns what the network sees; all results have one shape."""
Step = Callable[[Tensor, Generator], Tensor]
Part = Callable[[Tensor, Draws], Tensor]
"""Takes one image of shape CHW, and returns a view of a part of it as a batch of one."""
Flip = Callable[[Draws], int]
"""Says which way an image is turned: a sum of the keys of :data:`_TURNED`."""

_LEFT_RIGHT, _UPSIDE_DOWN = 1, 2
_TURNED = {_LEFT_RIGHT: (-1,), _UPSIDE_DOWN: (-2,), _LEFT_RIGHT | _UPSIDE_DOWN: (-2, -1)}
"""The sides that are turned round."""
_LAST_BITS = 1e-5
"""How far, relative to it, a side of a part may be off by another way of computing an exponential in float32."""
_KEYED_ROOMS = ("torchvision.transforms.v2.", "nbtrain.")
_DRAWS = frozenset(
    {
        torch.bernoulli, torch.multinomial, torch.normal, torch.rand, torch.rand_like, torch.randint,
        torch.randint_like, torch.randn, torch.randn_like, torch.randperm, torch._sample_dirichlet,
        Tensor.bernoulli_, Tensor.exponential_, Tensor.normal_, Tensor.random_, Tensor.uniform_,
    }
)  # fmt: skip


class Recipe:
    """One list of transforms, ready to be taken for any image from any thread."""

    def __init__(self, transform: Transform) -> None:
        self.transform = transform
        self.foreign = _foreign(transform)
        """Name of the first transform that may draw from generators of the whole process; "" where there is none."""
        steps = flat(transform)
        last = _last_resize(steps) if not self.foreign and _native_resize() else None
        self._steps = [] if self.foreign else [_step(step) for step in steps[:last]]
        self._resize = None if last is None else steps[last]
        self._alike = last is not None and _draws_alike()
        self._part = _part(self._resize) if type(self._resize) is v2.RandomResizedCrop else None
        self._flips = [] if last is None else [_flip(step) for step in steps[last + 1 :]]

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of what :meth:`into` writes; None where a list ends in other ways, or in any size."""
        return None if self._resize is None else (int(self._resize.size[0]), int(self._resize.size[1]))

    def __call__(self, image_CHW: Tensor, seed: int) -> Tensor:
        """Return what the list makes of an image, every draw seeded by ``seed``."""
        if self.foreign:
            seed_everything(seed)
            return self.transform(image_CHW)
        if self.size is not None:
            room_1CHW = room(1, self.size)
            self.into(room_1CHW, image_CHW, seed)
            return room_1CHW[0]
        return _taken(self._steps, image_CHW, Generator().manual_seed(seed))

    def into(self, room_1CHW: Tensor, image_CHW: Tensor, seed: int) -> None:
        """Write what the list makes of an image into ``room_1CHW``; only for a list that has a ``size``."""
        if self._steps or not self._alike:
            generator = Generator().manual_seed(seed)
            image_CHW = _taken(self._steps, image_CHW, generator)
            draws = Draws(generator)
        else:
            draws = Draws(seed)
        _resize_into(room_1CHW, image_CHW[None] if self._part is None else self._part(image_CHW, draws))
        turned = 0
        for flip in self._flips:
            turned ^= flip(draws)
        if turned:
            room_1CHW.copy_(room_1CHW.flip(_TURNED[turned]))


def room(n_images: int, size: tuple[int, int], *, pinned: bool = False) -> Tensor:
    """Return memory for a batch of coloured images, in the order that images are decoded to: colours innermost."""
    shape = (n_images, 3, *size)
    return torch.empty(shape, dtype=torch.uint8, memory_format=torch.channels_last, pin_memory=pinned)


class Keyed(TorchFunctionMode):
    """Gives every draw of this thread its generator, where it names none."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self._generator = generator

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _DRAWS:
            kwargs = {"generator": self._generator, **(kwargs or {})}
        return func(*args, **(kwargs or {}))


def _taken(steps: Sequence[Step], image_CHW: Tensor, generator: Generator) -> Tensor:
    for step in steps:
        image_CHW = step(image_CHW, generator)
    return image_CHW


def flat(transform: Any) -> list[Any]:
    """Return the steps of a list, those of lists within it too."""
    if type(transform) is v2.Compose:
        return [inner for step in transform.transforms for inner in flat(step)]
    return [transform]


def _foreign(transform: Any) -> str:
    """Return the name of the first transform that is neither torchvision's nor ours, "" where all are."""
    kind = type(transform)
    if not f"{kind.__module__}.".startswith(_KEYED_ROOMS) or kind is v2.Lambda:
        return str(getattr(transform, "__name__", kind.__name__))
    return next(filter(None, map(_foreign, getattr(transform, "transforms", ()))), "")


def _step(module: Any) -> Step:
    """Return a transform as a step. The few that nearly every list holds are taken apart: the mode costs time."""
    kind = type(module)
    if kind is v2.Compose:
        inner = [_step(one) for one in module.transforms]
        return lambda image_CHW, generator: _taken(inner, image_CHW, generator)
    if kind is v2.RandomApply:
        inner = [_step(one) for one in module.transforms]
        return _sometimes(module.p, lambda image_CHW, generator: _taken(inner, image_CHW, generator))
    if kind is v2.RandomHorizontalFlip:
        return _sometimes(module.p, lambda image_CHW, _: image_CHW.flip(-1))
    if kind is v2.RandomVerticalFlip:
        return _sometimes(module.p, lambda image_CHW, _: image_CHW.flip(-2))
    if isinstance(module, v2.Resize):  # ours too: none of them draws
        return lambda image_CHW, _: module(image_CHW)
    return lambda image_CHW, generator: _keyed(module, image_CHW, generator)


def _keyed(module: Any, image_CHW: Tensor, generator: Generator) -> Tensor:
    with Keyed(generator):
        return module(image_CHW)  # type: ignore[no-any-return]


def _sometimes(probability: float, step: Step) -> Step:
    # Compared as a number, since every call of torch may have to wait for Python's lock.
    least = rounded(probability)

    def taken(image_CHW: Tensor, generator: Generator) -> Tensor:
        if torch.rand(1, generator=generator).item() >= least:
            return image_CHW
        return step(image_CHW, generator)

    return taken


def _flip(module: Any) -> Flip:
    """Return a flip, or several that are taken together or not at all."""
    least = rounded(module.p)
    if type(module) is v2.RandomApply:
        inner = [_flip(one) for one in module.transforms]
        return lambda draws: _turned(inner, draws) if draws.share() < least else 0
    way = _LEFT_RIGHT if type(module) is v2.RandomHorizontalFlip else _UPSIDE_DOWN
    return lambda draws: way if draws.share() < least else 0


def _turned(flips: Sequence[Flip], draws: Draws) -> int:
    """Return which way an image is turned by all of the ``flips``."""
    turned = 0
    for flip in flips:
        turned ^= flip(draws)
    return turned


def _part(module: Any) -> Part:
    """Return what takes the part of an image that torchvision would draw."""
    low, high = module._log_ratio.tolist()
    part_of = partial(_drawn_part if _draws_alike() else _asked_part, module, low, high)

    def part(image_CHW: Tensor, draws: Draws) -> Tensor:
        top, left, height, width = part_of(image_CHW, draws)
        by_colour, by_row, by_column = strides = image_CHW.stride()
        begins = image_CHW.storage_offset() + top * by_row + left * by_column
        return image_CHW.as_strided((1, image_CHW.shape[0], height, width), (by_colour, *strides), begins)

    return part


def _asked_part(module: Any, low: float, high: float, image_CHW: Tensor, draws: Draws) -> tuple[int, int, int, int]:
    """Return top, left, height and width of the part that torchvision draws."""
    with Keyed(draws.generator):
        part = module.make_params([image_CHW])
    return part["top"], part["left"], part["height"], part["width"]


def _drawn_part(module: Any, low: float, high: float, image_CHW: Tensor, draws: Draws) -> tuple[int, int, int, int]:
    """Return the same part by the same draws, without the mode, which takes longer than all of them."""
    _, height, width = image_CHW.shape
    smallest, largest = module.scale
    for _ in range(10):
        area = height * width * draws.between(smallest, largest)
        w, h = _sides(area, draws.between(low, high))
        if 0 < w <= width and 0 < h <= height:
            top = draws.below(height - h + 1)
            return top, draws.below(width - w + 1), h, w
    return _middle(height, width, *module.ratio)


def _sides(area: float, log_ratio: float) -> tuple[int, int]:
    """Return width and height of a part, as torch's exponential would give them: it is asked where it could matter."""
    ratio = math.exp(log_ratio)
    wide, high = math.sqrt(area * ratio), math.sqrt(area / ratio)
    if all(0.5 - abs(side - round(side)) > _LAST_BITS * side for side in (wide, high)):
        return round(wide), round(high)
    ratio = torch.full((1,), log_ratio).exp_().item()
    return round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))


def _middle(height: int, width: int, narrowest: float, widest: float) -> tuple[int, int, int, int]:
    """Return the largest part in the middle that is neither too narrow nor too wide."""
    h, w = height, width
    if width / height < narrowest:
        h = round(width / narrowest)
    elif width / height > widest:
        w = round(height * widest)
    return (height - h) // 2, (width - w) // 2, h, w


@lru_cache(maxsize=1)
def _draws_alike() -> bool:
    """Tell whether this version of torchvision draws its parts as we do; it is asked where it does not."""
    module = v2.RandomResizedCrop(8, scale=(0.3, 1.0), ratio=(0.5, 2.5))
    low, high = module._log_ratio.tolist()
    return all(
        _drawn_part(module, low, high, image, Draws(seed))
        == _drawn_part(module, low, high, image, Draws(Generator().manual_seed(seed)))
        == _asked_part(module, low, high, image, Draws(Generator().manual_seed(seed)))
        for image in (torch.empty(3, 40, 50), torch.empty(3, 200, 9), torch.empty(3, 9, 200))
        for seed in range(8)
    )


def _last_resize(steps: Sequence[Any]) -> int | None:
    """Return the place of a resize that only flips follow, None where the list ends in another way."""
    place = len(steps) - 1
    while place >= 0 and _flips(steps[place]):
        place -= 1
    return place if place >= 0 and _resizes(steps[place]) else None


def _flips(module: Any) -> bool:
    if type(module) is v2.RandomApply:
        return all(_flips(inner) for inner in module.transforms)
    return type(module) in (v2.RandomHorizontalFlip, v2.RandomVerticalFlip)


def _resizes(module: Any) -> bool:
    """Tell whether this is torchvision's antialiased bilinear resize to one size, with a crop before it or not."""
    if type(module) not in (v2.Resize, v2.RandomResizedCrop) or len(module.size or ()) != 2:
        return False
    plain = getattr(module, "max_size", None) is None
    return bool(plain and module.antialias and module.interpolation in (InterpolationMode.BILINEAR, "bilinear"))


def _resize_into(room_1CHW: Tensor, image_1CHW: Tensor) -> None:
    if image_1CHW.shape == room_1CHW.shape:
        room_1CHW.copy_(image_1CHW)
    elif image_1CHW.stride(1) == 1:
        # The generated function behind torch's own interpolate: half of the cost of torch.ops per call.
        torch._C._nn._upsample_bilinear2d_aa(  # type: ignore[call-arg]
            image_1CHW, room_1CHW.shape[-2:], False, None, None, out=room_1CHW
        )
    else:  # colours apart, as some transforms leave them: torch cannot write these in our order
        size = [*room_1CHW.shape[-2:]]
        room_1CHW.copy_(v2.functional.resize(image_1CHW, size, InterpolationMode.BILINEAR, antialias=True))


@lru_cache(maxsize=1)
def _native_resize() -> bool:
    """Tell whether torchvision resizes bytes here as torch does; on some processors it goes through floats."""
    image_CHW = torch.arange(3 * 41 * 53).mul(7919).remainder(256).to(torch.uint8).reshape(41, 53, 3).permute(2, 0, 1)
    made_1CHW = room(1, (24, 32))
    try:
        _resize_into(made_1CHW, image_CHW[None])
    except (RuntimeError, TypeError, AttributeError):  # another version of torch
        return False
    wanted_CHW = v2.functional.resize(image_CHW, [24, 32], InterpolationMode.BILINEAR, antialias=True)
    return torch.equal(made_1CHW[0], wanted_CHW)
