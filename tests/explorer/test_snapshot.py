"""What a page shows of a text: the compiler's values, every mistake told, and no text that stops the server."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import scanlab
from scanlab.explorer.answers import merged
from scanlab.explorer.elements import placed
from scanlab.explorer.snapshot import MOST_PATCHES, snapshot
from scanlab.explorer.state import MOST_SUBJECTS
from scanlab.explorer.worker_tasks import defined, draw, draw_thumbnail, judge, source_of
from scanlab.explorer.workers import TooLong, WorkerFailed, Workers
from scanlab.facade import load
from scanlab.library_index import USUAL_GRIDS, read_index

TWO = "grid h, w\norder snake = by h, ~w\nscan both = sum(snake, -snake)\n"
TIE = "grid h, w\norder a = by h + w\n"


def test_the_last_definition_is_shown_unless_others_are_named() -> None:
    assert [s.name for s in snapshot(TWO, (4, 4)).subjects] == ["both"]
    found = snapshot(TWO, (4, 4), ("snake", "hilbert", "gone"))
    assert found.names == ("snake", "both")
    assert [s.name for s in found.subjects] == ["snake", "hilbert"]
    # Where the named ones are all gone from the text, its last one comes back beside the library's.
    assert [s.name for s in snapshot(TWO, (4, 4), ("gone", "hilbert")).subjects] == ["both", "hilbert"]


def test_what_is_shown_is_what_the_compiler_gives() -> None:
    found = snapshot(TWO, (5, 3), ("both", "window[k=2]"))
    for subject, wanted in zip(found.subjects, ("sum(snake, -snake)", "window[k=2]"), strict=True):
        compiled = scanlab.compile(wanted, (5, 3))
        assert np.array_equal(np.stack([scene.indices for scene in subject.scenes]), compiled.indices)
        assert np.array_equal(np.stack([scene.ranks for scene in subject.scenes]), compiled.ranks)
        assert {scene.group for scene in subject.scenes} == {subject.name}


def test_a_grid_goes_to_what_has_as_many_axes() -> None:
    text = "grid h, w\norder a = by h, w\ngrid t, y, x\norder b = by t, y, x\n"
    shown = snapshot(text, (5, 7), ("a", "b")).subjects
    assert [s.grid for s in shown] == [(5, 7), USUAL_GRIDS[3]]


@pytest.mark.parametrize("line", ["by h, ~w", "  by h, ~w\n", "cross", "window[k=2]", "sum(row, -row)"])
def test_one_line_without_a_name_is_shown_too(line: str) -> None:
    found = snapshot(line, (4, 4))
    assert not found.diagnostics
    assert np.array_equal(found.subjects[0].scans[0].indices, scanlab.compile(line.strip(), (4, 4)).indices)


def test_a_tie_is_told_with_its_counterexample() -> None:
    found = snapshot(TIE, (6, 6))
    assert not found.subjects
    assert [d.code for d in found.diagnostics] == ["S300"]
    judged = judge(TIE, (6, 6), ())
    problems = merged(found.diagnostics, judged)
    # The proof's account takes the place of the grid's: it has the smallest grid, and the fix.
    assert [d.code for d in problems] == ["S300"]
    assert problems[0].counterexample is not None
    assert problems[0].counterexample.grid == (2, 2)
    edit = problems[0].edit
    assert edit is not None
    place = placed(edit.span, TIE)
    assert place is not None
    fixed = TIE[: place[0]] + edit.replacement + TIE[place[1] :]
    assert not snapshot(fixed, (6, 6)).diagnostics
    assert judge(fixed, (6, 6), ()).verdicts[0].mark == "✓"


def test_mistakes_elsewhere_leave_what_is_right() -> None:
    text = "grid h, w\norder good = by h, w\norder bad = by h + w\norder worse = snaek\n"
    found = snapshot(text, (4, 4), ("good", "bad"))
    assert [s.name for s in found.subjects] == ["good"]
    judged = judge(text, (4, 4), ("good",))
    assert [(v.name, v.mark) for v in judged.verdicts] == [("good", "✓"), ("bad", "✗")]
    assert [d.code for d in merged(found.diagnostics, judged)] == ["S300", "S201"]
    assert "This is the same as row" in judged.verdicts[0].words


def test_claims_are_part_of_the_verdict() -> None:
    text = "grid h, w\norder a = by h, w\n  expect continuous\norder b = by h, ~w\n  expect continuous\n"
    judged = judge(text, (4, 4), ())
    assert [(v.mark, d.code) for v, d in zip(judged.verdicts, judged.diagnostics, strict=False)] == [("✗", "S303")]
    assert "every step goes to a neighbouring patch" in judged.verdicts[1].words


def test_limits_are_reported_and_not_reached() -> None:
    side = 1 << 10
    [problem] = snapshot(TWO, (side, side)).diagnostics
    assert (problem.code, 2 * side * side > MOST_PATCHES) == ("S504", True)
    many = "grid h, w\n" + "".join(f"order a{i} = by h, w\n" for i in range(MOST_SUBJECTS + 2))
    assert len(snapshot(many, (2, 2), tuple(f"a{i}" for i in range(MOST_SUBJECTS + 2))).subjects) == MOST_SUBJECTS
    assert [d.code for d in snapshot("grid h, w\norder a = by " + "(" * 99, (2, 2)).diagnostics] == ["S105"]
    assert [d.code for d in snapshot("# " + "x" * 300_000 + "\norder a = by h", (2, 2)).diagnostics] == ["S104"]


@pytest.mark.parametrize("text", ["", "\n  \n", "grid h, w", "order", 'grid h\n"', "\0", "§", "grid h, w\norder a ="])
def test_no_text_raises(text: str) -> None:
    found = draw(text, (4, 4), ())
    assert found.data["scenes"] == []
    assert judge(text, (4, 4), ()).verdicts == ()


def test_places_are_in_the_browsers_units() -> None:
    text = 'grid h, w\n"𝔸𝔹"\norder a = snaek'
    [problem] = snapshot(text, (4, 4)).diagnostics
    place = placed(problem.span, text)
    assert place is not None
    assert text.encode("utf-16-le")[2 * place[0] : 2 * place[1]].decode("utf-16-le") == "snaek"
    line = "  by h, ww\n"
    [problem] = snapshot(line, (4, 4)).diagnostics
    place = placed(problem.span, line)
    assert place is not None
    assert line[place[0] : place[1]] == "ww"
    assert placed(problem.span, "another text") is None


@pytest.mark.parametrize("entry", read_index()["definitions"], ids=lambda entry: entry["name"])
def test_what_the_library_opens_is_the_librarys_own(entry: dict[str, str]) -> None:
    text = source_of(entry["name"])
    found = snapshot(text)
    assert not found.diagnostics
    if entry["form"]:
        assert found.names == (entry["name"],)
        assert found.subjects[0].value == load(entry["name"])
        assert draw_thumbnail(entry["name"]).startswith("<svg")


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    made = Workers(most=2)
    yield made
    made.close()


def _run(work: Coroutine[Any, Any, None]) -> None:
    """In a thread of its own: Playwright's loop, where it was started before, stays in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


