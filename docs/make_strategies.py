"""Fill the generated tables of docs/strategies.md from the library and the table of published orders.

Run it as: python docs/make_strategies.py
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from scanlab.compiler.prove import prove
from scanlab.language.library import library_modules
from scanlab.language.module import Definition, Module

PAGE = Path(__file__).parent / "strategies.md"
TABLE = Path(__file__).parents[1] / "tests" / "golden" / "scan_orders.json"

_SYSTEM = re.compile(r"((?:Point )?[\w-]+(?: \([a-z ]+\))?): ")


def filled(page: str) -> str:
    """The page with its generated parts made anew."""
    published = json.loads(TABLE.read_text(encoding="utf-8"))
    made = {
        "counts": counts(published),
        "systems": systems(published["matched"]),
        "library": library(published["matched"]),
        "matched": matched(published["matched"]),
        "not matched": not_matched(published["not_matched"]),
    }
    for name, text in made.items():
        pattern = re.compile(rf"(<!-- begin {name} -->).*?(<!-- end {name} -->)", re.S)
        page = pattern.sub(lambda m, text=text: f"{m[1]}\n{text}\n{m[2]}", page)
    return page


def counts(published: dict[str, Any]) -> str:
    """How much there is, in one sentence each."""
    definitions = [d for m in library_modules() for d in m.definitions]
    verdicts = Counter(prove(d.value).verdict for d in definitions if d.value is not None)
    helpers = sum(d.value is None for d in definitions)
    proofs = ", ".join(
        f"{n} {verdict} for all sizes" if verdict == "proved" else f"{n} {verdict}" for verdict, n in verdicts.items()
    )
    equal, apart = (sum(len(r["entries"]) for r in published[k]) for k in ("matched", "not_matched"))
    return (
        f"The library has {len(definitions)} definitions: {proofs}, and {helpers} that take paths or parameters.\n"
        f"They reproduce {equal} published arrays exactly; {apart} more are listed with the reason why they are not a\n"
        "target."
    )


def systems(rows: list[dict[str, Any]]) -> str:
    """One line per published system: its definitions, their proof, and the arrays of its repository they reproduce."""
    by_repository: dict[str, list[Definition]] = {}
    for module in library_modules():
        for d in module.definitions:
            if _system(d) and d.source:
                by_repository.setdefault(d.source.split(",")[0], []).append(d)
    lines = ["| system | repository | definitions | proof | arrays reproduced |", "|---|---|---|---|---|"]
    for repository, definitions in sorted(by_repository.items(), key=lambda item: _system(item[1][0]).lower()):
        verdicts = ", ".join(dict.fromkeys(_proof(d) for d in definitions))
        names = ", ".join(f"`{d.name}`" for d in definitions)
        arrays = sum(len(r["entries"]) for r in rows if r["repository"] == repository)
        checked = str(arrays) if arrays else "closed form"
        lines.append(f"| {_system(definitions[0])} | {_cell(repository)} | {names} | {verdicts} | {checked} |")
    return "\n".join(lines)


def _system(definition: Definition) -> str:
    """The system a definition belongs to: its doc begins with the name and a colon, as in "Vim: …"."""
    match = _SYSTEM.match(definition.doc)
    return match[1].removesuffix(" (video)") if match else ""


def library(rows: list[dict[str, Any]]) -> str:
    """One table per file: system, definition, proof, published arrays it reproduces."""
    used = Counter(name for r in rows for name in _names(r["definition"]) for _ in r["entries"])
    return "\n\n".join(_file_table(module, used) for module in library_modules())


def _names(definition: str) -> set[str]:
    return set(re.findall(r"[a-z]\w*", definition))


def _file_table(module: Module, used: Counter[str]) -> str:
    lines = [
        f"### `{module.name}`",
        "",
        "| definition | what it is | proof | arrays | source |",
        "|---|---|---|---|---|",
    ]
    for d in module.definitions:
        note = f" *{_cell(d.note)}*" if d.note else ""
        lines.append(
            f"| `{d.signature}` | {_cell(d.doc)}{note} | {_proof(d)} | {used[d.name] or ''} | {_cell(d.source)} |"
        )
    return "\n".join(lines)


def _proof(definition: Definition) -> str:
    if definition.value is None:
        return "where it is used"
    verdict = prove(definition.value).verdict
    return "all sizes" if verdict == "proved" else verdict


def matched(rows: list[dict[str, Any]]) -> str:
    """One line per published order: the definition that equals it, and on which grids."""
    lines = ["| published order | definition | compared | grids | repository, function |", "|---|---|---|---|---|"]
    for r in rows:
        lines.append(
            f"| `{r['base']}` | `{r['definition']}` | {r['compare'].replace('_', ' ')} | {_grids(r)} | {_origin(r)} |"
        )
    return "\n".join(lines)


def not_matched(rows: list[dict[str, Any]]) -> str:
    """One line per published order that no definition should equal, with the reason."""
    lines = ["| published order | grids | reason | repository, function |", "|---|---|---|---|"]
    for r in rows:
        lines.append(f"| `{r['base']}` | {_grids(r)} | {_cell(r['reason'])} | {_origin(r)} |")
    return "\n".join(lines)


def _grids(row: dict[str, Any]) -> str:
    return ", ".join("x".join(map(str, grid)) for grid in row["entries"].values())


def _origin(row: dict[str, Any]) -> str:
    return f"{row['repository']}, `{_cell(row['function'])}`"


def _cell(text: str) -> str:
    """Text as it may stand in a table: one line, no bars, no emphasis and no link by accident."""
    text = " ".join(text.split()).replace("](", "]\\(")
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {PAGE}")
