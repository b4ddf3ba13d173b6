"""`~` where it cannot stand, and what to write there instead."""

from __future__ import annotations

from dataclasses import replace

from scanlab.ir.diagnostics import ScanlabError, Span
from scanlab.ir.text import balanced, shortened
from scanlab.language import syntax as tree

__all__ = ["MisplacedTilde", "inside_a_key", "misplaced_tilde"]

_CONDITIONS = ("==", "!=", "<", "<=", ">", ">=", "and", "or")


class MisplacedTilde(ScanlabError):
    """S209 of a `~` that the reader of the whole key has not yet cured."""


def misplaced_tilde(span: Span) -> MisplacedTilde:
    """S209 for a `~` that is not the first sign of a key of `by`."""
    error = ScanlabError.at(
        "S209",
        "`~` turns a whole key around and cannot stand inside one",
        span,
        note="~k runs k backwards wherever the sum of the keys before it is odd",
        help="it stands in front of a key of by, as in: by h, ~w",
    )
    return MisplacedTilde(error.diagnostics)


def inside_a_key(error: MisplacedTilde, whole: tree.Node) -> ScanlabError:
    """The error, with what to write in place of the whole key."""
    return ScanlabError(
        tuple(replace(d, help=_suggestion(whole, d.span) or d.help) if d.span else d for d in error.diagnostics)
    )


def _suggestion(whole: tree.Node, at: Span) -> str:
    chain = _chain(whole, at)
    if not chain:
        return ""
    turn = chain[-1]
    assert isinstance(turn, tree.Unary), "the chain ends at the sign"
    operand = shortened(_source(turn.operand))
    around = chain[:-1]
    if _is_condition(turn.operand) or any(map(_joins_conditions, around)):
        return f"`not` negates a condition: not {operand}"
    for above, below in zip(around, chain[1:], strict=True):
        if isinstance(above, tree.Conditional):
            return f"`not` negates a condition: not {operand}" if below is above.condition else f"write -{operand} here"
        if isinstance(above, tree.Apply | tree.Argument):
            plain = isinstance(turn.operand, tree.Name)
            return f"flip({operand}) counts {operand} from the other end" if plain else f"write -({operand}) here"
    key = shortened(_without(whole.span, turn), 80)
    return f"turn the whole key around: ~{key if key.isidentifier() else f'({key})'}"


def _is_condition(node: tree.Node) -> bool:
    return isinstance(node, tree.Binary | tree.Unary) and node.op in (*_CONDITIONS, "not")


def _joins_conditions(node: tree.Node) -> bool:
    return isinstance(node, tree.Binary | tree.Unary) and node.op in ("and", "or", "not")


def _source(node: tree.Node) -> str:
    """The text of a node; what was in parentheses gets them back."""
    text = node.span.text
    return f"({text})" if isinstance(node, tree.Binary | tree.Conditional) else text


def _without(whole: Span, turn: tree.Unary) -> str:
    text, start = whole.source.text, min(whole.start, turn.span.start)
    return balanced(text[start : turn.span.start] + text[turn.span.start + 1 : whole.end])


def _chain(node: tree.Node, at: Span) -> list[tree.Node]:
    """The nodes from one down to the `~` at a place; none where it is not below it."""
    if isinstance(node, tree.Unary) and node.op == "~" and node.span == at:
        return [node]
    for value in vars(node).values():
        for below in value if isinstance(value, tuple) else (value,):
            if isinstance(below, tree.Node) and (rest := _chain(below, at)):
                return [node, *rest]
    return []
