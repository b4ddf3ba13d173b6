"""Writing a gallery: what it holds, what is refused, and what it can do without."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import scanlab
from scanlab.cli.app import app
from scanlab.explorer.static_site import site
from scanlab.explorer.static_site.content import PANES
from scanlab.explorer.static_site.site import write_site
from scanlab.explorer.static_site.strategies import chosen_strategies, key_of, library_strategies
from scanlab.ir.diagnostics import ScanlabError
from scanlab.library_index import read_index


def _data(folder: Path, key: str) -> dict:
    found = re.fullmatch(r'scanlabTake\("([\w-]+)","([^"]+)"\);\n', (folder / "data" / f"{key}.js").read_text())
    assert found and found[1] == key
    return json.loads(zlib.decompress(base64.b64decode(found[2])))


def _code(caught: pytest.ExceptionInfo[ScanlabError]) -> str:
    return caught.value.code


def test_every_definition_of_the_library_has_a_card_and_a_key_of_its_own() -> None:
    strategies = library_strategies()
    assert {s.name for s in strategies} == {e["name"] for e in read_index()["definitions"]}
    assert len({s.key for s in strategies}) == len(strategies)


@pytest.mark.parametrize("key", ["cross", "my-mine"])
def test_paths_are_those_of_the_compiler(gallery_folder: Path, key: str) -> None:
    data = _data(gallery_folder, key)
    source = "cross" if key == "cross" else "by h // 2, w // 2, w, h"
    for of_grid in data["grids"]:
        compiled = scanlab.compile(source, tuple(map(int, of_grid["grid"].split("x"))))
        drawn = [np.frombuffer(base64.b64decode(s["indices"]), f"<u{s['bytes']}") for s in of_grid["paths"]["scenes"]]
        assert [path.tolist() for path in drawn] == compiled.indices.tolist()
    assert [set(data["panes"]) | set(g["panes"]) for g in data["grids"]] == [set(PANES)] * 2


def test_the_verdict_is_that_of_check(gallery_folder: Path) -> None:
    told = json.loads(CliRunner().invoke(app, ["check", "--json"]).stdout)["definitions"]
    proofs = {d["name"]: d["proof"] for d in told}
    for name in ("hilbert", "cross", "zigma_video_spatial"):
        data, proof = _data(gallery_folder, name), proofs[name]
        assert data["mark"] == "✓" and proof["verdict"] == "proved" and not proof["scope"]
        assert data["words"].startswith(f"{proof['claim']}, proved for all sizes")
        assert all(note in data["words"] for note in proof["notes"])


def test_a_line_and_a_file_stand_beside_the_library(gallery_folder: Path) -> None:
    page = (gallery_folder / "index.html").read_text(encoding="utf-8")
    assert page.index("<h2>Chosen</h2>") < page.index("<h2>Basic</h2>")
    assert "Rows of windows, read inside out." in page and "from mine.scan" in page
    assert "by h, -w if h &gt; 2 else w" in page


def test_names_of_the_library_are_there_already() -> None:
    assert chosen_strategies(["snake", "cross"]) == []
    assert [s.key for s in chosen_strategies(["window[k=4]", "window[k=4]"])] == ["my-window-k-4", "my-window-k-4-2"]
    assert key_of("~") == "strategy"


def test_what_is_wrong_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "bad.scan"
    file.write_text("grid h, w\norder good = by h, w\norder bad = by h + w\n", encoding="utf-8")
    for words, code in (([str(file)], "S300"), ([f"{file}:none"], "S201"), (["by h"], "S300"), (["nonesuch"], "S201")):
        with pytest.raises(ScanlabError) as caught:
            chosen_strategies(words)
        assert _code(caught) == code
    assert [s.name for s in chosen_strategies([f"{file}:good"])] == ["good"]
    done = CliRunner().invoke(app, ["explore", "--static", str(tmp_path / "out"), str(file)])
    assert done.exit_code != 0 and not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("…", encoding="utf-8")
    for folder in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(ScanlabError) as caught:
            write_site(folder, [])
        assert _code(caught) == "S868"
    assert [f.name for f in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_gallery_is_written_anew(tmp_path: Path) -> None:
    [row, snake] = [s for s in library_strategies() if s.name in ("row", "snake")]
    write_site(tmp_path / "out", [row])
    steps: list[tuple[int, int]] = []
    written = write_site(tmp_path / "out", [snake], lambda done, of: steps.append((done, of)))
    assert [f.name for f in (tmp_path / "out" / "data").iterdir()] == ["snake.js"]
    assert (written.strategies, steps) == (1, [(0, 1), (1, 1)])


def test_more_than_a_phone_takes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "MOST_BYTES", 1000)
    with pytest.raises(ScanlabError) as caught:
        write_site(tmp_path / "out", [s for s in library_strategies() if s.name == "row"])
    assert _code(caught) == "S869" and "row" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_neither_nicegui_nor_torch_is_needed(tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["nicegui"] = None
from pathlib import Path
from scanlab.explorer.static_site.site import write_site
from scanlab.explorer.static_site.strategies import library_strategies
import scanlab.cli.explore_static
write_site(Path({str(tmp_path / "out")!r}), [s for s in library_strategies() if s.name == "snake"])
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "index.html").is_file()


@pytest.mark.sweep
def test_the_whole_library_is_light_enough(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["explore", "--static", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    files = [f for f in (tmp_path / "out").rglob("*") if f.is_file()]
    assert sum(f.stat().st_size for f in files) <= 5_000_000
    drawable = [s for s in library_strategies() if s.entry["drawable"]]
    assert len(list((tmp_path / "out" / "data").iterdir())) == len(drawable) > 100
