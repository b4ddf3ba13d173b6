"""What the panes show, without a browser: the same as the compiler and the commands say."""

from __future__ import annotations

import base64
import html
import re
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

import scanlab
from scanlab.codegen.assembly import Report
from scanlab.codegen.listing import function_listing
from scanlab.compiler.decay import mean_distance, predicted_decay
from scanlab.compiler.locality import locality
from scanlab.compiler.spread import spread
from scanlab.explorer.attempt import attempt
from scanlab.explorer.renderers import compared, field, listings, markup, published, stages, steps
from scanlab.explorer.snapshot import Snapshot, snapshot
from scanlab.ir.printer import print_expr
from scanlab.ir.values import signed_keys
from scanlab.language.library import library_definitions
from scanlab.view.heat import heat_svg
from scanlab.view.ramp import table as ramp
from scanlab.view.receptive_field import Field, log_scaled, picture_of


def words(page: str) -> str:
    """The text that a reader sees."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


def shown(text: str, grid: tuple[int, ...] = (6, 5), *names: str) -> Snapshot:
    found = snapshot(text, grid, names)
    assert found.subjects, found.diagnostics
    return found


def cells(page: str) -> list[list[str]]:
    """The rows of all tables of a page."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", page)
    return [[words(c) for c in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)] for row in rows]


@pytest.mark.parametrize("name", ["snake", "cross", "vim", "hilbert_windows[k=4]", "rows", "efficient", "zigma", "tri"])
def test_keys_and_proofs_are_those_of_the_compiler(name):
    found = shown(name, (6, 5) if name != "tri" else (3, 4, 5))
    value = found.subjects[0].value
    page = words(stages.keys_page(found))
    for order in stages.different_orders(value).values():
        for key in signed_keys(order):
            assert print_expr(key) in page
    proved = words(stages.proof_page(found))
    for line in str(scanlab.prove(value, found.subjects[0].grid)).split("\n"):
        assert line.strip() in proved


def test_isl_maps_are_those_of_the_command(capsys, monkeypatch):
    from scanlab.cli import stages as command
    from scanlab.cli.compiled import Compilation

    command.run("window", "6x5", "isl", False, Compilation())
    printed = "\n".join(line for line in capsys.readouterr().out.split("\n") if not line.startswith("# "))
    page = words(stages.proof_page(shown("window")))
    assert "".join(printed.split()) in "".join(page.split())


def test_the_triton_page_has_a_link_that_says_what_it_sends():
    page = listings.code_page(shown("row"), "triton")
    assert page.count('href="https://godbolt.org/clientstate/') == 1 and 'rel="noopener noreferrer"' in page
    assert "nothing is sent until you open it" in words(page)
    assert "godbolt" not in listings.code_page(shown("row"), "cpu")


def test_a_tie_is_shown_with_its_counterexample():
    found = snapshot("grid h, w\norder tie = by h + w\n", (4, 4))
    assert not found.subjects
    page = words(markup.mistakes(found.diagnostics))
    assert "counter-example: on a 4x4 grid, patches (0, 1) and (1, 0) share the key (1)" in page
    assert "error S300, line 2" in page


def test_an_undecided_proof_says_why():
    # A product of coordinates is beyond linear arithmetic; on this grid it is a tie-free order.
    found = shown("by h * h * W + w", (4, 4))
    page = words(stages.proof_page(found))
    assert str(scanlab.prove(found.subjects[0].value, (4, 4))).split("\n", 1)[0] in page


@pytest.mark.parametrize("name", ["snake", "hilbert", "vim", "window"])
def test_expressions_are_those_of_the_command(name, capsys):
    from scanlab.cli import stages as command
    from scanlab.cli.compiled import Compilation

    command.run(name, "6x5", "expr", False, Compilation())
    printed = capsys.readouterr().out
    page = words(stages.expression_page(shown(name)))
    # What is said of a whole stage is a remark there, and a note here.
    lines = [
        line if line.startswith(("# affine", "# curve", "# table")) else line.removeprefix("# ")
        for line in printed.strip().split("\n")
        if line
    ]
    assert len(lines) > 1 and all(line in page for line in lines)


