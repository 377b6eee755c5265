"""The story of a run: the same messages give the same story, told at once or one by one, and a resume is one story."""

import math

import numpy as np
import pytest

from nbtrain.messages import Best, Exact, Failure, Metric, Notice, PerClass, Resolved, Saved, Status, Usage
from nbtrain.project.story import Story


def train(step, loss, epoch=None):
    return Metric(t_s=100 + step, step=step, epoch=epoch or step / 10, split="train", values={"loss": loss, "lr": 0.1})


RUN = [
    Status(t_s=100, status="preparing", phase="importing"),
    Resolved(path="data.workers", value=0, reason="small data"),
    Status(t_s=102, status="training", phase="training", epochs=2, steps=20),
    train(5, 2.0),
    train(10, 1.0),
    Metric(t_s=112, step=10, epoch=1, split="val", values={"loss": 1.5, "accuracy": 0.5}),
    PerClass(step=10, epoch=1, columns=("class", "f1"), rows=(("a", 0.5),)),
    Saved(file="step-00000010.pt", step=10, epoch=1, size_bytes=9, best=True),
    Notice(text="2 images were skipped", level="warning"),
    Usage(t_s=112, step=10, images_per_s=50, waiting=0.1, cpu_percent=90, memory_mib=300),
    train(15, math.nan),
]


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_batches_do_not_matter(batch):
    story = Story()
    for start in range(0, len(RUN), batch):
        story.tell(RUN[start : start + batch])
    assert (story.status, story.epoch, story.step, story.steps) == ("training", 1, 15, 20)
    assert story.metrics["val"] == {"loss": 1.5, "accuracy": 0.5}
    assert story.progress == 0.75
    assert story.resolved["data.workers"]["value"] == 0
    assert story.checkpoints[0]["best"]
    assert story.notices == [{"level": "warning", "text": "2 images were skipped", "about": "", "step": 0}]
    assert story.usage["images_per_s"] == 50
    assert story.per_class["rows"] == (("a", 0.5),)


def test_a_nan_is_a_gap_in_the_curve():
    story = Story()
    story.tell(RUN)
    steps, epochs, losses = story.history.series("train", "loss")
    np.testing.assert_array_equal(steps, [5, 10, 15])
    np.testing.assert_array_equal(epochs, [0.5, 1.0, 1.5])
    np.testing.assert_array_equal(losses, [2.0, 1.0, math.nan])


def test_the_time_that_remains_follows_the_speed_of_this_life():
    story = Story()
    story.tell(RUN[:5])
    assert story.eta_s() == pytest.approx(8 / 10 * 10)
    story.tell([Status(t_s=200, status="completed", step=20)])
    assert story.eta_s() is None


def test_a_resume_supersedes_later_steps():
    story = Story()
    story.tell(RUN)
    story.tell([Status(t_s=290, status="preparing"), Status(t_s=300, status="training", step=10), train(15, 0.7)])
    np.testing.assert_array_equal(story.history.series("train", "loss")[2], [2.0, 1.0, 0.7])


def test_what_the_trainer_says_of_repeated_steps_is_kept():
    story = Story()
    story.tell([*RUN, train(20, 0.5), Status(t_s=290, status="failed", step=20)])
    assert story.exact == ""
    story.tell([Status(t_s=300, status="pending"), Status(t_s=301, status="preparing")])
    assert story.step == 20  # preparations do not move the place
    story.tell([Status(t_s=302, status="training", step=10, steps=20), train(20, 0.5)])
    story.tell([Exact(compared=2, equal=True)])
    assert (story.exact, story.repeated) == ("exact", 2)
    assert (story.started_s, story.began_s) == (100, 300)
    story.tell([Exact(compared=1, equal=False, step=15, text="step 15: …"), Exact(compared=4, equal=True)])
    assert (story.exact, story.repeated) == ("step 15: …", 7)


def test_a_best_and_checkpoints_that_a_resume_goes_behind_are_taken_back():
    story = Story()
    story.tell([*RUN, Best(metric="loss", value=1.5, epoch=1, step=10), Status(status="training", step=5)])
    assert (story.best, story.checkpoints) == ({}, [])


def test_a_metric_that_comes_later_is_padded():
    story = Story()
    story.tell([train(1, 1.0), Metric(step=2, epoch=1, split="train", values={"loss": 0.5, "norm": 3.0})])
    frame = story.history.frame()
    assert list(frame["norm"].isna()) == [True, False]
    assert list(frame["step"]) == [1, 2]


def test_a_failure_is_kept_whole():
    story = Story()
    story.tell([Failure(cause="data", message="no images", advice=("Add some.",), traceback="Traceback …")])
    assert story.error == {
        "cause": "data",
        "message": "no images",
        "advice": ("Add some.",),
        "traceback": "Traceback …",
        "fixes": (),
    }


def test_an_empty_history_is_an_empty_frame():
    assert Story().history.frame().empty
    assert Story().history.series("val", "loss")[0].size == 0


def test_the_speed_is_that_of_this_attempt():
    """A resume may be on another machine, with other workers: what the last attempt said is no speed of this one."""
    story = Story()
    story.tell(RUN)
    assert story.usage_of("images_per_s") == [50]
    story.tell([Status(t_s=300, status="paused"), Status(t_s=400, status="preparing", phase="importing")])
    assert (story.usage, story.usage_of("images_per_s")) == ({}, [])
    story.tell([Status(t_s=402, status="training", phase="training", step=5, epochs=2, steps=20)])
    story.tell([Usage(t_s=403, step=8, images_per_s=9, waiting=0.5, cpu_percent=90, memory_mib=300)])
    assert (story.usage["images_per_s"], story.usage_of("images_per_s"), story.usage_of("waiting")) == (9, [9], [0.5])
