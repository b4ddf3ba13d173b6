"""The scenes of the lecture: what each says, with figures that are measured and verdicts that are proved for it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scanlab.checking import check_definition, mark_of, verdict_of
from scanlab.compiler.bind import CompiledScan, Path
from scanlab.compiler.locality import Locality, locality
from scanlab.compiler.relations import prove_continuous
from scanlab.explorer.renderers.markup import code, paragraph, table, text
from scanlab.explorer.static_site.lecture_study import read_shipped
from scanlab.facade import bound, load, read_text
from scanlab.ir.diagnostics import Diagnostic
from scanlab.view.player import player_data
from scanlab.view.scene import scenes_of

__all__ = ["GRID", "HALF", "Scene", "remembered_distance", "scenes"]

GRID = (16, 16)
# Half of what a state holds is left after so many steps.
HALF = 8
_TIE = "grid h, w\norder mine = by h + w\n"


@dataclass(frozen=True)
class Scene:
    """One scene. words: HTML; paths: what its player shows, None where it has none; example: the counter-example that
    stands in their place at first; beside: HTML in place of a player; memory: where it is above 0, the player shows
    what a state remembers of which half is left after so many steps."""

    title: str
    words: str
    paths: dict[str, Any] | None = None
    example: dict[str, Any] | None = None
    beside: str = ""
    memory: int = 0


def scenes() -> list[Scene]:
    """All five, in order."""
    measured = {name: _Measured.of(name) for name in ("row", "snake", "hilbert")}
    return [_raster(measured["row"]), _snake(measured), _hilbert(measured), _tie(), _study(read_shipped())]


@dataclass(frozen=True)
class _Measured:
    scan: CompiledScan
    path: Path
    figures: Locality

    @staticmethod
    def of(name: str) -> _Measured:
        [scan] = bound(load(name), GRID).scans
        [path] = scan.paths
        return _Measured(scan, path, locality(path.indices, path.grid))


def remembered_distance(indices: np.ndarray, grid: Sequence[int], half: float) -> float:
    """How far away what a state holds was read: the mean distance in patches, weighed by how much is left of each patch
    where half is left after `half` steps, over the states at all patches. indices: int64 [L].

    >>> round(remembered_distance(np.arange(4), (1, 4), 1), 3)
    0.41
    """
    places = np.stack(np.unravel_index(indices, tuple(grid)), axis=1)
    left = 0.5 ** (np.arange(len(indices)) / half)
    means = []
    for step, place in enumerate(places):
        apart = np.hypot.reduce(places[step::-1] - place, axis=1) if step else np.zeros(1)
        means.append(np.average(apart, weights=left[: step + 1]))
    return float(np.mean(means))


def _raster(row: _Measured) -> Scene:
    down, across = row.figures.mean_gaps
    words = [
        "A state-space model reads an image patch by patch, and carries a state along that every patch changes. What "
        "was read long ago has faded from it. An image has no first patch and no next one: somebody must choose.",
        "The plainest choice is the raster: row by row, from left to right.",
    ]
    rows = [
        ["side by side", _steps(across)],
        ["one above the other", _steps(down)],
        ["jumps back across the image", str(row.figures.jumps)],
        ["the longest of them, in patches", str(row.figures.longest_step)],
    ]
    after = (
        f"Patches that touch are read {_number(across)} or {_number(down)} steps apart: it depends on which side they "
        "touch. Point at a patch to see how far its four neighbours are."
    )
    body = (
        _paragraphs(words)
        + _definition("row")
        + table(["neighbours are read", _grid_words()], rows)
        + _paragraphs([after])
    )
    return Scene("A raster cuts neighbours apart", body, _paths(row))


def _snake(measured: dict[str, _Measured]) -> Scene:
    row, snake = measured["row"], measured["snake"]
    proof = prove_continuous(load("snake"))
    assert proof, "the scene says that the snake is continuous"
    down, _ = snake.figures.mean_gaps
    words = [
        "Turn round at the end of every row. In the language that is one sign: ~ runs a key backwards wherever the "
        "sum of those before it is odd.",
    ]
    after = [
        f"Of {row.figures.jumps} jumps {snake.figures.jumps or 'none'} is left: {proof.claim}, {proof.words}.",
        f"Yet patches one above the other are {_number(down)} steps apart on average, as before: next to each other at "
        f"one end of a row, {snake.figures.bandwidth} steps apart at the other.",
    ]
    body = _paragraphs(words) + _definition("snake") + _paragraphs(after)
    return Scene("The snake mends the jumps", body, _paths(row, snake))


def _hilbert(measured: dict[str, _Measured]) -> Scene:
    far = {name: remembered_distance(m.path.indices, m.path.grid, HALF) for name, m in measured.items()}
    hilbert, row = measured["hilbert"], measured["row"]
    words = [
        "Hilbert's curve fills a quarter of the image before it leaves it, and does so again within each quarter.",
    ]
    rows = [
        ["what the state holds is away, in patches", *(f"{far[name]:.1f}" for name in measured)],
        ["jumps", *(str(m.figures.jumps) for m in measured.values())],
        ["neighbours apart, in steps: median", *(_number(m.figures.median_gap) for m in measured.values())],
        ["mean", *(_number(m.figures.mean_gap) for m in measured.values())],
        ["19 of 20 within", *(_number(m.figures.p95_gap) for m in measured.values())],
    ]
    nearer = far["hilbert"] < min(far["row"], far["snake"])
    assert nearer and hilbert.figures.mean_gap > row.figures.mean_gap, "the words below say so"
    after = (
        f"The pictures show a state of which half is left after {HALF} steps: the stronger its colour on a patch, the "
        "more of that patch it holds. Along Hilbert's curve that lies nearer, on average over all patches. The price: "
        "some neighbours are very far apart, so that their mean is larger than the raster's, "
        f"{_number(hilbert.figures.mean_gap)} against {_number(row.figures.mean_gap)} steps. No order spares all: on "
        f"this grid some are always {min(GRID)} steps apart or more (J. Chvátalová, Discrete Mathematics 11, 1975)."
    )
    body = _paragraphs(words) + _definition("hilbert") + table([_grid_words(), *measured], rows) + _paragraphs([after])
    return Scene("Hilbert's curve keeps what is near together", body, _paths(measured["snake"], hilbert), memory=HALF)


def _tie() -> Scene:
    problem = _diagnosed(_TIE)
    assert problem.edit is not None and problem.edit.span is not None and problem.counterexample is not None
    span = problem.edit.span
    mended = _TIE[: span.start] + problem.edit.replacement + _TIE[span.end :]
    [definition] = read_text(mended.encode(), "mine.scan").raise_problems().definitions
    checked = check_definition(definition, look_up=False)
    assert mark_of(checked) == "✓" and definition.value is not None, "the fix ends the tie"
    words = [
        "An order is a sort key. Somebody wants diagonals, and writes their number as the key. Patches of one diagonal "
        "then share their key, and which comes first is not said: one program would answer so, another otherwise.",
        "ScanLab does not guess. It finds the smallest grid on which two patches tie, and the key that ends it:",
    ]
    example = problem.counterexample
    before = code(_line(_TIE), "scan") + f'<pre class="code error" tabindex="0">{text(_as_printed(problem))}</pre>'
    button = f'<button type="button" class="fix" data-fix>Write {text(problem.edit.replacement)}</button>'
    verdict = (
        f'<div class="verdict proved"><b aria-hidden="true">✓</b><div><p>{text(verdict_of(checked))}</p></div></div>'
    )
    why = "The proof holds for every height and width: it is no test on a few sizes."
    after = (
        f'<div class="mended" data-mended hidden>{code(_line(mended), "scan")}{verdict}{paragraph(why, "note")}</div>'
    )
    paths = player_data(scene for scan in bound(definition.value, (8, 8)).scans for scene in scenes_of(scan))
    failing = {"grid": example.grid, "patches": example.patches, "label": str(example), "axes": definition.axes}
    body = _paragraphs(words) + f"<div data-wrong>{before}{button}</div>{after}"
    return Scene("A tie, and its repair", body, paths, failing)


def _diagnosed(source: str) -> Diagnostic:
    [definition] = read_text(source.encode(), "mine.scan").definitions
    [problem] = check_definition(definition, look_up=False).diagnostics
    return problem


def _line(source: str) -> str:
    return source.strip().rpartition("\n")[2]


def _as_printed(problem: Diagnostic) -> str:
    """As ``scanlab check`` prints it, without the file that it has here only."""
    return "\n".join(line for line in problem.text(58).split("\n") if not line.lstrip().startswith("-->"))


def _study(study: dict[str, Any]) -> Scene:
    count, decided = len(study["problems"]), study["decided"]
    words = [
        f"“{study['question']}” A committed study asks: {study['trainings']} trainings of small models on {count} "
        f"problems, {study['seeds']} seeds each, with controls that take the order away.",
        f"Of {study['compared']} comparisons with {study['baseline']}, {len(decided) or 'none'} came out better or "
        "worse:",
    ]
    items = "".join(
        f"<li><b>{text(d['problem'])}</b>: {_strategy(d)} is {text(d['verdict'])} than "
        f"{text(study['baseline'])}; {text(d['metric'])} {text(d['mean'])} against {text(d['baseline'])}.</li>"
        for d in decided
    )
    blind = (
        f"On {len(study['blind'])} of the {count} problems this study did not tell orders apart, not even a random one "
        "from the raster. That is no proof that they are alike."
    )
    last = (
        "So an order may decide much, or nothing that a study of this size can see: it depends on what must meet in "
        "the state. Ask it of your own data: <code>scanlab ablate --strategies 'row; hilbert' --data mine.npz</code>"
    )
    sentences = "".join(f"<li>{text(sentence)}</li>" for sentence in study["sentences"])
    whole = f"<details><summary>All verdicts, as the report words them</summary><ul>{sentences}</ul></details>"
    source = paragraph(
        f"examples/studies/orders of the repository, intervals of {study['confidence']} for all comparisons together.",
        "note",
    )
    body = f"{_paragraphs(words)}<ul>{items}</ul>{_paragraphs([blind])}<p>{last}</p>"
    return Scene("Does it matter?", body, beside=f'<div class="results">{study["matrix"]}</div>{whole}{source}')


def _strategy(decided: dict[str, str]) -> str:
    """A strategy of the study, with its keys where it is one order."""
    keys = f" (<code>{text(decided['source'])}</code>)" if decided["source"].startswith("by ") else ""
    return text(decided["strategy"]) + keys


def _paths(*measured: _Measured) -> dict[str, Any]:
    return player_data(scene for m in measured for scene in scenes_of(m.scan))


def _definition(name: str) -> str:
    value = load(name)
    return code(textwrap.dedent(f"order {name} = {value}"), "scan")


def _paragraphs(words: Sequence[str]) -> str:
    return "".join(map(paragraph, words))


def _grid_words() -> str:
    return "on " + "×".join(map(str, GRID))


def _steps(number: float) -> str:
    return f"{_number(number)} step{'' if number == 1 else 's'} apart"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