def test_step_rows_hold_the_whole_sequence_with_tokens_and_resets():
    subject = shown("grid h, w\nscan all = sum(rows, -row) with cls at middle\n").subjects[0]
    paths = list(subject.scans[0].paths)
    found = []
    for first in range(0, 60, steps.PAGE):
        found += steps.step_rows(paths, steps.Range(first))
    assert [row[0] for row in found] == list(range(31))
    for column, path in enumerate(paths, 1):
        for place, row in enumerate(found):
            patch = int(path.sequence[place])
            said = str(row[column])
            if patch < 0:
                assert said == "cls"
            else:
                point = ", ".join(str(v) for v in np.unravel_index(patch, path.grid))
                assert said.startswith(f"{patch}  ({point})")
    resets = [i for i, row in enumerate(found) if "state reset" in str(row[1])]
    assert resets == [5, 10, 16, 21, 26]


def test_rank_rows_are_the_ranks_and_gaps_stay_empty():
    subject = shown("efficient").subjects[0]
    paths = list(subject.scans[0].paths)
    found = steps.rank_rows(paths, steps.Range(0, "patch"))
    for column, path in enumerate(paths, 2):
        assert [-1 if row[column] is None else row[column] for row in found] == path.ranks.tolist()
    assert cells(steps.steps_page(shown("efficient"), steps.Range(0, "patch")))[1][2:] == ["0", "–", "–", "–"]


def test_long_tables_come_in_pages():
    found = shown("row", (20, 30))
    assert steps.longest(found, "step") == 600
    first = cells(steps.steps_page(found, steps.Range()))
    last = cells(steps.steps_page(found, steps.Range(400)))
    assert len(first) == len(last) == steps.PAGE + 1
    assert (first[-1][0], last[-1][:2]) == ("199", ["599", "599  (19, 29)"])


@pytest.mark.parametrize("target", ["triton", "cpu"])
@pytest.mark.parametrize("name", ["column", "cross", "hilbert"])
def test_code_is_what_the_command_prints(name, target):
    found = shown(name)
    listing = function_listing(found.subjects[0].scans[0], target)
    page = words(listings.code_page(found, target))
    for line in str(listing).split("\n")[1:]:
        assert line.lstrip("# ") in page
    assert listing.name in page


def test_kernel_rows_wait_for_what_is_not_compiled():
    report = Report("scan_forward", "sm_90", 134, 2, 8, 0, 1, 1988, 350, 2, {})
    rows = listings.kernel_rows([report], ["scan_forward", "scan_backward"])
    assert rows == [["forward", 134, 2, 8, 0, 1, "1,988", "175"], ["backward", *["…"] * 7]]
    assert len(rows[0]) == len(listings.KERNEL_COLUMNS)
    page = cells(listings.kernels_page("", ["row"], [report], ["scan_forward", "scan_backward"]))
    assert page[:2] == [["kernel", "forward", "backward"], ["registers", "134", "…"]]


def test_locality_is_that_of_the_command(capsys, monkeypatch):
    from scanlab.cli import compare as command

    monkeypatch.setenv("COLUMNS", "200")
    command.run(["snake", "hilbert"], "6x5", False)
    printed = capsys.readouterr().out
    page = cells(compared.metrics_page(shown("grid h, w", (6, 5), "snake", "hilbert")))
    turned = list(zip(*page, strict=True))
    for name, row in zip(("snake", "hilbert"), turned[1:], strict=True):
        line = next(line for line in printed.split("\n") if re.match(rf"[│|] {name} ", line))
        assert [c.strip() for c in line.strip("│| ").split("│")] == list(row)
    assert turned[1][1] == f"{locality(scanlab.compile('snake', (6, 5)).indices[0], (6, 5)).unit_step_share:.2f}"


@pytest.mark.parametrize(
    ("name", "grid"), [("cross", (8, 8)), ("zigma", (6, 5)), ("tri", (3, 4, 5)), ("strided", (40,))]
)
def test_fields_are_those_of_the_compiler(name, grid):
    found = shown(name, grid)
    plan = scanlab.compile(name, grid)
    expected = predicted_decay(plan, 0.8, layers=2)
    [p] = [field.predicted(subject, field.Decay(0.8, 2)) for subject in found.subjects]
    assert np.array_equal(p.field.values, expected)
    assert p.areas == spread(expected).areas and p.everywhere == mean_distance(plan, 0.8, layers=2)
    page = field.field_page(found, field.Decay(0.8, 2))
    assert f"{p.mean_distance:.2f}" in words(page) and page.count('class="heat"') == 1


