"""What may not change while the house is tidied: record it before, compare it afterwards.

    python tests/repository/freeze.py record FILE
    python tests/repository/freeze.py compare FILE

Recorded are the bits of every operator's results and gradients on each backend, the keys of the committed studies'
trials, the names and shapes of every preset's weights, the store's tables, what commands print for machines, and every
error's code and text. Bits hold on one machine only: the file is not for the repository.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import itertools
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from ops.agreement import outcome, random_arguments

import scanlab
from scanlab.ir.codes import CODES
from scanlab.ops import causal_conv1d, path_table, selective_scan, selective_scan_fn, ssd, use_backend

ROOT = Path(__file__).parents[2]
BACKENDS = ("reference", "cpu", "triton")
GRID = (4, 5)
SCANS = (
    "row",
    "sum(row, -row)",
    "cross",
    "vim",
    "atrous",
    "heads(sum(row, -row), sum(column, -column))",
    "mean(snake, hilbert)",
    "by h, w restart by h",
    "skip[0, 1]",
    "chain(row, -row)",
    "gilbert with cls at both",
    "shuffled",
)
STAGES = ("ast", "keys", "proof", "indices", "expr", "isl", "loops", "triton", "cpu")
COMMANDS = {f"compile to {stage}": ["compile", "hilbert", "-g", "6x6", "--emit", stage] for stage in STAGES} | {
    "list": ["list"],
    "check": ["check", "scanlab/strategies/basic.scan"],
    "check of what is wrong": ["check", "by h + w"],
    "compile a scan": ["compile", "vim", "-g", "4x4"],
    "compile what is wrong": ["compile", "hilber", "-g", "4x4"],
    "compare": ["compare", "row", "snake", "hilbert", "-g", "6x6"],
    "compare scans": ["compare", "cross", "vim", "-g", "4x4"],
    "erf": ["erf", "row", "snake", "-g", "6x6"],
    "data": ["data", "digits"],
    "data of videos": ["data", "moving-digits"],
    "report": ["report", "examples/studies/next_patch", "--out", "{folder}"],
    "report of orders": ["report", "examples/studies/orders", "--out", "{folder}"],
    "report of nothing": ["report", "{folder}"],
}


def _digest(values: Mapping[str, Any]) -> dict[str, str]:
    def bits(value: torch.Tensor) -> bytes:
        whole = value.detach().contiguous()
        return (whole.view(torch.int16) if whole.dtype == torch.bfloat16 else whole).numpy().tobytes()

    return {
        name: f"{list(value.shape)} {hashlib.sha256(bits(value)).hexdigest()[:16]}"
        for name, value in values.items()
        if value is not None
    }


def _gradients(call: Any, arguments: dict[str, torch.Tensor]) -> dict[str, str]:
    leaves = {name: value.clone().requires_grad_() for name, value in arguments.items()}
    y = call(**leaves)
    y.backward(torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape).cos())
    return _digest({"y": y} | {f"d{name}": leaf.grad for name, leaf in leaves.items()})


def scans() -> Iterator[tuple[str, Any]]:
    """Of the selective scan, over paths of every kind."""
    for line, backend in itertools.product(SCANS, BACKENDS):
        compiled = scanlab.compile(_scan(line), grid=GRID)
        table = path_table(compiled)
        for dtype in (torch.float32,) if backend != "cpu" else (torch.float32, torch.bfloat16):
            found = outcome(random_arguments(table, dtype=dtype), backend, paths=table, delta_softplus=True)
            yield f"selective_scan {line} {backend} {dtype}", _digest(found)


def _scan(line: str) -> Any:
    return scanlab.parse(line, axes="h w")


def others() -> Iterator[tuple[str, Any]]:
    """Of the other operators."""
    for line, backend in itertools.product(("cross", "vim", "by h, w restart by h", "shuffled"), BACKENDS):
        table = path_table(scanlab.compile(_scan(line), grid=GRID))
        draw = torch.Generator().manual_seed(1)
        rows = table.length

        def normal(*shape: int, draw: torch.Generator = draw) -> torch.Tensor:
            return torch.randn(*shape, generator=draw)

        x = {"x": normal(2, rows, 6), "weight": normal(table.paths, 6, 4), "bias": normal(table.paths, 6)}
        call = _with(causal_conv1d, paths=table, backend=backend)
        yield f"convolution {line} {backend}", _gradients(call, x)
        K = table.paths
        dual = {"x": normal(2, rows, 4, 8), "dt": normal(2, K, rows, 4), "A": -normal(K, 4).exp()}
        dual |= {"B": normal(2, K, rows, 16), "C": normal(2, K, rows, 16), "D": normal(K, 4)}
        yield (
            f"ssd {line} {backend}",
            _gradients(_with(ssd, paths=table, backend=backend, dt_softplus=True, chunk=16), dual),
        )
    for backend in BACKENDS:
        draw = torch.Generator().manual_seed(2)
        drop = {name: torch.randn(2, 6, 9, generator=draw) for name in ("u", "delta", "z")}
        drop |= {"A": -torch.randn(6, 3, generator=draw).exp()}
        drop |= {name: torch.randn(2, 3, 9, generator=draw) for name in ("B", "C")}
        with use_backend(backend):
            yield f"selective_scan_fn {backend}", _gradients(selective_scan_fn, drop)
    table = path_table(scanlab.compile("cross", grid=GRID))
    for merge, backend in itertools.product(("none", "mean"), BACKENDS):
        arguments = random_arguments(table)
        call = _with(selective_scan, paths=table, merge=merge, backend=backend)
        yield f"merge {merge} {backend}", _gradients(call, arguments)


def _with(call: Any, **options: Any) -> Any:
    return lambda **arguments: call(**arguments, **options)


def models() -> Iterator[tuple[str, Any]]:
    """Names and shapes of what every preset learns, and of what is kept with it."""
    from scanlab.zoo import create_model, presets

    for name in presets():
        with torch.device("meta"):
            state = create_model(name).state_dict()
        yield f"preset {name}", {key: list(value.shape) for key, value in state.items()}


def studies() -> Iterator[tuple[str, Any]]:
    """Keys of the committed studies' trials, as they are stored and as the study files give them today."""
    from scanlab.study.settings import read_settings, study_of, with_options

    for folder in sorted(file.parent for file in (ROOT / "examples" / "studies").glob("*/study.sqlite")):
        with contextlib.closing(sqlite3.connect(f"file:{folder / 'study.sqlite'}?mode=ro", uri=True)) as base:
            yield f"stored keys of {folder.name}", sorted(row[0] for row in base.execute("SELECT key FROM trials"))
            tables = base.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
            yield f"tables of {folder.name}", sorted(row[0] for row in tables)
        for file in folder.glob("*.toml"):
            try:
                keys = sorted(trial.key for trial in study_of(read_settings(file)).trials())
            except scanlab.ScanlabError as error:
                keys = [str(error)]
            yield f"keys of {folder.name}/{file.name}", keys
    demo = study_of(with_options(None, {"strategies": ["row", "hilbert", "vim"], "seeds": 2}))
    yield "keys of a demo", sorted(trial.key for trial in demo.trials())


