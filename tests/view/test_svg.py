from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.geometry import project, steps_of
from scanlab.view.svg import SVG_LIMIT, svg

SPACE = "{http://www.w3.org/2000/svg}"


def parsed(*scenes, **options) -> ElementTree.Element:
    return ElementTree.fromstring(svg(scenes, **options))


def corners(data: str) -> list[list[tuple[float, float]]]:
    """The polylines of absolute path data made of M, L, H and V."""
    lines: list[list[tuple[float, float]]] = []
    x = y = 0.0
    for command, numbers in re.findall(r"([MLHV])([^MLHVZ]*)", data):
        values = [float(number) for number in numbers.split()]
        x, y = {"M": values, "L": values, "H": [values[0], y], "V": [x, values[0]]}[command]
        lines.append([]) if command == "M" else None
        lines[-1].append((x, y))
    return lines


def joined(root: ElementTree.Element, kind: str) -> float:
    """The length of all lines of one class that are drawn in patches."""
    paths = [
        path for path in root.iter(f"{SPACE}path") if path.get("class") == kind and path.get("stroke-dasharray") is None
    ]
    lines = [np.array(line) for path in paths for line in corners(path.get("d", ""))]
    return sum(float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum()) for line in lines)


def test_every_step_is_drawn_once_and_as_its_kind(any_scene):
    root, steps = parsed(any_scene), steps_of(any_scene)
    points = project(any_scene).points[any_scene.indices]
    length = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert joined(root, "path") == pytest.approx(length[steps.touching].sum(), abs=0.02 * any_scene.length)
    assert joined(root, "jump") == pytest.approx(length[steps.jump].sum(), abs=0.02 * any_scene.length)


def test_a_snake_of_n_patches_is_n_minus_one_joined_steps(made):
    assert joined(parsed(made.snake(6, 7)), "path") == pytest.approx(41)


def test_the_line_visits_the_patches_in_order(made):
    scene = made.snake(4, 4)
    paths = [path for path in parsed(scene).iter(f"{SPACE}path") if path.get("class") == "path"]
    visited = [corner for path in paths for line in corners(path.get("d", "")) for corner in line[:-1]]
    expected = (project(scene).points[scene.indices][:-1]).tolist()
    assert [list(point) for point in visited] == expected


def test_resets_are_gaps_with_a_mark(made):
    root = parsed(made.rows(3, 5))
    assert joined(root, "path") == pytest.approx(12) and joined(root, "jump") == 0
    marks = [circle for circle in root.iter(f"{SPACE}circle") if circle.get("class") == "reset"]
    assert len(marks) == 2 + 1


@pytest.mark.parametrize("text", ["a < b & c", "</svg><script>alert(1)</script>", "\"'", "]]>"])
def test_labels_and_sources_are_escaped(made, text):
    scene = replace(made.row(2, 2), label=text, source=text)
    root = parsed(scene, title=text)
    assert root.findtext(f"{SPACE}title") == text
    assert not list(root.iter(f"{SPACE}script"))
    assert text in [node.text for node in root.iter(f"{SPACE}text")]


def test_it_says_what_it_shows(made):
    root = parsed(made.row(2, 2), made.snake(2, 2))
    assert root.get("role") == "img" and root.get("aria-labelledby") == "title desc"
    assert root.findtext(f"{SPACE}title") == "row, snake"
    assert "snake: by h, ~w" in (root.findtext(f"{SPACE}desc") or "")


def test_light_and_dark_and_no_network(made):
    text = svg([made.row(4, 4)])
    assert "prefers-color-scheme: dark" in text
    assert re.findall("https?://[^\"' ]*", text) == ["http://www.w3.org/2000/svg"]


def test_files_stay_small(made):
    for scene in (made.row(64, 64), made.snake(64, 64), made.shuffled(64, 64), made.zigzag(64, 64)):
        assert len(svg([scene]).encode()) <= 200_000


def test_the_panels_lie_inside_the_picture(made):
    root = parsed(*made.every_kind)
    _, _, width, height = (float(value) for value in root.get("viewBox", "").split())
    for group in root.findall(f"{SPACE}g"):
        x, y = re.findall(r"[\d.]+", group.get("transform", ""))
        assert 0 <= float(x) < width and 0 <= float(y) < height


def test_a_grid_beyond_the_limit_is_refused(made):
    side = int(SVG_LIMIT**0.5) + 1
    with pytest.raises(ScanlabError) as caught:
        svg([made.row(side, side)])
    assert caught.value.code == "S504" and ".png" in str(caught.value)
