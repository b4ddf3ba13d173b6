"""Kernels compiled for a GPU that is not there: Triton brings its own compilers, so a machine without one will do.

Functions that were decorated while TRITON_INTERPRET=1 was set cannot be compiled, so `compile_all` asks a process of
its own. Nothing here needs torch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from scanlab.codegen.assembly import Report, amd_report, nvidia_report
from scanlab.ir.diagnostics import ScanlabError

__all__ = [
    "TARGETS",
    "Target",
    "answer_of",
    "compile_all",
    "compile_kernel",
    "compiler_command",
    "compiler_environment",
    "refused",
    "require_triton",
    "target_of",
]

KERNELS = "scanlab.kernels.gpu.variants"


@dataclass(frozen=True)
class Target:
    """A GPU architecture in Triton's words."""

    backend: str
    architecture: int | str
    lanes: int


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "sm_80": Target("cuda", 80, 32),
        "sm_90": Target("cuda", 90, 32),
        "sm_100": Target("cuda", 100, 32),
        "gfx942": Target("hip", "gfx942", 64),
    }
)


def target_of(name: str) -> Target:
    """The target of that name. Raises S734."""
    if name not in TARGETS:
        raise ScanlabError.at("S734", f"there is no target `{name}`", help=f"the targets are {', '.join(TARGETS)}")
    return TARGETS[name]


def require_triton() -> None:
    """Raises S730 where Triton cannot be imported."""
    try:
        import triton  # noqa: F401
    except Exception as error:  # a broken installation raises whatever it likes
        raise ScanlabError.at(
            "S730",
            "compiling for a GPU needs Triton, which cannot be imported here",
            note=f"{type(error).__name__}: {error}",
            help="install it with: pip install triton (Linux; it needs no GPU)",
        ) from error


def compile_all(
    program: str,
    target: str,
    *,
    states: int = 16,
    dtype: str = "bfloat16",
    source: str | None = None,
    continued: bool = False,
) -> list[Report]:
    """Compile every GPU kernel with a path function plugged in, in a process without TRITON_INTERPRET.

    program: the name of a stored path program, "" for the table. states: N. dtype: of the activations. source: the
    module whose ``variants(states, dtype, patch_at, lanes=, continued=)`` names the kernels, by default KERNELS.
    continued: with states given before the first steps, and returned after the last. Raises S730 to S735.
    """
    words = compiler_command(program, target, states=states, dtype=dtype, source=source, continued=continued)
    done = subprocess.run(words, capture_output=True, text=True, env=compiler_environment(), check=False)
    if done.returncode != 0:
        raise refused(target, done.stderr)
    answers = [answer_of(line) for line in done.stdout.splitlines()]
    return [answer for answer in answers if isinstance(answer, Report)]


def compiler_command(
    program: str,
    target: str,
    *,
    states: int = 16,
    dtype: str = "bfloat16",
    source: str | None = None,
    continued: bool = False,
) -> list[str]:
    """The words that start the process behind `compile_all`; each line it prints is for `answer_of`.

    It runs in `compiler_environment()`; where it fails, its last words are for `refused`. Raises S730 and S734.
    """
    target_of(target)
    require_triton()
    worker = [sys.executable, "-m", "scanlab.codegen.worker"]
    return [*worker, source or KERNELS, program, target, str(states), dtype, "continued" if continued else ""]


def compiler_environment() -> dict[str, str]:
    """The environment of that process: this one's, without TRITON_INTERPRET."""
    return {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}


def answer_of(line: str) -> tuple[str, ...] | Report:
    """What a line of that process says: first the names of all kernels, then each one's report as it is compiled.

    Raises the ScanlabError that the process met.
    """
    answer = json.loads(line)
    if "error" in answer:
        raise ScanlabError.at(**answer["error"])
    return Report(**answer["report"]) if "report" in answer else tuple(answer["kernels"])


def refused(target: str, words: str) -> ScanlabError:
    """The error for a process that failed with these words on stderr."""
    return ScanlabError.at("S735", f"the kernels do not compile for {target}", note=words.strip()[-2000:])


def compile_kernel(
    name: str,
    kernel: Any,
    signature: Mapping[str, str],
    constants: Mapping[str, Any],
    divisible: Collection[str],
    warps: int,
    target: str,
    group: int = 1,
) -> Report:
    """Compile a `@triton.jit` kernel and read off what it takes.

    signature: Triton's type of every argument, "constexpr" for those in ``constants``. divisible: arguments that are
    multiples of 16, as Triton sees them at a launch. group: steps that one pass of the loop makes. Raises S734 for an
    unknown target, S735 where the compiler refuses, OSError where it has no place for its files.
    """
    place = target_of(target)
    require_triton()
    from triton import compile, knobs
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    hints = {(i,): [["tt.divisibility", 16]] for i, name in enumerate(signature) if name in divisible}
    source = ASTSource(kernel, dict(signature), constexprs=dict(constants), attrs=hints)
    where = GPUTarget(place.backend, place.architecture, place.lanes)
    try:
        # Without line numbers the same code is the same text, wherever the kernel lies.
        with knobs.compilation.scope():
            knobs.compilation.disable_line_info = True
            made = compile(source, target=where, options={"num_warps": warps, "enable_fp_fusion": True})
    except OSError:  # no place for its files, which is nothing about the kernel
        raise
    except Exception as error:  # Triton's passes raise several kinds
        raise ScanlabError.at("S735", f"{name} does not compile for {target}", note=str(error)[:2000]) from error
    if place.backend == "hip":
        return amd_report(name, target, group, made.asm["amdgcn"])
    usage, sass = (_cuobjdump(made.asm["cubin"], option) for option in ("-res-usage", "-sass"))
    return nvidia_report(name, target, group, made.asm["ptx"], sass, usage)


def _cuobjdump(cubin: bytes, option: str) -> str:
    """What the tool that Triton brings says about a binary."""
    from triton import knobs

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kernel.cubin"
        file.write_bytes(cubin)
        done = subprocess.run(
            [knobs.nvidia.cuobjdump.path, option, str(file)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "LC_ALL": "C"},
        )
    return done.stdout
