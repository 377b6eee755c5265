"""Sets: who trains and who validates, as folders, files and columns say it in their many ways."""

from __future__ import annotations

from formats.frame import Asked, Given, Read, Refused, Situation

FOLDER, CSV = "image folder", "CSV"
_WHOLE = {"cat": 6, "dog": 6}


def _folders(told: str, train: str, other: str, means: str, **settings: object) -> Situation:
    given = Given(f"{train}/{{cat,dog}}/{{0..3}}.jpg; {other}/{{cat,dog}}/{{4..5}}.jpg", settings=settings)
    return Situation(FOLDER, told, given, Read(_WHOLE, {"train": 8, means: 4}, by="folder"))


_PAIRS = (
    ("seg_train", "seg_test", "test"),
    ("training_set", "test_set", "test"),
    ("x_train", "x_test", "test"),
    ("X_train", "X_val", "val"),
    ("train_images", "test_images", "test"),
    ("trainImages", "valImages", "val"),
    ("images_train", "images_val", "val"),
    ("TRAIN", "VALIDATION", "val"),
    ("Train", "Dev", "val"),
    ("training", "evaluation", "val"),
    ("train", "eval", "val"),
    ("train", "valid", "val"),
    ("train", "holdout", "test"),
    ("train", "hold_out", "test"),
    ("train2017", "val2017", "val"),
    ("Training Data", "Validation Data", "val"),
    ("train-set", "testing-set", "test"),
    ("train_data", "dev_data", "val"),
    ("1_train", "2_val", "val"),
    ("pets_train", "pets_test", "test"),
    ("trainset", "valset", "val"),
    ("dataset_training", "dataset_testing", "test"),
    ("imgs-trn", "imgs-tst", "test"),
    ("train.", "val.", "val"),
)
"""Names of two folders, and which set the second is."""

_WORDS = {
    "train and validation": (("train", "valid"), "val"),
    "training and testing": (("Training", "Testing"), "test"),
    "TRAIN and TEST": (("TRAIN", "TEST"), "test"),
    "tr-ain written as train_set": (("train_set", "val_set"), "val"),
}

_MORE = (
    ("German", "Training", "Prüfung", "val", ("Prüfung=val",)),
    ("Spanish", "entrenamiento", "validación", "val", ("entrenamiento=train", "validación=val")),
    ("French", "entraînement", "essai", "test", ("entraînement=train", "essai=test")),
    ("Japanese", "訓練", "検証", "val", ("訓練=train", "検証=val")),
    ("numbers", "0", "1", "val", ("0=train", "1=val")),
)

