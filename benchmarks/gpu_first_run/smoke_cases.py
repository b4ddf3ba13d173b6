"""The sizes at which every kernel is called first."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CASES", "Case"]


@dataclass(frozen=True)
class Case:
    """N states, L steps, B samples, D channels."""

    states: int
    length: int
    samples: int
    channels: int
    dtype: str

    def __str__(self) -> str:
        return f"N={self.states} L={self.length} B={self.samples} D={self.channels} {self.dtype}"


# The smallest first; then half precision, many states, so many samples that sequences are added up in one program, and
# so few that sequences are cut.
CASES = (
    Case(1, 70, 2, 96, "float32"),
    Case(1, 300, 2, 96, "bfloat16"),
    Case(16, 70, 2, 96, "float32"),
    Case(1, 64, 600, 128, "float32"),
    Case(16, 2000, 1, 40, "float32"),
)
