"""Lines of text with their transcriptions, in every form that they come in, are read as the same lines."""

import json

import numpy as np
import pytest
from PIL import Image

from scanlab.data import load, whole
from scanlab.data.notes import notes_of
from scanlab.data.target_kinds import TEXT
from scanlab.data.texts import text_of_numbers
from scanlab.ir.diagnostics import ScanlabError

TEXTS = {"train": ["ab a", "ba", "bb ab"], "val": ["a b"], "test": ["ab", "ba a"]}
WIDTHS = {"train": [30, 17, 40], "val": [22], "test": [19, 33]}


def picture(part, number, height=16):
    draw = np.random.RandomState(hash((len(part), number)) % 1000)
    ink = draw.rand(height, WIDTHS[part][number]) < 0.2
    return np.where(ink, 20, 235).astype(np.uint8)


def write(folder, part, number, text, ending=".txt", name=None, height=16):
    folder.mkdir(parents=True, exist_ok=True)
    name = name or f"{part}_{number}"
    Image.fromarray(picture(part, number, height)).save(folder / f"{name}.png")
    if ending:
        (folder / f"{name}{ending}").write_text(text, encoding="utf-8")


def beside(folder, ending=".txt"):
    for part, texts in TEXTS.items():
        for number, text in enumerate(texts):
            write(folder / part, part, number, text + "\n", ending)


def in_columns(folder):
    folder.mkdir(exist_ok=True)
    for part, texts in TEXTS.items():
        images = [picture(part, n) for n in range(len(texts))]
        ends = np.cumsum([0, *(image.shape[1] for image in images)])
        np.savez(folder / f"{part}.npz", columns=np.concatenate([i.T for i in images]), offsets=ends)
        rows = [json.dumps({"text": t, "work": f"{part}{n}"}) for n, t in enumerate(texts)]
        (folder / f"{part}.jsonl").write_text("\n".join(rows), encoding="utf-8")


def in_tables(folder, ending, rows_of):
    for part, texts in TEXTS.items():
        for number, text in enumerate(texts):
            write(folder / part, part, number, text, ending="")
        rows = [(f"{part}_{n}.png", text) for n, text in enumerate(texts)]
        (folder / part / f"metadata{ending}").write_text(rows_of(rows), encoding="utf-8")


def in_one_table(folder):
    rows = ["image,split,writer,transcription"]
    for part, texts in TEXTS.items():
        for number, text in enumerate(texts):
            write(folder / "images", part, number, text, ending="")
            rows.append(f"{part}_{number}.png,{part},{part}{number},{text}")
    (folder / "lines.csv").write_text("\n".join(rows), encoding="utf-8")


FORMS = {
    "beside": beside,
    "as ground truth": lambda folder: beside(folder, ".gt.txt"),
    "in columns": in_columns,
    "jsonl": lambda f: in_tables(
        f, ".jsonl", lambda rows: "\n".join(json.dumps({"file_name": n, "text": t}) for n, t in rows)
    ),
    "csv": lambda f: in_tables(f, ".csv", lambda rows: "\n".join(["file,text", *(f'{n},"{t}"' for n, t in rows)])),
    "tsv without a head": lambda f: in_tables(f, ".tsv", lambda rows: "\n".join(f"{n}\t{t}" for n, t in rows)),
    "one table": in_one_table,
}


def texts_of(data, part):
    return sorted(text_of_numbers(data.labels[n], data.class_names) for n in getattr(data, part))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_lines(form, tmp_path):
    FORMS[form](tmp_path / "data")
    data = whole(str(tmp_path / "data"))
    assert data.class_names == (" ", "a", "b") and data.target_kind.task == "text_lines"
    for part, texts in TEXTS.items():
        assert texts_of(data, part) == sorted(texts)
        for number in getattr(data, part):
            text = text_of_numbers(data.labels[number], data.class_names)
            image = data.images[number]
            expected = 1 - picture(part, texts.index(text)).astype(np.float32) / 255
            np.testing.assert_allclose(image[0], expected, atol=1e-6)
    assert not data.drawn
    assert (data.groups is None) is (form not in ("in columns", "one table"))
    assert any("ink is dark" in text for text in notes_of(data)["assumed"])


