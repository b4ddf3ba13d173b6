"""Whether onnxruntime computes what torch does, and how long each takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from scanlab.export.extras import need
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import NextFrame, NextPatch, stream
from scanlab.nn.backbone import backbone_of
from scanlab.ops import use_backend

__all__ = ["TOLERANCE", "Agreement", "compare_onnx", "open_onnx", "run_stream"]

TOLERANCE = 1e-4
BATCHES = (1, 2, 5)
RUNS = 5


@dataclass(frozen=True)
class Agreement:
    """onnxruntime beside torch on random input for so many at once: the largest difference between their outputs, the
    largest output, and medians of their times, taken in turns, in milliseconds; torch's by its usual kernels.

    >>> Agreement(batch=1, difference=2e-7, largest=0.9, onnxruntime_ms=1.5, torch_ms=1.25).agrees
    True
    """

    batch: int
    difference: float
    largest: float
    onnxruntime_ms: float
    torch_ms: float

    @property
    def agrees(self) -> bool:
        """Whether the difference is at most 1e-4, of outputs above 1 that share of them."""
        return self.difference <= TOLERANCE * max(1.0, self.largest)


def open_onnx(model: Any, threads: int = 0) -> Any:
    """An onnxruntime session on the CPU for a file, or for a ModelProto. threads: 0 for as many as it likes.

    Raises S783 where this onnxruntime has not what the model needs, S784 for a file that cannot be read, and S780.

    >>> from scanlab.export import to_onnx
    >>> from scanlab.nn import Backbone, BackboneConfig, Classifier
    >>> model = Classifier(Backbone("hilbert", BackboneConfig(dim=8), input_size=(8, 8)), classes=3)
    >>> session = open_onnx(to_onnx(model).model)
    >>> session.run(None, {"images": np.zeros((5, 1, 8, 8), np.float32)})[0].shape
    (5, 3)
    """
    runtime = need("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    given = str(model) if isinstance(model, str | Path) else model.SerializeToString()
    try:
        return runtime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of types that onnxruntime does not make public
        raise _refused(error, model, runtime.__version__) from error


def _refused(error: Exception, model: Any, version: str) -> ScanlabError:
    words = str(error)
    if "NO_SUCHFILE" in words or "INVALID_PROTOBUF" in words:
        return ScanlabError.at("S784", f"{model} cannot be read as an ONNX file", note=words[:500])
    help = 'install a newer onnxruntime, or export with form="plain" (--plain), which needs no more than opset 21'
    said = f"onnxruntime {version} cannot run this model: it lacks an operator that the file needs, or a version of it"
    return ScanlabError.at("S783", said, note=f"{_needs(model)}\n{words[:800]}".strip(), help=help)


def _needs(model: Any) -> str:
    """What a file says that it needs."""
    proto = need("onnx").load(str(model), load_external_data=False) if isinstance(model, str | Path) else model
    needs = {entry.key: entry.value for entry in proto.metadata_props}.get("scanlab.needs", "")
    return needs and f"the file needs {needs}"


def run_stream(session: Any, parts: Sequence[np.ndarray]) -> list[dict[str, np.ndarray]]:
    """What a session gives for one part after the other, its states handed on; all begin with zeros.

    >>> from scanlab.export import to_onnx
    >>> from scanlab.nn import Backbone, BackboneConfig, MixerConfig
    >>> config = BackboneConfig(patch=(1, 4, 4), dim=8, positions="none", mixer=MixerConfig(convolution="path"))
    >>> exported = to_onnx(Backbone("by t, h, w", config, input_size=(4, 8, 8)), state=True)
    >>> frame = np.zeros((1, 1, 1, 8, 8), np.float32)
    >>> [out["rows"].shape for out in run_stream(open_onnx(exported.model), [frame, frame])]
    [(1, 4, 8), (1, 4, 8)]
    """
    inputs, batch, answers = session.get_inputs(), len(parts[0]), []
    names = [value.name for value in session.get_outputs()]
    read = next(value.name for value in inputs if not value.name.startswith("state."))
    kinds = {"tensor(float)": np.float32, "tensor(int64)": np.int64}
    states = {
        value.name: np.zeros([batch if size == "B" else size for size in value.shape], kinds[value.type])
        for value in inputs
        if value.name != read
    }
    for part in parts:
        given = dict(zip(names, session.run(None, {read: part, **states}), strict=True))
        states = {name: given.pop(f"{name}.next") for name in states}
        answers.append(given)
    return answers


def compare_onnx(
    model: nn.Module, exported: Any, batches: Sequence[int] = BATCHES, runs: int = RUNS, threads: int = 0
) -> list[Agreement]:
    """Run a model by torch and as it was exported, on random inputs, for several sizes of a batch.

    exported: what `to_onnx` or `write_onnx` gave. Outputs are compared with torch's by the reference backend, times
    with those by the kernels; runs: of each, 0 for no times (NaN). A graph with states reads one part of a video after
    the other, and is compared with all of it at once. Raises S783.

    >>> from scanlab.export import to_onnx
    >>> from scanlab.nn import Backbone, BackboneConfig, Classifier
    >>> model = Classifier(Backbone("cross", BackboneConfig(dim=8), input_size=(8, 8)), classes=3)
    >>> [row.agrees for row in compare_onnx(model, to_onnx(model), batches=(1, 5), runs=1)]
    [True, True]
    """
    session = open_onnx(exported.model, threads)
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return [_agreement(model, exported, session, batch, runs) for batch in batches]
    finally:
        model.train(training)


def _agreement(model: nn.Module, exported: Any, session: Any, batch: int, runs: int) -> Agreement:
    run = _images if not exported.state else _patches if isinstance(model, NextPatch) else _frames
    cases = run(model, exported, session, batch)
    difference = largest = 0.0
    for theirs, _, wanted in cases:
        with use_backend("reference"):
            want = wanted()
        difference, largest = max(difference, _apart(theirs(), want)), max(largest, float(want.abs().max()))
    theirs, ours, _ = cases[0]
    times: tuple[list[float], list[float]] = ([], [])
    if runs:
        ours()
    for _ in range(runs):
        for call, list_ in zip((theirs, ours), times, strict=True):
            start = perf_counter()
            call()
            list_.append(perf_counter() - start)
    return Agreement(batch, difference, largest, *(1e3 * median(t) if t else math.nan for t in times))


# onnxruntime, torch by its kernels, and torch as it is to be compared.
Calls = tuple[Callable[[], Tensor], Callable[[], Tensor], Callable[[], Tensor]]


def _apart(theirs: Tensor, ours: Tensor) -> float:
    """The largest difference; infinite for outputs of other sizes, or that are no numbers."""
    if theirs.shape != ours.shape:
        return math.inf
    difference = float((theirs - ours).abs().max())
    return math.inf if math.isnan(difference) else difference


def _random(batch: int, *shape: int) -> Tensor:
    return torch.rand(batch, *shape, generator=torch.Generator().manual_seed(batch))


def _images(model: nn.Module, exported: Any, session: Any, batch: int) -> list[Calls]:
    """Images at once, of the file's own extents; lines of some other widths as well, where the file reads any."""
    shape, extents = session.get_inputs()[0].shape[1:], exported.extents
    if all(isinstance(size, int) for size in shape):
        return [_whole(model, session, (batch, *shape))]
    side = backbone_of(model).embed.patch[1]
    widths = dict.fromkeys((extents[1], max(side, extents[1] * 2 // 3), side + extents[1] % side, side))
    return [_whole(model, session, (batch, shape[0], extents[0], width)) for width in widths if width <= extents[1]]


def _whole(model: nn.Module, session: Any, shape: tuple[int, ...]) -> Calls:
    images = _random(*shape)
    feeds = {"images": images.numpy()}
    device = next(model.parameters()).device

    def ours() -> Tensor:
        given = model(images.to(device))
        return _joined([given] if isinstance(given, Tensor) else given)

    return lambda: _joined([torch.from_numpy(a) for a in session.run(None, feeds)]), ours, ours


def _joined(outputs: Sequence[Tensor]) -> Tensor:
    """One output as it is; several side by side."""
    return outputs[0].cpu() if len(outputs) == 1 else torch.cat([t.cpu().flatten(1) for t in outputs], dim=1)


def _frames(model: nn.Module, exported: Any, session: Any, batch: int) -> list[Calls]:
    """Frames one group after the other; torch's by a stream, and by the whole video at once."""
    channels, frames = next(value.shape[1:3] for value in session.get_inputs() if value.name == "frames")
    count = exported.extents[0] // frames
    latency = frames // backbone_of(model).embed.patch[0]
    video = _random(batch, channels, count * frames, *exported.extents[1:])
    parts = video.split(frames, dim=2)
    arrays = [part.numpy() for part in parts]

    def joined(answers: Sequence[Tensor]) -> Tensor:
        along = 2 if isinstance(model, NextFrame) else 1
        return answers[-1] if answers[0].ndim == 2 else torch.cat(list(answers), dim=along)

    def theirs() -> Tensor:
        return joined([torch.from_numpy(next(iter(out.values()))) for out in run_stream(session, arrays)])

    def ours() -> Tensor:
        live = stream(model, latency)
        return joined([live.read(part) for part in parts])

    return [(theirs, ours, lambda: model(video))]


def _patches(model: nn.Module, exported: Any, session: Any, batch: int) -> list[Calls]:
    """Patches one after the other along the path, and what was expected of each by the whole image at once."""
    assert isinstance(model, NextPatch)
    images = _random(batch, model.backbone.channels, *exported.extents)
    order = model.order_of(images)
    patches = model.targets(images)[:, order]
    arrays = [part.contiguous().numpy() for part in patches.split(1, dim=1)]

    def theirs() -> Tensor:
        answers = run_stream(session, arrays)
        first = torch.from_numpy(answers[0]["expected_first"]).expand(batch, -1)
        after = [torch.from_numpy(out["expected"]) for out in answers[:-1]]
        return torch.stack([first, *after], dim=1)

    def ours() -> Tensor:
        return model(images)[:, order]

    return [(theirs, ours, ours)]
