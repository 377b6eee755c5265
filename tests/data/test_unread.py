"""Images that are not read are named, with the way on; HEIC is read where its extra is installed."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from data import images, stored
from nbtrain.data import unread
from nbtrain.data.decode import decode, size_of
from nbtrain.data.inspection.look import look_at
from nbtrain.data.sources import Folder, look
from nbtrain.errors import DataError

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40
HEADS = {
    "a.jxl": (b"\xff\x0a" + b"x" * 20, "JPEG XL"),
    "b.jxl": (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    "a.jp2": (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    "a.cr3": (b"\0\0\0\x18ftypcrx \0\0\0\1", "raw files"),
    "a.raf": (b"FUJIFILMCCD-RAW 0201", "raw files"),
    "a.svg": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "drawings"),
    "a.dcm": (b"\0" * 128 + b"DICM", "DICOM"),
    "a.psd": (b"8BPS\0\1", "Photoshop"),
    "a.exr": (b"\x76\x2f\x31\x01", "OpenEXR"),
}


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("other", [False, True])
def test_a_format_is_named_by_its_content(tmp_path, name, other):
    path = tmp_path / ("a.png" if other else name)
    path.write_bytes(HEADS[name][0])
    for read in (decode, size_of):
        with pytest.raises(DataError, match=HEADS[name][1]):
            read(path)
    assert HEADS[name][1] in look_at(path, path.name).look.text


@pytest.mark.parametrize("ending", ["dng", "nef", "arw"])
def test_the_preview_in_a_raw_file_is_not_taken_for_the_picture(tmp_path, ending):
    tags = {50706: (2, b"\1\4\0\0")} if ending == "dng" else {}
    path = tmp_path / f"a.{'tif' if ending == 'dng' else ending}"
    path.write_bytes(stored.tiff(np.zeros((4, 4, 3), np.uint8), tags=tags))
    with pytest.raises(DataError, match="raw files"):
        decode(path)


@pytest.mark.parametrize(
    ("values", "told"),
    [(np.zeros((4, 5, 5), np.uint8), "5 bands of numbers of 8 bits; export three of them as RGB"),
     (np.zeros((4, 5, 7), np.uint16), "7 bands"), (np.zeros((4, 5, 3), np.float32), "3 bands of float numbers of 32"),
     (np.zeros((4, 5, 4), np.float32), "it stores 4 bands of float numbers of 32"),
     (np.zeros((4, 5, 2), np.uint16), "2 bands"), (np.zeros((4, 5), np.float64), "one band of float numbers of 64")],
)  # fmt: skip
@pytest.mark.parametrize("order", "<>")
def test_more_bands_than_colours_are_counted(tmp_path, values, told, order):
    path = tmp_path / "a.tif"
    path.write_bytes(stored.tiff(values, order=order))
    with pytest.raises(DataError, match=told):
        decode(path)


def test_the_extra_is_named_where_it_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(unread, "HEIC_READERS", ())
    monkeypatch.setattr("nbtrain.data.sources.base.IMAGE_ENDINGS", frozenset((".png",)))
    monkeypatch.setattr("nbtrain.data.sources.walk.IMAGE_ENDINGS", frozenset((".png",)))
    for name in "ab":
        images.write(tmp_path / name / "1.png")
        (tmp_path / name / "2.HEIC").write_bytes(HEIC)
    (tmp_path / "a" / "3.nef").write_bytes(b"")
    (tmp_path / "a" / "notes.txt").write_text("")
    told = [notice for notice in look(tmp_path).notices if notice.startswith("Not used")]
    assert told == [
        "Not used: 2 images because HEIC images need pip install 'nbtrain[heic]': a/2.HEIC, b/2.HEIC.",
        f"Not used: 1 image because {unread.RAW.what}: a/3.nef.",
        "Not used: 1 file other than images: .txt.",
    ]
    only = tmp_path / "only"
    (only / "x").mkdir(parents=True)
    (only / "x" / "2.heic").write_bytes(HEIC)
    (only / "y").mkdir()
    with pytest.raises(DataError, match=r"1 image because HEIC images need pip install 'nbtrain\[heic\]': x/2\.heic"):
        Folder(path=str(only)).listing()


def test_heic_is_read_with_the_extra(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "a.heic"
    exif = Image.Exif()
    exif[0x0112] = 6
    made = heif.from_pillow(Image.fromarray(images.pixels(0, 80, 60) // 4 + 90))
    made.save(path, quality=-1, exif=exif.tobytes())
    upright = decode(path)
    assert upright.shape == (80, 60, 3)
    assert np.abs(upright.astype(int) - np.rot90(images.pixels(0, 80, 60) // 4 + 90, -1)).mean() < 4
    found = look_at(path, "a.heic").look
    assert (found.format, found.width, found.height, found.trouble) == ("HEIF", 60, 80, "")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"cut off|damaged|no image"):
        decode(path)


def test_a_broken_heic_is_damaged_and_not_said_to_need_anything(tmp_path):
    pytest.importorskip("pillow_heif")
    (tmp_path / "a.heic").write_bytes(HEIC)
    with pytest.raises(DataError, match=r"damaged|no image"):
        decode(tmp_path / "a.heic")


def test_avif_is_pillows_own(tmp_path):
    images.write(tmp_path / "a.avif", width=40, height=40, quality=95)
    assert np.abs(decode(tmp_path / "a.avif").astype(int) - images.pixels(0, 40, 40)).mean() < 6


def test_an_image_that_could_be_read_is_not_told_as_one_that_is_not(tmp_path):
    for name in ("a/1.avif", "b/2.avif", "loose.avif"):
        images.write(tmp_path / name)
    assert "Not used: 1 image in no class folder: loose.avif." in look(tmp_path).notices


def test_a_sign_is_not_found_in_what_is_read(tmp_path):
    for ending in ("png", "jpg", "tif", "gif", "bmp", "webp", "ppm"):
        path = images.write(tmp_path / f"a.{ending}")
        assert unread.by_content(path) is None
