"""Show every state of the panels for real and save it, light and dark (``make pictures``).

Each row of STATES is a cell run in a real JupyterLab, and what happens until the picture is taken: a real run trains,
is stopped or fails. Pictures go to docs/pictures/<state>-<theme>.png; the README's, studio.png, is the whole window.
``python scripts/pictures.py training failed`` takes only these.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from playwright.sync_api import BrowserContext, sync_playwright

from browser.chromium import FLAGS, installed
from browser.page import NotebookView
from browser.server import LabServer

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
Theme = Literal["light", "dark"]
HEIGHT_PX = 1000

NEW = """
from nbtrain import TrainingStudio, demo
project = demo.digits()
exp = project.new("Baseline")
exp.set("training.epochs", {epochs})
"""
COLD = "import os\nos.environ['NBTRAIN_WARM'] = '0'  # a start in a fresh Python can be seen\n"
SHOW = "TrainingStudio(project)"
PROBLEMS = """
from pathlib import Path
images = sorted(Path().rglob("*.png"))
images[5].write_bytes(images[5].read_bytes()[:60])
images[40].write_bytes(b"")
for copy, image in enumerate(images[100:104]):
    (images[700 + 40 * copy].parent / f"copy-{copy}.png").write_bytes(image.read_bytes())
data = project.dataset()
data.refresh()
data.relabel(data.listing().records[11].file, data.classes[3])
exp.save()
project.data.make_split(exp.config.data)
"""
OTHERS = """
from PIL import Image
from pathlib import Path
for place, letter in enumerate("abc"):
    (Path("letters") / letter).mkdir(parents=True)
    for number in range(40):
        Image.new("L", (8, 8), 40 * place + number).save(Path("letters") / letter / f"{number}.png")
project.add_images("letters", "letters")
"""
SEVERAL = (
    NEW.format(epochs=4)
    + """
other = project.new("Lower rate", exp.config.set("optimizer.lr", 1e-4), tags=["rate"])
plain = project.new("No augmentation", exp.config.set("augmentation.train", []), tags=["ablation"])
for one in (exp, other, plain):
    one.train().wait()
project.new("Larger batch", exp.config.set("training.batch_size", 128)).save()
last = project.new("Longer", exp.config.set("training.epochs", 40)).train()
"""
)


LABELS = """
import numpy as np
from pathlib import Path
from PIL import Image
from nbtrain import Project, TrainingStudio, demo
digits = sorted(demo.write_images(Path("digits")).rglob("*.png"))
chance, rows = np.random.default_rng(3), ["file,labels,writer"]
Path("pairs").mkdir()
for number in range(900):
    two = [digits[place] for place in chance.integers(0, len(digits), 2)]
    image = Image.new("RGB", (64, 32))
    for place, digit in enumerate(two):
        image.paste(Image.open(digit), (32 * place, 0))
    image.save(f"pairs/{number:03}.png")
    labels = {digit.parent.name for digit in two} | {"has a loop" for digit in two if digit.parent.name in "0689"}
    rows.append(f"{number:03}.png,{'|'.join(sorted(labels))},writer {chance.integers(1, 9)}")
