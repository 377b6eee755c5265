"""Stored values of more than 8 bits, against pixels worked out by hand: one image alone, and a range for a source."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from data import stored
from nbtrain.data import assembly
from nbtrain.data.assembly import Part
from nbtrain.data.conversion import AS_BEFORE, Conversion, Span, by_hand
from nbtrain.data.decode import decode
from nbtrain.data.images import Images
from nbtrain.data.inspection.look import Odd, look_at, small_pixels
from nbtrain.data.records import Record, Roots, conversion_of, converts
from nbtrain.data.sampled import HEADERS, chosen
from nbtrain.data.sources import Folder, look
from nbtrain.errors import ConfigError

ORDERS = [{"order": order, "compression": way} for order in "<>" for way in (1, stored.DEFLATED)]


def written(path, data: bytes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def scaled(values, white: int) -> np.ndarray:
    """Round to the nearest of 256 steps, the half up: what a person would reckon."""
    return np.floor(np.minimum(values, white).astype(int) * 255 / white + 0.5).astype(np.uint8)


def counts(highest: int, shape=(6, 7), seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).integers(0, highest + 1, shape).astype(np.uint16)
    values.flat[0] = highest
    return values


# ---------------------------------------------------------------------- one image alone


@pytest.mark.parametrize(
    ("highest", "white"),
    [(200, 255), (255, 255), (256, 1023), (1023, 1023), (1024, 4095), (4095, 4095), (9000, 16383), (16384, 65535),
     (65535, 65535)],
)  # fmt: skip
@pytest.mark.parametrize("write", [stored.png, *(lambda v, how=how: stored.tiff(v, **how) for how in ORDERS)])
def test_one_image_is_read_by_its_own_values(tmp_path, highest, white, write):
    values = counts(highest)
    pixels = decode(written(tmp_path / "a", write(values)))
    np.testing.assert_array_equal(pixels, np.repeat(scaled(values, white)[:, :, None], 3, axis=2))


def test_nothing_but_black_stays_black(tmp_path):
    assert decode(written(tmp_path / "a", stored.png(np.zeros((2, 2), np.uint16)))).max() == 0


@pytest.mark.parametrize(
    "write",
    [
        stored.png,
        *(lambda v, how=how: stored.tiff(v, **how) for how in ORDERS),
        lambda v: stored.tiff(v, planar=2),
        lambda v: stored.tiff(v, planar=2, order=">"),
    ],
)
def test_colours_of_twelve_bits_keep_all_of_them(tmp_path, write):
    values = counts(4095, (40, 50, 3))
    np.testing.assert_array_equal(decode(written(tmp_path / "a", write(values))), scaled(values, 4095))


@pytest.mark.parametrize("n_colours", [2, 4])
def test_transparency_of_sixteen_bits_lies_on_white(tmp_path, n_colours):
    values = counts(4095, (5, 6, n_colours))
    values[..., -1] = 65535
    values[0, 0, -1] = 0
    pixels = decode(written(tmp_path / "a", stored.png(values)))
    assert pixels[0, 0].tolist() == [255, 255, 255]
    wanted = np.broadcast_to(scaled(values[..., : n_colours - 1], 4095), (5, 6, 3))
    np.testing.assert_array_equal(pixels[1:], wanted[1:])


def test_half_transparency_of_sixteen_bits_is_half(tmp_path):
    values = np.zeros((2, 2, 4), np.uint16)
    values[..., 3] = 0x8000
    assert decode(written(tmp_path / "a", stored.png(values))).tolist() == np.full((2, 2, 3), 127).tolist()


def test_one_band_that_is_called_planar(tmp_path):
    values = counts(4095)
    for order in "<>":
        pixels = decode(written(tmp_path / "a", stored.tiff(values, planar=2, order=order)))
        np.testing.assert_array_equal(pixels[..., 0], scaled(values, 4095))


RAMP = np.linspace(10, 20, 64).reshape(8, 8)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("kind", "nothing", "no_data"),
    [("f4", np.nan, ""), ("f4", np.inf, ""), ("f4", -np.inf, ""), ("f4", -9999, ""), ("f4", -3.4e38, ""),
     ("f4", 1e38, ""), ("f4", 1.1e30, ""), ("f4", 77, "77"), ("f4", np.nan, "nan"), ("f4", 0, "0"),
     ("i2", -32768, ""), ("i2", -9999, ""), ("i4", -9999, ""), ("i4", -77, "-77"), ("i4", 2**31 - 1, "2147483647")],
)  # fmt: skip
def test_what_was_not_measured_is_black_and_spoils_nothing(tmp_path, order, kind, nothing, no_data):
    values = (100_000 if abs(nothing) > 99_999 else 1 if kind == "f4" else 1000) * (RAMP - 15)
    values = values.astype(kind)
    low, high = float(values.min()), float(values.max())
    wanted = np.round((values.astype(np.float64) - low) / (high - low) * 255).astype(np.uint8)
    values[3, 4] = nothing
    wanted[3, 4] = 0
    pixels = decode(written(tmp_path / "a.tif", stored.tiff(values, order=order, no_data=no_data)))
    np.testing.assert_array_equal(pixels[..., 0], wanted)


def test_unsigned_values_beyond_half_of_32_bits_do_not_wrap(tmp_path):
    values = np.array([[0, 2**31, 2**32 - 1]], np.uint32)
    assert decode(written(tmp_path / "a.tif", stored.tiff(values)))[0, :, 0].tolist() == [0, 128, 255]


def test_outliers_do_not_turn_the_rest_black(tmp_path):
    values = np.random.default_rng(0).normal(100, 5, (60, 60)).astype(np.float32)
    values[7, 7], values[8, 8] = 1e6, -1e6
    pixels = decode(written(tmp_path / "a.tif", stored.tiff(values)))
    assert (pixels[7, 7, 0], pixels[8, 8, 0]) == (255, 0)
    assert len(np.unique(pixels)) > 200


@pytest.mark.parametrize("value", [np.nan, 5.0])
def test_an_image_without_any_difference(tmp_path, value):
    pixels = decode(written(tmp_path / "a.tif", stored.tiff(np.full((3, 3), value, np.float32))))
    assert pixels.max() == 0


def test_data_sets_of_before_are_read_as_before(tmp_path):
    values = np.array([[0, 255, 256, 257, 4095, 65535 // 2]], np.uint16)
    grey = decode(written(tmp_path / "a.png", stored.png(values)), conversion=AS_BEFORE)
    assert grey[0, :, 0].tolist() == ((values[0].astype(int) + 128) // 257).tolist()
    colours = counts(4095, (5, 6, 3))
    pixels = decode(written(tmp_path / "b.png", stored.png(colours)), conversion=AS_BEFORE)
    np.testing.assert_array_equal(pixels, colours >> 8)
    measured = np.array([[-10, 0, 1e6]], np.float32)
    pixels = decode(written(tmp_path / "c.tif", stored.tiff(measured)), conversion=AS_BEFORE)
    assert pixels[0, :, 0].tolist() == [0, 0, 255]


# ---------------------------------------------------------------------- a source


def source(tmp_path, *highest: int, shape=(6, 7)) -> Folder:
    for seed, one in enumerate(highest):
        written(tmp_path / "in" / "ab"[seed % 2] / f"{seed}.png", stored.png(counts(one, shape, seed)))
    return Folder(path=str(tmp_path / "in"))


def conversion(source) -> Conversion:
    listing = source.listing()
    return chosen(listing.root, [record.file for record in listing.records], source.values)


@pytest.mark.parametrize(
    ("highest", "white"),
    [((900, 4000, 3000), 4095), ((100, 200), 255), ((10, 65000), 65535), ((0, 0), 65535), ((3000, 65535), 65535)],
)
def test_the_range_is_that_of_the_set(tmp_path, highest, white):
    assert conversion(source(tmp_path, *highest)).counts == Span(0, white)


def test_the_largest_value_may_stand_for_no_value(tmp_path):
    made = source(tmp_path, 3000, 4000)
    values = counts(2000)
    values[0, :3] = 65535
    written(tmp_path / "in" / "a" / "9.png", stored.png(values))
    found = conversion(made)
    assert found.counts == Span(0, 4095)
    assert "65 535 left aside" in found.told[0]


def test_it_is_told_before_it_is_used(tmp_path):
    told = list(look(source(tmp_path, 900, 4095)).lines())
    assert "note: 16-bit images whose values end at 4 095: read as 12 bits (2 of 2 images looked at)." in told


def test_a_sample_says_how_large_it_was(tmp_path):
    brighter = [4000 if place > 100 and place % 2 else 900 for place in range(HEADERS + 2)]  # in the second class alone
    made = source(tmp_path, *brighter, shape=(2, 2))
    found = conversion(made)
    assert found.counts == Span(0, 4095)  # it is spread over the source
    assert "(64 of 130 images looked at)" in found.told[0]


def test_a_sample_is_taken_from_all_of_the_source(tmp_path):
    shallow = stored.png(np.zeros((2, 2), np.uint8))
    for number in range(HEADERS + 12):  # every third image is deep, and the brightest of them come last
        deep = stored.png(np.full((2, 2), 900 if number < HEADERS else 4000, np.uint16))
        written(tmp_path / "in" / f"{number:03}.png", shallow if number % 3 else deep)
    files = [f"{number:03}.png" for number in range(HEADERS + 12)]
    found = chosen(tmp_path / "in", files)
    assert found.counts == Span(0, 4095)
    assert "(47 of 140 images looked at)" in found.told[0]


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        ("auto", ["Values: 14 bits", "Values: 16 bits"]),
        ("14 bits", ["Values: by a sample"]),
        ("200 to 1800", ["Values: by a sample"]),
    ],
)
def test_other_ranges_are_offered_and_not_the_one_that_is_used(tmp_path, asked, titles):
    readings = look(source(tmp_path, 900, 4000).replace(values=asked)).readings
    assert [one.title for one in readings if one.title.startswith("Values")] == titles


def test_images_of_eight_bits_leave_nothing_to_choose(tmp_path):
    written(tmp_path / "in" / "a" / "1.png", stored.png(counts(200).astype(np.uint8)))
    written(tmp_path / "in" / "b" / "2.png", b"\x89PNG, cut")
    assert conversion(Folder(path=str(tmp_path / "in"))) == Conversion(profiles=True)


def test_a_dark_image_stays_dark_in_its_source(tmp_path):
    made = source(tmp_path, 100, 4095)
    found = conversion(made)
    alone, together = (decode(tmp_path / "in/a/0.png", conversion=one) for one in (None, found))
    assert alone.max() == 100
    assert together.max() == 6  # 100 of 4095


def test_a_value_above_is_white_and_counted(tmp_path):
    values = np.array([[0, 4095, 4096, 65535]], np.uint16)
    path = written(tmp_path / "a.png", stored.png(values))
    found = look_at(path, "a.png", Conversion(Span(0, 4095), profiles=True))
    assert found.look.odd & Odd.EXCEEDED
    assert found.small[0, :, 0].tolist() == [0, 255, 255, 255]
    assert not look_at(path, "a.png", Conversion(Span(0, 65535), profiles=True)).look.odd & Odd.EXCEEDED


def test_measured_values_have_one_range_in_the_whole_source(tmp_path):
    rng = np.random.default_rng(0)
    for place in range(4):
        values = rng.normal(20 * place, 1, (30, 30)).astype(np.float32)
        values[0, 0] = -9999
        values[1, 1] = np.nan
        written(tmp_path / "in" / "ab"[place % 2] / f"{place}.tif", stored.tiff(values))
    written(tmp_path / "in" / "a" / "out.tif", stored.tiff(np.array([[1e9, 30.0]], np.float32)))
    found = conversion(Folder(path=str(tmp_path / "in")))
    assert -4 < found.measured.low < 2
    assert 58 < found.measured.high < 64
    assert "half a percent" in found.told[0]
    assert "0.18 % of their pixels have no value" in found.told[0]  # 2 of 900 in each of four, none in the fifth
    means = [decode(tmp_path / f"in/{'ab'[p % 2]}/{p}.tif", conversion=found).mean() for p in range(4)]
    assert means == sorted(means)
    assert means[3] - means[0] > 200


@pytest.mark.parametrize(
    ("asked", "span"),
    [("12 bits", (0, 4095)), ("8bit", (0, 255)), ("200 to 1800", (200, 1800)), ("-1e3 to 0.5", (-1000, 0.5))],
)
def test_a_person_may_say_it(tmp_path, asked, span):
    found = conversion(source(tmp_path, 900, 900).replace(values=asked))
    assert found.counts == found.measured == Span(*span)
    assert "set by hand" in found.told[0]


@pytest.mark.parametrize("asked", ["11 bits", "5 to 5", "9 to 1", "nan to 1", "1 to 1e999", "twelve", "٣ bits", "5 to"])
def test_a_wish_that_is_no_range_is_refused(asked):
    with pytest.raises(ConfigError, match="no range of values"):
        by_hand(asked)


@pytest.mark.parametrize(
    "plain", [[], {"counts": [1]}, {"counts": ["a", 2]}, {"measured": [2, 1]}, {"counts": [0, "nan"]}]
)
def test_a_stored_choice_that_is_none_is_refused(plain):
    with pytest.raises(ConfigError, match="cannot be read"):
        Conversion.parse(plain)


# ---------------------------------------------------------------------- kept with the data


def test_the_choice_is_kept_and_goes_wherever_images_are_read(tmp_path):
    made = source(tmp_path, 900, 4000)
    found = assembly.look((Part("", made), Part("more", source(tmp_path / "2", 200, 250))), choosing=True)
    again = assembly.parse(json.loads(json.dumps([part.plain() for part in found.sources])))
    assert again == found.sources
    listing = assembly.look(again).listing
    assert listing.content_hash == found.listing.content_hash
    assert any("read as 12 bits" in note for note in listing.notes)
    assert conversion_of(listing.root, "a/0.png").counts == Span(0, 4095)
    assert conversion_of(listing.root, "more/a/0.png").counts == Span(0, 255)
    for file, white in (("a/0.png", 4095), ("more/a/0.png", 255)):
        stored_values = counts(900 if white == 4095 else 200)
        read = Images(listing.root, [Record(file, (0,))], lambda image: image, seed=0).read(0)
        np.testing.assert_array_equal(read[..., 0], scaled(stored_values, white))
        small = small_pixels(listing.root / file, conversion_of(listing.root, file))
        np.testing.assert_array_equal(small, read)


def test_another_range_is_other_data_and_no_range_is_the_data_of_before(tmp_path):
    made = source(tmp_path, 900, 4000)
    hashes, keys = set(), set()
    for asked in ("10 bits", "12 bits", "0 to 4000"):
        listing = assembly.look((Part("", made.replace(values=asked)),), choosing=True).listing
        hashes.add(listing.content_hash)
        keys.add(converts(listing.root))
    assert len(hashes) == len(keys) == 3
    usual = assembly.look((Part("", made.replace(values="16 bits")),), choosing=True).listing
    before = assembly.look((Part("", made),)).listing
    assert before.root == tmp_path / "in"
    assert converts(before.root) == ""
    assert before.content_hash not in hashes
    assert usual.content_hash != before.content_hash  # its floats have a range too, by hand


def test_what_was_chosen_once_stays_when_images_come(tmp_path):
    first = assembly.look((Part("", source(tmp_path, 900, 4000)),), choosing=True)
    source(tmp_path, 900, 4000, 60000)
    again = assembly.look(first.sources, choosing=True)
    assert again.sources == first.sources
    kept = Part("", Folder(path=str(tmp_path / "in")), AS_BEFORE)
    assert assembly.look((kept,), choosing=True).sources == (kept,)


def test_roots_pass_the_choice_on():
    chosen_one = Conversion(Span(0, 4095), profiles=True)
    roots = Roots({"": Roots({"": "/one"}, chosen_one), "more": Roots({"": "/two"}), "bare": "/three"})
    assert conversion_of(roots, "cats/a.png") == chosen_one
    assert conversion_of(roots, "a.png") == chosen_one
    assert conversion_of(roots, "more/a.png") == conversion_of(roots, "bare/a.png") == AS_BEFORE


def test_a_few_images_of_more_bits_are_told_and_the_bits_of_most_are_offered(tmp_path):
    for number, highest in enumerate((4095, 4095, 4095, 65535)):
        path = tmp_path / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.linspace(0, highest, 256).reshape(16, 16).astype(np.uint16)).save(path)
    found = look(tmp_path)
    assert "3 images end at 12 bits and come out dark" in " ".join(found.notes)
    assert "Values: 12 bits" in [reading.title for reading in found.readings]


def test_the_highest_number_with_a_sign_stands_for_no_value(tmp_path):
    for number in range(4):
        path = tmp_path / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        values = np.linspace(0, 4000, 256).reshape(16, 16).astype(np.uint16)
        values[0] = 32767
        Image.fromarray(values).save(path)
    assert "32 767 left aside" in " ".join(look(tmp_path).notes)
