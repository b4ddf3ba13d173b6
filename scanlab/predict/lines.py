"""What a text reader reads in pictures of lines, or of pages, prepared as training prepared them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from scanlab.data.damaged import Damaged
from scanlab.data.layout import settled_by
from scanlab.data.line_pictures import (
    DARK_INK,
    LIGHT_INK,
    height_notes,
    ink_bright,
    ink_by_mean,
    of_height,
    of_size,
    read_grey,
    size_at_height,
)
from scanlab.data.notes import listed
from scanlab.data.pictures import require_pillow
from scanlab.data.ragged import BRIGHTEST, as_values
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.nn import TextReader

__all__ = ["PreparedLines", "TextOfPicture", "prepared_lines", "read_texts"]

BATCH = 16
# A mean value so far from one half leaves no doubt which ink it is; real lines on dark paper come as close as 0.45.
CLEAR = 0.1
_INK = {DARK_INK: "dark on light paper", LIGHT_INK: "light on dark paper"}


@dataclass(frozen=True)
class TextOfPicture:
    """What was read in a picture.

    probability: that the model gives to this very text among all texts, summed over its alignments (connectionist
    temporal classification). It falls with the length of a text, and is the model's opinion: how often such texts are
    right, only transcribed pictures tell.

    >>> TextOfPicture("abc", 0.5).text
    'abc'
    """

    text: str
    probability: float


@dataclass(frozen=True)
class PreparedLines:
    """How pictures are prepared. ink: that of all of them, dark_ink or light_ink. height: to which lines are scaled, 0
    for pages; size: to which pages are, () where they stay as they are. notes: what was assumed."""

    ink: str
    height: int = 0
    size: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def image(self, file: Path) -> Tensor:
        """A picture as the reader reads it: float32 [1, H, W], ink bright. Raises S644."""
        scaled = _scaled(read_grey(file)[0], self.height, self.size)
        return torch.from_numpy(as_values(ink_bright(scaled, self.ink)))


def prepared_lines(
    reader: TextReader,
    files: Sequence[Path],
    ink: str = "",
    size: tuple[int, ...] | None = None,
    on_file: Callable[[Iterable[Path]], Iterable[Path]] = lambda files: files,
    damaged: Damaged | None = None,
) -> PreparedLines:
    """How pictures are to be prepared for a reader, after a look at each: scaled as `data.load` scales lines.

    Lines get the height that the reader was built for, and keep their aspect; pages (steps "path") get its size.
    ink: dark_ink or light_ink where a person says it; else that of the pictures that the reader learned from, where
    its file says it; else what the mean value of all pictures says, as for training data. size: of pages, () for their
    own. damaged: counts files that cannot be read, and knows how many may be, by default none. Raises S726 for a reader
    of other channels than one, S659 for a size of lines, S644 for files that cannot be read, S737 for pictures whose
    ink is clearly another than that of the others, or of those that the reader learned from, unless `ink` settles it,
    and S674 for pictures that are too narrow for one step.
    """
    require_pillow()
    damaged = damaged or Damaged()
    backbone = reader.backbone
    if backbone.channels != 1:
        problem = f"the reader reads {count_text(backbone.channels, 'channel')}, and pictures of text are read as grey"
        raise ScanlabError.at("S726", problem, help="give a reader of one channel")
    pages = reader.steps == "path"
    if not pages and size is not None:
        help = f"leave --size out: it is scaled to a height of {backbone.input_size[0]}"
        raise ScanlabError.at("S659", "a line of text keeps its aspect", help=help)
    if size is not None and len(size) not in (0, 2):
        raise ScanlabError.at("S726", f"{grid_text(size)} is no size of a page", help="give height and width")
    height = 0 if pages else backbone.input_size[0]
    size = tuple(backbone.input_size) if pages and size is None else tuple(size or ())
    looks: list[_Look] = []
    for file in on_file(files):
        with damaged.left_out(file):
            looks.append(_Look.at(reader, file, height, size))
    _check_steps(reader, looks)
    chosen, why = _ink(reader, looks, ink)
    notes = [f"ink is taken to be {_INK[chosen]} ({why})"]
    if height:
        notes += [note.text for note in height_notes(Counter(look.own[0] for look in looks), height)]
    elif others := Counter(look.own for look in looks if look.own != look.scaled):
        built = ", the size that the model was built for" if size == tuple(backbone.input_size) else ""
        notes.append(f"pages of {listed(map(grid_text, others))} are resized to {grid_text(size)}{built}")
    return PreparedLines(chosen, height, size, tuple(notes))


def read_texts(
    reader: TextReader, images: Iterable[Tensor], beam: int = 1, batch: int = BATCH
) -> Iterator[TextOfPicture]:
    """The texts of images [1, H, W] of any widths, so many side by side in one pass, with their probabilities.

    beam: 1 for the text of the best alignment, more for the best text of a beam of prefixes, see `TextReader.read`.

    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> backbone = Backbone("column", BackboneConfig(patch=(8, 4), dim=8, positions="none"), input_size=(16, 64))
    >>> reader = TextReader(backbone, "abc").eval()
    >>> lines = [torch.rand(1, 16, 40), torch.rand(1, 16, 90)]
    >>> [one.text for one in read_texts(reader, lines)] == reader.read(lines)
    True
    """
    some: list[Tensor] = []
    for image in images:
        some.append(image)
        if len(some) == batch:
            yield from _texts(reader, some, beam)
            some = []
    if some:
        yield from _texts(reader, some, beam)


@torch.no_grad()
def _texts(reader: TextReader, images: list[Tensor], beam: int) -> Iterator[TextOfPicture]:
    for logits in reader(images):
        text = reader.text_of(logits, beam)
        # Rounding alone can lift it above 1.
        yield TextOfPicture(text, min(1.0, math.exp(reader.log_probability(logits, text))))


@dataclass(frozen=True)
class _Look:
    """What is to be known of a picture before any is read. own, scaled: height and width; total: its values' sum."""

    file: Path
    own: tuple[int, int]
    scaled: tuple[int, int]
    total: int
    problem: str

    @classmethod
    def at(cls, reader: TextReader, file: Path, height: int, size: tuple[int, ...]) -> _Look:
        image = read_grey(file)[0]
        own = (image.shape[1], image.shape[2])
        made = size_at_height(own, height) if height else (size[0], size[1]) if size else own
        try:
            steps = reader.steps_of(made)
            problem = "" if steps else "no step"
        except ScanlabError as error:
            problem = error.diagnostics[0].message
        return cls(file, own, made, int(image.sum(dtype=np.int64)), problem)

    @property
    def mean(self) -> float:
        return self.total / (BRIGHTEST * self.own[0] * self.own[1])


