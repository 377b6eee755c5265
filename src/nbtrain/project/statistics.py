"""Statistics of one data set as it is now: charts with the images behind each bar, and the same as data frames.

    data.statistics()["brightness"]      # a data frame; docs/data.md lists tables, columns and units
    data.statistics("by-patient")        # classes and class weights for this split

Class weights are what a loss would use: its own functions compute them. What else is counted, data/inspection/charts.py
says. It knows data sets, splits and losses; it draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nbtrain.data.inspection.bins import Table
from nbtrain.data.inspection.charts import Charts
from nbtrain.data.splits import Split
from nbtrain.training.losses import CrossEntropy, Loss

if TYPE_CHECKING:
    import pandas as pd

    from nbtrain.project.dataset import LiveDataSet

Sets = Mapping[str, Sequence[str]]
WEIGHTS = "weights"
EFFECTIVE = CrossEntropy(class_weights="effective")


def charts_of(data: LiveDataSet, split: Split | Sets | str | None = None) -> Charts:
    """Return the charts of the images in use; ``split`` is one, its name or its sets, else what the sources give."""
    listing = data.listing()
    if isinstance(split, str):
        split = data.named_split(split)
    sets = split.files if isinstance(split, Split) else split if split is not None else listing.own_split
    return Charts(listing, data.project.scan(data.name, start=False).columns, sets)


def weights_of(charts: Charts, loss: Loss = EFFECTIVE) -> Table:
    """Return a row per class: training images, and its weights "auto" and "effective" with the β of ``loss``.

    A loss with weights of its own, as given, has them in a column ``given``. Without a split all images count.
    """
    rows = charts["classes"].rows
    counts = [int(row["train"] if "train" in row else row["images"]) for row in rows]
    told: Table = [{"name": row["name"], "train": count} for row, count in zip(rows, counts, strict=True)]
    for way in ("auto", "effective", *(["given"] if loss.class_weights == "given" else [])):
        weights = loss.replace(class_weights=way).weights(counts) or ()
        for row, weight in zip(told, weights, strict=False):  # as many as were given: the form says what is wrong
            row[way] = weight
    return told


def frames(charts: Charts, loss: Loss = EFFECTIVE) -> dict[str, pd.DataFrame]:
    """Return all charts, and the class weights, as data frames by name."""
    import pandas as pd

    made = {key: pd.DataFrame(rows) for key, rows in charts.tables().items()}
    return {"classes": made.pop("classes"), WEIGHTS: pd.DataFrame(weights_of(charts, loss)), **made}
