"""The text of a path function: one body, written for Triton or for Numba.

The two differ in little: Triton has no `a if c else b`, `and`, `or` and `not` on values, and unrolls its loops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from scanlab.codegen.lines import Arithmetic, Line, mapped
from scanlab.compiler.index_form import CurveStep
from scanlab.ir.expr import (
    Absolute,
    Binary,
    Compare,
    Digit,
    Expr,
    Extremum,
    Int,
    Logic,
    Negate,
    Not,
    Select,
    children,
    rebuild,
    substitute,
)
from scanlab.ir.printer import print_expr

__all__ = ["DIALECTS", "Branch", "Dialect", "function_text"]

INDENT = "    "


@dataclass(frozen=True)
class Dialect:
    """How a language writes what differs: its imports, the decorator, a table look-up, loops and values.

    unsigned and signed: what is written after a value to make it so, "" where division costs the same either way.
    """

    imports: str
    decorator: str
    look_up: str
    loop: str
    expression: Callable[[Expr], str]
    unsigned: str = ""
    signed: str = ""


@dataclass(frozen=True)
class Branch:
    """Sequences that share one rule: its arithmetic, None for the table; the comment says which paths they are."""

    sequences: tuple[int, ...]
    rule: Arithmetic | None
    comment: str


def function_text(dialect: Dialect, name: str, doc: str, branches: Sequence[Branch]) -> str:
    """The module with one function ``name(steps, sequence, step)`` that gives the row of a step of a sequence.

    doc: its docstring, one line. branches: for every sequence, exactly one; the last takes what the others leave.
    """
    head = [*dialect.imports.split("\n"), "", "", dialect.decorator, f"def {name}(steps, sequence, step):"]
    head.append(f'{INDENT}"""{doc}"""')
    rules = [branch.rule for branch in branches if branch.rule is not None]
    # Triton gives a name one type in all branches, so the lines of all of them are unsigned, or of none.
    unsigned = any(rule.divides for rule in rules) and all(rule.unsigned for rule in rules if rule.lines)
    if len(branches) == 1:
        body = _block(dialect, branches[0], unsigned)
    else:
        body = []
        for i, branch in enumerate(branches):
            word = "if" if i == 0 else "elif"
            body.append("else:" if i == len(branches) - 1 else f"{word} {_condition(branch.sequences)}:")
            body += [INDENT + line for line in _block(dialect, branch, unsigned)]
    return "\n".join([*head, *(INDENT + line for line in body), f"{INDENT}return row", ""])


def _condition(sequences: tuple[int, ...]) -> str:
    """Branches stand in the order of their first sequences, so all smaller sequences have been taken before."""
    if len(sequences) > 1 and sequences == tuple(range(sequences[0], sequences[-1] + 1)):
        return f"sequence < {sequences[-1] + 1}"
    return (
        f"sequence == {sequences[0]}" if len(sequences) == 1 else " or ".join(f"(sequence == {t})" for t in sequences)
    )


def _block(dialect: Dialect, branch: Branch, unsigned: bool) -> list[str]:
    lines = [f"# {branch.comment}"]
    rule = branch.rule
    if rule is None:
        return [*lines, f"row = {dialect.look_up}"]
    cast = dialect.unsigned if unsigned and rule.unsigned and (rule.divides or rule.lines) else ""
    if cast:
        lines.append(f"s = step{cast}")
        rule = _with_unsigned_step(rule)
    for line in rule.lines:
        lines += _line(dialect, line)
    row = rule.row
    if isinstance(row, Int):
        # A path over a grid with one patch; the row is a value of the kind that a step is.
        row = Binary("+", Binary("*", Digit("step"), Int(0)), row)
    text = dialect.expression(row)
    return [*lines, f"row = ({text}){dialect.signed}" if cast else f"row = {text}"]


def _with_unsigned_step(rule: Arithmetic) -> Arithmetic:
    def renamed(expr: Expr) -> Expr:
        return substitute(expr, lambda e: Digit("s") if e == Digit("step") else None)

    return replace(rule, lines=tuple(mapped(line, renamed) for line in rule.lines), row=renamed(rule.row))


def _line(dialect: Dialect, line: Line) -> list[str]:
    if isinstance(line, CurveStep):
        return _curve(dialect, line)
    return [f"{line.name} = {dialect.expression(line.expr)}"]


def _curve(dialect: Dialect, step: CurveStep) -> list[str]:
    """The cell of a rank: its bits dealt out (Morton); for Hilbert then Skilling's turns, without branches."""
    outputs, n = step.outputs, len(step.outputs)
    loop = dialect.loop.format(step.bits)
    lines = [f"rank = {dialect.expression(step.rank)}", *(f"{x} = rank & 0" for x in outputs), loop]
    places = [f"({n} * b + {n - 1 - i})" if i < n - 1 else f"{n} * b" for i in range(n)]
    lines += [f"{INDENT}{x} |= (rank >> {place} & 1) << b" for x, place in zip(outputs, places, strict=True)]
    if step.name == "morton":
        return lines
    first, last = outputs[0], outputs[-1]
    lines += [f"gray = {last} >> 1", *(f"{x} ^= gray" for x in outputs)]
    lines += [f"{outputs[i]} ^= {outputs[i - 1]}" for i in range(n - 1, 0, -1)]
    lines += [loop, f"{INDENT}low = (1 << b) - 1"]
    choose = dialect.expression(Select(Compare("==", Digit("flip"), Int(1)), Digit("low"), Digit("swap")))
    keep = dialect.expression(Select(Compare("==", Digit("flip"), Int(1)), Int(0), Digit("swap")))
    for x in reversed(outputs[1:]):
        lines += [f"{INDENT}flip = {x} >> b & 1", f"{INDENT}swap = ({first} ^ {x}) & low"]
        lines += [f"{INDENT}{first} ^= {choose}", f"{INDENT}{x} ^= {keep}"]
    turned = dialect.expression(Select(Compare("==", Digit("flip"), Int(1)), Digit("low"), Int(0)))
    return [*lines, f"{INDENT}flip = {first} >> b & 1", f"{INDENT}{first} ^= {turned}"]


