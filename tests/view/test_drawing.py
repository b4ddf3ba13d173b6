"""`scanlab.draw`: what is drawn, over images and in colours, into which files, and what is refused."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import scanlab
from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.svg import svg

SPACE = "{http://www.w3.org/2000/svg}"


def shown_image(text: str) -> np.ndarray:
    [code] = set(re.findall(r"data:image/png;base64,([^\"]+)", text))
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(code))))


@pytest.mark.parametrize("paths", ["snake", scanlab.load("snake"), scanlab.parse("by h, ~w")])
def test_names_lines_and_values_are_drawn_on_a_grid(paths: object) -> None:
    [scene] = scanlab.draw(paths, (3, 4)).scenes
    assert scene.grid == (3, 4) and scene.indices.tolist()[:6] == [0, 1, 2, 3, 7, 6]


def test_what_is_compiled_needs_no_grid_and_several_stand_side_by_side() -> None:
    plan, scan = scanlab.compile("cycle(row, column)", (4, 4)), scanlab.compile("cross", (4, 4))
    drawing = scanlab.draw([plan, scan, scan.paths[0]])
    assert len(drawing.scenes) == 2 + 4 + 1
    assert [s.label for s in scanlab.draw(["row", "hilbert"], (4, 4)).scenes] == ["row", "hilbert"]


def test_without_anything_else_it_is_the_picture_of_the_command_line() -> None:
    drawing = scanlab.draw("hilbert", (8, 8))
    assert drawing.svg == svg(drawing.scenes) == drawing._repr_svg_()


@pytest.mark.parametrize("kind", ["numbers", "bytes", "channels first", "grey", "Pillow"])
def test_an_image_lies_below_its_paths(kind: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    given = {
        "numbers": pixels / 255,
        "bytes": pixels,
        "channels first": np.moveaxis(pixels, 2, 0) / 255,
        "grey": pixels[..., 0],
        "Pillow": Image.fromarray(pixels),
    }[kind]
    text = scanlab.draw(["row", "column"], (2, 3), image=given).svg
    expected = np.repeat(pixels[..., :1], 3, axis=2) if kind == "grey" else pixels
    assert np.array_equal(shown_image(text), expected) and text.count("<image") == 2
    ElementTree.fromstring(text)


def test_a_colour_of_its_own_for_every_path() -> None:
    root = ElementTree.fromstring(scanlab.draw(["row", "column", "snake"], (4, 4), colour="path").svg)
    lines = [{path.get("stroke") for path in group.iter(f"{SPACE}path")} - {None} for group in root.iter(f"{SPACE}g")]
    colours = {frozenset(each) for each in lines if each and len(each) == 1}
    assert len(colours) == 3 and ">first<" not in scanlab.draw("row", (4, 4), colour="path").svg


@pytest.mark.parametrize("suffix", [".svg", ".png", ".gif", ".html"])
def test_files(suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    scanlab.draw("snake", (4, 4)).save(tmp_path / f"a{suffix}")
    scanlab.draw("snake", (4, 4), image=np.zeros((8, 8)), colour="path").save(tmp_path / f"b{suffix}")
    sizes = {file.name: len(file.read_bytes()) for file in tmp_path.iterdir()}
    assert len(sizes) == 2 and min(sizes.values()) > 100


def test_a_figure_is_matplotlibs(tmp_path: Path) -> None:
    figures = pytest.importorskip("matplotlib.figure")
    figure = scanlab.draw(["row", "hilbert"], (8, 8), image=np.zeros((8, 8)), colour="path").figure()
    assert isinstance(figure, figures.Figure)
    assert [len(panel.images) for panel in figure.axes if panel.images] == [1, 1]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"grid": None}, "has no grid"),
        ({"colour": "red"}, "step, path"),
        ({"image": np.zeros((4, 4, 2))}, "no image"),
        ({"image": np.full((4, 4), 2.0)}, "from 2 to 2"),
        ({"image": np.full((4, 4), np.nan)}, "no image"),
        ({"grid": (2, 2, 2), "image": np.zeros((4, 4))}, "two axes"),
    ],
)
def test_what_cannot_be_drawn_is_refused(how: dict, words: str) -> None:
    with pytest.raises(ScanlabError, match="S506") as error:
        scanlab.draw("row" if how.get("grid") != (2, 2, 2) else "by h, w, d", **{"grid": (4, 4), **how})
    assert words in str(error.value)
