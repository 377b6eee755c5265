"""From a configuration and a project's data to loaders of batches: the half of the wiring that knows images.

Each phase is said as it begins, and a stop is looked for in and between all of them. What was ``auto`` is decided once
and said as Resolved, unless ``kept`` says what was decided before. It reads the project and writes nothing but what
saves work the next time (the scan's cache, the colours of a data set). Networks are wiring.py's matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nbtrain import files
from nbtrain.config import Config, Facts
from nbtrain.data import assembly, current_labels, splits
from nbtrain.data.heed import heeding
from nbtrain.data.normalisation import Colours, keep_colours, recall_colours
from nbtrain.data.records import Listing, Record, Root
from nbtrain.data.scan import ScanResult, scan
from nbtrain.data.statistics import MAX_MEASURED, class_counts
from nbtrain.errors import ConfigError, DataError
from nbtrain.messages import Notice, Phase, Resolved, Status
from nbtrain.training.commands import Commands, Say
from nbtrain.training.settings import UNDECIDED_BATCH

if TYPE_CHECKING:
    from nbtrain.data.images import Images
    from nbtrain.data.loader import Loader
    from nbtrain.data.normalisation import MeanStd
    from nbtrain.data.workers import Vigil
    from nbtrain.training.precision import Chosen

T = TypeVar("T")
Frozen = Mapping[str, Any]
"""The content of a run's config.json, or of a probe's request: configuration, data set and split."""

_PURPOSE = {"train": "to train on", "val": "for validation"}


@dataclass(frozen=True, slots=True)
class Found:
    """The images of a run: where they are, what they show, and which of them train."""

    root: Root
    classes: tuple[str, ...]
    sets: Mapping[str, tuple[Record, ...]]
    """The records of each set: train, val and test."""
    scanned: ScanResult
    """Of the sets that were asked for."""
    columns: tuple[str, ...] = ()
    """Names of the cells of each record."""
    data_hash: str = ""
    """The hash of the data set that the labels are of: images as they lie there now, and its edits."""
    gone: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Images of each set that are in the data set no more."""

    @property
    def counts(self) -> list[int]:
        """Training images of each class."""
        return [int(n) for n in class_counts(self.sets["train"], len(self.classes))]


