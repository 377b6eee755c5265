"""How soon the pictures in the form follow a change: eight images as the model will get them.

In this process: from ``experiment.set`` to the moment when the pictures' bytes are handed to the widget, through the
form, the renderer's own process and back, once that is warm. The images are JPEG photographs of 640×480 px (and of
12 million pixels, decoded once and then kept). In the browser: from the click on a step's switch to the frame that
shows all eight new pictures. The first pictures after nobody looked for a while cost a fork of the warm process.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.notebook import notebook
from bench.table import Row
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.runs import launch
from nbtrain.runs.previews import PREVIEWS
from nbtrain.ui.form import Form

TITLE = "Preview: from the change to the pixels"
ROUNDS, CLICKS, LIMIT_MS = 20, 12, 300.0
STRONG = [
    {"kind": "random_resized_crop"},
    {"kind": "horizontal_flip"},
    {"kind": "rotation"},
    {"kind": "trivial_augment"},
    {"kind": "random_erasing"},
]
_STUDIO = """from nbtrain import Project, TrainingStudio
project = Project({path!r}); exp = project.experiment("Seen"); studio = TrainingStudio(project); studio"""
_CLICK = """async () => {
    const figure = document.querySelector('figure.preview');
    const addresses = () => [...figure.querySelectorAll('img')].map(one => one.src).join();
    const before = addresses(), began = performance.now();
    document.querySelector("[data-part='augmentation.train.1'] input[type=checkbox]").click();
    while (addresses() === before) await new Promise(requestAnimationFrame);
    await Promise.all([...figure.querySelectorAll('img')].map(one => one.decode()));
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - began;
}"""


def measure() -> list[Row]:
    """Return the milliseconds of each kind of change, and of the first pictures."""
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        root = Path(folder)
        project = Project(root / "project")
        project.add_images(_photographs(root / "small", 40, (640, 480)), "small")
        project.add_images(_photographs(root / "large", 8, (4000, 3000)), "large")
        experiment = project.new("Seen")
        experiment.set("data.dataset", "small")
        experiment.save()
        _await_warm()
        rows = _in_python(experiment)
        experiment.revert()
        PREVIEWS.close()
        return [*rows, _in_browser(root, project.path)]


def _await_warm() -> None:
    while not launch.ensure_warm():
        time.sleep(0.2)
    time.sleep(10)  # it listens before it has imported everything


def _photographs(folder: Path, count: int, size: tuple[int, int]) -> Path:
    generator = np.random.default_rng(0)
    for number in range(count):
        coarse = generator.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        path = folder / f"{number % 2}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path, quality=90)
    return folder


def _in_python(experiment: Experiment) -> list[Row]:
    form = Form(experiment)
    began_s = time.perf_counter()
    form.perform("look", view="bench", on=True)
    first_ms = _arrived(form, [], began_s)
    seeds = iter(range(100, 10_000))

    def changed(*changes: tuple[str, Any]) -> tuple[float, ...]:
        for path, value in changes:
            experiment.set(path, value)
        _settled(form)
        return tuple(_change(form, lambda: experiment.set("training.seed", next(seeds))) for _ in range(ROUNDS))

    default = changed()
    sizes = cycle((232, 240))
    resized = tuple(_change(form, lambda: experiment.set("task.image_size", next(sizes))) for _ in range(ROUNDS))
    mixing = (("augmentation.mixup", 0.2), ("augmentation.cutmix", 1.0))
    rows = [
        Row("8 photographs, default list, 224 px", "ms", default, LIMIT_MS),
        Row("the image size changes", "ms", resized, LIMIT_MS),
        Row("five steps with TrivialAugment, 224 px", "ms", changed(("augmentation.train", STRONG)), LIMIT_MS),
        Row("the same with mixup and cutmix", "ms", changed(*mixing), LIMIT_MS),
        Row("the same at 384 px", "ms", changed(("task.image_size", 384)), None),
        Row("the first pictures, forked from the warm process", "ms", (first_ms,), None),
    ]
    experiment.revert()
    _settled(form)
    large_ms = _change(form, lambda: experiment.set("data.dataset", "large"))
    rows.append(Row("8 photographs of 12 million pixels, decoded once", "ms", (large_ms,), None))
    rows.append(Row("the same photographs after a change", "ms", changed(), None))
    form.close()
    return rows


def _change(form: Form, change: Callable[[], None]) -> float:
    before = form.pictures
    form.perform("look", view="bench", on=True)
    began_s = time.perf_counter()
    change()
    return _arrived(form, before, began_s)


def _arrived(form: Form, before: list[Any], began_s: float) -> float:
    while form.pictures == before or form.preview.get("busy"):
        time.sleep(0.0005)
        if form.preview.get("problem"):
            raise RuntimeError(form.preview["problem"])
    return 1000 * (time.perf_counter() - began_s)


def _settled(form: Form) -> None:
    time.sleep(0.2)
    while form.preview.get("busy"):
        time.sleep(0.01)
    time.sleep(0.1)


def _in_browser(root: Path, path: Path) -> Row:
    with notebook(root, [_STUDIO.format(path=str(path)), "pass"]) as (view, _):
        view.run(0)
        view.output.locator("[data-section=augmentation] > summary").click()
        figure = view.output.locator("figure.preview")
        figure.evaluate("figure => figure.scrollIntoView()")
        figure.locator("img").nth(7).wait_for(timeout=60_000)
        view.page.wait_for_timeout(2000)
        values = []
        for _ in range(CLICKS):
            values.append(float(view.page.evaluate(_CLICK)))
            view.page.wait_for_timeout(500)
    return Row("in the browser: from a click to the frame with 8 pictures", "ms", tuple(values), LIMIT_MS)
