"""What the processor can do that kernels are compiled for.

That is not always the one they are compiled on: NUMBA_CPU_NAME, NUMBA_CPU_FEATURES and NUMBA_ENABLE_AVX choose another.
LLVM alone knows what a processor's name stands for, so it is asked for the instructions of three small functions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from llvmlite import binding
from numba.core import codegen, config

__all__ = ["TARGET", "Target"]

# Sums of 32 integers of 16 bits: 512 bits at once take AVX-512 BW, 256 take AVX2, and 128 are SSE2's or NEON's.
# float16 to float32 and back: one instruction, or a call to a library that compiled kernels cannot reach.
_QUESTIONS = """
define void @sums(ptr %a) {
  %x = load <32 x i16>, ptr %a
  %y = add <32 x i16> %x, %x
  store <32 x i16> %y, ptr %a
  ret void
}
define void @halves(ptr %a) {
  %x = load <4 x half>, ptr %a
  %w = fpext <4 x half> %x to <4 x float>
  %y = fadd <4 x float> %w, %w
  %n = fptrunc <4 x float> %y to <4 x half>
  store <4 x half> %n, ptr %a
  ret void
}
"""
_CALL = re.compile(r"^\s*(call|bl)", re.MULTILINE)


@dataclass(frozen=True)
class Target:
    """width: how many float32 fill a register. scalef: AVX-512's instruction for x 2^n. halves: float16 to float32 and
    back in an instruction. name, features: in LLVM's words."""

    name: str
    features: str
    width: int
    scalef: bool
    halves: bool


def _asked() -> Target:
    settings: Any = config
    name = settings.CPU_NAME or binding.get_host_cpu_name()
    features = settings.CPU_FEATURES
    if features is None:
        features = codegen.get_host_cpu_features()
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(cpu=name, features=features)
    sums, halves = machine.emit_assembly(binding.parse_assembly(_QUESTIONS)).split("halves:", 1)
    width = 16 if "zmm" in sums else 8 if "ymm" in sums else 4
    return Target(name, features, width, scalef=width == 16, halves=not _CALL.search(halves))


TARGET = _asked()
