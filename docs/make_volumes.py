"""Fill the generated parts of docs/volumes.md from what is on record: python docs/make_volumes.py."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE / "volumes.md"
RECORD = HERE / "../benchmarks/results/volumes-2core-cpu.json"
HIPPOCAMPUS = HERE / "../benchmarks/results/hippocampus.txt"


def table() -> str:
    """Every case with its seconds and its memory, forward, and forward and backward."""
    data = json.loads(RECORD.read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    passes = "one pass" if data["pairs"] == 1 else f"medians of {data['pairs']} passes"
    lines = [
        f"`{data['command']}` on {data['device']}, {data['threads']} threads; {versions}; float32, batch 1; {passes} "
        f"after one that counts not, the kinds in turns. Other programs ran beside it (a load of {data['load']:g}), so "
        "the seconds of the processor, which are the process's own on all cores, compare better than those of the "
        "clock; neither is a record of this machine.",
        "",
        "| volume | tokens | what | pass | processor, s | clock, s | memory |",
        "|---|---:|---|---|---:|---:|---:|",
    ]
    lines += [_row(figure) for figure in data["figures"]]
    return "\n".join([*lines, "", *_ratios(data["figures"])])


def _row(figure: dict[str, Any]) -> str:
    case = figure["case"]
    what = f"{'segmenter with U-Net' if case['whole'] else 'block'}, {case['kind']}"
    size = f"{case['extent']}³, patch {case['patch']}"
    direction = "forward and backward" if figure["training"] else "forward"
    if figure["note"]:
        cells = f"– | – | {figure['note']}"
    else:
        memory = "not known" if figure["peak_bytes"] is None else f"{figure['peak_bytes'] / 1e6:,.0f} MB"
        cells = f"{median(figure['processor']):.1f} | {median(figure['seconds']):.1f} | {memory}"
    return f"| {size} | {figure['tokens']:,} | {what}, {figure['parameters']:,} parameters | {direction} | {cells} |"


def _ratios(figures: list[dict[str, Any]]) -> list[str]:
    """What attention takes of the scan's, case by case."""
    blocks = [f for f in figures if not f["case"]["whole"] and not f["note"]]
    lines = []
    for scan in (f for f in blocks if f["case"]["kind"].startswith("scan")):
        same = [
            f for f in blocks if f["case"]["extent"] == scan["case"]["extent"] and f["training"] == scan["training"]
        ]
        [other] = [f for f in same if f is not scan]
        times = median(other["processor"]) / median(scan["processor"])
        both = scan["peak_bytes"] is not None and other["peak_bytes"] is not None
        memory = f"; the scan {scan['peak_bytes'] / other['peak_bytes']:.1f} times its memory" if both else ""
        direction = "forward and backward" if scan["training"] else "forward"
        lines.append(
            f"* {scan['case']['extent']}³, {direction}: fused attention takes {times:.0f} times the scan's seconds of "
            f"the processor{memory}."
        )
    return lines


def hippocampus() -> str:
    """What the example printed on real volumes, with its command."""
    return f"```\n{HIPPOCAMPUS.read_text(encoding='utf-8').strip()}\n```"


def filled(page: str) -> str:
    """The page with its generated parts made anew."""
    for name, made in (("figures", table()), ("hippocampus", hippocampus())):
        pattern = re.compile(rf"(<!-- begin {name} -->).*?(<!-- end {name} -->)", re.S)
        page = pattern.sub(lambda m, made=made: f"{m[1]}\n{made}\n{m[2]}", page)
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {PAGE}")