FOLDERS = [
    *(_folders(f"sets called {a} and {b}", a, b, means) for a, b, means in _PAIRS),
    *(
        _folders(f"sets with names in {language} ({a}, {b}), which a person adds", a, b, means, set_names=more)
        for language, a, b, means, more in _MORE
    ),
    Situation(
        FOLDER,
        "sets of three with classes inside",
        Given("{train,val,test}/{cat,dog}/{0,1}.jpg"),
        Read(_WHOLE, {"train": 4, "val": 4, "test": 4}),
    ),
    Situation(
        FOLDER,
        "sets one folder deeper (Kaggle: archive/pets/train)",
        Given("archive/pets/{train,test}/{cat,dog}/{0..2}.jpg"),
        Read(_WHOLE, {"train": 6, "test": 6}),
    ),
    Situation(
        FOLDER,
        "a set's folder inside itself (seg_train/seg_train)",
        Given("seg_train/seg_train/{sea,ice}/{0,1}.jpg; seg_test/seg_test/{sea,ice}/{2,3}.jpg"),
        Read({"sea": 4, "ice": 4}, {"train": 4, "test": 4}),
    ),
    Situation(
        FOLDER,
        "sets beside a folder of images to predict (seg_pred)",
        Given("seg_{train,test}/{sea,ice}/{0,1}.jpg; seg_pred/{a,b}.jpg"),
        Read(
            {"sea": 4, "ice": 4},
            {"train": 4, "test": 4},
            told="Not used: 2 images in folders beside the sets: seg_pred (2).",
        ),
    ),
    Situation(
        FOLDER,
        "a test set without labels beside train and val (Kaggle)",
        Given("{train,val}/{cat,dog}/{0,1}.jpg; test/{7..9}.jpg"),
        Read({"cat": 4, "dog": 4}, {"train": 4, "val": 4}, told="test"),
    ),
    Situation(
        FOLDER,
        "sets inside each class (cat/train, cat/val)",
        Given("{cat,dog}/train/{0..2}.jpg; {cat,dog}/val/3.jpg"),
        Read({"cat": 4, "dog": 4}, {"train": 6, "val": 2}),
    ),
    Situation(FOLDER, "a train folder alone", Given("train/{cat,dog}/{0..2}.jpg"), Read({"cat": 3, "dog": 3})),
    Situation(
        FOLDER,
        "a class that is missing in val",
        Given("train/{cat,dog,emu}/{0,1}.jpg; val/{cat,dog}/2.jpg"),
        Read({"cat": 3, "dog": 3, "emu": 2}, {"train": 6, "val": 2}, told="1 class has no image in val: emu"),
    ),
    Situation(
        FOLDER,
        "val has a class that train has not",
        Given("train/{cat,dog}/{0,1}.jpg; val/{cat,dog,emu}/{2,3}.jpg"),
        Read({"cat": 4, "dog": 4, "emu": 2}, {"train": 4, "val": 6}, told="1 class has no image in train: emu"),
    ),
    Situation(
        FOLDER,
        "folders called test and train beside another, with images right inside",
        Given("{train,car,test}/{0,1}.jpg"),
        Asked(
            "Are the folders test and train classes, or sets of images without classes?",
            {
                "Classes": Read({"train": 2, "car": 2, "test": 2}),
                "Sets": Refused("only one class", ""),
            },
        ),
    ),
    Situation(
        FOLDER,
        "a folder called test beside classes, with images right inside",
        Given("{cat,dog,test}/{0,1}.jpg"),
        Asked(
            "Is the folder test a class, or a set of images without classes?",
            {
                "A class": Read({"cat": 2, "dog": 2, "test": 2}),
                "A set": Read({"cat": 2, "dog": 2}, told="Not used: 2 images in sets without classes: test (2)."),
            },
        ),
    ),
    Situation(
        FOLDER,
        "train and val with images right inside, and nothing that says what they show",
        Given("{train,val}/{0,1}.jpg"),
        Asked(
            "Are the folders train and val classes, or sets of images without classes?",
            {
                "Classes": Read({"train": 2, "val": 2}),
                "Sets": Refused("the images in train and val have no class", "a CSV file with their labels"),
            },
        ),
    ),
    Situation(
        FOLDER,
        "val and test of class folders, and no train",
        Given("{val,test}/{cat,dog}/{0,1}.jpg"),
        Asked(
            "Are the folders test and val classes, or sets of images?",
            {"Classes": Read({"test": 4, "val": 4}), "Sets": Read({"cat": 4, "dog": 4})},
        ),
    ),
    Situation(
        FOLDER,
        "a train folder of classes beside other folders of images",
        Given("train/{cat,dog}/{0,1}.jpg; {bus,car}/{0,1}.jpg"),
        Asked(
            "Is the folder train a set of images, or a class as bus, car?",
            {
                "Set: train": Read(
                    {"cat": 2, "dog": 2}, told="Not used: 4 images in folders beside the sets: bus (2), car (2)."
                ),
                "Classes": Read({"bus": 2, "car": 2, "train": 4}),
            },
        ),
    ),
    Situation(
        FOLDER,
        "sets are switched off: train and val are two classes",
        Given("{train,val}/{a,b}/{0,1}.jpg", settings={"sets": "none"}),
        Read({"train": 4, "val": 4}),
    ),
    Situation(
        FOLDER,
        "two folders of one set (val and valid)",
        Given("{train,val,valid}/{cat,dog}/{0,1}.jpg"),
        Refused("the folders val and valid mean the same set", "Merge or rename one"),
    ),
    Situation(
        FOLDER,
        "classes whose names hold a set's word (steam train, car)",
        Given("{steam train,car}/{0,1}.jpg"),
        Read({"steam train": 2, "car": 2}),
    ),
    Situation(
        FOLDER,
        "trailing space in a set's name",
        Given("train /{cat,dog}/{0,1}.jpg; val/{cat,dog}/2.jpg"),
        Read({"cat": 3, "dog": 3}, {"train": 4, "val": 2}),
    ),
    Situation(
        FOLDER,
        "a set name that a person adds names no set",
        Given("{a,b}/{0,1}.jpg", settings={"set_names": ("a=learn",)}),
        Refused(("this names no set", "a=learn"), "train, val or test"),
    ),
]


