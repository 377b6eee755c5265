"""From a configuration and a project's data to the parts of a loop: what runs, probes and range tests have in common.

The images come from feeding.py; here are the device, the plan, and the network with what trains it. Run folders are
build.py's matter.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nbtrain.ahead import Ahead
from nbtrain.feeding import Feeding, Found
from nbtrain.models import Model
from nbtrain.models.transfer import origin

if TYPE_CHECKING:
    import torch
    from torch import nn

    from nbtrain.data.loader import Loader
    from nbtrain.data.normalisation import MeanStd
    from nbtrain.training.parts import Parts, Plan


class Wiring(Feeding):
    """Wires one configuration to one project's data, part by part."""

    # ------------------------------------------------------------------ planning

    def device(self) -> torch.device:
        """Return the device, and give the process the threads that go with it."""
        import torch

        from nbtrain.training.precision import choose_device, choose_threads, keep_memory, make_deterministic

        hardware = self.config.hardware
        name = self.resolve("hardware.device", hardware.device, choose_device)
        torch.set_num_threads(self.resolve("hardware.threads", hardware.threads, lambda n: choose_threads(n, name)))
        keep_memory()
        device = torch.device(name)
        if hardware.deterministic and not make_deterministic(device):
            self.notice("hardware.deterministic is without effect on the CPU, where runs repeat themselves anyway.")
        return device

    def plan(self, batches_per_epoch: int) -> Plan:
        """Return the numbers of the run as it is frozen."""
        from nbtrain.training.parts import Plan

        training, checkpoint = self.config.training, self.config.checkpoint
        return Plan(
            seed=training.seed,
            epochs=training.most_epochs,
            batches_per_epoch=batches_per_epoch,
            multiplier=training.batch_multiplier,
            clip_norm=training.clip_norm,
            say_every=self.config.logging.every_n_steps,
            save_every=checkpoint.every_n_epochs,
            save_every_s=60 * checkpoint.every_n_minutes,
            keep_best_only=checkpoint.keep_best_only,
        )

    # ------------------------------------------------------------------ building

    def parts(
        self,
        found: Found,
        device: torch.device,
        train: Loader,
        val: Loader,
        normal: MeanStd,
        plan: Plan,
        settings: Model | None = None,
        ahead: Ahead | None = None,
    ) -> Parts:
        """Return what is trained, and with what, from fresh weights or from those that the model's ``settings`` name.

        Without ``settings`` they are the configuration's. The model is taken from ``ahead`` where one was begun.
        """
        import torch

        from nbtrain.models import norms
        from nbtrain.training.convolutions import quicken
        from nbtrain.training.ema import Ema
        from nbtrain.training.parts import Parts, Prepare
        from nbtrain.training.precision import Precision
        from nbtrain.training.schedulers import Course

        config, training, n_classes = self.config, self.config.training, len(found.classes)
        name = config.hardware.precision
        precision = Precision("32" if name == "auto" else name, device)  # auto is decided by a run alone
        settings = settings or self.model()
        model = ahead.take(self.notice) if ahead else self._network(settings, n_classes, self.notice)
        self.commands.look()
        precision.check(model, config.task.image_size)
        norms.check(model, config.task.image_size, training.batch)
        model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if not config.hardware.compile:
            quicken(model, precision)
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

    def ahead(self, settings: Model) -> Ahead:
        """Return the model of the frozen classes on its way, for :meth:`parts`; threads must have been given."""
        n_classes = len(self.frozen["dataset"]["classes"])  # find() refuses data with others
        tell = lambda: self.enter("scanning data", f"done; {settings.entry.variant} is still being built")  # noqa: E731
        return Ahead(lambda say: self._network(settings, n_classes, say), self.commands.look, tell)

    def _network(self, settings: Model, n_classes: int, say: Callable[[str], None]) -> nn.Module:
        """Return the model, its random weights hanging on the seed alone."""
        from nbtrain.data.randomness import Stream, key, seed_everything

        seed_everything(key(self.config.training.seed, Stream.WEIGHTS))
        return settings.build(n_classes, self.config.task.image_size, say, self.config.initialisation.apply)

    def model(self, but: Path | None = None) -> Model:
        """Return the model's settings with the file that its weights come from, none of the experiment ``but``."""
        settings = self.config.model
        if not settings.transfer_from:
            return settings
        found = origin(self.project, settings.transfer_from, but=but)
        self.notice(f"Starts from the weights of {found}.")
        return settings.replace(weights_file=str(found.path), transfer_from="")
