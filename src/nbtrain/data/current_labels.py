"""The images of one set of a run as their data set labels them by now, in the classes that the run has learned.

A model answers in the classes of its training. Renamed ones keep their place under the new name; a class that was
dropped keeps its old one. Where classes were merged since, or images have a class that came later, there is no answer
to hold against the label, so both are refused. It knows listings; it does not know who evaluates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace

from nbtrain.data.assembly import Recorded
from nbtrain.data.records import Listing, counted, first
from nbtrain.errors import DataError

_ADVICE = "Evaluate with the labels as trained, or train a new experiment on the data set as it is now."


def current(then: Recorded, now: Recorded, files: Collection[str]) -> Listing:
    """Return those of the ``files`` that are in use now, labelled with ids of the classes that a run learned ``then``.

    Raises DataError where these classes cannot express the labels.
    """
    names, listing = _names_now(then, now), now.listing
    ids = {name: place for place, name in enumerate(names)}
    new_ids = [ids.get(name) for name in listing.classes]
    records = [record for record in listing.records if record.file in files]
    unknown = Counter(listing.classes[i] for record in records for i in record.labels if new_ids[i] is None)
    if unknown:
        told = f"{counted(unknown.total(), 'label is', 'labels are')} of classes that this run has not learned"
        raise DataError(told, value=first([f"{name} ({n})" for name, n in unknown.most_common()]), advice=_ADVICE)
    made = tuple(
        replace(one, labels=tuple(sorted(new for i in one.labels if (new := new_ids[i]) is not None)), marks=())
        for one in records
    )
    return replace(listing, classes=names, records=made)


def changes(then: Listing, now: Listing, files: Collection[str], beyond: int) -> Iterator[str]:
    """Yield in sentences what :func:`current` has found to be another in the ``files`` of one set.

    So many images of the data set are ``beyond`` all sets of the run: added since, mostly.
    """
    before, after = ({one.file: one.labels for one in listing.records} for listing in (then, now))
    relabelled = sum(before[file] != labels for file, labels in after.items() if file in before)
    left_out = sum(file in before and file in now.left_out for file in files)
    again = sum(file in then.left_out for file in after)
    if relabelled:
        yield f"{_images(relabelled, 'was', 'were')} relabelled since this run was set up: the new label counts."
    if left_out:
        yield f"{_images(left_out, 'was', 'were')} left out of the data set since this run was set up."
    if again:
        yield f"{_images(again, 'was', 'were')} left out when this run was set up: evaluated now."
    if beyond:
        yield f"{_images(beyond, 'is', 'are')} in no set of this run, as those added since: not evaluated."


def _images(n: int, one: str, many: str) -> str:
    return counted(n, f"image {one}", f"images {many}")


def _names_now(then: Recorded, now: Recorded) -> tuple[str, ...]:
    """Return today's name of each class that was learned, in the order of the model's outputs."""
    after = {name: set[str]() for name in then.listing.classes}
    for source_class in (*then.found.listing.classes, *then.edits.names):
        before, name = then.edits.name_of(source_class), now.edits.name_of(source_class)
        if before in after and name:
            after[before].add(name)
    names = tuple(next(iter(found)) if len(found) == 1 else name for name, found in after.items())
    unclear = [name for name, found in after.items() if len(found) > 1]
    unclear += [name for name, n in Counter(names).items() if n > 1]
    if unclear:
        told = "classes were merged or divided since this run was set up"
        raise DataError(told, value=first(unclear), advice=_ADVICE)
    return names