def _column(told: str, column: str, train: str, other: str, means: str, **settings: object) -> Situation:
    rows = "".join(f"{f}.jpg,{'cat' if i % 2 else 'dog'},{train if i < 4 else other}\n" for i, f in enumerate("abcdef"))
    given = Given("{a,b,c,d,e,f}.jpg", {"l.csv": f"file,label,{column}\n{rows}"}, "l.csv", settings=settings)
    return Situation(CSV, told, given, Read({"cat": 3, "dog": 3}, {"train": 4, means: 2}, columns=()))


_FOLDER = "Class folders"
_TWELVE = list(enumerate("abcdefghijkl"))
_SAME = {"cat": 4, "dog": 4}


def _folders(told: str, images: str, happens: Read | Asked | Refused, **settings: object) -> Situation:
    return Situation(_FOLDER, told, Given(images, settings=settings), happens)


_OF_SETS = [
    *(
        _folders(
            f"sets called {', '.join(names)}",
            "; ".join(f"{name}/{{cat,dog}}/{{0,1}}.jpg" for name in names),
            Read({"cat": 6, "dog": 6}, {"train": 4, "val": 4, "test": 4}),
        )
        for names in (
            ("Training", "Validierung", "Test"),
            ("Trainingsdaten", "Validierungsdaten", "Testdaten"),
            ("entraînement", "validation", "essai"),
            ("entrenamiento", "validación", "prueba"),
            ("treino", "validacao", "teste"),
            ("addestramento", "validazione", "prova"),
            ("обучение", "валидация", "тест"),
            ("训练集", "验证集", "测试集"),
            ("学習データ", "検証データ", "テストデータ"),
            ("trn", "vld", "tst"),
        )
    ),
    _folders(
        "a set in two folders with numbers",
        "train_1/{cat,dog}/0.jpg; train_2/{cat,dog}/0.jpg; val/{cat,dog}/{0,1}.jpg",
        Read(_SAME, {"train": 4, "val": 4}, told="2 folders are the set train together: train_1, train_2."),
    ),
    _folders(
        "train and trainval, which hold the same images",
        "{train,trainval,val}/{cat,dog}/0.jpg",
        Refused("the folders train and trainval mean the same set", "Merge or rename one of them"),
    ),
    _folders(
        "sets deep inside other folders, and classes deeper still",
        "archive/data/v1/{train,valid}/images/{cat,dog}/{0,1}.jpg",
        Read(_SAME, {"train": 4, "val": 4}),
    ),
    _folders(
        "a folder beside the sets that holds their classes",
        "{train,test,part3}/{cat,dog}/{0,1}.jpg",
        Asked(
            "Which set is the folder part3? It holds cat, dog as the sets test and train do.",
            {
                "Not used": Read(_SAME, {"train": 4, "test": 4}, told="in folders beside the sets: part3"),
                "part3: val": Read({"cat": 6, "dog": 6}, {"train": 4, "test": 4, "val": 4}),
            },
        ),
    ),
    _folders(
        "two folders of unknown names that hold the same folders",
        "{te,tr}/{cat,dog}/{0,1}.jpg",
        Asked(
            "Are the folders te and tr the classes, or cat, dog, which are in each of them?",
            {
                "Classes: te, tr": Read({"te": 4, "tr": 4}),
                "Classes: cat, dog": Read(_SAME, told="2 folders are the set train together: te, tr."),
                "te trains, tr validates": Read(_SAME, {"train": 4, "val": 4}),
                "te trains, tr tests": Read(_SAME, {"train": 4, "test": 4}),
                "tr trains, te validates": Read(_SAME, {"train": 4, "val": 4}),
                "tr trains, te tests": Read(_SAME, {"train": 4, "test": 4}),
            },
        ),
    ),
    _folders(
        "three folders of unknown names that hold the same folders",
        "{north,south,west}/{cat,dog}/0.jpg",
        Asked(
            "Are the folders north, south and west the classes, or cat, dog, which are in each of them?",
            {
                "Classes: north, south, west": Read({"north": 2, "south": 2, "west": 2}),
                "Classes: cat, dog": Read({"cat": 3, "dog": 3}, told="are the set train together"),
            },
        ),
    ),
    _folders(
        "classes that hold few folders of the same names",
        "cat/{a,b,c}/0.jpg; dog/{c,d,e}/0.jpg",
        Read({"cat": 3, "dog": 3}, told="6 folders inside classes belong to them"),
    ),
    Situation(
        CSV,
        "train/ and val/ of loose images beside one table",
        Given(
            "train/{a,b}.jpg; val/{c,d}.jpg", {"labels.csv": "file,label\na.jpg,cat\nb.jpg,dog\nc.jpg,cat\nd.jpg,dog\n"}
        ),
        Read(
            {"cat": 2, "dog": 2},
            {"train": 2, "val": 2},
            told="No column says a set; the folders of the images do: train, val.",
            also="No sets",
        ),
    ),
    Situation(
        CSV,
        "train/ and val/ of loose images beside one table, and no sets are wanted",
        Given(
            "train/{a,b}.jpg; val/{c,d}.jpg",
            {"labels.csv": "file,label\na.jpg,cat\nb.jpg,dog\nc.jpg,cat\nd.jpg,dog\n"},
            settings={"sets": "none"},
        ),
        Read({"cat": 2, "dog": 2}),
    ),
    Situation(
        CSV,
        "a table whose images lie in train/ alone",
        Given("train/{a,b,c,d}.jpg", {"labels.csv": "file,label\na.jpg,cat\nb.jpg,dog\nc.jpg,cat\nd.jpg,dog\n"}),
        Read({"cat": 2, "dog": 2}),
    ),
    Situation(
        CSV,
        "paths of another machine to images deep in folders of patients",
        Given(
            "train/p{1,2}/s1/v.jpg; train/p{3,4}/s2/v.jpg",
            {
                "train.csv": "Path,label\n"
                + "".join(f"Set-v1/train/p{n}/s{1 + n // 3}/v.jpg,{'dog' if n % 2 else 'cat'}\n" for n in (1, 2, 3, 4))
            },
        ),
        Read({"cat": 2, "dog": 2}, by="table"),
    ),
    Situation(
        CSV,
        "a table beside images two folders deep",
        Given(
            "images_01/images/{a,b}.jpg; images_02/images/{c,d}.jpg",
            {"labels.csv": "file,label\na.jpg,cat\nb.jpg,dog\nc.jpg,cat\nd.jpg,dog\n"},
        ),
        Read({"cat": 2, "dog": 2}, by="table"),
    ),
    Situation(
        _FOLDER,
        "images in one folder beside a JSON file",
        Given("images/{a,b}.jpg", {"min.json": [{"image": f"{f}.jpg", "choice": f"is {f}"} for f in "ab"]}),
        Refused("only one class (images), so there is nothing to tell apart; it also holds min.json", "give its path"),
    ),
    *(
        Situation(
            CSV, f"a table beside a folder of images: {told}", Given("images/{a,b,c,d}.jpg", {"d.csv": text}), refused
        )
        for told, text, refused in (
            ("remote addresses", "file,label\nhttps://x.org/a.jpg,cat\nhttps://x.org/b.jpg,dog\n",
             Refused("lie in the net, and are never fetched", "Download them")),
            ("names of no file", "file,label\nx.jpg,cat\ny.jpg,dog\n", Refused("none of the 2 files", "images_root")),
            ("no line of names", "a.jpg,cat\nb.jpg,dog\n", Refused("no line with column names", "Add a first line")),
            ("a line that is too long", "file,label\na.jpg,cat\nb.jpg,dog,x\n", Refused("line 3: 3 cells", "Correct")),
            ("in another encoding", "file,label\na.jpg,k\u00e4fer\n".encode("cp1252"), Refused("not UTF-8", "Save")),
        )
    ),
]  # fmt: skip


