"""The run bar: what an experiment's run is doing now, and the one or two things that can be done about it.

It follows the experiment's ``beat`` and sends what changed, twice a second, with the lists. Stop and Pause are asked
for here and, by the browser, as a command file: the trainer takes whichever comes first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from traitlets import Bool, Dict, Float, Int, Unicode

from nbtrain.errors import ConfigError, NbtrainError
from nbtrain.messages import RESUMABLE
from nbtrain.project.between import needs_a_new_run
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.runs.exactness import EXACT
from nbtrain.ui.following import Following
from nbtrain.ui.panel import Heart
from nbtrain.ui.standing import STEP_S, standing
from nbtrain.ui.starting import start_of

_SHOWN = ("name", "status", "phase", "detail", "best", "place", "queued", "held")


class RunBar(Heart, Following, twin="run_bar"):
    """Status, progress, speed, and the button for what comes next."""

    name = Unicode(help="The experiment's name.").tag(sync=True)
    status = Unicode(help="Its status, empty without an experiment.").tag(sync=True)
    phase = Unicode(help="What the trainer is doing.").tag(sync=True)
    detail = Unicode(help="Where the phase stands, in words.").tag(sync=True)
    epoch = Int(help="Epochs done.").tag(sync=True)
    epochs = Int(help="Epochs planned.").tag(sync=True)
    step = Int(help="Steps done.").tag(sync=True)
    steps = Int(help="Steps planned.").tag(sync=True)
    progress = Float(help="Share of the steps done, 0…1.").tag(sync=True)
    eta_s = Float(None, allow_none=True, help="Seconds that remain.").tag(sync=True)
    images_per_s = Float(None, allow_none=True, help="Images per second.").tag(sync=True)
    waiting = Float(None, allow_none=True, help="Share of the time that the loop waits for data.").tag(sync=True)
    duration_s = Float(None, allow_none=True, help="How long the run took, in seconds.").tag(sync=True)
    best = Dict(help="metric, value, epoch and step of the best validation.").tag(sync=True)
    error = Dict(
        help="cause, message, advice, traceback, fixes with why each restarts; asks: whether that moves checkpoints."
    ).tag(sync=True)
    kept = Unicode(help="What a run that has been left has kept, and where it would go on.").tag(sync=True)
    resume_first = Bool(help="Whether going on is what helps; else it would fail again in the same way.").tag(sync=True)
    repeated = Dict(help="What a resume has repeated: exact and text; empty while there is nothing.").tag(sync=True)
    extension = Dict(help="What an extension would do: epochs to add, text, refused; empty until asked.").tag(sync=True)
    busy = Dict(help="The question that a busy device asks: text; empty when there is none.").tag(sync=True)
    starting = Bool(help="Whether a start is under way.").tag(sync=True)
    place = Int(help="Place in the queue of its device; 1 is next, 0 is in none.").tag(sync=True)
    queued = Int(help="How many wait for that device.").tag(sync=True)
    held = Unicode(help="Why it waits and does not start by itself; empty where it does.").tag(sync=True)
    startable = Bool(help="Whether Train can be pressed.").tag(sync=True)
    commands = Unicode(help="The run's command folder, for the browser's own way to the trainer.").tag(sync=True)
    home = Unicode(help="The home folder, which the server may call ~.").tag(sync=True)
    beat = Float(help="Wall clock of the last heartbeat; 0 where another panel has the heart.").tag(sync=True)

    FREE = frozenset({"ask_extension", "stop", "pause"})  # the last two say themselves whom they mean
    GAP_S = STEP_S

    WATCHED = ("beat", "name", "status", "problems", "outside")

    _project: Project | None = None

    def __init__(self, experiment: Experiment | None = None, *, heart: bool = False, **kwargs: Any) -> None:
        super().__init__(experiment, home=str(Path.home()), **kwargs)
        if heart:
            self.start_beating()

    def show(self, experiment: Experiment | None) -> None:
        """Show another experiment, or none."""
        self._adding = 0
        super().show(experiment)

    def follow_experiment(self, experiment: Experiment) -> None:
        """Redraw also for what comes of a wish to start."""
        super().follow_experiment(experiment)
        self._project = experiment.project
        self.follow(start_of(experiment), "question", "trouble", "starting")

    def state(self) -> dict[str, Any]:
        """Return what the run bar shows of the experiment."""
        experiment = self.experiment
        if experiment is None:
            return {"status": ""}
        start = start_of(experiment)
        usage, told = experiment.usage if experiment.running else {}, standing(experiment)
        return {
            **{name: plain(getattr(experiment, name)) for name in _SHOWN},
            **told,
            "error": failure_of(experiment) if experiment.status == "failed" else {},
            "images_per_s": usage.get("images_per_s"),
            "waiting": usage.get("waiting"),
            "kept": kept_text(experiment) if experiment.status in RESUMABLE else "",
            "resume_first": experiment.resume_comes_first,
            "repeated": repeated(experiment),
            "duration_s": None if experiment.running else told["duration_s"],
            "commands": str(Path(experiment.run_path) / "commands") if experiment.run_path else "",
            "extension": extension_of(experiment, self._adding) if experiment.status == "completed" else {},
            "busy": {"text": start.question} if start.question else {},
            "starting": start.starting,
            "startable": not experiment.problems and experiment.outside is None and not start.starting,
            "trouble": self.told or ("" if experiment.running else start.trouble),
        }

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_train(self) -> None:
        """Save and start training."""
        if self.experiment is not None:
            start_of(self.experiment).go()

    def do_stop(self, id: str = "") -> None:
        """Ask the run to stop that the page showed when this was clicked."""
        meant = self._meant(id)
        if meant is not None:
            meant.stop()

    def do_pause(self, id: str = "") -> None:
        """Ask the run to keep a checkpoint and leave that the page showed when this was clicked."""
        meant = self._meant(id)
        if meant is not None:
            meant.pause()

    def _meant(self, id: str) -> Experiment | None:
        """Return the experiment with this id: the page leaves a command for its run too, so it is never refused."""
        if self._project is None or id in ("", self.subject()):
            return self.experiment
        return self._project.experiment(id)

    def do_resume(self) -> None:
        """Go on with the run."""
        if self.experiment is not None:
            start_of(self.experiment).go("resume")

    def do_ask_extension(self, epochs: Any) -> None:
        """Show what so many more epochs would do; 0 asks nothing any more."""
        self._adding = whole_number(epochs)

    def do_extend(self, epochs: Any) -> None:
        """Go on with the completed run for so many epochs more."""
        self._adding = 0
        if self.experiment is not None:
            start_of(self.experiment).go("extend", epochs=whole_number(epochs))

    def do_restart(self) -> None:
        """Move the ended run to the trash and make the configuration editable again."""
        if self.experiment is not None:
            self.experiment.restart()

    def do_shift(self, by: int) -> None:
        """Move the waiting experiment by so many places in the queue; -1 is one up."""
        if self.experiment is not None:
            self.experiment.project.queue.shift(self.experiment, by)

    def do_start_held(self) -> None:
        """Let an experiment start that somebody else has queued."""
        if self.experiment is not None:
            self.experiment.project.queue.start(self.experiment)

    def do_fix(self, number: int, resume: bool = False) -> None:
        """Restart, or resume, with one of the changes that a failure proposes."""
        if self.experiment is None:
            return
        if resume:
            start_of(self.experiment).go("fix", number=number, resume=True)
        else:
            self.experiment.fix(number)

    def do_answer(self, how: str) -> None:
        """Answer the question that the busy device asks: wait, beside or cancel."""
        if self.experiment is not None:
            start_of(self.experiment).answer(how)


def whole_number(typed: Any) -> int:
    """Return a typed number of epochs; -1 for what is none, which an extension refuses with the reason."""
    try:
        return int(str(typed).strip())
    except ValueError:
        return -1


def extension_of(experiment: Experiment, epochs: int) -> dict[str, Any]:
    """Return what an extension would do, or why it cannot be; empty where nobody asks."""
    if not epochs:
        return {}
    try:
        planned = experiment.extension(epochs)
    except ConfigError as error:
        return {"refused": f"{error.problems[0].message} {error.problems[0].advice}"}
    except NbtrainError as error:
        return {"refused": str(error)}
    return {"epochs": planned.epochs, "text": planned.text}


def kept_text(experiment: Experiment) -> str:
    """Return what a run that has been left has kept: "Checkpoint of step 120, and the best one, of step 80."."""
    kept = experiment.checkpoints
    if not kept:
        return "Nothing was saved yet; Resume starts from step 0."
    last = kept[-1]["step"]
    best = [f", and the best one, of step {entry['step']}" for entry in kept if entry["best"] and entry["step"] != last]
    return f"Kept: the checkpoint of step {last}{best[-1] if best else ''}. Resume goes on from step {last}."


def repeated(experiment: Experiment) -> dict[str, Any]:
    """Return whether the steps that a resume has repeated gave the same numbers again."""
    word = experiment.exact
    if not word:
        return {}
    if word != EXACT:
        return {"exact": False, "text": f"Resumed, but not exactly: {word}."}
    count = experiment.story.repeated
    numbers = "the numbers said once" if count == 1 else f"the numbers said {count} times"
    return {"exact": True, "text": f"Resumed exactly: {numbers} in repeated steps are equal to the last bit."}


def failure_of(experiment: Experiment) -> dict[str, Any]:
    """Return why it failed, what each fix needs, and whether a restart would move checkpoints to the trash."""
    told = shown_error(experiment.error)
    fixes = [{**fix, "restarts": needs_a_new_run(experiment.present, fix["changes"])} for fix in told.get("fixes", [])]
    return {**told, "fixes": fixes, "asks": bool(experiment.checkpoints)}


def shown_error(error: dict[str, Any]) -> dict[str, Any]:
    """Return a failure with its advice once: what runs of older versions have told ends with it."""
    told: dict[str, Any] = plain(error)
    for advice in told.get("advice", []):
        told["message"] = str(told.get("message", "")).removesuffix(advice).rstrip()
    return told


def plain(value: Any) -> Any:
    """Return ``value`` with its tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple | list) else value
