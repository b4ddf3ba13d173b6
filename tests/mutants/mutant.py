"""What a mutant is: one line of the source made wrong, and the tests that ought to see it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Group", "Mutant"]


@dataclass(frozen=True)
class Mutant:
    """`old`, which stands in a file exactly once, becomes `new`."""

    name: str
    old: str
    new: str


@dataclass(frozen=True)
class Group:
    """Mutants of one file, and words for pytest: where among all tests those are that run this file."""

    file: str
    tests: tuple[str, ...]
    mutants: tuple[Mutant, ...]

    @property
    def name(self) -> str:
        """The file below the package, without its ending."""
        return self.file.removeprefix("scanlab/").removesuffix(".py")


def group(file: str, tests: str, *mutants: tuple[str, str, str]) -> Group:
    """A group; tests as written on a command line."""
    return Group(file, tuple(tests.split()), tuple(Mutant(*each) for each in mutants))