_COLUMNS = (
    ("split", "train", "val", "val"),
    ("split", "TRAIN", "Validation", "val"),
    ("set", "training", "test", "test"),
    ("subset", "train", "dev", "val"),
    ("partition", "train", "eval", "val"),
    ("Usage", "Training", "PublicTest", "test"),
    ("phase", "train", "valid", "val"),
    ("fold", "train", "test", "test"),
    ("data set", "training_set", "test_set", "test"),
    ("Split", "trn", "tst", "test"),
    ("dataset", "train", "holdout", "test"),
    ("Data_Split", "train", "val", "val"),
    ("purpose", "TRAIN", "VALIDATE", "val"),
    ("is_valid", "False", "True", "val"),
    ("is_valid", "0", "1", "val"),
    ("is_val", "no", "yes", "val"),
    ("is_test", "false", "true", "test"),
    ("valid", "0", "1", "val"),
    ("is_train", "1", "0", "val"),
    ("isTest", "FALSE", "TRUE", "test"),
    ("is_validation", "0.0", "1.0", "val"),
    ("in_test_set", "n", "y", "test"),
    ("is_training_image", "1", "0", "val"),
    ("test", "F", "T", "test"),
)

COLUMNS = [
    *(
        _column(f"a column {column} of {train} and {other}", column, train, other, means)
        for column, train, other, means in _COLUMNS
    ),
    _column("a column of numbers that a person says are sets", "fold", "1", "2", "val", set_names=("1=train", "2=val")),
    _column(
        "a column of another name that a person says holds sets", "wave", "train", "val", "val", split_column="wave"
    ),
    _column(
        "a column of sets in Spanish, which a person adds",
        "split",
        "entreno",
        "prueba",
        "test",
        set_names=("entreno=train", "prueba=test"),
    ),
    Situation(
        CSV,
        "a column fold of numbers: which validates is not known",
        Given(
            "{a,b,c,d}.jpg", {"l.csv": "file,label,fold\na.jpg,cat,0\nb.jpg,dog,1\nc.jpg,cat,2\nd.jpg,dog,0\n"}, "l.csv"
        ),
        Asked(
            "Which fold of l.csv validates: 0, 1, 2?",
            {
                "No sets": Read({"cat": 2, "dog": 2}, columns=("fold",)),
                "fold 0 validates": Read({"cat": 2, "dog": 2}, {"train": 2, "val": 2}, columns=()),
                "fold 1 validates": Read({"cat": 2, "dog": 2}, {"train": 3, "val": 1}, columns=()),
                "fold 2 validates": Read({"cat": 2, "dog": 2}, {"train": 3, "val": 1}, columns=()),
            },
        ),
    ),
    Situation(
        CSV,
        "a column fold of more numbers than folds are made",
        Given(
            "{a,b,c,d,e,f,g,h,i,j,k,l}.jpg",
            {"l.csv": "file,label,fold\n" + "".join(f"{f}.jpg,{'cat' if n % 2 else 'dog'},{n}\n" for n, f in _TWELVE)},
            "l.csv",
        ),
        Read({"cat": 6, "dog": 6}, columns=("fold",), told=("fold is kept as a column", "say which fold")),
    ),
    Situation(
        CSV,
        "a column is_valid of True and nothing",
        Given("{a,b,c}.jpg", {"l.csv": "file,label,is_valid\na.jpg,cat,\nb.jpg,dog,\nc.jpg,cat,True\n"}, "l.csv"),
        Read({"cat": 2, "dog": 1}, {"train": 2, "val": 1}, columns=()),
    ),
    Situation(
        CSV,
        "columns is_valid and is_test",
        Given(
            "{a,b,c,d}.jpg",
            {"l.csv": "file,label,is_valid,is_test\na.jpg,cat,0,0\nb.jpg,dog,0,0\nc.jpg,cat,1,0\nd.jpg,dog,0,1\n"},
            "l.csv",
        ),
        Read({"cat": 2, "dog": 2}, {"train": 2, "val": 1, "test": 1}, columns=()),
    ),
    Situation(
        CSV,
        "empty cells in the column of sets",
        Given(
            "{a,b,c,d}.jpg",
            {"l.csv": "file,label,split\na.jpg,cat,train\nb.jpg,dog,train\nc.jpg,cat,val\nd.jpg,dog,\n"},
            "l.csv",
        ),
        Read({"cat": 2, "dog": 2}, {"train": 2, "val": 1}, told="1 image is in no set: d.jpg"),
    ),
    Situation(
        CSV,
        "one word in the column of sets that is no set",
        Given(
            "{a,b,c,d}.jpg",
            {"l.csv": "file,label,split\na.jpg,cat,train\nb.jpg,dog,train\nc.jpg,cat,val\nd.jpg,dog,later\n"},
            "l.csv",
        ),
        Asked(
            "split of l.csv names sets, and “later”, which is not known as one: what does it mean?",
            {
                "No sets": Read({"cat": 2, "dog": 2}, columns=("split",)),
                "“later”: train": Read({"cat": 2, "dog": 2}, {"train": 3, "val": 1}, columns=()),
                "“later”: val": Read({"cat": 2, "dog": 2}, {"train": 2, "val": 2}, columns=()),
                "“later”: test": Read({"cat": 2, "dog": 2}, {"train": 2, "val": 1, "test": 1}, columns=()),
            },
        ),
    ),
    Situation(
        CSV,
        "a column split of words of which none is a set",
        Given(
            "{a,b,c,d}.jpg",
            {"l.csv": "file,label,split\na.jpg,cat,north\nb.jpg,dog,north\nc.jpg,cat,south\nd.jpg,dog,south\n"},
            "l.csv",
            settings={"label_columns": ("label",)},
        ),
        Read({"cat": 2, "dog": 2}, columns=("split",), told="split is kept as a column"),
    ),
    Situation(
        CSV,
        "one word in the named column of sets that is no set",
        Given(
            "{a,b,c,d}.jpg",
            {"l.csv": "file,label,split\na.jpg,cat,train\nb.jpg,dog,train\nc.jpg,cat,val\nd.jpg,dog,later\n"},
            "l.csv",
            settings={"split_column": "split"},
        ),
        Refused(("l.csv, line 5: split holds no name of a set", "later"), "set_names=('later=val',)"),
    ),
    Situation(
        CSV,
        "an image in two sets",
        Given("{a,b,c}.jpg", {"l.csv": "file,label,split\na.jpg,cat,train\nb.jpg,dog,train\na.jpg,cat,val\n"}, "l.csv"),
        Refused("a.jpg is in two sets, on lines 2 and 4", "one row per image"),
    ),
    Situation(
        "CSV per set",
        "train.csv, val.csv and test.csv beside each other",
        Given(
            "{a,b,c,d,e,f}.jpg",
            {
                "train.csv": "file,label\na.jpg,cat\nb.jpg,dog\n",
                "val.csv": "file,label\nc.jpg,cat\nd.jpg,dog\n",
                "test.csv": "file,label\ne.jpg,cat\nf.jpg,dog\n",
            },
        ),
        Read({"cat": 3, "dog": 3}, {"train": 2, "val": 2, "test": 2}, by="table"),
    ),
    Situation(
        "CSV per set",
        "_classes.csv in train and valid (Roboflow multi-label)",
        Given(
            "{train,valid}/{a,b}.jpg",
            {
                "train/_classes.csv": "filename, cat, dog\na.jpg, 1, 0\nb.jpg, 1, 1\n",
                "valid/_classes.csv": "filename, cat, dog\na.jpg, 0, 1\nb.jpg, 0, 0\n",
            },
        ),
        Read(
            {"cat": 2, "dog": 2},
            {"train": 2, "val": 2},
            none=1,
            by="table",
            files={"train/b.jpg": "cat + dog", "valid/b.jpg": ""},
        ),
    ),
    Situation(
        "CSV per set",
        "train.csv and val.csv name images that train and val both have",
        Given("{train,val}/{a,b}.jpg", {f"{s}.csv": "file,label\na.jpg,cat\nb.jpg,dog\n" for s in ("train", "val")}),
        Read({"cat": 2, "dog": 2}, {"train": 2, "val": 2}, told="a.jpg is train/a.jpg"),
    ),
    Situation(
        "CSV per set",
        "_classes.csv in train alone (Roboflow): the folder is given",
        Given("train/{a,b}.jpg", {"train/_classes.csv": "filename, cat, dog\na.jpg, 1, 0\nb.jpg, 0, 1\n"}),
        Refused("it also holds the table train/_classes.csv", "Give the path of the table"),
    ),
    Situation(
        "CSV per set",
        "an image in the tables of two sets",
        Given("{a,b,c}.jpg", {"train.csv": "file,label\na.jpg,cat\nb.jpg,dog\n", "val.csv": "file,label\na.jpg,cat\n"}),
        Refused("a.jpg is in two sets, train and val", "one set only"),
    ),
]

