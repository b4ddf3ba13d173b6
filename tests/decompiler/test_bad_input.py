"""Whatever is given to decompile: an answer or a clear error, in bounded time, and nothing in a file is run."""

from __future__ import annotations

import io
import json
import pickle
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import scanlab
from scanlab.cli import main
from scanlab.decompiler import decompile as searching
from scanlab.decompiler import user_code
from scanlab.ir.diagnostics import ScanlabError

A = np.arange(16)
GRID = (4, 4)


class NoArray:
    def __array__(self, *_args, **_options):
        raise RuntimeError("no array of me")


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (A - 5, "S431", "reads patch -5 at step 0"),
        (np.arange(20), "S431", "reads patch 16 at step 16"),
        (A + 0.5, "S430", "float64"),
        (np.full(16, np.nan), "S430", "float64"),
        (np.full(16, 1e300), "S430", "float64"),
        (np.full(16, 2**63 + 5, np.uint64), "S431", "reads patch 9223372036854775813"),
        ((A - 1).astype(np.uint64), "S431", "reads patch 18446744073709551615"),
        (A > 3, "S430", "bool"),
        (A.astype(object), "S430", "object"),
        (A.astype(complex), "S430", "complex128"),
        (A.astype("datetime64[s]"), "S430", "datetime64"),
        (np.ma.array(A, mask=A < 4), "S430", "masked"),
        (np.zeros(16, [("a", int)]), "S430", "no list of patch numbers"),
        (["a"] * 16, "S430", "<U1"),
        ([10**30] * 16, "S430", "object"),
        ([], "S430", "shape (0,)"),
        (np.array(3), "S430", "shape ()"),
        (np.zeros((2, 2, 16), int), "S430", "shape (2, 2, 16)"),
        (A[:, None], "S430", "give its transpose"),
        (np.tile(A, (65, 1)), "S430", "65 paths"),
        ([[0, 1], [2, [3]]], "S430", "cannot be read"),
        (NoArray(), "S430", "no array of me"),
        (set(range(16)), "S430", "is a set"),
        (iter(range(16)), "S430", "is a range_iterator"),
        (None, "S430", "is a NoneType"),
        ([-1] * 16, "S430", "a path without a patch"),
        (np.zeros(10**6, int), "S430", "1,000,000 steps for 16 patches"),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given).__name__,
)
def test_arrays_that_are_none(given, code, said):
    with pytest.raises(ScanlabError) as refused:
        scanlab.decompile({GRID: given})
    assert refused.value.code == code and said in str(refused.value)


@pytest.mark.parametrize(
    ("call", "code", "said"),
    [
        (lambda: scanlab.decompile("by h, w"), "S430", "a str is no array"),
        (lambda: scanlab.decompile(None), "S430", "a NoneType is no array"),
        (lambda: scanlab.decompile(A), "S430", "does not say which grid"),
        (lambda: scanlab.decompile(scanlab.parse("by h, w")), "S430", "an Order is no array"),
        (lambda: scanlab.decompile(scanlab.compile("cycle(row, column)", GRID)), "S430", "give one of its scans"),
        (lambda: scanlab.decompile({GRID: A}, (5, 5)), "S430", "no array of 5x5"),
        (lambda: scanlab.decompile({(0, 4): A}), "S400", "no patches"),
        (lambda: scanlab.decompile({(): A}), "S400", "no extents"),
        (lambda: scanlab.decompile({}), "S430", "there is no array"),
        (lambda: scanlab.decompile({(1, 1): [0]}), "S430", "one patch has one order"),
        (lambda: scanlab.decompile({GRID: A, (2, 3): [A[:6], A[:6]]}), "S430", "not of one scan"),
        (lambda: scanlab.decompile({GRID: A}, merge="foo"), "S201", "foo"),
        (lambda: scanlab.decompile({GRID: A}, merge=[]), "S201", "no merge"),
        (lambda: scanlab.decompile({GRID: A}, axes="h"), "S400", "1 axis"),
        (lambda: scanlab.decompile({(10**5, 10**5): A}), "S401", "16,777,216"),
    ],
)
def test_other_arguments(call, code, said):
    with pytest.raises(ScanlabError) as refused:
        call()
    assert refused.value.code == code and said in str(refused.value)


