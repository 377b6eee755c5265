"""Augmentation: order, switches, sizes, and mixing."""

from __future__ import annotations

import pytest
import torch

from nbtrain.data.augmentation import Augmentation, fixed_kinds
from nbtrain.data.transforms import (
    CenterCrop,
    ColorJitter,
    Elastic,
    GaussianBlur,
    HorizontalFlip,
    Invert,
    Pad,
    RandomCrop,
    RandomErasing,
    RandomResize,
    RandomResizedCrop,
    Resize,
    ScaleJitter,
    ShortestSize,
    Transform,
    ZoomOut,
)
from nbtrain.errors import ConfigError
from nbtrain.schema import fields


def problems(*steps, image_size=224):
    return [(p.path, p.message) for p in Augmentation(train=steps).problems(image_size)]


def test_the_defaults_are_those_promised():
    augmentation = Augmentation()
    assert augmentation.train == (Resize(), HorizontalFlip(p=0.5), ColorJitter(brightness=0.2, contrast=0.2))
    assert augmentation.val == (Resize(),)
    assert (augmentation.mixup, augmentation.cutmix) == (0, 0)
    assert list(augmentation.problems(224)) == []


def test_steps_are_taken_in_order():
    image = torch.full((3, 8, 8), 10, dtype=torch.uint8)
    pad_first = Augmentation(train=(Pad(padding=4), Invert(p=1.0))).pipeline("train", 16)(image)
    invert_first = Augmentation(train=(Invert(p=1.0), Pad(padding=4))).pipeline("train", 16)(image)
    assert (int(pad_first[0, 0, 0]), int(invert_first[0, 0, 0])) == (255, 0)


def test_a_step_that_is_off_is_not_taken():
    image = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8)
    steps = (Invert(p=1.0, enabled=False), CenterCrop(size=4096, enabled=False))
    assert torch.equal(Augmentation(train=steps).pipeline("train", 8)(image), image)
    assert problems(*steps) == []


def test_test_images_are_treated_as_validation_images():
    assert Augmentation().of("test") == Augmentation().val


@pytest.mark.parametrize("steps", [(), (HorizontalFlip(),), (ZoomOut(p=1.0),), (Resize(), Pad()), (Resize(size=50),)])
def test_images_always_leave_at_the_image_size(steps):
    image = torch.randint(0, 256, (3, 31, 47), dtype=torch.uint8)
    assert Augmentation(train=steps).pipeline("train", 32)(image).shape == (3, 32, 32)


