"""Decoding of every kind of file that people bring, against the pixels that were written."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from data import images
from nbtrain.data import decode as decoding
from nbtrain.data.decode import MAX_PIXELS, decode, size_of
from nbtrain.errors import DataError


def saved(path, array, mode=None, **save):
    Image.fromarray(array, mode).save(path, **save) if mode else Image.fromarray(array).save(path, **save)
    return path


def test_png_is_exact(tmp_path):
    path = images.write(tmp_path / "a.png")
    assert size_of(path) == (24, 16)
    assert decode(path).dtype == np.uint8
    np.testing.assert_array_equal(decode(path), images.pixels(0))


@pytest.mark.parametrize(("ending", "save"), [("jpg", {"quality": 95}), ("bmp", {}), ("webp", {"lossless": True}),
                                              ("tif", {}), ("ppm", {}), ("png", {"optimize": True})])  # fmt: skip
def test_every_format(tmp_path, ending, save):
    path = images.write(tmp_path / f"a.{ending}", **save)
    assert np.abs(decode(path).astype(int) - images.pixels(0)).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_images_stand_upright(tmp_path, orientation, ending):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = images.write(tmp_path / f"a.{ending}", quality=95, exif=exif)
    array = images.pixels(0)
    turned = {
        1: array, 2: array[:, ::-1], 3: array[::-1, ::-1], 4: array[::-1],
        5: array.transpose(1, 0, 2), 7: array.transpose(1, 0, 2)[::-1, ::-1],
        6: np.rot90(array, -1), 8: np.rot90(array, 1),
    }  # fmt: skip
    got = decode(path)
    assert got.shape == turned[orientation].shape
    assert np.abs(got.astype(int) - turned[orientation]).mean() < 5


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_leaves_the_image_as_it_lies(tmp_path):
    path = images.write(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01")
    assert decode(path).shape == (16, 24, 3)


def test_grey(tmp_path):
    grey = images.pixels(0)[:, :, 0]
    got = decode(saved(tmp_path / "a.png", grey))
    assert got.shape == (16, 24, 3)
    np.testing.assert_array_equal(got[:, :, 1], grey)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bits_are_scaled_not_cut_off(tmp_path, ending):
    grey = np.array([[0, 256, 257, 32768, 65535]], np.uint16)
    got = decode(saved(tmp_path / f"a.{ending}", grey))
    assert got[0, :, 0].tolist() == [0, 1, 1, 128, 255]
    assert got.shape == (1, 5, 3)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([-10.0, 0.0, 10.0], [0, 128, 255]),
        ([3.0, 3.0, 3.0], [0, 0, 0]),
    ],
)
def test_float_tiff(tmp_path, values, wanted):
    assert decode(saved(tmp_path / "a.tif", np.array([values], np.float32)))[0, :, 0].tolist() == wanted


def test_palette_and_one_bit(tmp_path):
    Image.fromarray(images.pixels(0)).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "p.png")
    assert np.abs(decode(tmp_path / "p.png").astype(int) - images.pixels(0)).mean() < 10
    Image.fromarray(images.pixels(0)).convert("1").save(tmp_path / "1.png")
    assert set(np.unique(decode(tmp_path / "1.png"))) == {0, 255}


def test_cmyk(tmp_path):
    Image.fromarray(images.pixels(0)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    got = decode(tmp_path / "a.jpg")
    assert np.abs(got.astype(int) - images.pixels(0)).mean() < 5


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_lies_on_white(tmp_path, mode):
    red = np.zeros((4, 4, 4), np.uint8)
    red[:, :, 0] = 200
    red[:2, :, 3] = 255
    image = Image.fromarray(red).convert(mode)
    image.save(tmp_path / "a.png", **({"transparency": image.getpixel((0, 3))} if mode == "P" else {}))
    got = decode(tmp_path / "a.png")
    if mode != "P":
        assert got[3, 0].tolist() == [255, 255, 255]
        assert got[0, 0].max() < 210
    assert got.shape == (4, 4, 3)


def test_first_frame(tmp_path):
    frames = [Image.fromarray(np.full((4, 4, 3), value, np.uint8)) for value in (0, 120, 240)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert decode(tmp_path / "a.gif").max() == 0


def test_the_ending_does_not_matter(tmp_path):
    path = images.write(tmp_path / "a.png")
    np.testing.assert_array_equal(decode(path.rename(tmp_path / "a.jpg")), images.pixels(0))


UNUSABLE = {
    "missing": (lambda p: None, "the file is missing"),
    "empty": (lambda p: p.write_bytes(b""), "the file is empty"),
    "text": (lambda p: p.write_text("no image"), "no image of a known format"),
    "postscript": (
        lambda p: p.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
        "no image of a known",
    ),
    "folder": (lambda p: p.mkdir(), "it is no ordinary file"),
    "bomb": (images.bomb, "it claims to have more than 100 million pixels"),
    "large": (lambda p: images.bomb(p, 10_001, 10_000), "it has 10001 × 10000 pixels, more than 100 million"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("read", [size_of, decode])
@pytest.mark.parametrize("case", UNUSABLE)
def test_unusable_files_have_a_reason(tmp_path, case, read):
    make, told = UNUSABLE[case]
    make(tmp_path / "a.png")
    with pytest.raises(DataError, match=told) as caught:
        read(tmp_path / "a.png")
    assert caught.value.value == str(tmp_path / "a.png")


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_cut_off(tmp_path, ending):
    path = images.cut(images.write(tmp_path / f"a.{ending}", width=200, height=200))
    assert size_of(path) == (200, 200)
    with pytest.raises(DataError, match="it is cut off"):
        decode(path)


# JPEG, which is not decoded by Pillow: the same pixels, and the same verdict


def jpeg(seed=0, width=61, height=47, mode="RGB", **save) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 40, (height, width, 3))
    image = Image.fromarray((images.pixels(seed, width, height) // 2 + noise).astype(np.uint8)).convert(mode)
    file = io.BytesIO()
    image.save(file, "JPEG", **save)
    return file.getvalue()


def lying(orientation: int) -> dict:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return {"exif": exif}


SAMPLING = [{"quality": q, "subsampling": s, "progressive": p} for q in (50, 95) for s in (0, 1, 2) for p in (0, 1)]
PLAIN = [
    *SAMPLING, {"width": 1, "height": 1}, {"restart_marker_blocks": 1}, {"keep_rgb": True}, {"mode": "L"},
    {"mode": "L", "progressive": True}, {"xmp": b'<x tiff:Orientation="6"/>'}, *(lying(way) for way in range(10)),
]  # fmt: skip


@pytest.mark.parametrize("save", PLAIN)
def test_a_jpeg_has_the_pixels_that_pillow_gives_it(tmp_path, monkeypatch, save):
    (tmp_path / "a.jpg").write_bytes(jpeg(**save))
    with Image.open(tmp_path / "a.jpg") as image:
        wanted = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    monkeypatch.delattr(decoding, "rgb")  # what Pillow's way needs
    got = decode(tmp_path / "a.jpg")
    assert got.flags.c_contiguous
    np.testing.assert_array_equal(got, wanted)


def test_cmyk_is_left_to_pillow(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(mode="CMYK"))
    with Image.open(tmp_path / "a.jpg") as image:
        np.testing.assert_array_equal(decode(tmp_path / "a.jpg"), np.asarray(image.convert("RGB")))


def test_a_damaged_jpeg_gets_the_verdict_of_pillow(tmp_path, monkeypatch):
    """Cut or changed anywhere: readable as before, with the same pixels, or refused for the same reason."""
    drawn, path = np.random.default_rng(1), tmp_path / "a.jpg"
    readable = 0
    for case in range(150):
        whole = jpeg(width=40, height=30, **SAMPLING[case % len(SAMPLING)])
        data = bytearray(whole)
        if case % 2:
            del data[-int(drawn.integers(1, 60 if case % 4 == 1 else len(data))) :]
        else:
            for place in drawn.integers(0, len(data), 2):
                data[place] = drawn.integers(256)
        if whole[: len(data)] == bytes(data) and len(whole) - len(data) <= 2:
            continue  # only its end mark is missing
        path.write_bytes(data)
        got = verdict(path)
        with monkeypatch.context() as without:
            without.setattr(decoding, "JPEG_BEGINS", b"no JPEG")
            wanted = verdict(path)
        np.testing.assert_array_equal(got, wanted)
        readable += not isinstance(wanted, str)
    assert 30 < readable < 120


def verdict(path):
    try:
        return decode(path)
    except DataError as error:
        return error.what


def test_limit_leaves_room_for_every_camera():
    assert 61_000_000 < MAX_PIXELS < 2**27


# JPEG without the mark at its end: the same pixels as the whole one, as long as nothing else is missing


ENDS = [{**how, **of} for how in SAMPLING for of in ({}, {"mode": "L"})] + [
    {"restart_marker_blocks": 2}, lying(6), {"xmp": b"<x/>"}, {"optimize": True}, {"width": 1, "height": 1},
]  # fmt: skip


@pytest.mark.parametrize("save", ENDS)
@pytest.mark.parametrize("lacking", [1, 2])
def test_a_jpeg_that_lacks_its_end_mark_has_all_its_pixels(tmp_path, save, lacking):
    (tmp_path / "a.jpg").write_bytes(jpeg(**save))
    (tmp_path / "b.jpg").write_bytes(jpeg(**save)[:-lacking])
    np.testing.assert_array_equal(decode(tmp_path / "b.jpg"), decode(tmp_path / "a.jpg"))


@pytest.mark.parametrize("save", [{"quality": 95, "progressive": p, "mode": m} for p in (0, 1) for m in ("RGB", "L")])
def test_a_jpeg_that_lacks_more_is_refused(tmp_path, save):
    """Wherever it is cut: between the scans of a progressive one too, where libjpeg itself would not object."""
    data = jpeg(**save)
    scans = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    begins = [at for at in range(scans[0] + 9, len(data)) if data[at : at + 2] == b"\xff\xc4"]
    for end in {*np.linspace(scans[0] + 12, len(data) - 6, 40, dtype=int).tolist(), *begins, *scans[1:]}:
        (tmp_path / "a.jpg").write_bytes(data[:end])
        with pytest.raises(DataError, match="it is cut off"):
            decode(tmp_path / "a.jpg")