def test_a_field_is_drawn_in_the_colours_of_the_scale():
    values = np.array([[1.0, 0.1, 0.0], [1e-9, 0.01, 0.5]])
    drawing = heat_svg(Field("a", "b", values))
    raw = base64.b64decode(re.search(r"base64,([^\"]+)", drawing)[1])
    assert raw.startswith(b"\x89PNG")
    data = zlib.decompress(raw[raw.index(b"IDAT") + 4 : raw.index(b"IEND") - 8])
    assert struct.unpack(">II", raw[16:24]) == (3, 2)
    pixels = np.frombuffer(data, np.uint8).reshape(2, 4)[:, 1:]
    palette = np.frombuffer(raw[raw.index(b"PLTE") + 4 :][: 251 * 3], np.uint8).reshape(-1, 3)
    places = log_scaled(picture_of(Field("a", "b", values)))
    # What is exactly 0 is transparent; the faintest of what is not has the ramp's first colour.
    assert pixels[0, 2] == 0 and raw[raw.index(b"tRNS") + 4] == 0 and pixels[1, 0] == 1
    assert np.array_equal(palette[1:], ramp(250))
    assert np.array_equal(pixels[places >= 0], 1 + np.rint(places[places >= 0] * 249))


def test_a_wrong_decay_is_the_problem_of_its_outcome():
    outcome = attempt(field.field_page, shown("row"), field.Decay(2.0))
    assert [d.code for d in outcome.problems] == ["S634"] and outcome.value is None


def test_published_rows_name_strategies_of_the_library():
    definitions = library_definitions()
    for entry in published.published_data()["tables"]:
        assert entry["source"] and entry["systems"] and isinstance(entry["secondary"], bool)
        for row in entry["rows"]:
            assert len(row["values"]) == len(entry["columns"])
            assert row["strategy"] is None or definitions[row["strategy"]].value is not None, row
    papers = " ".join(d.source for d in definitions.values())
    everything = [*published.published_data()["tables"], *published.published_data()["findings"]]
    assert all(paper in papers for entry in everything for paper in entry["systems"])


@pytest.mark.parametrize(
    ("text", "title", "row"),
    [
        ("cross", "VMamba, table 10", "Cross-Scan"),
        ("sum((by 3 * h, w), (by w, h), -row, -column)", "VMamba, table 10", "Cross-Scan"),
        ("vim", "Vim, table 5", "class token in the middle"),
        ("sum(row, -row) with cls at start", "Vim, table 5", "class token first"),
        ("mambaad", "MambaAD, table 5", "Hilbert ×8"),
        ("zigma", "ZigMa: FID on MultiModal-CelebA", "zigzag-8"),
        ("mean(row, column, -row, -column)", None, None),
    ],
)
def test_a_strategy_finds_its_published_row_whatever_it_is_called(text, title, row):
    found = shown(text)
    tables = published.tables_for(published.library_matches(found.subjects[0].value, (6, 5)))
    marked = [(e["title"], e["rows"][i]["what"]) for e, rows in tables for i in rows]
    assert (title is None and not marked) or any(t.startswith(title) and r == row for t, r in marked)


def test_secondary_sources_are_said_to_be_such():
    page = words(published.published_page(shown("zigma")))
    assert published.SECONDARY in page and "45.5" in page and "lower is better" in page
    assert published.SECONDARY not in words(published.published_page(shown("vim"))).split("Across systems")[0]


def test_markup_in_names_stays_text():
    found = shown('grid h, w\n"<script>alert(1)</script>"\norder a = by h, w\n')
    hostile = Snapshot(found.names, tuple(_named(s, '<img src=x onerror="alert(1)">') for s in found.subjects), ())
    pages = [
        stages.keys_page(hostile),
        stages.proof_page(hostile),
        stages.expression_page(hostile),
        steps.steps_page(hostile, steps.Range()),
        compared.compare_page(hostile),
        field.field_page(hostile, field.Decay()),
        published.published_page(hostile),
        listings.code_page(hostile, "triton"),
    ]
    assert not any("<img" in page or "<script" in page for page in pages)
    assert "&lt;img" in pages[0]


def _named(subject, name):
    from dataclasses import replace

    return replace(subject, name=name, value=replace(subject.value, name=name))


def test_long_code_is_cut_and_says_so():
    page = markup.code("x" * (markup.MOST_CHARACTERS + 5))
    assert "5 more characters are left out here" in page and len(page) < markup.MOST_CHARACTERS + 500


def test_renderers_need_neither_a_server_nor_tensors():
    code = """
import sys
from scanlab.explorer import attempt, study_state
from scanlab.explorer.renderers import compared, exports, field, listings, published
from scanlab.explorer.renderers import python, stages, steps
assert not {"nicegui", "torch", "numba", "triton", "matplotlib"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
