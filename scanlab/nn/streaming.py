"""A model over a video that still goes on: frames are read as they come, and the state is kept between them."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import chain

import torch
from torch import Tensor, nn

from scanlab.compiler.bind import CompiledScan, Path
from scanlab.compiler.streaming import prove_streamable
from scanlab.facade import bound
from scanlab.ir.coordinates import substitute_axes
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Axis, Binary, Extent, Int, nodes_of
from scanlab.ir.text import grid_text
from scanlab.ir.values import Order, Scan, Value, map_orders, nodes_in, orders_of
from scanlab.nn.backbone import Backbone, Block, backbone_of
from scanlab.nn.heads import Classifier
from scanlab.nn.kinds import CONVOLUTIONS, MIXERS, READOUTS, STEMS
from scanlab.nn.mixer_state import MixerState
from scanlab.ops import PathTable, path_table
from scanlab.ops.modes import outside_modes

__all__ = ["Stream", "stream"]

# Tables are kept by what they are: an order that treats all groups alike has one, a snake two.
MOST_TABLES = 64
# How many groups at the start of a grid are compared with the grid as a whole before a stream is given out.
COMPARED = 4


def stream(model: nn.Module, latency: int = 1) -> Stream:
    """Read a video frame by frame, or in chunks of any length, with memory that does not grow.

    model: a Backbone, whose rows come out, or a Classifier. The first axis of its strategy is that of the frames.
    latency: how many patches along it are read at once; an order may mix them. All layers' orders must go through such
    groups one after the other, which is proved first; nothing in the model may look at later ones. Raises S716 with the
    reason or the counter-example of the proof.

    >>> import torch
    >>> from scanlab.nn import Backbone, BackboneConfig, MixerConfig
    >>> config = BackboneConfig(patch=(1, 4, 4), dim=8, positions="none", mixer=MixerConfig(convolution="path"))
    >>> video = torch.rand(2, 3, 6, 8, 8)  # [B, C, T, H, W]
    >>> backbone = Backbone("by t, h, ~w", config, input_size=(6, 8, 8), channels=3)
    >>> live = stream(backbone)
    >>> rows = torch.cat([live.read(video[:, :, t : t + 1]) for t in range(6)], dim=1)
    >>> torch.allclose(rows, backbone(video), atol=1e-5)
    True
    """
    return Stream(model, latency)


class Stream:
    """What a model has read of a video; see `stream`.

    >>> import torch
    >>> from scanlab.nn import Backbone, BackboneConfig, MixerConfig
    >>> config = BackboneConfig(patch=(1, 4, 4), dim=8, positions="none", mixer=MixerConfig(convolution="path"))
    >>> live = Stream(Backbone("by t, h, w", config, input_size=(2, 8, 8)), latency=2)
    >>> live.read(torch.zeros(1, 1, 3, 8, 8)).shape, live.groups  # the third frame waits for a fourth
    (torch.Size([1, 8, 8]), 1)
    """

    def __init__(self, model: nn.Module, latency: int = 1) -> None:
        self.model, self.backbone = model, backbone_of(model)
        _check_model(model, self.backbone)
        if latency < 1:
            raise ScanlabError.at("S716", f"a latency of {latency}", help="read at least one patch along the frames")
        self.latency = latency
        self.blocks: list[Block] = self.backbone.blocks
        frame = self.backbone.grid_of(self.backbone.input_size)[1:]
        self._groups = {value: _Groups(value, latency) for value in {b.mixer.paths.value for b in self.blocks}}
        for groups in self._groups.values():
            groups.check(frame)
        self.reset()

    def reset(self) -> None:
        """Forget everything: what is read next is the start of a video."""
        self.groups = 0
        self._shape: tuple[int, ...] | None = None
        self._waiting: Tensor | None = None
        self._states = [MixerState() for _ in self.blocks]
        self._pooled: Tensor | None = None
        self._patches = 0

    def detach(self) -> None:
        """Cut the graph behind the state: gradients go no further back than from here (truncated backward)."""
        self._states = [MixerState(*(None if t is None else t.detach() for t in _parts(s))) for s in self._states]
        self._pooled = None if self._pooled is None else self._pooled.detach()

    def read(self, frames: Tensor) -> Tensor:
        """Read the next frames [B, C, F, *extents], F of any number, and give what is complete.

        Of a backbone: the rows of the patches of all complete groups, [B, M, dim], M = 0 where more frames are needed.
        Of a classifier: the logits [B, classes] after all that has been read. Raises S614 for frames that do not fit
        those before them, and S716 beyond the frames that learned positions know.
        """
        self._check_frames(frames)
        waiting = frames if self._waiting is None else torch.cat([self._waiting, frames], dim=2)
        size = self.backbone.embed.patch[0] * self.latency
        rows = []
        while waiting.shape[2] >= size:
            rows.append(self._group(waiting[:, :, :size]))
            waiting = waiting[:, :, size:]
        self._waiting = waiting
        if isinstance(self.model, Classifier):
            return self._logits(rows, frames)
        return torch.cat(rows, dim=1) if rows else frames.new_zeros(len(frames), 0, self.backbone.dim)

    def _group(self, frames: Tensor) -> Tensor:
        backbone = self.backbone
        rows, grid = backbone.embed(frames)
        if backbone.positions is not None:
            rows = rows + self._positions(grid)
        for i, block in enumerate(self.blocks):
            table, fresh = self._groups[block.mixer.paths.value].table(self.groups, grid[1:], rows.device)
            state = self._states[i] if self.groups else MixerState()
            if fresh is not None:
                state = MixerState(*(None if t is None else _cleared(t, fresh) for t in _parts(state)))
            mixed, self._states[i] = block.mixer.step(block.norm(rows), table, state)
            rows = block.onward(rows, mixed)
        self.groups += 1
        return backbone.norm(rows)

    def _check_frames(self, frames: Tensor) -> None:
        """That they go on from those before them: as many videos, of the same extents."""
        now = (len(frames), *frames.shape[3:])
        if self._shape is not None and now != self._shape:
            raise ScanlabError.at(
                "S614",
                f"frames of {now[0]} videos of {grid_text(now[1:])} follow those of {self._shape[0]} of "
                f"{grid_text(self._shape[1:])}",
                help="call reset() where another video starts",
            )
        self._shape = now

    def _positions(self, grid: tuple[int, ...]) -> Tensor:
        positions, trained = self.backbone.positions, self.backbone.grid_of(self.backbone.input_size)
        assert positions is not None
        first = self.groups * self.latency
        if first + grid[0] > trained[0]:
            raise ScanlabError.at(
                "S716",
                f"the model has learned the positions of {trained[0]} steps along the frames, and this is step {first}",
                help='use positions="none" for videos without an end, or call reset()',
            )
        whole = positions(torch.zeros((), device=positions.patches.device), (trained[0], *grid[1:]))
        return whole.unflatten(0, (trained[0], -1))[first : first + grid[0]].flatten(0, 1)

    def _logits(self, rows: Sequence[Tensor], frames: Tensor) -> Tensor:
        for part in rows:
            total = part.amax(1) if self.backbone.config.readout == "max" else part.sum(1)
            if self._pooled is None:
                self._pooled = total
            else:
                both = (self._pooled, total)
                self._pooled = torch.maximum(*both) if self.backbone.config.readout == "max" else both[0] + both[1]
            self._patches += part.shape[1]
        if self._pooled is None:
            raise ScanlabError.at(
                "S716",
                f"nothing is complete after {frames.shape[2]} frames",
                help=f"read {self.backbone.embed.patch[0] * self.latency} of them at least",
            )
        pooled = self._pooled if self.backbone.config.readout == "max" else self._pooled / self._patches
        assert isinstance(self.model, Classifier)
        return self.model.head(pooled)


def _parts(state: MixerState) -> tuple[Tensor | None, Tensor | None]:
    return state.scan, state.convolution


def _cleared(state: Tensor, fresh: Sequence[bool]) -> Tensor:
    """The states [B, T, ...] with those of sequences that start anew at zero."""
    keep = torch.tensor([not f for f in fresh[: state.shape[1]]], device=state.device)
    return torch.where(keep.view(1, -1, *[1] * (state.ndim - 2)), state, 0)


class _Groups:
    """The steps of a scan within one group of `latency` frames after the other.

    The order of a group is that of its keys with the frames counted from its first one, so that it is exact for every
    group, however late, and takes as long as binding that many frames.
    """

    def __init__(self, value: Order | Scan, latency: int) -> None:
        self.value, self.latency, self.axis = value, latency, value.axes[0]
        self._tables: OrderedDict[tuple[bytes, torch.device], PathTable] = OrderedDict()
        self._restarts = any(o.restart for o in orders_of(value))
        orders = list(orders_of(value))
        if problem := next(_problems(value, orders, self.axis), ""):
            raise ScanlabError.at("S716", f"`{value}` cannot be followed while a video goes on: {problem}")
        for order in orders:
            proof = prove_streamable(order, self.axis, latency)
            if proof.verdict != "proved":
                raise _refused(order, proof, self.axis, latency)

    def bound(self, number: int, frame: tuple[int, ...], groups: int = 1) -> CompiledScan:
        """The scan over so many groups from a number on."""
        moved = map_orders(self.value, lambda order: _moved(order, self.axis, number * self.latency))
        scan = bound(moved, (groups * self.latency, *frame))
        assert isinstance(scan, CompiledScan)
        return scan

    def table(
        self, number: int, frame: tuple[int, ...], device: torch.device
    ) -> tuple[PathTable, tuple[bool, ...] | None]:
        """The steps of a group over its own rows; and which sequences start it with a restart, None for none."""
        scan = self.bound(number, frame)
        content = b"|".join(path.sequence.tobytes() + path.restarts.tobytes() for path in scan.paths)
        key = (content, device)
        if key not in self._tables:
            with outside_modes():
                table = path_table(scan).to(device)
            self._tables[key] = table
            if len(self._tables) > MOST_TABLES:
                self._tables.popitem(last=False)
        self._tables.move_to_end(key)
        return self._tables[key], self._fresh(number, frame) if number and self._restarts else None

    def _fresh(self, number: int, frame: tuple[int, ...]) -> tuple[bool, ...]:
        both = self.bound(number - 1, frame, 2)
        inside = math.prod(frame) * self.latency
        return tuple(_starts_anew(path, inside) for path in both.paths)

    def check(self, frame: tuple[int, ...]) -> None:
        """Compare the first groups with the grid as a whole, bound at once: a second road to what is read."""
        inside = math.prod(frame) * self.latency
        whole = self.bound(0, frame, COMPARED)
        parts = [self.bound(i, frame) for i in range(COMPARED)]
        for k, path in enumerate(whole.paths):
            joined = [i * inside + int(row) for i, part in enumerate(parts) for row in part.paths[k].indices]
            if joined != path.indices.tolist():
                raise ScanlabError.at(
                    "S716",
                    f"`{path.label}` visits the patches of a group in another order when the grid grows",
                    help="let the keys not depend on the number of frames",
                )


def _starts_anew(path: Path, inside: int) -> bool:
    """Whether a path of two groups of patches restarts at the first patch of the second."""
    second = (path.indices >= inside).nonzero()[0]
    return bool(len(second)) and int(second[0]) in path.restarts.tolist()


def _moved(order: Order, axis: str, by: int) -> Order:
    """The order with its coordinate along an axis counted from a later place."""
    coordinates = {a: Binary("+", Axis(a), Int(by)) if a == axis else Axis(a) for a in order.axes}
    return substitute_axes(order, order.axes, coordinates) if by else order


def _problems(value: Value, orders: Sequence[Order], axis: str) -> Iterator[str]:
    scans = [value] if isinstance(value, Scan) else []
    while scans:
        scan = scans.pop()
        scans += [part for part in scan.parts if isinstance(part, Scan)]
        if scan.rule.joins:
            yield f"{scan.merge} begins a path where another has ended"
        if scan.tokens:
            yield "virtual tokens stand for the video as a whole"
    for order in orders:
        if order.tokens:
            yield "virtual tokens stand for the video as a whole"
        assumed = (node for expr in order.assume for node in nodes_of(expr))
        if Extent(axis) in chain(nodes_in(order), assumed):
            yield f"it depends on {axis.upper()}, the number of frames, which is not known"


def _refused(order: Order, proof: object, axis: str, latency: int) -> ScanlabError:
    help = "let its first key be the frame" if latency == 1 else f"let its first key be {axis} // {latency}"
    return ScanlabError.at(
        "S716",
        f"`{order.name or order}` cannot be followed frame by frame",
        note=str(proof),
        help=f"{help}, or read more frames at once (latency)",
    )


def _check_model(model: nn.Module, backbone: Backbone) -> None:
    config = backbone.config
    problem = None
    if not isinstance(model, Backbone | Classifier):
        problem = f"what a {type(model).__name__} reads of its backbone is not known here; stream its backbone"
    elif len(backbone.input_size) < 2:
        problem = "the input has one axis: there are no frames in it"
    elif len(config.depths) > 1:
        problem = "stages halve the grid, and so join frames that have not come yet"
    elif STEMS[config.stem].overlapping or config.stride:
        problem = "the patches overlap, and so reach into frames that have not come yet"
    elif CONVOLUTIONS[config.mixer.convolution].on_grid:
        problem = "the convolution on the grid shows every patch its neighbours in the next frame"
    elif not MIXERS[config.mixer.kind].streams:
        problem = f"a mixer of the kind {config.mixer.kind!r} keeps no state between parts"
    elif READOUTS[config.readout].of_tokens:
        problem = "class tokens stand for the video as a whole"
    elif any(block.mixer.paths.alter is not None for block in backbone.blocks):
        problem = "its paths are altered, as a study's controls do"
    if problem:
        raise ScanlabError.at("S716", f"this model cannot read a video as it comes: {problem}")
