from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from scanlab.ir.diagnostics import ScanlabError
from scanlab.view import film
from scanlab.view.animation import MOST_PANELS, gif

pytest.importorskip("PIL.Image", reason="needs the extra pictures")
needs_ffmpeg = pytest.mark.skipif(film.ffmpeg() is None, reason="films need ffmpeg")


def streams(content: bytes, folder: Path) -> dict:
    """What ffprobe reads off a film, counting its pictures."""
    file = folder / "film.mp4"
    file.write_bytes(content)
    words = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(file)]
    [stream] = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)["streams"]
    return stream


@needs_ffmpeg
def test_a_film_has_a_picture_for_every_step_and_holds_the_last(made, tmp_path):
    content = film.mp4([made.snake(3, 4)])
    assert content[4:8] == b"ftyp"
    # The index stands before the pictures, so that a browser can begin at once.
    assert content.index(b"moov") < content.index(b"mdat")
    if shutil.which("ffprobe") is None:
        pytest.skip("the rest is read by ffprobe")
    stream = streams(content, tmp_path)
    assert (stream["codec_name"], stream["pix_fmt"], stream["r_frame_rate"]) == ("h264", "yuv420p", "20/1")
    assert int(stream["nb_read_frames"]) == 12 + 29
    assert stream["width"] % 2 == stream["height"] % 2 == 0


@needs_ffmpeg
def test_the_last_picture_is_that_of_the_animation(made, tmp_path):
    images = pytest.importorskip("PIL.Image")
    import io

    import numpy as np

    scenes = [made.snake(4, 6)]
    (tmp_path / "film.mp4").write_bytes(film.mp4(scenes))
    words = ["ffmpeg", "-loglevel", "error", "-sseof", "-0.2", "-i", str(tmp_path / "film.mp4"), "-frames:v", "1"]
    subprocess.run([*words, str(tmp_path / "last.png")], check=True)
    animation = images.open(io.BytesIO(gif(scenes)))
    animation.seek(animation.n_frames - 1)
    expected = np.asarray(animation.convert("RGB")).astype(int)
    found = np.asarray(images.open(tmp_path / "last.png").convert("RGB")).astype(int)
    height, width, _ = expected.shape
    assert np.abs(found[:height, :width] - expected).mean() < 3


def test_without_ffmpeg_the_error_says_what_to_do(made, monkeypatch):
    monkeypatch.setattr(film, "ffmpeg", lambda: None)
    with pytest.raises(ScanlabError, match=r"S505(.|\n)*install ffmpeg, or write a .gif file"):
        film.mp4([made.row(2, 2)])


def test_what_ffmpeg_says_is_passed_on(made, monkeypatch, tmp_path):
    refusing = tmp_path / "ffmpeg"
    refusing.write_text("#!/bin/sh\necho 'Unknown encoder libx264' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(film, "ffmpeg", lambda: str(refusing))
    with pytest.raises(ScanlabError, match=r"S505(.|\n)*Unknown encoder libx264"):
        film.mp4([made.row(9, 9)])


@pytest.mark.parametrize("draw", [gif, film.mp4])
def test_too_many_paths_are_refused(made, draw, monkeypatch):
    monkeypatch.setattr(film, "ffmpeg", lambda: "ffmpeg")
    with pytest.raises(ScanlabError, match="S504"):
        draw([made.row(2, 2)] * (MOST_PANELS + 1))