def test_without_parts_a_test_part_is_held_out(tmp_path):
    for number in range(10):
        write(tmp_path, "train", number % 3, "ab" if number % 2 else "ba", name=str(number))
    data = load(str(tmp_path))
    assert data.drawn and len(data.train) + len(data.test) == 10 and len(data.test) in (3, 4)
    assert "held out" in str(notes_of(data)["assumed"])


def test_texts_are_composed_and_empty_ones_are_left_out(tmp_path):
    beside(tmp_path)
    (tmp_path / "train" / "train_0.txt").write_text("  a\u0308  b\t a\n", encoding="utf-8")
    (tmp_path / "train" / "train_1.txt").write_text(" \n", encoding="utf-8")
    data = whole(str(tmp_path))
    assert texts_of(data, "train") == ["bb ab", "ä b a"]
    notes = notes_of(data)
    assert "1 train line whose transcription is empty" in notes["left out"][0]
    assert "NFC" in notes["mapped"][0]


def test_symbols_that_training_lacks_are_told_and_read_as_none(tmp_path):
    beside(tmp_path)
    (tmp_path / "test" / "test_0.txt").write_text("aſb", encoding="utf-8")
    data = whole(str(tmp_path))
    assert data.class_names == (" ", "a", "b")
    assert texts_of(data, "test") == ["a\ufffdb", "ba a"]
    assert any("1 symbol of 7 in the test part" in text for text in notes_of(data)["unseen"])


def test_images_without_a_text_are_left_out_and_named(tmp_path):
    beside(tmp_path)
    write(tmp_path / "train", "train", 0, "", ending="", name="alone")
    assert "1 image without a transcription: alone.png" in str(notes_of(whole(str(tmp_path)))["left out"])


def test_heights_become_one_and_the_aspect_stays(tmp_path):
    beside(tmp_path)
    assert whole(str(tmp_path)).extents[0] == 16
    small = whole(str(tmp_path), size=(8,))
    assert small.extents[0] == 8 and sorted(small.images[small.train].widths) == [8, 15, 20]
    write(tmp_path / "train", "train", 0, "ab", name="taller", height=24)
    data = whole(str(tmp_path))
    assert data.extents[0] == 48
    assert "heights are 16 to 24 pixels high" in str(notes_of(data)["assumed"])
    with pytest.raises(ScanlabError, match=r"S670.*two extents"):
        load(str(tmp_path), size="16x40")


def test_light_ink_is_told_from_dark_and_can_be_settled(tmp_path):
    beside(tmp_path)
    for file in tmp_path.rglob("*.png"):
        Image.fromarray(255 - np.asarray(Image.open(file))).save(file)
    light = whole(str(tmp_path))
    assert "ink is light" in str(notes_of(light)["assumed"]) and light.images[0].mean() < 0.5
    turned = whole(str(tmp_path), layout="dark_ink")
    np.testing.assert_allclose(turned.images[0], 1 - light.images[0], atol=1e-6)


def test_a_column_can_be_chosen(tmp_path):
    write(tmp_path, "train", 0, "", ending="", name="one")
    write(tmp_path, "train", 1, "", ending="", name="two")
    rows = [{"file": "one.png", "text": "aſ", "plain": "as"}, {"file": "two.png", "text": "ſb", "plain": "sb"}]
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "test").mkdir()
    write(tmp_path / "test", "test", 0, "", ending="", name="three")
    (tmp_path / "test" / "lines.jsonl").write_text(
        json.dumps({"file": "three.png", "text": "ſ", "plain": "s"}), encoding="utf-8"
    )
    assert whole(str(tmp_path)).class_names == ("a", "b", "ſ")
    assert whole(str(tmp_path), layout="text=plain").class_names == ("a", "b", "s")


