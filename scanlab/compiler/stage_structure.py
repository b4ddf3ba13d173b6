"""What stands beside the keys of a strategy, path by path: merges, layers, channels, `where`, restarts, tokens.

Every stage shows it: before a grid is known as it was written, afterwards as the steps at which it happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from scanlab.compiler.bind import TOKEN_SENTINELS, CompiledScan, Path
from scanlab.compiler.layout import PathLayout, layers_text, path_layouts
from scanlab.compiler.tracks import reset_steps
from scanlab.ir.printer import print_expr
from scanlab.ir.text import count_text
from scanlab.ir.values import Order, Plan, Scan, Token, Value, layers_of, orders_of, sequences_of

__all__ = ["Row", "as_data", "bound_rows", "written_rows"]

MOST_STEPS = 12


@dataclass(frozen=True)
class Row:
    """One line. about: what it is of, a path's label or "merge"; facts: by kind, as texts."""

    about: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.about}: {'; '.join(self.facts.values())}"


def written_rows(value: Value) -> list[Row]:
    """Merges and layers; and each path that has something beside its keys: before any grid is known.

    >>> import scanlab
    >>> for row in written_rows(scanlab.parse("heads(row, -column) with cls at middle")):
    ...     print(row)
    merge: heads(row, -column)
    row: channels 0 to 1/2; cls (-2) at middle
    -column: channels 1/2 to 1; cls (-2) at middle
    """
    rows = []
    for scan in dict.fromkeys(layers_of(value)):
        rows += _of_scan(scan, value)
        rows += _of_paths(scan, [_written(layout) for layout in path_layouts(scan)])
    return rows


def bound_rows(value: Value, scans: Sequence[CompiledScan]) -> list[Row]:
    """As `written_rows`, as bound to a grid: at which steps of its sequence each path restarts and reads which token.

    >>> import scanlab
    >>> bound = scanlab.compile("sum((by h, w restart by h), column) with cls at middle", "2x2")
    >>> for row in bound_rows(bound.value, bound.scans):
    ...     print(row)
    merge: sum(by h, w restart by h, column)
    by h, w restart by h: restarts before step 3; cls (-2) at step 2 of 0 to 4
    column: cls (-2) at step 2 of 0 to 4
    """
    rows = []
    for scan in scans:
        rows += _of_scan(scan.scan, value)
        rows += _of_paths(scan.scan, [_bound(path) for path in scan.paths])
    return rows


def _of_scan(scan: Order | Scan, value: Value) -> Iterator[Row]:
    facts = {}
    if isinstance(scan, Scan) and len(list(orders_of(scan))) > 1:
        facts["merges"] = _tree(scan)
    if isinstance(value, Plan):
        facts["layers"] = f"in {layers_text(value, scan)} of a {'cycle' if value.kind == 'cycle' else 'list of layers'}"
    if facts:
        yield Row("merge" if "merges" in facts else _tree(scan), facts)


def _tree(part: Order | Scan) -> str:
    """The tree of merges over the labels of its paths."""
    if isinstance(part, Order):
        return part.name or str(part)
    if len(part.parts) == 1:
        return _tree(part.parts[0])
    return f"{part.merge}({', '.join(map(_tree, part.parts))})"


def _of_paths(scan: Order | Scan, facts: Sequence[dict[str, str]]) -> Iterator[Row]:
    layouts = list(path_layouts(scan))
    joined = {k: members for members in sequences_of(scan) for k in members if len(members) > 1}
    for k, (layout, own) in enumerate(zip(layouts, facts, strict=True)):
        if k in joined and k != joined[k][0]:
            before = layouts[joined[k][joined[k].index(k) - 1]].order
            own = {**own, "states": f"goes on with the state of {before.name or before}"}
        if own:
            yield Row(layout.order.name or str(layout.order), own)


def _written(layout: PathLayout) -> dict[str, str]:
    order = layout.order
    facts = {"channels": _share(layout.channels)}
    if order.where is not None:
        facts["where"] = f"where {print_expr(order.where)}"
    if order.assume:
        facts["assumptions"] = f"assume {', '.join(map(print_expr, order.assume))}"
    if order.restart:
        facts["restarts"] = f"restart by {', '.join(map(print_expr, order.restart))}"
    if layout.tokens:
        facts["tokens"] = ", ".join(map(_token, layout.tokens))
    return {kind: text for kind, text in facts.items() if text}


def _token(token: Token) -> str:
    return f"{token.name} ({TOKEN_SENTINELS[token.name]}) at {token.place}{' fixed' * token.fixed}"


def _bound(path: Path) -> dict[str, str]:
    facts = {"channels": _share(path.channels)}
    if path.order.where is not None:
        facts["patches"] = f"visits {len(path.indices)} of {count_text(len(path.ranks), 'patch')}"
    if path.order.restart:
        steps = reset_steps(path).tolist()
        facts["restarts"] = (
            f"restarts before step{'s' * (len(steps) > 1)} {_some(steps)}" if steps else "never restarts"
        )
    if path.token_positions:
        last = len(path.sequence) - 1
        tokens = [f"{name} ({TOKEN_SENTINELS[name]}) at step {step}" for name, step in path.token_positions]
        facts["tokens"] = f"{', '.join(tokens)} of 0 to {last}"
    return {kind: text for kind, text in facts.items() if text}


def _share(channels: tuple[Fraction, Fraction]) -> str:
    return "" if channels == (0, 1) else f"channels {channels[0]} to {channels[1]}"


def _some(steps: Sequence[int]) -> str:
    shown = ", ".join(map(str, steps[:MOST_STEPS]))
    return shown if len(steps) <= MOST_STEPS else f"{shown} and {len(steps) - MOST_STEPS} more"


def as_data(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Rows in JSON's types."""
    return [{"about": row.about, **row.facts} for row in rows]
