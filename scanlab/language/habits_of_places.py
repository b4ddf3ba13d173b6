"""Habits that the place tells, before the sign or the word that stands there does."""

from __future__ import annotations

from scanlab.language.habit import Habit

__all__ = ["PLACE_HABITS"]

_KIND = "(?P<kind>order|scan|plan)"
_SUFFIX = r"(?P<b>where|restart|with|expect|source|note)\b"
_NO_WORD = r"(?!let\b|def\b|var\b|const\b|(?i:order|scan|plan)\b)"
_KINDS = "a definition begins with its kind, order, scan or plan: order {a} = …"
_SIGNS = "a sign that changes from row to row is a choice: -w if h % 2 == 1 else w; or ~w"
_IN_FRONT = "parameters stand in front of the paths: "

PLACE_HABITS = (
    Habit(r"(?P<p>start|middle|end)\b", "with {a} at {p}", r"\bwith (?P<a>\w+) (?:at|in) the"),
    Habit(r"\{ (?P<n>\w+(?: [,;] \w+)*) \}", "paths are merged: sum({n})", r"^(?:scan|plan) \w+ ="),
    # The place decides before the sign does.
    Habit(r"the (?P<p>start|middle|end)\b", "with {a} at {p}", r"\bwith (?P<a>\w+) (?:at|in)"),
    Habit(r"(?:in|on|to|into) (?:the )?(?P<p>start|middle|end)\b", "with {a} at {p}", r"\bwith (?P<a>\w+)"),
    Habit(r"(?P<b>\w+)", "with {b} at start", r"\bwith tokens?"),
    Habit(r"= ", "a let stands before by: let {a} = h // 2 in by {a}, h, w", r"\bwith (?P<a>\w+)"),
    Habit(rf", {_SUFFIX}", "no comma stands before `{b}`"),
    Habit(_SUFFIX, "no comma stands before `{b}`", r"^[^()]*,"),
    Habit(r"(?:when|if|where|every|each|per|after|at|on) (?P<b>\w+)", "restart by {b}", r"\brestart"),
    Habit(r"reset(?:s|ting)?(?: (?:by|at|on|when|every|each|per))? (?P<b>(?!by\b)\w+)", "restart by {b}"),
    Habit(r"reset\b", "name what the state restarts by: restart by h"),
    Habit(r"(?P<b>\w+)", '{a} "{b}", in double quotes', r"\b(?P<a>source|note)"),
    Habit(r"[=:]", '{a} "…", without a sign', r"\b(?P<a>source|note)"),
    Habit(r"$", 'a text follows: {a} "…"', r"\b(?P<a>source|note)"),
    Habit(r"[:=]", "by stands without a sign: by h, w", r"\bby"),
    Habit(r"\.\.+|…", "name each key: by h, w", r"(?:\bby|\bby [^()]*,)"),
    Habit(r",", "a key is missing before this comma", r"\bby"),
    Habit(r"\*", "there is no wildcard and no unpacking: name each, as in by h, w", r"\bby|,|\("),
    Habit(r"\+", "leave this sign out", r"\bby|,|\("),
    Habit('""', "names are written without quotes: by h, w", r"\bby|,|\("),
    Habit(r"[*^]", _SIGNS, r"\( - 1 \)(?: \*)?"),
    Habit(r"~ =", "write `!=`: h != w", r"[\w)]"),
    Habit(r"= (?P<op>[<>])", "signs of comparison end in =: {op}=", r"[\w)]"),
    Habit(r"\\ (?P<b>\w+)", "`//` divides, and rounds down: {a} // {b}", r"(?P<a>\w+)"),
    Habit(r"\. (?:\^|\*|/|//|\+|-|%|[<>=])", "operators stand without a point: h // 2, h * h", r"[\w)]"),
    Habit(r"'(?:$| [,)])", "there is no sign for it: transpose({a})", r"\b(?P<a>\w{3,})"),
    Habit(r"[&|] (?P<b>\w+)$", "paths are merged: sum({a}, {b})", r"^(?:scan|plan) \w+ = (?P<a>\w+)"),
    Habit(r": ?\d", "how often a scan is used is written by *: {a} * 2", r"\b(?:layers|cycle) \(.*?(?P<a>\w+)"),
    Habit(r", \d", "how often a scan is used is written by *: {a} * 2", r"\b(?:layers|cycle) \(.*?\( (?P<a>\w+)"),
    Habit(":", "the keys of the groups stand in parentheses: within (h // 7, w // 7): …", r"\bwithin"),
    Habit(r"\[ (?P<b>\w+) \]", f"{_IN_FRONT}{{a}}[{{b}}](…)", r"\b(?P<a>\w+) \([^()]*\)"),
    Habit(r"\[ (?P<k>\w+) = (?P<b>\w+)", f"{_IN_FRONT}{{a}}[{{k}}={{b}}](…)", r"\b(?P<a>\w+) \([^()]*\)"),
    Habit(r"\{ (?P<n>\w+) \}", "parameters stand in brackets: {a}[{n}]", r"\b(?P<a>\w+)(?<!\bin)"),
    Habit(r"(?P<k>\w+) = (?P<n>\d+)", "parameters stand in brackets: {a}[{k}={n}]", r"^\w+ \w+ = (?P<a>\w+)"),
    Habit(r">", "parameters stand in brackets: {a}[{n}]", r"= (?P<a>\w+) < (?P<n>\d+)"),
    Habit(r"<", "parameters stand in brackets: {kind} {a}[k=4] = …", rf"^{_KIND} (?P<a>\w+)"),
    Habit(
        r"= (?P<n>\d+)",
        "parameters have brackets: {kind} {a}[{k}={n}] = …",
        rf"^{_KIND} (?P<a>\w+) \( (?P<k>\w+)",
    ),
    Habit(
        r"(?P<k>\w+)",
        "parameters are numbers, without a type: [{k}=4]",
        r"^\w+ \w+ \[ (?:[^\]]*, )?\w+",
    ),
    Habit(r">", "`=` follows the name: {kind} {a} = by h, w", rf"^{_KIND} (?P<a>\w+) ="),
    Habit(r"- (?P<b>\w+)", "names are joined by _: {a}_{b}", r"^(?:order|scan|plan) (?P<a>\w+)"),
    Habit(r"\d", "a name begins with a letter", r"^(?:order|scan|plan)"),
    Habit(r"(?!by\b|is\b|as\b)(?P<b>\w+) [=\[(]", "a name is one word: {a}_{b}", r"^(?:order|scan|plan) (?P<a>\w+)"),
    Habit(
        rf"{_NO_WORD}\w+ (?P<a>\w+) (?:[\[(][^=]*)?[=:]",
        _KINDS,
        r"^(?:grid [\w ,]*)?",
    ),
    Habit(r"(?:then|followed by)\b", "keys are separated by commas: by h, w", r"(?:^|\bby |= )(?:(?!\bif\b).)*"),
    Habit(r"\w", "keys are separated by commas: by h, w", r"\band then"),
    Habit(r",", "conditions are joined by and: where h > 0 and w > 0", r"\bwhere [^()]*"),
    Habit(r"limit\b|top\b|take\b", "part of the grid is kept by where: where h < 3"),
    Habit(r"and (?P<b>\w+) at (?P<p>\w+)", "tokens are separated by commas: , {b} at {p}", r"\bwith .* at \w+"),
    # What is missing at the end.
    Habit("$", "the names of the axes follow: grid h, w", r"^grid"),
    Habit("$", "keys follow: by h, w", r"(?<!\brestart )\bby"),
    Habit("$", "a condition follows: where h < 3", r"\bwhere"),
    Habit("$", "name the other strategy: expect same as row", r"\bexpect same(?: as)?"),
    Habit("$", "what it is follows: {kind} {a} = by h, w", rf"^{_KIND} (?P<a>\w+)(?: \[.*\])?(?: =)?"),
    Habit("$", "a name and what it is follow: {kind} a = by h, w", rf"^{_KIND}"),
)
