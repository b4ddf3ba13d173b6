"""What each compiled GPU kernel takes; run as a script, it records the figures of the Triton that is installed.

    python tests/kernels/gpu_registers.py

writes tests/golden/gpu_registers.json: Triton's version -> target -> N -> kernel -> figures, for bfloat16 and the table
of steps; under "16, states" those of sequences whose states are given and returned. Figures of other versions stay. No
GPU is needed.
"""

from __future__ import annotations

import json
from pathlib import Path

from scanlab.codegen.offline import TARGETS, compile_all

RECORD = Path(__file__).parents[1] / "golden" / "gpu_registers.json"
STATES = ("1", "16", "1, states", "16, states")
FIGURES = ("registers", "spills", "stack", "shared", "barriers", "loop")


def version() -> str:
    """Triton's major and minor version; compilers change with them."""
    import triton

    return ".".join(triton.__version__.split(".")[:2])


def measured(target: str, states: str) -> dict[str, dict[str, int]]:
    """The figures of every kernel of the scan, by name; states: one of STATES."""
    count, _, continued = states.partition(", ")
    reports = compile_all("", target, states=int(count), continued=bool(continued))
    return {report.kernel: {figure: getattr(report, figure) for figure in FIGURES} for report in reports}


def record() -> None:
    """Write the figures of the installed version."""
    known = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    known[version()] = {target: {n: measured(target, n) for n in STATES} for target in TARGETS}
    RECORD.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    record()
