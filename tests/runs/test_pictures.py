"""Pictures are what the model gets: compared with the inputs of a run that really trains, bit for bit."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from images import write_classes
from nbtrain.build import build
from nbtrain.config import Config
from nbtrain.data.sources import Folder
from nbtrain.messages import Preview
from nbtrain.project.datasets import DataSets
from nbtrain.project.freeze import frozen
from nbtrain.runs.pictures import Pictures

SMALL = {
    "task.image_size": 24,
    "data.dataset": "squares",
    "data.allowed_bad_share": 0.1,
    "model.variant": "test_resnet",
    "training.epochs": 2,
    "training.batch_size": 7,
    "training.batch_multiplier": 2,
    "training.early_stopping": False,
    "hardware.device": "cpu",
    "hardware.threads": 1,
    "data.workers": 0,
}
STRONG = [
    {"kind": "random_resized_crop"},
    {"kind": "rotation"},
    {"kind": "color_jitter"},
    {"kind": "gaussian_noise"},
    {"kind": "random_erasing"},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("pictures")
    images = write_classes(made / "images", {"red": 14, "green": 13, "blue": 12}, size_px=40)
    (images / "red" / "broken.png").write_bytes(b"no image")
    DataSets(made).add(Folder(path=str(images)), "squares")
    return made


def config_of(changes=None) -> Config:
    return Config().set_all({**SMALL, "augmentation.train": STRONG, **(changes or {})})


def asked(folder, config, part="train", positions=tuple(range(8)), epoch=0, **how) -> Preview:
    dataset, split = DataSets(folder).where(config.data)
    place = {"part": part, "positions": positions, "epochs": (epoch,) * len(positions)}
    return Preview(
        number=1, who="test", config=config.plain(), dataset=dataset.frozen(), split=str(split), **place, **how
    )


def seen_by_the_model(folder, config, name) -> dict[str, list[torch.Tensor]]:
    """Train, and return every tensor that the model was given."""
    run = folder / "experiments" / name / "runs" / "0001"
    run.mkdir(parents=True)
    logged = build(frozen(DataSets(folder), config), run, lambda said: None, list)
    seen: dict[str, list[torch.Tensor]] = {"train": [], "val": []}
    model = logged.loop.parts.model
    model.register_forward_pre_hook(
        lambda model, given: seen["train" if model.training else "val"].append(given[0].clone())
    )
    logged.run()
    return {part: list(torch.cat(batches)) for part, batches in seen.items()}


def is_among(image, images) -> bool:
    return any(torch.equal(image, other) for other in images)


@pytest.mark.parametrize(
    "changes",
    [
        {"normalisation.kind": "dataset"},
        {"augmentation.mixup": 0.4, "augmentation.cutmix": 1.0, "augmentation.mix_probability": 0.8},
    ],
    ids=["plain", "mixed"],
)
def test_they_are_the_models_inputs_bit_for_bit(folder, changes):
    config = config_of(changes)
    pictures = Pictures()
    n_train = pictures.answer(asked(folder, config))[0].n_images  # before there is a split on disk, too
    seen = seen_by_the_model(folder, config, next(iter(changes)).replace(".", "-"))
    batches = n_train // 7
    found = {"train": 0, "val": 0}
    for part, epoch in (("train", 0), ("train", 1), ("val", 0)):
        said, blobs = pictures.answer(asked(folder, config, part, tuple(range(n_train)), epoch, arrays=True))
        per_epoch = 7 * batches if part == "train" else len(seen["val"]) // 2
        inputs = seen[part][epoch * per_epoch : (epoch + 1) * per_epoch]
        numbers = iter(blobs)
        for tile in said.tiles[: said.n_images]:
            if not tile["blobs"]:
                assert "broken" in tile["file"]
                continue
            image = torch.from_numpy(np.frombuffer(next(numbers), np.float32).reshape(tile["pixels"]).copy())
            next(numbers)
            if tile["note"]:
                continue
            found[part] += is_among(image, inputs)
    drawn = 7 * batches * 2
    assert found["train"] >= drawn - 4  # but for those that stand in for the broken one
    assert found["val"] >= len(seen["val"]) // 2


def test_a_broken_image_is_told_and_the_others_are_shown(folder):
    pictures = Pictures()
    records = pictures.sets(asked(folder, config_of()), config_of()).records["train"]
    place = next((n for n, record in enumerate(records) if "broken" in record.file), None)
    part, positions = ("train", (place, 0)) if place is not None else ("val", tuple(range(8)))
    said, blobs = pictures.answer(asked(folder, config_of(), part, positions))
    broken = next(tile for tile in said.tiles if "broken" in tile["file"])
    assert broken["error"].startswith("It is no image of a known format")
    assert len(blobs) == sum(tile["blobs"] for tile in said.tiles) == 2 * (len(positions) - 1)


def test_pictures_of_small_images_are_exact_and_of_large_ones_small(folder, tmp_path):
    config = config_of({"normalisation.kind": "imagenet"})
    pictures = Pictures()
    _, blobs = pictures.answer(asked(folder, config))
    numbers = pictures.answer(asked(folder, config, arrays=True))[1]

    shown = np.array(Image.open(io.BytesIO(blobs[1]))).astype(np.float32)
    given = np.frombuffer(numbers[0], np.float32).reshape(3, 24, 24).transpose(1, 2, 0)
    mean, std = (np.array(v, np.float32) for v in config.normalisation.values())
    assert np.abs(shown - (given * std + mean) * 255).max() < 0.51
    _, large = pictures.answer(asked(folder, config.set("task.image_size", 400), positions=(1,)))
    assert max(Image.open(io.BytesIO(large[1])).size) == 256


def test_raw_pictures_follow_the_normalisation(folder):
    pictures, config = Pictures(), config_of()
    plain = [
        pictures.answer(asked(folder, config.set("normalisation.kind", kind)))[1] for kind in ("imagenet", "custom")
    ]
    assert plain[0] == plain[1]
    custom = config.set("normalisation.kind", "custom").set("normalisation.std", (0.5, 0.5, 0.5))
    raw = [pictures.answer(asked(folder, one, raw=True))[1] for one in (config, custom)]
    assert raw[0] != raw[1]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"augmentation.train": [{"kind": "resize", "size": 32}, {"kind": "center_crop", "size": 64}]}, "larger than"),
        ({"data.val_ratio": 0.6, "data.test_ratio": 0.4}, "leave nothing to train on"),
    ],
)
def test_what_cannot_be_shown_is_told(folder, changes, told):
    said, blobs = Pictures().answer(asked(folder, config_of(changes)))
    assert told in said.problem
    assert blobs == []


def test_data_that_are_gone_are_told(folder):
    request = asked(folder, config_of())
    gone = {**request.dataset, "sources": [{"name": "", "source": {"kind": "folder", "path": "/nowhere/at/all"}}]}
    said, _ = Pictures().answer(replace(request, dataset=gone))
    assert said.problem


def test_the_step_that_leaves_nothing_is_named(folder):
    steps = [
        {"kind": "resize"},
        {"kind": "posterize", "bits": 8, "p": 1},
        {"kind": "affine", "translate": 1, "scale": [0.01, 0.01]},
    ]
    said, _ = Pictures().answer(asked(folder, config_of({"augmentation.train": steps})))
    assert set(said.rows) == {"augmentation.train.2"}
    assert "of the 8 images" in said.rows["augmentation.train.2"]


def test_images_that_an_epoch_leaves_out_are_shown_unmixed(folder):
    config = config_of({"augmentation.mixup": 0.4})
    pictures = Pictures()
    n_images = pictures.answer(asked(folder, config))[0].n_images
    said, _ = pictures.answer(asked(folder, config, positions=tuple(range(n_images))))
    left_out = [tile for tile in said.tiles if tile.get("note")]
    assert len(left_out) >= n_images % 7 - 1
    assert left_out == [] or left_out[0]["note"] == "Not drawn in epoch 1: shown without mixing."


def test_mixed_images_are_shown_while_the_batch_size_is_auto(folder):
    config = config_of({"training.batch_size": "auto", "augmentation.mixup": 0.4, "augmentation.mix_probability": 1.0})
    said, blobs = Pictures().answer(asked(folder, config))
    assert not said.problem
    assert blobs
