"""Labels in tables: one or several in a cell, none at all, numbers and names in several spellings, long tables."""

from __future__ import annotations

from collections.abc import Sequence

from formats.frame import Asked, Given, Outcome, Read, Refused, Situation

CSV = "CSV"
_BOTH = {"cat": 3, "dog": 3}


def table(header: str, *rows: str, images: str = "", name: str = "labels.csv", **settings: object) -> Given:
    """Return a table whose rows begin with the images a.jpg, b.jpg …, which are made."""
    files = [f"{chr(97 + i)}.jpg" for i in range(len(rows))]
    lines = [header, *(f"{file}{row}" for file, row in zip(files, rows, strict=True))]
    return Given(images or "; ".join(files), {name: "\n".join(lines) + "\n"}, name, settings=settings)


def cells(
    told: str, written: Sequence[str], happens: Outcome, *, separator: str | None = None, waits: str = ""
) -> Situation:
    """Return the situation of a column of labels with these cells, quoted where they need it."""
    quoted = ['"' + cell.replace('"', '""') + '"' if set(',"\n') & set(cell) else cell for cell in written]
    settings = {} if separator is None else {"separator": separator}
    return Situation(CSV, told, table("file,label", *(f",{cell}" for cell in quoted), **settings), happens, waits)


def _spelled(both: str, cat: str, dog: str, swapped: str) -> tuple[str, ...]:
    return both, cat, dog, swapped


_SPELLINGS = {
    "parted by semicolons": (_spelled("cat;dog", "cat", "dog", "dog;cat"), ()),
    "parted by semicolons and spaces": (_spelled("cat; dog", "cat", "dog", "dog ;cat"), ()),
    "parted by bars": (_spelled("cat|dog", "cat", "dog", "dog|cat"), ()),
    "parted by commas": (_spelled("cat,dog", "cat", "dog", "dog,cat"), "as commas"),
    "parted by commas and spaces": (_spelled("cat, dog", "cat", "dog", "dog, cat"), "as commas"),
    "parted by spaces (fastai)": (_spelled("cat dog", "cat", "dog", "dog cat"), "as spaces"),
    "as Python lists": (_spelled("['cat', 'dog']", "['cat']", "['dog']", "['dog', 'cat']"), "as lists"),
    "as JSON lists": (_spelled('["cat", "dog"]', '["cat"]', '["dog"]', '["dog", "cat"]'), "as lists"),
    "as lists, one label written without brackets": (
        _spelled("['cat', 'dog']", "cat", "['dog']", "['dog', 'cat']"),
        "as lists",
    ),
    "as Python tuples": (_spelled("('cat', 'dog')", "('cat',)", "('dog',)", "('dog', 'cat')"), "as lists"),
    "as Python sets": (_spelled("{'cat', 'dog'}", "{'cat'}", "{'dog'}", "{'dog', 'cat'}"), "as lists"),
    "as arrays of NumPy": (_spelled("['cat' 'dog']", "['cat']", "['dog']", "['dog' 'cat']"), "as lists"),
    "as lists without quotes": (_spelled("[cat, dog]", "[cat]", "[dog]", "[dog, cat]"), "as lists"),
    "as Label Studio's choices": (
        _spelled(
            '{"choices": ["cat", "dog"]}', '{"choices": ["cat"]}', '{"choices": ["dog"]}', '{"choices": ["dog", "cat"]}'
        ),
        "as lists",
    ),
    "as Label Studio's CSV writes one choice plainly": (
        _spelled('{"choices":["cat","dog"]}', "cat", "dog", '{"choices":["dog","cat"]}'),
        "as lists",
    ),
    "parted by plus signs": (_spelled("cat+dog", "cat", "dog", "dog+cat"), "plus"),
    "parted by ampersands": (_spelled("cat & dog", "cat", "dog", "dog & cat"), "&"),
    "parted by slashes": (_spelled("cat/dog", "cat", "dog", "dog/cat"), "slash"),
    "parted by tabs inside the cell": (_spelled("cat\tdog", "cat", "dog", "dog\tcat"), "spaces"),
    "parted by line breaks inside the cell": (_spelled("cat\ndog", "cat", "dog", "dog\ncat"), "spaces"),
}

