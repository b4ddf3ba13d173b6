"""A small gallery on the disk, for a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scanlab.explorer.static_site.site import Written, write_site
from scanlab.explorer.static_site.strategies import chosen_strategies, library_strategies

NAMES = ("row", "snake", "hilbert", "cross", "zigma_video_spatial", "efficient", "transpose", "sequence")
FILE = """grid h, w

"Rows of windows, read inside out."
order mine = by h // 2, w // 2, w, h
"""


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A gallery of some strategies of the library, a file and a line."""
    folder = tmp_path_factory.mktemp("site")
    file = folder / "mine.scan"
    file.write_text(FILE, encoding="utf-8")
    library = [s for s in library_strategies() if s.name in NAMES]
    return write_site(folder / "gallery", [*chosen_strategies([str(file), "by h, -w if h > 2 else w"]), *library])


@pytest.fixture
def opened(gallery: Written, new_page: Callable[..., Any]) -> Callable[..., Any]:
    """Open the gallery, or what an address in it shows."""

    def open_page(address: str = "", **options: Any) -> Any:
        return new_page(gallery.page.as_uri() + address, **{"reduced_motion": "reduce", **options})

    return open_page


@pytest.fixture(scope="session")
def gallery_folder(gallery: Written) -> Path:
    """Where it is."""
    return gallery.page.parent