def _scaled(image: np.ndarray, height: int, size: tuple[int, ...]) -> np.ndarray:
    if height:
        return of_height(image, height)
    return of_size(image, (size[0], size[1])) if size else image


def _check_steps(reader: TextReader, looks: Sequence[_Look]) -> None:
    narrow = [look for look in looks if look.problem]
    if not narrow:
        return
    first = narrow[0]
    tall = first.own[0] > first.own[1]
    lies = f", which is {'taller than wide and ' if tall else ''}{grid_text(first.scaled)} as it is read"
    raise ScanlabError.at(
        "S674",
        f"{count_text(len(narrow), 'picture')} cannot be read, such as {first.file.name} of {grid_text(first.own)}"
        f"{lies}: {first.problem}",
        help="turn it" if tall and reader.steps == "columns" else "give pictures of whole lines, or leave it out",
    )


def _ink(reader: TextReader, looks: Sequence[_Look], said: str) -> tuple[str, str]:
    """The ink of all pictures, and why. Raises S737."""
    if said:
        return said, "layout says so"
    mean = sum(look.total for look in looks) / (BRIGHTEST * sum(math.prod(look.own) for look in looks))
    chosen = reader.ink or ink_by_mean(mean)
    side = 1 if chosen == DARK_INK else -1
    odd = [look for look in looks if side * (look.mean - 0.5) < -CLEAR]
    if odd:
        other = _INK[LIGHT_INK if chosen == DARK_INK else DARK_INK]
        whose = "the model learned from" if reader.ink else "the mean value of all says"
        raise ScanlabError.at(
            "S737",
            f"{count_text(len(odd), 'picture')} of {len(looks):,}, such as {odd[0].file.name} with a mean value of "
            f"{odd[0].mean:.2f} of 1, {'looks' if len(odd) == 1 else 'look'} like ink {other}; {whose} ink "
            f"{_INK[chosen]}",
            help=f"{settled_by(DARK_INK, LIGHT_INK)}; it then holds for all pictures that are given",
        )
    if reader.ink:
        return chosen, "as in the model's training data"
    return chosen, f"the mean value is {mean:.2f} of 1, and the model's file says nothing; --layout settles it"
