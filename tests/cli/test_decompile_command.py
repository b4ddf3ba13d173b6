"""`scanlab decompile`: files, functions, and what a person gets wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import scanlab
from scanlab.cli.app import app
from scanlab.ir.diagnostics import ScanlabError

CODE = """
import numpy as np

def snake(height, width):
    order = np.arange(height * width).reshape(height, width).copy()
    order[1::2] = order[1::2, ::-1]
    return order.ravel()

def arrays():
    return {(2, 3): [0, 3, 1, 4, 2, 5], (3, 4): np.arange(12).reshape(3, 4).T.ravel()}

def broken():
    raise RuntimeError("no weights")

number = 7
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine_to_read.py").write_text(CODE)
    grids = ((5, 7), (8, 8))
    snake, cross = ({g: scanlab.compile(name, g).indices for g in grids} for name in ("snake", "cross"))
    np.save(tmp_path / "one.npy", snake[8, 8])
    np.savez(tmp_path / "many.npz", **{f"{h}x{w}": a for (h, w), a in snake.items()})
    np.savez(
        tmp_path / "named.npz", **{f"snake/{h}x{w}": a for (h, w), a in snake.items()}, **{"cross_8x8": cross[8, 8]}
    )
    np.savez(tmp_path / "bare.npz", a=snake[8, 8])
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["decompile", *words])


@pytest.mark.parametrize(
    "words",
    [
        ("mine_to_read.py:snake",),
        ("mine_to_read:snake",),
        ("many.npz",),
        ("named.npz:snake",),
        ("one.npy", "--grid", "8x8"),
        ("bare.npz", "--grid", "8x8"),
        ("mine_to_read.py:snake", "--grid", "9x11"),
    ],
)
def test_files_and_functions(folder, words):
    done = run(*words)
    assert done.exit_code == 0 and done.output.startswith("by h, ~w\n") and "the same as snake" in done.output


def test_json_and_several_paths(folder):
    data = json.loads(run("named.npz:cross", "--merge", "mean", "--json").output)
    assert data["verdict"] == "line" and data["source"].startswith("mean((by h, w)") and data["grids"] == [[8, 8]]
    done = run("mine_to_read.py:arrays", "--axes", "y x")
    assert done.exit_code == 0 and done.output.startswith("by x, y\n")


def test_a_defect_ends_with_one(folder):
    np.save("ranks.npy", scanlab.compile("hilbert", (8, 8)).ranks)
    done = run("ranks.npy", "--grid", "8x8")
    assert done.exit_code == 1 and "ranks are used as indices" in done.output and "hilbert(" in done.output


@pytest.mark.parametrize(
    "words, code, said",
    [
        (("nothing",), "S430", "names no arrays"),
        (("none.npy", "--grid", "8x8"), "S430", "there is no file"),
        (("one.npy",), "S430", "which grid"),
        (("bare.npz",), "S430", "does not say which grid"),
        (("named.npz",), "S430", "named.npz holds"),
        (("named.npz:snaek",), "S430", "did you mean"),
        (("many.npz", "--grid", "9x9"), "S430", "no array of 9x9"),
        (("mine_to_read.py:snaky",), "S430", "has no `snaky`"),
        (("mine_to_read.py:broken",), "S432", "no weights"),
        (("mine_to_read.py:number",), "S430", "an int is no array"),
        (("missing.py:f",), "S430", "there is no file"),
        (("no_such_module:f",), "S430", "cannot be imported"),
        (("mine_to_read.py",), "S430", "names no arrays"),
    ],
)
def test_what_cannot_be_read_is_refused(folder, words, code, said):
    error = run(*words).exception
    assert isinstance(error, ScanlabError) and error.code == code and said in str(error)


def test_a_file_that_is_no_archive(folder):
    (folder / "text.npz").write_text("no archive")
    assert run("text.npz").exception.code == "S430"
    np.save("objects.npy", np.array([None]), allow_pickle=True)
    assert run("objects.npy", "--grid", "1x1").exception.code == "S430"
