"""A model over a video that still goes on: frames are read as they come, and the state is kept between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import whole_number
from scanlab.ir.text import grid_text
from scanlab.ir.values import Order, Scan
from scanlab.nn.backbone import Backbone, Block, backbone_of
from scanlab.nn.frame_groups import Groups
from scanlab.nn.head import Head
from scanlab.nn.heads import Classifier
from scanlab.nn.kinds import CONVOLUTIONS, MIXERS, READOUTS, STEMS
from scanlab.nn.mixer_state import MixerState

__all__ = ["FrameReader", "Stream", "check_backbone", "next_group", "stream"]


def stream(model: nn.Module, latency: int = 1) -> FrameReader:
    """Read a video frame by frame, or in chunks of any length, with memory that does not grow.

    model: a Backbone, whose rows come out, a Classifier, or a NextFrame. The first axis of its strategy is that of the
    frames. latency: how many patches along it are read at once; an order may mix them. All layers' orders must go
    through such groups one after the other, which is proved first; nothing in the model may look at later ones. Raises
    S716 with the reason or the counter-example of the proof.

    What comes out is that of the whole video at once, to rounding, but for two things. Frames that do not fill a group
    wait for those that do, and never come out where the video ends before; the whole fills up their patches with zeros.
    And learned positions are those of the first frames as trained, while the whole resizes them for a video of another
    length.

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
    own = model.own_stream(latency) if isinstance(model, Head) else None
    return Stream(model, latency) if own is None else own


class FrameReader(Protocol):
    """What `stream` gives, whatever the head: frames in, answers out, and a state that does not grow."""

    latency: int

    @property
    def groups(self) -> int:
        """How many groups of `latency` patches along the frames have been read."""
        ...

    def reset(self) -> None:
        """Forget everything: what is read next is the start of a video."""

    def detach(self) -> None:
        """Cut the graph behind the state."""

    def read(self, frames: Tensor) -> Tensor:
        """Read the next frames [B, C, F, *extents], F of any number, and give what is complete."""
        ...


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
        number = whole_number(latency)
        if number is None or not 0 < number < 2**31:
            raise ScanlabError.at("S716", f"a latency of {latency!r}", help="read one patch along the frames, or a few")
        self.latency = number
        self.blocks: list[Block] = self.backbone.blocks
        self._values = self._followed()
        frame = self.backbone.grid_of(self.backbone.input_size)[1:]
        self._groups = {value: Groups(value, number) for value in set(self._values)}
        for groups in self._groups.values():
            groups.check(frame)
        self.reset()

    @property
    def groups(self) -> int:
        """How many groups of `latency` patches along the frames have been read."""
        return self._kept.groups

    def reset(self) -> None:
        """Forget everything: what is read next is the start of a video."""
        self._kept = _Kept()

    def detach(self) -> None:
        """Cut the graph behind the state: gradients go no further back than from here (truncated backward)."""
        kept = self._kept
        self._kept = replace(
            kept,
            waiting=None if kept.waiting is None else kept.waiting.detach(),
            states=tuple(_each(state, Tensor.detach) for state in kept.states),
            pooled=None if kept.pooled is None else kept.pooled.detach(),
        )

    def read(self, frames: Tensor) -> Tensor:
        """Read the next frames [B, C, F, *extents], F of any number, and give what is complete.

        Of a backbone: the rows of the patches of all complete groups, [B, M, dim], M = 0 where more frames are needed.
        Of a classifier: the logits [B, classes] after all that has been read. Raises S614 for frames that the model
        does not read, or that do not fit those before them, and S716 beyond the frames that learned positions know,
        for the first frames of a classifier where no group is complete with them, and where the scan was set anew since
        the stream was made. Whatever is raised, what has been read stays as it was.
        """
        self._check(frames)
        kept = self._kept
        waiting = frames if kept.waiting is None else torch.cat([kept.waiting, frames], dim=2)
        states, rows = kept.states, []
        while waiting.shape[2] >= self._size:
            part, states = self._group(waiting[:, :, : self._size], kept.groups + len(rows), states)
            rows.append(part)
            waiting = waiting[:, :, self._size :]
        new = _Kept(
            kept.groups + len(rows),
            (len(frames), *frames.shape[3:]),
            # A copy: the caller's memory may be written to before the next frame, and a view would keep all of it.
            waiting.clone() if waiting.shape[2] else None,
            states,
            kept.pooled,
            kept.patches + sum(part.shape[1] for part in rows),
        )
        if isinstance(self.model, Classifier):
            new = replace(new, pooled=self._pooled(kept.pooled, rows))
            assert new.pooled is not None
            mean = new.pooled if self.backbone.config.readout == "max" else new.pooled / new.patches
            answer = self.model.head(mean.to(frames.dtype))
        else:
            answer = torch.cat(rows, dim=1) if rows else frames.new_zeros(len(frames), 0, self.backbone.dim)
        self._kept = new
        return answer

    @property
    def _size(self) -> int:
        """How many frames a group has."""
        return self.backbone.embed.patch[0] * self.latency

    def _followed(self) -> list[Order | Scan]:
        return [block.mixer.paths.value for block in self.blocks]

    def _group(
        self, frames: Tensor, number: int, states: tuple[MixerState, ...]
    ) -> tuple[Tensor, tuple[MixerState, ...]]:
        """The rows of a group, and the states after it."""
        rows, grid = self.backbone.embed(frames)
        if self.backbone.positions is not None:
            rows = rows + self._positions(number, grid)
        groups = [self._groups[value] for value in self._values]
        rows, states = next_group(self.blocks, groups, rows, grid, number, states)
        return self.backbone.norm(rows), states

    def _check(self, frames: Tensor) -> None:
        """That they go on from those before them, before anything is computed."""
        shape, kept, embed = frames.shape, self._kept, self.backbone.embed
        # However many frames these are, they are read a group at a time.
        grid = embed.grid_for((*shape[:2], self._size, *shape[3:]) if len(shape) > 2 else shape)
        now = (shape[0], *shape[3:])
        if kept.shape is not None and now != kept.shape:
            raise ScanlabError.at(
                "S614",
                f"frames of {now[0]} videos of {grid_text(now[1:])} follow those of {kept.shape[0]} of "
                f"{grid_text(kept.shape[1:])}",
                help="call reset() where another video starts",
            )
        if self._values != self._followed():
            raise ScanlabError.at(
                "S716", "the model's scan was set anew since this stream was made", help="make another: stream(model)"
            )
        for groups in self._groups.values():
            groups.check(grid[1:])
        waiting = 0 if kept.waiting is None else kept.waiting.shape[2]
        groups = kept.groups + (waiting + shape[2]) // self._size
        if isinstance(self.model, Classifier) and not groups:
            raise ScanlabError.at(
                "S716", f"nothing is complete after {shape[2]} frames", help=f"read {self._size} of them at least"
            )
        trained = self.backbone.grid_of(self.backbone.input_size)[0]
        if self.backbone.positions is not None and groups * self.latency > trained:
            raise ScanlabError.at(
                "S716",
                f"the model has learned the positions of {trained} steps along the frames, and this is step {trained}",
                note=f"{kept.groups * self.latency} steps have been read",
                help='use positions="none" for videos without an end, or call reset()',
            )

    def _positions(self, number: int, grid: tuple[int, ...]) -> Tensor:
        positions, trained = self.backbone.positions, self.backbone.grid_of(self.backbone.input_size)
        assert positions is not None
        first = number * self.latency
        whole = positions(torch.zeros((), device=positions.patches.device), (trained[0], *grid[1:]))
        return whole.unflatten(0, (trained[0], -1))[first : first + grid[0]].flatten(0, 1)

    def _pooled(self, before: Tensor | None, rows: Sequence[Tensor]) -> Tensor | None:
        """The greatest of all rows, or their sum: in float64, since the sum of a long video is far beyond its rows."""
        greatest = self.backbone.config.readout == "max"
        for part in rows:
            total = part.amax(1) if greatest else part.sum(1, dtype=torch.float64)
            before = total if before is None else torch.maximum(before, total) if greatest else before + total
        return before


