"""Texts that cannot be read: what stands where, what could stand there, and what was probably meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

from scanlab.ir.diagnostics import Edit, ScanlabError, Source, Span
from scanlab.ir.functions import ARITHMETIC, CURVES
from scanlab.ir.guesses import nearest
from scanlab.ir.text import shortened
from scanlab.language.build import PlacedToken
from scanlab.language.habits import last_resort, suggestion
from scanlab.language.signs import plain_form

__all__ = ["unexpected", "unfinished", "unreadable"]

_WORDS_AROUND = 40
_WORDS_THAT_FIT = 2


def _around(tokens: list[PlacedToken], i: int) -> tuple[str, str]:
    """The words before a token and from it on, joined by spaces; strings are left out."""
    texts = ['""' if t.type == "STRING" else str(t) for t in tokens[max(0, i - _WORDS_AROUND) : i + _WORDS_AROUND]]
    here = min(i, _WORDS_AROUND)
    return " ".join(texts[:here]), " ".join(texts[here:])


def unreadable(tokens: list[PlacedToken], i: int) -> ScanlabError:
    """S100 for a character without meaning, S108 for a string without end."""
    token = tokens[i]
    text = str(token)
    if text.startswith('"'):
        return ScanlabError.at("S108", "this string is not closed", token.span, help='end it with "')
    what = f"the character {text!r} has" if len(text) == 1 else f"the characters {shortened(text)!r} have"
    plain = plain_form(text)
    if plain is None:
        help = (
            suggestion(*_as_in_ascii(*_around(tokens, i)))
            or "the language is made of names, whole numbers and a few signs"
        )
        return ScanlabError.at("S100", f"{what} no meaning here", token.span, help=help)
    help = "write a plain space" if plain == " " else f"write {plain}" if plain == '"' else f"write `{plain}`"
    return ScanlabError.at("S100", f"{what} no meaning here", token.span, help=help, edit=Edit(token.span, plain))


def _as_in_ascii(before: str, after: str) -> tuple[str, str]:
    """The words with a wide sign, such as a wide semicolon, as the plain one."""
    plain = unicodedata.normalize("NFKC", after[0])
    return before, (plain if len(plain) == 1 and plain.isascii() and not plain.isalnum() else after[0]) + after[1:]


def unexpected(
    tokens: list[PlacedToken],
    i: int,
    accepted: set[str],
    patterns: Mapping[str, str],
    reads: Callable[[list[PlacedToken]], bool],
) -> ScanlabError:
    """S101: a token where the grammar wants one of the ``accepted`` terminals; ``patterns`` are the grammar's.

    reads: whether a statement may begin with these tokens; what is proposed must be read.
    """
    token = tokens[i]
    words = {patterns[name]: name for name in sorted(accepted) if patterns.get(name, "").isalpha()}
    close = [
        word
        for word in (nearest(str(token), words) if token.type == "NAME" and len(token) > 2 else [])
        if reads([*tokens[:i], token.as_word(words[word], word), *tokens[i + 1 : i + 1 + _WORDS_THAT_FIT]])
    ]
    message = f"{_quoted(token)} is not expected here; {_names(accepted, patterns)} could follow"
    before, after = _around(tokens, i)
    edit, help = None, suggestion(before, after)
    if not help and close:
        help, edit = f"did you mean `{close[0]}`?", Edit(token.span, close[0])
    elif not help and token.type not in ("NAME", "INT", "STRING") and "NAME" in accepted and str(token).isalpha():
        help = f"`{token}` is a word of the language and cannot be a name"
    if not help:
        comma = reads([*tokens[:i], token.as_word("COMMA", ","), *tokens[i : i + _WORDS_THAT_FIT]])
        help = last_resort(before, after) or _between(tokens, i, comma, "WHERE" in accepted)
    return ScanlabError.at("S101", message, token.span, help=help, edit=edit)


def _between(tokens: list[PlacedToken], i: int, comma: bool, suffixes: bool) -> str:
    """What may be missing before a token; ``comma``: whether it may be that, ``suffixes``: whether a path is over."""
    word, text = tokens[i], str(tokens[i])
    others = [str(t) for k, t in enumerate(tokens) if k != i]
    called = i + 1 < len(tokens) and tokens[i + 1].type in ("LPAR", "LSQB")
    known = len(text) <= 2 or called or text in others or text in CURVES or text in ARITHMETIC
    if comma and i and (word.type == "INT" or (word.type == "NAME" and known)):
        return f"something is missing between `{tokens[i - 1]}` and `{text}`, such as a comma"
    if word.type == "NAME" and suffixes:
        suffixes_are = "a path goes on with where, restart by, with, assume, expect, source or note"
        return f"`{shortened(text)}` means nothing here; {suffixes_are}"
    return ""


def unfinished(
    tokens: list[PlacedToken], accepted: set[str], source: Source, patterns: Mapping[str, str]
) -> ScanlabError:
    """S102: the end where the grammar wants one of the ``accepted`` terminals."""
    end = tokens[-1].span.end if tokens else 0
    what = "the text" if not source.text[end:].strip() else "the definition"
    span = Span(source, max(0, end - 1), end) if tokens else Span(source, 0, 0)
    help = suggestion(*_around(tokens, len(tokens)))
    return ScanlabError.at(
        "S102", f"{what} ends too early; {_names(accepted, patterns)} should follow", span, help=help
    )


def _quoted(token: PlacedToken) -> str:
    return "this string" if token.type == "STRING" else f"`{shortened(token)}`"


_PLAIN = {"NAME": "a name", "INT": "a number", "STRING": "a string", "COLON": "`:`", "$END": "the end"}
_OPERATORS = ("+", "-", "*", "//", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or", "if")


def _names(accepted: set[str], patterns: Mapping[str, str]) -> str:
    """What could follow, in words; several operators together are "an operator"."""
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
