"""What a name can mean while a definition is read, and the errors of names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from scanlab.ir.diagnostics import Edit, ScanlabError, Span
from scanlab.ir.expr import Expr
from scanlab.ir.guesses import nearest
from scanlab.ir.merges import MERGES
from scanlab.ir.values import Order, Plan, Scan
from scanlab.language import syntax as tree
from scanlab.language.names_elsewhere import NAMES

__all__ = ["COMBINATORS", "Meaning", "Scope", "Template", "few_of", "unknown_name", "wrong_kind"]

COMBINATORS = (*MERGES, "cycle", "layers", "orbit")
DEEPEST_DEFINITIONS = 40

Meaning = Expr | Order | Scan | Plan


@dataclass(frozen=True)
class Template:
    """A definition as written, with the grid above it and what that assumes; it gets its value where it is used."""

    syntax: tree.Definition
    axes: tuple[str, ...] | None
    assume: tuple[Expr, ...] = ()

    @property
    def name(self) -> str:
        """The defined name."""
        return self.syntax.name.text


@dataclass(frozen=True)
class Scope:
    """The names in force: axes of the grid, local names (``let``, parameters, formals), definitions.

    ``within``: the keys of the groups whose boxes coordinates, extents and curves speak of here; none for the grid.
    """

    axes: tuple[str, ...] | None
    find: Callable[[str], Template | None]
    known: Callable[[], Iterable[str]]
    locals: Mapping[str, Meaning] = field(default_factory=dict)
    stack: tuple[str, ...] = ()
    memo: dict[object, Meaning] = field(default_factory=dict, compare=False)
    reached: bool = True
    within: tuple[Expr, ...] = ()

    def unreached(self) -> Scope:
        """The scope of what may never be evaluated, such as a branch: a division by zero is no error there yet."""
        return replace(self, reached=False) if self.reached else self

    def axes_or_error(self, span: Span) -> tuple[str, ...]:
        """The grid's axes. Raises S200 where no grid line stands above."""
        if self.axes is None:
            raise ScanlabError.at("S200", "no grid is declared above this line", span, help="start with: grid h, w")
        return self.axes

    def bind(self, name: tree.Word, meaning: Meaning) -> Scope:
        """The scope with one more local name. Raises S203 where it would hide an axis or an extent."""
        self.check_free(name)
        return replace(self, locals={**self.locals, name.text: meaning})

    def check_free(self, name: tree.Word) -> None:
        """Raise S203 where the word already means an axis, an extent or a combinator."""
        for axis in self.axes or ():
            if name.text in (axis, axis.upper()):
                what = f"the axis {axis}" if name.text == axis else f"the extent of the axis {axis}"
                raise ScanlabError.at("S203", f"`{name.text}` is {what} here", name.span, help="choose another name")

    def inside(self, name: str, axes: tuple[str, ...] | None, span: Span) -> Scope:
        """The scope of a definition's body. Raises S207 for a definition that uses itself, or nests too deeply."""
        if name in self.stack:
            loop = " → ".join([*self.stack[self.stack.index(name) :], name])
            raise ScanlabError.at(
                "S207", f"`{name}` is defined by itself: {loop}", span, help="definitions cannot be recursive"
            )
        if len(self.stack) >= DEEPEST_DEFINITIONS:
            raise ScanlabError.at(
                "S207", f"definitions use each other more than {DEEPEST_DEFINITIONS} levels deep", span
            )
        return replace(self, axes=axes, locals={}, stack=(*self.stack, name), reached=True, within=())

    def key_names(self) -> list[str]:
        """What can stand in a key."""
        axes = self.axes or ()
        return [*axes, *(a.upper() for a in axes), *(n for n, m in self.locals.items() if isinstance(m, Expr))]

    def path_names(self, applied: bool = False) -> list[str]:
        """What can stand for a path on the grid here: alone, or else ``applied`` to coordinates or to paths."""
        local = [n for n, m in self.locals.items() if not isinstance(m, Expr)]
        known = [n for n in self.known() if self._fits(n, applied)]
        return [*local, *COMBINATORS, *known] if applied else [*local, *known]

    def helper_names(self) -> list[str]:
        """The helpers that take one path."""
        return [n for n in self.known() if (t := self.find(n)) is not None and len(t.syntax.formals) == 1]

    def _fits(self, name: str, applied: bool) -> bool:
        template = self.find(name)
        if template is None or applied:
            return template is not None
        axes = self.axes if self.axes is not None else ()
        open_parameters = any(p.default is None for p in template.syntax.parameters)
        return not template.syntax.formals and not open_parameters and len(template.axes or ()) == len(axes)


def unknown_name(word: str, span: Span, names: Iterable[str], otherwise: str) -> ScanlabError:
    """S201, with the nearest known name as the suggested edit. ``span`` starts with the word.

    names: those that fit where it stands, or what to write for each of them. otherwise: the help where none is near.
    """
    texts = names if isinstance(names, Mapping) else {n: n for n in names}
    span = Span(span.source, span.start, span.start + len(word))
    if word in NAMES:
        return ScanlabError.at("S201", f"unknown name `{word}`", span, help=NAMES[word])
    # A single letter is near to every short word.
    close = nearest(word, sorted(n for n in texts if len(n) > 1 or n.lower() == word.lower()), 1)
    if close:
        meant = texts[close[0]]
        return ScanlabError.at(
            "S201", f"unknown name `{word}`", span, help=f"did you mean `{meant}`?", edit=Edit(span, meant)
        )
    return ScanlabError.at("S201", f"unknown name `{word}`", span, help=otherwise)


def few_of(what: str, names: Iterable[str]) -> str:
    """Some known names, to choose from."""
    known = sorted(set(names))
    return f"{what} {', '.join(known[:12])}{', …' if len(known) > 12 else ''}"


def wrong_kind(given: str, wanted: str, span: Span, help: str = "") -> ScanlabError:
    """S206: one kind of thing stands where another is needed."""
    return ScanlabError.at("S206", f"{given} stands where {wanted} is needed", span, help=help)
