"""HTML that all panes are made of: sections, code, tables. Every text is escaped here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

from scanlab.ir.diagnostics import Diagnostic

__all__ = [
    "PatchCell",
    "code",
    "coloured_lines",
    "figure",
    "figures_table",
    "mistakes",
    "note",
    "outward",
    "paragraph",
    "prose",
    "section",
    "table",
    "text",
]

# So many things stand side by side in a narrow pane, with their figures below each other.
MOST_COLUMNS = 4
# Longer texts make a page slow; all of it is one command away.
MOST_CHARACTERS = 400_000
_CODE = re.compile(r"`([^`]+)`")


def text(words: object) -> str:
    """A text as HTML."""
    return escape(str(words))


def prose(words: object) -> str:
    """A text as HTML, with what stands between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", text(words))


def paragraph(words: object, kind: str = "") -> str:
    """A line of prose; kind: a class of the style sheet."""
    return f'<p class="{escape(kind)}">{escape(str(words))}</p>' if kind else f"<p>{escape(str(words))}</p>"


def note(words: object) -> str:
    """A line that explains."""
    return paragraph(words, "note")


def outward(words: object, address: str) -> str:
    """A link that leaves the explorer, in a page of its own; it tells the other site nothing of this one."""
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">{escape(str(words))}</a>'


def section(heading: str, *parts: str, about: str = "") -> str:
    """Parts under a heading; about: what it is, in a lighter colour beside it."""
    aside = f" <small>{escape(about)}</small>" if about else ""
    return f"<section><h3>{escape(heading)}{aside}</h3>{''.join(parts)}</section>"


def figure(picture: str, *captions: str) -> str:
    """A picture, which is HTML already, over its captions."""
    lines = "".join(f"<span>{escape(c)}</span>" for c in captions)
    return f"<figure>{picture}<figcaption>{lines}</figcaption></figure>"


def code(words: str, language: str = "") -> str:
    """A text in a typewriter face, coloured where the language is known: "python" or "scan"."""
    shown = words if len(words) <= MOST_CHARACTERS else words[:MOST_CHARACTERS]
    cut = "" if shown == words else note(f"{len(words) - len(shown):,} more characters are left out here.")
    body = _coloured(shown, language) if language else escape(shown)
    # A box that scrolls must be reachable by keyboard.
    return f'<pre class="code" tabindex="0">{body}</pre>{cut}'


def coloured_lines(words: str, language: str) -> list[str]:
    """A text as HTML, line by line."""
    return _coloured(words, language).split("\n")


def table(
    head: Sequence[object], rows: Iterable[Sequence[object]], words: int = 1, marked: Sequence[int] = (), kind: str = ""
) -> str:
    """A table. words: how many of the first columns are text, the others are numbers; marked: rows to point out."""
    cells = "".join(_cell("th", i < words, h, ' scope="col"') for i, h in enumerate(head))
    lines = []
    for number, row in enumerate(rows):
        chosen = ' class="marked"' if number in marked else ""
        lines.append(f"<tr{chosen}>" + "".join(_cell("td", i < words, c) for i, c in enumerate(row)) + "</tr>")
    return (
        f'<div class="scroll" tabindex="0"><table class="{escape(kind)}"><thead><tr>{cells}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def figures_table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    """A table of things (the first column) with their figures: a few of them side by side, more below each other."""
    if len(rows) > MOST_COLUMNS:
        return table(head, rows)
    turned = list(zip(head, *rows, strict=True))
    return table(turned[0], turned[1:])


def mistakes(diagnostics: Iterable[Diagnostic]) -> str:
    """What is wrong, as everywhere else: code, message, counter-example, note and help."""
    return "".join(_mistake(d) for d in diagnostics)


def _mistake(d: Diagnostic) -> str:
    lines = [d.note, d.help]
    if d.counterexample is not None:
        lines.insert(0, f"counter-example: {d.counterexample}")
    notes = "".join(f'<p class="note">{prose(line)}</p>' for line in lines if line)
    head = f"{d.severity} {d.code}" + (f", line {d.span.line}, column {d.span.column}" if d.span else "")
    return f'<div class="mistake {escape(d.severity)}">{note(head)}<p>{prose(d.message)}</p>{notes}</div>'


@dataclass(frozen=True)
class PatchCell:
    """A cell of a table that speaks of a patch in a path, by its number in the picture; the words may be None."""

    words: object
    scene: int
    patch: int


def _cell(tag: str, is_text: bool, content: Any, more: str = "") -> str:
    if isinstance(content, PatchCell):
        more = f'{more} tabindex="-1" data-scene="{content.scene}" data-patch="{content.patch}"'
        content = content.words
    kind = "words" if is_text else "number"
    return f'<{tag} class="{kind}"{more}>{escape("–" if content is None else str(content))}</{tag}>'


def _coloured(words: str, language: str) -> str:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter

    return highlight(words, _lexer(language), HtmlFormatter(nowrap=True)).rstrip("\n")


@cache
def _lexer(language: str) -> Any:
    if language == "scan":
        from scanlab.language.lexer import ScanLexer

        return ScanLexer(stripnl=False)
    from pygments.lexers import get_lexer_by_name

    return get_lexer_by_name(language, stripnl=False)
