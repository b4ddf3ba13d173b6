"""The pictures of a folder, found by the names that annotations give them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from scanlab.data.boxes.values import wrong_file
from scanlab.data.notes import Note, listed
from scanlab.data.places import below, part_of
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["Pictures", "part_within"]


class Pictures:
    """The pictures at any depth of a folder.

    all: in the order of their names.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.all = list(below(folder))
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for file in self.all:
            self._by_name[file.name].append(file)

    def named(self, name: str, annotation: Path, part: str = "") -> Path:
        """The picture that an annotation calls so, by its last folders if it names some; of several the one in the
        annotation's folder, or in a folder of its part. Raises S677 for none and S691 for several."""
        asked = PurePosixPath(name.replace("\\", "/")).parts
        asked = tuple(word for word in asked if word not in ("..", ".", "/"))
        same = self._by_name.get(asked[-1] if asked else "", [])
        fits = [file for file in same if file.parts[-len(asked) :] == asked] or same
        for narrower in (
            [file for file in fits if file.parent == annotation.parent],
            [file for file in fits if part and part_within(file, self.folder) == part],
        ):
            fits = fits if len(fits) == 1 else narrower or fits
        if not fits:
            raise wrong_file(annotation, f"it speaks of {name!r}, and there is no such picture", "add the picture")
        if len(fits) > 1:
            places = listed(str(file.parent.relative_to(self.folder)) or "." for file in fits)
            help = "call pictures by different names, or keep each beside its annotation"
            raise ScanlabError.at("S691", f"{name!r} of {annotation.name} may be a file in {places}", help=help)
        return fits[0]

    def of_annotation(self, annotation: Path, name: str, part: str = "") -> Path:
        """The picture that an annotation of one picture is for: that with its stem, else the one that it names, for
        tools keep the name that a picture once had. Raises as `named`."""
        same = [file.name for file in self.all if file.stem == annotation.stem]
        return self.named(same[0] if same and name not in same else name, annotation, part)

    def left(self, used: Iterable[Path], why: str) -> list[Note]:
        """A note of the pictures that nothing is said of."""
        known = set(used)
        rest = [file.name for file in self.all if file not in known]
        return [Note("left out", f"{count_text(len(rest), 'picture')} {why}: {listed(rest)}")] if rest else []


def part_within(file: Path, folder: Path) -> str:
    """The part that a folder on the way to a file is called after, "" for none."""
    return next((part for word in file.relative_to(folder).parts[:-1] if (part := part_of(word))), "")
