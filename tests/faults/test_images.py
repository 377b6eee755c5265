"""Image files that are not what they seem, and data that changes under a run, through whole runs."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flows.conftest import LIMIT_S, LONG, QUICK, until
from images import write_classes
from nbtrain.project import freeze
from nbtrain.runs.folder import RunFolder

pytestmark = pytest.mark.usefixtures("warm")


def bomb(path):
    """A few hundred bytes that claim to be 60 000 × 60 000 pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def truncated(path):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


BAD = {
    "000.png": bomb,
    "001.png": truncated,
    "002.png": lambda path: path.write_bytes(b""),
    "003.png": lambda path: path.write_bytes(os.urandom(500)),
    "004.png": lambda path: path.write_text("<svg><script>alert(1)</script></svg>"),
}


def odd(folder):
    """Write what cameras, scanners and microscopes make: all of it can be used."""
    pixels = np.full((20, 30), 30_000, np.uint16)
    Image.fromarray(pixels).save(folder / "sixteen.png")
    Image.fromarray(pixels).save(folder / "sixteen.tif")
    Image.new("CMYK", (30, 20), (0, 255, 255, 0)).save(folder / "cmyk.jpg")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (40, 20), "red").save(folder / "turned.jpg", exif=turned)
    Image.new("P", (20, 20)).save(folder / "palette.png")
    Image.new("LA", (20, 20)).save(folder / "clear.png")
    Image.new("1", (20, 20)).save(folder / "one-bit.png")
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(folder / "moves.gif", save_all=True, append_images=frames[1:])
    (folder / "wrong-ending.png").write_bytes((folder / "cmyk.jpg").read_bytes())


@pytest.mark.parametrize("workers", [0, 2])
def test_every_odd_image_trains_and_every_bad_one_is_told_once(project, tmp_path, workers):
    folder = write_classes(tmp_path / "odd", {"a": 20, "b": 20})
    odd(folder / "a")
    for name, spoil in BAD.items():
        spoil(folder / "b" / name)
    project.add_images(folder, "odd")
    experiment = project.new("Odd")
    changes = {"data.dataset": "odd", "data.allowed_bad_share": 0.5, "data.workers": workers}
    experiment.config = experiment.config.set_all(changes)
    experiment.train(beside=True)
    assert experiment.wait(LIMIT_S) == "completed", experiment.error
    told = " ".join(notice["text"] for notice in experiment.notices)
    assert [told.count(f"b/{name}") for name in BAD] == [1] * len(BAD), told
    assert "b/005.png" not in told
    assert "a/" not in told
    assert np.isfinite(experiment.curves.series("train", "loss")[2]).all()


@pytest.fixture
def large(project, tmp_path):
    """Start a run without end on images that are too large, together, to be kept in memory."""
    folder = tmp_path / "large"
    for name, colour in (("red", "red"), ("blue", "blue")):
        (folder / name).mkdir(parents=True)
        for number in range(14):
            Image.new("RGB", (1000, 1000), colour).save(folder / name / f"{number:03}.png", compress_level=1)
    project.add_images(folder, "large")
    experiment = project.new("Large")
    changes = {**LONG, "data.dataset": "large", "task.image_size": 32, "data.workers": 2, "data.cache": "off"}
    experiment.config = experiment.config.set_all(changes)
    experiment.train(beside=True)
    until(lambda: experiment.step > 0 or not experiment.running)
    assert experiment.status == "training", experiment.error
    return experiment, folder


def test_images_deleted_during_a_run_are_skipped_and_told(large):
    experiment, folder = large
    for number in range(7):
        (folder / "red" / f"{number:03}.png").unlink()
    until(lambda: sum("is skipped" in notice["text"] for notice in experiment.notices) >= 6)
    step = experiment.step
    until(lambda: experiment.step > step)
    texts = [notice["text"] for notice in experiment.notices]
    assert len(texts) == len(set(texts))


def test_a_run_whose_images_are_all_gone_fails_with_the_folder(large):
    experiment, folder = large
    folder.rename(folder.with_name("elsewhere"))
    assert experiment.wait(LIMIT_S) == "failed"
    assert experiment.error["cause"] == "data"
    assert str(folder) in experiment.error["message"]


def test_too_little_shared_memory_is_told_as_such(project, tmp_path):
    """A container with a /dev/shm of 64 kB, in a mount namespace of its own."""
    experiment = project.new("Small")
    changes = {**QUICK, "data.workers": 2, "data.worker_kind": "processes", "task.image_size": 128}
    experiment.config = experiment.config.set_all(changes)
    experiment.save()
    run = RunFolder.create(experiment.folder, freeze.frozen(project.data, experiment.config))
    script = 'mount -t tmpfs -o size=64k tmpfs /dev/shm || exit 99; exec "$@"'
    worker = [sys.executable, "-m", "nbtrain.runs.worker", str(run.path), "beside"]
    argv = ["unshare", "-m", "sh", "-c", script, "sh", *worker]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=90)
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("a mount namespace of its own is not permitted here")
    assert run.shown_status().status == "failed", done.stderr[-2000:]
    failure = run.failure()
    assert failure.cause == "shared memory", failure
    assert "shared memory" in failure.message
    assert any("data.workers" in advice for advice in failure.advice)


SECRETS = ("WANDB_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_PASSWORD")


@pytest.mark.parametrize("fails", [False, True], ids=["a run that ends well", "a run that fails"])
def test_no_secret_of_the_environment_lands_on_disk_or_on_the_page(project, tmp_path, monkeypatch, fails):
    from nbtrain.cli.printing import plain
    from nbtrain.ui.snapshot import experiment_html, project_html

    secret = "s3cr3t-0123456789abcdef"
    for name in SECRETS:
        monkeypatch.setenv(name, secret)
    experiment = project.new("Secret")
    experiment.train(beside=True)
    if fails:
        until(lambda: experiment.step > 0 or not experiment.running)
        os.kill(RunFolder(experiment.run_path).owner()["pid"], 11)
    assert experiment.wait(LIMIT_S) == ("failed" if fails else "completed"), experiment.error
    until((Path(experiment.run_path) / "exit.json").exists)
    written = [path for path in project.path.rglob("*") if path.is_file()]
    assert len(written) > 10
    assert [str(path) for path in written if secret.encode() in path.read_bytes()] == []
    shown = [experiment_html(experiment), project_html(project), repr(experiment), plain(experiment)]
    assert secret not in repr(shown)
