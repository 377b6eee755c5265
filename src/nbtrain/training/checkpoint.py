"""Checkpoints: the state of a run on disk, which is either whole and verified, or not there.

A checkpoint is its payload ``step-00001234.pt`` and then its marker ``step-00001234.json`` with the payload's name,
size and SHA-256: no marker, no checkpoint. Each is written to a temporary file, synced, renamed, and its folder synced.
``best.json`` and ``last.json`` repeat one marker each; beside them lie the names a person chose (naming.py), as links.
Old checkpoints go only after the new one is committed. Before each commit the fence is asked whether this process still
owns the run. It knows files and state dicts; it does not know what is trained, nor when a checkpoint is due.
"""

from __future__ import annotations

import filecmp
import hashlib
import io
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch

from nbtrain import files
from nbtrain.data.records import first
from nbtrain.errors import NbtrainError, TrainingError
from nbtrain.training import naming
from nbtrain.training.naming import Naming
from nbtrain.training.settings import Checkpoint

Fence = Callable[[], bool]
"""Tells whether this process still owns the run folder."""

State = dict[str, Any]
_NO_NAMES = Naming()
_PAYLOAD = re.compile(r"step-\d{8,}(-again)?\.pt")

STATE_KEYS = (
    "model_state_dict", "ema_state_dict", "optimizer_state_dict", "scheduler_state_dict", "scaler_state_dict",
    "loop_state_dict", "epoch", "step", "metrics", "config", "classes",
)  # fmt: skip
"""What every checkpoint holds. ``loop_state_dict`` is what an exact resume needs besides (best, patience, losses)."""


@dataclass(frozen=True, slots=True)
class Marker:
    """What stands in a marker: which payload, how to verify it, and where in the run it was taken."""

    file: str
    bytes: int
    sha256: str
    step: int
    epoch: int
    metrics: Mapping[str, float]

    @classmethod
    def read(cls, path: Path) -> Marker:
        """Return the marker in ``path``; raises ValueError where it is none."""
        plain = files.read_json(path)
        try:
            found = cls(**{name: plain[name] for name in cls.__slots__})
            numbers = (found.bytes, found.step, found.epoch)
            whole = all(type(n) is int for n in numbers) and Path(found.file).name == found.file
        except (KeyError, TypeError):
            whole = False
        if not whole:
            raise ValueError("it is not a marker")
        return found

    def write(self, path: Path, links: Sequence[str] = ()) -> None:
        """Write the marker to ``path``, atomically and durably; ``links`` are the person's own names for it."""
        told = {name: value if math.isfinite(value) else str(value) for name, value in self.metrics.items()}
        files.write_json(path, {**asdict(self), "metrics": told, **({"links": list(links)} if links else {})})


@dataclass(frozen=True, slots=True)
class Loaded:
    """The newest checkpoint that verified, and one sentence for each newer one that did not."""

    state: State
    marker: Marker
    skipped: tuple[str, ...]