class Feeding:
    """What feeds one configuration from one project's data, part by part, and says what it decides."""

    def __init__(
        self, project: Path, frozen: Frozen, say: Say, commands: Commands, kept: dict[str, Any] | None = None
    ) -> None:
        """Take what was frozen; ``kept`` holds, by path, what ``auto`` was resolved to before."""
        self.project, self.frozen, self.say, self.commands = project, frozen, say, commands
        self.config = Config.parse(frozen["config"])
        self.epochs = self.config.training.most_epochs
        """Epochs that are told with each phase."""
        self.kept = {} if kept is None else kept
        self.measured: frozenset[str] = frozenset()
        """Paths whose auto is decided by real steps, once everything is wired (tuning.py)."""
        self.later: dict[str, Chosen[Any]] = {}
        """What stands in for these until then."""
        self._data_hash = str(frozen["dataset"]["hash"])

    # ------------------------------------------------------------------ scanning data

    def find(
        self,
        looked_at: Sequence[str] = ("train", "val"),
        *,
        check: bool = True,
        current: Mapping[str, Any] | None = None,
    ) -> Found:
        """List the images again, as the run folder names them, and read the headers of those that are ``looked_at``.

        ``check`` refuses what cannot train: a configuration that does not fit, images that are gone, too many of them
        damaged. With ``current``, the data set as it is now, those that are looked at are the ones in use now, with
        their labels of now; all else stays as trained.
        """
        data = self._recorded(told=current is None)
        listing, data_hash = data.listing, data.hash
        split = _split(self.project, self.frozen["split"])
        places = split.places(listing, lacking=not check)
        sets = {name: tuple(listing.records[place] for place in found) for name, found in places.items()}
        if check:
            self._check(sets, listing)
        if current is not None:
            listing, data_hash = self._current(data, current, split, looked_at)
            places = split.places(listing, lacking=True)
            sets |= {name: tuple(listing.records[place] for place in places[name]) for name in looked_at}
        scanned = scan(
            listing.root,
            [record.file for name in looked_at for record in sets[name]],
            cache=_scan_cache(self.project, self.frozen["dataset"]["name"]),
            progress=lambda detail: self.enter("scanning data", detail),
            stopped=self.commands.stopped,
        )
        self.notice(scanned.check(self.config.data.allowed_bad_share if check else 1.0))
        gone = {} if check else split.gone(listing)
        gone = {name: files for name, files in gone.items() if current is None or name in looked_at}
        return Found(listing.root, listing.classes, sets, scanned, listing.columns, data_hash, gone)

    def _recorded(self, *, told: bool) -> assembly.Recorded:
        """Return the data that the run has recorded; ``told`` says whether a change since is worth a notice."""
        dataset = self.frozen["dataset"]
        with heeding(lambda told: self.enter("scanning data", told), self.commands.stopped):
            data = assembly.recorded(dataset, self.project / "datasets")
        listing = data.listing
        self.commands.look()
        if list(listing.classes) != list(dataset["classes"]):
            what = f"the classes of {dataset['name']!r} are not those that this run was set up with"
            advice = "Add the images to the project again, and start a new run."
            raise DataError(what, value=", ".join(listing.classes), advice=advice)
        self._data_hash = data.hash
        if told and data.hash != dataset["hash"]:
            changed = "Images were added, replaced or relabelled since this run was set up"
            self.notice(f"{changed}; those that its split names count, as they are now.", "warning")
        return data

    def _current(
        self, then: assembly.Recorded, dataset: Mapping[str, Any], split: splits.Split, looked_at: Sequence[str]
    ) -> tuple[Listing, str]:
        """Return the images of the sets that are ``looked_at``, as ``dataset`` has them, and its hash.

        What has changed is told as notices.
        """
        with heeding(lambda told: self.enter("scanning data", told), self.commands.stopped):
            now = assembly.recorded(dataset, self.project / "datasets", then)
        files = {file for name in looked_at for file in split.files.get(name, ())}
        listing = current_labels.current(then, now, files)
        known = {file for own in split.files.values() for file in own}
        beyond = sum(record.file not in known for record in now.listing.records)
        for text in current_labels.changes(then.listing, listing, files, beyond):
            self.notice(text)
        return listing, now.hash

    def _check(self, sets: Mapping[str, tuple[Record, ...]], listing: Listing) -> None:
        """Refuse a set without images, and a configuration that does not fit the data, with every failing path."""
        for name, purpose in _PURPOSE.items():
            if not sets[name]:
                told = f"the split {self.frozen['split']['name']!r} leaves no image {purpose}"
                raise DataError(told, advice="Take images in again that were left out, or choose another split.")
        problems = self.config.check(
            Facts(len(sets["train"]), len(listing.classes), listing.multilabel, len(sets["val"]))
        )
        if problems:
            raise ConfigError(problems)

    # ------------------------------------------------------------------ loading

    def loader(
        self, found: Found, part: str, vigil: Vigil | None = None, read_as: type[Images] | None = None
    ) -> Loader:
        """Return the loader of one set; images of a small set are decoded once. Those of ``train`` are for training.

        ``vigil`` says what is done where its workers hang; without it they are waited for. ``read_as`` reads any set as
        validation does, through another kind of images.
        """
        from nbtrain.data.cache import MAX_KEPT_BYTES
        from nbtrain.data.images import Images
        from nbtrain.data.loader import Loader, Reading
        from nbtrain.data.sampling import shares_of
        from nbtrain.data.workers import NO_VIGIL
        from nbtrain.training.inputs import Inputs

        config, training = self.config, part == "train" and read_as is None
        inputs = Inputs.of(config, len(found.classes))
        images = inputs.images(found.root, found.sets[part], "train" if training else "val", read_as or Images)
        workers = self.resolve("data.workers", config.data.workers, lambda n: _choose_workers(n, found))
        kind = lambda asked: _choose_kind(asked, images, workers)  # noqa: E731
        reading = Reading(
            workers=workers,
            threads=self.resolve("data.worker_kind", config.data.worker_kind, kind) == "threads",
            prefetch=config.data.prefetch,
            pin_memory=config.data.pin_memory and self._on_gpu(),
            persistent=config.data.persistent_workers,
        )
        if found.scanned.decoded_bytes <= MAX_KEPT_BYTES:
            images.keep_as_read()
            if workers and not reading.threads:  # each process would decode them for itself
                self.fill(images)
        self._tell_unkeyed(images)
        known = {bad.file for bad in found.scanned.bad}
        told = self._tell_damaged(known)
        shuffle = config.data.shuffle and training
        shares = shares_of(found.sets[part], config.data.sampler) if shuffle else None
        order: Any = {"shuffle": shuffle, "shares": shares}
        batch_size = config.training.batch or UNDECIDED_BATCH
        return Loader(images, batch_size, reading, told=told, vigil=vigil or NO_VIGIL, **order)

    def fill(self, images: Images) -> None:
        """Read what is kept anyway now: where it shall not take time later, or not in several processes."""
        if images.kept:
            images.keep(lambda detail: self.enter("planning", f"reading {detail}"), self.commands.stopped)

    def cache(self, found: Found, train: Images, val: Images) -> None:
        """Give the images of both sets the cache that is set, or that measuring has chosen."""
        from nbtrain.data.reading import open_cache

        kind, dataset = self.cache_kind(found, train), self.frozen["dataset"]["name"]
        self.notice(open_cache(kind, self.project / "datasets", dataset, (train, val), found.scanned)[1])

    def cache_kind(self, found: Found, train: Images) -> str:
        """Return where decoded images are kept: as set, or as measuring has chosen."""
        from nbtrain.data.reading import choose_cache
        from nbtrain.training.precision import Chosen

        folder, epochs = self.project / "datasets", self.config.training.most_epochs
        measured = lambda _: Chosen(*choose_cache(train, found.scanned, folder, epochs))  # noqa: E731
        kind: str = self.config.data.cache
        return self.resolve("data.cache", kind, measured) if kind == "auto" else kind

    def cached(self, found: Found, train: Images) -> tuple[str, float]:
        """Return where decoded images will be kept, "" for nowhere, and the share of them that lies there by now."""
        from nbtrain.data.reading import cached_share

        kind = self.cache_kind(found, train)
        dataset = self.frozen["dataset"]["name"]
        share = cached_share(kind, self.project / "datasets", dataset, train, found.scanned)
        return ("", 0.0) if share is None else (kind, share)

    def _tell_unkeyed(self, images: Images) -> None:
        from nbtrain.data.repeats import unkeyed

        name = unkeyed(images)
        if name:
            told = f"The transform {name} gives two results for one image: it draws from a generator of its own"
            advice = "Let it draw from torch, numpy.random or random, which are seeded for every image"
            self.notice(f"{told}, so this run, and a resume of it, cannot be repeated exactly. {advice}.", "warning")

    def _tell_damaged(self, known: set[str]) -> Callable[[str, str], None]:
        """Return what tells of an image that turns out damaged only now; the scan has told of the ``known``."""

        def tell(file: str, reason: str) -> None:
            if file not in known:
                self.notice(f"{file} cannot be used and is skipped: {reason}.", "warning")

        return tell

    def normalisation(self, images: Images) -> MeanStd:
        """Return mean and deviation per colour; those of the data set are measured on ``images``, those that train."""
        from nbtrain.training.precision import Chosen

        normalisation, entry = self.config.normalisation, self.config.model.entry
        if normalisation.kind != "dataset":
            return normalisation.values(model=(entry.mean, entry.std))

        def measure(_: str) -> Chosen[Any]:
            found, before = self.colours(images)
            how = "as measured before on" if before else "measured on"
            return Chosen((found.mean, found.std), f"{how} {found.n_images} training images")

        mean, std = self.resolve("normalisation", "auto", measure)
        return normalisation.values(dataset=(tuple(mean), tuple(std)))

    def colours(self, images: Images) -> tuple[Colours, bool]:
        """Return mean and deviation of the training images, and whether somebody had measured them before."""
        from nbtrain.data.reading import mean_and_spread

        split_hash = str(self.frozen["split"]["hash"]) + (f"-{images.shrink_px}" if images.shrink_px else "")
        kept = recall_colours(self.project, self._data_hash, split_hash)
        if kept is not None:
            return kept, True
        told = lambda detail: self.enter("planning", f"colours of {detail}")  # noqa: E731
        mean, std = mean_and_spread(images, told, self.commands.stopped)
        found = Colours.parse({"mean": mean, "std": std, "n_images": min(len(images), MAX_MEASURED)})
        keep_colours(self.project, self._data_hash, split_hash, found)
        return found, False

    # ------------------------------------------------------------------ small things

    def enter(self, phase: Phase, detail: str = "") -> None:
        """Say that a phase begins, or where it stands; raises Stopped where a stop was asked for."""
        self.commands.look()
        self.tell(phase, detail)

    def tell(self, phase: Phase, detail: str = "") -> None:
        """Say where a phase stands, from any thread."""
        self.say(Status(status="preparing", phase=phase, detail=detail, epochs=self.epochs))

    def notice(self, text: str, level: Any = "info") -> None:
        """Say what the person should know, if there is anything."""
        if text:
            self.say(Notice(text=text, level=level))

    def resolve(self, path: str, asked: T, decide: Callable[[T], Chosen[Any]]) -> Any:
        """Return the value for ``path``: as set, as an earlier life resolved it, or decided and said now.

        ``decide`` may refuse what is set, but never replace it.
        """
        if asked != "auto":
            decide(asked)
            return asked
        if path in self.kept:
            return self.kept[path]
        chosen = self.later.get(path) or decide(asked)
        if path in self.measured:
            self.later[path] = chosen
            return chosen.value
        self.kept[path] = chosen.value
        self.say(Resolved(path=path, value=chosen.value, reason=chosen.reason))
        return chosen.value

    def _on_gpu(self) -> bool:
        return str(self.kept.get("hardware.device", self.config.hardware.device)).startswith("cuda")


