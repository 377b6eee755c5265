"""From a run's frozen configuration to a loop that is ready to run, top to bottom: :func:`build`.

Each phase is said as it begins, and a stop is looked for in and between all of them. What was ``auto`` is decided once
and said as Resolved; a later life of the run takes the same value from resolved.json. This file wires parts together;
what each part does, and what a process has to do to be a trainer (runs/worker.py), it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nbtrain import files
from nbtrain.config import Config, Facts
from nbtrain.data import splits
from nbtrain.data.records import Listing, Record
from nbtrain.data.scan import Interrupted, ScanResult, scan
from nbtrain.data.sources import Source
from nbtrain.data.statistics import class_counts
from nbtrain.errors import ConfigError, DataError, NbtrainError, TrainingError
from nbtrain.messages import LEFT, Notice, Phase, Resolved, Status
from nbtrain.models import Model
from nbtrain.models.transfer import origin
from nbtrain.training import kept
from nbtrain.training.budget import Budget
from nbtrain.training.changes import Changes
from nbtrain.training.commands import Asked, Commands, Say, Stopped
from nbtrain.training.loggers import About, Logged, Tee

if TYPE_CHECKING:
    import torch

    from nbtrain.data.images import Images
    from nbtrain.data.loader import Loader
    from nbtrain.data.normalisation import MeanStd
    from nbtrain.training.parts import Outcome, Parts, Plan
    from nbtrain.training.precision import Chosen

T = TypeVar("T")
Frozen = Mapping[str, Any]
"""The content of a run's config.json."""


def build(frozen: Frozen, run: Path, say: Say, asked: Asked) -> Logged | Ended:
    """Return the loop of the run in the folder ``run``; one that has ended where a Stop or Pause came meanwhile."""
    commands = Commands(asked, Budget())
    try:
        return Builder(frozen, Path(run), say, commands).loop()
    except (Stopped, Interrupted):
        from nbtrain.training.parts import Outcome

        return Ended(Outcome(commands.ending, f"{LEFT[commands.ending]} while it was being prepared{commands.why}."))


@dataclass(frozen=True, slots=True)
class Ended:
    """A loop with nothing left to do."""

    outcome: Outcome

    def run(self) -> Outcome:
        """Return how it ended."""
        return self.outcome


@dataclass(frozen=True, slots=True)
class Found:
    """The images of a run: where they are, what they show, and which of them train."""

    root: Path
    classes: tuple[str, ...]
    sets: Mapping[str, tuple[Record, ...]]
    scanned: ScanResult

    @property
    def counts(self) -> list[int]:
        """Training images of each class."""
        return [int(n) for n in class_counts(self.sets["train"], len(self.classes))]


