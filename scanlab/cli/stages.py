"""``scanlab compile --emit STAGE``: one stage of the pipeline, printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from scanlab.cli.arguments import definitions, grid_for
from scanlab.cli.compiled import COMPILED, Compilation, print_compiled
from scanlab.cli.output import console, print_json
from scanlab.compiler.stage_structure import as_data
from scanlab.compiler.stages import Shown
from scanlab.ir.diagnostics import ScanlabError
from scanlab.language.module import Definition
from scanlab.language.written import tree_lines
from scanlab.stages import STAGES, Content, Strategy, change_at, strategy_of

__all__ = ["run"]

# How a remark begins in the language that a stage is written in.
_REMARKS = {"loops": "//"}


def run(name: str, grid: str, emit: str, as_json: bool, compilation: Compilation) -> None:
    """Print a stage for every path of a strategy. Raises S405 for an unknown stage, S470 for one without links."""
    if emit not in STAGES and emit not in COMPILED:
        known = ", ".join([*STAGES, *COMPILED])
        raise ScanlabError.at("S405", f"there is no stage `{emit}`", help=f"the stages are {known}")
    if compilation.link and emit != "triton":
        raise ScanlabError.at("S470", f"there is no link for {emit}", help="--link goes with --emit triton")
    given = [_strategy(definition, grid) for definition in definitions(name, grid)]
    if emit in COMPILED:
        print_compiled(name, given, emit, compilation, as_json)
        return
    made = [(strategy, STAGES[emit](strategy)) for strategy in given]
    if as_json:
        print_json(_data(name, emit, made))
        return
    for strategy, content in made:
        _print(emit, strategy, content, several=len(made) > 1)


def _strategy(definition: Definition, grid: str) -> Strategy:
    assert definition.value is not None, "what has no value was refused"
    return strategy_of(definition, grid_for(definition.value, grid), bool(grid))


def _data(name: str, emit: str, made: Sequence[tuple[Strategy, Content]]) -> dict[str, Any]:
    """As JSON: what is shown by label, and for each strategy its rows, and what became of the stage before."""
    result = {label: _plain(part) for _, content in made for label, part in content.parts.items()}
    beside = [
        {
            "name": strategy.value.name,
            "rows": as_data(content.rows),
            **change_at(emit, strategy, content).as_json(),
        }
        for strategy, content in made
    ]
    return {"strategy": name, "stage": emit, "result": result, "strategies": beside}


def _plain(part: Any) -> Any:
    return part.as_json() if isinstance(part, Shown) else part


def _print(emit: str, strategy: Strategy, content: Content, several: bool) -> None:
    out, remark = console(), _REMARKS.get(emit, "#")
    for line in (*content.rows, change_at(emit, strategy, content)):
        for part in _wrapped(str(line), out, len(remark) + 1):
            out.print(f"{remark} {part}", soft_wrap=True)
    for label, part in content.parts.items():
        if several or len(content.parts) > 1:
            out.print(f"{label}, {part['file']}" if emit == "ast" else label, style="bold")
        # Numbers and sentences wrap at words on a screen; a program keeps its lines.
        numbers = emit in ("indices", "ranks", "proof")
        out.print("\n".join(_lines(part)), soft_wrap=not numbers or out.soft_wrap)


def _wrapped(line: str, out: Console, used: int) -> list[str]:
    """A remark as lines that fit a screen beside its mark; whole where it goes to a file."""
    return [line] if out.soft_wrap else [str(part).rstrip() for part in Text(line).wrap(out, out.width - used)]


def _lines(part: Any) -> Iterator[str]:
    match part:
        case {"tree": tree}:
            yield from tree_lines(tree)
        case Mapping():
            yield from (f"{k}: {' '.join(map(str, v)) if isinstance(v, list) else v}" for k, v in part.items())
        case list():
            yield " ".join(map(str, part))
        case _:
            yield str(part)
