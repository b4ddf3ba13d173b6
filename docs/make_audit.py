"""Write docs/audit.md and strategies/audit.json, the audit of published scan orders: python docs/make_audit.py.

What was read and checked by hand stands in tests/golden/audit.toml, the arrays beside it. Lines, proofs and
counter-examples are made here, from the arrays and nothing else.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import scanlab
from scanlab.compiler.bind import CompiledScan
from scanlab.compiler.prove import prove
from scanlab.decompiler.result import VERDICTS, Decompiled, PathFinding
from scanlab.ir.text import grid_text
from scanlab.ir.values import Scan
from scanlab.places import write_whole

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"
PAGE = ROOT / "docs" / "audit.md"
TABLE = ROOT / "scanlab" / "strategies" / "audit.json"
PROVENANCE = ("repository", "commit", "file", "function", "licence", "how")
BY_HAND = ("system", "group", "together", "words", "paper", "reached", "checked")
GROUPS = {
    "right": "Right",
    "remark": "Right, with a remark",
    "different": "Different from its name, from the paper, or between sizes",
}
Grid = tuple[int, ...]
Arrays = dict[Grid, np.ndarray]


@cache
def stored() -> dict[str, Arrays]:
    """All arrays by name and grid, int64 [K, steps]."""
    found: dict[str, Arrays] = {}
    recorded = {key: grid for row in _recorded().values() for key, grid in row["entries"].items()}
    for archive in ("scan_orders.npz", "audit.npz"):
        with np.load(GOLDEN / archive) as arrays:
            for key in arrays.files:
                name, _, grid = key.rpartition("/")
                # A few were recorded under the size of the picture, and are of the grid that the table names.
                of = recorded.get(key, grid.split("x"))
                found.setdefault(name, {})[tuple(map(int, of))] = arrays[key].astype(np.int64)
    return found


@cache
def _recorded() -> dict[str, Any]:
    """The rows of scan_orders.json by name; of one that is matched on some grids, the one with the definition."""
    table = json.loads((GOLDEN / "scan_orders.json").read_text("utf-8"))
    return {r["base"]: r for part in ("not_matched", "matched") for r in table[part]}


@cache
def rows() -> list[dict[str, Any]]:
    """The rows as they were written by hand, each with its provenance and the library's definition, if it has one."""
    written = tomllib.loads((GOLDEN / "audit.toml").read_text("utf-8"))
    found = []
    for row in written["rows"]:
        known = _recorded().get(row["id"], {})
        sources = {**known, **written["sources"].get(row["id"].split("/")[0], {}), **row}
        found.append({**row, **{f: sources[f] for f in PROVENANCE}, "definition": known.get("definition")})
    return found


def judged(row: dict[str, Any]) -> dict[str, Any]:
    """A row with all that its arrays show."""
    arrays = stored()[row["id"]]
    answer = scanlab.decompile(arrays, axes=row.get("axes"))
    parts = answer.value.parts if isinstance(answer.value, Scan) else (answer.value,)
    lines = [str(p) for p in parts] if answer.value is not None else [p.order and str(p.order) for p in answer.paths]
    return {
        "id": row["id"],
        **{field: row[field] for field in (*BY_HAND, *PROVENANCE)},
        "grids": list(map(grid_text, answer.grids)),
        "verdict": answer.verdict,
        "merge": answer.value.merge if isinstance(answer.value, Scan) and answer.value.merge == "chain" else None,
        "paths": [_path(p, line) for p, line in zip(answer.paths, lines, strict=True)],
        "ranks_checked": bool(row.get("ranks")),
        "notes": [] if answer.verdict == "ranks" else [n for n in answer.notes if "is not in the arrays" not in n],
        "proof": None if answer.proof is None else f"{answer.proof.claim}: {answer.proof.words}",
        "library": _library(row, answer),
        "said": [_holds(line, number, row, arrays) for number, line in enumerate(row.get("said", ()))],
        "neighbours": _neighbours(arrays) if row.get("neighbours") else None,
        "lands": _lands(row, arrays) if "lands" in row else None,
    }


def _path(path: PathFinding, line: str | None) -> dict[str, Any]:
    """One path. nearest: how, and the line; of an inverse no more is said than that it has a line."""
    nearest = path.nearest
    how = None
    if nearest is not None:
        miss = f"{nearest.differing} of {nearest.steps} steps differ on {grid_text(nearest.grid)} from"
        how = {"inverse": "the inverse has the line", "near miss": miss}.get(nearest.how, nearest.how)
    return {"line": line, "verdict": path.verdict, "nearest": nearest and {"how": how, "line": nearest.source}}


