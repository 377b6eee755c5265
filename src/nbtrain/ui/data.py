"""The data set beside its images: where they come from, its classes, what a scan found, and adding more.

It knows data sets and scans; the images themselves are gallery.py's, and what lies between a path and a data set is
adding.py's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from traitlets import Dict, List, Unicode

from nbtrain.data import names
from nbtrain.data.inspection.problems import KINDS, Problems
from nbtrain.data.records import counted
from nbtrain.data.splits import Split
from nbtrain.project.dataset import LiveDataSet
from nbtrain.project.dataset_file import DataSet
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.project.scanning import Scan
from nbtrain.ui.adding import Adding
from nbtrain.ui.aside import Aside
from nbtrain.ui.data_sources import SourceWishes
from nbtrain.ui.data_splits import SplitWishes
from nbtrain.ui.panel import Panel


class Data(SourceWishes, SplitWishes, Panel, twin="data"):
    """Which data set, what it holds, and what is wrong with it."""

    FREE = frozenset({"choose", "find", "look", "stop_adding", "read"})

    sets = List(Dict(), help="Every data set of the project: name, images and classes.").tag(sync=True)
    chosen = Unicode(help="Name of the data set that is shown, empty for none.").tag(sync=True)
    facts = List(Dict(), help="Label and value of what is known of it.").tag(sync=True)
    classes = List(Dict(), help="Name and count of each class, in order.").tag(sync=True)
    alike = List(
        Dict(), help="Names of classes that look like one, what they differ in, and the one to merge into."
    ).tag(sync=True)
    notices = List(Unicode(), help="What a person should know of it, in sentences.").tag(sync=True)
    scan = Dict(help="Where its scan stands: state, text, fraction, trouble, and kinds of problems found.").tag(
        sync=True
    )
    reading = Dict(help="While its images are being listed: text; where that failed, trouble.").tag(sync=True)
    columns = List(Unicode(), help="What else is known of the images, such as patient: splits can group by it.").tag(
        sync=True
    )
    user = Dict(help="Name of the selected experiment, its split, and whether that can be changed.").tag(sync=True)
    adding = Dict(help="What was found at a path, and how it can be read, as ui/adding.py has it.").tag(sync=True)

    def __init__(
        self,
        project: Project,
        chose: Callable[[], None] | None = None,
        find: Callable[[str, str], None] | None = None,
        **kwargs: Any,
    ) -> None:
        """Show the data of ``project``.

        ``chose`` hears of another data set or edit, ``find`` of what to look for.
        """
        super().__init__(**kwargs)
        self.show_images = lambda title, images: None
        """Is told what a click points at: what the images have in common, and each file with a note."""
        self._reader: Aside[bool] = Aside(self._read)
        self._start_splits()
        self._chose, self._find = chose or (lambda: None), find or (lambda key, value: None)
        self.experiment: Experiment | None = None
        """The experiment that is selected: a split can be given to it."""
        self.split: Split | None = None
        """The split across whose sets equal images are leaks."""
        self.problems = Problems(())
        """What the scan has found, as it was drawn last."""
        self.adder = Adding(project, self.soon, self._added)
        """Who looks at paths, and adds what lies there."""
        self._scan: Scan | None = None
        self._unscan: Callable[[], None] = lambda: None
        """Hears no more of the scan that was started here."""
        self.show(project)

    def show(self, project: Project, name: str = "") -> None:
        """Show another project, or another of its data sets."""
        self.unfollow()
        self.model = self.adder.project = project
        names = project.data.names()
        self._name = name if name in names else names[0] if names else ""
        self._scan = project.scan(self._name, start=False) if self._name else None
        self.redraw()

    def subject(self) -> str:
        """Return the name of the data set."""
        return self._name

    def close(self) -> None:
        """Hear nothing of scans any more, and take the panel off all pages."""
        self._unscan()
        super().close()

    @property
    def data(self) -> LiveDataSet | None:
        """The data set that is shown."""
        return self.model.dataset(self._name) if self._name in self.model.data.names() else None

    @property
    def scanned(self) -> Scan | None:
        """Its scan, or the way to have one."""
        return self._scan

    def _scanned(self, scan: Scan) -> None:
        self.soon()
        if not scan.running:
            self._chose()

    # -- drawing ------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return what is known of the data set."""
        known = self.model.data.all()
        sets = [{"name": one.name, "images": one.n_images, "classes": len(one.classes)} for one in known]
        now = next((one for one in known if one.name == self._name), None)
        if now is None:
            lists = ("facts", "classes", "alike", "notices", "sources", "splits", "columns")
            nothing: dict[str, Any] = {"chosen": "", "scan": {}, "user": {}, "reading": {}} | {
                name: [] for name in lists
            }
            return {"sets": sets, "adding": self.adder.state, **nothing}
        reading = self._reading(now)
        listed = not reading
        scanned = self._scan is not None and listed and bool(self._scan.result)
        self.problems = self._scan.problems(self.split) if self._scan and scanned else Problems(())
        counts = dict(zip(now.classes, now.counts, strict=True))
        return {
            "sets": sets,
            "chosen": now.name,
            "facts": _facts(now),
            "classes": [{"name": name, "count": count} for name, count in counts.items()],
            "alike": [group.plain(counts) for group in names.alike(now.classes)],
            "notices": names.without_notices(now.notices, now.classes),
            "scan": scan_state(self._scan, self.problems),
            "sources": self._sources(),
            "splits": self._splits() if listed else self.splits if now.name == self.chosen else [],
            "columns": list(now.found().listing.columns) if listed else [],
            "reading": reading,
            "user": self._user(),
            "adding": self.adder.state,
        }

    def _reading(self, now: DataSet) -> dict[str, str]:
        """Return nothing where the images are known; otherwise list them aside, and say so, or why that failed."""
        if now.at_hand:
            return {}
        key = (str(self.model.path), now.name, now.parts, now.base)
        done = self._reader.of(key, lambda: self._list(now))
        if done is None and self._reader.trouble and not self._reader.busy:
            return {"trouble": self._reader.trouble}
        if done:  # listed, and no longer in memory
            self._reader.forget()
            return self._reading(now)
        return {"text": f"Reading the list of {counted(now.n_images, 'image', 'images')}…"}

    def _list(self, now: DataSet) -> bool:
        """Have in memory what drawing needs."""
        now.found()
        data = LiveDataSet(self.model, now.name)
        _ = data.split_sizes, self._scan and self._scan.result and self._scan.columns
        return True

    def _read(self) -> None:
        self.soon()
        self._chose()

    def _user(self) -> dict[str, Any]:
        experiment = self.experiment
        if experiment is None or experiment.config.data.dataset != self._name:
            return {}
        chosen, editable = experiment.config.data.split, experiment.status == "created"
        return {"name": experiment.name, "split": chosen, "editable": editable}

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_choose(self, name: str) -> None:
        """Show another data set."""
        self.show(self.model, name)
        self._chose()

    def do_find(self, key: str, value: str) -> None:
        """Show the images of a class, or those with a kind of problem."""
        self._find(key, value)

    def do_look(self, path: str, root: str = "", reading: str = "") -> None:
        """Say what lies at a path, read as was chosen, before it is used; an empty one asks nothing any more."""
        self.adder.look(path, root, reading)

    def do_add(self, path: str, name: str = "", into: bool = False, root: str = "", reading: str = "") -> None:
        """Add the images at a path: as a data set of their own, or ``into`` the one that is shown."""
        self.adder.add(path, name, self._name if into else "", root, reading)

    def do_stop_adding(self) -> None:
        """Give up looking or adding."""
        self.adder.cancel()

    def _added(self, name: str) -> None:
        self.show(self.model, name)
        self._chose()

    def do_scan(self) -> None:
        """Look at every image, also at those that came since the data set was looked at last."""
        scan, data = self._scan, self.data
        if scan is not None and data is not None and not scan.running:
            self.aside("scan", lambda: self._start_scan(scan, data))

    def _start_scan(self, scan: Scan, data: LiveDataSet) -> None:
        try:
            data.refresh()
            scan.start()
        except OSError as error:
            self.tell(str(error))
            return
        self._unscan()
        self._unscan = scan.on_change(lambda _: self._scanned(scan))

    def do_cancel(self) -> None:
        """Stop looking; what was seen is kept."""
        if self._scan is not None:
            self._scan.cancel()

    def do_exclude(self, kind: str) -> None:
        """Leave out every image with one kind of problem."""
        data = self.data
        if data is not None:
            data.exclude(self.problems.of(kind, open_only=True).files, KINDS[kind].label.lower())
            self._chose()

    def do_rename(self, name: str, to: str) -> None:
        """Call a class otherwise; where there is such a class already, the two are one."""
        self._edit(lambda data: data.rename(name, to))

    def do_merge(self, names: list[str], into: str) -> None:
        """Make classes one."""
        self._edit(lambda data: data.merge(names, into))

    def do_drop(self, name: str) -> None:
        """Leave a class out."""
        self._edit(lambda data: data.drop(name))

    def do_read(self) -> None:
        """Try again to list the images."""
        self._reader.forget()

    def _edit(self, edit: Callable[[LiveDataSet], object]) -> None:
        data = self.data
        if data is not None:
            edit(data)
            self._chose()


