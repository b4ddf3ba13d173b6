"""``scanlab export``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from scanlab.cli.evaluate import Checkpoint
from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console, print_json
from scanlab.export import Agreement, Exported, compare_onnx, write_onnx
from scanlab.export.extras import need
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.ir.text import count_text, grid_text
from scanlab.nn import set_scan

__all__ = ["Options", "run"]


@dataclass(frozen=True)
class Options:
    """What is asked of the files: see the command's help."""

    out: Path
    scan: str = ""
    sizes: tuple[str, ...] = ()
    portable: bool = False
    plain: bool = False
    state: bool = False
    latency: int = 1
    check: bool = False

    @property
    def form(self) -> str:
        """The row of `scanlab.export.FORMS`. Raises a usage error for two at once."""
        if self.portable and self.plain:
            raise typer.BadParameter("--portable and --plain are two forms; write a file for each")
        return "portable" if self.portable else "plain" if self.plain else "onnxruntime"

    def files(self) -> list[tuple[Path, tuple[int, ...] | None]]:
        """Every file, and the extents of its inputs; None for those that the model was built for."""
        sizes = list(dict.fromkeys(grid_of(size, what="size") for size in self.sizes))
        if len(sizes) < 2:
            return [(self.out, size) for size in (sizes or [None])]
        return [(self.out.with_stem(f"{self.out.stem}-{grid_text(size)}"), size) for size in sizes]


def _check_places(checkpoint: Path, files: Sequence[Path]) -> None:
    """Raise S784 for a name that is none of an ONNX file, such as the checkpoint's own, which would be lost."""
    for file in files:
        if file.suffix.lower() != ".onnx" or file.resolve() == checkpoint.resolve():
            help = "let it end in .onnx, as in -o model.onnx"
            raise ScanlabError.at("S784", f"{file} is no name of an ONNX file", help=help)


def run(checkpoint: Checkpoint, options: Options, as_json: bool) -> None:
    """Write every file, and check it where that is asked for. Raises S786 where a check fails, after its table."""
    form, files = options.form, options.files()
    _check_places(checkpoint.path, [path for path, _ in files])
    if options.latency != 1 and not options.state:
        raise typer.BadParameter("--latency goes with --state")
    for package in ("onnx", "onnxruntime") if options.check else ("onnx",):
        need(package)
    model = checkpoint.load_any()
    if options.scan:
        set_scan(model, options.scan)
    about = {
        "scanlab.checkpoint": checkpoint.path.name,
        "scanlab.checkpoint_sha256": hashlib.sha256(checkpoint.path.read_bytes()).hexdigest(),
    }
    report, failed = [], []
    for path, size in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        how = {"size": size, "form": form, "state": options.state, "latency": options.latency, "metadata": about}
        exported = write_onnx(model, path, **how)
        rows = compare_onnx(model, exported) if options.check else []
        failed += [path] if not all(row.agrees for row in rows) else []
        report.append(_data(path, exported, rows))
        if not as_json:
            _print(path, exported, rows)
    if as_json:
        print_json(report)
    if failed:
        raise ScanlabError.at("S786", f"{', '.join(map(str, failed))}: onnxruntime gives something else than torch")


def _data(path: Path, exported: Exported, rows: Sequence[Agreement]) -> dict[str, Any]:
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "input_size": exported.extents,
        "form": exported.form,
        "nodes": len(exported.model.graph.node),
        "scans": {name: asdict(choice) for name, choice in exported.choices.items()},
        "metadata": {entry.key: entry.value for entry in exported.model.metadata_props},
        "check": [asdict(row) | {"agrees": row.agrees} for row in rows],
    }


def _print(path: Path, exported: Exported, rows: Sequence[Agreement]) -> None:
    screen = console()
    inputs = ", ".join(value.name for value in exported.model.graph.input if not value.name.startswith("state."))
    nodes = count_text(len(exported.model.graph.node), "node")
    screen.print(f"{path}: {nodes}, {path.stat().st_size / 1e6:.1f} MB; {inputs} of {grid_text(exported.extents)}")
    for note in exported.notes():
        screen.print(note)
    if not rows:
        return
    version = need("onnxruntime").__version__
    table = Table(title=f"onnxruntime {version} beside torch, random inputs, CPU; times are medians taken in turns")
    for heading in ("batch", "largest difference", "largest output", "onnxruntime ms", "torch ms", "ratio"):
        table.add_column(heading, justify="right")
    for row in rows:
        ratio = f"{row.onnxruntime_ms / row.torch_ms:.2f}"
        times = (f"{row.onnxruntime_ms:.1f}", f"{row.torch_ms:.1f}", ratio)
        table.add_row(str(row.batch), f"{row.difference:.1e}", f"{row.largest:.3g}", *times)
    print_table(screen, table)
