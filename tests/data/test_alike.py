"""Golden: images of every kind come out alike on all ways of reading, and as Pillow reads them."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torchvision.transforms import v2

from data import images
from nbtrain.data import cache as caching
from nbtrain.data import cache_files, reading
from nbtrain.data.images import Images
from nbtrain.data.loader import Loader, Reading
from nbtrain.data.reading import open_cache
from nbtrain.data.scan import scan
from nbtrain.data.sources import detect

KINDS = ("plain", "lying", "cmyk", "grey", "adobe", "sixteen", "palette", "transparent")
WAYS = {
    "alone": Reading(),
    "threads": Reading(workers=2, threads=True),
    "processes": Reading(workers=2),
}


def save(kind: str, folder) -> None:
    """Write one image of this kind, 40 × 30 px before it is turned upright."""
    image, exif = Image.fromarray(images.pixels(len(kind), 40, 30)), Image.Exif()
    exif[0x0112] = 6
    match kind:
        case "plain":
            image.save(folder / "plain.jpg", quality=90)
        case "lying":
            image.save(folder / "lying.jpg", quality=90, exif=exif)
        case "cmyk":
            image.convert("CMYK").save(folder / "cmyk.jpg", quality=90)
        case "grey":
            image.convert("L").save(folder / "grey.jpg", quality=90)
        case "adobe":
            image.save(folder / "adobe.jpg", quality=90, keep_rgb=True)
        case "sixteen":
            Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257).save(folder / "sixteen.png")
        case "palette":
            image.convert("P").save(folder / "palette.png")
        case "transparent":
            image.putalpha(image.convert("L"))
            image.save(folder / "transparent.png")


def pillows(path) -> np.ndarray:
    """Return what Pillow makes of a file, with what it leaves to its user: sixteen bits, and what shines through."""
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):
            return np.repeat((np.asarray(image) // 257).astype(np.uint8)[:, :, None], 3, axis=2)
        if image.mode == "RGBA":
            return np.asarray(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"))
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("kinds") / "images"
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        for kind in KINDS:
            save(kind, root / name)
    return root


@pytest.mark.parametrize("cache", ["off", "kept", "memory", "disk"])
@pytest.mark.parametrize("way", WAYS)
def test_every_kind_is_alike_on_every_way(root, tmp_path, monkeypatch, cache, way):
    if cache in ("memory", "disk") and not hasattr(os, "pwrite"):
        pytest.skip("there is no cache on Windows")
    (tmp_path / "shm").mkdir()
    monkeypatch.setattr(cache_files, "SHARED_MEMORY", tmp_path / "shm")
    monkeypatch.setattr(reading, "MAX_KEPT_BYTES", 0)
    monkeypatch.setattr(reading, "free_bytes", lambda _: 2**30)
    monkeypatch.setattr(caching, "free_bytes", lambda _: 2**30)
    resize = v2.Resize((24, 32))
    shown = Images(root, detect(root).listing().records, resize, seed=0, stand_in=False)
    if cache == "kept":
        shown.keep()
    else:
        open_cache(cache, tmp_path, "kinds", (shown,), scan(root, [record.file for record in shown.records]))
    loader = Loader(shown, 5, WAYS[way])
    try:
        for _ in range(2):  # the second time from the cache, where there is one
            got = torch.cat([batch.images for batch in loader.once()])
            for image, record in zip(got, shown.records, strict=True):
                wanted = resize(torch.from_numpy(pillows(root / record.file).copy()).permute(2, 0, 1))
                assert torch.equal(image, wanted), record.file
    finally:
        loader.close()
    if cache in ("memory", "disk"):
        assert shown.cache.n_held == len(shown)
