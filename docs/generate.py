"""Fill the generated parts of docs/language.md and docs/models.md from the package, and write the lecture anew.

Run it as: python docs/generate.py
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from scanlab.ir.codes import CODES
from scanlab.ir.functions import CURVES
from scanlab.ir.merges import MERGES
from scanlab.language.card import CARD
from scanlab.language.glossary import KEYWORDS
from scanlab.language.parse import grammar_text
from scanlab.zoo.weights import WEIGHTS

DOCS = Path(__file__).parent
PAGES = (DOCS / "language.md", DOCS / "models.md")


def card() -> str:
    """The language on one page."""
    return "\n".join(["| | |", "|---|---|", *(f"| {row.written} | {row.means} |" for row in CARD)])


def keywords() -> str:
    """A table of the keywords."""
    rows = [f"| `{word}` | `{entry.written}` | {entry.means} |" for word, entry in KEYWORDS.items()]
    return "\n".join(["| keyword | as in | what it means |", "|---|---|---|", *rows])


def curves() -> str:
    """A table of the key functions and their options."""
    lines = ["| function | what it is |", "|---|---|"]
    for signature in CURVES.values():
        options = "; ".join(f"`{o.name}={o.default}`: {o.doc}" for o in signature.options)
        lines.append(f"| `{signature.written}` | {signature.doc}{'; ' if options else ''}{options} |")
    return "\n".join(lines)


def merges() -> str:
    """A table of the merges."""
    rows = [f"| `{name}(a, b, …)` | {rule.outputs} |" for name, rule in MERGES.items()]
    return "\n".join(["| merge | outputs |", "|---|---|", *rows])


def grammar() -> str:
    """The grammar file."""
    return f"```lark\n{grammar_text().strip()}\n```"


def codes() -> str:
    """Every code with its meaning and examples."""
    parts = []
    for name, code in CODES.items():
        parts.append(f"### {name}: {code.title}\n\n{code.meaning}")
        for word, text in (("Wrong", code.wrong), ("Right", code.right)):
            if text:
                parts.append(f"{word}:\n\n```\n{text}\n```")
    return "\n\n".join(parts)


def weights() -> str:
    """A table of the official weights."""
    averaged = {True: ", averaged", False: ""}
    rows = [
        f"| `{name}` | [{w.file}]({w.address}) | {w.top1} on {w.data}{averaged[w.averaged]} | {w.source} |"
        for name, w in WEIGHTS.items()
    ]
    heads = "| model | official weights | % by their authors | who say so in |\n|---|---|---|---|"
    return "\n".join([heads, *rows])


def filled(page: str) -> str:
    """The page with its generated parts made anew."""
    parts = {
        **{"card": card(), "keywords": keywords(), "curves": curves(), "merges": merges()},
        **{"grammar": grammar(), "codes": codes(), "weights": weights()},
    }
    for name, made in parts.items():
        pattern = re.compile(rf"(<!-- begin {name} -->).*?(<!-- end {name} -->)", re.S)
        page = pattern.sub(lambda m, made=made: f"{m[1]}\n{made}\n{m[2]}", page)
    return page


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"wrote {page}")
    runpy.run_path(str(DOCS / "make_lecture.py"))["write"]()