def commands() -> Iterator[tuple[str, Any]]:
    """What commands print for machines, and their exit codes."""
    for name, words in COMMANDS.items():
        with tempfile.TemporaryDirectory() as folder:
            asked = [sys.executable, "-m", "scanlab", *(word.format(folder=folder) for word in words), "--json"]
            done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=ROOT)
        yield f"scanlab {name}", [done.returncode, *(text.replace(folder, "F") for text in (done.stdout, done.stderr))]


def errors() -> Iterator[tuple[str, Any]]:
    """Every code with its texts, what its wrong example says, and the words of every error in the source."""
    for code, about in CODES.items():
        said = ""
        if about.wrong:
            try:
                scanlab.parse(about.wrong)
            except scanlab.ScanlabError as error:
                said = str(error)
        yield f"code {code}", [about.title, about.meaning, about.wrong, about.right, said]
    words: dict[str, list[str]] = {}
    for file in sorted((ROOT / "scanlab").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and (code := _code(node.args[0])):
                parts = [*node.args[1:], *(k.value for k in node.keywords)]
                words.setdefault(code, []).append(" | ".join(text for part in parts for text in _texts(part)))
    for code, found in sorted(words.items()):
        yield f"texts of {code}", sorted(found)


def _code(node: ast.AST) -> str:
    """The code of an error that a constant is, else ""."""
    is_code = isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"S\d{3}", node.value)
    return node.value if is_code else ""


def _texts(node: ast.AST) -> list[str]:
    """The constant parts of a text, whatever names fill the holes."""
    return [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def frozen() -> dict[str, Any]:
    """All of it, as JSON has it."""
    parts = (errors, models, studies, commands, others, scans)
    return json.loads(json.dumps({name: value for part in parts for name, value in part()}))


def main() -> None:
    what, file = sys.argv[1], Path(sys.argv[2])
    os.chdir(ROOT)
    found = frozen()
    if what == "record":
        file.write_text(json.dumps(found, indent=1), encoding="utf-8")
        print(f"{len(found)} things recorded")
        return
    before = json.loads(file.read_text(encoding="utf-8"))
    changed = [name for name in {**before, **found} if before.get(name) != found.get(name)]
    for name in changed:
        print(f"{name}\n  before: {str(before.get(name))[:2000]}\n  now:    {str(found.get(name))[:2000]}")
    print(f"{len(before)} things recorded, {len(changed)} changed")
    sys.exit(bool(changed))


if __name__ == "__main__":
    main()