def test_a_task_that_ends_its_process_harms_no_other(workers: Workers) -> None:
    async def run() -> None:
        for task, word in ((os._exit, 3), (int, "no number"), (os._exit, 3), (os._exit, 3)):
            with pytest.raises(WorkerFailed):
                await workers.run(task, word)
        assert (await workers.run(draw, TWO, (4, 4), ())).snapshot.names == ("snake", "both")

    _run(run())


def test_a_task_without_end_is_ended(workers: Workers) -> None:
    async def run() -> None:
        with pytest.raises(TooLong):
            await workers.run(time.sleep, 60, limit=0.2)
        endless = set()
        # Two that nobody waits for any more, on two processes: a third task still gets its turn.
        for _ in range(2):
            overtaken = asyncio.ensure_future(workers.run(time.sleep, 60))
            await asyncio.sleep(0.05)
            endless |= workers._all - set(workers._idle)
            overtaken.cancel()
        assert await workers.run(max, 1, 2, limit=30) == 2
        for worker in endless:
            worker._process.join()
            assert worker._process.exitcode == -9, "it was killed, and did not sleep to its end"

    _run(run())


@pytest.mark.parametrize(
    ("source", "axes", "kind"),
    [
        ("by h, ~w", ("h", "w"), "order"),
        ("sum(row, -row)", ("h", "w"), "scan"),
        ("by y, x, t", ("t", "x", "y"), "order"),
    ],
)
def test_a_line_from_elsewhere_becomes_a_definition(source: str, axes: tuple[str, ...], kind: str) -> None:
    text = defined(source, axes)
    assert text == f"grid {', '.join(axes)}\n\n{kind} picked = {source}\n"
    assert snapshot(text).subjects[0].value.axes == axes
    assert defined("by nothing", axes) == "by nothing"


