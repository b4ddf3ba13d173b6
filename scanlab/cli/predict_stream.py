"""``scanlab predict --stream``: frames are read as they come, and an answer is given after each."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rich.text import Text
from torch import nn

from scanlab.cli.output import console
from scanlab.cli.predict_job import MOST_LISTED
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.plain import plain
from scanlab.ir.text import count_text, reason_of
from scanlab.nn import NextFrame
from scanlab.predict.frames import Frames, frames_of
from scanlab.predict.live import LiveResult, live_results
from scanlab.predict.written import write_frame

if TYPE_CHECKING:
    from scanlab.cli.predict_job import Options

__all__ = ["run_stream"]


def run_stream(model: nn.Module, place: Path, names: Sequence[str], options: Options) -> None:
    """Read frames one by one, print what the model says after each, and write it at once: to a .csv of classes or
    errors, or to a folder of the frames that are expected. Raises S726, S716, S725, S728, S729."""
    frames_follow, out = isinstance(model, NextFrame), options.out
    if out is not None and out.suffix.lower() != ".csv" and not frames_follow:
        raise ScanlabError.at("S729", f"{out} is no place for classes frame by frame", help="let it end in .csv")
    if options.size or options.tile or options.bands:
        help = "leave --size, --tile and --bands out: frames are resized to those of the model"
        raise ScanlabError.at("S659", "a stream is read as the model reads frames", help=help)
    channels = model.channels if isinstance(model, NextFrame) else _channels(model)
    # The model is refused before a frame is looked for.
    results = live_results(model, (), options.latency, names)
    frames = frames_of(place, channels, options.follow, options.clip, options.scale)
    notes = Counter[str]()
    results = live_results(model, _noted(frames, notes), options.latency, names)
    table = out if out is not None and out.suffix.lower() == ".csv" else None
    summary = _Summary()
    try:
        with _table(table) as write:
            for result in results:
                row = _row(result)
                write(row)
                if result.expected is not None and out is not None and table is None:
                    write_frame(out / f"expected-{result.number + 1:06}.png", result.expected)
                summary.take(result)
                _say(result, row, options.json)
    finally:
        for note, count in notes.items():
            console(stderr=options.json).print(Text(note + (f" ({count:,} frames)" if count > 1 else "")))
        # Ctrl-C is how a stream without an end is stopped: what was read counts all the same.
        if summary.frames and not options.json:
            console().print(Text(summary.text()))


def _noted(frames: Frames, notes: Counter[str]) -> Frames:
    """The frames, their notes counted; of notes without an end the first ones."""
    for frame in frames:
        for note in frame.notes:
            if note in notes or len(notes) < MOST_LISTED:
                notes[note] += 1
        yield frame


class _Summary:
    """What a stream comes to, in sums that do not grow with it."""

    def __init__(self) -> None:
        self.frames, self.seconds, self.compared, self.error, self.repeated = 0, 0.0, 0, 0.0, 0.0

    def take(self, result: LiveResult) -> None:
        """Take a frame in; the first, which may load kernels, does not count to the time."""
        self.frames += 1
        self.seconds += result.seconds if result.number else 0.0
        if math.isfinite(result.error):
            self.compared += 1
            self.error += result.error
            self.repeated += result.error_of_repeating

    def text(self) -> str:
        """In a sentence or two."""
        said = count_text(self.frames, "frame")
        if self.frames > 1 and self.seconds:
            said += f", {(self.frames - 1) / self.seconds:.1f} a second (after the first)"
        if self.compared:
            error, repeated = self.error / self.compared, self.repeated / self.compared
            said += f"; mean absolute error of the next frame {error:.4f}, of repeating the last one {repeated:.4f}"
        return said


def _channels(model: nn.Module) -> int:
    from scanlab.nn.backbone import backbone_of

    return backbone_of(model).channels


def _row(result: LiveResult) -> dict[str, Any]:
    row: dict[str, Any] = {"frame": result.frame, "number": result.number}
    if result.expected is None:
        known = result.class_number >= 0
        row |= {"class": result.class_number if known else None, "name": result.class_name}
        row |= {"share": round(result.share, 4) if known else None}
    else:
        row |= {"error": result.error, "error_of_repeating": result.error_of_repeating}
    return plain(row | {"milliseconds": round(1000 * result.seconds, 3)})


@contextmanager
def _table(file: Path | None) -> Iterator[Any]:
    """What writes rows to a .csv, each on disk before the next frame is read."""
    if file is None:
        yield lambda row: None
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise ScanlabError.at(
            "S502", f"{file} cannot be written: {reason_of(error)}", help="give another --out"
        ) from None
    with stream:
        yield _Rows(stream).write


class _Rows:
    """A .csv that is written row by row."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._writer = stream, None

    def write(self, row: dict[str, Any]) -> None:
        """Write a row, after the names of its columns before the first."""
        if self._writer is None:
            self._writer = csv.DictWriter(self._stream, list(row), lineterminator="\n")
            self._writer.writeheader()
        self._writer.writerow(row)
        self._stream.flush()


def _say(result: LiveResult, row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        # One line per frame, for whoever reads along.
        print(json.dumps(row, ensure_ascii=False), flush=True)
        return
    if result.expected is not None:
        said = (
            "the first frame"
            if not math.isfinite(result.error)
            else (f"{result.error:.4f} off what was expected, {result.error_of_repeating:.4f} off the one before")
        )
    elif result.class_number < 0:
        said = "waiting for more frames"
    else:
        said = f"{result.class_name}, {100 * result.share:.1f} %"
    console().print(Text(f"{result.frame}: {said}"))
