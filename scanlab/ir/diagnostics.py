"""What every error of ScanLab says: a code, a place, a message, a counter-example and a suggested edit."""

from __future__ import annotations

import textwrap
import unicodedata
from dataclasses import dataclass, field, replace

from scanlab.ir.shown import Shown
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
    """A range of characters of a source: ``source.text[start:end]``.

    >>> span = Span(Source("order a = by h, w"), 10, 17)
    >>> span.text, span.line, span.column
    ('by h, w', 1, 11)
    """

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

    >>> print(CounterExample((2, 2), ((0, 1), (1, 0)), key=(1,)))
    on a 2x2 grid, patches (0, 1) and (1, 0) share the key (1)
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
    """One finding: ``code`` names its kind (``scanlab explain CODE`` tells more).

    >>> print(Diagnostic("S300", "two patches have the same keys", help="add `h` as the last key"))
    error[S300]: two patches have the same keys
     = help: add `h` as the last key
    """

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
        return self.text()

    def text(self, width: int | None = None) -> str:
        """The whole finding; on a screen of `width` columns its sentences wrap at words, and its excerpt is cut."""
        lines = _wrapped(f"{self.severity}[{self.code}]: ", self.message, width)
        gutter = ""
        if self.span is not None:
            gutter = " " * len(str(self.span.line))
            lines += _excerpt(self.span, _LONGEST_EXCERPT if width is None else width - len(gutter) - 3)
        sections = (("counter-example", str(self.counterexample or "")), ("note", self.note), ("help", self.help))
        for word, sentence in sections:
            if sentence:
                lines += _wrapped(f"{gutter} = {word}: ", sentence, width)
        return "\n".join(lines)


_LONGEST_EXCERPT = 160
_SHORTEST_EXCERPT = 20
_CUT = "…"


def _wrapped(head: str, sentence: str, width: int | None) -> list[str]:
    """A sentence behind its head; what goes on in further lines stands in from the margin."""
    if width is None or len(head) + len(sentence) <= width:
        return [head + sentence]
    return [
        part
        for number, line in enumerate(sentence.split("\n"))
        for part in textwrap.wrap(
            head + line if number == 0 else line,
            max(width, _SHORTEST_EXCERPT),
            initial_indent="" if number == 0 else _INDENT,
            subsequent_indent=_INDENT,
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
        )
        or [""]
    ]


_INDENT = " " * 5


def _excerpt(span: Span, most: int) -> list[str]:
    """The source line with carets under the span; of a line longer than `most` the part around it, the cuts marked."""
    line, column = span.line, span.column
    text = "".join(map(_printable, span.source.line(line)))
    text += " " * (column > len(text) > 0)
    start, most = column - 1, max(_SHORTEST_EXCERPT, min(most, _LONGEST_EXCERPT))
    width = max(1, min(span.end - span.start, len(text) - start))
    if len(text) > most:
        left = max(0, min(start - most // 4, len(text) - most))
        right = left + most
        text = (_CUT if left else text[0]) + text[left + 1 : right - 1] + (_CUT if right < len(text) else text[-1])
        start -= left
        width = max(1, min(width, most - start))
    gutter = " " * len(str(line))
    return [
        f"{gutter}--> {span.source.name}:{line}:{column}",
        f"{gutter} |",
        f"{line} | {text}".rstrip(),
        f"{gutter} | {' ' * _columns(text[:start])}{'^' * max(1, _columns(text[start : start + width]))}",
    ]


def _printable(char: str) -> str:
    """A character of a text as one that a screen shows and does not obey."""
    return " " if char == "\t" else "\ufffd" if unicodedata.category(char) in ("Cc", "Cf") else char


def _columns(text: str) -> int:
    """How many columns a screen gives a text: two to a wide character, none to a mark above another."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


@dataclass(repr=False)
class ScanlabError(Shown, Exception):
    """An error a user can act on; it holds one or more diagnostics, sorted by place.

    >>> import scanlab
    >>> try:
    ...     scanlab.load("crss")
    ... except scanlab.ScanlabError as error:
    ...     print(error)
    error[S201]: there is no strategy `crss`
     = help: did you mean `cross`?
    """

    diagnostics: tuple[Diagnostic, ...] = field(default_factory=tuple)

    def _words(self) -> str:
        first, *others = self.diagnostics or (None,)
        more = f" and {len(others)} more" if others else ""
        return f"{first.code}: {first.message}{more}" if first else "without a diagnostic"

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
