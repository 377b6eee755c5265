"""Prints against an independent implementation, groups, label problems, the store and the thumbnails."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest
import scipy.fft
from PIL import Image
from sklearn.datasets import load_sample_images

from data.images import pixels, write
from nbtrain import processes
from nbtrain.data.inspection import alike
from nbtrain.data.inspection.look import look_at
from nbtrain.data.inspection.prints import prints_of
from nbtrain.data.inspection.problems import problems_of
from nbtrain.data.inspection.store import Store, read
from nbtrain.data.inspection.sweep import grouped, sweep, workers
from nbtrain.data.records import Listing, Mark, Record
from nbtrain.data.thumbnails import FILE, Thumbnails, thumbnail


def test_the_hash_is_the_one_of_scipys_transform():
    for photograph in load_sample_images().images:
        grey = Image.fromarray(photograph).convert("L")
        seen = np.asarray(grey.resize((32, 32), Image.Resampling.BILINEAR), float)
        low = scipy.fft.dctn(seen)[:8, :8].ravel()
        bits = "".join("1" if one else "0" for one in low > np.median(low))
        assert f"{prints_of(grey).hash:064b}" == bits


def test_near_pairs_are_those_of_comparing_all_with_all(monkeypatch):
    drawn = np.random.default_rng(0)
    hashes = drawn.integers(0, 2**64, 600, dtype=np.uint64)
    for place in range(300):  # copies that differ in 0 to 12 bits
        flips = sum(1 << bit for bit in drawn.permutation(64)[: place % 13].tolist())
        hashes[300 + place] = hashes[place] ^ np.uint64(flips)
    every = {tuple(sorted(pair)) for some in alike.near_pairs(hashes) for pair in some.tolist()}
    monkeypatch.setattr(alike, "_FEW", 0)
    by_parts = {tuple(sorted(pair)) for some in alike.near_pairs(hashes) for pair in some.tolist()}
    assert by_parts == every
    assert len(every) >= 300 * 11 // 13
    assert (alike._by_table(hashes[:, None]) == np.array([[int(one).bit_count()] for one in hashes])).all()


@pytest.mark.parametrize(
    ("mark", "kind"),
    [
        (Mark("box", 0, (-5, 0, 10, 10)), "outside"),
        (Mark("box", 0, (0, 0, 24.5, 16)), ""),
        (Mark("circle", 0, (20, 8, 9)), "outside"),
        (Mark("box", 0, (3, 3, 3, 9)), "no area"),
        (Mark("polygon", 0, (1, 1, 5, 5, 9, 9)), "no area"),
        (Mark("polygon", 0, (1, 1, 5, 5)), "few points"),
        (Mark("polygon", 0, (1, 1, 5, 1, 5, 5)), ""),
        (Mark("box", 0, (float("nan"), 0, 1, 1)), "outside"),
        (Mark("box", 7, (1, 1, 5, 5)), "unknown class"),
        (Mark("box", -1, (1, 1, 5, 5)), "unknown class"),
    ],
)
def test_label_problems(tmp_path, mark, kind):
    write(tmp_path / "a.png")
    look = look_at(tmp_path / "a.png", "a.png").look
    listing = Listing(tmp_path, ("x", "y"), (Record("a.png", (0,), marks=(mark,)),))
    assert list(problems_of(listing, [look], grouped([look])).counts()) == ([kind] if kind else [])


def test_an_image_without_label_is_told(tmp_path):
    look = look_at(write(tmp_path / "a.png"), "a.png").look
    listing = Listing(tmp_path, ("x", "y"), (Record("a.png", ()),), multilabel=True)
    assert list(problems_of(listing, [look], grouped([look])).counts()) == ["no label"]


def forty(tmp_path):
    """Write forty images into ``in``; return their names and a store for what is seen of them."""
    files = [f"{number}.png" for number in range(40)]
    for number, file in enumerate(files):
        write(tmp_path / "in" / file, seed=number)
    store = Store(tmp_path / "scan")
    store.folder.mkdir()
    return files, store


def test_only_what_has_changed_is_looked_at_again(tmp_path):
    files, store = forty(tmp_path)
    first = sweep(tmp_path / "in", files, store)
    assert first.n_fresh == 40
    write(tmp_path / "in/3.png", seed=99, width=30)
    (tmp_path / "in/5.png").unlink()
    second = sweep(tmp_path / "in", files, store)
    assert second.n_fresh == 2
    assert second.looks[3].width == 30
    assert second.looks[5].trouble == "missing"
    assert second.looks[:3] == first.looks[:3]
    write(tmp_path / "in/5.png", seed=5)
    assert sweep(tmp_path / "in", files, store).n_fresh == 1
    columns = read(store.folder)
    assert columns.files == files
    assert (columns["width"] > 0).all()


def test_a_scan_that_is_ended_keeps_what_it_has_seen(tmp_path):
    files, store = forty(tmp_path)

    def ended(_words, share=0.0, *_):
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(tmp_path / "in", files, store, tell=ended)
    assert len(store.known()) == 32  # they are written down in parts
    assert sweep(tmp_path / "in", files, store).n_fresh == 8


@pytest.mark.skipif(not processes.LINUX, reason="processes are forked, or there are none")
@pytest.mark.parametrize("apart", [True, False])
def test_workers_are_processes_where_the_caller_asks_for_it(apart):
    with workers(1, apart=apart) as pool:
        assert (pool.submit(os.getpid).result() != os.getpid()) is apart


def test_half_a_line_and_a_damaged_store_only_cost_looking_again(tmp_path):
    look = look_at(write(tmp_path / "a.png"), "a.png").look
    store = Store(tmp_path)
    store.append([look])
    with open(store.journal, "ab") as file:
        file.write(b'[["b.png",12')  # as a killed scan leaves it
    store.append([look._replace(file="c.png")])
    assert store.known() == {"a.png": look, "c.png": look._replace(file="c.png")}
    store.columns.write_bytes(b"no archive")
    assert set(store.known()) == {"a.png", "c.png"}


def test_thumbnails_are_made_kept_renewed_and_bounded(tmp_path):
    for number in range(30):
        write(tmp_path / f"{number}.png", seed=number, width=300, height=200)
    files = [f"{number}.png" for number in range(30)]
    made = Thumbnails(tmp_path).get([*files, "none.png"], tmp_path)
    assert made.pop() == b""
    assert all(max(Image.open(io.BytesIO(picture)).size) <= 160 for picture in made)
    assert Thumbnails(tmp_path).get(files, tmp_path) == made
    write(tmp_path / "3.png", seed=70, width=200, height=300)
    assert Image.open(io.BytesIO(Thumbnails(tmp_path).get(files, tmp_path)[3])).size[1] > 100
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    assert all(Thumbnails(tmp_path).get(files, tmp_path))


def test_a_look_turns_what_lies_on_its_side(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels(1, 300, 200)).save(tmp_path / "a.jpg", exif=exif)
    seen = look_at(tmp_path / "a.jpg", "a.jpg")
    assert (seen.look.width, seen.look.height) == (200, 300)
    assert seen.small.shape[0] > seen.small.shape[1]


@pytest.mark.parametrize(("side_px", "kept"), [(8, True), (64, True), (65, False)])
def test_a_small_image_keeps_the_colour_of_each_pixel(side_px, kept):
    stripes = np.zeros((side_px, side_px, 3), np.uint8)
    stripes[:, ::2] = (255, 0, 0)
    stripes[:, 1::2] = (0, 0, 255)
    shown = np.asarray(Image.open(io.BytesIO(thumbnail(stripes)))).astype(int)
    assert (np.abs(shown - stripes).mean() < 25) == kept
