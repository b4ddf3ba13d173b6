"""The compiler's stages up to the index expressions: what ``scanlab compile --emit`` prints, from one place.

Each stage says what it shows, as items by kind, computed from what is printed; what it lost against the stage that it
is made from is the difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from scanlab.checking import prove_claim
from scanlab.compiler.bind import CompiledScan, Path
from scanlab.compiler.inventory import Change, Inventory, change_of, curves_in, of_rows
from scanlab.compiler.loops import loops
from scanlab.compiler.stage_structure import Row, bound_rows, written_rows
from scanlab.compiler.stages import (
    Shown,
    different_orders,
    expressions,
    is_relation,
    key_maps,
    keys,
    labelled_paths,
    proofs,
    shown,
    tree,
)
from scanlab.facade import bound
from scanlab.ir.diagnostics import Source
from scanlab.ir.values import Claim, Value, orders_of
from scanlab.language import syntax
from scanlab.language.library import library_templates
from scanlab.language.module import Definition, declared
from scanlab.language.scope import Template
from scanlab.language.written import inventory_of, left_out, tree_data

__all__ = ["STAGES", "Content", "Strategy", "change_at", "change_to_assembly", "change_to_code", "strategy_of"]

_ALL_SIZES: Inventory = {"every grid size": frozenset({""})}


@dataclass(frozen=True)
class Strategy:
    """What goes through the stages: a value, the grid for those that need one, and its text where it has one.

    is_asked: whether the grid was asked for, so that proofs look at it. claims: what its definition expects of it.
    """

    value: Value
    grid: tuple[int, ...]
    is_asked: bool = False
    claims: tuple[Claim, ...] = ()
    node: syntax.Node | None = None

    @cached_property
    def scans(self) -> tuple[CompiledScan, ...]:
        """Bound to the grid. Raises S3xx and S4xx."""
        return bound(self.value, self.grid).scans

    @cached_property
    def trees(self) -> dict[str, syntax.Node]:
        """Its tree, and those of all definitions that it is made of, by name; a name of two files has the file's."""
        if self.node is None:
            return {}
        trees, left = {_tree_name(self.node, self.value.name): self.node}, [self.node]
        while left:
            node = left.pop(0)
            templates = _templates(node.span.source)
            for name in dict.fromkeys(syntax.names_in(node)):
                below = templates[name].syntax if name in templates else None
                if below is None or below in trees.values():
                    continue
                trees[name if name not in trees else f"{name} of {below.span.source.name}"] = below
                left.append(below)
        return trees


def _tree_name(node: syntax.Node, label: str) -> str:
    return node.name.text if isinstance(node, syntax.Definition) else label


def _templates(source: Source) -> dict[str, Template]:
    """The definitions that a text can name: its own, and the library's."""
    return {**library_templates(), **declared(source, {}).templates}


@dataclass(frozen=True)
class Content:
    """What a stage prints: parts by label, rows that stand above them; and what of the strategy these show."""

    parts: Mapping[str, Any]
    rows: Sequence[Row] = ()
    shows: Inventory = field(default_factory=dict)


def strategy_of(
    definition: Definition, grid: tuple[int, ...], is_asked: bool, scans: tuple[CompiledScan, ...] = ()
) -> Strategy:
    """A definition that stands alone, for the stages. scans: where it is bound already."""
    assert definition.value is not None, "only what stands alone has stages"
    made = Strategy(definition.value, grid, is_asked, definition.claims, definition.syntax)
    if scans:
        made.__dict__["scans"] = scans
    return made


def change_at(stage: str, strategy: Strategy, here: Content) -> Change:
    """What a stage lost, kept and gained against the one that it is made from. Raises what that stage raises."""
    if stage == "ast":
        lost: dict[str, frozenset[str]] = {}
        for node in strategy.trees.values():
            text = node.span.text if isinstance(node, syntax.Definition) else node.span.source.text
            for kind, items in left_out(node, text).items():
                lost[kind] = lost.get(kind, frozenset()) | set(items)
        return change_of("text", {**lost, **here.shows}, here.shows)
    before = _MADE_FROM[stage]
    return change_of(before, STAGES[before](strategy).shows, here.shows)


def change_to_code(scan: CompiledScan, forms: Sequence[str], rows: Sequence[Row]) -> Change:
    """As `change_at`, of a generated path function against the index expressions. forms: of each path, "arithmetic"
    where its expression is in the code; rows: those that stand above it."""
    alone = Strategy(scan.scan, scan.grid)
    alone.__dict__["scans"] = (scan,)
    here = _forms(dict(zip(labelled_paths((scan,)), forms, strict=True)))
    return change_of("expr", _expr(alone).shows, {**here, **of_rows(rows)})


def change_to_assembly(texts: Sequence[str], function: str, rows: Sequence[Row]) -> Change:
    """As `change_at`, of compiled kernels against the path function that they call."""
    named = frozenset({function} if any(function in text for text in texts) else ())
    here = {**({"path function": named} if named else {}), **of_rows(rows)}
    return change_of("triton", {"path function": frozenset({function}), **of_rows(rows)}, here)


def _ast(strategy: Strategy) -> Content:
    parts, inventory = {}, {}
    for name, node in strategy.trees.items():
        data = tree_data(node)
        parts[name] = {"file": node.span.source.name, "tree": data}
        for kind, items in inventory_of(data, strategy.trees).items():
            inventory[kind] = inventory.get(kind, frozenset()) | items
    return Content(parts, (), {**inventory, **_ALL_SIZES})