SEVERAL = [
    *(
        cells(f"several labels in a cell {told}", cell, Read(_BOTH, files={"a.jpg": "cat + dog"}, told=said or ()))
        for told, (cell, said) in _SPELLINGS.items()
    ),
    cells(
        "several labels with “and” between",
        ("cat and dog", "cat", "dog", "dog and cat"),
        Read(_BOTH, files={"a.jpg": "cat + dog"}),
    ),
    cells(
        "names joined by underscores, that may be several labels",
        ("cat_dog", "cat", "dog", "cat"),
        Asked(
            "Is “cat_dog” in label one label, or several with underscores between them?",
            {
                "Labels: one per cell": Read({"cat_dog": 1, "cat": 2, "dog": 1}),
                "Labels: several per cell, with underscores between": Read({"cat": 3, "dog": 2}),
            },
        ),
    ),
    cells(
        "names joined by hyphens, that may be several labels",
        ("cat-dog", "cat", "dog", "cat"),
        Asked(
            "Is “cat-dog” in label one label, or several with hyphens between them?",
            {
                "Labels: one per cell": Read({"cat-dog": 1, "cat": 2, "dog": 1}),
                "Labels: several per cell, with hyphens between": Read({"cat": 3, "dog": 2}),
            },
        ),
    ),
    cells(
        "names joined by underscores, read as several",
        ("cat_dog", "cat", "dog", "cat"),
        Read({"cat": 3, "dog": 2}),
        separator="_",
    ),
    cells(
        "lists of zeros and ones, a place for each class",
        ("[1, 0]", "[0, 1]", "[1, 1]"),
        Refused(
            "labels.csv, line 2: label holds zeros and ones by their place", "one column of 0 and 1 for each class"
        ),
    ),
    cells(
        "zeros and ones with spaces between, a place for each class",
        ("1 0 0", "0 1 0", "0 0 1"),
        Refused(
            "labels.csv, line 2: label holds zeros and ones by their place", "one column of 0 and 1 for each class"
        ),
    ),
    cells(
        "lists of numbers of classes", ("[1, 2]", "[1]", "[2]", "[]"), Read({"1": 2, "2": 2}, none=1, told="as lists")
    ),
    cells(
        "labels parted by bars, and one list among them",
        ("cat|dog", "cat", "['dog']", "dog|cat"),
        Read(_BOTH, files={"a.jpg": "cat + dog", "c.jpg": "dog"}),
    ),
    cells(
        "several labels of which one has a comma in it, parted by semicolons",
        ("Corgi, Pembroke;dog", "dog", "Corgi, Pembroke", "dog"),
        Read({"Corgi, Pembroke": 2, "dog": 3}),
    ),
    cells(
        "names with commas, of which one part repeats",
        ("Corgi, Pembroke", "Corgi, Cardigan", "Pug", "Pug"),
        Asked(
            "Is “Corgi, Pembroke” in label one label, or several with commas between them?",
            {
                "Labels: one per cell": Read({"Corgi, Pembroke": 1, "Corgi, Cardigan": 1, "Pug": 2}),
                "Labels: several per cell, with commas between": Read(
                    {"Corgi": 2, "Pembroke": 1, "Cardigan": 1, "Pug": 2}
                ),
            },
        ),
    ),
    cells(
        "names with commas, of which one part repeats, taken as one label",
        ("Corgi, Pembroke", "Corgi, Cardigan", "Pug", "Pug"),
        Read({"Corgi, Pembroke": 1, "Corgi, Cardigan": 1, "Pug": 2}),
        separator="",
    ),
    cells(
        "names with spaces, of which all parts repeat",
        ("red car", "blue car", "red bus", "blue bus", "car"),
        Asked(
            "Is “red car” in label one label, or several with spaces between them?",
            {
                "Labels: one per cell": Read({"red car": 1, "blue car": 1, "red bus": 1, "blue bus": 1, "car": 1}),
                "Labels: several per cell, with spaces between": Read({"red": 2, "blue": 2, "car": 3, "bus": 2}),
            },
        ),
    ),
    cells(
        "names with plus signs, of which all parts repeat",
        ("red+car", "blue+car", "red+bus", "blue+bus", "car"),
        Asked(
            "Is “red+car” in label one label, or several with plus signs between them?",
            {
                "Labels: one per cell": Read({"red+car": 1, "blue+car": 1, "red+bus": 1, "blue+bus": 1, "car": 1}),
                "Labels: several per cell, with plus signs between": Read({"red": 2, "blue": 2, "car": 3, "bus": 2}),
            },
        ),
    ),
    cells(
        "a name of two words, of which one is a label",
        ("polar bear", "bear", "polar bear", "cat"),
        Read({"polar bear": 2, "bear": 1, "cat": 1}, told="such as “polar bear”, count as one label each"),
    ),
    cells(
        "a name with a hyphen, of which one part is a label",
        ("t-shirt", "shirt", "t-shirt", "shirt"),
        Read({"t-shirt": 2, "shirt": 2}, told="2 cells with hyphens, such as “t-shirt”, count as one label each"),
    ),
    cells(
        "one label of two words",
        ("polar bear", "brown bear", "polar bear", "brown bear"),
        Read({"polar bear": 2, "brown bear": 2}),
    ),
    cells(
        "one label with a hyphen and a slash",
        ("cat-dog", "n/a-like", "cat-dog", "n/a-like"),
        Read({"cat-dog": 2, "n/a-like": 2}),
    ),
    cells(
        "a comma that a person says is part of the names",
        ("cat,dog", "cat", "dog", "dog"),
        Read({"cat,dog": 1, "cat": 1, "dog": 2}),
        separator="",
    ),
    cells("a separator of one's own", ("cat/dog", "cat", "dog", "dog"), Read({"cat": 2, "dog": 3}), separator="/"),
    cells("a label twice in a cell", ("cat;cat", "cat;dog", "dog", "dog"), Read({"cat": 2, "dog": 3})),
    cells(
        "an empty list",
        ("[]", "['cat']", "['dog']", "['cat', 'dog']"),
        Read({"cat": 2, "dog": 2}, none=1, told="as lists"),
    ),
    cells(
        "an empty cell beside lists",
        ("", "cat;dog", "cat", "dog"),
        Asked(
            "1 image has an empty cell in label, where others name several labels: do they show none of the classes?",
            {
                "They show none": Read(
                    {"cat": 2, "dog": 2}, none=1, told="1 cell in label is empty: read as showing none"
                ),
                "Labels are missing": Read({"cat": 2, "dog": 2}, told="Not used: 1 image without a label in"),
            },
        ),
    ),
    cells("a separator at the end of cells", ("cat;", "cat;dog;", "dog;", "dog;"), Read({"cat": 2, "dog": 3})),
    Situation(
        CSV,
        "a column of 0 and 1 for each class",
        table("file,cat,dog,emu", ",1,0,0", ",1,1,0", ",0,0,1", ",0,0,0"),
        Read({"cat": 2, "dog": 1, "emu": 1}, none=1, files={"b.jpg": "cat + dog"}),
    ),
    Situation(
        CSV,
        "a column of true and false for each class",
        table("file,cat,dog", ",True,False", ",TRUE,true", ",false,False"),
        Read({"cat": 2, "dog": 1}, none=1),
    ),
    Situation(
        CSV,
        "a column of yes and no for each class",
        table("file,cat,dog", ",yes,no", ",Yes,YES", ",no,yes"),
        Read({"cat": 2, "dog": 2}),
    ),
    Situation(
        CSV,
        "a column of x and nothing for each class",
        table("file,cat,dog", ",x,", ",x,x", ",,X"),
        Read({"cat": 2, "dog": 2}),
    ),
    Situation(
        CSV,
        "a column of 1.0 and 0.0 for each class",
        table("file,cat,dog", ",1.0,0.0", ",1.0,1.0", ",0.0,1.0"),
        Read({"cat": 2, "dog": 2}),
    ),
    Situation(
        CSV,
        "a column of 1 and −1 for each class (CelebA)",
        table("file,Smiling,Male", ",1,-1", ",1,1", ",-1,1", ",-1,-1"),
        Read({"Smiling": 2, "Male": 2}, none=1, told="-1 is read as no"),
    ),
    Situation(
        CSV,
        "columns that mix −1 and 0 (CheXpert)",
        table("file,Edema,Fracture", ",1,-1", ",0,1", ",1,1"),
        Asked(
            "labels.csv, line 2: Fracture holds -1 where others hold 0: does it mean no, or not certain?",
            {
                "-1 means no": Read({"Edema": 2, "Fracture": 2}, told="-1 is read as no"),
                "-1 counts as yes": Read({"Edema": 2, "Fracture": 3}, told="-1 is read as yes"),
                "-1 leaves images out": Read({"Edema": 1, "Fracture": 2}, told="without a label in labels.csv: a.jpg"),
            },
        ),
    ),
    Situation(
        CSV,
        "an empty cell in a column of 0 and 1",
        table("file,cat,dog", ",1,", ",1,1", ",0,1"),
        Read({"cat": 2, "dog": 2}, told="1 cell of the label columns is empty and counts as 0"),
    ),
    Situation(
        CSV,
        "a cell of 2 in a column of 0 and 1 that a person names",
        table("file,cat,dog", ",1,0", ",2,1", ",0,1", label_columns=("cat", "dog")),
        Refused("labels.csv, line 3: cat holds neither 0 nor 1", "one column per class"),
    ),
    Situation(
        CSV,
        "a column of 0 and 1 for each class, and other columns beside",
        table("file,cat,dog,patient", ",1,0,P1", ",1,1,P2", ",0,1,P1", label_columns=("cat", "dog")),
        Read({"cat": 2, "dog": 2}, columns=("patient",)),
    ),
    Situation(
        CSV,
        "columns of classes and others beside, unnamed",
        table("file,cat,dog,patient", ",1,0,P1", ",1,1,P2", ",0,1,P1"),
        Asked(
            "Which column of labels.csv holds the labels?",
            {
                "Labels: 2 columns of 0 and 1": Read({"cat": 2, "dog": 2}, columns=("patient",)),
                "Labels: patient": Read({"P1": 2, "P2": 1}, columns=("cat", "dog")),
            },
        ),
    ),
    Situation(
        CSV,
        "a row for each label (long table)",
        Given(
            "{a,b,c}.jpg", {"l.csv": "image,label\na.jpg,cat\na.jpg,dog\nb.jpg,cat\nb.jpg,dog\nc.jpg,cat\n"}, "l.csv"
        ),
        Read({"cat": 3, "dog": 2}, files={"a.jpg": "cat + dog"}, told="each row is read as one label of its image"),
    ),
    Situation(
        CSV,
        "one image of very many with two different labels",
        Given(
            "{0..39}.jpg",
            {
                "l.csv": "image,label\n"
                + "".join(f"{i}.jpg,{'cat' if i % 2 else 'dog'}\n" for i in range(40))
                + "3.jpg,dog\n"
            },
            "l.csv",
        ),
        Refused("l.csv, line 5: 3.jpg is cat, and dog on line 42", "one row per image"),
    ),
    Situation(
        CSV,
        "rows that repeat earlier ones",
        Given("{a,b}.jpg", {"l.csv": "image,label\na.jpg,cat\nb.jpg,dog\na.jpg,cat\n"}, "l.csv"),
        Read({"cat": 1, "dog": 1}, told="Not used: 1 row of l.csv repeating an earlier one: a.jpg (lines 2 and 4)."),
    ),
    Situation(
        CSV,
        "label and other columns (age, site) of each image",
        table("file,label,age,site", ",cat,3,A", ",dog,5,B"),
        Read({"cat": 1, "dog": 1}, columns=("age", "site")),
    ),
]