@pytest.mark.parametrize("how", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("size", [(31, 47), (200, 20), (64, 64)])
def test_each_way_to_resize_gives_a_square(how, size):
    image = torch.full((3, *size), 200, dtype=torch.uint8)
    made = Resize(how=how).build(64)(image)
    assert made.shape == (3, 64, 64)
    assert bool((made == 0).any()) == (how == "pad" and size[0] != size[1])


def test_a_crop_larger_than_its_image_is_told_at_its_row():
    told = problems(Resize(size=100), HorizontalFlip(), CenterCrop())
    assert told == [("train.2.size", "a crop of 224 px is larger than the image, which is 100 px here.")]
    assert problems(Resize(size=200), RandomCrop(padding=12)) == []
    assert [path for path, _ in problems(Resize(size=200), RandomCrop(padding=11))] == ["train.1.size"]
    assert problems(CenterCrop()) == []  # depends on the image
    assert problems(Resize(size=64), ZoomOut(), CenterCrop()) == []


def test_a_mirrored_border_wider_than_its_image_is_told():
    assert [path for path, _ in problems(Resize(size=16), Pad(padding=16, how="reflect"))] == ["train.1.padding"]


@pytest.mark.parametrize(("step", "field"), [(Elastic(), "smoothness"), (GaussianBlur(kernel=33), "kernel")])
def test_a_step_that_reaches_beyond_its_image_is_told(step, field):
    assert [path for path, _ in problems(Resize(), step, image_size=16)] == [f"train.1.{field}"]
    assert problems(Resize(), step, image_size=64) == []


def test_a_step_that_leaves_nothing_is_told():
    assert [path for path, _ in problems(Resize(size=32), Pad(padding=129))] == ["train.1.padding"]
    assert problems(Resize(size=32), Pad(padding=128)) == []
    erased = RandomErasing(p=1.0, scale=(0.95, 0.99))
    assert [path for path, _ in problems(Resize(), erased)] == ["train.1.scale"]
    assert problems(Resize(), erased.replace(p=0.9)) == []
    assert [path for path, _ in problems(ShortestSize(sizes=()))] == ["train.0.sizes"]


def test_an_erased_rectangle_may_be_what_normalisation_makes_nothing():
    image = torch.full((3, 32, 32), 200, dtype=torch.uint8)
    torch.manual_seed(0)
    erased = RandomErasing(p=1.0, fill="grey").build(32)(image)
    assert {tuple(pixel) for pixel in erased.flatten(1).T.tolist()} == {(200, 200, 200), (124, 116, 104)}


@pytest.mark.parametrize(
    ("step", "shorter"),
    [(RandomResize(between=(20, 22)), {20, 21, 22}), (ShortestSize(sizes=(20, 30)), {20, 30}), (ScaleJitter(), None)],
)
def test_random_sizes_keep_the_shape(step, shorter):
    made, seen = step.build(24), set()
    for _ in range(40):
        height, width = made(torch.zeros(3, 40, 80, dtype=torch.uint8)).shape[1:]
        assert abs(width - 2 * height) <= 2
        seen.add(height)
    assert seen == shorter or (shorter is None and min(seen) < 12 < max(seen))


def test_validation_offers_what_treats_each_image_alike():
    offered = {choice.value for choice in fixed_kinds()}
    assert {"resize", "center_crop", "pad", "grayscale"} <= offered
    assert not offered & {"random_crop", "rotation", "trivial_augment", "gaussian_noise"}
    image = torch.randint(0, 256, (3, 40, 40), dtype=torch.uint8)
    for kind in offered:
        made = Transform.kinds()[kind]
        step = made(**({"p": 1.0} if "p" in made.model_fields else {}))
        assert not step.is_random
        assert torch.equal(step.build(32)(image), step.build(32)(image))


def test_a_crop_of_a_small_image_does_not_end_a_run():
    for step in (CenterCrop(), RandomCrop(), RandomResizedCrop()):
        assert step.build(32)(torch.zeros(3, 5, 9, dtype=torch.uint8)).shape == (3, 32, 32)


@pytest.mark.parametrize(
    ("path", "value"),
    [("train.1.p", 1.5), ("train.0.size", 2), ("mixup", -1), ("train.2.hue", 0.6), ("mix_probability", 2)],
)
def test_illegal_values_are_refused_at_their_row(path, value):
    with pytest.raises(ConfigError) as refused:
        Augmentation().set(path, value)
    assert [problem.path for problem in refused.value.problems] == [path]


def test_a_range_must_rise():
    with pytest.raises(ConfigError, match="does not rise") as refused:
        Augmentation(train=({"kind": "random_resized_crop", "scale": (0.9, 0.3)},))
    assert refused.value.problems[0].path.endswith("scale")


def test_mixing_is_off_by_default():
    assert Augmentation().mixer(4) is None
    assert Augmentation(mixup=0.4, mix_probability=0).mixer(4) is None


@pytest.mark.parametrize("settings", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}])
@pytest.mark.parametrize("several", [False, True])
def test_mixed_labels_are_shares(settings, several):
    torch.manual_seed(0)
    mix = Augmentation(**settings, mix_probability=0.7).mixer(3)
    labels = torch.tensor([0, 1, 2, 0])
    target = torch.nn.functional.one_hot(labels, 3).float() if several else labels
    for _ in range(20):
        images, shares = mix(torch.rand(4, 3, 16, 16), target)
        assert images.shape == (4, 3, 16, 16)
        assert shares.dtype == torch.float32
        torch.testing.assert_close(shares.sum(dim=1), torch.ones(4))


def test_some_batches_stay_as_they_are():
    torch.manual_seed(0)
    mix = Augmentation(mixup=0.4, mix_probability=0.5).mixer(2)
    images, labels = torch.rand(2, 3, 4, 4), torch.tensor([0, 1])
    kept = sum(torch.equal(mix(images, labels)[0], images) for _ in range(200))
    assert 60 < kept < 140


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_images_are_mixed_as_strongly_as_set(kind):
    """A small value often leaves one image nearly whole, a large one never does."""
    torch.manual_seed(0)
    images, labels = torch.zeros(2, 3, 32, 32), torch.tensor([0, 1])

    def nearly_whole(strength):
        mix = Augmentation(**{kind: strength}).mixer(2)
        lesser = [float(mix(images, labels)[1].min()) for _ in range(200)]
        return sum(share < 0.05 for share in lesser) / 200

    weak, usual, strong = map(nearly_whole, (0.05, 1.0, 10.0))
    assert weak - 0.2 > usual > strong


@pytest.mark.parametrize(
    ("settings", "shown"),
    [({}, False), ({"mixup": 0.1}, True), ({"cutmix": 1.0}, True), ({"mixup": 1, "cutmix": 1}, True)],
)
def test_how_often_images_are_mixed_is_asked_where_they_are(settings, shown):
    (field,) = [one for one in fields(Augmentation(**settings)) if one.path == "mix_probability"]
    assert field.shown is shown