@dataclass(frozen=True, eq=False)
class _Kept:
    """All that a stream has read; replaced as a whole when a call is through, so that an error changes nothing.

    shape: of the videos, their number and extents. waiting: frames of a group that is not complete. states: of each
    layer. pooled: what a classifier has read of so many patches.
    """

    groups: int = 0
    shape: tuple[int, ...] | None = None
    waiting: Tensor | None = None
    states: tuple[MixerState, ...] = ()
    pooled: Tensor | None = None
    patches: int = 0


def next_group(
    blocks: Sequence[Block],
    groups: Sequence[Groups],
    rows: Tensor,
    grid: tuple[int, ...],
    number: int,
    states: tuple[MixerState, ...],
) -> tuple[Tensor, tuple[MixerState, ...]]:
    """What blocks make of the rows of the next group [B, M, dim] over its grid, and the states after it.

    groups: of each block; number: of the group, from 0; states: those after the group before, of each block.
    """
    after = []
    for block, followed, before in zip(blocks, groups, states or [MixerState()] * len(blocks), strict=True):
        table, fresh = followed.table(number, grid[1:], rows.device)
        state = MixerState() if not number or (fresh and all(fresh)) else before
        if any(fresh):
            state = _each(state, partial(_cleared, fresh=fresh))
        mixed, state = block.mixer.step(block.norm(rows), table, state)
        rows = block.onward(rows, mixed)
        after.append(state)
    return rows, tuple(after)


def _each(state: MixerState, change: Callable[[Tensor], Tensor]) -> MixerState:
    return MixerState(*(None if t is None else change(t) for t in (state.scan, state.convolution)))


def _cleared(state: Tensor, fresh: Sequence[bool]) -> Tensor:
    """The states [B, T, ...] with those of sequences that start anew at zero."""
    keep = torch.tensor([not f for f in fresh[: state.shape[1]]], device=state.device)
    return torch.where(keep.view(1, -1, *[1] * (state.ndim - 2)), state, 0)


def _check_model(model: nn.Module, backbone: Backbone) -> None:
    if not isinstance(model, Backbone | Classifier):
        problem = f"what a {type(model).__name__} reads of its backbone is not known here; stream its backbone"
        raise _refused(problem)
    check_backbone(backbone)


def check_backbone(backbone: Backbone) -> None:
    """That nothing in a backbone but its scan looks at patches of later frames. Raises S716."""
    config = backbone.config
    problem = None
    if len(backbone.input_size) < 2:
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
        raise _refused(problem)


def _refused(problem: str) -> ScanlabError:
    return ScanlabError.at("S716", f"this model cannot read a video as it comes: {problem}")
