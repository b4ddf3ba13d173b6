"""The rules of a curve by rewriting: as options in a text, with a caret under the sign that is wrong, and in Python."""

from __future__ import annotations

from collections.abc import Mapping

from scanlab.ir.diagnostics import ScanlabError, Span
from scanlab.ir.lsystems import START, BadRules, Rules, rewriting
from scanlab.ir.text import shortened
from scanlab.language import syntax as tree

__all__ = ["python_rules", "written_rules"]

_FORM = 'rules are strings by letter, as in lsystem(h, w, start="L", L="-RF+LFL+FR-", R="+LF-RFR-FL+")'


def written_rules(node: tree.Apply, options: tuple[tree.Argument, ...]) -> Rules:
    """The rules that the options of a call give. Raises S211 for what is no rule, and S291 for no curve."""
    texts: dict[str, tree.Text] = {}
    for argument in options:
        name, value = argument.name or "", argument.value
        if not isinstance(value, tree.Text):
            raise ScanlabError.at("S211", f"the rule `{name}` is no string", value.span, help=_FORM)
        _check_name(name, argument.span)
        if name in texts:
            raise ScanlabError.at("S211", f"the rule `{name}` is given twice", argument.span)
        texts[name] = value
    places = {name: [i for i, sign in enumerate(text.value) if not sign.isspace()] for name, text in texts.items()}
    try:
        return _rules_of({name: text.value for name, text in texts.items()}, node.span)
    except BadRules as bad:
        if bad.rule not in texts:
            raise _refused(bad, node.span) from None
        span, at = texts[bad.rule].span, places[bad.rule]
        # A rule that is wrong as a whole is all underlined, else its one sign.
        sign = span if bad.at is None or bad.at >= len(at) else _sign(span, at[bad.at])
        raise _refused(bad, sign) from None


def _sign(span: Span, at: int) -> Span:
    return Span(span.source, span.start + 1 + at, span.start + 2 + at)


def _rules_of(given: Mapping[str, object], span: Span | None = None) -> Rules:
    """The rules as a curve holds them: sorted, without white space, the first rule's letter as ``start``.

    Raises S211 for what is no rule, and BadRules where a rule is wrong.
    """
    texts: dict[str, str] = {}
    for name, text in given.items():
        _check_name(name, span)
        if not isinstance(text, str):
            raise ScanlabError.at("S211", f"the rule `{name}` is no string", span, help=_FORM)
        texts[name] = "".join(text.split())
    if not set(texts) - {START}:
        raise ScanlabError.at("S291", "a curve by rewriting needs rules", span, help=_FORM)
    texts.setdefault(START, next(name for name in texts if name != START))
    rules = tuple(sorted(texts.items()))
    rewriting(rules)
    return rules


def python_rules(given: Mapping[str, object]) -> Rules:
    """The rules that keyword arguments give. Raises S211 for what is no rule, and S291 for no curve."""
    try:
        return _rules_of(given)
    except BadRules as bad:
        raise _refused(bad, None, f'{bad.rule}="{shortened(str(given.get(bad.rule, "")))}"') from None


def _check_name(name: str, span: Span | None) -> None:
    if name != START and (len(name) != 1 or name in "Ff_"):
        raise ScanlabError.at("S211", f"`{name}` is no letter that can have a rule", span, help=_FORM)


def _refused(bad: BadRules, span: Span | None, note: str = "") -> ScanlabError:
    place = "" if bad.at is None else f", sign {bad.at + 1}"
    what = "the start" if bad.rule == START else f"the rule of `{bad.rule}`"
    message = f"{what} makes no curve that fills squares{'' if span else place}: {bad.why}"
    return ScanlabError.at("S291", message, span, note=note, help=bad.help or _FORM)