def _expanded(strategy: Strategy) -> Content:
    value = strategy.value
    orders = list(different_orders(value).values())
    text = tree(value)
    shows = {
        "`~`": any(k.alternate for o in orders for k in o.keys),
        "reversals": any(o.reverse for o in orders),
        "keys": True,
    }
    rows = written_rows(value)
    inventory = {kind: frozenset({""}) for kind, there in shows.items() if there}
    names = _names(strategy, [o.name for o in orders_of(value)] + [value.name])
    inventory |= {"names": names, "curves": curves_in(map(str, orders)), **_ALL_SIZES}
    return _content({value.name: text}, rows, inventory)


def _keys(strategy: Strategy) -> Content:
    parts, rows = keys(strategy.value), written_rows(strategy.value)
    inventory = {"names": _names(strategy, _labels(parts, rows)), "keys": frozenset({""}), **_ALL_SIZES}
    return _content(parts, rows, {**inventory, "curves": curves_in(parts.values())})


def _isl(strategy: Strategy) -> Content:
    parts, rows = key_maps(strategy.value), written_rows(strategy.value)
    there = {name for name, text in parts.items() if is_relation(text)}
    inventory = {"names": _names(strategy, _labels(parts, rows)), "relations": frozenset(there), **_ALL_SIZES}
    return _content(parts, rows, inventory if there else {**inventory, **{k: frozenset() for k in _ALL_SIZES}})


def _proof(strategy: Strategy) -> Content:
    value, grid = strategy.value, strategy.grid if strategy.is_asked else None
    parts: dict[str, Shown] = dict(proofs(value, grid))
    for claim in strategy.claims:
        parts[_claim_text(claim)] = shown(lambda c=claim: prove_claim(c, value, grid))
    rows = written_rows(value)
    sets = any(part.questions for part in parts.values())
    inventory = {
        "names": _names(strategy, _labels(parts, rows)),
        "claims": frozenset(map(_claim_text, strategy.claims)),
        "verdicts": frozenset({""}),
        "sets of isl": frozenset({""} if sets else ()),
        **(_ALL_SIZES if sets or any(part.proof.verdict == "proved" for part in parts.values()) else {}),
    }
    return _content(parts, rows, inventory)


def _claim_text(claim: Claim) -> str:
    return " ".join(claim.span.text.split()) if claim.span is not None else f"expect {claim.kind}"


def _loops(strategy: Strategy) -> Content:
    orders, rows = different_orders(strategy.value), written_rows(strategy.value)
    parts = {n: loops(o) for n, o in orders.items()}
    there = frozenset(n for n, text in parts.items() if not text.startswith("no loops"))
    inventory = {"names": _names(strategy, _labels(parts, rows)), "loops": there, "curves": curves_in(parts.values())}
    return _content(parts, rows, {**inventory, **(_ALL_SIZES if there else {})})


def _indices(strategy: Strategy) -> Content:
    parts = {n: _bound(p) for n, p in labelled_paths(strategy.scans).items()}
    return _of_grid(strategy, parts, {"steps": frozenset({""})})


def _bound(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = {"indices": path.indices.tolist()}
    if len(path.restarts) > 1:
        data["restarts"] = path.restarts.tolist()
    if path.token_positions:
        data["tokens"] = [f"{name}@{position}" for name, position in path.token_positions]
    if path.channels != (0, 1):
        data["channels"] = f"{path.channels[0]} to {path.channels[1]}"
    return data


def _ranks(strategy: Strategy) -> Content:
    parts = {n: p.ranks.tolist() for n, p in labelled_paths(strategy.scans).items()}
    return _of_grid(strategy, parts, {"steps": frozenset({""})})


def _expr(strategy: Strategy) -> Content:
    parts = expressions(strategy.scans)
    return _of_grid(strategy, parts, _forms({n: p.form for n, p in labelled_paths(strategy.scans).items()}))


def _forms(forms: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Which paths are found by an expression, and which by a table."""
    tables = frozenset(label for label, form in forms.items() if form == "table")
    inventory = {"index expressions": frozenset(forms) - tables, "tables": tables}
    return {kind: items for kind, items in inventory.items() if items}


def _of_grid(strategy: Strategy, parts: Mapping[str, Any], inventory: Inventory) -> Content:
    rows = bound_rows(strategy.value, strategy.scans)
    return _content(parts, rows, {"names": _names(strategy, _labels(parts, rows)), **inventory})


def _content(parts: Mapping[str, Any], rows: Sequence[Row], inventory: Inventory) -> Content:
    return Content(parts, rows, {k: items for k, items in {**inventory, **of_rows(rows)}.items() if items})


def _labels(parts: Mapping[str, Any], rows: Sequence[Row]) -> list[str]:
    """The texts that name paths: labels where there are several, and what the rows are about."""
    shown_labels = list(parts) if len(parts) > 1 else []
    return [*shown_labels, *(row.about for row in rows), *(row.facts.get("merges", "") for row in rows)]


def _names(strategy: Strategy, labels: Iterable[str]) -> frozenset[str]:
    """The definitions, of those that the text names, that labels name."""
    return frozenset(w for label in labels for w in re.findall(r"[A-Za-z_]\w*", label)) & frozenset(strategy.trees)


STAGES: Mapping[str, Callable[[Strategy], Content]] = MappingProxyType(
    {
        "ast": _ast,
        "expanded": _expanded,
        "keys": _keys,
        "isl": _isl,
        "proof": _proof,
        "loops": _loops,
        "indices": _indices,
        "ranks": _ranks,
        "expr": _expr,
    }
)
_MADE_FROM: Mapping[str, str] = MappingProxyType(
    {
        "expanded": "ast",
        "keys": "expanded",
        "isl": "keys",
        "proof": "isl",
        "loops": "isl",
        "indices": "keys",
        "ranks": "indices",
        "expr": "indices",
    }
)
