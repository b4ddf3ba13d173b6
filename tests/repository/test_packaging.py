"""The source archive, and the wheel built from it, hold everything: kernels, strategies, grammar, pages and data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]

CODE = """
import json, sys
from importlib.resources import files
import scanlab, scanlab.kernels
from scanlab.data import load
from scanlab.library_index import digest, read_index
assert "site" in scanlab.__file__, scanlab.__file__
assert scanlab.compile("cross", (3, 3)).indices.shape == (4, 9)
assert files("scanlab").joinpath("py.typed").is_file()
assert len(load("digits").images) == 1797
stored = json.loads(files("scanlab.strategies").joinpath("index.json").read_text(encoding="utf-8"))
assert stored["digest"] == digest()
from scanlab.cli import main
sys.argv = ["scanlab", "show", "snake", "-g", "4x4", "-o", "snake.html"]
main()
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive of what is tracked, links included, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("not a git checkout, so what belongs to a wheel is not known")
    for name in filter(None, tracked.stdout.decode().split("\0")):
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name, follow_symlinks=False)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def wheel(built: Path) -> Path:
    [made] = built.glob("*.whl")
    return made


@pytest.mark.slow
def test_an_installed_wheel_works_outside_the_repository(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with ZipFile(wheel) as archive:
        archive.extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "snake.html").stat().st_size > 1000


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["editable", "wheel"])
def test_it_is_found_from_every_folder(kind: str, wheel: Path, tmp_path: Path) -> None:
    """In a folder that holds a checkout of the package's own name, too, as the folder above a clone does."""
    environment = dict(os.environ)
    if kind == "wheel":
        with ZipFile(wheel) as archive:
            archive.extractall(tmp_path / "site")
        environment["PYTHONPATH"] = str(tmp_path / "site")
    above = tmp_path / "above"
    (above / "scanlab").mkdir(parents=True)
    for part in ("scanlab", "kernels", "strategies", "pyproject.toml"):
        (above / "scanlab" / part).symlink_to(ROOT / part)
    commands = (
        ["-c", "import scanlab; print(scanlab.parse('row', axes='h w'))"],
        ["-m", "scanlab", "--version"],
        ["-m", "torch.distributed.run", "--nproc-per-node", "1", "-m", "scanlab", "list", "snake"],
    )
    for command in commands:
        run = [sys.executable, *command]
        done = subprocess.run(run, cwd=above, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "scanlab" in done.stdout or "by h" in done.stdout or "snake" in done.stdout


def _package() -> set[str]:
    files = [f for f in (ROOT / "scanlab").rglob("*") if f.is_file() and "__pycache__" not in f.parts]
    return {f.relative_to(ROOT).as_posix() for f in files if f.suffix != ".new"}


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == _package()


@pytest.mark.slow
def test_the_source_archive_holds_the_package_once(built: Path) -> None:
    [made] = built.glob("*.tar.gz")
    with tarfile.open(made) as archive:
        held = [member.name.partition("/")[2] for member in archive if not member.isdir()]
    assert not [name for name in held if name.startswith(("kernels", "strategies"))], "links are not followed"
    assert _package() <= set(held)
    assert {"pyproject.toml", "README.md", "LICENSE"} <= set(held)


@pytest.mark.slow
def test_the_wheel_names_its_entry_points(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        [name] = [n for n in archive.namelist() if n.endswith("entry_points.txt")]
        text = archive.read(name).decode()
        [metadata] = [n for n in archive.namelist() if n.endswith("METADATA")]
        needs = archive.read(metadata).decode()
    assert "scanlab = scanlab.cli:process" in text and "ScanLexer" in text
    [triton] = [line for line in needs.split("\n") if line.startswith("Requires-Dist: triton")]
    assert "linux" in triton
