"""What a name can mean while a definition is read, and the errors of names."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from scanlab.ir.diagnostics import Edit, ScanlabError, Span
from scanlab.ir.expr import Expr
from scanlab.ir.functions import ARITHMETIC, CURVES
from scanlab.ir.values import MERGES, Order, Plan, Scan
from scanlab.language import syntax as tree
from scanlab.language.habits import NAMES

__all__ = ["COMBINATORS", "Meaning", "Scope", "Template", "unknown_name", "wrong_kind"]

COMBINATORS = (*MERGES, "cycle", "layers", "orbit")
DEEPEST_DEFINITIONS = 40

Meaning = Expr | Order | Scan | Plan


@dataclass(frozen=True)
class Template:
    """A definition as written, with the grid above it; it gets its value where it is used."""

    syntax: tree.Definition
    axes: tuple[str, ...] | None

    @property
    def name(self) -> str:
        """The defined name."""
        return self.syntax.name.text


@dataclass(frozen=True)
class Scope:
    """The names in force: axes of the grid, local names (``let``, parameters, formals), definitions."""

    axes: tuple[str, ...] | None
    find: Callable[[str], Template | None]
    known: Callable[[], Iterable[str]]
    locals: Mapping[str, Meaning] = field(default_factory=dict)
    stack: tuple[str, ...] = ()
    memo: dict[object, Meaning] = field(default_factory=dict, compare=False)
    reached: bool = True

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
        return replace(self, axes=axes, locals={}, stack=(*self.stack, name), reached=True)

    def key_names(self) -> list[str]:
        """What can stand in a key."""
        axes = self.axes or ()
        return [*axes, *(a.upper() for a in axes), *self.locals, *CURVES, *ARITHMETIC, "visit"]

    def path_names(self) -> list[str]:
        """What can stand for a path."""
        return [*self.locals, *COMBINATORS, *self.known()]


def unknown_name(word: str, span: Span, names: Iterable[str], what: str, hint: str = "") -> ScanlabError:
    """S201, with the nearest known name as the suggested edit. ``span`` starts with the word.

    hint: what to say beside the known names, where none of them is near.
    """
    candidates = sorted(set(names))
    span = Span(span.source, span.start, span.start + len(word))
    if word in NAMES:
        return ScanlabError.at("S201", f"unknown name `{word}`", span, help=NAMES[word])
    close = difflib.get_close_matches(word, candidates, 1, 0.6)
    if close:
        return ScanlabError.at(
            "S201", f"unknown name `{word}`", span, help=f"did you mean `{close[0]}`?", edit=Edit(span, close[0])
        )
    few = ", ".join(candidates[:12]) + (", …" if len(candidates) > 12 else "")
    return ScanlabError.at("S201", f"unknown name `{word}`", span, help=f"{what}: {few}{hint}")


def wrong_kind(found: str, wanted: str, span: Span, help: str = "") -> ScanlabError:
    """S206: one kind of thing stands where another is needed."""
    return ScanlabError.at("S206", f"{found} stands where {wanted} is needed", span, help=help)
