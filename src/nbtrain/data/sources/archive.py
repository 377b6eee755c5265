"""Archives: a zip or tar file with any of the other formats inside, unpacked once into a folder that a field names.

The project says where (``placed``); a trainer that gets the fields alone finds the files there, or unpacks them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

import orjson

from nbtrain.data import unpack
from nbtrain.data.questions import Answer, Question
from nbtrain.data.records import Listing, OneClassError, Record, counted, first
from nbtrain.data.scan import Progress, Stopped
from nbtrain.data.sources.base import Source, existing, is_image, names_in, unplaced
from nbtrain.data.sources.readings import AskError, Reading, bound, claimed, doubt, others
from nbtrain.errors import DataError
from nbtrain.schema import field


class Archive(Source, kind="archive", label="Archive"):
    """A zip or tar file with images, in any layout that is read as a folder too."""

    layout = "a zip or tar archive of any of these"

    unpacked: str = field("", label="Unpacked into", advanced=True)
    """Folder that the archive is unpacked into; a project fills it in."""

    inside: str = field("", label="How its inside is read", advanced=True)
    """Kind and settings of what lies inside, as JSON, where somebody has chosen them; empty looks."""

    @classmethod
    def claims(cls, path: Path) -> bool:
        """Return whether ``path`` is a file that ends like an archive."""
        return path.is_file() and path.name.lower().endswith(unpack.ENDINGS)

    def placed(self, folder: Path) -> Self:
        """Return the archive with its place below ``folder``, unless it has one."""
        return self if self.unpacked else self.set("unpacked", str(unpack.place(existing(self.path), folder)))

    def ready(self) -> bool:
        """Return whether the archive is unpacked as it is now, or was before it was deleted."""
        path, into = Path(self.path).expanduser(), Path(self.unpacked)
        if not self.unpacked:
            return False
        if not path.exists() and (into / "files").is_dir():
            return True
        return unpack.known(into, unpack.stamp_of([existing(self.path)])) is not None

    def prepare(self, progress: Progress = lambda _: None, stopped: Stopped = lambda: False) -> None:
        """Unpack the archive where that is not done; raises DataError saying what is wrong with it."""
        self._done(progress, stopped)

    def listing(self) -> Listing:
        """Return the images of what lies inside; raises DataError saying what is wrong."""
        done = self._done()
        inner, name = _inner(done.folder), Path(self.path).name
        try:
            source = self._inside(inner, done.folder)
            listing = source.listing().noting(*done.notices)
            if not self.inside and (question := doubt(source)):
                # What was added before goes on as it was read: its kind is the first answer.
                order = sorted(question.answers, key=lambda answer: answer.settings.get("kind") != source.kind)
                listing = listing.asking(replace(question, answers=tuple(order)))
            return self._outside(listing, source, done.folder)
        except OneClassError as error:
            raise OneClassError(error.listing.noting(*done.notices), self.path) from None
        except AskError as asked:
            answers = tuple(self._answers(asked.readings, done.folder))
            raise AskError(Question(asked.question.text, answers), self) from None
        except DataError as error:
            more = [inside for inside in names_in(inner) if inside.lower().endswith(unpack.ENDINGS)]
            if more:
                told = f"{name} holds {counted(len(more), 'other archive', 'other archives')}: {first(more)}"
                advice = "Unpack it by hand, and give its folder, or one of these."
                raise DataError(told, value=self.path, advice=advice) from None
            raise DataError(f"{name}: {error.what}", value=error.value, advice=error.advice) from None

    def _inside(self, inner: Path, folder: Path) -> Source:
        """Return the source of what lies inside: the chosen one, or what ``inner`` looks like; raises DataError."""
        if not self.inside:
            return claimed(inner)
        try:
            plain = orjson.loads(self.inside)
            return Source.parse({**plain, "path": str(folder / plain["path"])})
        except (ValueError, TypeError, KeyError) as error:  # a ConfigError is a ValueError
            told = f"it is not understood how its inside is read ({error})"
            raise DataError(told, value=self.inside, advice="Add the archive again.") from None

    def _outside(self, listing: Listing, source: Source, folder: Path) -> Listing:
        """Return ``listing`` with other ways and answers as settings of the archive."""
        read, *more = others(source, listing)
        ways = (Answer(read.title, read.why, {}), *self._answers(more, folder))
        asked = [Question(q.text, tuple(self._answers(bound(q.answers, source), folder))) for q in listing.questions]
        return replace(listing, ways=ways, questions=tuple(asked))

    @staticmethod
    def _answers(readings: Iterable[Reading], folder: Path) -> Iterator[Answer]:
        for one in readings:
            plain = {**one.source.plain(), "path": Path(one.source.path).relative_to(folder).as_posix()}
            yield Answer(one.title, one.why, {"inside": orjson.dumps(plain).decode()})

    def preview(self) -> Listing:
        """Return the listing where the archive is unpacked; else the names of its images, without classes."""
        path = existing(self.path)
        if self.unpacked and unpack.known(Path(self.unpacked), unpack.stamp_of([path])):
            return self.listing()
        images = tuple(Record(name, (), size) for name, size in unpack.names(path) if is_image(name))
        told = "The archive is unpacked once when it is added; its classes are known then."
        return Listing(path.parent, (), images, notes=(told,))

    def _done(self, progress: Progress = lambda _: None, stopped: Stopped = lambda: False) -> unpack.Unpacked:
        if not self.unpacked:
            raise unplaced(self.path)
        into = Path(self.unpacked)
        if not Path(self.path).expanduser().exists():  # the archive was deleted once it had been unpacked
            if not (into / "files").is_dir():
                existing(self.path)  # says that it is missing
            return unpack.Unpacked(into / "files")
        return unpack.archive(existing(self.path), into, progress=progress, stopped=stopped)


def _inner(folder: Path) -> Path:
    """Return the folder that matters: archives often hold a single folder with everything in it."""
    names = names_in(folder)
    while len(names) == 1 and (folder / names[0]).is_dir():
        inner = names_in(folder / names[0])
        if all(map(is_image, inner)):  # one folder of images is a class, not a data set
            break
        folder, names = folder / names[0], inner
    return folder
