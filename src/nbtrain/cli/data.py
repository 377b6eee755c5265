"""``nbtrain data``: what a project's data sets hold, and what is said of their images, classes and splits.

Every edit goes into the journal beside the data set and can be taken back; the images themselves are never touched.
"""

from __future__ import annotations

import argparse
import shlex
import time
from typing import Any

from nbtrain.cli.options import Commands, add_images_root, add_project, add_project_again, add_reading
from nbtrain.cli.output import say, say_json
from nbtrain.data.names import Alike
from nbtrain.data.sources import chosen
from nbtrain.project.dataset import LiveDataSet
from nbtrain.project.project import Project


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    data = commands.add_parser("data", help="list, edit and split the data sets of a project")
    add_project(data)
    data.set_defaults(run=_list)
    actions = data.add_subparsers(metavar="ACTION")
    add_project_again(actions.add_parser("ls", help="list the data sets"))
    show = _action(actions, "show", "classes, sources, problems and splits of a data set", _show)
    show.add_argument("--json", action="store_true", help="print machine-readable values")
    _action(actions, "history", "every edit with its id, oldest first", _history)
    more = _action(actions, "add", "add a source to a data set; its classes are matched by name", _add)
    more.add_argument("path", help="folder or table with images")
    more.add_argument("--as", dest="short", default="", metavar="SHORT", help="what its files begin with")
    add_images_root(more)
    add_reading(more)
    _add_images(actions)
    _add_classes(actions)
    for word, text in (("undo", "take back the newest edit"), ("redo", "make an edit again that was taken back")):
        back = _action(actions, word, text, _back)
        back.add_argument("id", nargs="?", default="", help="id of an edit, as history lists it")
        back.set_defaults(word=word)
    _add_split(actions)


def _add_images(actions: Any) -> None:
    out = _action(actions, "exclude", "leave images out", _exclude)
    out.add_argument("files", nargs="+", metavar="FILE")
    out.add_argument("--reason", default="", help="why, for the list of what is left out")
    _action(actions, "include", "take images in again", _include).add_argument("files", nargs="+", metavar="FILE")
    label = _action(actions, "relabel", "give images other classes", _relabel)
    label.add_argument("files", nargs="+", metavar="FILE")
    label.add_argument("--as", dest="labels", nargs="+", required=True, metavar="CLASS")


def _add_classes(actions: Any) -> None:
    rename = _action(actions, "rename", "call a class otherwise; onto another one merges them", _rename)
    rename.add_argument("old")
    rename.add_argument("new")
    merge = _action(actions, "merge", "make several classes one", _merge)
    merge.add_argument("classes", nargs="+", metavar="CLASS")
    merge.add_argument("--into", required=True, metavar="CLASS")
    _action(actions, "drop", "leave classes out", _drop).add_argument("classes", nargs="+", metavar="CLASS")


def _add_split(actions: Any) -> None:
    split = _action(actions, "split", "make a split under a name, or several for a k-fold", _split)
    split.add_argument("split", metavar="SPLIT", help="its name, for data.split")
    split.add_argument("--val", type=float, default=0.2, help="share for validation (default: 0.2)")
    split.add_argument("--test", type=float, default=0.0, help="share for testing (default: 0)")
    split.add_argument("--seed", type=int, default=42, help="seed of the choice (default: 42)")
    split.add_argument("--by", default="", metavar="COLUMN", help="column whose equal values stay in one set")
    split.add_argument("--folds", type=int, default=0, metavar="K", help="make K splits, each validating another part")
    split.add_argument("--own", action="store_true", help="take the sets that the source itself gives")
    split.add_argument("--replace", action="store_true", help="make it anew where no run used it")


def _action(actions: Any, name: str, text: str, run: Any) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = actions.add_parser(name, help=text)
    made.add_argument("name", help="name of the data set")
    add_project_again(made)
    made.set_defaults(run=run)
    return made


def _data(given: argparse.Namespace) -> LiveDataSet:
    return Project(given.project).dataset(given.name)


def _list(given: argparse.Namespace) -> int:
    for found in Project(given.project).datasets():
        say(f"{found.name}: {found.n_images} images, {len(found.classes)} classes, version {found.version}")
    return 0


def _show(given: argparse.Namespace) -> int:
    data = _data(given)
    left = [{"file": one.file, "reason": one.reason, "since_s": one.t_s} for one in data.excluded]
    told = {
        "name": data.name, "version": data.version, "hash": data.value.hash, "images": data.value.n_images,
        "sources": data.sources, "classes": data.counts, "left_out": left, "splits": data.splits,
        "problems": data.problems, "alike": [group.plain(data.counts) for group in data.alike()],
    }  # fmt: skip
    if given.json:
        say_json(told)
        return 0
    say(f"{data.name}: {told['images']} images, version {data.version}, hash {told['hash']}")
    for short, path in data.sources.items():
        say(f"  {short or 'source'}: {path}")
    for name, count in data.counts.items():
        say(f"  {count:>8}  {name}")
    if data.splits:
        say(f"  splits: {', '.join(data.splits)}")
    for text in data.problems:
        say(f"  {text}")
    for group in data.alike():
        say(f"  To make one class of them: {_merge_command(data, group)}")
    return 0


def _merge_command(data: LiveDataSet, group: Alike) -> str:
    into = group.into(data.counts)
    others = [name for name in group.names if name != into]
    project = ("--project", str(data.project.path))
    return shlex.join(("nbtrain", "data", "merge", data.name, *others, "--into", into, *project))


def _history(given: argparse.Namespace) -> int:
    for one in _data(given).history:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.t_s))
        say(f"{one.id}  {when}  {one.by}  {one.text}{'  (taken back)' if one.taken_back else ''}")
    return 0


def _add(given: argparse.Namespace) -> int:
    return _done(given, lambda data: data.add(chosen(given.path, given.images_root, given.reading), given.short))


def _exclude(given: argparse.Namespace) -> int:
    return _done(given, lambda data: data.exclude(given.files, given.reason))


def _include(given: argparse.Namespace) -> int:
    return _done(given, lambda data: data.include(given.files))


def _relabel(given: argparse.Namespace) -> int:
    data = _data(given)
    done = data.relabel(given.files, given.labels)
    say(f"{len(done.files)} of {len(given.files)} images changed; version {data.version}")
    return 0


def _rename(given: argparse.Namespace) -> int:
    return _done(given, lambda data: data.rename(given.old, given.new))


def _merge(given: argparse.Namespace) -> int:
    return _done(given, lambda data: data.merge(given.classes, into=given.into))


def _drop(given: argparse.Namespace) -> int:
    return _done(given, lambda data: data.drop(*given.classes))


def _back(given: argparse.Namespace) -> int:
    return _done(given, lambda data: getattr(data, given.word)(given.id))


def _split(given: argparse.Namespace) -> int:
    data = _data(given)
    how = {"seed": given.seed, "by": given.by, "replace": given.replace}
    if given.folds:
        made = data.k_fold(given.split, given.folds, **how)
    else:
        made = [data.split(given.split, val_ratio=given.val, test_ratio=given.test, own=given.own, **how)]
    for one in made:
        say(f"{one.name}: " + ", ".join(f"{count} {name}" for name, count in one.sizes.items() if count))
    return 0


def _done(given: argparse.Namespace, change: Any) -> int:
    """Make one edit, and say what the data set is now."""
    data = _data(given)
    change(data)
    now = data.value
    say(f"{data.name}: {now.n_images} images, {len(now.classes)} classes, version {now.version}")
    return 0
