"""``by "(h k1) (w k2) -> h w k1 k2", k1=7, k2=7``: axes split into factors and visited in another order, as keys.

The left side names, for each axis of the grid in order, what it is split into; the right side is the order of visiting,
the slowest first. A group's outermost factor counts the blocks, its size is what the extent leaves; the others have the
sizes given. It means no more than the keys ``h // 7, w // 7, h % 7, w % 7``, and prints as these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from scanlab.ir.diagnostics import ScanlabError, Span
from scanlab.ir.expr import LARGEST_INT, Axis, Binary, Expr, Int
from scanlab.ir.text import count_text
from scanlab.ir.values import Key
from scanlab.language import syntax as tree
from scanlab.language.keys import constant
from scanlab.language.scope import Scope

__all__ = ["regrouped"]

_WORDS = re.compile(r"[A-Za-z_]\w*|\d+|->|\.\.\.|\S")
_EXAMPLE = 'as in by "(h k) w -> h w k", k=7'


@dataclass(frozen=True)
class _Word:
    text: str
    span: Span

    @property
    def is_name(self) -> bool:
        """Whether it can name a factor."""
        return re.fullmatch(r"[A-Za-z_]\w*", self.text) is not None


def regrouped(node: tree.Regroup, scope: Scope) -> list[Key]:
    """The keys of a pattern. Raises S282 for a pattern that is none, S283 for sizes that do not fit it."""
    left, right = _sides(node)
    axes = scope.axes_or_error(node.span)
    groups = _groups(left, node)
    _check_axes(groups, axes, node)
    sizes = _sizes(node, groups, scope)
    factors: dict[str, Expr] = {}
    for axis, group in zip(axes, groups, strict=True):
        _check_group(group, sizes)
        factors |= _factors(axis, group, sizes)
    return _visited(right, factors, node)


def _wrong(what: str, span: Span, help: str = _EXAMPLE) -> ScanlabError:
    return ScanlabError.at("S282", what, span, help=help)


def _sides(node: tree.Regroup) -> tuple[list[_Word], list[_Word]]:
    start = node.span.start + 1
    words = [
        _Word(m[0], Span(node.span.source, start + m.start(), start + m.end())) for m in _WORDS.finditer(node.pattern)
    ]
    arrows = [i for i, w in enumerate(words) if w.text == "->"]
    if len(arrows) != 1:
        where = words[arrows[1]].span if arrows else node.span
        raise _wrong(f"a pattern has one `->`, this has {len(arrows) or 'none'}", where)
    _check_brackets(words)
    left, right = words[: arrows[0]], words[arrows[0] + 1 :]
    for word in words:
        if not word.is_name and word.text not in ("(", ")", "->", "~"):
            raise _wrong(f"`{word.text}` has no meaning in a pattern", word.span, _instead(word.text))
    return left, right


def _instead(text: str) -> str:
    if text.isdigit():
        return f'name it, and give its size behind the pattern: by "(h k) w -> h w k", k={text}'
    if text == "...":
        return "name a group for each axis of the grid"
    return f"it is made of names, parentheses, ~ and one ->, {_EXAMPLE}"


def _check_brackets(words: list[_Word]) -> None:
    opened: _Word | None = None
    for word in words:
        if (word.text == "(" and opened is not None) or (word.text == ")" and opened is None):
            what = "parentheses do not nest in a pattern" if word.text == "(" else "this parenthesis closes none"
            raise _wrong(what, word.span)
        if word.text == "->" and opened is not None:
            break
        opened = word if word.text == "(" else None if word.text == ")" else opened
    if opened is not None:
        raise _wrong("this parenthesis is not closed", opened.span)


def _groups(words: list[_Word], node: tree.Regroup) -> list[list[_Word]]:
    """The factors of each axis: a name alone is a group of one."""
    groups: list[list[_Word]] = []
    seen: set[str] = set()
    inside = False
    for word in words:
        if word.text == "~":
            raise _wrong("`~` stands on the right side, before the name that it turns", word.span)
        if word.text == "(":
            groups.append([])
        elif word.is_name:
            if word.text in seen:
                raise _wrong(f"`{word.text}` is named twice on the left side", word.span)
            seen.add(word.text)
            groups += [] if inside else [[]]
            groups[-1].append(word)
        elif not groups[-1]:
            raise _wrong("this group is empty", word.span)
        inside = word.text == "(" or (inside and word.text != ")")
    if not groups:
        raise _wrong("the left side names no axis", node.span)
    return groups


def _check_axes(groups: list[list[_Word]], axes: tuple[str, ...], node: tree.Regroup) -> None:
    if len(groups) != len(axes):
        what = f"the left side has {count_text(len(groups), 'group')}"
        grid = f"{count_text(len(axes), 'axis')} ({', '.join(axes)})"
        raise _wrong(
            f"{what}, the grid has {grid}", node.span, "name one group for each axis of the grid, in its order"
        )
    for axis, group in zip(axes, groups, strict=True):
        for word in group:
            if word.text in axes and word.text != axis:
                help = f"groups stand in the order of the axes: {', '.join(axes)}"
                raise _wrong(f"`{word.text}` names a part of the axis {axis} here", word.span, help)


def _sizes(node: tree.Regroup, groups: list[list[_Word]], scope: Scope) -> dict[str, int]:
    sizes: dict[str, int] = {}
    named = [w.text for group in groups for w in group]
    for argument in node.sizes:
        name = argument.name or ""
        if name in sizes:
            raise ScanlabError.at("S283", f"the size of `{name}` is given twice", argument.span)
        if name not in named:
            help = f"the left side names {', '.join(named)}"
            raise ScanlabError.at("S283", f"the pattern has no `{name}`", argument.span, help=help)
        sizes[name] = constant(argument.value, scope)
        if sizes[name] < 1:
            raise ScanlabError.at("S283", f"`{name}` has size {sizes[name]}; sizes are 1 or more", argument.span)
    return sizes


def _check_group(group: list[_Word], sizes: dict[str, int]) -> None:
    outer, inner = group[0], group[1:]
    for word in inner:
        if word.text not in sizes:
            help = f"give it behind the pattern, as in {word.text}=7"
            if outer.text in sizes:
                help = (
                    f"give the size of `{word.text}` instead of that of `{outer.text}`: on an extent that is no "
                    f"multiple, blocks of the same size end in a smaller one, and their number follows"
                )
            raise ScanlabError.at("S283", f"the size of `{word.text}` is missing", word.span, help=help)
    if outer.text in sizes:
        what = f"`{outer.text}` is the outermost of its group, whose size is what the extent leaves"
        help = f"leave {outer.text}={sizes[outer.text]} out; which grids are meant, an assumption says: assume H == 14"
        raise ScanlabError.at("S283", what, outer.span, help=help)


def _factors(axis: str, group: list[_Word], sizes: dict[str, int]) -> dict[str, Expr]:
    """Each factor as a key: ``(h a b)`` is ``h // (a * b)``, ``h // b % a``, ``h % b``."""
    keys: dict[str, Expr] = {}
    unit = 1
    for word in reversed(group):
        key: Expr = Axis(axis) if unit == 1 else Binary("//", Axis(axis), Int(unit))
        if word is not group[0]:
            key = Binary("%", key, Int(sizes[word.text]))
            unit *= sizes[word.text]
            if unit > LARGEST_INT:
                raise ScanlabError.at("S106", f"the sizes of this group multiply to more than {LARGEST_INT}", word.span)
        keys[word.text] = key
    return keys


def _visited(words: list[_Word], factors: dict[str, Expr], node: tree.Regroup) -> list[Key]:
    keys: dict[str, Key] = {}
    turned: _Word | None = None
    for word in words:
        if turned is not None and not word.is_name:
            raise _wrong("`~` stands before a name", turned.span)
        if word.is_name:
            if word.text in keys:
                raise _wrong(f"`{word.text}` is visited twice on the right side", word.span)
            if word.text not in factors:
                raise _wrong(f"the left side has no `{word.text}`", word.span, f"it names {', '.join(factors)}")
            keys[word.text] = Key(factors[word.text], turned is not None, word.span)
        turned = word if word.text == "~" else None
    if turned is not None:
        raise _wrong("`~` stands before a name", turned.span)
    _check_complete(factors, keys, node)
    return list(keys.values())


def _check_complete(factors: Iterable[str], keys: dict[str, Key], node: tree.Regroup) -> None:
    missing = [name for name in factors if name not in keys]
    if missing:
        names = ", ".join(f"`{n}`" for n in missing)
        help = "name each part of the left side once on the right side, the slowest first"
        raise _wrong(f"the right side leaves out {names}", node.span, help)