_PAIR = {"cat": 6, "dog": 6}


def _other(odd: str, known: str, means: str) -> Situation:
    """One folder called like a set beside one that is not, with the same folders inside."""
    tops = ", ".join(sorted((odd, known)))
    return Situation(
        _FOLDER,
        f"a set called {known} beside a folder called {odd}, with the same folders inside",
        Given(f"{odd}/{{cat,dog}}/{{0..3}}.jpg; {known}/{{cat,dog}}/{{4,5}}.jpg"),
        Asked(
            f"Which set is the folder {odd}? It holds cat, dog as {known} does.",
            {
                f"{odd}: train": Read(_PAIR, {"train": 8, means: 4}),
                f"Classes: {tops}": Read({odd: 8, known: 4}),
            },
        ),
    )


def _crossed(told: str, pattern: str, sets: dict[str, int], *folders: str) -> Situation:
    """Folders whose names say a class and a set each."""
    shown = ", ".join(folders[:3]) + (f" and {len(folders) - 3} more" if len(folders) > 3 else "")
    both = " and ".join(sets)
    return Situation(
        _FOLDER,
        told,
        Given(pattern),
        Asked(
            f"Are cat, dog the classes, and {both} sets, as the names of the folders say?",
            {
                "Classes: cat, dog": Read(_SAME, sets),
                f"Classes: {shown}": Read(dict.fromkeys(folders, 2)),
            },
        ),
    )