@pytest.mark.parametrize(
    ("plan", "parts"),
    [
        ("cycle(cross, vim)", ["cross in layers 0, 2, 4, …", "vim in layers 1, 3, 5, …"]),
        ("layers(cross * 2, vim * 4)", ["cross in layers 0, 1", "vim in layers 2 to 5"]),
        ("layers(cross, vim, cross)", ["cross in layers 0, 2", "vim in layer 1"]),
        ("cycle(cross)", ["cross in all layers"]),
        ("layers(sum(row, -row), vim)", ["sum((by h, w), -(by h, w)) in layer 0", "vim in layer 1"]),
    ],
)
def test_the_paths_of_a_plan_say_whose_they_are_and_in_which_layers(plan: str, parts: list[str]) -> None:
    [subject] = snapshot(f"grid h, w\nplan p = {plan}\n", (4, 4)).subjects
    assert list(dict.fromkeys(scene.part for scene in subject.scenes)) == parts
    assert {scene.group for scene in subject.scenes} == {"p"}
    assert subject.scenes[0].title == f"p · {parts[0]} · {subject.scenes[0].label}"


def test_what_is_wanted_is_told_apart_from_what_can_be_drawn() -> None:
    found = snapshot(TWO, (2000, 2000), ("both", "hilbert"))
    assert found.requested == ("both", "hilbert") and not found.subjects
    assert found.is_of_library("hilbert") and not found.is_of_library("both")


def test_library_strategies_and_lines_have_a_verdict() -> None:
    judged = judge(TWO, (4, 4), (), beside=("hilbert", "window[k=2]", "cross"))
    assert [(v.name, v.mark) for v in judged.verdicts] == [
        *(("snake", "✓"), ("both", "✓")),
        *(("hilbert", "✓"), ("window[k=2]", "✓"), ("cross", "✓")),
    ]
    for line in ("by h, ~w", "cross", "window[k=2]", "  sum(row, -row)\n"):
        [verdict] = judge(line, (4, 4), ()).verdicts
        assert verdict.mark == "✓" and verdict.words.startswith("visits every patch exactly once, proved")
    [verdict] = judge("by h + w", (4, 4), ()).verdicts
    assert verdict.mark == "✗"
    assert judge("by h +", (4, 4), ()).verdicts == () and judge(" ", (4, 4), ()) == judge("", (4, 4), ())


def test_the_plain_name_comes_first() -> None:
    [verdict] = judge("grid h, w\norder snake = by h, ~w\n", (14, 14), ("snake",)).verdicts
    assert "the same as snake" in verdict.words.split(" and ")[0]
    # A definition that only has the name of one in the library is not said to be that.
    [verdict] = judge("grid h, w\norder snake = by w, h\n", (14, 14), ("snake",)).verdicts
    assert "the same as snake" not in verdict.words