def test_colours_transparency_and_deep_greys_become_grey(tmp_path):
    beside(tmp_path)
    shown = picture("train", 0)
    Image.fromarray(np.stack([shown] * 3, -1)).save(tmp_path / "train" / "train_0.png")
    clear = np.zeros((*shown.shape, 4), np.uint8)
    clear[..., 3] = 255 - shown
    Image.fromarray(clear).save(tmp_path / "train" / "train_1.png")
    Image.fromarray(shown.astype(np.uint16) * 257).save(tmp_path / "train" / "train_2.png")
    data = whole(str(tmp_path))
    for number in data.train:
        np.testing.assert_allclose(data.images[number][0], 1 - shown / 255, atol=0.01)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (lambda f: (f / "train" / "train_0.txt").write_bytes(b"\xff\xfea\xd8\x00"), "S671", "train_0.txt"),
        (lambda f: (f / "train" / "train_0.png").write_bytes(b"no picture"), "S644", "train_0.png"),
        (
            lambda f: Image.fromarray(picture("train", 0).astype(np.uint16) * 16).save(f / "train" / "train_0.png"),
            "S644",
            "reach 3,760 of 65,535",
        ),
        (lambda f: [t.write_text(" ") for t in (f / "train").glob("*.txt")], "S671", "no training line"),
    ],
)
def test_what_cannot_be_read_is_refused(change, code, said, tmp_path):
    beside(tmp_path)
    change(tmp_path)
    with pytest.raises(ScanlabError, match=code) as caught:
        whole(str(tmp_path))
    assert said in str(caught.value)


def test_a_table_whose_images_are_missing_is_refused(tmp_path):
    in_one_table(tmp_path)
    (tmp_path / "images" / "test_1.png").unlink()
    with pytest.raises(ScanlabError, match=r"S671.*test_1.png"):
        whole(str(tmp_path))


def test_boxes_of_a_detector_are_no_transcriptions(tmp_path):
    for label, name in enumerate(("cat", "dog")):
        for number in range(4):
            write(tmp_path / name, "train", number % 3, f"{label} 0.5 0.5 0.1 0.2\n", name=f"{number}")
    (tmp_path / "dog" / "0.txt").write_text("")
    assert load(str(tmp_path), size="16x16").target_kind.task == "detection"
    assert load(str(tmp_path), size="16x16", layout="classes").target_kind.task == "classification"


def test_classes_with_captions_are_no_lines_of_text(tmp_path):
    for label in ("cat", "dog"):
        for k in range(5):
            place = tmp_path / label / f"{k}.png"
            place.parent.mkdir(exist_ok=True)
            Image.fromarray(np.uint8(255 - picture("train", k % 3))).save(place)
            place.with_suffix(".txt").write_text(f"{label} number {k}")
    with pytest.raises(ScanlabError, match=r"(?s)S691.*cat, dog.*dark_ink"):
        whole(str(tmp_path))
    assert whole(str(tmp_path), "16x16", layout="classes").class_names == ("cat", "dog")
    assert whole(str(tmp_path), layout="dark_ink").target_kind is TEXT
    for place in tmp_path.rglob("*.txt"):
        place.write_text(f"a {place.parent.name}")
    assert whole(str(tmp_path), "16x16").class_names == ("cat", "dog"), "texts that are the classes' names"


def jsonl(folder, rows):
    for number in range(len(rows)):
        write(folder, "train", number % 3, "", ending="", name=f"{number}")
    content = [json.dumps({"file_name": f"{n}.png", **row}) for n, row in enumerate(rows)]
    (folder / "metadata.jsonl").write_text("\n".join(content), encoding="utf-8")
    return str(folder)


def test_rows_without_a_text_have_none(tmp_path):
    rows = [{}, {"text": None}, *({"text": f"a{n} b"} for n in range(12))]
    lines = whole(jsonl(tmp_path, rows))
    assert len(lines.labels) == 12 and "n" not in lines.class_names
    assert any("2 train lines whose transcription is empty" in note for note in notes_of(lines)["left out"])


def test_a_part_that_is_none_is_refused(tmp_path):
    rows = [{"text": f"a{n}", "split": "train" if n % 2 else "fold9"} for n in range(12)]
    with pytest.raises(ScanlabError, match=r"(?s)S671.*0\.png into the part 'fold9'"):
        whole(jsonl(tmp_path, rows))