class Builder:
    """Builds one run's loop, phase by phase."""

    def __init__(self, frozen: Frozen, run: Path, say: Say, commands: Commands) -> None:
        self.frozen, self.run, self.say, self.commands = frozen, run, say, commands
        self.project = run.parents[3]
        self.config = Config.parse(frozen["config"])
        self.changes = Changes.of(run)
        self.now = self.changes.present(self.config)
        commands.budget.minutes = self.now.training.time_budget_minutes
        self.kept = _resolved_before(run)

    def loop(self) -> Logged:
        """Go through the phases and put the loop together."""
        from nbtrain.training.checkpoint import Checkpoints
        from nbtrain.training.live import Live
        from nbtrain.training.loop import Loop
        from nbtrain.training.monitor import Monitor
        from nbtrain.training.naming import Naming

        self._enter("scanning data")
        found = self._find()
        self._enter("planning")
        device = self._device()
        train, val = self._loader(found, "train"), self._loader(found, "val")
        self._cache(found, train.images, val.images)
        normal = self._normalisation(train.images)
        plan = self._plan(train.steps_per_epoch)
        self._enter("building", f"{self.config.model.entry.variant} for {len(found.classes)} classes on {device}")
        _begin_branch(self.frozen, self.run)
        parts = self._parts(found, device, train, val, normal, plan)
        training = self.config.training
        patience = training.patience if training.early_stopping else 0
        monitor = Monitor(self._monitored(), patience, training.min_delta)
        names = Naming(_experiment_name(self.run), monitor.metric)
        checkpoints = Checkpoints(self.run / "checkpoints", self.config.checkpoint, _fence(self.run), names)
        told = {"config": self.config.encoded(), "classes": list(found.classes)}
        self.commands.look()
        live = Live(self.config, self.changes, _branched_at(self.frozen))
        tee = Tee.opened(self.say, self.config.logging.targets, About.of(self.run, self.config))
        return Logged(Loop(parts, plan, monitor, checkpoints, tee, self.commands, told, live), tee)

    # ------------------------------------------------------------------ scanning data

    def _find(self) -> Found:
        """List the images again, as the run folder names them, and read every header."""
        listing = self._listing()
        split = _split(self.project, self.frozen["split"])
        places = split.places(listing)
        sets = {name: tuple(listing.records[place] for place in places[name]) for name in ("train", "val")}
        self._check(sets, listing)
        scanned = scan(
            listing.root,
            [record.file for records in sets.values() for record in records],
            cache=_scan_cache(self.project, self.frozen["dataset"]["name"]),
            progress=lambda detail: self._enter("scanning data", detail),
            stopped=self.commands.stopped,
        )
        self._notice(scanned.check(self.config.data.allowed_bad_share))
        return Found(listing.root, listing.classes, sets, scanned)

    def _listing(self) -> Listing:
        dataset = self.frozen["dataset"]
        listing = Source.parse(dataset["source"]).listing()
        self.commands.look()
        if list(listing.classes) != list(dataset["classes"]):
            told = f"the classes of {dataset['name']!r} are not those that this run was set up with"
            advice = "Add the images to the project again, and start a new run."
            raise DataError(told, value=", ".join(listing.classes), advice=advice)
        if listing.content_hash != dataset["hash"]:
            changed = "Images were added, replaced or relabelled since this run was set up"
            self._notice(f"{changed}; it trains on those that its split names, as they are now.", "warning")
        return listing

    def _check(self, sets: Mapping[str, tuple[Record, ...]], listing: Listing) -> None:
        """Refuse a configuration that does not fit the data, with every failing path."""
        problems = self.config.check(
            Facts(len(sets["train"]), len(listing.classes), listing.multilabel, len(sets["val"]))
        )
        if problems:
            raise ConfigError(problems)

    # ------------------------------------------------------------------ planning

    def _device(self) -> torch.device:
        """Return the device, and give the process the threads that go with it."""
        import torch

        from nbtrain.training.precision import choose_device, choose_threads, keep_memory, make_deterministic

        hardware = self.config.hardware
        name = self._resolve("hardware.device", hardware.device, choose_device)
        torch.set_num_threads(self._resolve("hardware.threads", hardware.threads, lambda n: choose_threads(n, name)))
        keep_memory()
        device = torch.device(name)
        if hardware.deterministic and not make_deterministic(device):
            self._notice("hardware.deterministic is without effect on the CPU, where runs repeat themselves anyway.")
        return device

    def _loader(self, found: Found, part: str) -> Loader:
        """Return the loader of one set; a small set is decoded now, once."""
        from nbtrain.data.images import Images
        from nbtrain.data.loader import Loader, Reading
        from nbtrain.data.reading import MAX_KEPT_BYTES
        from nbtrain.data.sampling import shares_of

        config, training = self.config, part == "train"
        images = Images(
            found.root,
            found.sets[part],
            config.augmentation.pipeline("train" if training else "val", config.task.image_size),
            seed=config.training.seed,
            n_classes=len(found.classes) if config.task.kind == "multilabel" else None,
            stand_in=training,
            shrink_px=config.data.shrink_px,
        )
        workers = self._resolve("data.workers", config.data.workers, lambda n: _choose_workers(n, found))
        kind = lambda asked: _choose_kind(asked, images, workers)  # noqa: E731
        reading = Reading(
            workers=workers,
            threads=self._resolve("data.worker_kind", config.data.worker_kind, kind) == "threads",
            prefetch=config.data.prefetch,
            pin_memory=config.data.pin_memory and self._on_gpu(),
            persistent=config.data.persistent_workers,
        )
        if found.scanned.decoded_bytes <= MAX_KEPT_BYTES:
            images.keep(lambda detail: self._enter("planning", f"reading {detail}"), self.commands.stopped)
        self._tell_unkeyed(images)
        known = {bad.file for bad in found.scanned.bad}
        told = self._tell_damaged(known)
        shuffle = config.data.shuffle and training
        shares = shares_of(found.sets[part], config.data.sampler) if shuffle else None
        return Loader(images, config.training.batch_size, reading, shuffle=shuffle, shares=shares, told=told)

    def _cache(self, found: Found, train: Images, val: Images) -> None:
        from nbtrain.data.reading import choose_cache, open_cache
        from nbtrain.training.precision import Chosen

        folder, epochs = self.project / "datasets", self.config.training.epochs
        measured = lambda _: Chosen(*choose_cache(train, found.scanned, folder, epochs))  # noqa: E731
        kind = self.config.data.cache
        kind = self._resolve("data.cache", kind, measured) if kind == "auto" else kind
        self._notice(open_cache(kind, folder, self.frozen["dataset"]["name"], (train, val), found.scanned)[1])

    def _tell_unkeyed(self, images: Images) -> None:
        from nbtrain.data.repeats import unkeyed

        name = unkeyed(images)
        if name:
            told = f"The transform {name} gives two results for one image: it draws from a generator of its own"
            advice = "Let it draw from torch, numpy.random or random, which are seeded for every image"
            self._notice(f"{told}, so this run, and a resume of it, cannot be repeated exactly. {advice}.", "warning")

    def _tell_damaged(self, known: set[str]) -> Callable[[str, str], None]:
        """Return what tells of an image that turns out damaged only now; the scan has told of the ``known``."""

        def tell(file: str, reason: str) -> None:
            if file not in known:
                self._notice(f"{file} cannot be used and is skipped: {reason}.", "warning")

        return tell

    def _normalisation(self, images: Images) -> MeanStd:
        from nbtrain.data.reading import mean_and_spread
        from nbtrain.training.precision import Chosen

        normalisation, entry = self.config.normalisation, self.config.model.entry
        if normalisation.kind != "dataset":
            return normalisation.values(model=(entry.mean, entry.std))

        def measure(_: str) -> Chosen[Any]:
            told = lambda detail: self._enter("planning", f"colours of {detail}")  # noqa: E731
            return Chosen(mean_and_spread(images, told, self.commands.stopped), "measured on the training images")

        mean, std = self._resolve("normalisation", "auto", measure)
        return normalisation.values(dataset=(tuple(mean), tuple(std)))

    def _plan(self, batches_per_epoch: int) -> Plan:
        from nbtrain.training.parts import Plan

        training, checkpoint = self.config.training, self.config.checkpoint
        return Plan(
            seed=training.seed,
            epochs=training.epochs,
            batches_per_epoch=batches_per_epoch,
            multiplier=training.batch_multiplier,
            clip_norm=training.clip_norm,
            say_every=self.config.logging.every_n_steps,
            save_every=checkpoint.every_n_epochs,
            save_every_s=60 * checkpoint.every_n_minutes,
            keep_best_only=checkpoint.keep_best_only,
        )

    def _monitored(self) -> str:
        from nbtrain.training.precision import Chosen

        task = self.config.task
        main = Chosen(task.monitor, f"the main metric of {task.label.lower()}")
        return str(self._resolve("training.monitor", self.config.training.monitor, lambda _: main))

    # ------------------------------------------------------------------ building

    def _parts(
        self, found: Found, device: torch.device, train: Loader, val: Loader, normal: MeanStd, plan: Plan
    ) -> Parts:
        import torch

        from nbtrain.data.randomness import Stream, key, seed_everything
        from nbtrain.training.ema import Ema
        from nbtrain.training.parts import Parts, Prepare
        from nbtrain.training.precision import Precision
        from nbtrain.training.schedulers import Course

        config, training, n_classes = self.config, self.config.training, len(found.classes)
        precision = Precision(config.hardware.precision, device)
        seed_everything(key(training.seed, Stream.WEIGHTS))
        settings = self._model()
        model = settings.build(n_classes, config.task.image_size, self._notice, config.initialisation.apply)
        self.commands.look()
        precision.check(model, config.task.image_size)
        model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = config.optimizer.build(model)
        course = Course(config.optimizer.lr, plan.steps, plan.steps_per_epoch)
        return Parts(
            model=model,
            loss=config.loss.build(config.task.kind, found.counts, device),
            optimizer=optimizer,
            schedule=config.scheduler.build(optimizer, course),
            train=train,
            val=val,
            prepare=Prepare(device, *normal),
            metrics=lambda: config.task.measure(found.classes, device),
            one_label=config.task.kind == "classification",
            mix=config.augmentation.mixer(n_classes),
            precision=precision,
            ema=Ema(model, training.ema_decay) if training.ema else None,
            unfreezing=settings.unfreezing(model),
        )

    def _model(self) -> Model:
        """Return the model's settings with what its weights start from: a file, or nothing where a checkpoint waits."""
        settings = self.config.model
        if any((self.run / "checkpoints").glob("step-*.json")):
            return settings.replace(pretrained=False, weights_file="", transfer_from="")
        if not settings.transfer_from:
            return settings
        found = origin(self.project, settings.transfer_from, but=self.run.parents[1])
        self._notice(f"Starts from the weights of {found}.")
        return settings.replace(weights_file=str(found.path), transfer_from="")

    # ------------------------------------------------------------------ small things

    def _enter(self, phase: Phase, detail: str = "") -> None:
        self.commands.look()
        self.say(Status(status="preparing", phase=phase, detail=detail, epochs=self.now.training.epochs))

    def _notice(self, text: str, level: Any = "info") -> None:
        if text:
            self.say(Notice(text=text, level=level))

    def _resolve(self, path: str, asked: T, decide: Callable[[T], Chosen[Any]]) -> Any:
        """Return the value for ``path``: as set, as an earlier life resolved it, or decided and said now."""
        if path in self.kept and asked == "auto":
            return self.kept[path]
        chosen = decide(asked)
        if asked == "auto":
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


