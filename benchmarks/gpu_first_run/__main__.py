"""The first run on a GPU in one command: `python -m benchmarks.gpu_first_run`, in the root of a checkout; README.md."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from . import wheels
from .parts import PARTS, any_right, run_part
from .results import Results
from .settings import MODELS, ROOT, SHAPES_IN_ORDER, Settings
from .table import table

LIMIT_S = 520
# What is left of the limit for the table.
TABLE_S = 5
SITE = "site"
NAMES = tuple(part.name for part in PARTS)


def main() -> int:
    """Run the parts that were asked for, and print the table; 0 where a smoke case was right or none was asked for."""
    given = _arguments()
    run = _settings(given)
    if given.table:
        print(table(run.out))
        return 0
    _prepare(run, given.peer)
    if given.once is not None:
        from .shapes import once

        once(run, given.once)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        _run_parts(given, run)
    finally:
        print(table(run.out), flush=True)
    return 0 if "smoke" not in given.parts.split() or any_right(run) else 1


def _run_parts(given: argparse.Namespace, run: Settings) -> None:
    ends = time.monotonic() + given.limit - TABLE_S
    wanted = given.parts.split()
    for part in PARTS:
        if part.name not in wanted:
            continue
        # On a GPU machine what is missing is said first, by a process that may crash over it.
        if (part.name != "environment" or run.stub) and not _imported():
            break
        run_part(part, run, ends, given.slow)
        if part.name == "smoke" and not (any_right(run) or run.stub or given.force):
            print("not one kernel is right: the rest is left out, so that time remains (--force goes on)", flush=True)
            break


def _imported() -> bool:
    """Import what every job needs, once: jobs are forks of this process. It must not touch CUDA."""
    try:
        import torch

        import scanlab.bench.gpu
        import scanlab.nn
        import scanlab.zoo  # noqa: F401
        from scanlab.facade import compile

        # The grammar and the library are read once, not by every job.
        compile("cross", (2, 2))
    except Exception as error:  # whatever a broken installation raises
        print(f"nothing can be run: {type(error).__name__}: {error}", flush=True)
        return False
    assert not torch.cuda.is_initialized(), "a child cannot use its parent's context"
    return True


def _arguments() -> argparse.Namespace:
    ask = argparse.ArgumentParser(prog="python -m benchmarks.gpu_first_run", description=__doc__)
    cores = len(os.sched_getaffinity(0))
    ask.add_argument("--out", type=Path, default=ROOT / "out" / "gpu_first_run", help="where results go")
    ask.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / f"scanlab-first-run-{os.getuid()}")
    ask.add_argument("--limit", type=float, default=LIMIT_S, help="seconds for everything")
    ask.add_argument("--slow", type=float, default=1.0, help="multiplies the limits of the parts")
    ask.add_argument("--parts", default=" ".join(NAMES), help="of: " + ", ".join(NAMES))
    ask.add_argument("--jobs", type=int, default=max(1, cores - 2 if cores > 4 else cores))
    ask.add_argument("--peer", type=Path, help="a C library of mamba_ssm's kernels; else SCANLAB_PEER")
    ask.add_argument("--tests", default="", help="words for pytest's -k")
    ask.add_argument("--shapes", default="", help="numbers of the shapes to measure")
    ask.add_argument("--models", default=" ".join(MODELS), help="names of the models to measure")
    ask.add_argument("--force", action="store_true", help="go on where not one kernel is right")
    ask.add_argument("--stub", action="store_true", help="without a GPU: launches are checked and go nowhere")
    ask.add_argument("--once", type=int, help="a shape, forward and backward, once: for profilers")
    ask.add_argument("--table", action="store_true", help="print the table of what lies in --out, and run nothing")
    given = ask.parse_args()
    if unknown := set(given.parts.split()) - set(NAMES):
        ask.error(f"there is no part {', '.join(sorted(unknown))}: choose of {', '.join(NAMES)}")
    return given


def _settings(given: argparse.Namespace) -> Settings:
    shapes = tuple(int(word) for word in given.shapes.split()) or SHAPES_IN_ORDER
    more: dict[str, Any] = {"stub": given.stub, "tests": given.tests, "shapes": shapes, "arch": _capability()}
    return Settings(given.out.resolve(), given.scratch, given.jobs, models=tuple(given.models.split()), **more)


def _capability() -> int:
    """Of the card, without touching it from this process; 90 where none answers."""
    if shutil.which("nvidia-smi") is None:
        return 90
    found = os.popen("nvidia-smi --query-gpu=compute_cap --format=csv,noheader").readline().strip()
    return int(found.replace(".", "")) if found.replace(".", "").isdigit() else 90


def _prepare(run: Settings, peer: Path | None) -> None:
    """Folders, and variables that torch, Triton and scanlab read when they are imported; missing packages' wheels."""
    site = run.scratch / SITE
    for folder in (run.out, site, run.records):
        folder.mkdir(parents=True, exist_ok=True)
    caches = {"TRITON_CACHE_DIR": "triton", "SCANLAB_CACHE_DIR": "scanlab", "TORCHINDUCTOR_CACHE_DIR": "inductor"}
    os.environ |= {name: str(run.scratch / folder) for name, folder in caches.items()}
    os.environ |= {"TRITON_INTERPRET": "0", "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
    paths = [str(ROOT), str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    sys.path[:0] = paths[:1]
    sys.path.append(paths[1])
    for told in wheels.unpack(site):
        print(f"unpacked or missing: {told}", flush=True)
    if peer is not None:
        os.environ["SCANLAB_PEER"] = str(peer.resolve())
    Results(run.out).note("run", command=" ".join(sys.argv[1:]), jobs=run.jobs, arch=run.arch, stub=run.stub)


if __name__ == "__main__":
    sys.exit(main())