Path("pairs/labels.csv").write_text("\\n".join(rows))
project = Project("two-digits")
project.add_images("pairs/labels.csv", "pairs")
exp = project.new("Two digits", project.new_config().set_all({
    "task.image_size": 32, "model.variant": "test_resnet", "training.epochs": 6, "training.batch_size": 64,
    "optimizer.lr": 2e-3, "data.val_ratio": 0.3, "augmentation.train": [{"kind": "resize"}],
}))
exp.train().wait()
exp.evaluate().wait()
"""


def nothing(view: NotebookView) -> None:
    """Take the picture as soon as the cell has run."""


def pictured(view: NotebookView) -> None:
    """Open the augmentation panel and wait for its pictures."""
    view.output.locator("[data-section=augmentation] > summary").click()
    view.output.locator("[data-section=augmentation]").evaluate("section => section.scrollIntoView()")
    view.output.locator("figure.preview img").nth(7).wait_for(timeout=120_000)


def stage(label: str, sign: str) -> Callable[[NotebookView], None]:
    """Return an act that opens a stage and waits for a sign of it."""

    def open_stage(view: NotebookView) -> None:
        view.wait_for("exp.status == 'completed' and last.epoch >= 2")
        view.output.get_by_role("tab", name=label).click()
        view.output.locator(sign).first.wait_for()

    return open_stage


def browsed(view: NotebookView) -> None:
    """Scan the images, then select two of them."""
    view.output.get_by_role("tab", name="Data").click()
    view.output.get_by_role("button", name="Scan all images").click()
    view.output.locator(".nbt-data .kinds li").first.wait_for(timeout=120_000)
    for place in (3, 4):
        view.output.locator(".nbt-gallery .tile").nth(place).click(modifiers=["ControlOrMeta"])
    view.output.locator(".nbt-gallery .tile img").nth(40).wait_for()


def counted(view: NotebookView) -> None:
    """Scan the images, then open the statistics."""
    view.output.get_by_role("tab", name="Data").click()
    view.output.get_by_role("button", name="Scan all images").click()
    view.output.locator(".nbt-data .kinds li").first.wait_for(timeout=120_000)
    view.output.get_by_role("button", name="Statistics").click()
    view.output.locator(".nbt-statistics .brightness .upright").wait_for(timeout=120_000)


def guided(view: NotebookView) -> None:
    """Merge two data sets in the guided start, and look at their classes."""
    view.output.get_by_label("Other ways to begin").click()
    view.output.get_by_role("menuitem", name="Guided start…").click()
    guide = view.output.locator(".nbt-guide")
    guide.get_by_role("button", name="Next: Data").click()
    for name in ("digits", "letters"):
        guide.get_by_role("region", name="This project").get_by_role("checkbox", name=name).check()
    guide.locator(".merged").wait_for()
    guide.get_by_role("button", name="Next: Classes").click()
    guide.locator("table.classes tbody tr").nth(12).wait_for()


def judged(view: NotebookView) -> None:
    """Open the evaluation and wait for its errors."""
    view.output.get_by_role("tab", name="Evaluate").click()
    view.output.locator(".nbt-gallery .tile img").first.wait_for()


def compared(view: NotebookView) -> None:
    """Tick two runs in the table and compare them with the selected one."""
    stage("Runs", ".nbt-run_table tbody tr")(view)
    for name in ("Lower rate", "No augmentation"):
        view.output.locator(".nbt-run_table").get_by_label(f"Compare {name}").check()
    view.output.get_by_role("button", name="Compare 3 experiments").click()
    view.output.locator(".nbt-comparison .plot svg").nth(3).wait_for()


def until(condition: str, limit_s: float = 120) -> Callable[[NotebookView], None]:
    """Return an act that waits until a Python expression is true in the kernel."""

    def wait(view: NotebookView) -> None:
        view.wait_for(condition, limit_s=limit_s)

    return wait


@dataclass(frozen=True)
class State:
    """One picture: what leads to it, the cell that shows it, and what happens until it is taken."""

    name: str
    setup: str = ""
    """Run in the kernel before the cell, unseen."""
    code: str = SHOW
    """The one cell of the notebook."""
    act: Callable[[NotebookView], None] = nothing
    width_px: int = 1600
    height_px: int = HEIGHT_PX
    whole_window: bool = False
    """The README's picture: saved as <name>.png, light only, with JupyterLab around it."""


