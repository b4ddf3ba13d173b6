"""``scanlab compile --emit STAGE``: one stage of the pipeline, printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from scanlab.cli.arguments import grid_for, strategies
from scanlab.cli.compiled import COMPILED, Compilation, print_compiled
from scanlab.cli.output import console, print_json
from scanlab.compiler.bind import CompiledPlan, CompiledScan, Path, bind
from scanlab.compiler.loops import loops
from scanlab.compiler.polyhedra import NotAffine, Polyhedra
from scanlab.compiler.prove import prove
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.printer import print_expr
from scanlab.ir.values import Order, Value, orders_of, signed_keys

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
    found = {n: content for _, value in values for n, content in STAGES[emit](value, grid).items()}
    if as_json:
        print_json({"strategy": name, "stage": emit, "result": found})
        return
    out = console()
    for label, content in found.items():
        if len(found) > 1:
            out.print(label, style="bold", markup=False)
        out.print(content if isinstance(content, str) else _rows(content), markup=False, soft_wrap=True)


def _rows(content: Any) -> str:
    if isinstance(content, dict):
        return "\n".join(f"{k}: {' '.join(map(str, v)) if isinstance(v, list) else v}" for k, v in content.items())
    return " ".join(map(str, content))


def _orders(value: Value) -> dict[str, Order]:
    return {order.name or str(order): order for order in orders_of(value)}


def _scans(value: Value, grid: str) -> tuple[CompiledScan, ...]:
    bound = bind(value, grid_for(value, grid))
    return bound.scans if isinstance(bound, CompiledPlan) else (bound,)


def _paths(value: Value, grid: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for scan in _scans(value, grid):
        for path in scan.paths:
            label = path.label
            while label in found:
                label += "'"
            found[label] = path
    return found


def _ast(value: Value, grid: str) -> dict[str, str]:
    return {value.name: _tree(value, 0)}


def _tree(node: Any, indent: int) -> str:
    """A value as an indented tree of its fields; names, places and empty fields are left out."""
    pad = "  " * indent
    if isinstance(node, tuple):
        return "\n".join(_tree(n, indent) for n in node)
    if not hasattr(node, "__dataclass_fields__"):
        return f"{pad}{node!r}"
    fields = [f for f in node.__dataclass_fields__.values() if f.compare]
    values = [(f.name, getattr(node, f.name)) for f in fields]
    kept = [(n, v) for n, v in values if v not in (None, (), False)]
    plain = [f"{n}={v!r}" for n, v in kept if isinstance(v, str | int) or (isinstance(v, tuple) and _is_plain(v))]
    lines = [f"{pad}{type(node).__name__} {' '.join(plain)}".rstrip()]
    lines += [_tree(v, indent + 1) for _, v in kept if not (isinstance(v, str | int) or _is_plain(v))]
    return "\n".join(lines)


def _is_plain(value: Any) -> bool:
    return isinstance(value, tuple) and not any(hasattr(v, "__dataclass_fields__") for v in value)


def _keys(value: Value, grid: str) -> dict[str, str]:
    return {n: "\n".join(print_expr(e) for e in signed_keys(o)) for n, o in _orders(value).items()}


def _isl(value: Value, grid: str) -> dict[str, str]:
    found = {}
    for name, order in _orders(value).items():
        try:
            found[name] = str(Polyhedra(order.axes).key_map(signed_keys(order), order.where))
        except NotAffine as why:
            found[name] = f"no Presburger relation: {why}"
    return found


def _proof(value: Value, grid: str) -> dict[str, str]:
    extents = grid_for(value, grid) if grid else None
    found = {value.name: str(prove(value, extents))}
    orders = _orders(value)
    if len(orders) > 1:
        found |= {n: str(prove(o, extents)) for n, o in orders.items()}
    return found


def _loops(value: Value, grid: str) -> dict[str, str]:
    return {n: loops(o) for n, o in _orders(value).items()}


def _indices(value: Value, grid: str) -> dict[str, dict[str, Any]]:
    return {n: _bound(p) for n, p in _paths(value, grid).items()}


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
    return {n: p.ranks.tolist() for n, p in _paths(value, grid).items()}


def _expr(value: Value, grid: str) -> dict[str, str]:
    return {
        n: f"# {p.form}, for p from 0 to {len(p.indices) - 1}\n" + "\n".join(p.index_form.lines(p.axes))
        for n, p in _paths(value, grid).items()
    }


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