def test_a_grid_chooses_one_of_several_arrays():
    assert scanlab.decompile({GRID: A, (2, 3): np.arange(6)}, "2x3").grids == ((2, 3),)


def test_many_axes_have_lines_too():
    given = {(2, 3, 2, 3, 2): np.arange(72).reshape(2, 3, 2, 3, 2).transpose(1, 0, 2, 3, 4).ravel()}
    assert scanlab.decompile(given, axes="a b c d e").source == "by b, a, c, d, e"
    assert scanlab.decompile(lambda a, b, c, d: np.arange(a * b * c * d), (2, 3, 2, 2)).source == "by t, d, h, w"


def test_an_axis_with_one_patch_is_not_settled():
    answer = scanlab.decompile({(1, 5): np.arange(5)})
    assert answer.verdict == "several lines" and answer.proof.verdict == "proved"
    assert "an array of 2x5 would settle it" in answer.notes[0]


def test_a_line_divides_by_no_half_that_is_zero():
    given = {grid: scanlab.compile("by h // max(1, H // 2), w, h", grid).indices for grid in ((8, 6), (10, 7), (5, 5))}
    answer = scanlab.decompile(given)
    assert "max(1, H // 2)" in answer.source and answer.proof.verdict == "proved"


def test_paths_after_the_time_limit_are_said_not_to_be_looked_at(monkeypatch):
    monkeypatch.setattr(searching, "MOST_SECONDS", -1.0)
    answer = scanlab.decompile({GRID: A})
    assert answer.verdict == "no line" and "it was not looked at" in answer.notes[0]


def hangs(height, width):
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            continue


def exits(height, width):
    sys.exit(3)


def raises(height, width):
    raise ValueError("first\nsecond")


def changes(height, width, calls=[]):  # noqa: B006
    calls.append(1)
    return np.roll(np.arange(height * width), len(calls))


def hangs_on_large_grids(height, width):
    return hangs(height, width) if height > 20 else np.arange(height * width)


@pytest.mark.parametrize(
    ("function", "code", "said"),
    [
        (hangs, "S471", "more than 0.3 seconds"),
        (exits, "S432", "it ends the program: SystemExit: 3"),
        (raises, "S432", "it raises ValueError: first second"),
        (changes, "S472", "another array on 3x5"),
        (lambda h, w: None, "S430", "is a NoneType"),
        (lambda h, w: "abc", "S430", "is a str"),
        (lambda h, w: np.arange(h * w + 3), "S431", "reads patch 15"),
        (lambda h, w: [np.arange(h * w)] * h, "S430", "not of one scan"),
        (lambda a, b, c, d: A, "S400", "4 extents"),
        (lambda: A, "S432", "positional arguments"),
    ],
)
def test_functions_that_fail(function, code, said, monkeypatch):
    monkeypatch.setattr(user_code, "LONGEST_CALL", 0.3)
    with pytest.raises(ScanlabError) as refused:
        scanlab.decompile(function)
    assert refused.value.code == code and said in str(refused.value)


def test_a_function_that_fails_on_some_grids_is_said_to(monkeypatch):
    monkeypatch.setattr(user_code, "LONGEST_CALL", 0.3)
    answer = scanlab.decompile(hangs_on_large_grids)
    assert answer.source == "by h, w" and any("more than 0.3 seconds" in note for note in answer.notes)


def test_tensors_are_arrays():
    torch = pytest.importorskip("torch")
    assert scanlab.decompile({GRID: torch.arange(16).float().requires_grad_()}).source == "by h, w"
    assert scanlab.decompile(lambda h, w: torch.arange(h * w)).source == "by h, w"


