"""The gallery at a hundred thousand images, in a real JupyterLab in a real browser.

First paint: from the click on the stage's tab to the frame that shows the first row of pictures, with the list of files
known, as it is when the stage is opened for the second time in a kernel; and once with nothing known. Scrolling: every
frame of a fast scroll over the whole list is looked at, and how long a tile in view stays without its picture.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from bench import loader, photographs
from bench.notebook import notebook
from bench.table import Row

TITLE = "Gallery"
IMAGES, ROUNDS, SCROLLS = 100_000, 3, 40
_LINKS = 10_000
_STUDIO = """from nbtrain import TrainingStudio, Project
project = Project("project")
if not project.data.names(): project.add_images({path!r}, "photographs")
studio = TrainingStudio(project); studio"""
_OPEN = """async () => {
    const began = performance.now();
    [...document.querySelectorAll('[role=tab]')].find(tab => tab.textContent.trim() === 'Data').click();
    const pictures = () => [...document.querySelectorAll('.nbt-gallery .tile img')];
    const loaded = () => pictures().filter(one => one.complete).length >= 6;
    return await new Promise(done => { const look = () => loaded()
        ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)))
        : requestAnimationFrame(look); look(); });
}"""
_SCROLL = """async ([steps, share]) => {
    const view = document.querySelector('.nbt-gallery .view'), blank = [];
    const inside = tile => { const a = tile.getBoundingClientRect(), b = view.getBoundingClientRect();
        return a.bottom > b.top && a.top < b.bottom; };
    for (let step = 1; step <= steps; step++) {
        view.scrollTop = step * share * view.clientHeight;
        const began = performance.now();
        await new Promise(done => { const look = () => {
            const tiles = [...view.querySelectorAll('.tile')].filter(inside);
            const whole = tile => tile.querySelector('img')?.complete || tile.querySelector('.broken');
            tiles.length && tiles.every(whole) ? done() : requestAnimationFrame(look); };
            requestAnimationFrame(look); });
        blank.push(performance.now() - began);
    }
    return blank;
}"""


def measure() -> list[Row]:
    """Return first paints, how long tiles stay blank while one scrolls, and what is sent."""
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        images = Path(folder, "images")
        _link(images, IMAGES)
        code = _STUDIO.format(path=str(images))
        with notebook(Path(folder, "lab"), [code]) as (view, frames):
            view.run()
            view.page.wait_for_timeout(1500)
            frames.reset()
            fresh_ms = view.page.evaluate(_OPEN)
            opened = (frames.comm, frames.size_bytes / 1e6)
            known_ms = [_again(view, code) for _ in range(ROUNDS)]
            near = view.page.evaluate(_SCROLL, [SCROLLS, 1.0])
            far = view.page.evaluate(_SCROLL, [SCROLLS, 37.0])
            known_ms.append(_again(view, code))
            kept = view.page.evaluate(_SCROLL, [SCROLLS, 37.0])
    return [
        Row("first paint, the list of files not known yet", "ms", (fresh_ms,)),
        Row("first paint", "ms", tuple(known_ms), 500),
        Row("comm messages of it", "", (opened[0],)),
        Row("sent for it", "MB", (opened[1],)),
        Row("page by page: a page without all its pictures", "ms", tuple(near), 200),
        Row("of it the slowest", "ms", (max(near),)),
        Row("by jumps of 37 pages, no thumbnail kept: the same", "ms", tuple(far)),
        Row("by jumps of 37 pages, thumbnails kept: the same", "ms", tuple(kept), 200),
        Row("of it the slowest", "ms", (max(kept),)),
    ]


def _again(view: Any, code: str) -> float:
    """Show the studio anew in the same kernel, and once it is painted open the stage."""
    view.run()
    view.output.locator(".nbt-form .field").first.wait_for()
    view.page.wait_for_timeout(1500)
    found: float = view.page.evaluate(_OPEN)
    return found


def _link(folder: Path, count: int) -> None:
    """Make a folder of so many names for a few photographs, in ten classes."""
    sources = sorted(photographs.folder(loader.IMAGES).rglob("*.jpg"))
    for number in range(count):
        place = folder / f"class-{number % 10}"
        if number < 10:
            place.mkdir(parents=True)
        if number % _LINKS == 0:
            (source := folder.with_suffix(f".{number}")).write_bytes(sources[number // _LINKS].read_bytes())
        os.link(source, place / f"{number:07}.jpg")