_INNER_FOLDS = {"cat": 3, "dog": 3}
_DOUBTFUL = [
    _other("learn", "eval", "val"),
    _other("tr", "val", "val"),
    _other("fit", "test", "test"),
    _other("train_augmented", "val", "val"),
    _crossed(
        "names that say a class and a set (cat_train, dog_test)",
        "{cat,dog}_{train,test}/{0,1}.jpg",
        {"train": 4, "test": 4},
        *("cat_test", "cat_train", "dog_test", "dog_train"),
    ),
    _crossed(
        "names that say a set and a class (train-cat, val-dog)",
        "{train,val}-{cat,dog}/{0,1}.jpg",
        {"train": 4, "val": 4},
        *("train-cat", "train-dog", "val-cat", "val-dog"),
    ),
    Situation(
        _FOLDER,
        "folds that hold train and val with the classes",
        Given("fold{1,2}/train/{cat,dog}/{0,1}.jpg; fold{1,2}/val/{cat,dog}/2.jpg"),
        Asked(
            "Are the folders fold1 and fold2 the classes, or cat, dog, which are in the sets of each of them?",
            {
                "Classes: fold1, fold2": Read({"fold1": 6, "fold2": 6}, {"train": 8, "val": 4}),
                "fold1 alone": Read(_INNER_FOLDS, {"train": 4, "val": 2}),
                "fold2 alone": Read(_INNER_FOLDS, {"train": 4, "val": 2}),
            },
        ),
    ),
    Situation(
        _FOLDER,
        "folders of folds with the classes",
        Given("fold{1..3}/{cat,dog}/{0,1}.jpg"),
        Asked(
            "Are the folders fold1, fold2 and fold3 the classes, or cat, dog, which are in each of them?",
            {
                "Classes: fold1, fold2, fold3": Read({"fold1": 4, "fold2": 4, "fold3": 4}),
                "Classes: cat, dog": Read(_PAIR),
                **{f"fold{i} validates": Read(_PAIR, {"train": 8, "val": 4}) for i in (1, 2, 3)},
            },
        ),
    ),
    Situation(
        _FOLDER,
        "a train folder of classes beside one other folder of other classes",
        Given("train/{steam,diesel}/{0,1}.jpg; bus/{city,coach}/{0,1}.jpg"),
        Asked(
            "Is the folder train a set of images, or a class as bus?",
            {
                "Set: train": Read({"diesel": 2, "steam": 2}, told="in folders beside the sets: bus (4)"),
                "Classes": Read({"bus": 4, "train": 4}),
            },
        ),
    ),
    Situation(
        _FOLDER,
        "names of files that say sets (cat/train_1.jpg)",
        Given("{cat,dog}/train_{1..3}.jpg; {cat,dog}/test_{4,5}.jpg"),
        Asked(
            "Do the names of the files say which set each image is in (train and test)?",
            {
                "Sets: train and test": Read({"cat": 5, "dog": 5}, {"train": 6, "test": 4}),
                "No sets": Read({"cat": 5, "dog": 5}),
            },
        ),
    ),
    Situation(_FOLDER, "names of files that say one set (cat/train_1.jpg)", Given("{cat,dog}/train_{1..3}.jpg"),
              Read({"cat": 3, "dog": 3})),
]  # fmt: skip


