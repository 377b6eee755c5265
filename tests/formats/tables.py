"""Tables as files: how they are written and cut off, which columns count, what Kaggle and Hugging Face write."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from formats.frame import Asked, Given, Outcome, Read, Refused, Situation, picture

CSV = "CSV"
_ROWS = (("a.jpg", "cat"), ("b.jpg", "dog"), ("c.jpg", "cat"), ("d.jpg", "dog"))
_READ = Read({"cat": 2, "dog": 2})


def _text(
    told: str, text: str | bytes, happens: Outcome = _READ, *, name: str = "labels.csv", **more: Any
) -> Situation:
    images = more.pop("images", "{a,b,c,d}.jpg")
    return Situation(CSV, told, Given(images, {name: text}, more.pop("give", name), **more), happens)


def _lines(between: str = ",", end: str = "\n", header: str = "file,label") -> str:
    return end.join((header.replace(",", between), *(between.join(row) for row in _ROWS))) + end


WRITTEN = [
    _text("commas", _lines()),
    _text("semicolons, as Excel writes in German and French", _lines(";")),
    _text("tabs", _lines("\t")),
    _text("a .tsv", _lines("\t"), name="labels.tsv"),
    _text("bars", _lines("|")),
    _text("spaces behind commas", _lines(", ")),
    _text("lines that end with \\r\\n", _lines(end="\r\n")),
    _text("lines that end with \\r", _lines(end="\r")),
    _text("no end of line at the end", _lines().rstrip("\n")),
    _text("empty lines between and at the end", _lines().replace("\n", "\n\n") + ",\n"),
    _text("a byte order mark", b"\xef\xbb\xbf" + _lines().encode()),
    _text("UTF-16 (Excel's “Unicode text”)", _lines("\t").encode("utf-16")),
    _text(
        "Windows-1252",
        "file,label\na.jpg,café\nb.jpg,dog\n".encode("cp1252"),
        Refused("labels.csv, line 2: this is not UTF-8", "Save the file as UTF-8"),
    ),
    _text("lines of comments before the names of columns", "# made by hand\n# in May\n" + _lines()),
    _text(
        "lines of comments, and a broken line: its number counts them",
        "# made by hand\nfile,label\na.jpg,cat\nb.jpg\n",
        Refused("labels.csv, line 4: 1 cells where line 1 names 2 columns", "Correct the line"),
    ),
    _text("all cells in quotes", '"file","label"\n' + "".join(f'"{f}","{x}"\n' for f, x in _ROWS)),
    _text("a line sep=; before the header (Excel)", "sep=;\n" + _lines(";")),
    _text("names of columns in upper case", _lines(header="FILE,LABEL")),
    _text("spaces around names of columns", _lines(header=" file , label ")),
    _text(
        "an index without a name (pandas)",
        ",file,label\n" + "".join(f"{i},{f},{x}\n" for i, (f, x) in enumerate(_ROWS)),
    ),
    _text(
        "an index called Unnamed: 0 (pandas)",
        "Unnamed: 0,file,label\n" + "".join(f"{i},{f},{x}\n" for i, (f, x) in enumerate(_ROWS)),
    ),
    _text("a comma at the end of each line", "".join(f"{line},\n" for line in _lines().splitlines())),
    _text(
        "a line with a cell too many",
        _lines() + "a.jpg,cat,x\n",
        Refused("labels.csv, line 6: 3 cells where line 1 names 2 columns", "must stand in double quotes"),
    ),
    _text(
        "a line with a cell too few",
        _lines() + "a.jpg\n",
        Refused("labels.csv, line 6: 1 cells where line 1 names 2 columns", "Correct the line"),
    ),
    _text(
        "a quote that is never closed",
        'file,label\na.jpg,"cat\nb.jpg,dog\n',
        Refused("labels.csv, line", "double quotes"),
    ),
    _text(
        "a column named twice",
        "file,label,label\na.jpg,cat,cat\nb.jpg,dog,dog\n",
        Refused("labels.csv, line 1: the column 'label' is named twice", "Correct the line"),
    ),
    _text(
        "no names of columns",
        "a.jpg,cat\nb.jpg,dog\n",
        Refused("labels.csv has no line with column names", "file,label"),
    ),
    _text("an empty file", "", Refused("the table is empty", "file,label")),
    _text(
        "names of columns alone", "file,label\n", Refused("the table has column names and no rows", "one row per image")
    ),
    _text(
        "a cell of 200 000 characters",
        f"file,label,text\na.jpg,cat,{'x' * 200_000}\nb.jpg,dog,y\n",
        Refused("labels.csv, line 2: field larger than field limit", "Correct the line"),
    ),
    _text(
        "an HTML page saved as .csv",
        "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n",
        Refused("no column of labels.csv holds names of image files", "image_column="),
    ),
]

CHOSEN = [
    _text(
        "pixels in cells (MNIST)",
        "label,pixel0,pixel1\n0,1,2\n1,1,3\n",
        Refused("the cells of labels.csv hold pixels, and no names of files", "Save each row as an image file"),
    ),
    _text(
        "pixels in one cell (FER2013)",
        "emotion,pixels,Usage\n0,1 2 3,Training\n1,1 2 3,PublicTest\n",
        Refused("the cells of labels.csv hold pixels", "Save each row as an image file"),
    ),
    _text(
        "diagnoses of 1.0 and 0.0, names without an ending (ISIC)",
        "image,MEL,NV,UNK\na,1.0,0.0,0.0\nb,0.0,1.0,0.0\nc,0.0,1.0,0.0\n",
        Read({"MEL": 1, "NV": 2, "UNK": 0}, told="1 class has no image: UNK"),
    ),
    _text(
        "findings parted by bars, among other columns (NIH chest X-rays), named",
        "Image Index,Finding Labels,Patient Age\na.jpg,Edema|Mass,58\nb.jpg,No Finding,44\nc.jpg,Mass,33\n",
        Read({"Edema": 1, "Mass": 2, "No Finding": 1}, columns=("Patient Age",)),
        settings={"label_columns": ("Finding Labels",)},
    ),
    _text(
        "numbers with fractions as labels (ages)",
        "file,age\na.jpg,1.5\nb.jpg,2.25\nc.jpg,1.5\n",
        Read({"1.5": 2, "2.25": 1}, told="numbers with fractions count as a class each, and may be measurements"),
    ),
    _text(
        "a name that two files of other endings have",
        "id,label\na,cat\nb,dog\nc,cat\nd,dog\n",
        Read({"cat": 1, "dog": 2}, told="a (line 2) may be a.jpg, a.png"),
        images="{a,b,c,d}.jpg; a.png",
    ),
    _text("columns of other names: filename and category", _lines(header="filename,category")),
    _text("columns of other names: path and class", _lines(header="path,class")),
    _text("a column of images that is found by its content", _lines(header="foo,label")),
    _text("a column of labels that is the only other one", _lines(header="file,foo")),
    _text(
        "file and path: two columns that name the images",
        "file,path,label\n" + "".join(f"{f},/x/{f},{x}\n" for f, x in _ROWS),
    ),
    _text("ids without an ending (Kaggle)", "id,breed\n" + "".join(f"{f[0]},{x}\n" for f, x in _ROWS)),
    _text(
        "ids without an ending, in a folder train (Kaggle)",
        "id,breed\n" + "".join(f"{f[0]},{x}\n" for f, x in _ROWS),
        images="train/{a,b,c,d}.jpg",
    ),
    _text(
        "ids without an ending, in a folder train_images (Kaggle)",
        "image_id,label\n" + "".join(f"{f[0]},{x}\n" for f, x in _ROWS),
        images="train_images/{a,b,c,d}.jpg",
    ),
    _text(
        "ids that are numbers, names with zeros before them",
        "id,label\n1,cat\n2,dog\n3,cat\n4,dog\n",
        images="images/000{1,2,3,4}.png",
        happens=Read({"cat": 2, "dog": 2}, files={"images/0002.png": "dog"}, told="1 is images/0001.png"),
    ),
    _text(
        "ids that became numbers with a point, as spreadsheets write them",
        "id,label\n10.0,dog\n1.0,cat\n2.0,dog\n3.0,cat\n",
        images="images/{1,2,3,10}.png",
        happens=Read({"cat": 2, "dog": 2}, files={"images/10.png": "dog"}, told="10.0 is images/10.png"),
    ),
    _text(
        "an id that two names with and without zeros fit",
        "id,label\n1,cat\n2,dog\n3,cat\n4,dog\n",
        images="images/{001,01,2,3,4}.png",
        happens=Read({"cat": 1, "dog": 2}, told="1 (line 2) may be images/001.png, images/01.png"),
    ),
    _text("ids that are numbers", "id,label\n1,cat\n2,dog\n3,cat\n4,dog\n", images="images/{1,2,3,4}.png"),
    _text(
        "one id in both train and test",
        "id,label\na,cat\nb,dog\nc,cat\nd,dog\n",
        images="{train,test}/{a,b,c,d}.jpg",
        happens=Refused("there are several below", "Name a folder further in"),
    ),
    _text(
        "one id in both train and test, and train is named",
        "id,label\na,cat\nb,dog\nc,cat\nd,dog\n",
        images="{train,test}/{a,b,c,d}.jpg",
        root="train",
    ),
    _text(
        "several columns that may be labels",
        "file,colour,shape\n" + "".join(f"{f},{x},{x}s\n" for f, x in _ROWS),
        Asked(
            "Which column of labels.csv holds the labels?",
            {
                "Labels: colour": Read({"cat": 2, "dog": 2}, columns=("shape",)),
                "Labels: shape": Read({"cats": 2, "dogs": 2}, columns=("colour",)),
                "Labels: all of them": Read({"cat": 2, "cats": 2, "dog": 2, "dogs": 2}),
            },
        ),
    ),
    _text(
        "several columns that may be labels, with words in common",
        "file,leaf,fruit\n"
        + "".join(f"{f},{x},{y}\n" for (f, x), y in zip(_ROWS, ("cat", "cat", "dog", "dog"), strict=True)),
        Asked(
            "Which column of labels.csv holds the labels?",
            {
                "Labels: leaf": Read({"cat": 2, "dog": 2}, columns=("fruit",)),
                "Labels: fruit": Read({"cat": 2, "dog": 2}, columns=("leaf",)),
            },
        ),
    ),
    _text(
        "several columns of names are labels, one cell is empty and one row",
        "file,species,quality\na.jpg,oak,good\nb.jpg,elm,\nc.jpg,oak,blurry\nd.jpg,,\n",
        Read({"blurry": 1, "elm": 1, "good": 1, "oak": 2}, told="1 image without a label in labels.csv"),
        settings={"label_columns": ("species", "quality")},
    ),
    _text(
        "a column of numbers and one of words that say the same",
        "file,label,class_name\n" + "".join(f"{f},{int(x == 'cat')},{x}\n" for f, x in _ROWS),
        Read({"cat": 2, "dog": 2}, columns=("label",)),
    ),
    _text(
        "an index without a name before the other columns, as pandas writes it",
        ",file,colour\n" + "".join(f"{i},{f},{x}\n" for i, (f, x) in enumerate(_ROWS)),
        Read({"cat": 2, "dog": 2}),
    ),
    _text(
        "several columns that may be labels, one is named",
        "file,colour,shape\n" + "".join(f"{f},{x},{x}s\n" for f, x in _ROWS),
        Read({"cat": 2, "dog": 2}, columns=("shape",)),
        settings={"label_columns": ("colour",)},
    ),
    _text(
        "a named column that is not there",
        _lines(),
        Refused(("labels.csv has no such column", "species"), "Its columns are file, label"),
        settings={"label_columns": ("species",)},
    ),
    _text("no column of labels", "file\na.jpg\nb.jpg\n", Refused("labels.csv has no labels", "label_columns=")),
    _text(
        "patients, ages and sites beside labels",
        "file,label,patient,age,site\n" + "".join(f"{f},{x},P{i},3{i},A\n" for i, (f, x) in enumerate(_ROWS)),
        Read({"cat": 2, "dog": 2}, columns=("patient", "age", "site")),
    ),
    _text(
        "columns class_id and class_name",
        "file,class_id,class_name\n" + "".join(f"{f},{int(x == 'dog')},{x}\n" for f, x in _ROWS),
        Read({"cat": 2, "dog": 2}, columns=("class_id",)),
    ),
    Situation(
        "CSV",
        "Kaggle's folder: train.csv, test.csv without labels, sample_submission.csv",
        Given(
            "train/{a,b,c,d}.jpg; test/{e,f}.jpg",
            {
                "train.csv": "id,label\na,cat\nb,dog\nc,cat\nd,dog\n",
                "test.csv": "id\ne\nf\n",
                "sample_submission.csv": "id,label\ne,cat\nf,cat\n",
            },
        ),
        Read(
            {"cat": 2, "dog": 2},
            by="table",
            told=(
                "Not used: 2 images not named in train.csv: test/e.jpg",
                "1 file of images without labels: test.csv.",
            ),
        ),
    ),
    Situation(
        "CSV",
        "the folder with one table and its images is given",
        Given("{a,b,c,d}.jpg", {"labels.csv": _lines()}),
        replace(_READ, by="table"),
    ),
    Situation(
        "CSV",
        "the folder with one table in UTF-16 and its images is given",
        Given("{a,b,c,d}.jpg", {"labels.csv": _lines().encode("utf-16")}),
        replace(_READ, by="table"),
    ),
    Situation(
        "CSV",
        "the folder with two tables of its images is given",
        Given("{a,b,c,d}.jpg", {"one.csv": _lines(), "two.csv": _lines().replace("dog", "emu")}),
        Asked(
            "Which table says what the images show: one.csv, two.csv?",
            {"Table: one.csv": _READ, "Table: two.csv": Read({"cat": 2, "emu": 2})},
        ),
    ),
]


def _parquet(*columns: tuple[str, list[Any]], name: str = "data.parquet") -> Any:
    def make(at: Path) -> None:
        at.mkdir(parents=True, exist_ok=True)
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        pa.parquet.write_table(pa.table(dict(columns)), at / name)

    return make


_BYTES = [picture()] * 4
_STRUCT = [{"bytes": picture(), "path": f"{i}.jpg"} for i in range(4)]
_HF, _FOLDER = "Hugging Face", "Hugging Face imagefolder"


def _shards(at: Path) -> None:
    for name in ("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001"):
        _parquet(("image", _STRUCT[:2]), ("label", ["cat", "dog"]), name=f"data/{name}.parquet")(at)


PACKED = [
    Situation(
        "Parquet",
        "names of files and labels",
        Given(
            "{a,b,c,d}.jpg",
            give="data.parquet",
            also=_parquet(("file", [f for f, _ in _ROWS]), ("label", [x for _, x in _ROWS])),
        ),
        _READ,
    ),
    Situation(
        "Parquet",
        "lists of labels",
        Given(
            "{a,b}.jpg",
            give="data.parquet",
            also=_parquet(("file", ["a.jpg", "b.jpg"]), ("labels", [["cat", "dog"], ["dog"]])),
        ),
        Read({"cat": 1, "dog": 2}, files={"a.jpg": "cat + dog"}),
    ),
    Situation(
        "Parquet",
        "missing labels (null)",
        Given(
            "{a,b,c}.jpg",
            give="data.parquet",
            also=_parquet(("file", ["a.jpg", "b.jpg", "c.jpg"]), ("label", ["cat", None, "dog"])),
        ),
        Read({"cat": 1, "dog": 1}, told="no value"),
    ),
    Situation(
        "Parquet",
        "no image column and no names",
        Given(give="data.parquet", also=_parquet(("a", [1, 2]), ("b", [3, 4]))),
        Refused("no column of data.parquet holds names of image files", "image_column="),
    ),
    Situation(
        "Parquet",
        "a file that is cut off",
        Given(texts={"data.parquet": b"PAR1xx"}, give="data.parquet"),
        Refused("data.parquet cannot be read", "copy it again"),
    ),
    Situation(
        _HF,
        "Parquet with bytes of images",
        Given(give="data.parquet", also=_parquet(("image", _BYTES), ("label", ["cat", "dog"] * 2))),
        _READ,
    ),
    Situation(
        _HF,
        "Parquet with images as bytes and path",
        Given(give="data.parquet", also=_parquet(("image", _STRUCT), ("label", ["cat", "dog"] * 2))),
        _READ,
    ),
    Situation(
        _HF,
        "Parquet with images and numbers as labels",
        Given(give="data.parquet", also=_parquet(("image", _STRUCT), ("label", [0, 1, 0, 1]))),
        Read({"0": 2, "1": 2}),
    ),
    Situation(
        _HF,
        "Parquet in shards for each set, in the folder data",
        Given(also=_shards),
        Read({"cat": 3, "dog": 3}, {"train": 4, "test": 2}),
    ),
    Situation(
        _HF,
        "Parquet with images and no labels",
        Given(give="data.parquet", also=_parquet(("image", _STRUCT), ("n", [1, 2, 3, 4]))),
        Refused("it is not clear which column of data.parquet holds the labels", "label_column="),
    ),
    Situation(
        _HF,
        "a row without an image",
        Given(
            give="data.parquet", also=_parquet(("image", [*_STRUCT[:3], None]), ("label", ["cat", "dog", "cat", "dog"]))
        ),
        Read({"cat": 2, "dog": 1}, told="Not used: 1 row without an image inside: row 4."),
    ),
    Situation(
        _FOLDER,
        "metadata.csv in train and test",
        Given(
            "{train,test}/{0,1}.jpg",
            {f"{s}/metadata.csv": "file_name,label\n0.jpg,cat\n1.jpg,dog\n" for s in ("train", "test")},
        ),
        Read({"cat": 2, "dog": 2}, {"train": 2, "test": 2}, by="table"),
    ),
    Situation(
        _FOLDER,
        "metadata.csv beside class folders in sets",
        Given(
            "{train,test}/{cat,dog}/{0,1}.jpg",
            {f"{s}/metadata.csv": "file_name,text\ncat/0.jpg,a cat\n" for s in ("train", "test")},
        ),
        Read({"cat": 4, "dog": 4}, {"train": 4, "test": 4}, by="folder"),
    ),
    Situation(
        _FOLDER,
        "metadata.jsonl: the file",
        Given(
            "{0,1}.jpg",
            {"metadata.jsonl": '{"file_name": "0.jpg", "label": "cat"}\n{"file_name": "1.jpg", "label": "dog"}\n'},
            "metadata.jsonl",
        ),
        Read({"cat": 1, "dog": 1}, by="table"),
    ),
    Situation(
        _FOLDER,
        "metadata.jsonl with lists of labels",
        Given(
            "{0,1}.jpg",
            {
                "metadata.jsonl": '{"file_name": "0.jpg", "label": ["cat", "dog"]}\n'
                '{"file_name": "1.jpg", "label": ["dog"]}\n'
            },
            "metadata.jsonl",
        ),
        Read({"cat": 1, "dog": 2}, by="table"),
    ),
    Situation(
        _FOLDER,
        "metadata.jsonl with boxes (objects)",
        Given(
            "{0,1}.jpg",
            {
                "metadata.jsonl": '{"file_name": "0.jpg", "objects": {"bbox": [[1, 1, 5, 5]], "categories": [0]}}\n'
                '{"file_name": "1.jpg", "objects": {"bbox": [[1, 1, 5, 5]], "categories": [1]}}\n'
            },
            "metadata.jsonl",
        ),
        Refused("metadata.jsonl, line 1: objects holds regions that were drawn", "COCO"),
    ),
    Situation(
        _FOLDER,
        "metadata.jsonl that is cut off",
        Given("{0,1}.jpg", {"metadata.jsonl": '{"file_name": "0.jpg", "label": "cat"}\n{"file_na'}, "metadata.jsonl"),
        Refused("metadata.jsonl, line 2: this is no JSON", "Repair the file"),
    ),
]


def _mask(values: list[int], mode: str = "L") -> bytes:
    from PIL import Image

    image = Image.new(mode, (20, 16), values[0] if mode != "RGB" else (values[0],) * 3)
    for place, value in enumerate(values):
        image.putpixel((place, 0), value if mode != "RGB" else (value, 0, 0))
    if mode == "P":
        image.putpalette([i for n in range(256) for i in (n, 255 - n, n)])
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def _masks(told: str, texts: dict[str, Any], happens: Outcome, images: str = "images/{0,1}.jpg") -> Situation:
    return Situation("PNG masks", told, Given(images, texts), happens)


_TWO = {"masks/0.png": _mask([0, 1]), "masks/1.png": _mask([0, 2])}
MASKS = [
    _masks("values are classes", _TWO, Read({"class 1": 1, "class 2": 1}, marks={"mask": 2})),
    _masks(
        "classes.txt names the values",
        {**_TWO, "classes.txt": "background\ncat\ndog\n"},
        Read({"cat": 1, "dog": 1}, marks={"mask": 2}),
    ),
    _masks(
        "a value that classes.txt has no name for",
        {**_TWO, "classes.txt": "background\ncat\n"},
        Read(
            {"cat": 1, "class 2": 1},
            marks={"mask": 2},
            told="1 value of the masks has no name among the classes: class 2",
        ),
    ),
    _masks(
        "palettes",
        {"masks/0.png": _mask([0, 1], "P"), "masks/1.png": _mask([0, 2], "P")},
        Read({"class 1": 1, "class 2": 1}, marks={"mask": 2}),
    ),
    _masks(
        "255 is no class",
        {"masks/0.png": _mask([0, 1, 255]), "masks/1.png": _mask([0, 2, 255])},
        Read({"class 1": 1, "class 2": 1}, marks={"mask": 2}),
    ),
    _masks(
        "an image without a mask",
        _TWO,
        Read({"class 1": 1, "class 2": 1}, marks={"mask": 2}, told="Not used: 1 image without a mask: images/2.jpg."),
        images="images/{0,1,2}.jpg",
    ),
    _masks(
        "a mask without an image",
        {**_TWO, "masks/7.png": _mask([0, 1])},
        Read(
            {"class 1": 1, "class 2": 1},
            marks={"mask": 2},
            told="Not used: 1 annotation without an image: masks/7.png.",
        ),
    ),
    _masks(
        "a mask that is empty: its image shows none of the classes",
        {**_TWO, "masks/2.png": _mask([0])},
        Read({"class 1": 1, "class 2": 1}, none=1, marks={"mask": 2}),
        images="images/{0,1,2}.jpg",
    ),
    _masks(
        "masks in colours",
        {"masks/0.png": _mask([0, 1], "RGB"), "masks/1.png": _mask([0, 2], "RGB")},
        Refused("no mask can be used", "it has colours where it should have one value per pixel"),
    ),
    _masks(
        "black and white masks (0 and 255), of one class",
        {"masks/0.png": _mask([0, 255]), "masks/1.png": _mask([0, 255])},
        Read({"object": 2}, marks={"mask": 2}, told="255 is read as the one class"),
    ),
    _masks(
        "a mask that is damaged",
        {**_TWO, "masks/2.png": b"\x89PNG\r\n"},
        Read(
            {"class 1": 1, "class 2": 1},
            marks={"mask": 2},
            told="Not used: 1 image with a mask that cannot be used: it is damaged: images/2.jpg.",
        ),
        images="images/{0,1,2}.jpg",
    ),
    _masks(
        "masks called 0_mask.png",
        {"masks/0_mask.png": _mask([0, 1]), "masks/1_mask.png": _mask([0, 2])},
        Read({"class 1": 1, "class 2": 1}, marks={"mask": 2}),
    ),
    _masks(
        "masks in sets, images too",
        {"masks/train/0.png": _mask([0, 1]), "masks/val/1.png": _mask([0, 2])},
        Read({"class 1": 1, "class 2": 1}, {"train": 1, "val": 1}, marks={"mask": 2}),
        images="images/{train/0,val/1}.jpg",
    ),
]

_QUOTED = "','"
_LINES = ("a.jpg,cat", "b.jpg,dog", "c.jpg,cat", "d.jpg,dog")


def _text(told: str, text: str | bytes, happens: Outcome = _READ) -> Situation:
    return Situation(CSV, told, Given("{a,b,c,d}.jpg", {"labels.csv": text}, "labels.csv"), happens)


WRITTEN += [
    _text("several columns without names and cells, as spreadsheets leave them",
          "file,label,,,\n" + "".join(f"{line},,,\n" for line in _LINES)),
    _text("more commas at the end of lines than of the first", "file,label\n" + "".join(f"{x},,\n" for x in _LINES)),
    _text("tabs, and a comma in the name of a column",
          "file\tlabel (cat, dog)\n" + "".join(line.replace(",", "\t") + "\n" for line in _LINES)),
    _text("single quotes around all cells",
          "'file','label'\n" + "".join(f"'{line.replace(',', _QUOTED)}'\n" for line in _LINES)),
    _text("typographic quotes around all cells",
          "file,label\n" + "".join("“" + line.replace(",", "”,“") + "”\n" for line in _LINES)),
    _text("a workbook of Excel called .csv", b"PK\x03\x04" + bytes(99),
          Refused("a zip archive, or a workbook", "save its sheet as CSV")),
    _text("a packed file called .csv", b"\x1f\x8b" + bytes(99), Refused("packed (gzip)", "Unpack it")),
    _text("an id, and no label", "id,file\n1,a.jpg\n2,b.jpg\n3,c.jpg\n4,d.jpg\n",
          Refused("it is not clear which column of labels.csv holds the labels", "label_columns=")),
]  # fmt: skip

SITUATIONS = [*WRITTEN, *CHOSEN, *PACKED, *MASKS]