def said(capsys, monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["scanlab", "decompile", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code, *capsys.readouterr()


class Ran:
    """Would leave a file where a pickle of it is read."""

    def __reduce__(self):
        return (open, ("was_run", "w"))


def files(folder: Path) -> None:
    np.save(folder / "whole.npy", A)
    whole = (folder / "whole.npy").read_bytes()
    (folder / "cut.npy").write_bytes(whole[:-20])
    (folder / "head.npy").write_bytes(whole[:30])
    (folder / "empty.npy").write_bytes(b"")
    (folder / "text.npy").write_text("1 2 3")
    (folder / "large.npy").write_bytes(whole.replace(b"(16,)", b"(99999999999,)"))
    (folder / "pickled.npy").write_bytes(pickle.dumps(Ran()))
    np.save(folder / "objects.npy", np.array([Ran(), 1], dtype=object))
    np.savez(folder / "several.npz", a=A, b=A)
    np.savez(folder / "alone.npz", A)
    np.savez(folder / "none.npz")
    np.savez(folder / "twice.npz", **{"x_4x4": A, "x/4x4": A})
    np.savez(folder / "objects.npz", **{"4x4": np.array([Ran()] * 16)})
    several = (folder / "several.npz").read_bytes()
    (folder / "cut.npz").write_bytes(several[:300])
    broken = bytearray(several)
    broken[several.index(b"NUMPY") + 130] ^= 0xFF
    (folder / "broken.npz").write_bytes(broken)
    with zipfile.ZipFile(folder / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, {"descr": "<i8", "fortran_order": False, "shape": (1 << 33,)})
        archive.writestr("4x4.npy", head.getvalue() + bytes(1000))
    (folder / "folder.npy").mkdir()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cut.npy", "it ends after 108 of 128 bytes"),
        ("head.npy", "no whole .npy or .npz"),
        ("empty.npy", "no whole .npy or .npz"),
        ("text.npy", "no whole .npy or .npz"),
        ("large.npy", "all arrays may take"),
        ("pickled.npy", "no whole .npy or .npz"),
        ("objects.npy", "Python objects"),
        ("several.npz", "holds a, b"),
        ("none.npz", "holds nothing"),
        ("twice.npz", "are for one grid"),
        ("objects.npz", "Python objects"),
        ("cut.npz", "no whole .npy or .npz"),
        ("broken.npz", "no whole .npy or .npz"),
        ("bomb.npz", "all arrays may take"),
        ("folder.npy", "cannot be read"),
        ("missing.npy", "there is no file"),
        ("whole.npy:x", "holds one array, without a name"),
    ],
)
def test_files_that_hold_no_arrays(name, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files(tmp_path)
    code, out, err = said(capsys, monkeypatch, name, "-g", "4x4")
    assert code == 1 and out == "" and "error[S430]" in err and words in err
    code, out, _ = said(capsys, monkeypatch, name, "-g", "4x4", "--json")
    assert code == 1 and json.loads(out)["diagnostics"][0]["code"] == "S430"
    assert not (tmp_path / "was_run").exists()


def test_an_array_that_numpy_named_takes_the_grid_that_is_given(tmp_path, monkeypatch, capsys):
    files(tmp_path)
    assert said(capsys, monkeypatch, tmp_path / "alone.npz", "-g", "4x4")[0] == 0


_MODULE = """
import sys
print("noise of the import")
x = 1
def rows(height, width):
    print("noise of a call")
    return list(range(height * width))
def ends():
    sys.exit(4)
"""


def test_what_user_code_prints_is_not_the_answer(tmp_path, monkeypatch, capsys):
    file = tmp_path / "noisy.py"
    file.write_text(_MODULE)
    code, out, err = said(capsys, monkeypatch, f"{file}:rows", "--json")
    assert code == 0 and json.loads(out)["source"] == "by h, w"
    assert "noise of the import" in err and "noise of a call" in err


@pytest.mark.parametrize(
    ("text", "name", "code", "words"),
    [
        (_MODULE, "missing", "S430", "has no `missing`"),
        (_MODULE, "x", "S430", "an int is no array"),
        (_MODULE, "ends", "S432", "ends() gives nothing: it ends the program: SystemExit: 4"),
        ("raise SystemExit(5)", "f", "S430", "cannot be imported: it ends the program: SystemExit: 5"),
        ("while True: pass", "f", "S471", "cannot be imported: it took more than 0.3 seconds"),
        ("def f(:", "f", "S430", "SyntaxError"),
    ],
)
def test_modules_without_a_scan(text, name, code, words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(user_code, "LONGEST_CALL", 0.3)
    file = tmp_path / "mine.py"
    file.write_text(text)
    status, out, err = said(capsys, monkeypatch, f"{file}:{name}")
    assert status == 1 and out == "" and f"error[{code}]" in err and words in err
