"""Frames from folders that grow, files and arrays; what a model says while they come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, NextFrame, Segmenter
from scanlab.predict import Frame, live_results
from scanlab.predict.frames import folder_frames, frames_of

DRAW = np.random.default_rng(0)


def picture(file: Path, size: tuple[int, int] = (8, 6)) -> np.ndarray:
    pixels = DRAW.integers(0, 256, size, np.uint8)
    Image.fromarray(pixels).save(file)
    return pixels


def test_the_pictures_of_a_folder_by_their_numbers(tmp_path: Path) -> None:
    held = {f"f{number}.png": picture(tmp_path / f"f{number}.png") for number in (10, 2, 1)}
    (tmp_path / "notes.txt").write_text("no frame")
    frames = list(frames_of(tmp_path, 1))
    assert [frame.name for frame in frames] == ["f1.png", "f2.png", "f10.png"]
    for frame in frames:
        np.testing.assert_allclose(frame.pixels[0], held[frame.name] / 255, rtol=1e-6)


def test_a_folder_that_grows_is_waited_for(tmp_path: Path) -> None:
    picture(tmp_path / "0.png")
    whole = (tmp_path / "0.png").read_bytes()
    pauses = []

    def meanwhile(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            (tmp_path / "1.png").write_bytes(whole[:40])
        if len(pauses) == 3:
            (tmp_path / "1.png").write_bytes(whole)
        if len(pauses) == 5:
            picture(tmp_path / "2.png")

    names = [frame.name for frame in folder_frames(tmp_path, 1, follow=0.5, sleep=meanwhile)]
    assert names == ["0.png", "1.png", "2.png"]
    # It ends half a second after the last.
    assert sum(pauses[5:]) == pytest.approx(0.5, abs=0.051)


def test_a_picture_that_stays_half_is_an_error(tmp_path: Path) -> None:
    picture(tmp_path / "0.png")
    (tmp_path / "1.png").write_bytes((tmp_path / "0.png").read_bytes()[:40])
    for follow in (None, 0.1):
        with pytest.raises(ScanlabError, match="S644"):
            list(folder_frames(tmp_path, 1, follow, sleep=lambda seconds: None))


def test_files_of_several_frames_and_arrays(tmp_path: Path) -> None:
    shades = [Image.fromarray(np.full((6, 5), 40 * n, np.uint8)) for n in range(4)]
    shades[0].save(tmp_path / "a.gif", save_all=True, append_images=shades[1:])
    got = [round(255 * float(frame.pixels.mean())) for frame in frames_of(tmp_path / "a.gif", 1)]
    assert got == [0, 40, 80, 120]
    clips = DRAW.integers(0, 256, (2, 3, 6, 5, 3), np.uint8)
    np.savez(tmp_path / "a.npz", clips=clips, split=np.array(["train", "test"]))
    got = torch.stack([frame.pixels for frame in frames_of(tmp_path / "a.npz", 3, clip=1)])
    np.testing.assert_allclose(got, np.moveaxis(clips[1], -1, 1) / 255, rtol=1e-6)


def test_what_holds_no_frames_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", clips=np.zeros((2, 3, 6, 5), np.uint8))
    np.savez(tmp_path / "b.npz", x=np.zeros((2, 3, 6, 5), np.uint8))
    np.save(tmp_path / "c.npy", np.zeros((2, 3, 6, 5), np.int32))
    np.save(tmp_path / "d.npy", np.zeros((0, 6, 5), np.uint8))
    cases = [
        (lambda: list(frames_of(tmp_path / "d.npy", 1)), "S725.*0x6x5 is empty"),
        (lambda: frames_of(tmp_path / "no", 1), "S725.*there is no"),
        (lambda: frames_of(tmp_path / "a.npz", 1, follow=1.0), "S725.*only a folder grows"),
        (lambda: list(frames_of(tmp_path / "a.npz", 1, clip=2)), "S725.*no clip 2"),
        (lambda: list(frames_of(tmp_path / "a.npz", 3)), "S728.*1 channel"),
        (lambda: list(frames_of(tmp_path / "b.npz", 1)), "S725.*holds x"),
        (lambda: list(frames_of(tmp_path / "c.npy", 1)), "S725.*int32"),
        (lambda: list(frames_of(tmp_path, 1)), "S725.*no pictures"),
    ]
    for call, said in cases:
        with pytest.raises(ScanlabError, match=said):
            call()


def video_model(line: str = "by t, h, w", patch: tuple[int, ...] = (1, 4, 4), channels: int = 1) -> Backbone:
    torch.manual_seed(0)
    config = BackboneConfig(patch=patch, dim=8, positions="none")
    return Backbone(line, config, input_size=(4, 8, 8), channels=channels).eval()


CLIP = torch.rand(1, 6, 8, 8, generator=torch.Generator().manual_seed(0))
FRAMES = [Frame(str(n), CLIP[:, n]) for n in range(6)]


def test_a_classifier_says_of_every_frame_what_it_says_of_the_video_so_far() -> None:
    model = Classifier(video_model(), 3).eval()
    for result in live_results(model, FRAMES, names=("a", "b", "c")):
        with torch.no_grad():
            shares = model(CLIP[None, :, : result.number + 1])[0].double().softmax(0)
        assert result.class_number == int(shares.argmax()) and result.class_name == "abc"[result.class_number]
        assert result.share == pytest.approx(float(shares.max()), abs=1e-5)


def test_groups_are_waited_for() -> None:
    model = Classifier(video_model("by t // 2, h, w, t % 2", patch=(2, 4, 4)), 3)
    said = [result.class_number >= 0 for result in live_results(model, FRAMES, latency=2)]
    assert said == [False, False, False, True, True, True]


def test_the_next_frame_is_compared_with_the_one_that_comes() -> None:
    model = NextFrame(video_model(channels=2)).eval()
    torch.nn.init.normal_(model.head.weight)
    results = list(live_results(model, FRAMES))
    with torch.no_grad():
        expected = model(CLIP[None])[0]
    for n, result in enumerate(results):
        torch.testing.assert_close(result.expected, expected[:, n], rtol=1e-5, atol=1e-5)
        if n:
            assert result.error == pytest.approx(float((expected[:, n - 1] - CLIP[:, n]).abs().mean()), abs=1e-5)
            assert result.error_of_repeating == pytest.approx(float((CLIP[:, n - 1] - CLIP[:, n]).abs().mean()))
    assert results[0].error != results[0].error


def test_models_and_frames_that_do_not_fit() -> None:
    with pytest.raises(ScanlabError, match=r"S726.*Segmenter"):
        live_results(Segmenter(video_model(), 2), FRAMES)
    with pytest.raises(ScanlabError, match="S716"):
        live_results(Classifier(video_model("by h, w, t"), 2), FRAMES)
    odd = [FRAMES[0], Frame("odd", torch.zeros(1, 4, 8))]
    with pytest.raises(ScanlabError, match=r"S728.*frame 1, odd, is 4x8"):
        list(live_results(Classifier(video_model(), 2), odd))


def test_deep_frames_need_a_scale(tmp_path: Path) -> None:
    deep = [DRAW.integers(0, 4096, (6, 5)).astype(np.uint16) for _ in range(3)]
    pages = [Image.fromarray(values) for values in deep]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    (tmp_path / "frames").mkdir()
    for number, page in enumerate(pages):
        page.save(tmp_path / "frames" / f"{number}.png")
    np.save(tmp_path / "clip.npy", np.stack(deep))
    expected = np.stack(deep)[:, None].astype(np.float32) / np.float32(4095)
    for name in ("pages.tif", "frames", "clip.npy"):
        with pytest.raises(ScanlabError, match="S724"):
            list(frames_of(tmp_path / name, 1))
        with pytest.raises(ScanlabError, match="S724"):
            list(frames_of(tmp_path / name, 1, scale=-1))
        got = torch.stack([frame.pixels for frame in frames_of(tmp_path / name, 1, scale=4095)])
        assert np.array_equal(got, expected)
    colours = torch.stack([frame.pixels for frame in frames_of(tmp_path / "pages.tif", 3, scale=4095)])
    assert np.array_equal(colours, np.broadcast_to(expected, (3, 3, 6, 5)))


def test_a_scale_is_not_waited_for(tmp_path: Path) -> None:
    Image.fromarray(DRAW.integers(0, 4096, (6, 5)).astype(np.uint16)).save(tmp_path / "0.png")
    pauses: list[float] = []
    with pytest.raises(ScanlabError, match="S724"):
        list(folder_frames(tmp_path, 1, follow=9, sleep=pauses.append))
    assert not pauses


def test_an_array_of_four_axes_is_what_the_model_reads(tmp_path: Path) -> None:
    video = DRAW.integers(0, 256, (4, 6, 5, 3), np.uint8)
    np.save(tmp_path / "colours.npy", video)
    got = torch.stack([frame.pixels for frame in frames_of(tmp_path / "colours.npy", 3)])
    np.testing.assert_allclose(got, np.moveaxis(video, -1, 1) / 255, rtol=1e-6)
    np.save(tmp_path / "one.npy", video[..., :1])
    for name, channels in (("colours.npy", 1), ("one.npy", 1), ("one.npy", 3)):
        with pytest.raises(ScanlabError, match=r"S728.*shape 4x6x5x[13]"):
            list(frames_of(tmp_path / name, channels))
    np.save(tmp_path / "clips.npy", video.transpose(0, 3, 1, 2))
    got = [frame.pixels.shape for frame in frames_of(tmp_path / "clips.npy", 1, clip=3)]
    assert got == [(1, 6, 5)] * 3
    np.savez(tmp_path / "named.npz", clips=video)
    assert len(list(frames_of(tmp_path / "named.npz", 3))) == 4


@pytest.mark.parametrize("values", [[0, 200.0], [-1, 1], [0, float("nan")], [0, float("inf")]])
def test_floats_that_are_not_shares_are_refused(tmp_path: Path, values: list[float]) -> None:
    clip = np.zeros((2, 6, 5), np.float32)
    clip[0, 0, :2] = values
    np.save(tmp_path / "a.npy", clip)
    with pytest.raises(ScanlabError, match=r"S724.*floats from"):
        list(frames_of(tmp_path / "a.npy", 1))
    if np.isfinite(values).all():
        got = torch.stack([frame.pixels for frame in frames_of(tmp_path / "a.npy", 1, scale=2)])
        np.testing.assert_allclose(got[:, 0], clip / 2)


def test_one_video_has_no_clips(tmp_path: Path) -> None:
    picture(tmp_path / "0.png")
    shades = [Image.fromarray(np.full((6, 5), 40 * n, np.uint8)) for n in range(2)]
    shades[0].save(tmp_path / "a.gif", save_all=True, append_images=shades[1:])
    for path in (tmp_path, tmp_path / "a.gif"):
        with pytest.raises(ScanlabError, match=r"S659.*one video"):
            list(frames_of(path, 1, clip=0))


def test_frames_note_what_is_left_out(tmp_path: Path) -> None:
    Image.fromarray(DRAW.integers(0, 200, (6, 5, 4), np.uint8)).save(tmp_path / "0.png")
    [frame] = frames_of(tmp_path, 3)
    assert "transparency is left out" in frame.notes[0]
