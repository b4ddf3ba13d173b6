"""How a run was asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

__all__ = ["ROOT", "Settings"]

ROOT = Path(__file__).parents[2]
# Of scanlab.bench.gpu_shapes.SHAPES: what the promises are about first.
SHAPES_IN_ORDER = (0, 5, 2, 4, 9, 7, 10, 1, 3, 6, 8)
MODELS = ("vmamba_tiny_s1l8", "vim_tiny")


@dataclass(frozen=True)
class Settings:
    """What every part is told.

    out: where results go. scratch: caches and what need not come back. jobs: processes at once where the GPU is not
    what is measured. stub: there is no GPU, launches are checked and go nowhere. recording: the tag of what a stub
    records, "" where it records nothing. tests: words for pytest's -k. shapes: those of SHAPES that are measured, most
    important first. models: whether whole models are among what is run. arch: the compute capability, 90 for 9.0.
    """

    out: Path
    scratch: Path
    jobs: int
    stub: bool = False
    recording: str = ""
    tests: str = ""
    shapes: tuple[int, ...] = SHAPES_IN_ORDER
    models: tuple[str, ...] = MODELS
    arch: int = 90

    @property
    def log(self) -> Path:
        """All that the parts print."""
        return self.out / "run.log"

    @property
    def records(self) -> Path:
        """Where the specialisations lie that a stub has recorded."""
        return self.scratch / "records"

    def for_recording(self, tag: str) -> Settings:
        """The same under a stub, with results that nobody reads."""
        return replace(self, stub=True, recording=tag, out=self.scratch / "unread")
