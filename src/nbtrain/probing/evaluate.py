"""An evaluation: a checkpoint of a run over one set of its split, exactly as the run itself validates.

The request holds ``run`` (its folder below the project), ``part`` (train, val or test), ``checkpoint`` (best, last or a
step), ``labels`` (trained or current) and for the latter the ``dataset`` as it is now. What comes out is a numbered
folder beside the experiment's runs, which appears whole; its number is the result. Each step of the work stands in its
own place: data in feeding.py, the pass in training/judging.py, numbers in nbtrain/evaluation. Nothing of the run itself
is touched.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from nbtrain import files
from nbtrain.config import Config
from nbtrain.data.images import Failed, Images
from nbtrain.data.loader import Loader
from nbtrain.data.observed import Observed
from nbtrain.data.randomness import Stream, key
from nbtrain.data.records import counted
from nbtrain.errors import ConfigError, DataError, NbtrainError, StatusError, TrainingError, lacks_memory
from nbtrain.evaluation import bootstrap, folder, scores
from nbtrain.evaluation.errors import Wrong, errors
from nbtrain.evaluation.folder import CURRENT, TRAINED, Record
from nbtrain.evaluation.predictions import WHOLE, Heat, Predictions
from nbtrain.feeding import Found
from nbtrain.messages import Message, Notice
from nbtrain.probing.desk import Desk
from nbtrain.training import kept
from nbtrain.training.changes import Changes
from nbtrain.training.commands import Commands
from nbtrain.training.convolutions import quicken
from nbtrain.training.grad_cam import GradCam
from nbtrain.training.judging import Judge, Judged
from nbtrain.training.parts import Prepare
from nbtrain.training.precision import Precision, choose_device
from nbtrain.training.rescue import Rescue
from nbtrain.training.stepping import seed
from nbtrain.wiring import Wiring

N_HEAT = 48
"""Worst errors that get a heat map."""
_TRIES = 3
_DEVICE, _PRECISION, _COMPILE = "hardware.device", "hardware.precision", "hardware.compile"


def work(desk: Desk) -> dict[str, Any]:
    """Evaluate, and keep the evaluation; return its number."""
    began_s = time.time()
    run = files.inside(desk.project, str(desk.request["run"]))
    labels = str(desk.request.get("labels", TRAINED))
    evaluation = Evaluation(desk, run, str(desk.request["part"]), labels)
    record, predictions = evaluation.made(desk.request["checkpoint"])
    desk.progress("saving", 1.0)
    record = replace(record, created_s=began_s, took_s=round(time.time() - began_s, 2))
    return {"number": folder.make(run.parents[1], record, predictions)}


@dataclass(slots=True)
class Evaluation:
    """The work on one evaluation."""

    desk: Desk
    run: Path
    part: str
    labels: str = TRAINED
    notices: list[str] = field(default_factory=list)

    def made(self, which: Any) -> tuple[Record, Predictions]:
        """Return the record, but for its times, and what the model says of each image."""
        found_at = _weights(self.run / "checkpoints", which)
        frozen = files.read_json(self.run / "config.json")
        wiring = self._wiring(frozen, found_at)
        wiring.enter("scanning data")
        device = wiring.device()
        found = wiring.find((self.part,), check=False, current=self._current(frozen))
        if not found.sets[self.part]:
            raise _nothing(self.part, found)
        wiring.enter("building", wiring.config.model.entry.variant)
        loader = wiring.loader(found, self.part, read_as=Observed)
        judge = self._judge(wiring, found, found_at, device)
        seed(key(wiring.config.training.seed, Stream.VALIDATE, found_at.step), device)
        try:
            judged = judge.judge(loader.once(), _Told(self.desk, len(loader.images)))
        finally:
            loader.close()
        if not len(judged.positions):
            raise DataError("not one image of the set can be read", value=str(found.root), advice="Check the files.")
        self.desk.progress("working out intervals", 1.0)
        predictions = _predictions(wiring.config, found, loader, judged, self.part)
        heat, why_not = self._heat(judge, loader, predictions, judged.positions)
        predictions = replace(predictions, heat=heat)
        return self._record(str(which), found_at, wiring, found, predictions, judged, why_not), predictions

    # ------------------------------------------------------------------ wiring

    def _current(self, frozen: dict[str, Any]) -> dict[str, Any] | None:
        """Return the data set whose labels count, where they are other ones than those of the training."""
        dataset = self.desk.request.get("dataset") if self.labels == CURRENT else None
        return dataset if dataset and dataset["hash"] != frozen["dataset"]["hash"] else None

    def _wiring(self, frozen: dict[str, Any], found_at: Weights) -> Wiring:
        """Return what wires the run's own choices, those that it measured too, as they were at the checkpoint."""
        changes, choices = Changes.of(self.run), _choices(self.run)
        config = changes.present(changes.free(Config.parse(frozen["config"])), found_at.step).decided(choices)
        if config.hardware.precision == "auto":
            config = config.set(_PRECISION, choices.get(_PRECISION, "32"))
        asked = choices.get(_DEVICE)
        try:
            choose_device(str(asked or config.hardware.device))
        except ConfigError:  # the run was on another machine
            config = config.set(_DEVICE, "auto")
            choices.pop(_DEVICE, None)
            self.notices.append(f"This machine has no {asked}, on which the run was; another device was used.")
        wiring = Wiring(self.desk.project, frozen, self._say, Commands(lambda: ()), choices)
        wiring.config = config
        return wiring

    def _say(self, message: Message) -> None:
        """Pass on how far it is; what the person should know is kept with the evaluation."""
        if isinstance(message, Notice):
            self.notices.append(message.text)
        else:
            self.desk.say(message)

    def _judge(self, wiring: Wiring, found: Found, found_at: Weights, device: torch.device) -> Judge:
        """Return the model with the weights that the run's validation would use."""
        config = wiring.config
        settings = config.model.replace(pretrained=False, weights_file="", transfer_from="", freeze="none")
        model = settings.build(len(found.classes), config.task.image_size)
        model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        precision = Precision(config.hardware.precision, device)  # type: ignore[arg-type]
        if not config.hardware.compile or wiring.kept.get(_COMPILE) is False:
            quicken(model, precision)
        model.load_state_dict(found_at.weights)
        rescue = Rescue(model, device, self._say)
        rescue.load_state_dict(found_at.rescue)
        mean, std = self._normal(wiring, found)
        return Judge(
            model=model,
            task=config.task,
            loss=config.loss.build(config.task.kind, found.counts, device),
            prepare=Prepare(device, mean, std),
            metrics=config.task.measure(found.classes, device),
            precision=precision,
            rescue=rescue,
            say=self._say,
        )

    def _normal(self, wiring: Wiring, found: Found) -> Any:
        """Return mean and deviation per colour: those of the data set as the run has measured them."""
        known = wiring.config.normalisation.kind != "dataset" or "normalisation" in wiring.kept
        part = self.part if known else "train"  # only where nobody has kept them are they measured again
        return wiring.normalisation(wiring.loader(found, part, read_as=Observed).images)

    # ------------------------------------------------------------------ what comes out

    def _heat(
        self, judge: Judge, loader: Loader, predictions: Predictions, positions: npt.NDArray[np.int64]
    ) -> tuple[Heat | None, str]:
        """Return heat maps of the worst errors, or why there are none."""
        worst = errors(predictions, N_HEAT)
        if not worst:
            return None, "there are no errors"
        size = max(1, min(len(worst), loader.batch_size))
        made: list[_Looks] = []
        try:
            for first in range(0, len(worst), size):
                self.desk.progress(f"heat maps, {first} of {len(worst)}", first / len(worst))
                some = worst[first : first + size]
                made.append(
                    _looks(judge, loader.images, predictions, some, positions, made[0].camera if made else None)
                )
        except TrainingError as error:
            return None, error.what
        except Exception as error:
            if not lacks_memory(error):
                raise
            return None, "the memory that is free is not enough for them"
        places, labels, maps, parts = (np.concatenate(found) for found in zip(*(one[:4] for one in made), strict=True))
        return (Heat(places, labels, maps, parts), "") if len(places) else (None, "the images are gone")

    def _record(
        self,
        which: str,
        at: Weights,
        wiring: Wiring,
        found: Found,
        predictions: Predictions,
        judged: Judged,
        heat: str,
    ) -> Record:
        frozen, config = wiring.frozen, wiring.config
        gone, damaged = len(found.gone.get(self.part, ())), len(predictions.damaged)
        if gone:
            told = f"{counted(gone, 'image', 'images')} of the {self.part} set {'is' if gone == 1 else 'are'} gone"
            self.notices.append(f"{told} from the data set since this run was set up, and left out.")
        if damaged > gone:
            self.notices.append(f"{counted(damaged - gone, 'image', 'images')} could not be read and are left out.")
        return Record(
            part=self.part,
            run=self.run.name,
            which=which,
            step=at.step,
            epoch=at.epoch,
            file=at.file,
            sha256=at.sha256,
            dataset=str(frozen["dataset"]["name"]),
            data_hash=found.data_hash,
            labels=self.labels,
            known=str(self.desk.request.get("known", "")),
            split=str(frozen["split"]["name"]),
            split_hash=str(frozen["split"]["hash"]),
            task=config.task.kind,
            n_classes=len(found.classes),
            n_images=len(predictions),
            n_damaged=damaged,
            # The run's own numbers go before ours where both have them: they are equal but for rounding.
            metrics=_ordered({**scores.values(predictions), **judged.scores.values}),
            intervals=bootstrap.intervals(predictions),
            notices=tuple(dict.fromkeys(self.notices)),
            heat=heat,
            device=str(wiring.kept.get(_DEVICE, config.hardware.device)),
            precision=config.hardware.precision,
            batch_size=int(config.training.batch or 0),
            nbtrain=metadata.version("nbtrain"),
        )


