"""Who may import whom, read off the source; and that the commands without tensors never load torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[2]

# Each part of the package, and the parts it may import. The parts at the top join language and compiler.
ALLOWED = {
    "ir": set(),
    "strategies": set(),
    "processes": set(),
    "places": set(),
    "moved": set(),
    "renamed": set(),
    "cpus": set(),
    "imported": {"ir"},
    "kernels": {"places"},
    "language": {"ir", "strategies"},
    "compiler": {"ir"},
    "view": {"ir", "compiler", "places"},
    "decompiler": {"ir", "language", "compiler"},
    "data": {"ir", "places", "imported"},
    "codegen": {"ir", "compiler", "kernels", "places"},
    "ops": {"ir", "compiler", "codegen", "kernels", "cpus"},
    "nn": {"ir", "compiler", "ops", "facade"},
    "zoo": {"ir", "ops", "nn", "facade", "places"},
    "export": {"ir", "ops", "nn", "places"},
    "study": {
        *(
            "ir",
            "language",
            "compiler",
            "ops",
            "nn",
            "zoo",
            "data",
            "facade",
            "processes",
            "cpus",
            "places",
            "imported",
        ),
    },
    "predict": {"ir", "nn", "zoo", "data", "view", "places"},
    "bench": {
        *("ir", "language", "compiler", "codegen", "ops", "nn", "zoo", "kernels"),
        *("facade", "library_index", "cpus"),
    },
    "explorer": {
        *("ir", "language", "compiler", "decompiler", "codegen", "ops", "nn", "zoo", "study", "view", "strategies"),
        *("facade", "checking", "library_index", "processes", "stages", "cpus", "places"),
    },
    "facade": {"ir", "language", "compiler"},
    "notebook": {"ir", "compiler", "decompiler", "view", "facade"},
    "checking": {"ir", "language", "compiler"},
    "stages": {"ir", "language", "compiler", "facade", "checking"},
    "library_index": {"ir", "language", "compiler", "strategies", "places"},
}
FILES = sorted((ROOT / "scanlab").rglob("*.py"))


def _part(file: Path) -> str:
    return file.relative_to(ROOT / "scanlab").with_suffix("").parts[0]


def _imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            if node.module == "scanlab":
                names = [f"scanlab.{a.name}" for a in node.names]
        found |= {n.split(".")[1] for n in names if n.startswith("scanlab.")}
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(file: Path) -> None:
    part = _part(file)
    if part in ("__init__", "__main__", "cli"):
        return
    # An old name may be kept anywhere.
    assert _imports(file) - {part, "renamed"} <= ALLOWED[part], f"{part} may import {sorted(ALLOWED[part])} only"


def test_every_part_has_a_rule() -> None:
    assert {_part(f) for f in FILES} - {"__init__", "__main__", "cli"} <= set(ALLOWED)


def test_the_rules_have_no_circle() -> None:
    done: set[str] = set()
    while len(done) < len(ALLOWED):
        ready = {p for p, below in ALLOWED.items() if p not in done and below <= done}
        assert ready, f"a circle among {sorted(set(ALLOWED) - done)}"
        done |= ready


def _modules() -> dict[str, Path]:
    names = {f: ".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for f in FILES}
    return {name: file for file, name in names.items()}


def test_no_two_modules_import_each_other() -> None:
    modules = _modules()
    graph = nx.DiGraph()
    for name, file in modules.items():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        # What only type checkers read needs nothing to be there.
        typing = {n for i in ast.walk(tree) if isinstance(i, ast.If) for n in ast.walk(i) if _is_for_types(i.test)}
        for node in (n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n not in typing):
            inner = [f"{node.module}.{a.name}" for a in node.names]
            graph.add_edges_from((name, n if n in modules else node.module) for n in inner if node.module in modules)
    circles = [sorted(c) for c in nx.strongly_connected_components(graph) if len(c) > 1]
    # A value prints itself, and what prints it knows it.
    assert circles == [["scanlab.ir.printer", "scanlab.ir.values"]]


def _is_for_types(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


_COMMANDS = (
    "['list']",
    "['check']",
    "['show', 'cross', '-g', '4x4']",
    "['compile', 'hilbert', '-g', '4x4', '-e', 'expr']",
    "['compare', 'row', 'snake', '-g', '4x4']",
    "['erf', 'row', 'snake', '-g', '4x4']",
)


@pytest.mark.parametrize("words", _COMMANDS)
def test_commands_without_tensors_never_load_torch(words: str) -> None:
    code = f"""
import sys
from scanlab.cli import main
sys.argv = ["scanlab", *{words}]
try:
    main()
except SystemExit as stopped:
    assert not stopped.code, stopped.code
heavy = [m for m in ("torch", "numba", "triton", "matplotlib", "scipy") if m in sys.modules]
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_import_loads_nothing_heavy() -> None:
    code = "import sys, scanlab; assert not {'torch', 'numpy', 'islpy', 'lark'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_torchs_compiler_is_not_imported_until_it_is_used() -> None:
    """It takes as long as torch itself, and each process of a study would import it."""
    code = "import sys, scanlab.ops, scanlab.nn, scanlab.zoo, scanlab.study.work, scanlab.study.runner; "
    code += "assert not {'torch._dynamo', 'sympy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_study_is_judged_without_torch(tmp_path: Path) -> None:
    code = """
import sys
from scanlab.cli.report import run
run(*map(__import__("pathlib").Path, sys.argv[1:]), as_json=True)
assert not {"torch", "numba"} & set(sys.modules)
"""
    study = ROOT / "examples" / "studies" / "next_patch"
    subprocess.run([sys.executable, "-c", code, str(study), str(tmp_path)], check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "report.html").is_file()
