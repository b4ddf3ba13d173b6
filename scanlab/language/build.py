"""Grammar reductions to syntax nodes. Runs inside the parser, bottom up, so that depth costs no recursion."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lark import Token, Transformer

from scanlab.ir.diagnostics import ScanlabError, Source, Span
from scanlab.ir.expr import LARGEST_INT
from scanlab.language import syntax as tree

__all__ = ["Builder", "PlacedToken"]


class PlacedToken(Token):
    """A lexer token that knows its source, so that one parser serves all texts."""

    span: Span

    @classmethod
    def of(cls, token: Token, source: Source, offset: int = 0) -> PlacedToken:
        """The token with its place; ``offset`` is where in the source the text that was read begins."""
        placed = cls.new_borrow_pos(token.type, token.value, token)
        start = offset + (token.start_pos or 0)
        placed.span = Span(source, start, start + len(token))
        return placed

    def as_word(self, type: str, text: str) -> PlacedToken:
        """Another word at the place of this one."""
        placed = PlacedToken.new_borrow_pos(type, text, self)
        placed.span = self.span
        return placed


def _text_of(token: Token) -> str:
    """The text of a string literal, its escapes resolved and its line breaks folded to single spaces."""
    return re.sub(r"\s*\n\s*", " ", re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.S)).strip()


def _is(child: Any, kind: str) -> bool:
    return isinstance(child, Token) and child.type == kind


def _equals(children: list[Any]) -> list[int]:
    return [i for i, child in enumerate(children) if _is(child, "EQUAL")]


class _Groups(tuple[Any, ...]):
    """The keys of ``within (key, …)``, with the place of their parentheses."""

    span: Span

    @classmethod
    def of(cls, keys: tuple[Any, ...], span: Span) -> _Groups:
        groups = cls(keys)
        groups.span = span
        return groups


class Builder(Transformer):
    """One method per rule of ``grammar.lark``; all tokens are kept, so every span is first child to last."""

    def __init__(self) -> None:
        super().__init__(visit_tokens=False)

    def _span(self, children: Sequence[Any]) -> Span:
        return children[0].span.to(children[-1].span)

    def _word(self, token: PlacedToken) -> tree.Word:
        return tree.Word(token.span, str(token))

    def _nodes(self, children: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(c for c in children if isinstance(c, tree.Node))

    def start(self, children: list[Any]) -> tuple[Any, ...]:
        return tuple(children)

    def grid(self, c: list[Any]) -> tree.Grid:
        assume = c[-1].items if isinstance(c[-1], tree.Suffix) else ()
        return tree.Grid(self._span(c), tuple(self._word(t) for t in c if _is(t, "NAME")), assume)

    def kind(self, c: list[Any]) -> tree.Word:
        return self._word(c[0])

    def definition(self, c: list[Any]) -> tree.Definition:
        doc = _text_of(c[0]) if _is(c[0], "STRING") else ""
        rest = c[1:] if _is(c[0], "STRING") else c
        body_at = next(i for i, x in enumerate(rest) if _is(x, "EQUAL")) + 1
        groups = {type(x[0]): x for x in rest[2 : body_at - 1] if isinstance(x, tuple)}
        return tree.Definition(
            self._span([rest[0], rest[1]]).to(self._span([rest[-1]])),
            rest[0].text,
            self._word(rest[1]),
            doc,
            groups.get(tree.Parameter, ()),
            groups.get(tree.Word, ()),
            rest[body_at],
            tuple(rest[body_at + 1 :]),
        )

    def parameters(self, c: list[Any]) -> tuple[tree.Parameter, ...]:
        return self._nodes(c)

    def parameter(self, c: list[Any]) -> tree.Parameter:
        return tree.Parameter(self._span(c), self._word(c[0]), c[2] if len(c) > 1 else None)

    def formals(self, c: list[Any]) -> tuple[tree.Word, ...]:
        return tuple(self._word(t) for t in c if _is(t, "NAME"))

    def expect_continuous(self, c: list[Any]) -> tree.Clause:
        return tree.Clause(self._span(c), "continuous")

    def expect_covers(self, c: list[Any]) -> tree.Clause:
        return tree.Clause(self._span(c), "covers")

    def expect_same(self, c: list[Any]) -> tree.Clause:
        return tree.Clause(self._span(c), "same", c[-1])

    def expect_streamable(self, c: list[Any]) -> tree.Clause:
        words = [self._word(t) for t in c if _is(t, "NAME")]
        numbers = [int(t) for t in c if _is(t, "INT")]
        return tree.Clause(self._span(c), "streamable", axis=words[0], latency=numbers[0] if numbers else None)

    def source(self, c: list[Any]) -> tree.Clause:
        return tree.Clause(self._span(c), "source", _text_of(c[-1]))

    def note(self, c: list[Any]) -> tree.Clause:
        return tree.Clause(self._span(c), "note", _text_of(c[-1]))

    def by(self, c: list[Any]) -> tree.By:
        nodes = self._nodes(c)
        keys = tuple(n for n in nodes if not isinstance(n, tree.Suffix))
        return tree.By(self._span(c), keys, tuple(n for n in nodes if isinstance(n, tree.Suffix)))

    def regroup(self, c: list[Any]) -> tree.By:
        sizes = tuple(tree.Argument(c[i - 1].span.to(c[i + 1].span), str(c[i - 1]), c[i + 1]) for i in _equals(c))
        pattern = tree.Regroup(c[1].span, str(c[1])[1:-1], sizes)
        return tree.By(self._span(c), (pattern,), tuple(n for n in c if isinstance(n, tree.Suffix)))

    def within(self, c: list[Any]) -> tree.Within:
        return tree.Within(self._span(c), tuple(c[1]), self._nodes(c[2:]))

    def groups(self, c: list[Any]) -> _Groups:
        return _Groups.of(self._nodes(c), self._span(c))

    def let(self, c: list[Any]) -> tree.Let:
        nodes = self._nodes(c)
        return tree.Let(self._span(c), nodes[:-1], nodes[-1])

    def binding(self, c: list[Any]) -> tree.Binding:
        return tree.Binding(self._span(c), self._word(c[0]), c[2])

    def suffixed(self, c: list[Any]) -> tree.Suffixed:
        return tree.Suffixed(self._span(c), c[0], tuple(c[1:]))

    def where(self, c: list[Any]) -> tree.Suffix:
        return tree.Suffix(self._span(c), "where", self._nodes(c))

    def restart(self, c: list[Any]) -> tree.Suffix:
        return tree.Suffix(self._span(c), "restart", self._nodes(c))

    def tokens(self, c: list[Any]) -> tree.Suffix:
        return tree.Suffix(self._span(c), "with", self._nodes(c))

    def assume(self, c: list[Any]) -> tree.Suffix:
        return tree.Suffix(self._span(c), "assume", self._nodes(c))

    def token(self, c: list[Any]) -> tree.TokenAt:
        return tree.TokenAt(self._span(c), str(c[0]), str(c[2]), _is(c[-1], "FIXED"))

    def conditional(self, c: list[Any]) -> tree.Conditional:
        return tree.Conditional(self._span(c), c[0], c[2], c[4])

    def binary(self, c: list[Any]) -> tree.Binary:
        return tree.Binary(self._span(c), str(c[1]), c[0], c[2])

    def unary(self, c: list[Any]) -> tree.Unary:
        return tree.Unary(self._span(c), str(c[0]), c[1])

    def number(self, c: list[Any]) -> tree.Number:
        span = self._span(c)
        if len(c[0]) > 10 or int(c[0]) > LARGEST_INT:
            raise ScanlabError.at("S106", f"this number is larger than {LARGEST_INT}", span)
        return tree.Number(span, int(c[0]))

    def name(self, c: list[Any]) -> tree.Name:
        return tree.Name(self._span(c), str(c[0]))

    def apply(self, c: list[Any]) -> tree.Apply:
        groups: dict[str, tuple[tree.Argument, ...]] = {}
        for i, child in enumerate(c):
            if _is(child, "LSQB") or _is(child, "LPAR"):
                groups[child.type] = c[i + 1] if isinstance(c[i + 1], tuple) else ()
        within = c[-1] if isinstance(c[-1], _Groups) else ()
        return tree.Apply(self._span(c), str(c[0]), groups.get("LSQB"), groups.get("LPAR"), tuple(within))

    def group(self, c: list[Any]) -> tree.Node:
        return c[1]

    def arguments(self, c: list[Any]) -> tuple[tree.Argument, ...]:
        return self._nodes(c)

    def argument(self, c: list[Any]) -> tree.Argument:
        if len(c) == 1:
            return tree.Argument(self._span(c), None, c[0])
        given = tree.Text(c[2].span, str(c[2])[1:-1]) if _is(c[2], "STRING") else c[2]
        return tree.Argument(self._span(c), str(c[0]), given)
