"""Every kind of colours that files hold, against pixels worked out by hand, and what the scan says of them."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from data import images, stored
from nbtrain.data.decode import decode
from nbtrain.data.inspection.look import look_at
from nbtrain.data.inspection.problems import problems_of
from nbtrain.data.inspection.sweep import grouped
from nbtrain.data.records import Listing, Record


def kinds(path) -> list[str]:
    """Return what the scan says of one file."""
    look = look_at(path, path.name).look
    listing = Listing(path.parent, ("x", "y"), (Record(path.name, (0,)),))
    return list(problems_of(listing, [look], grouped([look])).counts())


def saved(image: Image.Image, path, **how):
    image.save(path, **how)
    return path


def test_one_bit(tmp_path):
    bits = np.array([[0, 1, 1], [1, 0, 0]], bool)
    for name in ("a.png", "a.bmp", "a.tif", "a.pbm"):
        pixels = decode(saved(Image.fromarray(bits), tmp_path / name))
        np.testing.assert_array_equal(pixels, np.repeat(bits[:, :, None] * np.uint8(255), 3, axis=2))


@pytest.mark.parametrize("photometric", [0, 1])
def test_white_may_be_nothing_in_a_tiff(tmp_path, photometric):
    (tmp_path / "a.tif").write_bytes(stored.tiff(np.array([[0, 100, 255]], np.uint8), photometric=photometric))
    assert decode(tmp_path / "a.tif")[0, :, 0].tolist() == ([255, 155, 0] if photometric == 0 else [0, 100, 255])


@pytest.mark.parametrize("transparent", [None, 1, b"\xff\x00\x80"])
@pytest.mark.parametrize("ending", ["png", "gif"])
def test_palettes_and_their_transparency(tmp_path, transparent, ending):
    if ending == "gif" and isinstance(transparent, bytes):
        pytest.skip("a GIF has one transparent colour")
    image = Image.new("P", (3, 1))
    image.putdata([0, 1, 2])
    image.putpalette([10, 20, 30, 200, 0, 0, 0, 100, 200])
    how = {} if transparent is None else {"transparency": transparent}
    got = decode(saved(image, tmp_path / f"a.{ending}", **how))[0].tolist()
    wanted = [[10, 20, 30], [200, 0, 0], [0, 100, 200]]
    if transparent is not None:
        wanted[1] = [255, 255, 255]
    if isinstance(transparent, bytes):  # half transparent on white
        wanted[2] = [127, 177, 227]
    assert np.abs(np.array(got) - wanted).max() <= 1


def test_grey_with_transparency(tmp_path):
    (tmp_path / "a.png").write_bytes(stored.png(np.array([[[100, 255], [100, 0], [100, 128]]], np.uint8)))
    assert np.abs(decode(tmp_path / "a.png")[0, :, 0].astype(int) - [100, 255, 177]).max() <= 1


@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_inks(tmp_path, ending):
    inks = (
        np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 0, 255]]], np.uint8).repeat(16, 0).repeat(16, 1)
    )
    path = saved(
        Image.fromarray(inks, "CMYK"), tmp_path / f"a.{ending}", **({"quality": 100} if ending == "jpg" else {})
    )
    wanted = np.array([[255, 255, 255], [0, 255, 255], [255, 0, 255], [0, 0, 0]])
    np.testing.assert_allclose(decode(path)[8, 8::16], wanted, atol=4)
    assert kinds(path) == ["cmyk"]


def test_inks_of_adobe_in_a_jpeg_that_are_stored_as_luminance(tmp_path):
    """YCCK: what Adobe writes. Its transform of 2 makes the first three inks from luminance and chroma."""
    file = io.BytesIO()
    Image.fromarray(np.full((16, 16, 4), 128, np.uint8), "CMYK").save(file, "JPEG", quality=100)
    data = file.getvalue()
    place = data.index(b"Adobe") + 11
    assert data[place] == 0
    (tmp_path / "a.jpg").write_bytes(data[:place] + b"\2" + data[place + 1 :])
    grey = decode(tmp_path / "a.jpg")[8, 8].astype(int)  # half luminance, no chroma: half of each ink, half of black
    assert np.abs(grey - 64).max() <= 2


def test_lab(tmp_path):
    lab = np.array([[[255, 0, 0], [0, 0, 0], [138, 81, 70]]], np.uint8)  # white, black, and sRGB's red: 54, 81, 70
    path = saved(Image.fromarray(lab, "LAB"), tmp_path / "a.tif")
    np.testing.assert_allclose(decode(path)[0], [[255, 255, 255], [0, 0, 0], [255, 0, 0]], atol=6)


def test_luminance_and_chroma(tmp_path):
    ycc = np.array([[[128, 128, 128], [76, 85, 255]]], np.uint8)
    path = saved(Image.fromarray(ycc, "YCbCr"), tmp_path / "a.tif")
    np.testing.assert_allclose(decode(path)[0], [[128, 128, 128], [254, 0, 0]], atol=2)


@pytest.mark.parametrize("how", [{"planar": 1}, {"planar": 2}, {"planar": 2, "compression": stored.DEFLATED}])
@pytest.mark.parametrize("order", "<>")
def test_planes_of_colours(tmp_path, how, order):
    (tmp_path / "a.tif").write_bytes(stored.tiff(images.pixels(0), order=order, **how))
    np.testing.assert_array_equal(decode(tmp_path / "a.tif"), images.pixels(0))


@pytest.mark.parametrize("values", [[0.0, 0.25, 1.0], [-3.0, 0.0, 9.0]])
@pytest.mark.parametrize("order", "<>")
def test_planes_of_one_measured_band(tmp_path, values, order):
    (tmp_path / "a.tif").write_bytes(stored.tiff(np.array([values], np.float32), planar=2, order=order))
    assert decode(tmp_path / "a.tif")[0, :, 0].tolist() == [0, 64, 255]


SHAPES = {
    (20_000, 3): True,
    (3, 20_000): True,
    (1, 1): True,
    (3, 3): True,
    (510, 10): True,
    (500, 10): False,
    (8, 8): False,
}


@pytest.mark.parametrize("size", SHAPES)
def test_extreme_shapes_are_told(tmp_path, size):
    path = saved(Image.new("RGB", size), tmp_path / "a.png")
    assert decode(path).shape == (size[1], size[0], 3)
    assert kinds(path) == (["shape"] if SHAPES[size] else [])


def apng(frames: list[np.ndarray]) -> bytes:
    """Return an animated PNG of grey frames."""
    height, width = frames[0].shape
    control = [struct.pack(">IIIIIHHBB", n, width, height, 0, 0, 1, 1, 0, 0) for n in range(2)]
    rows = b"".join(b"\0" + row.tobytes() for row in frames[1])
    second = [(b"fcTL", control[1]), (b"fdAT", struct.pack(">I", 2) + zlib.compress(rows))]
    return stored.png(frames[0], [(b"acTL", struct.pack(">II", 2, 0)), (b"fcTL", control[0])], second)


@pytest.mark.parametrize("ending", ["gif", "webp", "tif", "png"])
def test_the_first_frame_is_used_and_told(tmp_path, ending):
    frames = [np.full((8, 8), value, np.uint8) for value in (40, 200)]
    path = tmp_path / f"a.{ending}"
    if ending == "png":
        path.write_bytes(apng(frames))
    else:
        one, other = map(Image.fromarray, frames)
        one.save(path, save_all=True, append_images=[other], **({"lossless": True} if ending == "webp" else {}))
    assert np.abs(decode(path).astype(int) - 40).max() <= 1
    assert kinds(path) == ["several frames"]


def test_no_end_and_exceeded_values_are_told(tmp_path):
    images.write(tmp_path / "a.jpg", quality=90)
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:-2])
    assert kinds(tmp_path / "a.jpg") == ["no end"]
