"""A Dataset of the person's own, by import path."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from nbtrain.cli import main
from nbtrain.data.sources import DatasetClass, Source, detect
from nbtrain.errors import DataError

CODE = """
import numpy as np
from PIL import Image

class Set:
    classes = ["cat", "dog"]
    def __len__(self): return 6
    def __getitem__(self, i):
        pixels = np.full((8, 6, 3), 20 * i, np.uint8)
        label = [0, 1, [0, 1], np.array([1, 0]), "dog", None][i]
        images = [Image.fromarray(pixels), pixels, pixels / 255, pixels[:, :, 0], Tensor(pixels), pixels]
        return ({"image": images[i], "label": label} if i == 4 else (images[i], label))

class Tensor:
    def __init__(self, pixels): self.pixels = pixels.transpose(2, 0, 1)
    def detach(self): return self
    cpu = detach
    def numpy(self): return self.pixels

made = Set()
class Part:
    dataset = made
    def __len__(self): return 3
    def __getitem__(self, i): return made[i] if i < 2 else 1 / 0
class Stream:
    def __iter__(self): return iter(())
    def __getitem__(self, i): return 1
class Empty(Set):
    def __len__(self): return 0
class Bad(Set):
    def __getitem__(self, i): return np.full((8, 6, 3), 5.0), 0
def broken(): raise RuntimeError("no data here")
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    name = f"own_{abs(hash(tmp_path.name)) % 10**8}"
    (tmp_path / f"{name}.py").write_text(CODE)
    yield name
    sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["Set", "made"])
def test_its_images_are_written_once(name, module, tmp_path):
    source = detect(f"{module}:{name}").set("folder", str(tmp_path)).placed(tmp_path / "unpacked")
    with pytest.raises(DataError, match="not written yet"):
        source.listing()
    said: list[str] = []
    source.prepare(said.append)
    assert said[-1] == "6 of 6 images"
    sys.modules.pop(module)
    listing = Source.parse(source.plain()).listing()
    assert module not in sys.modules
    assert listing.classes == ("cat", "dog")
    assert [record.labels for record in listing.records] == [(0,), (1,), (0, 1), (0,), (1,), ()]
    for number, record in enumerate(listing.records):
        assert np.array(Image.open(listing.root / record.file).convert("RGB")).tolist() == [[[20 * number] * 3] * 6] * 8


def test_items_that_fail_are_left_out(module, tmp_path):
    source = DatasetClass(path=f"{module}:Part", folder=str(tmp_path), unpacked=str(tmp_path / "to"))
    source.prepare()
    listing = source.listing()
    assert len(listing) == 2
    assert "Not used: 1 row of" in listing.notices[0]
    assert "ZeroDivisionError" in listing.notices[0]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gone", "no attribute 'gone'"),
        ("broken", "no data here"),
        ("Stream", "has no length"),
        ("Empty", "is empty"),
        ("Bad", "between 0 and 1"),
    ],
)
def test_what_is_no_dataset(name, told, module, tmp_path):
    source = DatasetClass(path=f"{module}:{name}", folder=str(tmp_path), unpacked=str(tmp_path / "to"))
    with pytest.raises(DataError, match=told):
        source.prepare()
    assert not (tmp_path / "to").exists()


def test_no_such_module():
    with pytest.raises(DataError, match="ModuleNotFoundError"):
        DatasetClass(path="nowhere.at_all:Set", unpacked="/nowhere").prepare()


def test_the_command_writes_them(module, tmp_path, capsys, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["images", f"{module}:Set"]) == 0  # says where its code lies, and runs none of it
    assert f"{module}.py" in capsys.readouterr().out
    assert main(["images", f"{module}:Set", "--unpack", str(tmp_path / "to")]) == 0
    assert "images: 6, " in capsys.readouterr().out
    assert DatasetClass(path=f"{module}:Set", unpacked=str(tmp_path / "to")).listing().counts == (3, 3)


def test_torch_is_not_loaded_by_reading_what_was_written(module, tmp_path):
    source = DatasetClass(path=f"{module}:Set", folder=str(tmp_path), unpacked=str(tmp_path / "to"))
    source.prepare()
    code = (
        "import sys; from nbtrain.data.sources import Source\n"
        f"Source.parse({source.plain()!r}).listing(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
