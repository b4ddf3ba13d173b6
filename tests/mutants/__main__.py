"""Do the tests see what is wrong? Each mutant is made in a copy of the repository, and tests run until one fails.

    python tests/mutants                        all mutants, by the quick tests of their files
    python tests/mutants --part all ssd         those whose file or name holds a word, by all tests of their files

A mutant is seen when a test fails or the process dies. One that survives the quick tests is to be run with --part all;
one that survives those is a missing test. CPU kernels are compiled anew for every mutant: half a minute each.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cpu
import gpu
import pytest
import tables
from mutant import Group, Mutant

ROOT = Path(__file__).parents[2]
GROUPS: tuple[Group, ...] = (*tables.GROUPS, *gpu.GROUPS, *cpu.GROUPS)
PASSED, FAILED, NO_PYTEST = 0, 1, 3


def main() -> int:
    """Print whether each mutant is seen; 1 if one is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="only mutants whose file or name holds one of these")
    parser.add_argument("--part", choices=("quick", "all"), default="quick")
    given = parser.parse_args()
    unseen = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = _copied(Path(folder) / "copy")
        _prepare(Path(folder) / "kernels")
        for group, mutants in _chosen(given.words):
            if _run(copy, group, given.part) != PASSED:
                print(f"{group.name}: its tests fail without any mutant, or there are none", flush=True)
                unseen += len(mutants)
                continue
            for mutant in mutants:
                word = _verdict(copy, group, mutant, given.part)
                unseen += word != "seen"
                print(f"{word:8} {group.name}: {mutant.name}", flush=True)
    return int(unseen > 0)


def _prepare(kernels: Path) -> None:
    """Load what tests need and no mutant touches; the settings are read when it is loaded."""
    os.environ.setdefault("TRITON_INTERPRET", "1")
    os.environ["NUMBA_CACHE_DIR"] = str(kernels)
    for name in ("torch", "torch._dynamo", "triton", "numba", "hypothesis", "lark", "islpy", "networkx", "scipy"):
        importlib.import_module(name)


def _chosen(words: list[str]) -> Iterator[tuple[Group, list[Mutant]]]:
    for group in GROUPS:
        mutants = [m for m in group.mutants if not words or any(w in f"{group.name}: {m.name}" for w in words)]
        if mutants:
            yield group, mutants


def _copied(place: Path) -> Path:
    """The files that git knows, so that nothing that fails here, or is stopped, can spoil the checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    return place


def _verdict(copy: Path, group: Group, mutant: Mutant, part: str) -> str:
    """seen, unseen, or stale where the line is no longer there, or the mutant is no program at all."""
    file = copy / group.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        return "stale"
    try:
        _write(file, text.replace(mutant.old, mutant.new))
        code = _run(copy, group, part)
    finally:
        _write(file, text)
    # A process that a signal ended has a negative code; other codes say that pytest could not begin.
    return "unseen" if code == PASSED else "seen" if code == FAILED or code < 0 else "stale"


_SECONDS = itertools.count(1_000_000_000)


def _write(file: Path, text: str) -> None:
    """With a time of its own: bytecode is taken for that of another text where the second and the length are equal."""
    file.write_text(text, encoding="utf-8")
    os.utime(file, (second := next(_SECONDS), second))


def _run(copy: Path, group: Group, part: str) -> int:
    """How pytest ends on the tests of a group, in a fork of this process, which has loaded what is slow to load."""
    words = ["-x", "-q", "-p", "no:cacheprovider", "--part", part, *group.tests]
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = NO_PYTEST
    try:
        os.chdir(copy)
        sys.path[:] = [
            str(copy),
            *(place for place in sys.path if Path(place or ".").resolve() != Path(__file__).parent),
        ]
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        code = int(pytest.main(words))
    finally:
        # Without what the parent registered for its own end.
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
