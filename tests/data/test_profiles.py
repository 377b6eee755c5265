"""Colour profiles against colours worked out by hand: what is wider than sRGB is converted, what is broken is told."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from data import images, stored
from nbtrain.data import profiles
from nbtrain.data.conversion import AS_BEFORE, Conversion
from nbtrain.data.decode import decode
from nbtrain.data.inspection.look import Odd, look_at

SRGB = {"r": (0.4360747, 0.2225045, 0.0139322), "g": (0.3850649, 0.7168786, 0.0971045),
        "b": (0.1430804, 0.0606169, 0.7141733)}  # fmt: skip
WIDE = {
    "Display P3": {"r": (0.515102, 0.241182, -0.001050), "g": (0.291965, 0.692236, 0.041881),
                   "b": (0.157153, 0.066581, 0.784378)},
    "Adobe RGB": {"r": (0.6097559, 0.3111242, 0.0194811), "g": (0.2052401, 0.6256560, 0.0608902),
                  "b": (0.1492240, 0.0632197, 0.7448387)},
    "ProPhoto": {"r": (0.7976749, 0.2880402, 0.0), "g": (0.1351917, 0.7118741, 0.0),
                 "b": (0.0313534, 0.0000857, 0.82521)},
}  # fmt: skip
GAMMA = 2.2


def by_hand(pixels: np.ndarray, colorants) -> np.ndarray:
    """Linear light, XYZ, linear sRGB, and its curve."""
    light = (pixels / 255) ** GAMMA @ np.array([colorants[c] for c in "rgb"])
    linear = (light @ np.linalg.inv(np.array([SRGB[c] for c in "rgb"]))).clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def colours() -> np.ndarray:
    steps = np.linspace(0, 255, 6).astype(np.uint8)
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=3).reshape(12, 18, 3)


def png(path, pixels, profile: bytes):
    chunk = (b"iCCP", b"x\0\0" + zlib.compress(profile))
    path.write_bytes(stored.png(pixels, [chunk]))
    return path


@pytest.mark.parametrize("space", WIDE)
def test_a_wider_space_is_converted(tmp_path, space):
    path = png(tmp_path / "a.png", colours(), stored.icc(WIDE[space], GAMMA))
    got, wanted = decode(path).astype(float), by_hand(colours(), WIDE[space])
    assert np.abs(got - wanted).max() <= 3
    assert np.abs(got - colours()).max() > 20
    seen = look_at(path, "a.png")
    assert seen.look.odd == Odd.PROFILE
    np.testing.assert_array_equal(seen.small, got)
    np.testing.assert_array_equal(decode(path, conversion=AS_BEFORE), colours())
    assert look_at(path, "a.png", AS_BEFORE).look.odd == Odd.NO_PROFILE


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_of_a_wider_space_too(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    profile = stored.icc(WIDE["Display P3"], GAMMA)
    images.write(tmp_path / "a.jpg", width=200, height=120, quality=95, icc_profile=profile, exif=exif)
    images.write(tmp_path / "b.jpg", width=200, height=120, quality=95, exif=exif)
    plain = decode(tmp_path / "b.jpg")
    got = decode(tmp_path / "a.jpg", passing=True)
    assert np.abs(got - by_hand(plain, WIDE["Display P3"])).max() <= 3
    seen = look_at(tmp_path / "a.jpg", "a.jpg")
    assert seen.small.shape == got.shape
    np.testing.assert_array_equal(seen.small, got)
    np.testing.assert_array_equal(decode(tmp_path / "a.jpg", conversion=AS_BEFORE), plain)


def test_transparency_stays(tmp_path):
    pixels = np.dstack((colours(), np.full((12, 18), 255, np.uint8)))
    pixels[0, :, 3] = 0
    got = decode(png(tmp_path / "a.png", pixels, stored.icc(WIDE["Adobe RGB"], GAMMA)))
    assert (got[0] == 255).all()
    assert np.abs(got[1:] - by_hand(colours()[1:], WIDE["Adobe RGB"])).max() <= 3


def test_sixteen_bits_too(tmp_path):
    path = png(tmp_path / "a.png", colours().astype(np.uint16) * 16 + 15, stored.icc(WIDE["Adobe RGB"], GAMMA))
    assert np.abs(decode(path) - by_hand(colours(), WIDE["Adobe RGB"])).max() <= 4


def test_grey_has_profiles_too(tmp_path):
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    got = decode(png(tmp_path / "a.png", grey, stored.icc({}, 1.0, b"GRAY")))
    linear = grey / 255
    wanted = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(got[..., 0] - wanted).max() <= 1
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "JPEG", quality=100, icc_profile=stored.icc({}, 1.0, b"GRAY"))
    (tmp_path / "a.jpg").write_bytes(file.getvalue())
    assert np.abs(decode(tmp_path / "a.jpg")[..., 0] - wanted).max() <= 12  # JPEG rounds, and dark values are spread


@pytest.mark.parametrize(
    "profile", [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), stored.icc(SRGB, 2.2)[:0]]
)
def test_srgb_is_left_as_it_is(tmp_path, profile):
    path = png(tmp_path / "a.png", colours(), profile) if profile else images.write(tmp_path / "a.png")
    assert profiles.read(profile) == profiles.NONE._replace(mode="RGB" if profile else "")
    assert look_at(path, "a.png").look.odd == 0


@pytest.mark.parametrize(
    "profile",
    [b"no profile", stored.icc(SRGB, GAMMA)[:200], stored.icc({}, 1.0, b"GRAY"), stored.icc(SRGB, 1.0, b"5CLR")],
)
def test_a_broken_profile_is_ignored_and_told(tmp_path, profile):
    path = png(tmp_path / "a.png", colours(), profile)
    np.testing.assert_array_equal(decode(path), colours())
    assert look_at(path, "a.png", Conversion(profiles=True)).look.odd == Odd.NO_PROFILE