_NOTHING = (
    "NaN",
    "nan",
    "<NA>",
    "#N/A",
    "n/a",
    "N/A",
    "NA",
    "null",
    "NULL",
    "None",
    "-",
    "--",
    "–",
    "NaT",
    "nil",
    ".",
    "?",
    "#NULL!",
    "(null)",
    "[null]",
    "\\N",
    "#VALUE!",
)

NONE = [
    *(
        cells(
            f"no value, written {text}",
            ("cat", text, "dog", "cat"),
            Read(
                {"cat": 2, "dog": 1},
                told=(
                    "1 cell in label holds no value",
                    f"({text} (1))",
                    "Not used: 1 image without a label in labels.csv: b.jpg.",
                ),
            ),
        )
        for text in _NOTHING
    ),
    cells(
        "no value, left empty",
        ("cat", "", "dog", "cat"),
        Read({"cat": 2, "dog": 1}, told="1 cell in label holds no value"),
    ),
    cells(
        "no value, written as spaces",
        ("cat", "  ", "dog", "cat"),
        Read({"cat": 2, "dog": 1}, told="1 cell in label holds no value"),
    ),
    cells(
        "no value in several spellings",
        ("cat", "", "NaN", "dog", "null", "cat"),
        Read({"cat": 2, "dog": 1}, told="Not used: 3 images without a label in labels.csv: b.jpg, c.jpg, e.jpg."),
    ),
    cells("no value between labels", ("cat;nan", "cat;dog", "dog", "nan"), Read({"cat": 2, "dog": 2})),
    cells(
        "a class called none, in small letters",
        ("none", "crack", "none", "crack"),
        Read({"none": 2, "crack": 2}, told="“none” is taken for a class"),
    ),
    cells("a class called unknown", ("unknown", "cat", "unknown", "cat"), Read({"unknown": 2, "cat": 2})),
    cells("all labels empty", ("", "", "NaN"), Refused("3 images have no label", "Fill in the labels")),
    cells(
        "one class left, the others without a label",
        ("cat", "NaN", "NaN"),
        Refused("2 images have no label", "Fill in the labels"),
    ),
]

