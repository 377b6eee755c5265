"""Tasks: what is learned from an image. One file each; a new one is defined by its class and imported here."""

from nbtrain.training.tasks.classification import Classification
from nbtrain.training.tasks.multilabel import MultiLabel
from nbtrain.training.tasks.task import Task

__all__ = ["Classification", "MultiLabel", "Task"]
