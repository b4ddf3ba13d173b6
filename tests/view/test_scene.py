from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.scene import check_drawable, scene_of, scenes_of


@dataclass(frozen=True)
class FakePath:
    order: str = "by h, w"
    label: str = "row"
    axes: tuple[str, ...] = ("h", "w")
    grid: tuple[int, ...] = (2, 2)
    token_positions: tuple[tuple[str, int], ...] = (("cls", 2),)

    indices = np.arange(4)
    ranks = np.arange(4)
    restarts = np.zeros(1, dtype=np.int64)


@dataclass(frozen=True)
class FakeScan:
    name: str
    paths: tuple[FakePath, ...]


def test_a_scene_holds_what_the_path_says():
    scene = scene_of(FakePath())
    assert (scene.label, scene.source, scene.axes, scene.grid) == ("row", "by h, w", ("h", "w"), (2, 2))
    assert scene.tokens == (("cls", 2),)
    assert (scene.length, scene.patches) == (4, 4)
    assert scene.indices is FakePath.indices


def test_a_scan_gives_one_scene_per_path_under_its_name():
    scenes = scenes_of(FakeScan("vim", (FakePath(), FakePath(label="-row"))))
    assert [scene.title for scene in scenes] == ["vim · row", "vim · -row"]


def test_the_title_does_not_say_a_name_twice(made):
    assert replace(made.row(2, 2), group="row").title == "row"


def test_an_order_without_a_name_is_not_written_twice(made):
    assert replace(made.row(2, 2), label="by h, w").subtitle == ""
    assert made.row(2, 2).subtitle == "by h, w"


def test_compiled_scans_can_be_drawn():
    compiler = pytest.importorskip("scanlab.compiler.bind", reason="the compiler is not there")
    scanlab = pytest.importorskip("scanlab")
    if not hasattr(scanlab, "parse"):
        pytest.skip("scanlab.parse is not there")
    compiled = scanlab.compile(scanlab.parse("sum((by h, ~w), (by w, h))", axes="h w"), grid=(3, 4))
    assert isinstance(compiled, compiler.CompiledScan)
    assert [scene.length for scene in scenes_of(compiled)] == [12, 12]


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ScanlabError) as caught:
        check_drawable([], 10, "an SVG file", "")
    assert caught.value.code == "S503"


def test_too_many_patches_are_an_error(made):
    with pytest.raises(ScanlabError) as caught:
        check_drawable([made.row(2, 3), made.row(2, 3)], 11, "an SVG file", "write a .png file")
    assert caught.value.code == "S504"
    assert "12 patches are too many for an SVG file" in str(caught.value)
    assert "write a .png file" in str(caught.value)