def _resolved_before(run: Path) -> dict[str, Any]:
    """Return what an earlier life of this run decided."""
    try:
        choices = files.read_json(run / "resolved.json")["choices"]
        return {path: choice["value"] for path, choice in choices.items()}
    except (OSError, NbtrainError, KeyError, TypeError, AttributeError):
        return {}


def _experiment_name(run: Path) -> str:
    """Return what the person calls the experiment of a run now."""
    try:
        return str(files.read_json(run.parents[1] / "experiment.json")["name"])
    except (OSError, NbtrainError, KeyError, TypeError):
        return run.parents[1].name


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


def _fence(run: Path) -> Callable[[], bool]:
    """Return what tells whether this process still owns the run: the generation in owner.json is the one of now."""

    def generation() -> Any:
        try:
            return files.read_json(run / "owner.json").get("generation")
        except (OSError, NbtrainError, AttributeError):
            return None

    ours = generation()
    return lambda: generation() == ours


def _branched_at(frozen: Frozen) -> tuple[int, ...]:
    """Return the step at which the run begins with a checkpoint of another one; nothing for most runs."""
    start = frozen.get("start")
    return (int(start["step"]),) if start else ()


def _begin_branch(frozen: Frozen, run: Path) -> None:
    """Give a branch that has no checkpoint yet the one that it begins with; raises TrainingError where that is gone."""
    folder = run / "checkpoints"
    if not frozen.get("start") or kept.checkpoints(folder):
        return
    found = kept.checkpoints(run.parents[1] / kept.START)
    if not found:
        told = "the checkpoint that this branch begins with is gone"
        raise TrainingError(told, cause="disk", value=str(run.parents[1] / kept.START), advice="Branch again.")
    for one in found:
        kept.link(one, folder)
