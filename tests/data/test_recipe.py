"""Recipes against torchvision's own way of taking a list: the same bits, without the process's generator."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms import v2

from nbtrain.data import recipe as recipes
from nbtrain.data.augmentation import Augmentation
from nbtrain.data.randomness import seed_everything
from nbtrain.data.recipe import Recipe, room
from nbtrain.data.transforms import (
    ColorJitter,
    HorizontalFlip,
    RandomResizedCrop,
    Resize,
    Transform,
    VerticalFlip,
)

FLIPS = HorizontalFlip(), VerticalFlip(p=0.3)
LISTS = {
    **{kind: (made(),) for kind, made in Transform.kinds().items()},
    **{f"{kind}, always": (made(p=1.0),) for kind, made in Transform.kinds().items() if "p" in made.model_fields},
    "the defaults": Augmentation().train,
    "resize last": (ColorJitter(), *FLIPS, Resize()),
    "crop and flips": (RandomResizedCrop(scale=(0.1, 1.0)), *FLIPS),
    "any shape": (RandomResizedCrop(scale=(0.01, 1.0), ratio=(0.06, 20.0)), *FLIPS),
    "impossible shapes": (RandomResizedCrop(scale=(0.9, 1.0), ratio=(3.0, 4.0)),),
    "crop twice": (RandomResizedCrop(), ColorJitter(), RandomResizedCrop(), *FLIPS),
    "nothing": (),
}


def pictures():
    for seed, (height, width) in enumerate([(70, 90), (64, 64), (82, 60)]):
        drawn = torch.Generator().manual_seed(seed)
        yield torch.randint(0, 256, (height, width, 3), dtype=torch.uint8, generator=drawn).permute(2, 0, 1)


@pytest.mark.parametrize("name", LISTS)
def test_a_recipe_gives_what_the_list_gives(name):
    pipeline = Augmentation(train=LISTS[name]).pipeline("train", 64)
    recipe = Recipe(pipeline)
    assert recipe.foreign == ""
    for image in pictures():
        for seed in (3, 4):
            seed_everything(seed)
            wanted = pipeline(image)
            before = torch.default_generator.get_state()
            got = recipe(image, seed)
            assert torch.equal(torch.default_generator.get_state(), before), "it drew from the process's generator"
            assert torch.equal(got, wanted)
            if recipe.size:
                batch = room(3, (64, 64)).zero_()
                recipe.into(batch[1:2], image, seed)
                assert torch.equal(batch[1], wanted)
                assert not batch[::2].any()


def test_parts_are_drawn_without_asking_torchvision():
    assert recipes._draws_alike()
    assert recipes._native_resize()


def test_what_is_written_straight_into_the_batch():
    ends = {name for name, steps in LISTS.items() if Recipe(Augmentation(train=steps).pipeline("train", 64)).size}
    assert {"resize last", "crop and flips", "crop twice", "nothing", "resize", "horizontal_flip"} <= ends
    assert not {"the defaults", "center_crop"} & ends
    assert Recipe(v2.RandomResizedCrop((32, 48))).size == (32, 48)
    assert Recipe(v2.Resize(32)).size is None
    assert Recipe(v2.Resize((32, 32), interpolation=v2.InterpolationMode.BICUBIC)).size is None


@pytest.mark.parametrize("probability", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_draw_right_at_the_probability_is_decided_as_torchvision_decides(probability, monkeypatch):
    right_at = torch.tensor([probability])
    recipe, image = Recipe(v2.RandomApply([v2.RandomHorizontalFlip(1.0)], p=probability)), next(pictures())
    monkeypatch.setattr(torch, "rand", lambda *_, **__: right_at)
    assert torch.equal(recipe(image, 0), image) == bool(right_at >= probability)


def own(image):
    return image


class Own(torch.nn.Module):
    def forward(self, image):
        return image + torch.randint(0, 2, (), dtype=torch.uint8)


@pytest.mark.parametrize(
    ("transform", "named"),
    [(own, "own"), (v2.Compose([v2.Resize(8), v2.RandomApply([Own()])]), "Own"), (v2.Lambda(own), "Lambda")],
)
def test_somebody_elses_transform_gets_the_generators_of_the_process(transform, named):
    recipe, image = Recipe(transform), next(pictures())
    assert recipe.foreign == named
    seed_everything(9)
    wanted = transform(image)
    assert torch.equal(recipe(image, 9), wanted)
