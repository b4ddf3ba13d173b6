"""Where compiled kernels are kept, by whom, and under which key; what happens where they cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scanlab import places
from scanlab.kernels.cpu import caching
from scanlab.kernels.cpu.caching import kernel, not_kept

posix = pytest.mark.skipif(os.name != "posix", reason="owners and modes are those of POSIX")


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch):
    caching._folder.cache_clear()
    caching._locks.cache_clear()
    places.say_once.cache_clear()
    yield
    caching._folder.cache_clear()
    caching._locks.cache_clear()


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(caching.config, "CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def twice(x):
    return 2 * x


def made():
    """A kernel that knows nothing of an earlier one but what lies on disk."""
    return kernel()(twice)


def test_a_kernel_is_kept_once_for_each_signature_and_loaded_again(chosen: Path) -> None:
    first = made()
    assert (first(2), first(np.float32(2))) == (4, 4)
    [folder] = chosen.iterdir()
    assert folder.name.startswith("kernels-") and first._cache.cache_path == str(folder)
    assert len(list(folder.glob("*.nbc"))) == 2
    again = made()
    assert again(2) == 4 and sum(again.stats.cache_hits.values()) == 1 and not again.stats.cache_misses


def test_the_key_holds_the_files_the_processor_and_the_compilers(chosen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def place() -> object:
        caching._folder.cache_clear()
        return caching._folder(str(chosen))

    before = place()
    assert place() == before
    read = Path.read_bytes
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda f: read(f) + (b"# changed" if f.name == "lanes.py" else b""))
        other_file = place()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda f: read(f) + (b"# changed" if f.name == "columns.py" else b""))
        other_columns = place()
    with monkeypatch.context() as patch:
        patch.setattr(caching, "TARGET", caching.TARGET.__class__("old", "", 4, False, False))
        other_processor = place()
    with monkeypatch.context() as patch:
        patch.setattr(caching.llvmlite, "__version__", "0")
        other_compiler = place()
    assert len({before, other_file, other_columns, other_processor, other_compiler}) == 5


def test_a_damaged_file_is_compiled_anew(chosen: Path) -> None:
    made()(2)
    [folder] = chosen.iterdir()
    [file] = folder.glob("*.nbc")
    whole = file.read_bytes()
    for damage in (b"", whole[: len(whole) // 2]):
        file.write_bytes(damage)
        assert made()(2) == 4 and len(file.read_bytes()) > len(whole) // 2


@posix
@pytest.mark.parametrize("mode", [0o777, 0o720])
def test_a_folder_that_others_can_write_to_is_left(chosen: Path, mode: int) -> None:
    first = caching._folder(str(chosen))
    assert isinstance(first, Path) and first.stat().st_mode & 0o777 == 0o700
    first.chmod(mode)
    caching._folder.cache_clear()
    assert caching._folder(str(chosen)) == first.with_name(f"{first.name}-{os.getuid()}")


@posix
def test_each_user_has_a_folder_of_a_shared_cache(chosen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = caching._folder(str(chosen))
    caching._folder.cache_clear()
    someone_else = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: someone_else)
    # A folder of the number's name, but made by another: it is not used either.
    assert str(caching._folder(str(chosen))).startswith("it belongs to another user")
    assert isinstance(first, Path)


def _cannot_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write anywhere, so that the system's refusal is played."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(places.tempfile, "TemporaryFile", refused)


def test_what_exists_but_cannot_be_written_is_not_used(chosen, monkeypatch, capsys) -> None:
    _cannot_write(monkeypatch)
    function = made()
    assert (function(2), function(np.float32(2)), made()(2)) == (4, 4, 4)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "compiled kernels are not kept" in said and "NUMBA_CACHE_DIR" in said
    assert function._cache.cache_path is None and not_kept().startswith("Permission denied")


def test_a_disk_that_fills_up_ends_nothing(chosen, monkeypatch, capsys) -> None:
    function = made()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching, "write_whole", full)
    assert (function(2), function(np.float32(2))) == (4, 4)
    assert capsys.readouterr().err.count("No space left on device") == 1


HOMELESS = """
import os
from pathlib import Path
from scanlab import places
from scanlab.codegen import cache
from scanlab.codegen.programs import generate
from scanlab.codegen.cost import UNLIMITED
from scanlab.kernels.cpu.caching import _folder
import pwd, scanlab
def nobody(uid): raise KeyError(uid)
pwd.getpwuid = nobody
os.environ.pop("XDG_CACHE_HOME", None), os.environ.pop("SCANLAB_CACHE_DIR", None), os.environ.pop("HOME", None)
try: places.user_caches()
except OSError as error: print(error.strerror)
made = generate(scanlab.compile("by h, ~w", (3, 5)), "cpu", limit=UNLIMITED)
path = cache.store(made.name, made.source)
root = path.parent.parent
print(path.read_text() == made.source, cache.read(made.name)[0] == path, root == places.temporary_folder())
print(root)
"""


@posix
def test_a_user_without_a_home_gets_a_temporary_folder_and_no_folder_named_tilde(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", HOMELESS], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    message, right, folder = done.stdout.splitlines()
    assert (message, right) == ("this user has no home folder", "True True True")
    assert done.stderr.count("\n") == 1 and "SCANLAB_CACHE_DIR" in done.stderr
    assert not list(tmp_path.iterdir()) and not Path(folder).exists()


def test_tilde_in_a_setting_is_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert places.configured_folder("~/x") == tmp_path / "x"
    monkeypatch.chdir(tmp_path)
    assert places.configured_folder("x") == tmp_path / "x"
    monkeypatch.setenv("HOME", "~")
    with pytest.raises(OSError, match="no home folder"):
        places.configured_folder("~/x")


TRITON = """
import sys
from pathlib import Path
from triton import knobs
from scanlab.kernels.gpu import launching
print(knobs.cache.dir)
"""


@posix
@pytest.mark.parametrize("home", ["", "~", "file"])
def test_triton_gets_a_folder_that_can_be_written(home: str, tmp_path: Path) -> None:
    pytest.importorskip("triton")
    (tmp_path / "file").write_text("")
    environment = {
        k: v for k, v in os.environ.items() if k not in ("TRITON_INTERPRET", "TRITON_CACHE_DIR", "TRITON_HOME")
    }
    environment |= {"HOME": str(tmp_path / home) if home == "file" else home or str(tmp_path)}
    words = [sys.executable, "-c", TRITON]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    kept = str(tmp_path / ".triton" / "cache") == done.stdout.strip()
    assert kept == (home == "") and ("TRITON_CACHE_DIR" in done.stderr) == (not kept)
    assert not (tmp_path / "~").exists()


SLOW = """
import sys, time
import numba
from scanlab.kernels.cpu import caching
from scanlab.kernels.cpu.caching import kernel
compiled = numba.core.compiler.compile_extra
def compile_slowly(*arguments, **named):
    print("compiles", flush=True)
    time.sleep(2)
    return compiled(*arguments, **named)
