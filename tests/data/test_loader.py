"""The loader against what a run relies on: the same tensors always, and no damaged image that ends it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from data import images
from nbtrain import processes
from nbtrain.data.decode import decode
from nbtrain.data.images import Images
from nbtrain.data.loader import Loader, Reading
from nbtrain.data.records import Record
from nbtrain.data.sampling import Steps
from nbtrain.data.sources import detect
from nbtrain.errors import DataError

N = 23


def plain(image: torch.Tensor) -> torch.Tensor:
    return image


def noisy(image: torch.Tensor) -> torch.Tensor:
    """Draw from all three generators, as transforms do."""
    noise = torch.rand(image.shape) + random.random() + float(np.random.rand())
    return image.float() / 255 + noise


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return images.folder(tmp_path_factory.mktemp("images"), {"a": 10, "b": 13})


@pytest.fixture
def own(tmp_path) -> Path:
    """Return a folder of the same kind that a test may damage."""
    return images.folder(tmp_path / "own", {"a": 10, "b": 13})


def read(root: Path, transform=noisy, **settings) -> Images:
    return Images(root, detect(root).listing().records, transform, **{"seed": 5, **settings})


def batches(loader: Loader, start: int = 0, stop: int | None = None) -> list:
    try:
        return list(loader.stream(start, stop))
    finally:
        loader.close()


def same(one, other) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x[:3], y[:3], strict=True)
    )


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("start", [0, 1, 4, 7])
def test_same_tensors_for_any_workers_and_any_start(root, workers, start):
    whole = batches(Loader(read(root), 4, Reading()), 0, 12)
    part = batches(Loader(read(root), 4, Reading(workers=workers)), start, 12)
    assert same(whole[start:], part)


@pytest.mark.parametrize("at_once", [True, False])
def test_same_tensors_from_memory(root, at_once, monkeypatch):
    kept, wanted = read(root), batches(Loader(read(root), 4, Reading()), 0, 12)
    kept.keep() if at_once else kept.keep_as_read()
    assert same(wanted, batches(Loader(kept, 4, Reading()), 0, 12))
    monkeypatch.setattr("nbtrain.data.images.decode", None)  # nothing is read twice
    assert same(wanted, batches(Loader(kept, 4, Reading()), 0, 12))


def test_the_first_images_are_a_set_of_their_own_and_decoded(root, monkeypatch):
    whole, some = read(root), read(root).first(5)
    monkeypatch.setattr("nbtrain.data.images.decode", None)
    assert len(some) == 5
    shown = some.__getitems__([(0, 4), (0, 0)])
    monkeypatch.undo()
    assert same([shown], [whole.__getitems__([(0, 4), (0, 0)])])
    assert not whole.kept


def test_same_tensors_whatever_the_caller_draws(root):
    quiet = batches(Loader(read(root), 4, Reading()), 0, 8)
    busy = []
    for batch in Loader(read(root), 4, Reading()).stream(0, 8):
        torch.rand(7), np.random.rand(3), random.random()
        busy.append(batch)
    assert same(quiet, busy)


def test_seed_and_epoch_change_order_and_augmentation(root):
    one, other = (batches(Loader(read(root, seed=s), 23, Reading()), 0, 2) for s in (5, 6))
    assert one[0].positions.tolist() != one[1].positions.tolist() != other[0].positions.tolist()
    shown = {(b.positions.tolist().index(0)): b.images[b.positions.tolist().index(0)] for b in one}
    first, second = (b.images[b.positions.tolist().index(0)] for b in one)
    assert not torch.equal(first, second), shown


def test_every_epoch_shows_each_image_once(root):
    loader = Loader(read(root, plain), 4, Reading())
    assert loader.steps_per_epoch == 5
    for epoch in range(3):
        shown = [p for b in batches(loader, epoch * 5, epoch * 5 + 5) for p in b.positions.tolist()]
        assert len(shown) == len(set(shown)) == 20


def test_batches_hold_the_images_and_labels_they_name(root):
    records = detect(root).listing().records
    for batch in batches(Loader(read(root, plain), 4, Reading()), 0, 5):
        assert batch.images.dtype == torch.uint8
        assert batch.images.shape == (4, 3, 16, 24)
        for image, target, position in zip(batch.images, batch.targets, batch.positions, strict=True):
            assert records[position].labels == (target,)
            assert np.array_equal(image.permute(1, 2, 0).numpy(), decode(root / records[position].file))


def test_several_labels(root):
    records = [Record("a/0.png", (0, 2)), Record("b/1.png", ()), Record("b/2.png", (1,))]
    set_ = Images(root, records, plain, seed=0, n_classes=3, stand_in=False)
    (batch,) = Loader(set_, 8, Reading()).once()
    assert batch.targets.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert batch.targets.dtype == torch.float32


def test_one_label_is_needed_where_none_are_counted(root):
    with pytest.raises(DataError, match="has 2 labels"):
        Images(root, [Record("a/0.png", (0, 1))], plain, seed=0)


def test_without_shuffle_those_left_over_come_first_in_the_next_epoch():
    steps = Steps(5, 2, seed=0, shuffle=False, start=0, stop=5)
    assert [[p for _, p in places] for places in steps] == [[0, 1], [2, 3], [4, 0], [1, 2], [3, 4]]


@pytest.mark.parametrize(("batch_size", "per_epoch", "size"), [(4, 5, 4), (23, 1, 23), (1000, 1, 23)])
def test_a_batch_larger_than_the_set(root, batch_size, per_epoch, size):
    loader = Loader(read(root, plain), batch_size, Reading())
    assert loader.steps_per_epoch == per_epoch
    assert {len(b.positions) for b in batches(loader, 0, 3)} == {size}


def test_steps_go_on_for_ever():
    endless = iter(Steps(5, 2, seed=0, shuffle=True, start=10**9, stop=None))
    assert next(endless)[0][0] == 5 * 10**8


@pytest.mark.parametrize("workers", [0, 2])
def test_validation_is_whole_in_order_and_always_equal(root, workers):
    loader = Loader(read(root, stand_in=False), 5, Reading(workers=workers))
    first, second = list(loader.once()), list(loader.once())
    loader.close()
    assert [p for b in first for p in b.positions.tolist()] == list(range(N))
    assert [len(b.positions) for b in first] == [5, 5, 5, 5, 3]
    assert same(first, second)


def test_validation_and_training_may_interleave(root):
    train, val = Loader(read(root), 4, Reading(workers=1)), Loader(read(root, stand_in=False), 5, Reading(workers=1))
    seen = []
    for step, batch in enumerate(train.stream(0, 6)):
        seen.append(batch)
        if step % 2:
            assert sum(len(b.positions) for b in val.once()) == N
    train.close()
    val.close()
    assert same(seen, batches(Loader(read(root), 4, Reading()), 0, 6))


# threads

KEYED = v2.Compose([v2.RandomResizedCrop((8, 12)), v2.RandomApply([v2.RandomHorizontalFlip(1.0)])])
JITTER = v2.Compose([v2.Resize((8, 12)), v2.ColorJitter(0.2, 0.2)])


@pytest.mark.parametrize("transform", [KEYED, JITTER], ids=["into the batch", "stacked"])
@pytest.mark.parametrize(("workers", "start"), [(1, 0), (2, 1), (3, 7)])
def test_threads_give_the_same_tensors(root, workers, start, transform):
    whole = batches(Loader(read(root, transform), 4, Reading()), 0, 12)
    assert whole[0].images.shape == (4, 3, 8, 12)
    part = batches(Loader(read(root, transform), 4, Reading(workers=workers, threads=True)), start, 12)
    assert same(whole[start:], part)


def test_threads_draw_nothing_from_the_process_and_leave_its_threads_alone(root):
    n_threads, before = torch.get_num_threads(), torch.default_generator.get_state()
    loader = Loader(read(root, KEYED), 4, Reading(workers=2, threads=True))
    assert len(batches(loader, 0, 9)) == 9
    assert torch.equal(torch.default_generator.get_state(), before)
    assert torch.get_num_threads() == n_threads


def test_threads_stay_from_pass_to_pass_and_end_with_close(root):
    loader = Loader(read(root, KEYED, stand_in=False), 5, Reading(workers=2, threads=True))
    assert loader_threads() == set()
    first, seen = list(loader.once()), loader_threads()
    assert len(seen) == 2
    assert same(first, list(loader.once()))
    stream = loader.stream()
    next(stream)
    stream.close()  # in the middle of a pass
    assert loader_threads() == seen
    loader.close()
    assert loader_threads() == set()
    assert same(first, list(loader.once()))  # after a close, they start anew
    loader.close()


def test_the_memory_of_a_batch_is_taken_again_once_nobody_holds_it(root):
    loader = Loader(read(root, KEYED), 4, Reading(workers=2, threads=True))
    held, seen = [], set()
    for step, batch in enumerate(loader.stream(0, 40)):
        seen.add(batch.images.data_ptr())
        if step % 10 == 0:
            held.append((batch.images[:2], batch.images[:2].clone()))
    loader.close()
    assert len(seen) <= len(held) + 6
    assert all(torch.equal(part, copy) for part, copy in held)


def loader_threads() -> set[int]:
    return {thread.ident for thread in threading.enumerate() if thread.name.startswith("nbtrain-loader")}


@pytest.mark.parametrize("transform", [KEYED, JITTER], ids=["into the batch", "stacked"])
def test_threads_replace_and_leave_out_damaged_images(own, transform):
    for name in ("a/3.png", "b/5.png"):
        (own / name).write_bytes(b"")
    for stand_in in (True, False):
        told = []
        for reading in (Reading(), Reading(workers=2, threads=True)):
            set_, heard = read(own, transform, stand_in=stand_in), []
            loader = Loader(set_, 5, reading, told=lambda file, _, heard=heard: heard.append(file))
            told.append((batches(loader, 0, 9) if stand_in else list(loader.once()), sorted(heard)))
            loader.close()
        assert same(told[0][0], told[1][0])
        assert told[0][1] == told[1][1] == ["a/3.png", "b/5.png"]


def test_a_transform_that_fails_in_a_thread_says_which_image(root):
    loader = Loader(read(root, v2.ElasticTransform(sigma=50.0)), 4, Reading(workers=2, threads=True))
    with pytest.raises(DataError, match=r"a transform failed on [ab]/\d+.png \(24 × 16 px\)"):
        batches(loader, 0, 2)
    assert loader_threads() == set()


# damaged images


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kept", ["", "keep", "keep_as_read"])
def test_a_damaged_image_is_replaced_by_the_next_and_told_once(own, workers, kept):
    listing = detect(own).listing()
    (own / "a/3.png").write_bytes(b"")
    images.cut(own / "a/4.png")
    told = []
    set_ = Images(own, listing.records, plain, seed=5)
    if kept:
        getattr(set_, kept)()
    loader = Loader(set_, 4, Reading(workers=workers), told=lambda file, reason: told.append((file, reason)))
    shown = [p for b in batches(loader, 0, 23) for p in b.positions.tolist()]
    assert len(shown) == 23 * 4
    assert not {3, 4} & set(shown)
    assert shown.count(5) > shown.count(6)
    assert dict(told).keys() == {"a/3.png", "a/4.png"} == loader.bad.keys()
    assert dict(told)["a/3.png"] == "the file is empty"
    assert len(told) == 2


def test_a_stand_in_is_the_same_for_any_workers(own):
    listing = detect(own).listing()
    (own / "a/3.png").unlink()
    one, two = (
        batches(Loader(Images(own, listing.records, noisy, seed=5), 4, Reading(workers=w)), 0, 10) for w in (0, 2)
    )
    assert same(one, two)


def test_validation_leaves_a_damaged_image_out(own):
    set_ = read(own, plain, stand_in=False)
    for i in range(5, 10):
        (own / f"a/{i}.png").unlink()
    loader = Loader(set_, 5, Reading())
    shown = [b.positions.tolist() for b in loader.once()]
    assert shown == [[0, 1, 2, 3, 4], [10, 11, 12, 13, 14], [15, 16, 17, 18, 19], [20, 21, 22]]
    assert len(loader.bad) == 5


def test_nothing_but_damage_is_an_error(own):
    set_ = read(own)
    for path in own.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="not one image of the set can be read"):
        batches(Loader(set_, 4, Reading()), 0, 1)


# errors of transforms


def too_large(image: torch.Tensor) -> torch.Tensor:
    raise ValueError("the crop is larger than the image")


def ragged(image: torch.Tensor) -> torch.Tensor:
    return image[:, : random.randint(1, 8)]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("transform", "told"),
    [
        (too_large, r"a transform failed on [ab]/\d+.png \(24 × 16 px\): the crop is larger"),
        (ragged, "differ in shape"),
    ],
)
def test_a_failing_transform_says_which_image(root, workers, transform, told):
    with pytest.raises(DataError, match=told) as caught:
        batches(Loader(read(root, transform), 4, Reading(workers=workers)), 0, 2)
    assert "Traceback" not in str(caught.value)
    assert "transforms" in caught.value.advice


def test_an_empty_set(root):
    with pytest.raises(DataError, match="the set holds no images"):
        Images(root, [], plain, seed=0)


# processes


def children() -> set[int]:
    return {int(p) for p in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


@pytest.mark.skipif(not processes.LINUX, reason="reads /proc")
def test_close_ends_the_workers(root):
    before = children()
    train, val = Loader(read(root), 4, Reading(workers=2)), Loader(read(root, stand_in=False), 4, Reading(workers=1))
    stream = train.stream()
    next(stream)
    list(val.once())
    assert len(children() - before) == 3
    train.close()
    val.close()
    assert children() <= before


KILLED = """
    import os, sys, time
    from pathlib import Path
    import torch
    from nbtrain.data.images import Images
    from nbtrain.data.loader import Loader, Reading
    from nbtrain.data.sources import detect

    def slow(image):
        time.sleep(0.05)
        return image

    root = Path(sys.argv[1])
    stream = Loader(Images(root, detect(root).listing().records, slow, seed=0), 4, Reading(workers=2)).stream()
    next(stream)
    print(Path(f"/proc/self/task/{os.getpid()}/children").read_text(), flush=True)
    time.sleep(60)
"""


@pytest.mark.faults
@pytest.mark.skipif(not processes.LINUX, reason="PR_SET_PDEATHSIG")
def test_workers_die_with_a_killed_trainer(root):
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as trainer:
        workers = [int(pid) for pid in trainer.stdout.readline().split()]
        assert len(workers) >= 2
        trainer.send_signal(signal.SIGKILL)
    for _ in range(100):
        if not any(map(processes.exists, workers)):
            return
        time.sleep(0.02)
    pytest.fail(f"still there: {[pid for pid in workers if processes.exists(pid)]}")
