"""The digits project: written once, whole or not at all, and the same for everybody."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from nbtrain import demo
from nbtrain.config import Config
from nbtrain.data.decode import decode
from nbtrain.errors import ProjectError


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = demo.digits(tmp_path_factory.mktemp("demo") / "digits")
    yield made
    made.close()


def test_the_project_is_ready_to_train(project):
    (dataset,) = project.datasets()
    assert dataset.name == demo.DATASET
    assert dataset.n_images == demo.N_IMAGES
    assert dataset.classes == tuple("0123456789")
    assert dataset.counts == tuple(np.bincount(load_digits().target))
    assert dataset.notices == ()
    config = project.new_config()
    assert config == Config().set_all(demo.SETTINGS)
    assert not config.check(project.facts(config))
    assert not project.data_problems(config)


def test_the_split_is_the_same_for_everybody(project):
    split = project.data.make_split(project.new_config().data)
    assert split.sizes == {"train": 1438, "val": 359, "test": 0}
    assert split.hash == "b3461b123fb2413d"


def test_images_are_the_digits(project):
    found = load_digits()
    for number in (0, 1000, 1796):
        pixels = decode(project.path / "images" / str(found.target[number]) / f"{number:04d}.png")
        assert pixels.shape == (32, 32, 3)
        shrunk = pixels[:, :, 0].reshape(8, 4, 8, 4).mean((1, 3)) * 16 / 255
        assert np.abs(shrunk - found.images[number]).mean() < 1


def test_a_second_call_changes_nothing(project):
    def state():
        return {p: p.stat().st_mtime_ns for p in project.path.rglob("*") if p.is_file()}

    project.defaults = {**project.defaults, "training.epochs": 3}
    project.save()
    before = state()
    again = demo.digits(project.path)
    assert again.new_config().training.epochs == 3
    assert state() == before
    again.close()


def test_a_second_call_loads_no_scikit_learn(project):
    code = f"import sys; from nbtrain import demo; demo.digits({str(project.path)!r}); print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_is_missing_is_written_anew(tmp_path):
    images = demo.write_images(tmp_path / "images")
    (images / "3" / "0003.png").unlink()
    (images / "4" / "0004.png").write_bytes(b"")
    kept = (images / "0" / "0000.png").stat().st_mtime_ns
    demo.write_images(images)
    assert len(list(images.rglob("*.png"))) == demo.N_IMAGES
    assert (images / "4" / "0004.png").stat().st_size
    assert (images / "0" / "0000.png").stat().st_mtime_ns == kept
    assert [p.name for p in tmp_path.iterdir()] == ["images"]


@pytest.mark.faults
def test_a_killed_first_call_leaves_no_half_set(tmp_path):
    """The folder appears at the very end: killed before that, there is none, and the next call begins anew."""
    code = (
        "import os, sys; from pathlib import Path; from nbtrain import demo\n"
        "os.rename = lambda *_: os.kill(os.getpid(), 9)\n"
        "demo.write_images(sys.argv[1])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "images")], check=False)
    assert done.returncode == -9
    assert not (tmp_path / "images").exists()
    (left,) = tmp_path.iterdir()
    os.utime(left, (0, 0))
    demo.write_images(tmp_path / "images")
    assert len(list((tmp_path / "images").rglob("*.png"))) == demo.N_IMAGES
    assert not left.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_a_read_only_folder_is_told():
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        user = os.geteuid()
        try:
            if user == 0:
                os.seteuid(65534)
            with pytest.raises(ProjectError, match="the digits could not be written: Permission denied"):
                demo.write_images(Path(name) / "images")
        finally:
            os.seteuid(user)


def test_settings_are_valid_by_themselves():
    assert Config().set_all(demo.SETTINGS).augmentation.train[1].padding == 2


def test_a_project_that_was_moved_finds_its_images(tmp_path):
    demo.digits(tmp_path / "here").close()
    (tmp_path / "here").rename(tmp_path / "there")
    moved = demo.digits(tmp_path / "there")
    (dataset,) = moved.datasets()
    assert Path(dataset.source.path) == tmp_path / "there" / "images"
    moved.close()
