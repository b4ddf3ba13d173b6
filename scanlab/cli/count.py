"""``scanlab count``: parameters and operations of a model, by part."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text
from torch import nn

from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console, print_json
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.ir.text import count_text, grid_text
from scanlab.nn.backbone import Backbone, backbone_of
from scanlab.nn.counting import Part, count_parts
from scanlab.zoo import create_model
from scanlab.zoo.presets import ALIASES, PRESETS
from scanlab.zoo.pretrained import read_model

__all__ = ["Options", "run"]

# Numbers in an image from which on shapes alone are computed: it saves memory, and takes seconds to load.
LARGE = 1 << 20
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Options:
    """What is asked for. size: of the image in pixels; grid: in patches, in place of it; scan, classes, channels: of a
    published model."""

    size: str = ""
    grid: str = ""
    scan: str = ""
    classes: int | None = None
    channels: int | None = None


def run(name: str, options: Options, as_json: bool) -> None:
    """Count, and print the table. Raises S624 for what cannot be counted, S400, S614, S617."""
    model = _model(name, options)
    extents = _extents(backbone_of(model), options)
    channels = backbone_of(model).channels
    parts = count_parts(model.to("meta") if channels * _volume(extents) >= LARGE else model, extents)
    data = _data(name, model, extents, parts)
    if as_json:
        print_json(data)
        return
    screen = console()
    print_table(screen, _table(data, parts))
    screen.print(
        "A multiply-add is two operations, as torch's FlopCounterMode counts; papers that count it as one give half. "
        "Norms, activations and merges count nothing there; a selective scan 9 per step, channel and state, and 2 for "
        "the skip."
    )


def _model(name: str, options: Options) -> nn.Module:
    """A published model, or one in a file or a folder."""
    place = Path(name)
    own = options.scan or options.classes is not None or options.channels is not None
    if place.exists():
        if own:
            help = "leave --scan, --classes and --channels out"
            raise ScanlabError.at("S624", f"{name} holds a model that is as it is", help=help)
        return read_model(place)
    given: dict[str, Any] = {"classes": options.classes, "channels": options.channels, "scan": options.scan or None}
    preset = PRESETS.get(ALIASES.get(name, name))
    if preset is not None and options.size:
        given["input_size"] = _sides(options.size, len(preset.input_size), "size")
    return create_model(name, **{key: value for key, value in given.items() if value is not None}).eval()


def _extents(backbone: Backbone, options: Options) -> tuple[int, ...]:
    """The image to count for: of the size, of the grid, or the model's own. Raises S624."""
    if options.size and options.grid:
        raise ScanlabError.at("S624", "a size and a grid are given", help="give --size in pixels or --grid in patches")
    axes = len(backbone.input_size)
    if options.size:
        return _sides(options.size, axes, "size")
    if not options.grid:
        return tuple(backbone.input_size)
    grid, sides, step = _sides(options.grid, axes, "grid"), backbone.embed.patch, backbone.embed.stride
    if step:
        return tuple((n - 1) * step + side for n, side in zip(grid, sides, strict=True))
    return tuple(n * side for n, side in zip(grid, sides, strict=True))


def _sides(text: str, axes: int, what: str) -> tuple[int, ...]:
    given = grid_of(text, what=what)
    if len(given) != axes:
        shown = count_text(axes, "axis")
        raise ScanlabError.at("S624", f"the {what} is {grid_text(given)}, and the model reads {shown}")
    return tuple(given)


def _volume(extents: tuple[int, ...]) -> int:
    number = 1
    for n in extents:
        number *= n
    return number


def _data(name: str, model: nn.Module, extents: tuple[int, ...], parts: tuple[Part, ...]) -> dict[str, Any]:
    backbone = backbone_of(model)
    return {
        "model": name,
        "kind": type(model).__name__,
        "size": list(extents),
        "channels": backbone.channels,
        "grid": list(backbone.grid_of(extents)),
        "parameters": sum(part.parameters for part in parts),
        "flops": sum(part.flops for part in parts),
        "parts": [asdict(part) for part in parts],
    }


def _table(data: dict[str, Any], parts: tuple[Part, ...]) -> Table:
    size = f"{grid_text(data['size'])} pixels, {count_text(data['channels'], 'channel')}"
    table = Table(title=f"{Path(data['model']).name}: {size}, {grid_text(data['grid'])} patches", title_justify="left")
    table.add_column("part")
    for heading in ("parameters", "%", "FLOPs", "%"):
        table.add_column(heading, justify="right")
    before = 0
    for part in parts:
        if part.stage != before and table.rows:
            table.add_section()
        before = part.stage
        name = f"stage {part.stage}: {part.name}" if part.stage else part.name
        table.add_row(
            Text(name), *_cells(part.parameters, data["parameters"]), *_cells(part.flops, data["flops"], True)
        )
    table.add_section()
    row = _cells(data["parameters"], data["parameters"]) + _cells(data["flops"], data["flops"], True)
    table.add_row("all", *row, style="bold")
    return table


def _cells(number: int, whole: int, short: bool = False) -> tuple[str, str]:
    return _short(number) if short else f"{number:,}", f"{100 * number / whole:.1f}" if whole else ""


def _short(number: int) -> str:
    """Three digits and a unit."""
    for size, unit in _UNITS:
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)
