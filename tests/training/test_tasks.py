"""Tasks: what the target of an image is, and what scores mean."""

from __future__ import annotations

import torch

from nbtrain.training.tasks import Classification, MultiLabel


def test_one_class_per_image():
    task = Classification()
    assert task.targets([(2,), (0,)], 3).tolist() == [2, 0]
    assert task.predictions(torch.tensor([[0.0, 3.0, 1.0]])).tolist() == [1]
    assert task.probabilities(torch.zeros(1, 4)).tolist() == [[0.25] * 4]


def test_any_number_of_labels_per_image():
    task = MultiLabel(threshold=0.8)
    assert task.targets([(2, 0), ()], 3).tolist() == [[1, 0, 1], [0, 0, 0]]
    assert task.predictions(torch.tensor([[0.0, 1.0, 2.0]])).tolist() == [[False, False, True]]
    assert task.probabilities(torch.zeros(1, 2)).tolist() == [[0.5, 0.5]]


def test_probabilities_are_full_precision():
    for task in (Classification(), MultiLabel()):
        assert task.probabilities(torch.zeros(1, 3, dtype=torch.bfloat16)).dtype == torch.float32
