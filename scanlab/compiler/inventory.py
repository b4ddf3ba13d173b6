"""What a stage of the compiler shows, as items by kind; and what it lost and gained against the stage before it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from scanlab.compiler.curves import CURVES
from scanlab.compiler.stage_structure import Row
from scanlab.ir.text import shortened

__all__ = ["Change", "Inventory", "change_of", "curves_in", "of_rows"]

# Items by kind; a kind that is there without items has the item "".
Inventory = Mapping[str, frozenset[str]]
MOST_ITEMS = 4


@dataclass(frozen=True)
class Change:
    """What became of what the stage `before` shows."""

    before: str
    lost: Inventory
    kept: Inventory
    new: Inventory

    def __str__(self) -> str:
        parts = [f"lost here: {_listed(self.lost) or 'nothing'}", f"kept: {_listed(self.kept) or 'nothing'}"]
        parts += [f"new: {_listed(self.new)}"] if self.new else []
        return f"from {self.before}; {'; '.join(parts)}"

    def as_json(self) -> dict[str, object]:
        """In JSON's types."""
        given = {name: getattr(self, name) for name in ("lost", "kept", "new")}
        plain = {n: {kind: sorted(filter(None, items)) for kind, items in g.items()} for n, g in given.items()}
        return {"from": self.before, **plain}


def change_of(before: str, shown: Inventory, here: Inventory) -> Change:
    """The change from the inventory of one stage to that of the next.

    >>> print(change_of("ast", {"lets": frozenset({"b"}), "keys": frozenset({""})}, {"keys": frozenset({""})}))
    from ast; lost here: lets (b); kept: keys
    """

    kept = {kind: items & here.get(kind, frozenset()) for kind, items in shown.items()}
    return Change(before, _without(shown, here), _with_items(kept), _without(here, shown))


def _without(one: Inventory, other: Inventory) -> Inventory:
    return _with_items({kind: items - other.get(kind, frozenset()) for kind, items in one.items()})


def _with_items(inventory: Inventory) -> Inventory:
    return {kind: items for kind, items in inventory.items() if items}


def of_rows(rows: Iterable[Row]) -> dict[str, frozenset[str]]:
    """The kinds of facts that some rows show."""
    return {kind: frozenset({""}) for row in rows for kind in row.facts}


def curves_in(texts: Iterable[str]) -> frozenset[str]:
    """The curves that texts name: their names are words of the language, which mean nothing else in any stage."""
    return frozenset(name for text in texts for name in _curve_words().findall(text))


@cache
def _curve_words() -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(CURVES)})\(")


def _listed(inventory: Inventory) -> str:
    return ", ".join(f"{kind}{_items(sorted(filter(None, items)))}" for kind, items in inventory.items())


def _items(items: Sequence[str]) -> str:
    if not items:
        return ""
    more = f" and {len(items) - MOST_ITEMS} more" if len(items) > MOST_ITEMS else ""
    return f" ({', '.join(shortened(item) for item in items[:MOST_ITEMS])}{more})"