def scan_state(scan: Scan | None, found: Problems) -> dict[str, Any]:
    """Return where a scan stands, and the kinds of problems that it has found."""
    if scan is None:
        return {}
    failure = scan.failure
    told: dict[str, Any] = {"trouble": failure.text if failure else ""}
    if scan.running:
        return {**told, "state": "running", "text": scan.text or "starting", "fraction": scan.fraction}
    if not scan.result:
        return {**told, "state": "none", "text": "Opens every image once: damaged files, duplicates, wrong labels."}
    still = found.counts(open_only=True)
    images = counted(scan.result["n_images"], "image", "images")
    return {
        **told,
        "state": "stale" if scan.stale else "done",
        "text": f"{images} looked at{'; the images have changed since' if scan.stale else ''}.",
        "kinds": [
            {
                "kind": kind, "label": KINDS[kind].label, "help": KINDS[kind].advice, "count": n,
                "dealt": n - still.get(kind, 0),
            }
            for kind, n in found.counts().items()
        ],
    }  # fmt: skip


def _facts(known: DataSet) -> list[dict[str, str]]:
    edits = counted(known.version, "edit", "edits") if known.version else ""
    left_out = counted(len(known.edits.excluded), "image", "images") if known.edits.excluded else ""
    made_of = "\n".join(f"{one.dataset} ({Path(one.project).name})" for one in known.origins)
    rows = (
        ("Images", f"{known.n_images:,}".replace(",", "\u202f")),
        ("Labels", "several per image" if known.multilabel else "one per image"),
        ("Left out", left_out),
        ("Sets", "its own" if known.own_split else ""),
        ("Made of", made_of),
        ("Edits", edits),
        ("Version", known.hash),
    )
    return [{"label": label, "value": value} for label, value in rows if value]