numba.core.compiler.compile_extra = compile_slowly
if sys.argv[1:]:
    caching.fcntl = None
def twice(x): return 2 * x
print(kernel()(twice)(21))
"""


def _two_at_once(folder: Path, *words: str) -> tuple[list[str], str]:
    settings = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", SLOW, *words]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=settings)
        for _ in range(2)
    ]
    out, err = zip(*(process.communicate() for process in both), strict=True)
    assert [process.returncode for process in both] == [0, 0]
    return sorted(out), "".join(err)


@posix
def test_of_two_processes_one_compiles_and_the_other_waits(tmp_path: Path) -> None:
    out, err = _two_at_once(tmp_path / "locked")
    assert out == ["42\n", "compiles\n42\n"]
    assert err == "ScanLab: another process is compiling the twice; this one waits for it\n"
    # Where there are no locks, both do.
    assert _two_at_once(tmp_path / "free", "without") == (["compiles\n42\n"] * 2, "")


@posix
def test_a_process_that_was_stopped_is_not_waited_for_forever(chosen, monkeypatch, capsys) -> None:
    monkeypatch.setattr(caching, "PATIENCE_S", 0.3)

    def taken(*_: object) -> None:
        raise BlockingIOError

    monkeypatch.setattr(caching.fcntl, "lockf", taken)
    assert made()(2) == 4 and len(list(chosen.glob("*/*.nbc"))) == 1
    assert "waits for it" in capsys.readouterr().err
