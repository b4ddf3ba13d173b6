"""Text to syntax trees: lexing, statement by statement parsing, and errors that name what was expected."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from itertools import pairwise
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from scanlab.ir.diagnostics import Diagnostic, ScanlabError, Source
from scanlab.language import syntax as tree
from scanlab.language.build import Builder, PlacedToken
from scanlab.language.misread import unexpected, unfinished, unreadable

__all__ = ["Broken", "Statement", "decode", "grammar_text", "parse_body", "parse_statements", "terminals"]

LONGEST_TEXT = 256 * 1024
DEEPEST_NESTING = 64
LONGEST_CHAIN = 1000
# Past so many characters that mean nothing a text is no .scan file, and its rest is not read.
MOST_UNREADABLE = 100
_KINDS = ("ORDER", "SCAN", "PLAN")


@cache
def grammar_text() -> str:
    """The grammar file, the language's only definition."""
    return files("scanlab.language").joinpath("grammar.lark").read_text(encoding="utf-8")


@cache
def _parser() -> Lark:
    return Lark(
        grammar_text(),
        parser="lalr",
        lexer="basic",
        start=["start", "statement", "body"],
        keep_all_tokens=True,
        maybe_placeholders=False,
        transformer=Builder(),
    )


def terminals() -> dict[str, str]:
    """Each terminal of the grammar: its name and its pattern, a literal word or a regular expression."""
    return {t.name: t.pattern.value for t in _parser().terminals}


def decode(data: bytes, name: str) -> Source:
    """The source a file's bytes hold. Raises S103 (no UTF-8) or S104 (too large)."""
    try:
        source = Source(data.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise ScanlabError.at(
            "S103",
            f"{name} is not UTF-8 text: byte 0x{data[error.start]:02x} at line {line}, byte {column} of the line",
            help="save the file as UTF-8",
        ) from None
    _check_length(source)
    return source


def _check_length(source: Source) -> None:
    if len(source.text) > LONGEST_TEXT:
        raise ScanlabError.at(
            "S104",
            f"{source.name} has {len(source.text):,} characters; the limit is {LONGEST_TEXT:,}",
            help="split it into several files",
        )


@dataclass(frozen=True)
class Broken:
    """A statement that could not be read: what it would define ("" where that is unclear), and what is wrong."""

    kind: str
    name: str
    diagnostics: tuple[Diagnostic, ...]


Statement = tree.Grid | tree.Definition | Broken


def parse_statements(source: Source) -> tuple[Statement, ...]:
    """The statements of a text, in order; each that could not be read says why. Raises S104."""
    _check_length(source)
    statements: list[Statement] = []
    for tokens in _split(_lex(source)):
        try:
            statements.append(_feed(tokens, "statement", source))
        except ScanlabError as error:
            statements.append(_broken(tokens, error))
    return tuple(statements)


def _broken(tokens: list[PlacedToken], error: ScanlabError) -> Broken:
    words = tokens[tokens[0].type == "STRING" :]
    kind = str(words[0]) if words and words[0].type in ("GRID", *_KINDS) else ""
    name = str(words[1]) if kind and len(words) > 1 and words[1].type == "NAME" else ""
    return Broken(kind, name, error.diagnostics)


def parse_body(source: Source) -> tree.Node:
    """The syntax tree of one body, such as ``by h, ~w``. Raises ScanlabError S1xx."""
    _check_length(source)
    return _feed(_lex(source), "body", source)


def _lex(source: Source) -> list[PlacedToken]:
    """All tokens; what cannot be read is a token of its own, so that only the statement around it is lost."""
    tokens: list[PlacedToken] = []
    at = unreadable = 0
    while unreadable < MOST_UNREADABLE:
        # The parser's own lexer: `Lark.lex` would build one anew for every text.
        reading = _parser().parse_interactive(source.text[at:], start="body")
        try:
            for token in reading.lexer_thread.lex(reading.parser_state):
                tokens.append(PlacedToken.of(token, source, at))
            return tokens
        except UnexpectedCharacters as error:
            start = at + (error.pos_in_stream or 0)
            at = _end_of_unreadable(source.text, start)
            tokens.append(PlacedToken.of(Token("UNREADABLE", source.text[start:at], 0), source, start))
            unreadable += 1
    return tokens


def _end_of_unreadable(text: str, start: int) -> int:
    """Where one mistake ends: a string without end at the line's, a repeated sign or a foreign word after its last."""
    if text[start] == '"':
        end = text.find("\n", start)
        return end if end >= 0 else len(text)
    end = start + 1
    foreign = not text[start].isascii() and text[start].isalnum()
    while end < len(text) and (
        text[end] == text[start] or (foreign and not text[end].isascii() and text[end].isalnum())
    ):
        end += 1
    return end


def _check_nesting(tokens: list[PlacedToken]) -> None:
    """Refuse what would make trees too deep: brackets, and long chains of operators."""
    depth = chain = 0
    for token in tokens:
        depth += (token.type in ("LPAR", "LSQB")) - (token.type in ("RPAR", "RSQB"))
        chain = 0 if token.type in ("COMMA", "GRID", *_KINDS) else chain + 1
        if depth <= DEEPEST_NESTING and chain <= LONGEST_CHAIN:
            continue
        too_deep = f"this is nested deeper than {DEEPEST_NESTING} brackets"
        too_long = f"this expression has more than {LONGEST_CHAIN} words"
        raise ScanlabError.at(
            "S105",
            too_deep if depth > DEEPEST_NESTING else too_long,
            token.span,
            help="name its parts with `let` or with definitions of their own",
        )


def _split(tokens: list[PlacedToken]) -> list[list[PlacedToken]]:
    """The tokens of each statement; one starts at grid, order, scan or plan, or at the doc string before it."""
    starts = {0} if tokens else set()
    for i, token in enumerate(tokens):
        if token.type not in ("GRID", *_KINDS):
            continue
        after_string = i > 0 and tokens[i - 1].type == "STRING" and token.type != "GRID"
        string_is_clause = i > 1 and tokens[i - 2].type in ("SOURCE", "NOTE", "BY")
        starts.add(i - 1 if after_string and not string_is_clause else i)
    edges = [*sorted(starts), len(tokens)]
    return [tokens[a:b] for a, b in pairwise(edges)]


def _feed(tokens: list[PlacedToken], start: str, source: Source) -> Any:
    _check_nesting(tokens)
    parser = _parser().parse_interactive(start=start)
    for i, token in enumerate(tokens):
        if token.type == "UNREADABLE":
            raise unreadable(tokens, i)
        try:
            parser.feed_token(token)
        except UnexpectedToken:
            reads = partial(_reads, start=start)
            raise unexpected(tokens, i, _accepted(tokens[:i], start), terminals(), reads) from None
    try:
        return parser.feed_eof(tokens[-1] if tokens else None)
    except UnexpectedToken:
        raise unfinished(tokens, _accepted(tokens, start), source, terminals()) from None


def _accepted(tokens: list[PlacedToken], start: str) -> set[str]:
    """The terminals that may follow these tokens. A failed parser has already reduced too far to tell."""
    parser = _parser().parse_interactive(start=start)
    for token in tokens:
        parser.feed_token(token)
    return parser.accepts()


def _reads(tokens: list[PlacedToken], start: str) -> bool:
    """Whether a statement or a body may begin with these tokens."""
    try:
        _accepted(tokens, start)
    except (UnexpectedToken, ScanlabError):
        return False
    return True