def _choose_workers(asked: Any, found: Found) -> Chosen[int]:
    from nbtrain.data.reading import choose_workers
    from nbtrain.processes import usable_cores
    from nbtrain.training.precision import Chosen

    if asked != "auto":
        return Chosen(asked, "as set")
    return Chosen(*choose_workers(found.scanned.n_images, found.scanned.decoded_bytes, usable_cores()))


def _choose_kind(asked: Any, images: Images, workers: int) -> Chosen[str]:
    from nbtrain.data.reading import choose_kind
    from nbtrain.training.precision import Chosen

    return Chosen(asked, "as set") if asked != "auto" else Chosen(*choose_kind(images, workers))


def _split(project: Path, frozen: Mapping[str, str]) -> splits.Split:
    """Return the split that the run recorded; raises DataError where it is gone or no longer the same."""
    name = frozen["name"]
    paths = [files.inside(project / "splits", f"{stem}.json") for stem in (name, files.slug(name))]
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        advice = f"Bring {paths[0]} back, or start a new run."
        raise DataError("the split of this run is gone", value=name, advice=advice)
    found = splits.load(path)
    if found.hash != frozen["hash"]:
        told = f"the split {name!r} is not the one that this run was set up with"
        raise DataError(told, value=found.hash, advice="Start a new run, or bring the old split file back.")
    return found


def _scan_cache(project: Path, dataset: str) -> Path:
    return project / "datasets" / f".{files.slug(dataset)}.scan"
