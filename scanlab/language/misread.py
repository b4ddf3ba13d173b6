"""Texts that cannot be read: what stands where, what could stand there, and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from scanlab.ir.diagnostics import Edit, ScanlabError, Source, Span
from scanlab.ir.text import shortened
from scanlab.language.build import PlacedToken
from scanlab.language.habits import cure, last_resort, plain_form

__all__ = ["unexpected", "unfinished", "unreadable"]

_WORDS_AROUND = 40


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
        help = cure(*_around(tokens, i)) or "the language is made of names, whole numbers and a few signs"
        return ScanlabError.at("S100", f"{what} no meaning here", token.span, help=help)
    help = "write a plain space" if plain == " " else f"write {plain}" if plain == '"' else f"write `{plain}`"
    return ScanlabError.at("S100", f"{what} no meaning here", token.span, help=help, edit=Edit(token.span, plain))


def unexpected(tokens: list[PlacedToken], i: int, accepted: set[str], patterns: Mapping[str, str]) -> ScanlabError:
    """S101: a token where the grammar wants one of the ``accepted`` terminals; ``patterns`` are the grammar's."""
    token = tokens[i]
    words = [patterns[name] for name in sorted(accepted) if patterns.get(name, "").isalpha()]
    close = difflib.get_close_matches(str(token), words, 1, 0.7) if token.type == "NAME" else []
    message = f"{_found(token)} is not expected here; {_names(accepted, patterns)} could follow"
    before, after = _around(tokens, i)
    edit, help = None, cure(before, after)
    if not help and close:
        help, edit = f"did you mean `{close[0]}`?", Edit(token.span, close[0])
    elif not help and token.type not in ("NAME", "INT", "STRING") and "NAME" in accepted and str(token).isalpha():
        help = f"`{token}` is a word of the language and cannot be a name"
    return ScanlabError.at("S101", message, token.span, help=help or last_resort(before, after), edit=edit)


def unfinished(
    tokens: list[PlacedToken], accepted: set[str], source: Source, patterns: Mapping[str, str]
) -> ScanlabError:
    """S102: the end where the grammar wants one of the ``accepted`` terminals."""
    end = tokens[-1].span.end if tokens else 0
    what = "the text" if not source.text[end:].strip() else "the definition"
    span = Span(source, max(0, end - 1), end) if tokens else Span(source, 0, 0)
    help = cure(*_around(tokens, len(tokens)))
    return ScanlabError.at(
        "S102", f"{what} ends too early; {_names(accepted, patterns)} should follow", span, help=help
    )


def _found(token: PlacedToken) -> str:
    return "this string" if token.type == "STRING" else f"`{shortened(token)}`"


_PLAIN = {"NAME": "a name", "INT": "a number", "STRING": "a string", "$END": "the end"}
_OPERATORS = ("+", "-", "*", "//", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or", "if")


def _names(accepted: set[str], patterns: Mapping[str, str]) -> str:
    """What could follow, in words; operators are told as one."""
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