SPELLING = [
    cells(
        "numbers in two spellings (1 and 1.0)",
        ("1", "1.0", "0", "0.0"),
        Read({"0": 2, "1": 2}, told="One class in two spellings is one"),
    ),
    cells("numbers that pandas wrote as 1.0", ("1.0", "0.0", "1.0", "0.0"), Read({"0": 2, "1": 2})),
    cells(
        "true and TRUE",
        ("true", "TRUE", "False", "false"),
        Read({"true": 2, "false": 2}, told="One class in two spellings"),
    ),
    cells(
        "01 and 1",
        ("01", "1", "01", "1"),
        Read({"01": 2, "1": 2}, told="Numbers with and without leading zeros are different classes: 01"),
    ),
    cells("classes 1, 2 and 10 in the order of numbers", ("10", "2", "1", "2"), Read({"1": 1, "2": 2, "10": 1})),
    cells("negative numbers", ("-1", "1", "-1", "1"), Read({"-1": 2, "1": 2})),
    cells(
        "classes that differ in case",
        ("Cat", "cat", "dog", "Dog"),
        Read(
            {"Cat": 1, "cat": 1, "dog": 1, "Dog": 1},
            told="These 2 names look like one class, and differ in upper and lower case: Cat, cat.",
        ),
    ),
    cells(
        "spaces around and within names",
        (" cat", "cat ", "polar  bear", "polar bear"),
        Read({"cat": 2, "polar bear": 2}),
    ),
    cells(
        "names in decomposed and composed letters",
        ("e\u0301t\u00e9", "\u00e9te\u0301", "hiver", "hiver"),
        Read({"\u00e9t\u00e9": 2, "hiver": 2}),
    ),
    cells(
        "names with a no-break space",
        ("polar\u00a0bear", "polar bear", "cat", "cat"),
        Read({"polar bear": 2, "cat": 2}),
    ),
    cells(
        "names with zero-width characters",
        ("cat\u200b", "cat", "dog\u200b", "dog"),
        Read({"cat": 2, "dog": 2}, told="2 classes are written with invisible characters"),
    ),
    cells(
        "names with letters of another script that look alike",
        ("c\u0430t", "cat", "dog", "dog"),
        Read(
            {"c\u0430t": 1, "cat": 1, "dog": 2},
            told="letters that look alike: “\u0430” (cyrillic small letter a): cat, c\u0430t.",
        ),
    ),
    cells(
        "names that differ in spaces, hyphens and underscores",
        ("polar_bear", "polar-bear", "Polar bear", "cat"),
        Read(
            {"polar_bear": 1, "polar-bear": 1, "Polar bear": 1, "cat": 1},
            told="look like one class, and differ in spaces, hyphens or underscores and upper and lower case",
        ),
    ),
    cells("emoji and other scripts", ("😀", "猫", "😀", "猫"), Read({"😀": 2, "猫": 2})),
    cells("quotes and commas in names", ('"a" b', "c,d", '"a" b', "c,d"), Read({'"a" b': 2, "c,d": 2})),
    cells(
        "a name of 2000 characters",
        ("x" * 2000, "y", "y", "y"),
        Refused("a class has a name of 2000 characters", "rename it"),
    ),
    cells("Excel's yes and no", ("yes", "no", "yes", "no"), Read({"yes": 2, "no": 2})),
    cells(
        "a single class",
        ("cat", "cat", "cat", "cat"),
        Refused("there is only one class (cat)", "at least one other class"),
    ),
]


