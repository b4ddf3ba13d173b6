"""The report: one page that needs nothing else and says what came out, with numbers beside it."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pyarrow.parquet
import pytest
from records import changed, failed, joined, record

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.analysis import analyse
from scanlab.study.report import render, write_report
from scanlab.study.report.charts import field_picture
from scanlab.study.report.settings import USUAL

ROW = [0.90, 0.91, 0.92, 0.93, 0.94]
BETTER = [v + d for v, d in zip(ROW, [0.050, 0.051, 0.049, 0.052, 0.048], strict=True)]
NEAR = [v + d for v, d in zip(ROW, [0.0005, -0.0004, 0.0003, -0.0006, 0.0002], strict=True)]
PICTURE = '<svg viewBox="0 0 1 1"><title>a path</title></svg>'


class Page(HTMLParser):
    """The tags of a page, and what is read of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        # Cells stand side by side without a space of their own.
        self.text += f"{data} "


@pytest.fixture
def study():
    made = record(
        {"row": ROW, "hilbert": BETTER, "snake": NEAR},
        controls={"A/A": NEAR, "no_scan": [v - 0.3 for v in ROW]},
        margin=0.005,
    )
    return changed(made, "hilbert", field=tuple([0.5] * 15 + [1.0]), transfer={"rotate 90": 0.4})


def page_of(study, **more) -> Page:
    return Page(render(study, analyse(study), more.pop("pictures", {}), **more))


def test_how_the_data_were_read(study):
    assert "How the data were read" not in page_of(study).text
    notes = {"assumed": ["values <from> 0 to 255"], "duplicated": ["2 test samples are exact copies"]}
    noted = record({"row": ROW, "hilbert": BETTER}, notes=notes)
    text = page_of(noted).text
    assert "How the data were read" in text and "2 test samples are exact copies" in text
    assert "values <from> 0 to 255" in text and "assumed" in text
    for problem in noted.about["problems"]:
        del problem["notes"]
    assert "How the data were read" not in page_of(noted).text


def test_the_page_needs_nothing_else(study):
    page = page_of(study, pictures={("digits", "row"): PICTURE})
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object"}
    for _, attributes in page.tags:
        assert not {"src", "href", "srcset", "onclick", "onload"} & set(attributes)
    assert not re.search(r"url\(|@import|https?://", render(study, analyse(study), {}))


def test_it_says_the_question_the_verdict_and_how_to_repeat_it(study):
    page = page_of(study, remake="scanlab report out/x")
    for words in (
        "Does it matter?",
        "hilbert is better by 4.8 to 5.2 points than row.",
        "snake: equivalent to row within ±0.5 points.",
        "no scan is",
        "scanlab ablate -s 'row; hilbert'",
        "scanlab report out/x",
        "a processor",
        "the block without its scan",
        next(iter(study.trials)),
    ):
        assert words in page.text, words


def test_every_row_of_the_table_has_its_figures(study):
    text = re.sub(r"\s+", " ", page_of(study).text)
    assert "hilbert 5 97.00 1.54 +5.00 +4.75 to +5.25" in text


def test_receptive_fields_are_drawn_of_volumes_as_slices():
    drawn = ElementTree.fromstring(field_picture([1.0] * 24, (2, 3, 4), "by d, h, w"))
    places = {(float(r.attrib["x"]), float(r.attrib["y"])) for r in drawn.findall("rect")}
    assert len(places) == 24
    strengths = [
        r.attrib["fill-opacity"] for r in ElementTree.fromstring(field_picture([0.25], (1,), "x")).findall("rect")
    ]
    assert strengths == ["0.50"]
    drawn = ElementTree.fromstring(field_picture([0.0, 1e-6, 0.25, 1.0], (2, 2), "row"))
    assert [(r.attrib["x"], r.attrib["y"]) for r in drawn.findall("rect")] == [("0", "1"), ("1", "1")]
    assert drawn.attrib["role"] == "img" and drawn.attrib["aria-label"] and drawn.find("title").text


def test_the_matrix_comes_before_any_verdict(study):
    text = render(study, analyse(study), {})
    assert text.index('<table class="matrix">') < text.index('<div class="verdict">')


def test_what_was_held_equal_is_a_list_with_the_unusual_first(study):
    text = re.sub(r"\s+", " ", page_of(study).text)
    held = text.partition("Held equal on digits")[2].partition("Controls")[0]
    assert "{" not in held and "None" not in held
    training = held.partition("training")[2]
    recipe = study.about["problems"][0]["recipe"]
    unusual = [name for name, value in recipe.items() if USUAL["recipe"][name] != value]
    assert unusual and all(f"(usually {USUAL['recipe'][name]:g})" in training for name in unusual)
    first = training.split()[0].rstrip(":")
    assert first in unusual and training.index(first) < training.index("batch:")


