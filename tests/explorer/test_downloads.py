"""Files of what is shown: each is what its name says, and Python that makes the same."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import expect

from scanlab.compiler.bind import CompiledPlan
from scanlab.explorer.attempt import attempt
from scanlab.explorer.renderers.exports import EXPORTS, exported
from scanlab.explorer.renderers.python import as_python
from scanlab.explorer.snapshot import Snapshot, snapshot
from scanlab.view.film import ffmpeg

TEXT = """grid h, w
order mine = by h, ~w
scan class_ = sum(mine, -mine) with cls at middle
plan deep = cycle(mine, column)
"""


def shown(text: str = TEXT, *names: str, grid: tuple[int, ...] = (6, 5)) -> Snapshot:
    found = snapshot(text, grid, names)
    assert found.subjects, found.diagnostics
    return found


def check(kind: str, content: bytes) -> None:
    """That a file is whole and of its kind, as far as another program can tell."""
    if kind == "SVG":
        assert ET.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
    elif kind == "PNG":
        image = _opened(content, "PNG")
        assert image.width > 300 and len(image.convert("RGB").getcolors(1 << 24)) > 20
    elif kind == "GIF":
        image = _opened(content, "GIF")
        assert image.n_frames == 30
    elif kind == "MP4":
        assert content[4:8] == b"ftyp" and b"moov" in content and b"mdat" in content
    elif kind == "HTML":
        page = content.decode()
        assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
        # Names of XML are addresses, but nothing is loaded from them.
        foreign = [a for a in re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}[^\s\"'<>]*", page) if "www.w3.org" not in a]
        assert not foreign and not re.search(r"\b(src|href)\s*=\s*[\"'](?!#|data:)", page)
    elif kind == "NPZ":
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            assert all(array.dtype == np.int64 for array in arrays.values())
    else:
        compile(content, "shown.py", "exec")


def _opened(content: bytes, form: str) -> Any:
    images = pytest.importorskip("PIL.Image", reason="needs the extra pictures")
    image = images.open(io.BytesIO(content))
    assert image.format == form
    return image


@pytest.mark.parametrize("kind", EXPORTS)
def test_each_kind_is_what_it_says(kind):
    if kind == "MP4" and ffmpeg() is None:
        pytest.skip("films need ffmpeg")
    file = exported(shown(TEXT, "mine", "class_"), kind)
    assert file.name == f"mine-class-6x5{EXPORTS[kind].suffix}" and file.media_type == EXPORTS[kind].media_type
    check(kind, file.content)


def test_arrays_are_the_compiler_s():
    found = shown(TEXT, "mine", "class_")
    with np.load(io.BytesIO(exported(found, "NPZ").content)) as arrays:
        path = found.subjects[1].scans[0].paths[1]
        assert np.array_equal(arrays["class_/-mine/indices"], path.indices)
        assert np.array_equal(arrays["class_/-mine/ranks"], path.ranks)
        assert len(arrays) == 6


@pytest.mark.parametrize(
    "text",
    [
        "cross",
        "vim",
        "window[k=4]",
        "zigma",
        "localmamba_vim",
        "by h + w, ~w",
        "tri",
        TEXT,
        "efficient",
        "shuffled[seed=3]",
    ],
)
def test_python_makes_the_same_arrays(text, capsys):
    found = snapshot(text, (6, 5) if text != "tri" else (2, 3, 4), ("mine", "class_", "deep") if text == TEXT else ())
    made: dict[str, Any] = {}
    exec(compile(as_python(found), "<copied>", "exec"), made)
    compiled = [v for n, v in made.items() if n not in ("scanlab", "__builtins__")]
    assert len(compiled) == len(found.subjects)
    for subject, bound in zip(found.subjects, compiled, strict=True):
        scans = bound.scans if isinstance(bound, CompiledPlan) else (bound,)
        for mine, theirs in zip(subject.scans, scans, strict=True):
            assert np.array_equal(mine.indices, theirs.indices) and np.array_equal(mine.ranks, theirs.ranks)
            for a, b in zip(mine.paths, theirs.paths, strict=True):
                assert np.array_equal(a.sequence, b.sequence) and np.array_equal(a.restarts, b.restarts)
    assert capsys.readouterr().out.count("[") > 0


def test_python_runs_as_a_script_by_itself(tmp_path):
    file = tmp_path / "copied.py"
    file.write_text(as_python(shown(TEXT, "mine", "deep")), encoding="utf-8")
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert "[[ 0  1  2  3  4  9  8  7  6  5" in done.stdout


def test_names_that_python_cannot_have_are_replaced():
    made = as_python(shown("grid h, w\norder class_ = by h, w\n"))
    assert "class_ = scanlab.compile(" in made
    lines = as_python(shown("by h, ~w")).split("\n")
    assert lines[2:4] == ["# by h, ~w", "by_h_w = scanlab.compile(scanlab.parse('by h, ~w', axes='h w'), grid=(6, 5))"]
    assert "if_ = " not in as_python(shown("window[k=2]")) and "window_k_2 = " in as_python(shown("window[k=2]"))
    # A text's own definition under a name of the library's is not the library's.
    assert "scanlab.load" not in as_python(shown("grid h, w\norder row = by w, h\n"))
    assert "row = scanlab.compile(scanlab.load('row')" in as_python(shown("row"))


def test_nothing_to_export_is_an_error_with_a_code():
    outcome = attempt(exported, snapshot("", (4, 4)), "SVG")
    assert [d.code for d in outcome.problems] == ["S503"]


def test_what_is_too_large_is_refused_by_the_medium():
    outcome = attempt(exported, shown("cross", grid=(300, 300)), "SVG")
    assert [d.code for d in outcome.problems] == ["S504"] and ".png or .html" in outcome.problems[0].help


def test_names_of_files_are_plain():
    file = exported(shown("by h // 2, w // 2, h % 2, w % 2"), "Python")
    assert re.fullmatch(r"[A-Za-z0-9-]+\.py", file.name) and file.name.endswith("-6x5.py")


def test_the_buttons_give_the_files(explorer, new_page, tmp_path):
    page = new_page(explorer.address(text=TEXT, names=("mine",), grid=(6, 5), panes=("export",)), accept_downloads=True)
    page.set_default_timeout(90_000)
    page.wait_for_selector("#pane-export .pane-body[data-state=ready]")
    for kind in EXPORTS:
        button = page.locator("#pane-export .exports").get_by_role("button", name=kind, exact=True)
        if kind == "MP4" and ffmpeg() is None:
            expect(button).to_be_disabled()
            continue
        with page.expect_download() as coming:
            button.click()
        coming.value.save_as(tmp_path / kind)
        assert coming.value.suggested_filename == f"mine-6x5{EXPORTS[kind].suffix}"
        check(kind, (tmp_path / kind).read_bytes())
        page.wait_for_selector(f"#pane-export .word:has-text('mine-6x5{EXPORTS[kind].suffix}')")
    expect(page.locator("#pane-export pre")).to_contain_text("mine = scanlab.compile(")


def test_a_file_of_the_page_works_offline(new_page, tmp_path):
    file = tmp_path / "paths.html"
    file.write_bytes(exported(shown(TEXT, "class_"), "HTML").content)
    page = new_page(Path(file).as_uri())
    page.wait_for_selector(".player .panels canvas", state="attached")
    expect(page.locator(".player figure")).to_have_count(2)


def test_without_ffmpeg_the_button_says_so(start_explorer, new_page, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    page = new_page(start_explorer(tmp_path).address(text=TEXT, panes=("export",)))
    page.set_default_timeout(60_000)
    button = page.locator("#pane-export .exports").get_by_role("button", name="MP4", exact=True)
    button.wait_for()
    expect(button).to_be_disabled()
    expect(page.locator("#pane-export .why")).to_have_text("ffmpeg is not installed")
