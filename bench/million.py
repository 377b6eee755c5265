"""An image folder of a million files: seconds and memory of all that a person does with it before its first step.

Each step runs in a process of its own, on what the one before has left, so that its peak memory is its own. The images
are names of a few small files. Not among the parts that run by themselves: making and removing a million names takes as
long as measuring. NBTRAIN_BENCH_IMAGES=100000 makes fewer.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.table import Row

TITLE = "An image folder of a million files"
IMAGES = int(os.environ.get("NBTRAIN_BENCH_IMAGES", "1000000"))
_LINKS = 10_000
"""Names that one file is given: file systems limit them."""
_IN_FOLDER = 1_000


def measure() -> list[Row]:
    """Return seconds and peak memory of each step."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        root = Path(folder)
        _make(root / "images")
        for name in _STEPS:
            argv = [sys.executable, "-m", "bench.million", name, folder]
            done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
            told = json.loads(done.stdout.splitlines()[-1])
            label = f"{IMAGES:,} images: {name}".replace(",", " ")
            rows += [Row(label, "s", (told["s"],)), Row(f"{label}, peak memory", "MiB", (told["mib"],))]
            print(f"{name}: {told}", file=sys.stderr, flush=True)
    return rows


def _make(folder: Path) -> None:
    from PIL import Image

    for number in range(IMAGES):
        place = folder / f"class-{number % 10}" / f"{number // (10 * _IN_FOLDER):03}"
        if number % (10 * _IN_FOLDER) < 10:
            place.mkdir(parents=True)
        if number % _LINKS == 0:
            source = folder.parent / f"one-{number}.png"
            Image.new("RGB", (8, 8), (number // _LINKS % 256, 0, 0)).save(source)
        os.link(source, place / f"{number:07}.png")


# -- steps, each in its own process -----------------------------------------------------------------------------------


def _look(root: Path) -> None:
    from nbtrain.data.sources import look

    list(look(root / "images").lines())


def _add(root: Path) -> None:
    from nbtrain.project.project import Project

    Project(root / "project").add_images(root / "images", "many")


def _stage(root: Path) -> None:
    """Opened, until the gallery has all images: they are listed aside meanwhile."""
    from nbtrain.project.project import Project
    from nbtrain.ui.data_stage import DataStage

    project = Project(root / "project")
    stage = DataStage(project)
    stage.show(project, None)
    while stage.gallery.total != IMAGES:
        if stage.data.reading.get("trouble"):
            raise RuntimeError(stage.data.reading["trouble"])
        time.sleep(0.01)


def _freeze(root: Path) -> None:
    """A click on Train, up to the process: the split is drawn and written."""
    from nbtrain.project import freeze
    from nbtrain.project.project import Project

    project = Project(root / "project")
    config = project.new_config().set("data.dataset", "many")
    frozen = freeze.frozen(project.data, config)
    (root / "frozen.json").write_text(json.dumps(frozen))


def _start(root: Path) -> None:
    """What a run's process lists before it opens the first image."""
    from nbtrain.data import assembly

    frozen = json.loads((root / "frozen.json").read_text())
    data = assembly.recorded(frozen["dataset"], root / "project/datasets")
    if data.hash != frozen["dataset"]["hash"] or len(data.listing) != IMAGES:
        raise RuntimeError("the run found other data")


def _relabel(root: Path) -> None:
    from nbtrain.project.project import Project

    data = Project(root / "project").dataset("many")
    data.relabel(data.listing().records[0].file, "class-9")


_STEPS: dict[str, Callable[[Path], None]] = {
    "look": _look,
    "add": _add,
    "data stage": _stage,
    "train, up to the process": _freeze,
    "run's start, listing": _start,
    "one image relabelled": _relabel,
}


if __name__ == "__main__":
    began_s = time.perf_counter()
    _STEPS[sys.argv[1]](Path(sys.argv[2]))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"s": round(time.perf_counter() - began_s, 2), "mib": round(peak_mib)}), flush=True)
    os._exit(0)