def _library(row: dict[str, Any], answer: Decompiled) -> str | None:
    """What the library calls it: of several paths only where the code sums them, as the line does."""
    if row["definition"] or answer.name is None:
        return row["definition"]
    return answer.name if len(answer.paths) == 1 or row["together"].startswith("summed") else None


def _holds(line: str, number: int, row: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    """On which grids a line that was found by hand gives a path, pads left out, and whether it is proved an order."""
    value = scanlab.parse(line, row.get("axes", "h w"))
    found = {"line": line, "equal": [], "differs": [], "proof": prove(value).verdict}
    for grid in _sorted(arrays):
        bound = scanlab.compile(value, grid)
        assert isinstance(bound, CompiledScan)
        equal = np.array_equal(bound.indices[0], arrays[grid][number][arrays[grid][number] >= 0])
        found["equal" if equal else "differs"].append(grid_text(grid))
    return found


def _sorted(grids: Iterable[Grid]) -> list[Grid]:
    return sorted(grids, key=lambda grid: (math.prod(grid), grid))


def _neighbours(arrays: Arrays) -> dict[str, list[int]]:
    """Of the first path on every grid: how many of its steps go to a patch beside, and of how many."""
    found = {}
    for grid in _sorted(arrays):
        points = np.stack(np.unravel_index(arrays[grid][0][arrays[grid][0] >= 0], grid))
        apart = np.abs(np.diff(points, axis=1)).sum(axis=0)
        found[grid_text(grid)] = [int((apart == 1).sum()), len(apart)]
    return found


def _lands(row: dict[str, Any], paths: Arrays) -> dict[str, Any]:
    """On which grids the output of every step ends at the patch that it read, and on others the first that does not."""
    lands, what = stored()[row["lands"]], row.get("lands_what", "output")
    found: dict[str, Any] = {"what": what, "same": [], "apart": []}
    for grid in _sorted(lands.keys() & paths.keys()):
        others = np.argwhere(paths[grid] != lands[grid])
        if not len(others):
            found["same"].append(grid_text(grid))
            continue
        path, step = others[0]
        which = f" of path {path}" if len(lands[grid]) > 1 else ""
        where = f"reads patch {paths[grid][path, step]}, and its {what} ends at patch {lands[grid][path, step]}"
        found["apart"].append(f"on {grid_text(grid)} step {step}{which} {where}")
    return found


def build() -> dict[str, Any]:
    """The whole audit, those that are right first."""
    found = sorted((judged(row) for row in rows()), key=lambda row: list(GROUPS).index(row["group"]))
    return {"made_by": "python docs/make_audit.py", "counts": counts(found), "rows": found}


def counts(found: list[dict[str, Any]]) -> dict[str, int]:
    """How many repositories and rows there are, and rows of each group."""
    each = Counter(row["group"] for row in found)
    repositories = len({row["repository"] for row in found})
    return {"repositories": repositories, "rows": len(found), **{group: each[group] for group in GROUPS}}


def page(audit: dict[str, Any]) -> str:
    """The audit as Markdown."""
    parts = [HEAD.format(**audit["counts"])]
    for group, title in GROUPS.items():
        members = [row for row in audit["rows"] if row["group"] == group]
        parts.append(f"## {title}")
        parts.append(_table(members) if group == "right" else "\n\n".join(map(_section, members)))
    return "\n\n".join(parts) + "\n"


HEAD = """# The audit of published scan orders

What the code of {repositories} repositories scans, as lines of [the language](language.md#from-arrays-to-a-line), in
{rows} rows, each of arrays that the repository's own code gave at a named commit. **{right} are right**, {remark} are
right and something is to be known of them, {different} are different from their name, from the paper, or between sizes.

A row is a statement about arrays and about code at a commit, not about what somebody meant, and not about how well a
model works: a permutation that is not the one of its name can serve as well. It is *right* where its arrays are what
the code's names say, and nothing that was read of the paper says otherwise.

* **The arrays** are stored in `tests/golden/scan_orders.npz` and `audit.npz`; the tables beside them say how they came
  about. `python docs/make_audit.py` makes this page and `strategies/audit.json` from them: lines, proofs and
  counter-examples come from `scanlab.decompile`, which compares every line with every array on the grids named.
* **By hand** is what was compared by reading the code, mostly the first steps on a small grid. *Not checked* is what
  was not looked at. That steps are used as patches is said only where it was read which array is gathered with which.
* Grids are height x width, or time x height x width. A *pad* is a step that reads zeros, which stand for no patch.

Is something here wrong, or put right in a later commit? An issue is welcome; corrections are dated and stay."""


def _table(members: list[dict[str, Any]]) -> str:
    lines = ["| system and code | what it scans | the arrays | paper; reached | by hand |", "|---|---|---|---|---|"]
    for row in members:
        cells = (
            f"**{_cell(row['system'])}**, {_origin(row)}",
            f"{_cell(row['words'])} *{_cell(row['together'])}*",
            "; ".join(_shown(row)),
            f"{_cell(row['paper'])}; {_cell(row['reached'])}",
            _cell(row["checked"]),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _section(row: dict[str, Any]) -> str:
    lines = [
        f"### {row['system']}: `{row['id'].split('/')[1]}`",
        "",
        f"{_origin(row)}; licence: {_cell(row['licence'])}; {_cell(row['how'])}.",
        "",
        f"* {_cell(row['words'])} Together: {_cell(row['together'])}.",
        *(f"* {shown[0].upper() + shown[1:] if shown[0].isalpha() else shown}." for shown in _shown(row)),
        f"* The paper: {_cell(row['paper'])}. Reached: {_cell(row['reached'])}.",
        f"* By hand: {_cell(row['checked'])}.",
    ]
    return "\n".join(lines)


def _origin(row: dict[str, Any]) -> str:
    return f"`{row['repository']}` at `{row['commit'][:10]}`, `{row['file']}`, `{row['function']}`"


def _shown(row: dict[str, Any]) -> list[str]:
    """What the arrays show, each part in words."""
    lines = ", ".join(f"`{path['line']}`" for path in row["paths"])
    given = f"{'a chain of ' if row['merge'] else ''}{lines}, equal on {', '.join(row['grids'])}"
    found = [given, _cell(row["proof"])] if row["proof"] else _no_line(row)
    found += _by_hand(row["said"])
    found += map(_cell, row["notes"])
    if row["library"]:
        found.append(f"the library's `{row['library'].removeprefix('the same as ')}`")
    if row["neighbours"]:
        found.append(_continuity(row["neighbours"]))
    return found + _landing(row["lands"])


def _no_line(row: dict[str, Any]) -> list[str]:
    """Why there is no line for the whole, and what is near, paths of one kind together."""
    kinds: dict[str, list[str]] = {}
    for path in row["paths"]:
        alone = {"how": "with a line" if path["line"] else VERDICTS[path["verdict"]], "line": path["line"]}
        near = path["nearest"] or alone
        kinds.setdefault(near["how"], []).append(f"`{near['line']}`" if near["line"] else "")
    kinds.pop(reason := VERDICTS[row["verdict"]], None)
    parts = [_cell(how) + ": " * any(lines) + ", ".join(filter(None, lines)) for how, lines in kinds.items()]
    if row["verdict"] == "ranks":
        reason = "the inverse has a line" + ("; steps are used as patches" if row["ranks_checked"] else "")
    return [f"no line for {', '.join(row['grids'])}: {_cell(reason)}", *filter(None, ["; ".join(parts)])]


def _by_hand(said: list[dict[str, Any]]) -> list[str]:
    """Lines that were found by hand, those that hold on the same grids together."""
    kinds: dict[str, list[str]] = {}
    for line in said:
        words = (("equal", "equal on"), ("differs", "not on"))
        where = ", ".join(f"{word} {', '.join(line[key])}" for key, word in words if line[key])
        kinds.setdefault(where, []).append(f"`{line['line']}`")
    found = [f"by hand {', '.join(lines)}: {where}" for where, lines in kinds.items()]
    if any(line["proof"] != "proved" for line in said):
        found.append("that line is an order on these sizes, and not on all")
    return found


def _continuity(neighbours: dict[str, list[int]]) -> str:
    if all(count == steps for count, steps in neighbours.values()):
        return f"all steps go to a neighbour on {', '.join(neighbours)}"
    counts = ", ".join(f"{count} of {steps} on {grid}" for grid, (count, steps) in neighbours.items())
    return f"steps to a neighbour: {counts}"


def _landing(lands: dict[str, Any] | None) -> list[str]:
    if lands is None:
        return []
    same = f"every {lands['what']} ends where its step read on {', '.join(lands['same'])}" if lands["same"] else ""
    return [part for part in (same, *lands["apart"]) if part]


def _cell(text: str) -> str:
    """Text as it may stand in a table: one line, no bars, no emphasis and no link by accident."""
    text = " ".join(text.split()).replace("](", "]\\(").replace("<", "&lt;")
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_").replace("[", "\\[")


if __name__ == "__main__":
    audit = build()
    write_whole(TABLE, (json.dumps(audit, indent=1, ensure_ascii=False) + "\n").encode(), mode=None)
    PAGE.write_text(page(audit), encoding="utf-8")
    print(f"wrote {TABLE} and {PAGE}")
