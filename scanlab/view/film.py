"""Paths as an MP4 film, made by ffmpeg from the pictures of the animated GIF."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path
from threading import Timer
from typing import IO, Any

from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.animation import HOLD_MS, LOOK_MS, frames_of
from scanlab.view.scene import PathScene, check_drawable

MP4_LIMIT = 1_000_000
_LONGEST_S = 120.0
# H.264 halves the colours' resolution, so both sides must be even; every player knows this pixel format.
_EVEN = "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white"
_OPTIONS = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p", "-movflags", "+faststart")


def ffmpeg() -> str | None:
    """Where ffmpeg is, None where it is not installed."""
    return shutil.which("ffmpeg")


def mp4(scenes: Iterable[PathScene]) -> bytes:
    """Draw paths side by side as a film and return the MP4 file's bytes (H.264, 20 pictures per second).

    All paths start and end together, and the last picture stays for a while. Raises ScanlabError S505 without ffmpeg
    or where it fails, S500 without Pillow, S503 for no scenes, S504 for too many patches or paths.
    """
    drawable = check_drawable(scenes, MP4_LIMIT, "an MP4 file", "give a smaller --grid")
    program = ffmpeg()
    if program is None:
        raise ScanlabError.at(
            "S505", "an MP4 file needs ffmpeg, which is not installed", help="install ffmpeg, or write a .gif file"
        )
    frames = frames_of(drawable, "an MP4 file")
    first = next(frames)
    width, height = first.size
    given = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(1000 // LOOK_MS), "-i", "-")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "film.mp4"
        words = [program, "-loglevel", "error", *given, "-vf", _EVEN, *_OPTIONS, str(target)]
        _fed(words, _held(first, frames))
        return target.read_bytes()


def _held(first: Any, frames: Iterator[Any]) -> Iterator[bytes]:
    """The pixels of all pictures, and of the last one again and again while it stays."""
    last = first.convert("RGB").tobytes()
    yield last
    for frame in frames:
        last = frame.convert("RGB").tobytes()
        yield last
    yield from repeat(last, HOLD_MS // LOOK_MS - 1)


def _fed(words: list[str], pictures: Iterator[bytes]) -> None:
    """Run ffmpeg and give it the pictures one by one: together they could be more than the memory holds."""
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
        except OSError as error:
            raise _failed(str(error)) from error
        clock = Timer(_LONGEST_S, process.kill)
        clock.start()
        try:
            _write(process.stdin, pictures)
        except BaseException:
            process.kill()
            raise
        finally:
            code = process.wait()
            clock.cancel()
        if code != 0:
            said.seek(0)
            raise _failed(said.read().decode(errors="replace").strip()[-500:] or f"it ended with {code}")


def _write(pipe: IO[bytes] | None, pictures: Iterator[bytes]) -> None:
    assert pipe is not None, "the process has a pipe"
    try:
        with pipe:
            for picture in pictures:
                pipe.write(picture)
    except BrokenPipeError:
        # The process ended early; its exit code and its words say why.
        return


def _failed(why: str) -> ScanlabError:
    help = "use an ffmpeg with libx264, or write a .gif file"
    return ScanlabError.at("S505", "ffmpeg makes no film of this", note=why, help=help)
