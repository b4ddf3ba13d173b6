"""What outcomes look like: one table of glyphs, words and classes, from which page, explorer and terminal all draw."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from records import changed, failed, joined, record
from rich.console import Console

from scanlab.cli.narrow_tables import print_table
from scanlab.cli.streams import make_printable
from scanlab.study import table
from scanlab.study.analysis import analyse
from scanlab.study.kinds import KINDS, kind_of, kind_words
from scanlab.study.matrix import matrix_of
from scanlab.study.report.matrix import matrix_html
from scanlab.study.style import results_style

ROW = [0.90, 0.91, 0.92, 0.93, 0.94]
UP = [v + d for v, d in zip(ROW, [0.050, 0.051, 0.049, 0.052, 0.048], strict=True)]
DOWN = [v - d for v, d in zip(ROW, [0.050, 0.051, 0.049, 0.052, 0.048], strict=True)]
NEAR = [v + d for v, d in zip(ROW, [0.0005, -0.0004, 0.0003, -0.0006, 0.0002], strict=True)]
FAR = [v - d for v, d in zip(ROW, [0.30, 0.31, 0.29, 0.30, 0.28], strict=True)]
WIDE = [v + d for v, d in zip(ROW, [0.03, -0.04, 0.02, -0.01, 0.01], strict=True)]


@pytest.fixture(scope="module")
def sharp():
    """A study whose controls differ: an outcome of every kind that a finished problem has."""
    return record(
        {"row": ROW, "hilbert": UP, "column": DOWN, "snake": NEAR, "window[k=2]": WIDE, "again": ROW},
        names={"again": "row"},
        controls={"A/A": NEAR, "no_scan": FAR},
        margin=0.005,
    )


@pytest.fixture(scope="module")
def blind():
    return record({"row": ROW, "snake": NEAR, "hilbert": WIDE}, controls={"no_scan": WIDE}, margin=0.005)


def shared(study):
    """The same record, in which "again" has the trials of row."""
    keys = {m.seed: m.key for m in study.members if m.strategy == "row"}
    return replace(
        study, members=tuple(replace(m, key=keys[m.seed]) if m.strategy == "again" else m for m in study.members)
    )


def kinds(findings, number: int = 0) -> dict[str, str]:
    matrix = matrix_of(findings)
    return {row.label: row.cells[number].kind.name for row in (*matrix.strategies, *matrix.controls)}


def test_every_kind_has_a_glyph_and_a_class_of_its_own_and_the_style_sheet_colours_it():
    assert len({kind.glyph for kind in KINDS.values()}) == len({k.css for k in KINDS.values()}) == len(KINDS) == 9
    style = results_style()
    for kind in KINDS.values():
        assert len(kind.glyph) == 1 and re.search(rf"\.{kind.css}[ ,{{]", style), kind.name


def test_a_finished_problem_that_tells_orders_apart(sharp):
    findings = analyse(shared(sharp))
    assert kinds(findings) == {
        "row": "baseline",
        "hilbert": "better",
        "column": "worse",
        "snake": "equivalent",
        "window[k=2]": "not distinguishable",
        "again": "same",
        "control: A/A": "equivalent",
        "control: no scan": "worse",
    }
    [better, worse] = [matrix_of(findings).strategies[i].cells[0] for i in (1, 2)]
    assert (better.text, worse.text) == ("▲ +5.00", "▼ -5.00")
    assert better.about == "hilbert on digits: better by 4.7 to 5.3 points"
    assert matrix_of(findings).strategies[5].cells[0].text == "= row"


def test_where_less_is_better_the_glyph_says_better_and_the_difference_is_negative():
    values = {"row": ROW, "snake": DOWN}
    [_, row] = matrix_of(analyse(record(values, task="next_patch"))).strategies
    assert row.cells[0].text == "▲ -0.05"


def test_on_a_blind_problem_strategies_are_blind_and_controls_are_what_they_are(blind):
    findings = analyse(blind)
    assert findings.problems[0].blind
    assert kinds(findings) == {
        "row": "baseline",
        "snake": "blind",
        "hilbert": "blind",
        "control: no scan": "not distinguishable",
    }
    [problem] = findings.problems
    assert kind_words(problem.row("snake"), problem, "row") == "blind: equivalent within ±0.5 points"


def test_what_waits_and_what_failed_are_two_things():
    study = record({"row": ROW, "hilbert": [0.95, None, None, None, None], "snake": [None] * 5, "column": DOWN})
    for seed in range(5):
        study = failed(study, "column", seed, "out of memory")
    assert kinds(analyse(study)) == {
        "row": "baseline",
        "hilbert": "waiting",
        "snake": "waiting",
        "column": "no result",
    }
    [problem] = analyse(study).problems
    assert kind_words(problem.row("column"), problem, "row") == "no pair to compare"
    # While the baseline waits, so does everything that would be compared with it.
    study = record({"row": [None, None, None], "hilbert": [0.9, 0.91, 0.92]})
    assert kinds(analyse(study)) == {"row": "baseline", "hilbert": "waiting"}


def test_problems_are_columns_and_each_cell_is_of_its_own_problem():
    findings = analyse(joined({"one": {"row": ROW, "hilbert": UP}, "two": {"row": ROW, "hilbert": DOWN}}))
    assert matrix_of(findings).problems == ("one", "two")
    assert [kinds(findings, i)["hilbert"] for i in (0, 1)] == ["better", "worse"]


def printed(findings, width: int = 100) -> str:
    out = Console(file=io.StringIO(), width=width)
    out.print(table.matrix(findings))
    out.print(table.legend(findings))
    for each in table.render(findings):
        out.print(each)
    return out.file.getvalue()


def test_page_and_terminal_show_the_same_glyphs_and_words(sharp):
    findings = analyse(shared(sharp))
    page, terminal = matrix_html(findings), printed(findings, 200)
    matrix = matrix_of(findings)
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', page)
    lines = terminal.split("\n")
    for row, (label, cells) in zip((*matrix.strategies, *matrix.controls), rows, strict=True):
        [cell] = row.cells
        assert label == row.label and f'<span aria-hidden="true">{cell.kind.glyph}</span>' in cells
        # Who sees no colour reads the glyph; who sees no glyph, the word.
        assert f'<span class="unseen">{cell.kind.name}</span>' in cells and cell.about in cells
        assert cell.detail in cells
        assert any(re.search(rf"│ {re.escape(label)} +│ {re.escape(cell.text)} +│", line) for line in lines), label
    for kind in matrix.legend:
        assert kind.legend in page and kind.legend in " ".join(terminal.split())
    # The tables of single problems begin their words with the same glyphs.
    assert re.search(r"▲ better by 4\.7 to 5\.3 points", terminal)
    assert "waiting" not in page, "the legend has what occurs"


def test_controls_stand_in_rows_of_their_own(sharp):
    page = matrix_html(analyse(sharp))
    strategies, controls = page.split('<tbody class="of-controls">')
    assert "control: " not in strategies and controls.count("<tr>") == 2
    assert "of-controls" not in matrix_html(analyse(record({"row": ROW, "hilbert": UP})))


def test_labels_cannot_become_markup():
    study = record({"row": ROW, "<b>x</b>": UP}, names={"<b>x</b>": "hilbert"})
    assert "<b>x" not in matrix_html(analyse(study))
    assert "<b>x</b>" in printed(analyse(study))


def test_glyphs_have_similar_signs_where_the_encoding_has_none(sharp, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    make_printable()
    glyphs = [kind.glyph for kind in KINDS.values()]
    stream.write(" ".join(glyphs))
    stream.flush()
    shown = stream.buffer.getvalue().decode("ascii").split(" ")
    assert shown == ["^", "v", "~", "?", "x", "+", "=", "o", "-"]
    assert len(set(shown)) == len(KINDS)


def test_differences_are_kept_seed_by_seed(sharp):
    study = changed(sharp, "snake", transfer={})
    comparison = analyse(study).problems[0].row("hilbert").comparison
    assert comparison.differences == pytest.approx([0.050, 0.051, 0.049, 0.052, 0.048])
    some = record({"row": [0.9, None, 0.9, 0.9], "hilbert": [0.8, 0.8, None, 0.95]})
    assert analyse(some).problems[0].row("hilbert").comparison.differences == pytest.approx([-0.1, 0.05])


def test_kinds_are_those_of_comparisons(sharp):
    [problem] = analyse(sharp).problems
    for row in problem.rows:
        if row.comparison:
            assert kind_of(row, problem, "row").name == row.comparison.kind


@pytest.mark.parametrize("width", [100, 27])
def test_a_line_stands_before_the_controls_on_wide_and_narrow_screens(sharp, width):
    out = Console(file=io.StringIO(), width=width)
    print_table(out, table.matrix(analyse(sharp)))
    before, line, after = out.file.getvalue().partition("├")
    assert line and "control" in after and "control" not in before and "hilbert" in before
