"""A wheel, installed elsewhere, holds everything: kernels, strategies, grammar, pages and data."""

from __future__ import annotations

import os
import subprocess
import sys
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
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("not a git checkout, so what belongs to a wheel is not known")
    for name in filter(None, tracked.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    [made] = folder.glob("*.whl")
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
def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        held = set(archive.namelist())
    for file in (ROOT / "scanlab").rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".new":
            assert file.relative_to(ROOT).as_posix() in held, file


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
