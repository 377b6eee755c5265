"""Names of sets: which of train, val and test a folder, a file or a cell of a table is about.

``seg_train``, ``training_set``, ``X_train``, ``trainImages``, ``TRAIN``, ``train2017``, ``dev`` and ``holdout`` are
understood, and the words of other languages (``Validierung``, ``entrenamiento``, ``测试集``) with and without their
accents. A name that also says something else ("pets_train") is about a set only beside one that says the same
("pets_test"): ``sets_among`` looks at names together. More words, or numbers, are added by a person.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from nbtrain.data.splits import SETS
from nbtrain.errors import DataError


def _bare(name: str) -> str:
    """Return ``name`` without accents, which file systems and people write in several ways, or leave out."""
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))


_TRAIN = (
    *("train", "training", "trainval", "trn"),
    *("trainieren", "entraînement", "apprentissage", "entrenamiento", "entreno", "addestramento", "allenamento"),
    *("treino", "treinamento", "trening", "treningowy", "eğitim", "обучение", "обучающая", "тренировка"),
    *("训练", "训练集", "訓練", "訓練データ", "学習", "学習データ", "훈련", "학습"),
)
_VAL = (
    *("val", "vald", "vld", "valid", "validation", "validate", "dev", "devel", "eval", "evaluation"),
    *("validierung", "validación", "validazione", "validação", "validatie", "walidacja", "walidacyjny", "doğrulama"),
    *("валидация", "валидационная", "проверка", "验证", "验证集", "驗證", "検証", "検証データ", "검증"),
)
_TEST = (
    *("test", "testing", "tst", "holdout"),
    *("testen", "essai", "prueba", "pruebas", "prova", "teste", "testes", "testowy", "тест", "тестовая"),
    *("测试", "测试集", "測試", "テスト", "テストデータ", "테스트", "시험"),
)
SET_WORDS: dict[str, str] = {
    _bare(word): name for name, words in (("train", _TRAIN), ("val", _VAL), ("test", _TEST)) for word in words
}
"""What people call the three sets, in lower case and without accents, and what nbtrain calls them."""

_FILLERS = frozenset(
    (
        *("a", "all", "class", "classes", "data", "dataset", "dir", "directory", "file", "files", "final", "folder"),
        *("full", "image", "images", "img", "imgs", "jpeg", "jpg", "photo", "photos", "pic", "pics", "picture"),
        *("pictures", "png", "sample", "samples", "set", "sets", "split", "splits", "subset", "the", "x", "y"),
        *("bild", "bilder", "satz", "daten", "datos", "dati", "dados", "donnees", "imagenes", "immagini", "imagens"),
    )
)
"""Words beside a set's word that say nothing more."""
_COMPOUND = re.compile(
    rf"({'|'.join(sorted(SET_WORDS, key=len, reverse=True))})"
    "s?"  # Validierungsdaten
    "(set|sets|satz|data|daten|images|imgs|img|bilder)"
)
_HOLD_OUT = re.compile(r"hold[ _-]out", re.IGNORECASE)
_BETWEEN = " _-.,()[]+"
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+")
"""Runs of letters, parted where a capital begins a word: trainImages, TRAIN, XTrain."""


More = Mapping[str, str]
"""Words that a person has added, in lower case, and the sets that they mean."""
_NO_MORE: More = {}


def added(given: Iterable[str]) -> More:
    """Return what texts such as ``entreno=train`` or ``0=val`` add; raises DataError for one that names no set."""
    found: dict[str, str] = {}
    for text in given:
        word, equals, named = text.rpartition("=")  # a cell of a table may have one in it
        if not word.strip() or not equals or named.strip() not in SETS:
            raise DataError(
                "this names no set", value=text, advice="Write the word, = and train, val or test: eval2=val."
            )
        found[word.strip().casefold()] = named.strip()
    return found


def set_and_rest(name: str, more: More = _NO_MORE) -> tuple[str, tuple[str, ...]]:
    """Return the set that ``name`` is about, "" where it says none or several, and what else it says, in lower case."""
    whole = more.get(name.strip().casefold())
    if whole:
        return whole, ()
    sets: list[str] = []
    rest: list[str] = []
    for word in _words(name):
        known = more.get(word) or SET_WORDS.get(word)
        if known:
            sets.append(known)
        elif word not in _FILLERS:
            rest.append(word)
    return (sets[0], tuple(rest)) if len(set(sets)) == 1 else ("", tuple(rest))


def _words(name: str) -> Iterable[str]:
    for word in _WORDS.findall(_HOLD_OUT.sub("holdout", _bare(name))):
        compound = _COMPOUND.fullmatch(word.lower())
        yield from (compound.groups() if compound else (word.casefold(),))


def without_set(name: str, more: More = _NO_MORE) -> tuple[str, str]:
    """Return the one word of ``name`` that says a set, as its set, and what else stands there: ``cat_train`` is of cat.

    "" for a name that says no set, or several.
    """
    found = [(match, said) for match in _WORDS.finditer(name) if (said := _said(match[0], more))]
    if len(found) != 1:
        return "", ""
    match, said = found[0]
    before, after = name[: match.start()].strip(_BETWEEN), name[match.end() :].strip(_BETWEEN)
    return said, "_".join(filter(None, (before, after)))


def _said(word: str, more: More) -> str:
    bare = _bare(word).casefold()
    return more.get(bare) or SET_WORDS.get(bare, "")


def set_of(name: str, more: More = _NO_MORE) -> str:
    """Return the set that a name such as ``instances_train2017`` is about; "" where it says none, or several."""
    return set_and_rest(name, more)[0]


def is_set_name(name: str, more: More = _NO_MORE) -> bool:
    """Return whether ``name`` says a set and nothing else: ``training_set`` does, ``pets_train`` does not."""
    named, rest = set_and_rest(name, more)
    return bool(named) and not rest


def sets_among(names: Iterable[str], more: More = _NO_MORE) -> dict[str, str]:
    """Return of ``names`` those that are sets, with the set that each is; nothing where they are something else.

    They all say the same beside their set ("seg_train", "seg_test"), and one of them trains.
    """
    groups: dict[tuple[str, ...], dict[str, str]] = {}
    for name in names:
        named, rest = set_and_rest(name, more)
        if named:
            groups.setdefault(rest, {})[name] = named
    sound = [group for rest, group in groups.items() if "train" in group.values() and (not rest or len(group) > 1)]
    return max(sound, key=len, default={})
