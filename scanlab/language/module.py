"""A text or a file as a module: its definitions with values, claims and documentation, and its problems."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scanlab.ir.diagnostics import Diagnostic, ScanlabError, Source, Span
from scanlab.ir.expr import Expr
from scanlab.ir.text import reason_of, shortened
from scanlab.ir.values import Claim, Value
from scanlab.language import syntax as tree
from scanlab.language.assumptions import check_possible, read_assumptions
from scanlab.language.parse import Broken, decode, parse_body, parse_statements
from scanlab.language.read_paths import define, path
from scanlab.language.scope import COMBINATORS, Scope, Template, unknown_name

__all__ = ["Definition", "Module", "declared", "grid_axes", "parse_value", "read_file", "read_module"]

CLAIMS = ("continuous", "covers", "same", "streamable")

MOST_AXES = 5


@dataclass(frozen=True)
class Definition:
    """One definition: ``value`` is None where it has parameters without default, or takes paths (a helper).

    ``syntax``: its tree as written, with the place of every node."""

    name: str
    kind: str
    axes: tuple[str, ...]
    value: Value | None
    doc: str
    source: str
    note: str
    claims: tuple[Claim, ...]
    signature: str
    body: str
    span: Span
    syntax: tree.Node | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Module:
    """The definitions of one text, in order, and what is wrong with it (sorted by place).

    ``failures``: what is wrong with each named definition that has no meaning; all of it is in ``problems``, too.
    """

    name: str
    definitions: tuple[Definition, ...]
    problems: tuple[Diagnostic, ...]
    templates: dict[str, Template] = field(repr=False, compare=False, default_factory=dict)
    failures: dict[str, tuple[Diagnostic, ...]] = field(repr=False, compare=False, default_factory=dict)

    def __getitem__(self, name: str) -> Definition:
        for definition in self.definitions:
            if definition.name == name:
                return definition
        raise KeyError(name)

    def raise_problems(self) -> Module:
        """The module itself, if nothing is wrong with it; else ScanlabError with all of its problems."""
        if self.problems:
            raise ScanlabError(self.problems)
        return self

    def failure(self, name: str) -> ScanlabError:
        """Why a name in ``failures`` has no meaning; S217 comes first where another definition is the reason."""
        reasons = self.failures[name]
        template = self.templates.get(name)
        if template is None or any(_within(d, template.syntax.span) for d in reasons):
            return ScanlabError(reasons)
        guilty = [
            n
            for n, t in self.templates.items()
            if n in self.failures and any(_within(d, t.syntax.span) for d in reasons)
        ]
        guilty += [n for n in self.failures if n not in self.templates and self.failures[n] == reasons]
        what = f"`{guilty[0]}`, which" if guilty else "something that"
        return ScanlabError(
            (
                Diagnostic(
                    "S217",
                    f"`{name}` cannot be used: it depends on {what} is broken",
                    template.syntax.name.span,
                    help="mend that one first; definitions that do not depend on it can be used",
                ),
                *reasons,
            )
        )


def _within(diagnostic: Diagnostic, span: Span) -> bool:
    own = diagnostic.span
    return own is not None and own.source is span.source and span.start <= own.start < span.end


def read_file(file: Path) -> Source:
    """The source in a file. Raises S107 (missing, a folder, not readable), S103 or S104."""
    try:
        return decode(file.read_bytes(), str(file))
    except (OSError, ValueError) as error:
        # A path with a null byte is a ValueError of Python's own.
        folder = isinstance(error, IsADirectoryError | PermissionError) and file.is_dir()
        reason = "it is a folder" if folder else reason_of(error).lower()
        name = shortened(str(file).replace("\0", "\\0"), 200)
        raise ScanlabError.at("S107", f"cannot read {name}: {reason}", help="give the path of a .scan file") from None


def read_module(source: Source, library: Callable[[], dict[str, Template]] = dict) -> Module:
    """Read all definitions of a source; names that it does not define are looked up in ``library()``."""
    own = declared(source, {})
    scope = _scope(own, library)
    findings, failures = list(own.findings), dict(own.broken)
    definitions = []
    for name, template in own.templates.items():
        try:
            definitions.append(_define(template, scope))
        except ScanlabError as error:
            findings += error.diagnostics
            failures[name] = error.diagnostics
    unique = _with_one_missing_grid(sorted(dict.fromkeys(findings), key=Diagnostic.sort_key))
    return Module(source.name, tuple(definitions), tuple(unique), own.templates, failures)


def _with_one_missing_grid(findings: list[Diagnostic]) -> list[Diagnostic]:
    """The findings; a missing grid line is one mistake, however many definitions stand above the first."""
    missing = [d for d in findings if d.code == "S200"]
    return [d for d in findings if d.code != "S200" or d is missing[0]]


@dataclass
class Declared:
    """The definitions of a source as written, by name; what is wrong with those that cannot be; and all findings."""

    templates: dict[str, Template] = field(default_factory=dict)
    broken: dict[str, tuple[Diagnostic, ...]] = field(default_factory=dict)
    findings: list[Diagnostic] = field(default_factory=list)

    def fail(self, name: str, why: tuple[Diagnostic, ...]) -> None:
        """Note what is wrong, with a definition of this name, unless there is a sound one."""
        self.findings += why
        if name and name not in self.templates:
            self.broken.setdefault(name, why)


def declared(source: Source, elsewhere: Mapping[str, Template]) -> Declared:
    """What a source defines. A name that is defined ``elsewhere`` is a duplicate (S202).

    Under a broken grid line no definition has a meaning; only the grid line is reported.
    """
    read = Declared()
    axes: tuple[str, ...] | None = None
    assume: tuple[Expr, ...] = ()
    no_axes: tuple[Diagnostic, ...] = ()
    for statement in parse_statements(source):
        name = ""
        try:
            match statement:
                case Broken(kind="grid", diagnostics=why):
                    no_axes = why
                    read.fail("", why)
                case Broken(name=name, diagnostics=why):
                    read.fail(name, why)
                case tree.Grid():
                    axes, no_axes = grid_axes(statement), ()
                    assume = grid_assumptions(statement, axes)
                case tree.Definition():
                    name = statement.name.text
                    if no_axes:
                        read.fail(name, no_axes)
                    else:
                        _declare(Template(statement, axes, assume), read.templates, elsewhere)
        except ScanlabError as error:
            if isinstance(statement, tree.Grid):
                no_axes = error.diagnostics
            read.fail(name, error.diagnostics)
    return read


def parse_value(source: Source, axes: tuple[str, ...], library: Callable[[], dict[str, Template]] = dict) -> Value:
    """The value of one body such as ``by h, ~w`` or ``sum(row, -row)`` on a grid with these axes."""
    scope = Scope(axes, lambda name: library().get(name), lambda: library().keys())
    return path(parse_body(source), scope)


def _scope(own: Declared, library: Callable[[], dict[str, Template]]) -> Scope:
    def find(name: str) -> Template | None:
        if name in own.broken:
            # What depends on a broken definition has the same fault, which is reported once.
            raise ScanlabError(own.broken[name])
        template = own.templates.get(name)
        return template if template is not None else library().get(name)

    def known() -> Iterable[str]:
        return [n for n in (*own.templates, *library()) if n not in own.broken]

    return Scope(None, find, known)


def grid_axes(grid: tree.Grid) -> tuple[str, ...]:
    """The axes a grid line names. Raises S212 for too many, repeated or upper-case names."""
    words = [w.text for w in grid.axes]
    if len(words) > MOST_AXES:
        raise ScanlabError.at("S212", f"a grid has 1 to {MOST_AXES} axes, {len(words)} given", grid.span)
    for i, word in enumerate(grid.axes):
        if word.text in words[:i]:
            raise ScanlabError.at("S212", f"the axis `{word.text}` is named twice", word.span)
        if not re.fullmatch(r"[a-z][a-z0-9_]*", word.text):
            raise ScanlabError.at(
                "S212",
                f"`{word.text}` is no axis name: axes are lower case",
                word.span,
                note="upper case is the extent of an axis: H is the extent of h",
                help=f"write {word.text.lower()}",
            )
    return tuple(words)


def grid_assumptions(grid: tree.Grid, axes: tuple[str, ...]) -> tuple[Expr, ...]:
    """What a grid line assumes of the extents of its axes. Raises S280, S281 and what keys raise."""
    assume = tuple(dict.fromkeys(read_assumptions(grid.assume, Scope(axes, lambda name: None, tuple))))
    check_possible(assume, axes, grid.span)
    return assume


def _declare(template: Template, templates: dict[str, Template], elsewhere: Mapping[str, Template]) -> None:
    syntax, axes = template.syntax, template.axes
    name = syntax.name
    known = templates.get(name.text) or elsewhere.get(name.text)
    if known is not None:
        first = known.syntax.name.span
        raise ScanlabError.at(
            "S202",
            f"`{name.text}` is defined twice",
            name.span,
            note=f"first in {first.source.name}, line {first.line}",
            help="rename one of them",
        )
    if name.text in (axes or ()) or name.text in tuple(a.upper() for a in axes or ()):
        raise ScanlabError.at("S203", f"`{name.text}` is an axis of the grid, or its extent", name.span)
    if name.text in COMBINATORS and syntax.formals:
        raise ScanlabError.at("S203", f"`{name.text}(…)` is a word of the language", name.span)
    _check_words([p.name for p in syntax.parameters] + list(syntax.formals))
    for formal in syntax.formals:
        if formal.text in (axes or ()):
            raise ScanlabError.at(
                "S203",
                f"`{formal.text}` is the axis {formal.text} here",
                formal.span,
                help=f"parentheses name the paths of a helper; an order runs over the grid's axes: "
                f"{syntax.kind} {name.text} = …",
            )
    templates[name.text] = template


def _check_words(words: list[tree.Word]) -> None:
    for i, word in enumerate(words):
        if word.text in [w.text for w in words[:i]]:
            raise ScanlabError.at("S202", f"the parameter `{word.text}` is named twice", word.span)


def _claim(clause: tree.Clause, scope: Scope) -> Claim:
    other = path(clause.value, scope) if isinstance(clause.value, tree.Node) else None
    if clause.axis is None:
        return Claim(clause.kind, other, span=clause.span)
    axes = scope.axes_or_error(clause.span)
    if clause.axis.text not in axes:
        raise unknown_name(clause.axis.text, clause.axis.span, axes, f"the axes here are {', '.join(axes)}")
    latency = 1 if clause.latency is None else clause.latency
    if latency < 1:
        raise ScanlabError.at("S211", f"latency {latency} is out of range: it goes from 1", clause.span)
    return Claim(clause.kind, None, clause.axis.text, latency, clause.span)


def _define(template: Template, scope: Scope) -> Definition:
    syntax = template.syntax
    open_parameters = any(p.default is None for p in syntax.parameters)
    value = None
    if not syntax.formals and not open_parameters:
        value = define(template, scope)
    inner = Scope(template.axes, scope.find, scope.known, memo=scope.memo)
    claims = tuple(_claim(c, inner) for c in syntax.clauses if c.kind in CLAIMS)
    texts = {c.kind: c.value for c in syntax.clauses if isinstance(c.value, str)}
    signature = syntax.name.text
    if syntax.parameters:
        signature += f"[{', '.join(p.span.text for p in syntax.parameters)}]"
    if syntax.formals:
        signature += f"({', '.join(f.text for f in syntax.formals)})"
    return Definition(
        syntax.name.text,
        syntax.kind,
        value.axes if value is not None else template.axes or (),
        value,
        syntax.doc,
        texts.get("source", ""),
        texts.get("note", ""),
        claims,
        signature,
        " ".join(syntax.body.span.text.split()),
        syntax.span,
        syntax,
    )
