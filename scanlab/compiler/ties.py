"""What ends a tie: the prover is asked once there is one, and never before."""

from __future__ import annotations

from dataclasses import replace

from scanlab.compiler.bind import bind_order
from scanlab.compiler.lattice import Lattice
from scanlab.compiler.prove import suggested_key
from scanlab.ir.diagnostics import Diagnostic, Edit, ScanlabError
from scanlab.ir.values import Order, Value, orders_of

__all__ = ["suggest_fixes", "with_fix"]


def suggest_fixes(error: ScanlabError, value: Value) -> ScanlabError:
    """The error of a tie of `value` on a grid (S300), with the key to add, as ``scanlab check`` says it."""
    return ScanlabError(tuple(_with_key_to_add(d, value) for d in error.diagnostics))


def _with_key_to_add(diagnostic: Diagnostic, value: Value) -> Diagnostic:
    example = diagnostic.counterexample
    if diagnostic.code != "S300" or example is None:
        return diagnostic
    lattice = Lattice(value.axes, example.grid)
    tied = next((o for o in dict.fromkeys(orders_of(value)) if _ties(o, lattice)), None)
    return replace(diagnostic, help=_NO_FIX) if tied is None else with_fix(diagnostic, tied)


_NO_FIX = "add keys that tell the patches apart"


def with_fix(diagnostic: Diagnostic, order: Order) -> Diagnostic:
    """The diagnostic of an order's tie with the key to add, as help and as an edit of the order's text."""
    fix = suggested_key(order)
    if fix is None:
        return replace(diagnostic, help=_NO_FIX)
    edit = None if order.span is None else Edit(order.span, fix.partition(": ")[2])
    return replace(diagnostic, help=fix, edit=edit)


def _ties(order: Order, lattice: Lattice) -> bool:
    try:
        bind_order(order, lattice, empty_allowed=True)
    except ScanlabError as error:
        return error.code == "S300"
    return False
