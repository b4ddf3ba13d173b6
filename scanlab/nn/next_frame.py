"""The next frame of a video, predicted from all frames before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text
from scanlab.nn.backbone import Backbone
from scanlab.nn.frame_groups import Groups
from scanlab.nn.head import Head
from scanlab.nn.patching import joined_patches
from scanlab.nn.streaming import Stream, check_backbone

__all__ = ["FrameStream", "NextFrame"]


class NextFrame(Head):
    """Predict the frame after each frame of a video: [B, C, T, H, W] -> [B, C, T, H, W].

    The backbone reads every frame beside its difference from the one before (zero for the first), so it has twice the
    channels of the video, and patches of one frame. A patch of the prediction is that of the last frame plus what a
    linear map makes of its row; the map begins at zero, which repeats the last frame. All paths of all layers must go
    through the frames one after the other, which is proved, and within a frame in any order and in several: each patch
    then stands for what was seen up to its frame. Raises S716 where a later frame would be seen, and S721 for channels
    or patches that do not fit.

    >>> import torch
    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> config = BackboneConfig(patch=(1, 4, 4), dim=8, positions="none")
    >>> backbone = Backbone("sum((by t, h, w), (by t, -h, -w))", config, input_size=(6, 8, 8), channels=2)
    >>> model, video = NextFrame(backbone), torch.rand(1, 1, 6, 8, 8)
    >>> torch.equal(model(video), video)  # before it has learned anything
    True
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        sides = backbone.embed.patch
        if len(sides) < 2 or sides[0] != 1:
            raise ScanlabError.at(
                "S721",
                f"patches of {grid_text(sides)} are no patches of one frame",
                help="give patches a first side of 1, as in patch = [1, 4, 4]",
            )
        if backbone.channels % 2:
            raise ScanlabError.at(
                "S721",
                f"the backbone reads {backbone.channels} channels, not twice those of a video",
                help="build it with channels=2 for grey frames, 6 for colours",
            )
        self.channels = backbone.channels // 2
        self.check_scan()
        self.head = nn.Linear(backbone.dim, self.channels * torch.Size(sides).numel())
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def options(self) -> dict[str, int | str]:
        """Nothing."""
        return {}

    def own_stream(self, latency: int) -> FrameStream:
        """Frames in, those expected after them out. Raises S716 for a latency."""
        if latency != 1:
            help = "leave latency out"
            raise ScanlabError.at("S716", f"the next frame follows one frame, not {latency!r}", help=help)
        return FrameStream(self)

    def check_scan(self) -> None:
        """That no path sees a later frame. Raises S716."""
        check_backbone(self.backbone)
        frame = self.backbone.grid_of(self.backbone.input_size)[1:]
        for value in {block.mixer.paths.value for block in self.backbone.blocks}:
            Groups(value, 1).check(frame)

    def inputs(self, images: Tensor) -> Tensor:
        """What the backbone reads: frames, and their differences from the ones before, [B, 2 C, T, H, W]."""
        self.check_frames(images)
        return torch.cat([images, images.diff(dim=2, prepend=images[:, :, :1])], dim=1)

    def check_frames(self, images: Tensor) -> None:
        """That they are videos of the model's channels. Raises S614 and S721."""
        axes = len(self.backbone.input_size)
        if images.ndim != 2 + axes or images.shape[1] != self.channels:
            raise ScanlabError.at(
                "S721",
                f"videos of shape {list(images.shape)} do not fit",
                help=f"give [B, {self.channels}, T, …], of {2 + axes} axes",
            )

    def forward(self, images: Tensor) -> Tensor:
        """[B, C, T, H, W] -> [B, C, T, H, W]: at each frame what is expected after it."""
        return self.predicted(images, self.backbone(self.inputs(images)))

    def predicted(self, frames: Tensor, rows: Tensor) -> Tensor:
        """What is expected after each of some frames, from the rows of their patches."""
        change = joined_patches(self.backbone, self.head(rows), frames.shape[2:], self.channels)
        return frames + change

    def loss(self, images: Tensor) -> Tensor:
        """The mean absolute error of all frames but the first."""
        return self.losses(images).mean()

    def losses(self, images: Tensor) -> Tensor:
        """`loss` of every video by itself: float32 [B]. Raises S721 for videos of one frame, which have no next one."""
        return _errors(self(images)[:, :, :-1], images)

    def repeated(self, images: Tensor) -> Tensor:
        """The loss of a prediction that every frame is like the one before it, of every video: float32 [B]."""
        return _errors(images[:, :, :-1], images)


def _errors(expected: Tensor, images: Tensor) -> Tensor:
    if images.shape[2] < 2:
        raise ScanlabError.at(
            "S721", "a video of one frame has no next one to predict", help="give videos of two frames or more"
        )
    return (expected - images[:, :, 1:]).float().abs().flatten(1).mean(1)


class FrameStream:
    """What a model of the next frame has read of a video: frames in, the ones expected after them out.

    >>> import torch
    >>> from scanlab.nn import Backbone, BackboneConfig, stream
    >>> config = BackboneConfig(patch=(1, 4, 4), dim=8, positions="none")
    >>> model = NextFrame(Backbone("by t, h, w", config, input_size=(6, 8, 8), channels=2))
    >>> live, video = stream(model), torch.rand(1, 1, 6, 8, 8)
    >>> parts = [live.read(frame) for frame in video.split(1, dim=2)]
    >>> torch.allclose(torch.cat(parts, dim=2), model(video), atol=1e-6)
    True
    """

    latency = 1

    def __init__(self, model: NextFrame) -> None:
        self.model, self._rows = model, Stream(model.backbone)
        self._last: Tensor | None = None

    @property
    def groups(self) -> int:
        """How many frames have been read."""
        return self._rows.groups

    def reset(self) -> None:
        """Forget everything: what is read next is the start of a video."""
        self._rows.reset()
        self._last = None

    def detach(self) -> None:
        """Cut the graph behind the state."""
        self._rows.detach()
        self._last = None if self._last is None else self._last.detach()

    def read(self, frames: Tensor) -> Tensor:
        """The next frames [B, C, F, H, W] -> what is expected after each of them, likewise. Raises S614, S716, S721."""
        self.model.check_frames(frames)
        if not frames.shape[2]:
            return frames
        first, last = frames[:, :, :1], self._last
        # Frames of another size, or of other videos, have no difference from the last: the stream of rows refuses them.
        before = first if last is None or last.shape != first.shape else last
        rows = self._rows.read(torch.cat([frames, frames.diff(dim=2, prepend=before)], dim=1))
        self._last = frames[:, :, -1:].clone()
        return self.model.predicted(frames, rows)
