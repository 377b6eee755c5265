"""What a trained model's predictions are worth: numbers, intervals, comparisons, errors, suspicious labels, a report.

Everything here is computed from :class:`~nbtrain.evaluation.predictions.Predictions`, with numpy alone, so that a
notebook's kernel can do it. How predictions come about (probing/evaluate.py), and where they are kept
(project/evaluation.py), is not known here.
"""
