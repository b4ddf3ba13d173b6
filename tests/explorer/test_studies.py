"""Studies in the explorer: found, read while they run, and never written."""

from __future__ import annotations

import hashlib
import html
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from chromium import expect

from scanlab.explorer.attempt import attempt
from scanlab.explorer.study_state import find_studies, progress_of, read_results, read_state
from scanlab.study.place import DATABASE

COMMITTED = Path(__file__).parents[2] / "examples" / "studies" / "boxes"
SMALL = Path(__file__).parents[1] / "study" / "small.py"


def run(folder: Path, epochs: int) -> subprocess.Popen[str]:
    """A real study in a process of its own: six trials of two strategies and a control, on the digits."""
    words = [sys.executable, str(SMALL), str(folder), str(epochs), "1"]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that is over, in a folder with other things."""
    from scanlab.study import runner

    folder = tmp_path_factory.mktemp("finished")
    sys.path.insert(0, str(SMALL.parent))
    try:
        from small import small_study
    finally:
        sys.path.remove(str(SMALL.parent))
    runner.run_study(small_study(epochs=1), folder / "out" / "small")
    return folder


def words(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", " ", page))


def digest(folder: Path) -> dict[str, str]:
    return {str(f): hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.rglob("*") if f.is_file()}


def test_studies_are_found_by_their_first_bytes(finished, tmp_path):
    database = finished / "out" / "small" / DATABASE
    assert find_studies([finished]) == [database]
    named = tmp_path / "deep" / "other.sqlite"
    named.parent.mkdir()
    named.write_bytes(database.read_bytes())
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / DATABASE).write_bytes(database.read_bytes())
    (tmp_path / DATABASE).write_text("no database")
    (tmp_path / "link.sqlite").symlink_to(database)
    sqlite3.connect(tmp_path / "foreign.sqlite").execute("CREATE TABLE a (b)").connection.close()
    assert find_studies([tmp_path]) == [named]
    assert find_studies([tmp_path / "deep", finished]) == sorted([named, database])


def test_reading_leaves_a_study_as_it_is(finished):
    before = digest(finished)
    state = read_state(finished / "out" / "small")
    read_results(finished / "out" / "small")
    assert digest(finished) == before
    assert state.progress.is_over and state.progress.trials == {"done": 6} and state.progress.epochs == (6, 6)
    assert [(s.label, s.axes, s.grid) for s in state.strategies] == [
        ("hilbert", ("h", "w"), (4, 4)),
        ("row", ("h", "w"), (4, 4)),
    ]
    assert read_state(finished / "out" / "small") == state


def test_results_are_those_of_the_report(finished):
    from scanlab.study.analysis import analyse
    from scanlab.study.report.charts import curves, forest
    from scanlab.study.report.matrix import matrix_html
    from scanlab.study.store import read_study

    found = analyse(read_study(finished / "out" / "small"))
    page = read_results(finished / "out" / "small")
    [problem] = found.problems
    assert matrix_html(found) in page and forest(problem, "row") in page and curves(problem, "row") in page
    told = words(page)
    for sentence in found.sentences:
        assert sentence in told
    for row in problem.rows:
        assert f"{100 * row.mean:.2f}" in told
        assert row.comparison is None or row.comparison.verdict in told


def test_progress_counts_trials_and_epochs(finished):
    from dataclasses import replace

    from scanlab.study.store import read_study

    record = read_study(finished / "out" / "small")
    keys = list(record.trials)
    changed = dict(record.trials)
    changed[keys[0]] = replace(changed[keys[0]], status="running")
    changed[keys[1]] = replace(changed[keys[1]], status="failed", epochs=())
    changed[keys[2]] = replace(changed[keys[2]], status="waiting", epochs=())
    progress = progress_of(replace(record, trials=changed))
    assert progress.trials == {"running": 1, "failed": 1, "waiting": 1, "done": 3} and progress.total == 6
    # What failed will not be run again; what waits has done nothing yet.
    assert progress.epochs == (5, 6) and not progress.is_over
    [running] = progress.running
    assert (running.epoch, running.epochs) == (1, 1) and running.metric[0] == "accuracy"
    assert re.fullmatch(r"digits, .+, seed \d", running.name)


@pytest.mark.parametrize(("content", "code"), [(None, "S657"), (b"no database at all, but long enough" * 9, "S655")])
def test_what_is_no_study_is_an_error_with_a_code(tmp_path, content, code):
    file = tmp_path / DATABASE
    if content is not None:
        file.write_bytes(content)
    outcome = attempt(read_state, file)
    assert [d.code for d in outcome.problems] == [code]
    assert file.exists() == (content is not None)


def test_watching_and_judging_need_no_torch(finished):
    code = f"""
