"""What a model says while frames come in, one after the other, with the state carried on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text
from scanlab.nn import Classifier, NextFrame, stream
from scanlab.nn.streaming import FrameReader
from scanlab.predict.frames import Frame, Frames, resized_to
from scanlab.predict.names import name_of

__all__ = ["Frame", "Frames", "LiveResult", "live_results", "stream_for"]


@dataclass(frozen=True, eq=False)
class LiveResult:
    """What a model says after a frame.

    number: of the frame, from 0. seconds: what reading it took. Of a Classifier: the likeliest class of the video so
    far with its share, class_number -1 while a group of frames is not complete. Of a NextFrame: `expected`, float32
    [C, H, W], the frame that it expects next; and from the second frame on by how much the one that came was off what
    was expected of it (error), and off the frame before (error_of_repeating), on average over pixels.

    >>> LiveResult("12.png", 12, 0.01, class_number=1, share=0.9, names=("still", "moving")).class_name
    'moving'
    """

    frame: str
    number: int
    seconds: float
    class_number: int = -1
    share: float = float("nan")
    names: tuple[str, ...] = ()
    expected: Tensor | None = None
    error: float = float("nan")
    error_of_repeating: float = float("nan")

    @property
    def class_name(self) -> str:
        """Of the likeliest class; "" where there is none yet."""
        return name_of(self.names, self.class_number) if self.class_number >= 0 else ""


def stream_for(model: nn.Module, latency: int = 1) -> FrameReader:
    """A stream of a Classifier or a NextFrame. Raises S726 for other models, S716 for scans that do not stream.

    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> config = BackboneConfig(patch=(1, 4, 4), dim=8, positions="none")
    >>> stream_for(Classifier(Backbone("by t, h, w", config, input_size=(2, 8, 8)), classes=3)).latency
    1
    """
    if not isinstance(model, Classifier | NextFrame) or len(model.backbone.input_size) != 3:
        raise ScanlabError.at(
            "S726",
            f"a {type(model).__name__} over {len(model.backbone.input_size)} axes reads no stream of frames"
            if isinstance(model, Classifier | NextFrame)
            else f"a {type(model).__name__} says nothing while frames come in",
            help="give a Classifier or a NextFrame of videos, axes t, h, w",
        )
    return stream(model, latency)


def live_results(
    model: nn.Module, frames: Iterable[Frame], latency: int = 1, names: Sequence[str] = ()
) -> Iterator[LiveResult]:
    """What a model says after each of some frames, which are resized to its own; what is kept does not grow.

    Raises S726 and S716 before any frame is read, S728 for a frame of another number of channels or of another size
    than the first.

    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> config = BackboneConfig(patch=(1, 4, 4), dim=8, positions="none")
    >>> model = Classifier(Backbone("by t, h, w", config, input_size=(2, 8, 8)), classes=3)
    >>> frames = (Frame(f"{n}.png", torch.rand(1, 8, 8)) for n in range(3))
    >>> [result.number for result in live_results(model, frames)]
    [0, 1, 2]
    """
    return _results(model, stream_for(model, latency), frames, tuple(names))


def _results(
    model: nn.Module, live: FrameReader, frames: Iterable[Frame], names: tuple[str, ...]
) -> Iterator[LiveResult]:
    assert isinstance(model, Classifier | NextFrame)
    size, first = tuple(model.backbone.input_size[1:]), None
    last: Frame | None = None
    expected: Tensor | None = None
    waiting: list[Tensor] = []
    model.eval()
    for number, frame in enumerate(frames):
        first = frame if first is None else first
        _check(frame, first, number)
        frame = resized_to(frame, size)
        start = perf_counter()
        with torch.no_grad():
            if isinstance(model, NextFrame):
                errors = [float("nan") if f is None else _off(frame.pixels, f) for f in _known(expected, last)]
                expected = live.read(frame.pixels[None, :, None])[0, :, 0]
                seconds = perf_counter() - start
                yield LiveResult(frame.name, number, seconds, -1, float("nan"), (), expected, errors[0], errors[1])
            else:
                waiting.append(frame.pixels)
                logits = None
                # The first groups have no answer before they are complete.
                if live.groups or len(waiting) == live.latency * model.backbone.embed.patch[0]:
                    logits = live.read(torch.stack(waiting, dim=1)[None])[0]
                    waiting.clear()
                seconds = perf_counter() - start
                yield _said(frame, number, seconds, logits, names)
        last = frame


def _known(expected: Tensor | None, last: Frame | None) -> tuple[Tensor | None, Tensor | None]:
    return expected, None if last is None else last.pixels


def _said(frame: Frame, number: int, seconds: float, logits: Tensor | None, names: tuple[str, ...]) -> LiveResult:
    if logits is None:
        return LiveResult(frame.name, number, seconds, names=names)
    share, chosen = logits.double().softmax(0).max(0)
    return LiveResult(frame.name, number, seconds, int(chosen), float(share), names)


def _off(frame: Tensor, other: Tensor) -> float:
    return (frame - other).abs().mean().item()


def _check(frame: Frame, first: Frame, number: int) -> None:
    if frame.pixels.shape != first.pixels.shape:
        own, usual = (f"{grid_text(f.pixels.shape[1:])} with {f.pixels.shape[0]} channels" for f in (frame, first))
        raise ScanlabError.at(
            "S728", f"frame {number}, {frame.name}, is {own}, and the first is {usual}", help="give frames of one size"
        )
