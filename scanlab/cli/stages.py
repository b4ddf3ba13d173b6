"""``scanlab compile --emit STAGE``: one stage of the pipeline, printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from scanlab.cli.arguments import grid_for, strategies
from scanlab.cli.compiled import COMPILED, Compilation, print_compiled
from scanlab.cli.output import console, print_json
from scanlab.compiler.bind import CompiledScan, Path
from scanlab.compiler.loops import loops
from scanlab.compiler.stages import (
    different_orders,
    expressions,
    key_maps,
    keys,
    labelled_paths,
    proofs,
    tree,
)
from scanlab.facade import bound
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Value

__all__ = ["STAGES", "run"]


def run(name: str, grid: str, emit: str, as_json: bool, compilation: Compilation) -> None:
    """Print a stage for every path of a strategy. Raises S405 for an unknown stage."""
    if emit not in STAGES and emit not in COMPILED:
        known = ", ".join([*STAGES, *COMPILED])
        raise ScanlabError.at("S405", f"there is no stage `{emit}`", help=f"the stages are {known}")
    values = strategies([name], grid)
    if emit in COMPILED:
        scans = [scan for _, value in values for scan in _scans(value, grid)]
        print_compiled(name, scans, emit, compilation, as_json)
        return
    contents = {n: content for _, value in values for n, content in STAGES[emit](value, grid).items()}
    if as_json:
        print_json({"strategy": name, "stage": emit, "result": contents})
        return
    out = console()
    for label, content in contents.items():
        if len(contents) > 1:
            out.print(label, style="bold")
        # Numbers and sentences wrap at words on a screen; a program keeps its lines.
        whole = isinstance(content, str) and emit != "proof"
        out.print(content if isinstance(content, str) else _rows(content), soft_wrap=whole or out.soft_wrap)


def _rows(content: Any) -> str:
    if isinstance(content, dict):
        return "\n".join(f"{k}: {' '.join(map(str, v)) if isinstance(v, list) else v}" for k, v in content.items())
    return " ".join(map(str, content))


def _scans(value: Value, grid: str) -> tuple[CompiledScan, ...]:
    return bound(value, grid_for(value, grid)).scans


def _ast(value: Value, grid: str) -> dict[str, str]:
    return {value.name: tree(value)}


def _keys(value: Value, grid: str) -> dict[str, str]:
    return keys(value)


def _isl(value: Value, grid: str) -> dict[str, str]:
    return key_maps(value)


def _proof(value: Value, grid: str) -> dict[str, str]:
    return {n: str(p) for n, p in proofs(value, grid_for(value, grid) if grid else None).items()}


def _loops(value: Value, grid: str) -> dict[str, str]:
    return {n: loops(o) for n, o in different_orders(value).items()}


def _indices(value: Value, grid: str) -> dict[str, dict[str, Any]]:
    return {n: _bound(p) for n, p in labelled_paths(_scans(value, grid)).items()}


def _bound(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = {"indices": path.indices.tolist()}
    if len(path.restarts) > 1:
        data["restarts"] = path.restarts.tolist()
    if path.token_positions:
        data["tokens"] = [f"{name}@{position}" for name, position in path.token_positions]
    if path.channels != (0, 1):
        data["channels"] = f"{path.channels[0]} to {path.channels[1]}"
    return data


def _ranks(value: Value, grid: str) -> dict[str, list[int]]:
    return {n: p.ranks.tolist() for n, p in labelled_paths(_scans(value, grid)).items()}


def _expr(value: Value, grid: str) -> dict[str, str]:
    return expressions(_scans(value, grid))


STAGES: Mapping[str, Callable[[Value, str], Mapping[str, Any]]] = MappingProxyType(
    {
        "ast": _ast,
        "keys": _keys,
        "isl": _isl,
        "proof": _proof,
        "loops": _loops,
        "indices": _indices,
        "ranks": _ranks,
        "expr": _expr,
    }
)