def test_usual_settings_are_the_defaults():
    from dataclasses import asdict

    from scanlab.nn import BackboneConfig
    from scanlab.nn.config import stored
    from scanlab.study.trial import Recipe

    assert USUAL["sizes"] == stored(BackboneConfig()) and USUAL["recipe"] == asdict(Recipe())


def test_hashes_are_folded_away_in_a_table(study):
    page = render(study, analyse(study), {})
    folded = page.partition("by the hash of all that determines them")[2]
    assert folded.index("<table>") < folded.index(next(iter(study.trials))) < folded.index("</details>")


def test_what_a_user_wrote_cannot_become_markup(study):
    evil = replace(
        study,
        about={**study.about, "name": "<script>alert(1)</script>", "question": "a & b <i>"},
        command="x</pre><script>",
    )
    text = render(evil, analyse(evil), {})
    assert "<script" not in text and "&lt;script&gt;alert(1)" in text


def test_an_unfinished_study_with_failures_has_a_page():
    study = failed(
        record({"row": [*ROW[:3], None, None], "hilbert": BETTER}), "hilbert", 0, "out of memory\nTraceback: here"
    )
    page = page_of(study)
    assert "This study is not finished: 2 of 10 trials" in page.text
    assert "out of memory" in page.text and "Traceback: here" in page.text


def test_a_study_without_any_result_has_a_page():
    study = record({"row": [None, None], "hilbert": [None, None]})
    assert "4 of 4 trials have no result yet" in page_of(study).text


def test_problems_have_tables_of_their_own_and_variants_stand_beside_them():
    study = joined(
        {"digits": {"row": ROW, "hilbert": BETTER}, "digits / no positions": {"row": ROW, "hilbert": NEAR}},
        margin=0.005,
    )
    text = page_of(study).text
    assert "digits, and “no positions”" in text and text.count("Learning curves") == 2
    # Two variants are no problems to pool over.
    assert "Over all problems" not in text
    study = joined({f"p{i}": {"row": ROW, "hilbert": BETTER, "snake": NEAR} for i in range(6)})
    problems = [{**p, "fingerprint": p["name"]} for p in study.about["problems"]]
    text = page_of(replace(study, about={**study.about, "problems": problems})).text
    assert "Over all problems" in text and "mean rank" in text


def test_errors_of_pixels_are_not_percent():
    study = record({"row": [0.041, 0.042], "snake": [0.040, 0.0415]}, task="next_patch")
    text = page_of(study).text
    assert (
        "mse, lower is better" in re.sub(r"\s+", " ", text)
        and "0.0415" in text
        and "points" not in text.split("Learning")[0].split("mse, lower")[1]
    )


def test_files_beside_the_page_hold_the_same_numbers(study, tmp_path):
    page = write_report(study, tmp_path / "new", {}, "scanlab report new")
    assert page == tmp_path / "new" / "report.html"
    rows = list(csv.DictReader((tmp_path / "new" / "trials.csv").open(encoding="utf-8")))
    assert len(rows) == 25 and {r["status"] for r in rows} == {"done"}
    best = next(r for r in rows if r["strategy"] == "hilbert" and r["seed"] == "2")
    assert float(best["accuracy"]) == pytest.approx(BETTER[2]) and float(best["transfer: rotate 90"]) == 0.4
    epochs = list(csv.DictReader((tmp_path / "new" / "epochs.csv").open(encoding="utf-8")))
    assert len(epochs) == 50 and [r["epoch"] for r in epochs[:2]] == ["1", "2"]
    table = pyarrow.parquet.read_table(tmp_path / "new" / "trials.parquet").to_pylist()
    assert [r["accuracy"] for r in table] == pytest.approx([float(r["accuracy"]) for r in rows])
    data = json.loads((tmp_path / "new" / "results.json").read_text(encoding="utf-8"))
    assert data["findings"]["problems"][0]["rows"][1]["label"] == "hilbert" and len(data["trials"]) == 25
    assert not [p for p in (tmp_path / "new").iterdir() if p.name.startswith(".")]


def test_the_same_record_gives_the_same_files(study, tmp_path):
    for folder in ("a", "b"):
        write_report(study, tmp_path / folder, {}, "again")
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name


def test_a_folder_that_cannot_be_made_is_an_error_and_old_files_stay(study, tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(ScanlabError, match="S606"):
        write_report(study, tmp_path / "file" / "below")
    write_report(study, tmp_path / "good")
    before = (tmp_path / "good" / "report.html").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(ScanlabError, match="No space left"):
            write_report(study, tmp_path / "good")
    assert (tmp_path / "good" / "report.html").read_bytes() == before
    assert not [p for p in (tmp_path / "good").iterdir() if p.name.startswith(".")]


def test_without_pyarrow_there_is_csv_alone(study, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    write_report(study, tmp_path)
    assert (tmp_path / "trials.csv").is_file() and not (tmp_path / "trials.parquet").exists()


def test_without_jinja_the_page_says_what_to_install(study, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(ScanlabError, match="S609"):
        write_report(study, tmp_path)