class Checkpoints:
    """All checkpoints of one run."""

    def __init__(
        self, folder: str | Path, settings: Checkpoint, fence: Fence = lambda: True, names: Naming = _NO_NAMES
    ) -> None:
        self.folder, self.settings, self._fence, self._names = Path(folder), settings, fence, names
        files.make_folder(self.folder, parents=False)  # a run that was deleted meanwhile stays deleted
        files.sweep(self.folder)

    def save(self, state: State, *, best: bool) -> Marker:
        """Commit ``state`` as the newest checkpoint, and as the best one where told so; then drop old ones.

        An OSError (a full disk) leaves what was there as it was. Raises TrainingError where the run has a new owner.
        """
        self._check_owner()
        marker = self._write(state)
        try:
            self._check_owner()
            marker.write(self._marker_path(marker.step))
        except BaseException:
            files.remove(self.folder / marker.file)
            raise
        self._point("last", marker)
        if best:
            self.point_best(marker)
        self._prune(marker.step)
        return marker

    def point_best(self, marker: Marker) -> None:
        """Let ``best.json`` and the best checkpoint's own name stand for ``marker``."""
        self._point("best", marker)

    def pointed(self, name: str) -> Marker | None:
        """Return the marker that ``best`` or ``last`` names, None before there is one."""
        try:
            return Marker.read(self.folder / f"{name}.json")
        except (OSError, ValueError, NbtrainError):
            return None

    def newest(self) -> Loaded | None:
        """Return the newest checkpoint that verifies, None where there is none.

        Raises TrainingError where there are checkpoints and none of them verifies: starting over would hide the loss.
        """
        skipped: list[str] = []
        for path in self._markers():
            try:
                marker = Marker.read(path)
                return Loaded(self._verified(marker), marker, tuple(skipped))
            except Exception as error:  # noqa: BLE001 - whatever a damaged file makes readers raise
                skipped.append(f"{path.stem}: {error}")
        if skipped:
            raise TrainingError(
                "no checkpoint of this run can be read: " + "; ".join(skipped),
                cause="disk",
                advice="Restart the experiment, or put an intact copy of the checkpoints folder in its place.",
            )
        return None

    def keep_best_only(self) -> None:
        """Delete every checkpoint but the best; nothing where there is no best."""
        best = self.pointed("best")
        if best is None:
            return
        self._remove_links({*self._links("last")} - {*self._links("best")[:1]})  # while what they stand for is there
        files.remove(self.folder / "last.json")
        self._drop(keep={self._marker_path(best.step)})

    def _write(self, state: State) -> Marker:
        """Write the payload; without its marker it is no checkpoint yet."""
        name = self._free_name(state["step"])
        with files.replacing(self.folder / name) as file:
            counted = _Counted(file)
            try:
                with _without_crc32():
                    torch.save(state, cast(BinaryIO, counted))
            except RuntimeError as error:  # torch's archive, which cannot be ended after a write that was refused
                raise counted.refused or error from error
        sha256 = counted.sha256.hexdigest()
        return Marker(name, counted.bytes, sha256, state["step"], state["epoch"], dict(state["metrics"]))

    def _verified(self, marker: Marker) -> State:
        payload = files.content(self.folder / marker.file)
        if len(payload) != marker.bytes:
            raise ValueError(f"{marker.file} has {len(payload)} bytes instead of {marker.bytes}")
        if hashlib.sha256(payload).hexdigest() != marker.sha256:
            raise ValueError(f"{marker.file} does not match its checksum")
        state: State = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
        missing = [key for key in STATE_KEYS if key not in state]
        if missing:
            raise ValueError(f"{marker.file} lacks {', '.join(missing)}")
        return state

    def _check_owner(self) -> None:
        if not self._fence():
            raise TrainingError(
                "another trainer has taken this run over, so this one saves nothing more", cause="interrupted"
            )

    def _marker_path(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}.json"

    def _free_name(self, step: int) -> str:
        """Return a payload name no marker relies on: a step saved twice must not lose its first payload on the way."""
        plain = f"step-{step:08d}.pt"
        try:
            taken = Marker.read(self._marker_path(step)).file
        except (OSError, ValueError, NbtrainError):
            return plain
        return f"step-{step:08d}-again.pt" if taken == plain else plain

    def _point(self, name: str, marker: Marker) -> None:
        """Let ``best.json`` or ``last.json``, and the person's name for it, stand for ``marker``.

        A name with blanks moves with the checkpoint. The pointer says which names are its own, the new one first, so
        that those it had before go even where a process has died between the two.
        """
        pattern = self.settings.best_name if name == "best" else self.settings.last_name
        link = self._names.filled(pattern, marker.step, marker.epoch, marker.metrics)
        before = [old for old in self._links(name) if old != link]
        links = [link, *before] if naming.has_blanks(pattern) or before else []
        marker.write(self.folder / f"{name}.json", links)
        self._keep_foreign(link)
        files.same_content(self.folder / marker.file, self.folder / link, symbolic=True)
        others = self._links("last" if name == "best" else "best")[:1]
        self._remove_links({*before} - {*others})

    def _remove_links(self, names: Iterable[str]) -> None:
        """Remove names that stand for checkpoints; what the pointer names and is none of them is somebody's own."""
        for name in names:
            if self._stands_for_checkpoint(name):
                files.remove_link(self.folder / name)

    def _keep_foreign(self, name: str) -> None:
        """Give what lies under ``name`` and stands for no checkpoint another name, before this one is taken."""
        path = self.folder / name
        if os.path.lexists(path) and not self._stands_for_checkpoint(name):
            files.rename(path, path.with_stem(f"{path.stem}-{files.new_id()}"))

    def _stands_for_checkpoint(self, name: str) -> bool:
        """Tell whether a file is a payload of this folder under another name: as a link of either kind, or a copy."""
        path = self.folder / name
        if path.is_symlink():
            return _PAYLOAD.fullmatch(os.readlink(path)) is not None
        payloads = [path for path in self.folder.glob("step-*.pt") if _is_payload(path)]
        if not files.is_ordinary(path):
            return False
        if any(path.samefile(payload) for payload in payloads):
            return True
        return any(filecmp.cmp(path, payload, shallow=False) for payload in payloads)

    def _links(self, name: str) -> list[str]:
        """Return the person's names for the best or the last checkpoint: that of now, then older ones."""
        try:
            plain = files.read_json(self.folder / f"{name}.json")
        except (OSError, ValueError, NbtrainError):
            return []
        pattern = self.settings.best_name if name == "best" else self.settings.last_name
        told = plain.get("links") or [pattern] if isinstance(plain, dict) else []
        return [link for link in told if isinstance(link, str) and naming.is_link(link)]

    def _markers(self) -> Iterator[Path]:
        """Yield the markers, newest step first."""
        found = [p for p in self.folder.glob("step-*.json") if p.stem[5:].isdecimal() and files.is_ordinary(p)]
        yield from sorted(found, key=lambda path: int(path.stem[5:]), reverse=True)

    def _prune(self, step: int) -> None:
        """Keep the newest N up to ``step`` and the best; steps beyond it belong to a life that was given up."""
        upto = [path for path in self._markers() if int(path.stem[5:]) <= step]
        best = self.pointed("best")
        self._drop(keep={*upto[: self.settings.keep_last_n], *([self._marker_path(best.step)] if best else [])})

    def _drop(self, keep: set[Path]) -> None:
        for marker in [path for path in self._markers() if path not in keep]:
            files.remove(marker)
        named = set()
        for marker in self._markers():
            try:
                named.add(Marker.read(marker).file)
            except (FileNotFoundError, ValueError, NbtrainError):
                continue
            except OSError:
                return  # what it names cannot be told now, so nothing is known to be left over
        for payload in self.folder.glob("step-*.pt"):
            if payload.name not in named and _is_payload(payload):
                files.remove(payload)


