"""Mutations of places: files that are renamed, removed, or are links, folders, pipes; names in other letters.

Each takes a random generator and a seed, and returns another tree with what the reader promises then.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import quote

from data.fuzzing.promises import ANY, NONE, SAME, Promise, Stems
from data.fuzzing.seeds import Link, Nothing, Pipe, Seed, Tree

Move = Callable[[random.Random, Seed], tuple[Tree, Promise]]


def _images(seed: Seed) -> list[str]:
    return [name for name in seed.tree if name.endswith(".png") and not name.startswith("masks/")]


def _stem(name: str) -> Stems:
    return frozenset({PurePosixPath(name).stem})


def _named(seed: Seed) -> bool:
    """Return whether annotations name the images: then one that is missing is known."""
    return any(kind not in ("boxes", "names", "png", "yaml") for kind in seed.annotations.values())


def image_removed(rng: random.Random, seed: Seed) -> tuple[Tree, Promise]:
    name = rng.choice(_images(seed))
    gone = _stem(name)
    tree = {other: data for other, data in seed.tree.items() if other != name}
    return tree, Promise(gone, silent=NONE if _named(seed) else gone, gone=gone or NONE)


def image_replaced(rng: random.Random, seed: Seed) -> tuple[Tree, Promise]:
    """In an image's place lies something that is none."""
    name = rng.choice(_images(seed))
    odd = (b"", b"no image", Link("nowhere"), Link("."), Link(PurePosixPath(name).name), Pipe())
    return {**seed.tree, name: rng.choice(odd)}, Promise(_stem(name))


def image_renamed(rng: random.Random, seed: Seed) -> tuple[Tree, Promise]:
    """Names that people and machines make: the annotations keep the old one."""
    name = rng.choice(_images(seed))
    path = PurePosixPath(name)
    odd = (
        path.name.upper(), path.name.replace(".png", ".PNG"), unicodedata.normalize("NFD", path.name), f" {path.name}",
        f"{path.stem}.png.png", f"{path.stem}", f"{path.stem}.", f"{path.stem}.jpg", f".{path.name}", f"~${path.name}",
        f"{path.stem} (1).png", f"0a1b2c3d-{path.name}", quote(path.name), f"{path.stem}\n.png",
        f"{path.stem}\x1b[0m.png", f"{path.stem}\udce9.png", f"{path.stem};a,b\"'.png", f"{path.stem}\u202e.png",
        f"{path.stem}{'x' * 200}.png", "-rf.png", f"{path.stem}\\x.png", "%s.png", "$(x).png", "__init__.png", "*.png",
    )  # fmt: skip
    tree = {other: data for other, data in seed.tree.items() if other != name}
    renamed = str(path.with_name(rng.choice(odd)))
    return {**tree, renamed: seed.tree[name]}, Promise(_stem(name), silent=_stem(name), grows=True)


def folder_renamed(rng: random.Random, seed: Seed) -> tuple[Tree, Promise]:
    """A folder of images under another name: its class, its set, or where they are looked for."""
    folders = sorted({part for name in seed.tree for part in PurePosixPath(name).parent.parts})
    if not folders:
        return dict(seed.tree), SAME
    was = rng.choice(folders)
    names = (
        was.upper(),
        f"{was} ",
        f"{was}\udce9",
        f".{was}",
        "train",
        "test",
        "x",
        "None",
        "nan",
        "a\nb",
        "\u202ex",
        "images",
    )
    now = rng.choice((*names, "labels", "@eaDir", "y" * 255, was[::-1], unicodedata.normalize("NFD", was)))
    return {
        "/".join(now if part == was else part for part in name.split("/")): data for name, data in seed.tree.items()
    }, Promise(silent=None, grows=True)


def annotation_replaced(rng: random.Random, seed: Seed) -> tuple[Tree, Promise]:
    """In an annotation file's place lies a folder, a pipe, a link, or nothing."""
    if not seed.annotations:
        return dict(seed.tree), SAME
    name = rng.choice(list(seed.annotations))
    odd = (Link("nowhere"), Link("."), Link(PurePosixPath(name).name), Link("/dev/zero"), Pipe(), Nothing(), None)
    chosen = rng.choice(odd)
    tree = {other: data for other, data in seed.tree.items() if other != name}
    return tree if chosen is None else {**tree, name: chosen}, ANY


def annotation_renamed(rng: random.Random, seed: Seed) -> tuple[Tree, Promise]:
    if not seed.annotations or seed.give:
        return dict(seed.tree), SAME
    name = rng.choice(list(seed.annotations))
    path = PurePosixPath(name)
    now = rng.choice(
        (path.name.upper(), f"x{path.name}", f".{path.name}", f"{path.name}.bak", f"{path.stem}\udce9{path.suffix}")
    )
    tree = {other: data for other, data in seed.tree.items() if other != name}
    return {**tree, str(path.with_name(now)): seed.tree[name]}, ANY


def unwanted_added(rng: random.Random, seed: Seed) -> tuple[Tree, Promise]:
    """What programs leave: it changes nothing."""
    name = rng.choice(list(seed.tree))
    folder = str(PurePosixPath(name).parent)
    left = (
        ".DS_Store", "Thumbs.db", "desktop.ini", "._anna.png", "~$x.csv", "@eaDir/anna.png/SYNOFILE_THUMB.jpg",
        ".thumbnails/x.png", "#recycle/x.png", "__MACOSX/x.png", "anna.png.part",
        ".ipynb_checkpoints/anna-checkpoint.png", "System Volume Information/x.png",
        "node_modules/a/x.png", "wandb/run/x.png",
        "labels.cache", "notes.txt~",
    )  # fmt: skip
    more = rng.sample(left, rng.randrange(1, 4))
    return {**seed.tree, **{f"{folder}/{one}": b"x" for one in more}}, SAME


def folders_added(rng: random.Random, seed: Seed) -> tuple[Tree, Promise]:
    """Folders that are empty, lead back, or lie very deep."""
    more: Tree = {rng.choice(("empty", "EMPTY", "ümlaut", "train2")): Nothing()}
    more |= rng.choice(
        ({"loop": Link(".")}, {"far": Link("/nowhere")}, {"/".join("d" * 150): Nothing()}, {"up": Link("..")})
    )
    return {**seed.tree, **more}, Promise(NONE)


def images_unknown(rng: random.Random, seed: Seed) -> tuple[Tree, Promise]:
    """One more image, which no annotation names, beside another."""
    name = rng.choice(_images(seed))
    return {**seed.tree, str(PurePosixPath(name).with_name("more.png")): b"x"}, Promise(NONE, grows=True)


OF_FILES: tuple[Move, ...] = (annotation_replaced, annotation_renamed, unwanted_added, folders_added)
OF_IMAGES: tuple[Move, ...] = (
    *(image_removed, image_replaced, image_replaced, image_renamed, image_renamed, folder_renamed, images_unknown),
)


def moves(seed: Seed) -> tuple[Move, ...]:
    """Return what can be moved of a seed."""
    return (*OF_FILES, *OF_IMAGES) if _images(seed) else OF_FILES