import sys
from pathlib import Path
from scanlab.explorer.study_state import find_studies, read_results, read_state
[study] = find_studies([Path({str(finished)!r})])
assert read_state(study).progress.is_over and "matrix" in read_results(study)
assert not {{"torch", "scipy.stats"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_study_is_followed_while_it_runs_and_its_strategies_can_be_seen(start_explorer, new_page, tmp_path):
    process = run(tmp_path / "out" / "live", 5)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        explorer = start_explorer(tmp_path)
        page = new_page(explorer.address(panes=("studies",)))
        # Two processes import torch meanwhile, which takes a busy machine a minute.
        page.set_default_timeout(240_000)
        page.locator("#pane-studies .study-list button").click()
        bar = page.locator("#pane-studies progress")
        bar.wait_for()
        first = bar.evaluate("e => e.value")
        more = "before => document.querySelector('#pane-studies progress').value > before"
        page.wait_for_function(more, arg=first)
        page.wait_for_selector("#pane-studies .counts:has-text('of 6 trials')")
        # The forest plot stands there as soon as two strategies have a trial each, and while others still run.
        page.wait_for_selector("#pane-studies svg[aria-label^='Differences from the baseline'] circle")
        page.wait_for_selector("#pane-studies .counts:has-text('6 done of 6 trials · 30 of 30 epochs')")
        page.wait_for_selector("#pane-studies svg[aria-label^='accuracy after each epoch'] polyline")
        # The baseline's two rivals: hilbert and the control.
        page.wait_for_function("() => document.querySelectorAll('#pane-studies .chart > svg > circle').length === 2")
        assert process.wait(timeout=60) == 0
        # The matrix looks as in the report, by the same style sheet, and strategies to click on come after the results.
        glyph = "getComputedStyle(document.querySelector('#pane-studies .matrix .kind-baseline .glyph'))"
        assert page.evaluate(f"[{glyph}.fontWeight, {glyph}.color]") == ["700", "rgb(77, 86, 96)"]
        after = "document.querySelector('.matrix').compareDocumentPosition(document.querySelector('.picks'))"
        assert page.evaluate(after) & 4
        page.locator("#pane-studies .picks button:has-text('hilbert')").click()
        page.wait_for_function("() => document.querySelector('#editor-text').value.includes('hilbert(h, w)')")
        page.wait_for_selector(".player figcaption:has-text('hilbert(h, w)')")
        # The study stays open beside the path.
        expect(page.locator("#pane-studies .counts")).to_have_count(1)
    finally:
        process.kill()
        process.wait()


def test_a_study_opens_with_its_question_and_its_answer_before_all_else(start_explorer, new_page, tmp_path):
    from chromium import address_holds

    from scanlab.explorer.state import from_address

    (tmp_path / "out" / "small").mkdir(parents=True)
    shutil.copy(COMMITTED / DATABASE, tmp_path / "out" / "small" / DATABASE)
    page = new_page(start_explorer(tmp_path).address(panes=("studies",)))
    page.set_default_timeout(120_000)
    page.locator("#pane-studies .study-list button").click()
    page.wait_for_selector("#pane-studies .matrix")
    parts = ".study h3, .study .question, .matrix, .finding, .chart, .picks"
    order = (
        page.locator("#pane-studies").locator(parts).evaluate_all("all => all.map(e => e.tagName + '.' + e.className)")
    )
    firsts = list(dict.fromkeys(order))
    assert [name.split(".")[1].split(" ")[0] for name in firsts][:3] == ["", "question", "matrix"]
    assert firsts[-1] == "DIV.picks"
    # What there is to open stands in nobody's way, and an empty field opens nothing.
    expect(page.locator("#study-path")).to_be_hidden()
    page.get_by_role("button", name="Open another study").click()
    page.locator("#study-path").fill("")
    page.get_by_role("button", name="Open it").click()
    page.wait_for_selector("#pane-studies .field.wrong >> text=name the folder of a study")
    expect(page.locator("#pane-studies .matrix")).to_be_visible()
    address_holds(page, lambda hash: from_address(hash).options, {"studies": {"study": "out/small/study.sqlite"}})


def test_no_other_folder_is_read(explorer, new_page, tmp_path, finished):
    page = new_page(explorer.address(panes=("studies",)))
    page.set_default_timeout(60_000)
    page.wait_for_selector("#pane-studies .word:has-text('No study is in the open folders')")
    page.locator("#study-path").fill(str(finished / "out" / "small"))
    page.locator("#study-path").press("Enter")
    page.wait_for_selector("#pane-studies .mistake:has-text('S512')")
    page.locator("#study-path").fill("nothing/here")
    page.get_by_role("button", name="Open it").click()
    page.wait_for_selector("#pane-studies .mistake:has-text('S657')")
    assert not (explorer.folder / "nothing").exists()
