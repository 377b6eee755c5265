"""Named files: from a name in an annotation file to the image that is meant, inside one root folder and nowhere else.

Names outlive their files' places: they were written on Windows, in Colab, in a container or by an exporter, in percent
encoding, without an ending, behind a hash. A name that is no file as it stands is looked for by its longest ending that
exists below the root; one candidate is taken and reported, several are left to the person. A name that leads out of the
root to a file that is there is refused. It asks of a file only its size.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlsplit

from nbtrain.data import heed
from nbtrain.data.questions import Answer, Question
from nbtrain.data.records import UnusedKind, counted, first, natural
from nbtrain.data.sources.base import ElsewhereError, is_image
from nbtrain.data.sources.machine_made import is_machine_folder
from nbtrain.data.sources.sets import set_of
from nbtrain.data.sources.tally import Tally
from nbtrain.data.sources.walk import is_text
from nbtrain.errors import DataError

_TRIED = 50
_CHOICES = 6
"""Folders that are offered where names may mean files in several."""
NONE_MEANT = "none"
"""What stands in place of a folder where a person leaves out what names may mean several files."""
_PLAIN = re.compile(r"(?!/|[A-Za-z]:)(?!.*(^|/)(\./|/|\.$))", re.DOTALL)
"""A name that is a path below its folder as it stands."""
_HASH = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){0,3}(?:-[0-9a-f]{12})?[-_](?=.)", re.IGNORECASE)
"""What labelling tools put before the name of an uploaded file."""
_ROBOFLOW = re.compile(r"_(?:jpe?g|png|bmp|webp|tiff?)\.rf\.[0-9a-z]+(?=\.[a-z]+$|$)", re.IGNORECASE)
"""What Roboflow puts behind the name of an image."""
_NUMBER = re.compile(r"([0-9]{1,18})(?:\.0+)?")
_HERE = r"https?://(?:localhost|127(?:\.[0-9]+){3}|0\.0\.0\.0|\[::1?\])(?=[:/])"
"""An address of this machine: what a labelling tool that runs here calls its files."""
_REMOTE = re.compile(rf"(?!file:|{_HERE})[a-z][a-z0-9+.-]+://|data:", re.IGNORECASE)


class Files:
    """Finds images below ``root``, and remembers those that are missing or are called a little otherwise."""

    def __init__(
        self,
        root: Path,
        told: str,
        beside: Path | None = None,
        *,
        named: bool = False,
        split: str = "",
        noun: UnusedKind = "annotation",
        meant: str = "",
    ) -> None:
        """Take the root; ``told`` names what names the images, ``beside`` the folder that names may be relative to.

        ``named`` says that a person has named the root: then nothing is advised that was done already. ``split`` is the
        set that all images are in: of several that a name may mean, the one in a folder of that set is meant. ``noun``
        is what names one image: a row of a table, or an annotation. ``meant`` is the folder that a person has chosen
        where names may mean several files, or NONE_MEANT.
        """
        self.noun, self.meant = noun, meant
        self.root, self.told, self.beside, self.named, self.split = root, told, beside, named, split
        self.missing: list[str] = []
        self.renamed: list[str] = []
        self.moved: list[str] = []
        self.without_ending: list[str] = []
        self.ambiguous: list[str] = []
        self._choices: Counter[str] = Counter()
        self.remote: list[str] = []
        self._prefix = os.path.join(root, "")
        self._folders: dict[str, dict[str, list[str]]] = {}
        self._index: _Index | None = None

    def find(self, name: str, place: str = "", base: str = "") -> tuple[str, int] | None:
        """Return the file below the root and its size in bytes, None for one that is missing.

        ``base`` is the folder below the root that the name is relative to. Raises DataError for a name that leads out
        of the root, to a file that is there.
        """
        at = f" ({place})" if place else ""
        if not name:
            where = f"{self.told}, {place}" if place else self.told
            raise DataError(f"{where}: no file is named", advice="Fill it in, or delete the entry.")
        if _REMOTE.match(name) and not (self.named and "://" in name):
            self.remote.append(f"{name[:60]}{at}")
            return None
        file = self._inside(name, base)
        size_bytes = self._size(file) if file else None
        if file and size_bytes is not None:
            return file, size_bytes
        alike = self._alike(file) if file else ""
        size_bytes = self._size(alike) if alike else None
        if alike and size_bytes is not None:
            self.renamed.append(f"{file} is {alike}" if alike.casefold() != file.casefold() else alike)
            return alike, size_bytes
        if not file and any(map(_is_file_at, self._outside(name, base))):
            self.inside(name, place, base)  # which refuses it
        return self._elsewhere(name, file, at)

    def _elsewhere(self, name: str, file: str, at: str) -> tuple[str, int] | None:
        """Return the one file whose path has the longest ending in common with ``name``; None where there is none."""
        if self._index is None:
            self._index = _Index(self.root)
        plain = _decoded(name)
        found = self._index.called(name) or self._index.nearest(plain, inside=bool(file))
        if not found and "%" in plain:  # encoded twice: %2520
            found = self._index.nearest(unquote(plain).replace("\\", "/"), inside=bool(file))
        if self.split and len(found) > 1:
            found = [one for one in found if self.split in map(set_of, one.split("/")[:-1])] or found
        if self.meant not in ("", NONE_MEANT) and len(found) > 1:
            found = [one for one in found if one.startswith(f"{self.meant.rstrip('/')}/")] or found
        if len(found) == 1:
            size_bytes = self._size(found[0])
            if size_bytes is not None:
                short = file and os.path.splitext(found[0])[0] == file
                (self.without_ending if short else self.moved).append(f"{name} is {found[0]}")
                return found[0], size_bytes
        if len(found) > 1:
            self._choices.update({_folder_apart(one, found) for one in found})
        (self.ambiguous if len(found) > 1 else self.missing).append(
            f"{file or name}{at}" + (f" may be {first(sorted(found, key=natural), 3)}" if len(found) > 1 else "")
        )
        return None

    def inside(self, name: str, place: str = "", base: str = "") -> str:
        """Return ``name`` relative to the root; raises DataError where it is empty or leads elsewhere."""
        where = f"{self.told}, {place}" if place else self.told
        if not name:
            raise DataError(f"{where}: no file is named", advice="Fill it in, or delete the entry.")
        inside = self._inside(name, base)
        if not inside:
            raise ElsewhereError(f"{where}: the file lies outside {self.root}", value=name)
        return inside

    def _inside(self, name: str, base: str) -> str:
        """Return ``name`` relative to the root, "" where it leads elsewhere."""
        plain = _plain(name)
        if "://" in plain:
            return ""
        if _PLAIN.match(plain) and ".." not in plain:
            return plain if base in ("", ".") else f"{base}/{plain}"
        below = (_below(os.path.normpath(tried), self.root) for tried in self._outside(name, base))
        return next(filter(None, below), "")

    def _outside(self, name: str, base: str) -> list[str]:
        """Return the places that a name may mean which is no plain path below its base."""
        plain = _plain(name)
        if PurePosixPath(plain).is_absolute() or PureWindowsPath(plain).is_absolute():
            return [plain]
        # Only a name that leads out of its base is tried from where the annotations lie.
        return [f"{self._prefix}{base}/{plain}", *([f"{self.beside}/{plain}"] if self.beside else [])]

    def _size(self, file: str) -> int | None:
        try:
            found = os.stat(self._prefix + file)
        except (OSError, ValueError):
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def _alike(self, file: str) -> str:
        """Return the one file that a person would read as this name, "" where there is none, or several."""
        found = ""
        for part in file.split("/"):
            names = self._names(found).get(folded(part), [])
            if len(names) != 1 and part not in names:
                return ""
            here = part if part in names else names[0]
            found = f"{found}/{here}" if found else here
        return found

    def _names(self, folder: str) -> dict[str, list[str]]:
        if folder not in self._folders:
            names: dict[str, list[str]] = {}
            try:
                for name in filter(is_text, os.listdir(self._prefix + folder)):
                    names.setdefault(folded(name), []).append(name)
            except OSError:
                pass
            self._folders[folder] = names
        return self._folders[folder]

    def none_found(self, n_named: int, looked: Sequence[Path] = ()) -> DataError:
        """Return the error for annotations whose ``n_named`` images are all missing, the real reason first."""
        below = first([str(folder) for folder in looked], 3) if looked else str(self.root)
        if self.remote and len(self.remote) >= n_named - len(self.missing):
            return self._all_remote(n_named, below)
        told = f"none of the {n_named} files named in {self.told} exists below {below}"
        value = next(iter((*self.missing, *self.ambiguous)), None)
        if self.ambiguous and not self.missing:
            told = f"of each file named in {self.told} there are several below {below}"
            return DataError(told, value=value, advice="Name a folder further in that holds one of each.")
        index = self._index
        if not self.named and index is not None and index.n_files:
            told += f" ({counted(index.n_files, 'image', 'images')} there called otherwise: {first(index.some(), 2)})"
        if not self.named:
            return ElsewhereError(told, value=value)
        advice = "There is no image in that folder: name another one."
        if index is not None and index.n_files:
            others = f"{counted(index.n_files, 'image', 'images')} called otherwise, such as {first(index.some(), 3)}"
            advice = f"It holds {others}. Name the folder with these very files, or correct the names."
        return DataError(told, value=value, advice=advice)

    def question(self) -> Question | None:
        """Return what to ask where names may mean several files, and nobody has said which."""
        if not self.ambiguous or self.meant:
            return None
        n = counted(len(self.ambiguous), "name", "names")
        often = sorted(self._choices.items(), key=lambda choice: (-choice[1], natural(choice[0])))
        folders = [folder for folder, _ in often[:_CHOICES] if folder]
        if not folders:
            return None  # they lie side by side, and differ in their endings: told, and counted as not used
        return Question(
            f"{n} in {self.told} may mean several files: {first(self.ambiguous, 2)}. Which folder is meant?",
            (
                Answer("None of them", "What these names say is left out.", {"meant_folder": NONE_MEANT}),
                *(
                    Answer(
                        f"Folder {one}", f"Of several files, the one in {one} is meant.", {"meant_folder": f"{one}/"}
                    )
                    for one in folders
                ),
            ),
        )

    def _all_remote(self, n_named: int, below: str) -> DataError:
        """Return the error for names of which none that is here is of a file: they lie in the net, or in the text."""
        within = self.remote[0].lower().startswith("data:")
        told, advice = (
            f"all {n_named} images named in {self.told} lie in the net, and are never fetched",
            "Download them into a folder, and name it: images_root=…, --images-root, “Folder of the images”.",
        )
        if within:
            told = f"all {n_named} images named in {self.told} are written into it, and are not read from there"
            advice = "Export it again with the images as files, or save them into a folder, and name those files."
        if self.missing:
            one = counted(len(self.remote), *(("is written", "are written") if within else ("lies", "lie")))
            where = "into it, where nothing is read from" if within else "in the net, where nothing is fetched from"
            gone = counted(len(self.missing), "does", "do")
            told = f"of the {n_named} images named in {self.told}, {one} {where}, and {gone} not exist below {below}"
        return (DataError if within else ElsewhereError)(told, value=self.remote[0], advice=advice)

    def tell(self, tally: Tally) -> None:
        """Count the names without an image that can be used."""
        tally.add(self.noun, f"of {self.told} with a missing image", *self.missing)
        tally.add(self.noun, f"of {self.told} with several images that may be meant", *self.ambiguous)
        told = f"of {self.told} with an image in the net, which is never fetched (download it, and name its folder)"
        tally.add(self.noun, told, *self.remote)

    def notices(self) -> tuple[str, ...]:
        """Return what is called otherwise, in full sentences."""
        moved = counted(len(self.moved), "file lies elsewhere", "files lie elsewhere")
        bare = counted(len(self.without_ending), "file is", "files are")
        other = counted(len(self.renamed), "name differs", "names differ")
        sentences = (
            (self.renamed, f"{other} from the file's in case or in composed letters: {first(self.renamed)}."),
            (self.without_ending, f"{bare} named without an ending: {first(self.without_ending, 3)}."),
            (self.moved, f"{moved} than named, found by the end of the path: {first(self.moved, 3)}."),
        )
        return tuple(sentence for names, sentence in sentences if names)


class _Index:
    """The images below a folder by name, for names whose path is of another time or machine."""

    def __init__(self, root: Path) -> None:
        self.n_files = 0
        self._by_name: dict[str, list[str]] = {}
        self._as_written: dict[str, list[str]] = {}
        """The same lists, by names as they are: most names are those of their files."""
        self._by_stem: dict[str, list[str]] = {}
        self._behind_hash: dict[str, list[str]] = {}
        """By what stands behind a hash that a labelling tool has put before the name."""
        self._letters: dict[str, list[str]] = {}
        self._numbers: dict[int, list[str]] = {}
        self._folders: set[str] = set()
        for folder, inner, names in os.walk(root):
            shown = [name for name in inner if not name.startswith(".") and is_text(name)]
            inner[:] = [name for name in shown if not is_machine_folder(name)]
            below = os.path.relpath(folder, root).replace(os.sep, "/")
            prefix = "" if below == "." else f"{below}/"
            self._folders.update(name_key(name) for name in inner)
            for name in filter(is_image, names):
                if not name.startswith(".") and is_text(name):
                    self.n_files += 1
                    if ".rf." in name:
                        self._by_name.setdefault(name_key(_ROBOFLOW.sub("", name)), []).append(prefix + name)
                    same = self._by_name.setdefault(name_key(name), [])
                    same.append(prefix + name)
                    self._as_written[name] = same
                    self._by_stem.setdefault(name_key(os.path.splitext(name)[0]), []).append(prefix + name)
                    if _HASH.match(name):
                        bare = name_key(os.path.splitext(_HASH.sub("", name, count=1))[0])
                        self._behind_hash.setdefault(bare, []).append(prefix + name)
            if self.n_files:
                heed.at(self.n_files)

    def some(self) -> list[str]:
        """Return a few of the files."""
        return sorted(file for files in list(self._by_name.values())[:3] for file in files)[:3]

    def called(self, name: str) -> list[str]:
        """Return the file of exactly this name where no other is called alike; it is quick, and most names are so."""
        found = self._as_written.get(name, [])
        return found if len(found) == 1 else []

    def nearest(self, name: str, *, inside: bool) -> list[str]:
        """Return the files whose paths share the longest ending with ``name``, compared as a person reads them.

        Either the file's whole path is an ending of the name, or the whole name is an ending of the file's path; else
        none of the name's folders is there, and no other set is named. ``inside`` says that the name is relative to the
        folder: where its first folder exists, the whole name counts, for what it names there is missing, and not moved.
        """
        *folders, last = [part for part in name.split("/") if part not in ("", ".", "..")] or [""]
        asked = [name_key(folder) for folder in folders]
        whole = inside and bool(asked) and asked[0] in self._folders
        strange = not whole and self._folders.isdisjoint(asked)
        common: dict[str, int] = {}
        for file in next(filter(None, self._candidates(last)), []):
            there = [name_key(part) for part in file.split("/")[:-1]]
            n = _n_in_common(asked, there)
            if n == len(asked) or (n == len(there) and not whole) or (strange and _same_set(asked, there)):
                common[file] = n
        most = max(common.values(), default=0)
        return [file for file, n in common.items() if n == most]

    def _candidates(self, last: str) -> Iterable[list[str]]:
        for name in dict.fromkeys((last, _HASH.sub("", last, count=1), _ROBOFLOW.sub("", last))):
            yield self._by_name.get(name_key(name), [])
            yield self._by_stem.get(name_key(name), [])  # named without an ending
            if is_image(name):
                yield self._by_stem.get(name_key(os.path.splitext(name)[0]), [])  # converted since
        bare = os.path.splitext(last)[0]
        if is_image(bare):  # a.jpg.jpg
            yield self._by_name.get(name_key(bare), [])
        yield self._behind_hash.get(name_key(os.path.splitext(last)[0] if is_image(last) else last), [])
        yield self._by_letters().get(_letters(os.path.splitext(_HASH.sub("", last, count=1))[0]), [])
        if (number := number_of(last)) is not None:
            yield self._by_number().get(number, [])

    def _by_number(self) -> dict[int, list[str]]:
        """Return the files whose name is a number: tables lose zeros (1 for 0001.jpg), and gain points (1.0)."""
        if not self._numbers:
            for stem, files in self._by_stem.items():
                if (number := number_of(stem)) is not None:
                    self._numbers.setdefault(number, []).extend(files)
        return self._numbers

    def _by_letters(self) -> dict[str, list[str]]:
        """Return the files by their letters and digits: Label Studio writes cat_1.jpg for "cat (1).jpg"."""
        if not self._letters:
            for stem, files in self._by_stem.items():
                self._letters.setdefault(_letters(stem), []).extend(files)
        return self._letters


def _folder_apart(file: str, others: Sequence[str]) -> str:
    """Return the folder that sets ``file`` apart from the ``others``, "" for one that lies in no folder of its own."""
    parts = file.split("/")[:-1]
    for n in range(1, len(parts) + 1):
        folder = "/".join(parts[:n])
        if sum(other.startswith(f"{folder}/") for other in others) == 1:
            return folder
    return ""


def _n_in_common(asked: list[str], there: list[str]) -> int:
    """Return how many folders two paths share at their ends."""
    n = 0
    while n < min(len(asked), len(there)) and asked[-1 - n] == there[-1 - n]:
        n += 1
    return n


def _same_set(asked: list[str], there: list[str]) -> bool:
    """Return whether two paths do not name different sets, as ``train/1.jpg`` and ``val/1.jpg`` do."""
    named = [{set_of(folder) for folder in folders} - {""} for folders in (asked, there)]
    return not all(named) or named[0] == named[1]


def _letters(stem: str) -> str:
    """Return the letters and digits of a name, with one _ for whatever stands between them."""
    return re.sub(r"[\W_]+", "_", name_key(stem)).strip("_")


def number_of(name: str) -> int | None:
    """Return the number that ``name`` is, whatever its zeros, point or ending: 0001, 1.0 and 0001.jpg; else None."""
    stem = os.path.splitext(name)[0] if is_image(name) else name
    match = _NUMBER.fullmatch(stem)
    return int(match[1]) if match else None


def name_key(name: str) -> str:
    """Return ``name`` such that ways to write it are equal: case, composed letters, and %20, + and _ for spaces."""
    return "_".join(folded(unquote(name) if "%" in name else name).replace("+", " ").split())


def _plain(name: str) -> str:
    """Return ``name`` with slashes, and without what makes it an address of a file."""
    return re.sub(r"^file://(?:localhost)?(?:/(?=[A-Za-z]:))?", "", name.strip()).replace("\\", "/")


def _decoded(name: str) -> str:
    """Return the path that an address, or a name in percent encoding, is about."""
    plain = _plain(name)
    if "?d=" in plain:
        plain = plain.rsplit("?d=", 1)[1]
    elif plain.startswith("/data/") or "://" in plain:
        plain = urlsplit(plain).path or plain
    elif is_image(before_query(plain)):
        plain = before_query(plain)
    return (unquote(plain) if "%" in plain else plain).replace("\\", "/")


def before_query(name: str) -> str:
    """Return an address without what it asks for: ``a.jpg?token=1`` is about a.jpg."""
    return name.partition("?")[0]


def _is_file_at(path: str) -> bool:
    try:
        return os.path.isabs(path) and os.path.isfile(os.path.normpath(path))
    except ValueError:
        return False


def nearest(folders: Iterable[Path], names: Sequence[str]) -> Path | None:
    """Return the first of ``folders`` that holds the most of the first ``names``, None where none holds any."""
    tried = [name.replace("\\", "/") for name in names[:_TRIED]]
    scores = {folder: sum(_is_file(folder, name) for name in tried) for folder in dict.fromkeys(folders)}
    best = max(scores, key=lambda folder: scores[folder], default=None)
    return best if best is not None and scores[best] else None


def folded(name: str) -> str:
    """Return ``name`` such that names which a person reads as equal are equal."""
    return unicodedata.normalize("NFC", name).casefold()


def _is_file(folder: Path, name: str) -> bool:
    return os.path.isfile(os.path.join(folder, name)) or os.path.isfile(
        os.path.join(folder, unicodedata.normalize("NFD", name))
    )


def _below(path: str, root: Path) -> str:
    """Return ``path`` relative to ``root``, "" where it does not lie below it."""
    for base in (str(root), os.path.realpath(root)):
        try:
            relative = os.path.relpath(path, base).replace(os.sep, "/")
        except ValueError:  # another drive
            continue
        if relative not in (".", "..") and not relative.startswith("../"):
            return relative
    return ""
