"""When arithmetic is worth it: a count of instructions per step against a look-up in the table of steps.

All figures are instructions in the code that ptxas makes for sm_90 from a loop that reads one row per step
(probe.step_cost counts them; no device was at hand, so nothing here is a time):

    look-up                                    4.5, one of them a load that the addresses of the row wait for
    `step`, `195 - step`                       0: it goes into the address
    `step % 14 * 14 + step // 14`              6.9
    a snake                                    10.9 (14 x 14), 7.9 (56 x 56)
    windows of 7 x 7                           15.9
    row, column and both reversed              17.9: all sequences are computed, one is chosen
    a Hilbert curve of 16 x 16                 43.6

A load from the first cache level takes some 30 cycles and an integer instruction some 4 until the next can use it, so
up to about 7 instructions the address is there no later than from the table. That is the limit, for the sequences of a
scan together, since a GPU computes all of them and chooses. Where one sequence needs the table anyway, the look-up is
made for all, so it counts too. In the forward kernel of the selective scan (1 to 16 states, sm_80 and sm_90, some 110
to 350 instructions per step) this bears out: `step` saves up to 9 instructions, a column 8 to 15, row and column in one
scan between +5 and -1; a snake costs 6 more than the look-up, windows 15 to 17, the four paths of a cross 12 to 17.

On a CPU arithmetic saves at most 1 ns of the 20 to 50 ns that a step of 16 channels takes (a loop that reads rows:
3.4 ns with the table, 2.5 with `step`, 5.2 with windows of 7 x 7), and a kernel of its own for every strategy would
cost seconds of compilation: there the table always serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from scanlab.codegen.lines import Arithmetic
from scanlab.compiler.index_form import CurveStep
from scanlab.ir.expr import Binary, Digit, Expr, Int, Negate, Select, children, nodes_of

__all__ = ["LIMITS", "REASONS", "UNLIMITED", "instructions"]

UNLIMITED = 10**9
LOOK_UP = 5
LIMITS: Mapping[str, int] = MappingProxyType({"triton": 7, "cpu": -1})
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "triton": f"the sequences' arithmetic would take about {{}} instructions per step, a look-up takes {LOOK_UP}",
        "cpu": "a CPU reads it in sequence at next to no cost; arithmetic would need a kernel of its own",
    }
)
# Where the step does not go into the address: one addition to make it, one multiplication by the row's length.
_OUTSIDE_THE_ADDRESS = 2


def instructions(rules: Iterable[Arithmetic | None]) -> int:
    """About how many instructions per step the different rules of a scan take together; None is a look-up."""
    every = list(dict.fromkeys(rules))
    different = [rule for rule in every if rule is not None]
    computed = [rule for rule in different if not _in_address(rule)]
    curves = [line for rule in computed for line in rule.lines if isinstance(line, CurveStep)]
    places = [e for rule in computed for e in rule.expressions]
    # What several sequences compute is computed once.
    parts = {e for place in places for e in nodes_of(place)}
    # A remainder is made from the quotient, which is counted once however often it occurs.
    quotients = {Binary("//", e.left, e.right) for e in parts if isinstance(e, Binary) and e.op == "%"}
    total = sum(map(_curve, curves)) + sum(map(_node, parts | quotients)) + len(every) - 1
    if len(different) < len(every):
        return total + LOOK_UP
    return total + _OUTSIDE_THE_ADDRESS if total > 0 else total


def _in_address(rule: Arithmetic) -> bool:
    """Whether the row is the step, counted from either end."""
    match rule.row:
        case Digit() | Binary(op="+" | "-", left=Digit() | Int(), right=Digit() | Int()):
            return not rule.lines
    return False


def _node(expr: Expr) -> int:
    match expr:
        case Binary(op="//", right=Int(value=m)):
            return 1 if m & (m - 1) == 0 else 2 + (m % 2 == 0)
        case Binary(op="//"):
            return 20  # no constant: a division in full
        case Binary(op="+" | "-", left=Binary(op="*")) | Binary(op="+", right=Binary(op="*")):
            return 0  # one multiply-add, counted at the product
        case Select(then=Int(value=1), otherwise=Int(value=0)):
            return 0  # the condition itself
        case _:
            return 0 if isinstance(expr, Negate) or not children(expr) else 1


def _curve(step: CurveStep) -> int:
    """The bits are dealt out by two instructions each; a turn of a Hilbert curve takes four more."""
    return step.bits * len(step.outputs) * (2 if step.name == "morton" else 6)
