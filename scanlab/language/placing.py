"""Tokens of a sequence: which, and where they stand."""

from __future__ import annotations

from scanlab.ir.diagnostics import ScanlabError, Span
from scanlab.ir.values import PLACES, TOKENS, Order, Scan, Token, Value
from scanlab.language import syntax as tree
from scanlab.language.names_elsewhere import PLACES_ELSEWHERE
from scanlab.language.scope import unknown_name

__all__ = ["check_tokens", "placed_tokens"]


def placed_tokens(present: tuple[Token, ...], suffix: tree.Suffix) -> tuple[Token, ...]:
    """The tokens present and those of a ``with``. Raises S201 and S215."""
    tokens = list(present)
    for item in suffix.items:
        assert isinstance(item, tree.TokenAt), "the grammar gives tokens only"
        for word, allowed, what in ((item.name, TOKENS, "token"), (item.place, PLACES, "place")):
            if word not in allowed:
                meant = PLACES_ELSEWHERE.get(word.lower()) if what == "place" else None
                otherwise = f"write at {meant}" if meant else f"a {what} is one of {', '.join(allowed)}"
                raise unknown_name(word, _within(item.span, word), () if meant else allowed, otherwise)
        if any(t.name == item.name for t in tokens):
            both = {t.place for t in tokens if t.name == item.name} | {item.place} == {"start", "end"}
            help = f"for both ends write: with {item.name} at both" if both else "leave one of them out"
            raise ScanlabError.at("S215", f"the token `{item.name}` is placed twice", item.span, help=help)
        tokens.append(Token(item.name, item.place, item.fixed))
    return tuple(tokens)


def _within(span: Span, word: str) -> Span:
    start = span.start + max(0, span.text.find(word))
    return Span(span.source, start, start + len(word))


def check_tokens(value: Value, span: Span) -> None:
    """Tokens stand on a scan or on its paths, not on both: their places would be ambiguous."""
    if isinstance(value, Scan) and value.tokens and any(_has_tokens(p) for p in value.parts):
        raise ScanlabError.at("S215", "tokens are placed on this scan and on paths inside it", span)


def _has_tokens(value: Order | Scan) -> bool:
    return bool(value.tokens) or (isinstance(value, Scan) and any(_has_tokens(p) for p in value.parts))
