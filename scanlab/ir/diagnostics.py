"""What every error of ScanLab says: a code, a place, a message, a counter-example and a suggested edit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from scanlab.ir.text import grid_text

__all__ = ["CounterExample", "Diagnostic", "Edit", "ScanlabError", "Source", "Span"]


@dataclass(frozen=True)
class Source:
    """A text and the name it is reported under (a file's path, or ``<text>``)."""

    text: str = field(repr=False)
    name: str = "<text>"

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both counted from 1."""
        before = self.text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1

    def line(self, number: int) -> str:
        """The text of one line, counted from 1, without its line ending."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


@dataclass(frozen=True)
class Span:
    """A range of characters of a source: ``source.text[start:end]``."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """Line of the first character, from 1."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """Column of the first character, from 1."""
        return self.source.position(self.start)[1]

    @property
    def text(self) -> str:
        """The characters themselves."""
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """The range from the start of this span to the end of ``other``."""
        return Span(self.source, min(self.start, other.start), max(self.end, other.end))


@dataclass(frozen=True)
class Edit:
    """A suggested replacement of the text at a span."""

    span: Span | None
    replacement: str


@dataclass(frozen=True)
class CounterExample:
    """A grid, and patches of it, that show why a claim is false.

    ``key`` is the tuple of key values that the patches share, where the claim is about keys.
    """

    grid: tuple[int, ...]
    patches: tuple[tuple[int, ...], ...] = ()
    key: tuple[int, ...] | None = None

    def __str__(self) -> str:
        size = grid_text(self.grid)
        where = " and ".join(_point(p) for p in self.patches)
        text = f"on a {size} grid" + (f", {'patch' if len(self.patches) == 1 else 'patches'} {where}" if where else "")
        return text if self.key is None else f"{text} share{'s' * (len(self.patches) == 1)} the key {_point(self.key)}"


def _point(values: tuple[int, ...]) -> str:
    return "(" + ", ".join(map(str, values)) + ")"


@dataclass(frozen=True)
class Diagnostic:
    """One finding: ``code`` names its kind (``scanlab explain CODE`` tells more)."""

    code: str
    message: str
    span: Span | None = None
    note: str = ""
    help: str = ""
    counterexample: CounterExample | None = None
    edit: Edit | None = None
    severity: str = "error"

    def sort_key(self) -> tuple[str, int, str, str]:
        """Stable order: by file, then place, then code."""
        name, start = (self.span.source.name, self.span.start) if self.span else ("", -1)
        return name, start, self.code, self.message

    def __str__(self) -> str:
        lines = [f"{self.severity}[{self.code}]: {self.message}"]
        gutter = ""
        if self.span is not None:
            lines += _excerpt(self.span)
            gutter = " " * len(str(self.span.line))
        if self.counterexample is not None:
            lines.append(f"{gutter} = counter-example: {self.counterexample}")
        if self.note:
            lines.append(f"{gutter} = note: {self.note}")
        if self.help:
            lines.append(f"{gutter} = help: {self.help}")
        return "\n".join(lines)


_LONGEST_EXCERPT = 160


def _excerpt(span: Span) -> list[str]:
    """The source line with carets under the span; long lines are cut around it."""
    line, column = span.line, span.column
    text = span.source.line(line).replace("\t", " ")
    start = column - 1
    width = max(1, min(span.end - span.start, len(text) - start))
    if len(text) > _LONGEST_EXCERPT:
        left = max(0, start - 40)
        text, start = text[left : left + _LONGEST_EXCERPT], start - left
        width = max(1, min(width, len(text) - start))
    gutter = " " * len(str(line))
    return [
        f"{gutter}--> {span.source.name}:{line}:{column}",
        f"{gutter} |",
        f"{line} | {text}",
        f"{gutter} | {' ' * start}{'^' * width}",
    ]


@dataclass
class ScanlabError(Exception):
    """An error a user can act on; it holds one or more diagnostics, sorted by place."""

    diagnostics: tuple[Diagnostic, ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        self.diagnostics = tuple(sorted(self.diagnostics, key=Diagnostic.sort_key))
        super().__init__(str(self))

    @classmethod
    def at(
        cls,
        code: str,
        message: str,
        span: Span | None = None,
        *,
        note: str = "",
        help: str = "",
        counterexample: CounterExample | None = None,
        edit: Edit | None = None,
    ) -> ScanlabError:
        """The error with a single diagnostic."""
        return cls((Diagnostic(code, message, span, note, help, counterexample, edit),))

    def located(self, span: Span) -> ScanlabError:
        """The same error, pointing to ``span`` where it did not point anywhere yet."""
        return ScanlabError(tuple(replace(d, span=d.span or span) for d in self.diagnostics))

    @property
    def code(self) -> str:
        """The code of the first diagnostic."""
        return self.diagnostics[0].code

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.diagnostics))

    def __reduce__(self):
        return type(self), (self.diagnostics,)