def _folds(column: str, a: str, b: str) -> Situation:
    rows = "".join(f"{x}.jpg,{'cat' if i % 2 else 'dog'},{(a, b)[i > 1]}\n" for i, x in enumerate("abcd"))
    two = {"cat": 2, "dog": 2}
    return Situation(
        CSV,
        f"a column {column} of {a} and {b}",
        Given("{a,b,c,d}.jpg", {"l.csv": f"file,label,{column}\n{rows}"}, "l.csv"),
        Asked(
            f"Which {column} of l.csv validates: {a}, {b}?",
            {
                "No sets": Read(two, columns=(column,)),
                f"{column} {a} validates": Read(two, {"train": 2, "val": 2}),
                f"{column} {b} validates": Read(two, {"train": 2, "val": 2}),
            },
        ),
    )


_SPLIT_ONLY = "file,split\ncat/a.jpg,train\ndog/b.jpg,train\ncat/c.jpg,test\ndog/d.jpg,test\n"
_ORDERED = {"cat": 2, "dog": 2}
_OF_TABLES = [
    _folds("kfold", "0", "1"),
    _folds("cv_fold", "0.0", "1.0"),
    _folds("Folds", "fold_1", "fold_2"),
    _folds("fold_id", "1", "2"),
    Situation(
        CSV,
        "a column split of 0 and 1",
        Given(
            "{a,b,c,d}.jpg",
            {"l.csv": "file,label,split\na.jpg,cat,0\nb.jpg,dog,0\nc.jpg,cat,0\nd.jpg,dog,1\n"},
            "l.csv",
        ),
        Asked(
            "split of l.csv holds 0 and 1: which sets do they mean?",
            {
                "No sets": Read(_ORDERED, columns=("split",)),
                "0: train, 1: val": Read(_ORDERED, {"train": 3, "val": 1}),
                "0: train, 1: test": Read(_ORDERED, {"train": 3, "test": 1}),
                "0: val, 1: train": Read(_ORDERED, {"train": 1, "val": 3}),
                "0: test, 1: train": Read(_ORDERED, {"train": 1, "test": 3}),
            },
        ),
    ),
    Situation(
        CSV,
        "a table of sets alone, whose images lie in class folders",
        Given("cat/{a,c}.jpg; dog/{b,d}.jpg", {"l.csv": _SPLIT_ONLY}, "l.csv"),
        Read(
            _ORDERED,
            {"train": 2, "test": 2},
            told="No column says a label; the folders of the images do: cat, dog.",
        ),
    ),
    Situation(
        "CSV per set",
        "labels in a column of another name in val.csv",
        Given(
            "images/{a,b,c,d}.jpg",
            {"train.csv": "file,label\na.jpg,cat\nb.jpg,dog\n", "val.csv": "file,class\nc.jpg,cat\nd.jpg,dog\n"},
        ),
        Read(
            _ORDERED, {"train": 2, "val": 2}, told="val.csv holds its labels in “class”, the table before in “label”."
        ),
    ),
    Situation(
        "CSV per set",
        "the tables in a folder labels, beside the images",
        Given(
            "images/{a,b,c,d}.jpg",
            {
                "labels/labels_train.csv": "file,label\na.jpg,cat\nb.jpg,dog\n",
                "labels/labels_val.csv": "file,label\nc.jpg,cat\nd.jpg,dog\n",
            },
        ),
        Read(_ORDERED, {"train": 2, "val": 2}, by="table"),
    ),
]

SITUATIONS = [*FOLDERS, *_OF_SETS, *_DOUBTFUL, *COLUMNS, *_OF_TABLES]
