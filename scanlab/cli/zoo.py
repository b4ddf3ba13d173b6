"""``scanlab zoo``: published models, where their official weights lie, and what their authors say of them."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console, print_json
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.guesses import nearest_text
from scanlab.ir.text import grid_text
from scanlab.zoo import preprocessing, presets
from scanlab.zoo.presets import ALIASES, PRESETS
from scanlab.zoo.weights import WEIGHTS

__all__ = ["run"]


def run(name: str, as_json: bool) -> None:
    """All models in a table, or one with everything that is known of it. Raises S617 for a name that is none."""
    model = ALIASES.get(name, name)
    if name and model not in PRESETS:
        help = nearest_text(name, presets(), f"there are {', '.join(presets())}")
        raise ScanlabError.at("S617", f"there is no model {name!r}", help=help)
    rows = [_facts(model)] if name else [_facts(each) for each in PRESETS]
    if as_json:
        print_json(rows)
        return
    screen = console()
    if name:
        print_table(screen, _one(rows[0]))
        return
    table = Table(caption="`scanlab zoo NAME` has addresses, sources and the preparation of pictures.")
    for heading in ("model", "scan", "input", "official weights", "% by its authors", "on"):
        table.add_column(heading, justify="right" if heading.startswith("%") else "left")
    for row in rows:
        percent = "" if row["top1"] is None else str(row["top1"])
        cells = (row["model"], row["scan"], row["input"], row["file"] or "none", percent, row["data"])
        table.add_row(*map(Text, cells))
    print_table(screen, table)


def _facts(name: str) -> dict[str, Any]:
    preset, weights = PRESETS[name], WEIGHTS.get(name)
    aliases = [alias for alias, model in ALIASES.items() if model == name]
    return {
        "model": name,
        "also called": aliases,
        "scan": preset.scan,
        "input": grid_text(preset.input_size),
        "source": preset.source,
        "pictures": str(preprocessing(name)) if preset.evaluated else "",
        "file": weights.file if weights else "",
        "address": weights.address if weights else "",
        "page": weights.page if weights else "",
        "top1": weights.top1 if weights else None,
        "data": weights.data if weights else "",
        "averaged": bool(weights and weights.averaged),
        "figures from": weights.source if weights else "",
        "sha256": weights.sha256 if weights else "",
        "recorded by": weights.recorded if weights else "",
    }


def _accuracy(row: dict[str, Any]) -> str:
    averaged = ", of averaged weights" if row["averaged"] else ""
    return f"{row['top1']} % on {row['data']}{averaged}, by its authors ({row['figures from']})"


def _one(row: dict[str, Any]) -> Table:
    table = Table(title=row["model"], title_justify="left", show_header=False)
    shown = {
        "also called": ", ".join(row["also called"]),
        "scan": row["scan"],
        "input": row["input"],
        "built after": row["source"],
        "pictures are prepared": row["pictures"] or "in a way that is not known to us",
        "official weights": row["address"] or "none",
        "accuracy": _accuracy(row) if row["file"] else "",
        "sha256": f"{row['sha256']} ({row['recorded by']})" if row["sha256"] else "not known to us",
        "to measure it": f"scanlab eval {row['file']} --model {row['model']} --data imagenet/val"
        if row["file"] and row["pictures"]
        else "",
    }
    for what, value in shown.items():
        if value and (row["file"] or what != "sha256"):
            table.add_row(what, Text(value))
    return table