# Binding strength in Python, weakest first; `&` and `|` bind stronger than comparisons.
_COMPARE, _OR, _AND, _SUM, _PRODUCT, _UNARY, _ATOM = range(7)


_TRUTHS = (Compare, Logic, Not)


def _triton(expr: Expr) -> str:
    return _print(_typed(expr, isinstance(expr, _TRUTHS)), _COMPARE)


def _typed(expr: Expr, truth: bool) -> Expr:
    """The same value with truths and numbers kept apart, as Triton does: no sum of truths, no `&` of numbers."""
    conditions = 1 if isinstance(expr, Select) else len(children(expr)) if isinstance(expr, Logic | Not) else 0
    below = tuple(_typed(c, i < conditions) for i, c in enumerate(children(expr)))
    expr = rebuild(expr, below) if below else expr
    if truth == isinstance(expr, _TRUTHS):
        return expr
    return Compare("!=", expr, Int(0)) if truth else Select(expr, Int(1), Int(0))


def _print(expr: Expr, place: int) -> str:
    text, strength = _text(expr)
    return f"({text})" if strength < place else text


def _text(expr: Expr) -> tuple[str, int]:
    match expr:
        case Int(value=v):
            return str(v), _ATOM if v >= 0 else _UNARY
        case Digit(name=name):
            return name, _ATOM
        case Negate(operand=a):
            return f"-{_print(a, _ATOM)}", _UNARY
        case Binary(op=op, left=a, right=b):
            own = _SUM if op in "+-" else _PRODUCT
            return f"{_print(a, own)} {op} {_print(b, own + 1)}", own
        case Compare(op=op, left=a, right=b):
            return f"{_print(a, _SUM)} {op} {_print(b, _SUM)}", _COMPARE
        case Logic(op=op, left=a, right=b):
            return f"({_print(a, _COMPARE)}) {'&' if op == 'and' else '|'} ({_print(b, _COMPARE)})", _OR
        case Not(operand=a):
            return f"({_print(a, _COMPARE)}) == 0", _COMPARE
        case Select(condition=c, then=a, otherwise=b):
            return f"tl.where({_print(c, _COMPARE)}, {_print(a, _COMPARE)}, {_print(b, _COMPARE)})", _ATOM
        case Absolute(operand=a):
            return f"tl.abs({_print(a, _COMPARE)})", _ATOM
        case Extremum(op=op, operands=many):
            text = _print(many[0], _COMPARE)
            for other in many[1:]:
                text = f"tl.{op}imum({text}, {_print(other, _COMPARE)})"
            return text, _ATOM
    raise TypeError(f"not an index expression: {print_expr(expr)}")


DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "triton": Dialect(
            imports="import triton\nimport triton.language as tl",
            decorator="@triton.jit",
            look_up="tl.load(steps + step)",
            loop="for b in tl.static_range({}):",
            expression=_triton,
            unsigned=".to(tl.uint32)",
            signed=".to(tl.int32)",
        ),
        "cpu": Dialect(
            imports="from numba import njit",
            decorator="@njit",
            look_up="steps[sequence, step]",
            loop="for b in range({}):",
            expression=print_expr,
        ),
    }
)
