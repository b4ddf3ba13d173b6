"""The cache of path functions: whose directory, whose content, many processes at once, and a bound on its size."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import scanlab
from scanlab.codegen import cache, load, program
from scanlab.codegen.cost import UNLIMITED
from scanlab.codegen.programs import Program, generate
from scanlab.ir.diagnostics import ScanlabError

posix = pytest.mark.skipif(os.name != "posix", reason="owners and modes are those of POSIX")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCANLAB_CACHE_DIR", str(tmp_path / "cache"))
    load.cache_clear()
    return tmp_path / "cache" / "paths"


def _made(width: int = 5, target: str = "cpu") -> Program:
    scan = scanlab.compile(scanlab.parse("by h, ~w"), (3, width))
    return generate(scan, "cpu" if target == "cpu" else "triton", limit=UNLIMITED)


def test_a_stored_function_is_loaded(folder: Path) -> None:
    made = _made()
    path = cache.store(made.name, made.source)
    assert path == folder / f"{made.name}.py" and path.read_text() == made.source
    function = load(made.name)
    assert [function.py_func(None, 0, step) for step in range(15)] == [0, 1, 2, 3, 4, 9, 8, 7, 6, 5, 10, 11, 12, 13, 14]
    assert load(made.name) is function


def test_program_stores_what_it_returns(folder: Path) -> None:
    made = program(scanlab.compile(scanlab.parse("by w, h"), (3, 5)))
    assert [p.stem for p in folder.iterdir()] == [made.name]
    assert program(scanlab.compile(scanlab.parse("by random(seed=0)"), (3, 5))).name == ""
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("change", ["+ 1", "", "# a comment\n"])
def test_a_changed_file_is_refused(change: str) -> None:
    made = _made()
    path = cache.store(made.name, made.source)
    path.write_text(made.source.replace("return row", f"return row {change}") + (change if "#" in change else " "))
    with pytest.raises(ScanlabError, match="S733"):
        load(made.name)
    assert cache.store(made.name, made.source).read_text() == made.source, "storing again mends it"
    load(made.name)


def test_another_function_under_the_name_is_refused() -> None:
    one, other = _made(5), _made(6)
    cache.store(one.name, one.source).write_text(other.source)
    with pytest.raises(ScanlabError, match="S733"):
        load(one.name)


@pytest.mark.parametrize("name", ["patch_at_0123456789abcdef", "../../other", "os"])
def test_what_is_not_there(name: str) -> None:
    with pytest.raises(ScanlabError, match="S732"):
        load(name)


def test_the_file_may_change_after_it_was_read() -> None:
    made = _made()
    path = cache.store(made.name, made.source)
    function = load(made.name)
    path.write_text("raise SystemExit")
    assert "def patch_at_" in inspect.getsource(function.py_func)


@posix
@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702])
def test_a_directory_that_others_can_write_to_is_refused(folder: Path, mode: int) -> None:
    made = _made()
    cache.store(made.name, made.source)
    folder.chmod(mode)
    for act in (lambda: cache.store(made.name, made.source), lambda: load(made.name), cache.contents, cache.clear):
        with pytest.raises(ScanlabError, match=f"S731.*\n.*\n.*chmod 700 {folder}"):
            act()


@posix
def test_a_directory_of_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made = _made()
    cache.store(made.name, made.source)
    someone_else = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: someone_else)
    with pytest.raises(ScanlabError, match="it belongs to another user"):
        load(made.name)


@posix
def test_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ScanlabError, match="S731"):
        cache.store(_made().name, _made().source)


@posix
def test_the_directory_is_the_users_alone(folder: Path) -> None:
    path = cache.store(_made().name, _made().source)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_in_the_directorys_place(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("")
    with pytest.raises(ScanlabError, match="S731"):
        cache.store(_made().name, _made().source)


def test_where_the_directory_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SCANLAB_CACHE_DIR")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.directory() == tmp_path / "xdg" / "scanlab" / "paths"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.directory() == tmp_path / ".cache" / "scanlab" / "paths"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache.directory() == tmp_path / "Library" / "Caches" / "scanlab" / "paths"


_TOGETHER = """
import sys, scanlab
from scanlab.codegen import load, program
for width in range(2, 40):
    scan = scanlab.compile(scanlab.parse("by w, h"), (3, width))
    made = program(scan)
    from scanlab.codegen.cache import read
    assert read(made.name)[1].decode() == made.source
print("done")
"""


def test_processes_at_once(folder: Path) -> None:
    words = [sys.executable, "-c", _TOGETHER]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for process in running:
        out, err = process.communicate()
        assert process.returncode == 0 and out == "done\n", err
    names = sorted(p.name for p in folder.iterdir())
    assert len(names) == 38 and all(n.startswith("patch_at_") for n in names), "no temporary files are left"


def test_the_oldest_go_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = [_made(width) for width in range(2, 12)]
    size = max(len(p.source) for p in programs)
    monkeypatch.setattr(cache, "LARGEST", 6 * size)
    for age, made in enumerate(programs):
        path = cache.store(made.name, made.source)
        os.utime(path, (1000 + age, 1000 + age))
        if age >= 2:
            # The first one is used again and again, so it stays.
            os.utime(cache.read(programs[0].name)[0], (2000 + age, 2000 + age))
    left = {p.stem for p in folder.iterdir()}
    assert sum(p.stat().st_size for p in folder.iterdir()) <= 6 * size
    assert programs[0].name in left and programs[-1].name in left and programs[1].name not in left


def test_clearing(folder: Path) -> None:
    assert cache.contents().functions == 0 and not folder.exists()
    for width in (5, 6, 7):
        cache.store(_made(width).name, _made(width).source)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "compiled.nbc").write_bytes(bytes(100))
    held = cache.contents()
    assert held.functions == 3 and held.size > 100
    assert cache.clear() == held
    assert cache.contents().functions == 0 and cache.contents().size == 0
