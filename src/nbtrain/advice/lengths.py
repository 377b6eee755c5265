"""Rules about how long a run is, and what ends it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from nbtrain.advice.case import Case
from nbtrain.advice.findings import Finding
from nbtrain.advice.static import Static
from nbtrain.advice.words import counted

FEW_EPOCHS, ENOUGH_EPOCHS = 10, 20
FEW_STEPS = 100


class FewEpochs(
    Static,
    name="few epochs",
    source="Recipes train for 90 epochs and more (Goyal et al. 2017, arXiv:1706.02677); 10 is a rule of ours",
):
    """Fewer than 10 epochs from random weights."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the number of epochs."""
        epochs = case.config.training.most_epochs
        if case.start == "scratch" and epochs < FEW_EPOCHS:
            text = f"{counted(epochs, 'epoch')} from random weights: the model will hardly have settled."
            yield self.found("warning", "training.epochs", text, {"training.epochs": ENOUGH_EPOCHS})


class FewSteps(
    Static, name="few steps", source="AdamW's mean of squares remembers 1000 steps (beta 0.999); 100 fill a tenth of it"
):
    """Fewer than 100 changes of the weights in the whole run."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the number of steps."""
        per_epoch, epochs = case.steps_per_epoch, case.config.training.most_epochs
        if per_epoch is None or per_epoch * epochs >= FEW_STEPS:
            return
        text = f"the run changes the weights {counted(per_epoch * epochs, 'time')} in all ({per_epoch} × {epochs})."
        yield self.found("warning", "training.epochs", text, {"training.epochs": math.ceil(FEW_STEPS / per_epoch)})


class IdleStopping(Static, name="idle early stopping", source="Arithmetic: patience cannot run out within the run"):
    """Early stopping that waits as long as the whole run, so that it never acts."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Compare patience and epochs."""
        training = case.config.training
        if training.early_stopping and 1 < training.most_epochs <= training.patience:
            text = f"early stopping waits {counted(training.patience, 'epoch')}, the run has {training.most_epochs}."
            yield self.found(
                "info", "training.patience", text, {"training.patience": max(1, training.most_epochs // 4)}
            )


class HastyStopping(
    Static,
    name="hasty early stopping",
    source="Prechelt 1998, Early stopping - but when? (validation error has many dips)",
):
    """Early stopping after fewer than 3 epochs without improvement: one noisy dip ends the run."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the patience."""
        training = case.config.training
        if training.early_stopping and training.patience < 3 and training.most_epochs > ENOUGH_EPOCHS:
            text = f"one dip of {counted(training.patience, 'epoch')} ends the run."
            yield self.found("info", "training.patience", text, {"training.patience": 5})
