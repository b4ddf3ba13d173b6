"""Text to syntax trees: lexing, statement by statement parsing, and errors that name what was expected."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from scanlab.ir.diagnostics import Diagnostic, Edit, ScanlabError, Source, Span
from scanlab.ir.text import shortened
from scanlab.language import syntax as tree
from scanlab.language.build import Builder, PlacedToken

__all__ = ["decode", "grammar_text", "parse_body", "parse_statements", "terminals"]

LONGEST_TEXT = 256 * 1024
DEEPEST_NESTING = 64
LONGEST_CHAIN = 1000
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


def parse_statements(source: Source) -> tuple[tuple[tree.Grid | tree.Definition, ...], tuple[Diagnostic, ...]]:
    """The statements of a text that could be read, and a diagnostic for each that could not."""
    _check_length(source)
    try:
        tokens = _lex(source)
    except ScanlabError as error:
        return (), error.diagnostics
    found, problems = [], []
    for statement in _split(tokens):
        try:
            found.append(_feed(statement, "statement", source))
        except ScanlabError as error:
            problems += error.diagnostics
    return tuple(found), tuple(problems)


def parse_body(source: Source) -> tree.Node:
    """The syntax tree of one body, such as ``by h, ~w``. Raises ScanlabError S1xx."""
    _check_length(source)
    return _feed(_lex(source), "body", source)


def _lex(source: Source) -> list[PlacedToken]:
    try:
        # The parser's own lexer: `Lark.lex` would build one anew for every text.
        reading = _parser().parse_interactive(source.text, start="body")
        tokens = [PlacedToken.of(token, source) for token in reading.lexer_thread.lex(reading.parser_state)]
    except UnexpectedCharacters as error:
        raise _unreadable(source, error.pos_in_stream or 0) from None
    _check_nesting(tokens)
    return tokens


def _unreadable(source: Source, at: int) -> ScanlabError:
    if source.text[at] != '"':
        span = Span(source, at, at + 1)
        return ScanlabError.at("S100", f"the character {source.text[at]!r} has no meaning here", span)
    end = source.text.find("\n", at)
    span = Span(source, at, end if end >= 0 else len(source.text))
    return ScanlabError.at("S108", "this string is not closed", span, help='end it with "')


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
        string_is_clause = i > 1 and tokens[i - 2].type in ("SOURCE", "NOTE")
        starts.add(i - 1 if after_string and not string_is_clause else i)
    edges = [*sorted(starts), len(tokens)]
    return [tokens[a:b] for a, b in pairwise(edges)]


def _feed(tokens: list[PlacedToken], start: str, source: Source) -> Any:
    parser = _parser().parse_interactive(start=start)
    for i, token in enumerate(tokens):
        try:
            parser.feed_token(token)
        except UnexpectedToken:
            raise _unexpected(tokens, i, _accepted(tokens[:i], start)) from None
    try:
        return parser.feed_eof(tokens[-1] if tokens else None)
    except UnexpectedToken:
        raise _unfinished(tokens, _accepted(tokens, start), source) from None


def _accepted(tokens: list[PlacedToken], start: str) -> set[str]:
    """The terminals that may follow these tokens. A failed parser has already reduced too far to tell."""
    parser = _parser().parse_interactive(start=start)
    for token in tokens:
        parser.feed_token(token)
    return parser.accepts()


def _unexpected(tokens: list[PlacedToken], i: int, accepted: set[str]) -> ScanlabError:
    token = tokens[i]
    patterns = terminals()
    words = [patterns[name] for name in sorted(accepted) if patterns.get(name, "").isalpha()]
    close = difflib.get_close_matches(str(token), words, 1, 0.7) if token.type == "NAME" else []
    message = f"{_found(token)} is not expected here; {_names(accepted)} could follow"
    help, edit = "", None
    if close:
        help, edit = f"did you mean `{close[0]}`?", Edit(token.span, close[0])
    elif token.type in ("WHERE", "RESTART", "WITH"):
        help = f"inside a list, put the path and its `{token}` in parentheses: (row {token} …)"
    elif i > 1 and tokens[i - 2].type == "TILDE":
        help = "`~` applies to one term: put the whole key in parentheses, as in ~(w % 7)"
    elif token.type not in ("NAME", "INT", "STRING") and "NAME" in accepted and str(token).isalpha():
        help = f"`{token}` is a word of the language and cannot be a name"
    return ScanlabError.at("S101", message, token.span, help=help, edit=edit)


def _unfinished(tokens: list[PlacedToken], accepted: set[str], source: Source) -> ScanlabError:
    end = tokens[-1].span.end if tokens else 0
    what = "the text" if not source.text[end:].strip() else "the definition"
    span = Span(source, max(0, end - 1), end) if tokens else Span(source, 0, 0)
    return ScanlabError.at("S102", f"{what} ends too early; {_names(accepted)} should follow", span)


def _found(token: PlacedToken) -> str:
    return "this string" if token.type == "STRING" else f"`{shortened(token)}`"


_PLAIN = {"NAME": "a name", "INT": "a number", "STRING": "a string", "$END": "the end"}
_OPERATORS = ("+", "-", "*", "//", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or", "if")


def _names(accepted: set[str]) -> str:
    """What could follow, in words; operators are told as one."""
    patterns = terminals()
    texts = [
        _PLAIN.get(name) or f"`{_literal(patterns[name])}`" for name in accepted if name in patterns or name in _PLAIN
    ]
    operators = [t for t in texts if t.strip("`") in _OPERATORS]
    if len(operators) > 3:
        texts = [t for t in texts if t not in operators] + ["an operator"]
    texts.sort(key=lambda t: (t.startswith("`"), t))
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def _literal(pattern: str) -> str:
    return pattern.replace("\\", "")