TRAINING = NEW.format(epochs=30) + "exp.train()"
STATES = (
    State("empty", code="from nbtrain import TrainingStudio\n\nTrainingStudio()"),
    State("created", NEW.format(epochs=20)),
    State("augmentation", NEW.format(epochs=20), act=pictured),
    State("preparing", COLD + NEW.format(epochs=20) + "exp.train()", act=until("exp.status == 'preparing'")),
    State("training", TRAINING, act=until("exp.epoch >= 3")),
    State("narrow", TRAINING, act=until("exp.epoch >= 3"), width_px=760, height_px=2600),
    State(
        "pending",
        TRAINING + "\nfor name in ('Second', 'Third'): last = project.new(name).train(queue=True)",
        act=until("last.place == 2"),
    ),
    State(
        "paused",
        NEW.format(epochs=30) + "exp.on('epoch', lambda *news: exp.pause())\nexp.train()",
        act=until("exp.status == 'paused'"),
    ),
    State("completed", NEW.format(epochs=4) + "exp.train()", act=until("exp.status == 'completed'")),
    State(
        "cancelled",
        NEW.format(epochs=30) + "exp.on('epoch', lambda *news: exp.stop())\nexp.train()",
        act=until("exp.status == 'cancelled'"),
    ),
    State(
        "failed",  # the images are gone between the listing and the run
        NEW.format(epochs=4)
        + "project.data.make_split(exp.config.data)\nfrom pathlib import Path\n"
        + "for image in Path().rglob('*.png'): image.unlink()\nexp.train()",
        act=until("exp.status == 'failed'"),
    ),
    State("data", NEW.format(epochs=4) + PROBLEMS, act=browsed, height_px=1200),
    State("statistics", NEW.format(epochs=4) + PROBLEMS, act=counted, height_px=2200),
    State("guide", NEW.format(epochs=4) + OTHERS, act=guided),
    State("evaluate", NEW.format(epochs=4) + "exp.train().wait(); exp.evaluate().wait()", act=judged, height_px=2500),
    State("evaluate-multilabel", LABELS, act=judged, height_px=2500),
    State("runs", SEVERAL, act=stage("Runs", ".nbt-run_table tbody tr")),
    State("compare", SEVERAL, act=compared, height_px=1400),
    State("studio", TRAINING, act=until("exp.epoch >= 8"), whole_window=True),
)


def take(view: NotebookView, state: State) -> Iterator[Path]:
    """Save the state's pictures and yield their paths."""
    if state.whole_window:
        view.theme("light")
        path = PICTURES / f"{state.name}.png"
        view.page.screenshot(path=path)
        yield path
        return
    for theme in get_args(Theme):
        view.theme(theme)
        path = PICTURES / f"{state.name}-{theme}.png"
        view.output.screenshot(path=path)
        yield path


def show(context: BrowserContext, server: LabServer, state: State) -> None:
    """Bring one state about in a folder and a notebook of its own, and take its pictures."""
    (server.root / state.name).mkdir()
    name = server.write_notebook(f"{state.name}/{state.name}.ipynb", [state.code])
    view = NotebookView(context.new_page(), server, name)
    view.viewport(state.width_px, state.height_px)
    view.sidebar(shown=False)
    view.kernel.execute(state.setup)
    view.run()
    state.act(view)
    for path in take(view, state):
        print(path.relative_to(PICTURES.parents[1]), flush=True)
    if view.evaluate("'exp' in globals()"):
        view.kernel.execute(
            "for one in project.experiments(): one.stop()\nfor one in project.experiments(): one.wait()"
        )
    view.close()


@contextmanager
def chromium() -> Iterator[BrowserContext]:
    """Start Chromium with a fresh profile."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=installed(), args=list(FLAGS), viewport={"width": 1600, "height": HEIGHT_PX}
        )
        yield context
        context.close()


def main(names: list[str]) -> int:
    """Take the pictures of the named states, or of all; 1 where a state could not be shown."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    server, missed = LabServer(), []
    try:
        with chromium() as context:
            for state in STATES:
                if names and state.name not in names:
                    continue
                try:
                    show(context, server, state)
                except Exception as error:  # noqa: BLE001 - the other pictures are still wanted
                    missed.append(state.name)
                    print(f"{state.name}: {error}", file=sys.stderr)
    finally:
        server.stop()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
