"""What a compiler made of a kernel: registers, spills, barriers and instructions, read off its assembly."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Report", "amd_report", "loops_of", "nvidia_report"]


@dataclass(frozen=True)
class Report:
    """A kernel for a target, and what it takes.

    registers: per thread (vector registers on AMD). spills: instructions that move registers to and from memory (on
    AMD the spilled registers). stack: bytes per thread; shared: bytes per block; barriers, instructions: how many;
    loop: instructions of the longest innermost loop; group: steps that one pass of it makes. assembly: "ptx" and
    "sass", or "amdgcn", to their text.
    """

    kernel: str
    target: str
    registers: int
    spills: int
    stack: int
    shared: int
    barriers: int
    instructions: int
    loop: int
    group: int
    assembly: dict[str, str]

    def figures(self) -> dict[str, str | int]:
        """Everything but the assembly."""
        return {k: v for k, v in vars(self).items() if k != "assembly"}


_SASS_LINE = re.compile(r"^\s+/\*([0-9a-f]{4,6})\*/\s+(.*?)\s*;")
_SASS_JUMP = re.compile(r"\bBRA\b.*?0x([0-9a-f]+)")
_SASS_USE = re.compile(r"\b(REG|STACK|SHARED):(\d+)")


def nvidia_report(kernel: str, target: str, group: int, ptx: str, sass: str, usage: str) -> Report:
    """From PTX, the output of `cuobjdump -sass` and that of `cuobjdump -res-usage`."""
    used = {key: int(value) for key, value in _SASS_USE.findall(usage)}
    lines = _sass(sass)
    code = [text for _, text in lines if not re.match(r"NOP\b", text)]
    return Report(
        kernel,
        target,
        registers=used["REG"],
        spills=sum(bool(re.search(r"\b(LDL|STL)\b", text)) for text in code),
        stack=used["STACK"],
        shared=used["SHARED"],
        barriers=sum(bool(re.search(r"\bBAR\b", text)) for text in code),
        instructions=len(code),
        loop=max((last - first + 1 for first, last in loops_of(sass)), default=0),
        group=group,
        assembly={"ptx": ptx, "sass": "\n".join(f"/*{at:05x}*/ {text}" for at, text in lines)},
    )


def loops_of(sass: str) -> list[tuple[int, int]]:
    """The innermost loops in the output of `cuobjdump -sass`: the numbers of their first and last instruction."""
    lines = _sass(sass)
    number = {at: i for i, (at, _) in enumerate(lines)}
    loops = []
    for i, (at, text) in enumerate(lines):
        jump = _SASS_JUMP.search(text)
        # The jump to itself behind the last instruction is padding.
        if jump and int(jump[1], 16) < at and int(jump[1], 16) in number:
            loops.append((number[int(jump[1], 16)], i))
    return [a for a in loops if not any(a[0] <= b[0] and b[1] <= a[1] and a != b for b in loops)]


def _sass(text: str) -> list[tuple[int, str]]:
    return [(int(m[1], 16), m[2]) for m in map(_SASS_LINE.match, text.split("\n")) if m]


_AMD_INSTRUCTION = re.compile(r"^\t([a-z]\w+)")
_AMD_LABEL = re.compile(r"^(\.L\w+):")
_AMD_JUMP = re.compile(r"^\ts_c?branch\w*\s+(\.L\w+)")


def amd_report(kernel: str, target: str, group: int, amdgcn: str) -> Report:
    """From the text of AMD assembly with its metadata."""
    used = {key: int(value) for key, value in re.findall(r"\.(\w+):\s+(\d+)\s*$", amdgcn, re.MULTILINE)}
    lines = amdgcn.split("\n")
    code = [m[1] for m in map(_AMD_INSTRUCTION.match, lines) if m]
    return Report(
        kernel,
        target,
        registers=used["vgpr_count"],
        spills=used["vgpr_spill_count"] + used["sgpr_spill_count"],
        stack=used["private_segment_fixed_size"],
        shared=used["group_segment_fixed_size"],
        barriers=sum(name.startswith("s_barrier") for name in code),
        instructions=len(code),
        loop=_longest_amd_loop(lines),
        group=group,
        assembly={"amdgcn": amdgcn},
    )


def _longest_amd_loop(lines: list[str]) -> int:
    labels = {m[1]: i for i, m in enumerate(map(_AMD_LABEL.match, lines)) if m}
    jumps = [(labels[m[1]], i) for i, m in enumerate(map(_AMD_JUMP.match, lines)) if m and labels[m[1]] < i]
    inner = [a for a in jumps if not any(a[0] <= b[0] and b[1] <= a[1] and a != b for b in jumps)]
    return max((sum(bool(_AMD_INSTRUCTION.match(t)) for t in lines[a : b + 1]) for a, b in inner), default=0)