@dataclass(frozen=True, slots=True)
class Weights:
    """What is taken from a checkpoint, all at once: a run that trains on, or a person, may delete it meanwhile."""

    step: int
    epoch: int
    file: str
    sha256: str
    weights: dict[str, Any]
    """Those that a validation would use: the averaged ones where there are such."""
    rescue: dict[str, Any]


def _weights(checkpoints: Path, which: Any) -> Weights:
    """Return what a checkpoint holds; of one that is replaced just now, the next. Raises StatusError where none is."""
    for _ in range(_TRIES):
        found = kept.find(checkpoints, which)
        try:
            file, sha256 = found.payload.name, str(files.read_json(found.marker)["sha256"])
            state = torch.load(checkpoints / file, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            continue
        averaged, rescue = state["ema_state_dict"], state["loop_state_dict"].get("rescue", {})
        weights = averaged if averaged is not None else state["model_state_dict"]
        return Weights(int(state["step"]), found.epoch, file, sha256, weights, rescue)
    told = "the checkpoint was deleted just now"
    raise StatusError(told, value=which, advice="Evaluate again, or another checkpoint.")


class _Looks(NamedTuple):
    """Heat maps of some images, D of them."""

    places: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    maps: npt.NDArray[np.uint8]
    parts: npt.NDArray[np.float32]
    camera: GradCam


def _looks(
    judge: Judge,
    images: Images,
    predictions: Predictions,
    wrong: Sequence[Wrong],
    positions: npt.NDArray[np.int64],
    camera: GradCam | None,
) -> _Looks:
    """Return the heat maps of some errors; an image that cannot be read by now is left out."""
    asked = [int(positions[one.place]) for one in wrong]
    batch = images.__getitems__([(0, position) for position in asked])
    if isinstance(batch, Failed):
        raise batch.error()
    gone = {position for position, _ in batch.bad}
    there = [(one, position) for one, position in zip(wrong, asked, strict=True) if position not in gone]
    labels = torch.tensor([predictions.classes.index(one.label) for one, _ in there], dtype=torch.long)
    images_BCHW = judge.prepare(batch.images)
    camera = camera or GradCam(judge.model, images_BCHW)
    maps = camera.maps(images_BCHW, labels.to(images_BCHW.device))
    parts = [images.seen_part(position) or WHOLE for _, position in there]
    return _Looks(
        np.array([one.place for one, _ in there]),
        labels.numpy(),
        maps,
        np.array(parts, np.float32).reshape(-1, 4),
        camera,
    )


class _Told:
    """Says how many images are done, and how long the others may take."""

    def __init__(self, desk: Desk, total: int) -> None:
        self._desk, self._total, self._began_s = desk, total, time.monotonic()

    def __call__(self, done: int) -> None:
        left_s = (time.monotonic() - self._began_s) * (self._total - done) / max(1, done)
        left = f", about {left_s:.0f} s left" if left_s >= 1 else ""
        self._desk.progress(f"{done} of {self._total} images{left}", min(1.0, done / max(1, self._total)))


def _choices(run: Path) -> dict[str, Any]:
    """Return what the run's measured choices became."""
    try:
        told = files.read_json(run / "resolved.json")["choices"]
        return {path: choice["value"] for path, choice in told.items()}
    except (OSError, NbtrainError, KeyError, TypeError, AttributeError):
        return {}


def _nothing(part: str, found: Found) -> DataError:
    """Return why there is nothing to evaluate."""
    gone = len(found.gone.get(part, ()))
    if gone:
        told = f"all {counted(gone, 'image', 'images')} of the {part} set are gone from the data set"
        return DataError(told, value=str(found.root), advice="Bring the files back, or evaluate another part.")
    told = f"the {part} set of this run holds no images"
    return DataError(told, advice="Choose another part; data.test_ratio sets images aside for test.")


def _predictions(config: Config, found: Found, loader: Loader, judged: Judged, part: str) -> Predictions:
    images: Observed = loader.images  # type: ignore[assignment]
    used = [found.sets[part][position] for position in judged.positions.tolist()]
    conditions = {name: values[judged.positions] for name, values in images.conditions().items()}
    sizes = [found.scanned.seen.get(record.file) for record in used]
    conditions["size"] = np.array([np.sqrt(s.width * s.height) if s else np.nan for s in sizes], np.float32)
    return Predictions(
        classes=found.classes,
        files=tuple(record.file for record in used),
        probabilities=judged.probabilities,
        targets=judged.targets,
        losses=judged.losses,
        threshold=float(getattr(config.task, "threshold", 0.5)),
        chosen=judged.chosen,
        conditions=conditions,
        columns=found.columns,
        cells=tuple(record.cells for record in used) if found.columns else (),
        damaged=(*loader.bad.items(), *((file, "the image is gone") for file in found.gone.get(part, ()))),
    )


def _ordered(values: dict[str, float]) -> dict[str, float]:
    return {name: values[name] for name in [*scores.LABELS, *values] if name in values}
