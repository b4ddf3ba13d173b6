"""The site: it builds without a warning, asks no other server, and holds every public name, command and page."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("scanlab", "scanlab.ops", "scanlab.nn", "scanlab.zoo", "scanlab.export", "scanlab.study", "scanlab.data")

if missing := [m for m in ("mkdocs", "material", "mkdocstrings_handlers") if importlib.util.find_spec(m) is None]:
    pytest.skip(f"not installed: {', '.join(missing)}; pip install 'scanlab[docs]'", allow_module_level=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does: a broken link, a missing name or a page out of reach would stop it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class _Loads(HTMLParser):
    """What a page loads by itself, as against what a reader may click on."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe", "source", "video", "audio", "object", "embed", "form", "use"):
            self.found += [v for k, v in attrs if k in ("src", "href", "srcset", "data", "action") and v]


def _pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_no_page_loads_anything_from_another_server(site: Path) -> None:
    elsewhere = []
    for page in _pages(site):
        loads = _Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        elsewhere += [(page.name, x) for x in loads.found if re.match(r"(?:https?:)?//", x)]
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        elsewhere += [(sheet.name, x) for x in re.findall(r"url\([\"']?((?:https?:)?//[^)]+)", text)]
    assert elsewhere == []


def test_what_a_page_loads_is_there(site: Path) -> None:
    lost = []
    # The page for an address that does not exist cannot know where it stands.
    for page in [p for p in _pages(site) if p.name != "404.html"]:
        loads = _Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        for target in loads.found:
            file = target.partition("#")[0].partition("?")[0]
            if file and not re.match(r"[a-z]+:", file) and not (page.parent / file).exists():
                lost.append((page.name, target))
    assert lost == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_has_its_place(site: Path, package: str) -> None:
    page = (site / "reference" / f"{package}.html").read_text(encoding="utf-8")
    names = importlib.import_module(package).__all__
    assert [n for n in names if f'id="{package}.{n}"' not in page] == []


def test_what_studies_give_is_shown_with_its_members(site: Path) -> None:
    page = (site / "reference" / "scanlab.study.html").read_text(encoding="utf-8")
    for member in ("Study.trials", "TrialResult.final", "ProblemFindings.row"):
        assert f'id="scanlab.study.{member}"' in page, member


def test_every_command_has_its_place(site: Path) -> None:
    from typer.testing import CliRunner

    from scanlab.cli.app import app

    page = (site / "reference" / "command-line.html").read_text(encoding="utf-8")
    told = CliRunner().invoke(app, ["--help"], env={"NO_COLOR": "1", "COLUMNS": "120"}).stdout
    names = re.findall(r"^│ ([a-z]+) ", told, re.M)
    assert len(names) > 15
    assert [n for n in names if f'id="scanlab-{n}"' not in page] == []


def test_the_search_knows_guide_and_reference(site: Path) -> None:
    index = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    for place in ("guide/5-does-it-matter.html", "reference/scanlab.ops.html#scanlab.ops.selective_scan", "S300"):
        assert place in index


@pytest.mark.slow
def test_a_browser_finds_words_in_pages_on_the_disk_and_asks_nobody(site: Path, browser: Any) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "guide" / "index.html").as_uri() + "?q=boustrophedon")
    page.wait_for_selector(".md-search-result__item a", state="attached")
    found = page.eval_on_selector_all(".md-search-result__item a", "links => links.map(a => a.href)")
    page.close()
    assert any("language.html" in link for link in found)
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_shapes_are_no_emphasis(site: Path) -> None:
    page = (site / "reference" / "scanlab.nn.html").read_text(encoding="utf-8")
    assert "[B, C, *extents]" in page