def _by_sign(name: str, sign: str) -> Situation:
    told = f"as “{sign}”"
    rows = (f",cat{sign}dog", ",cat", ",dog", f",dog{sign}cat")
    return Situation(CSV, f"several labels in a cell parted by {name}", table("file,label", *rows),
                     Read(_BOTH, told=told))  # fmt: skip


def _whether(text: str, example: str, one: Read, several: Read, *cells: str) -> Situation:
    """Words of which it is asked whether they are one label."""
    asked = f"Is “{example}” in label one label, or several with spaces between them?"
    answers = {"Labels: one per cell": one, "Labels: several per cell, with spaces between": several}
    return Situation(CSV, text, table("file,label", *(f",{cell}" for cell in cells)), Asked(asked, answers))


def _lists(text: str, happens: Outcome, *cells: str) -> Situation:
    quoted = (cell.replace('"', '""') for cell in cells)
    return Situation(CSV, text, table("file,label", *(f',"{cell}"' for cell in quoted)), happens)


_LONG = "file,label,value\n" + "".join(
    f"{x}.jpg,{name},{int(name in shown)}\n"
    for x, shown in (("a", ("cat",)), ("b", ("dog",)), ("c", ("cat", "dog")), ("d", ()))
    for name in ("cat", "dog")
)
_UNCLOSED = Refused(("l.csv, line 2".replace("l.csv", "labels.csv"), "a list that is not closed"), "Correct the cell")
MORE = [
    _by_sign("colons", ":"),
    _by_sign("number signs", "#"),
    _by_sign("tildes", "~"),
    _by_sign("dots in the middle", "•"),
    _by_sign("commas of Chinese", "，"),
    _by_sign("commas of Japanese", "、"),
    _by_sign("backslashes", "\\"),
    Situation(
        CSV,
        "semicolons in one cell, a comma in another",
        table("file,label", ",cat;dog", ',"cat,dog"', ",cat", ",dog"),
        Read(_BOTH, told="part labels by another sign: “cat,dog”"),
    ),
    _whether(
        "combinations of words without one word alone (satellite images)",
        "clear primary",
        Read({"clear primary": 1, "haze water": 1, "clear water": 1, "haze primary": 1}),
        Read({"clear": 2, "haze": 2, "primary": 2, "water": 2}),
        *("clear primary", "haze water", "clear water", "haze primary"),
    ),
    _whether(
        "words of which two are labels of their own (plant diseases)",
        "scab spot complex",
        Read({"complex": 1, "healthy": 1, "scab": 1, "scab spot complex": 1}),
        Read({"complex": 2, "healthy": 1, "scab": 2, "spot": 1}),
        *("healthy", "scab spot complex", "scab", "complex"),
    ),
    _lists(
        "several labels in a cell as lists with NumPy's own texts",
        Read(_BOTH, told="as lists"),
        *("[np.str_('cat'), np.str_('dog')]", "[np.str_('cat')]", "[np.str_('dog')]", "['dog', 'cat']"),
    ),
    _lists(
        "several labels in a cell as arrays with their type",
        Read(_BOTH, told="as lists"),
        *("array(['cat', 'dog'], dtype=object)", "array(['cat'], dtype=object)", "array(['dog'])", "['dog', 'cat']"),
    ),
    _lists(
        "lists in which a value is missing",
        Read({"cat": 2, "dog": 2}),
        *("['cat', None]", "['dog', nan]", "['cat']", "['dog']"),
    ),
    _lists(
        "lists of lists of one label",
        Read({"cat": 2, "dog": 3}),
        *("[['cat'], ['dog']]", "[['cat']]", "[['dog']]", "[['dog']]"),
    ),
    _lists(
        "an empty set of Python",
        Read({"cat": 2, "dog": 2}, none=1),
        *("{'cat', 'dog'}", "set()", "{'cat'}", "{'dog'}"),
    ),
    _lists(
        "objects that say yes and no for each class",
        Read(_BOTH),
        *("{'cat': 1, 'dog': 0}", "{'cat': 0, 'dog': 1}", "{'cat': 1, 'dog': 1}", '{"cat": true, "dog": true}'),
    ),
    _lists(
        "a number for each class, as a model gives them",
        Refused("label holds a number for each class", "the names of the classes that are shown"),
        *('{"cat": 0.9, "dog": 0.1}', '{"cat": 0.2, "dog": 0.8}', '{"cat": 0.9, "dog": 0.1}'),
    ),
    _lists("a list without its last bracket", _UNCLOSED, "['cat', 'dog'", "['cat']", "['dog']", "['dog']"),
    _lists("a list without one of its quotes", _UNCLOSED, "['cat, 'dog']", "['cat']", "['dog']", "['dog']"),
    _lists(
        "signs as web pages write them (&amp;)",
        Read({"cat & dog": 2, "emu": 2}, told="are read as the signs"),
        *("cat &amp; dog", "cat & dog", "emu", "emu"),
    ),
    Situation(
        CSV,
        "a row for each class, and a column of 0 and 1 beside",
        Given("{a,b,c,d}.jpg", {"labels.csv": _LONG}, "labels.csv"),
        Asked(
            "Images in labels.csv have rows of several labels, and value says yes or no: does it say whether an image "
            "shows the label?",
            {
                "Rows that say no: not shown": Read(
                    {"cat": 2, "dog": 2}, none=1, files={"a.jpg": "cat", "c.jpg": "cat + dog", "d.jpg": ""}
                ),
                "All rows: shown": Read({"cat": 4, "dog": 4}),
            },
        ),
    ),
    Situation(
        CSV,
        "columns label1 and label2",
        table("file,label1,label2", ",cat,dog", ",cat,", ",dog,", ",dog,cat"),
        Asked(
            "Which column of labels.csv holds the labels?",
            {
                "Labels: label1": Read({"cat": 2, "dog": 2}),
                "Labels: label2": Read({"cat": 1, "dog": 1}),
                "Labels: all of them": Read(_BOTH),
            },
        ),
    ),
    *(
        Situation(CSV, f"a label written {word}, which may say that there is none",
                  table("file,label", ",cat", f",{word}", ",dog"), Read({"cat": 1, "dog": 1, word: 1}, told=told))
        for word, told in (
            ("unlabeled", "“unlabeled” in label is taken for a class"),
            ("missing", "“missing” in label is taken for a class"),
            ("no label", "“no label” in label is taken for a class"),
        )
    ),
    Situation(
        CSV,
        "-1 among numbers from 0",
        table("file,label", ",0", ",1", ",-1", ",0"),
        Read({"-1": 1, "0": 2, "1": 1}, told="“-1” in label is taken for a class; where it stands for no value"),
    ),
    Situation(
        CSV,
        "NA that may be a class, and one other",
        table("file,label", ",NA", ",ZA", ",NA"),
        Refused("their cells say NA", "Where NA is a class, write it otherwise"),
    ),
    Situation(CSV, "-0 and 0", table("file,label", ",0", ",-0", ",1"), Read({"0": 2, "1": 1}, told="two spellings")),
]  # fmt: skip

SITUATIONS = [*SEVERAL, *NONE, *SPELLING, *MORE]
