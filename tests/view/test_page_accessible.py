"""An exported page keeps nobody out: what axe-core asks, in the light, in the dark and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from accessibility import barriers

from scanlab.facade import compile
from scanlab.view.player_page import page
from scanlab.view.scene import scenes_of


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_exported_page_keeps_nobody_out(
    new_page: Callable[..., Any], tmp_path: Path, scheme: str, width: int
) -> None:
    file = tmp_path / "page.html"
    file.write_text(page(scenes_of(compile("hilbert", (8, 8)))), encoding="utf-8")
    size = {"width": width, "height": 844}
    opened = new_page(file.as_uri(), viewport=size, color_scheme=scheme, reduced_motion="reduce")
    opened.wait_for_selector("canvas")
    assert barriers(opened) == []