def check_fits(state: State, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Raise TrainingError where a checkpoint is not laid out as this version builds the same run.

    Another version of nbtrain, torch or timm may have other parameters, or sort them into other groups. To load what
    fits of it would be another run.
    """
    kept = {name: tuple(tensor.shape) for name, tensor in state["model_state_dict"].items()}
    built = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    other = sorted(name for name in kept | built if kept.get(name) != built.get(name))
    groups = [
        [len(g["params"]) for g in found["param_groups"]] for found in (state["optimizer_state_dict"], vars(optimizer))
    ]
    if other:
        told = f"it has other parameters in {first(other, 3)}"
    elif groups[0] != groups[1]:
        told = f"its optimizer has groups of {groups[0]} parameters, the one that is built now of {groups[1]}"
    else:
        return
    raise TrainingError(
        f"the checkpoint of step {state['step']} does not fit what this version builds: {told}",
        cause="configuration",
        advice="Go on with the versions of nbtrain, torch and timm that began this run, or restart the experiment.",
    )


def _is_payload(path: Path) -> bool:
    return _PAYLOAD.fullmatch(path.name) is not None and files.is_ordinary(path)


@contextmanager
def _without_crc32() -> Iterator[None]:
    """Let torch.save leave out the zip file's own sums: the marker's SHA-256 covers every byte.

    They are worked out under Python's lock, where the loop would go on: more than half of what writing takes.
    """
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        yield
    finally:
        torch.serialization.set_crc32_options(before)


class _Counted:
    """Passes on what is written to a file, counting and hashing it on the way: the payload is nowhere held whole."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.bytes, self.sha256 = file, 0, hashlib.sha256()
        self.refused: OSError | None = None
        """What the file system said to the first write that it refused."""

    def write(self, data: bytes) -> int:
        """Write ``data``; hashing and writing let other threads run."""
        self.bytes += len(data)
        self.sha256.update(data)
        try:
            return self._file.write(data)
        except OSError as error:
            self.refused = self.refused or error
            raise

    def flush(self) -> None:
        """What follows does it."""
