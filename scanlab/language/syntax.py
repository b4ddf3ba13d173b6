"""The syntax tree: what was written, and where. Its nodes mean nothing yet.

node := Number | Text | Name | Unary | Binary | Conditional | Apply | By | Within | Let | Suffixed
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from scanlab.ir.diagnostics import ScanlabError, Span

__all__ = [
    "Apply",
    "Argument",
    "Binary",
    "Binding",
    "By",
    "Clause",
    "Conditional",
    "Definition",
    "Grid",
    "Let",
    "Name",
    "Node",
    "Number",
    "Parameter",
    "Regroup",
    "Suffix",
    "Suffixed",
    "Text",
    "TokenAt",
    "Unary",
    "Within",
    "Word",
    "names_in",
]


DEEPEST_TREE = 256


@dataclass(frozen=True)
class Node:
    """Anything with a place in the source; ``depth`` counts the longest branch below it, and is bounded (S105)."""

    span: Span
    depth: int = field(init=False, repr=False, compare=False, default=1)

    def __post_init__(self) -> None:
        depth = 1
        for value in vars(self).values():
            for below in value if isinstance(value, tuple) else (value,):
                if isinstance(below, Node) and below.depth >= depth:
                    depth = below.depth + 1
        if depth > DEEPEST_TREE:
            raise ScanlabError.at(
                "S105",
                f"this expression is more than {DEEPEST_TREE} operations deep",
                self.span,
                help="name its parts with `let` or with definitions of their own",
            )
        object.__setattr__(self, "depth", depth)


@dataclass(frozen=True)
class Word(Node):
    """A bare identifier with its place: a name being defined, an axis, a keyword argument."""

    text: str


@dataclass(frozen=True)
class Number(Node):
    """An integer literal."""

    value: int


@dataclass(frozen=True)
class Text(Node):
    """A string that is given as an option; ``value`` is what stands between its quotes."""

    value: str


@dataclass(frozen=True)
class Name(Node):
    """A use of a name."""

    text: str


@dataclass(frozen=True)
class Unary(Node):
    """``- operand``, ``~ operand``, ``not operand``."""

    op: str
    operand: Node


@dataclass(frozen=True)
class Binary(Node):
    """``left op right``."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Conditional(Node):
    """``then if condition else otherwise``."""

    then: Node
    condition: Node
    otherwise: Node


@dataclass(frozen=True)
class Argument(Node):
    """``value`` or ``name=value`` in brackets or parentheses."""

    name: str | None
    value: Node


@dataclass(frozen=True)
class Apply(Node):
    """``name[parameters](arguments)``; None stands for brackets or parentheses that were not written.

    ``within``: the keys of ``name(arguments) within (key, …)``.
    """

    name: str
    parameters: tuple[Argument, ...] | None
    arguments: tuple[Argument, ...] | None
    within: tuple[Node, ...] = ()


@dataclass(frozen=True)
class TokenAt(Node):
    """``cls at middle``, ``cls at end fixed``."""

    name: str
    place: str
    fixed: bool


@dataclass(frozen=True)
class Suffix(Node):
    """``where …``, ``restart by …``, ``with …``, ``assume …``: items are expressions, or TokenAt nodes for ``with``."""

    kind: str
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Regroup(Node):
    """``"(h k) w -> h w k", k=7`` in place of keys: the pattern between its quotes, and sizes by name."""

    pattern: str
    sizes: tuple[Argument, ...]


@dataclass(frozen=True)
class By(Node):
    """``by key, key … suffix…``."""

    keys: tuple[Node, ...]
    suffixes: tuple[Suffix, ...]


@dataclass(frozen=True)
class Within(Node):
    """``within (key, key …): key, key …``, the last item of a ``by``."""

    groups: tuple[Node, ...]
    keys: tuple[Node, ...]


@dataclass(frozen=True)
class Suffixed(Node):
    """A named or computed path with suffixes."""

    base: Node
    suffixes: tuple[Suffix, ...]


@dataclass(frozen=True)
class Binding(Node):
    """``name = value`` in a ``let``."""

    name: Word
    value: Node


@dataclass(frozen=True)
class Let(Node):
    """``let name = value, … in body``."""

    bindings: tuple[Binding, ...]
    body: Node


@dataclass(frozen=True)
class Grid(Node):
    """``grid h, w assume H % 4 == 0``: the axes of the definitions below it, and what these assume of the extents."""

    axes: tuple[Word, ...]
    assume: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Parameter(Node):
    """``k`` or ``k=7`` in a definition's brackets."""

    name: Word
    default: Node | None


@dataclass(frozen=True)
class Clause(Node):
    """``expect …``, ``source "…"``, ``note "…"`` after a definition's body.

    ``axis`` and ``latency`` are those of ``expect streamable in t with latency 2``.
    """

    kind: str
    value: Node | str | None = None
    axis: Word | None = None
    latency: int | None = None


@dataclass(frozen=True)
class Definition(Node):
    """``"doc" kind name[parameters](formals) = body clause…``."""

    kind: str
    name: Word
    doc: str
    parameters: tuple[Parameter, ...]
    formals: tuple[Word, ...]
    body: Node
    clauses: tuple[Clause, ...]


def names_in(node: Node) -> Iterator[str]:
    """Every name that is used in a node, and every name of an argument."""
    if isinstance(node, Name):
        yield node.text
    if isinstance(node, Apply):
        yield node.name
    if isinstance(node, Argument) and node.name is not None:
        yield node.name
    for value in vars(node).values():
        for below in value if isinstance(value, tuple) else (value,):
            if isinstance(below, Node):
                yield from names_in(below)
