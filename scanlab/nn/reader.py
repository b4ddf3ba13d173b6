"""A head that reads lines of text: symbols by column, aligned by connectionist temporal classification."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.nn.backbone import Backbone
from scanlab.nn.ctc import beam_search, best_path, needed_steps
from scanlab.nn.head import Head

__all__ = ["TextReader"]


class TextReader(Head):
    """Images of text [C, H, W] to logits per step, [steps, symbols + 1], the blank last.

    steps "columns", for lines: the patches of a column, top to bottom, are read together by one linear map, which so
    has weights of its own for every row of the grid: all lines have the height that the backbone was built for, and any
    width. "path", for pages: every patch is a step, in the order of the first path of the last block, so that the scan
    says in which order a page is read. alphabet: the symbols, one code point each. Raises S674 for a backbone that is
    not over two axes, an alphabet that is empty or has a symbol twice, and steps that are neither.

    >>> import torch
    >>> from scanlab.nn import BackboneConfig
    >>> backbone = Backbone("column", BackboneConfig(patch=(8, 4), dim=8, positions="none"), input_size=(16, 64))
    >>> reader = TextReader(backbone, "abc ")
    >>> lines = [torch.rand(1, 16, 40), torch.rand(1, 16, 90)]
    >>> [tuple(logits.shape) for logits in reader(lines)]
    [(10, 5), (23, 5)]
    >>> [len(text) <= 23 for text in reader.read(lines)]
    [True, True]
    """

    def __init__(self, backbone: Backbone, alphabet: str, steps: str = "columns") -> None:
        super().__init__()
        twice = [symbol for n, symbol in enumerate(alphabet) if symbol in alphabet[:n]]
        problem = (
            f"reads images over {count_text(len(backbone.input_size), 'axis')}"
            if len(backbone.input_size) != 2
            else "has an empty alphabet"
            if not alphabet
            else f"has the symbol {twice[0]!r} twice in its alphabet"
            if twice
            else f"has no steps {steps!r}: they are columns, or those of the path"
            if steps not in ("columns", "path")
            else ""
        )
        if problem:
            help = "give a backbone over height and width, and every symbol once"
            raise ScanlabError.at("S674", f"a text reader {problem}", help=help)
        self.backbone, self.alphabet, self.steps = backbone, alphabet, steps
        self.height = self._grid_of(backbone.input_size)[0]
        width = backbone.dim if steps == "path" else self.height * backbone.dim
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, len(alphabet) + 1)

    def options(self) -> dict[str, int | str]:
        """The alphabet, and what the steps are."""
        return {"alphabet": self.alphabet, "steps": self.steps}

    @property
    def blank(self) -> int:
        """The number of the blank."""
        return len(self.alphabet)

    def steps_of(self, extents: Sequence[int]) -> int:
        """How many steps, and so at most symbols, an image of height and width has. Raises S674 for another height of
        lines."""
        grid = self._grid_of(extents)
        if self.steps == "path":
            return self._path(grid).numel()
        if grid[0] != self.height:
            raise ScanlabError.at(
                "S674",
                f"a line of {grid_text(extents)} has {count_text(grid[0], 'row')} of patches, and the reader was built "
                f"for {self.height}",
                help=f"scale lines to a height of {self.backbone.input_size[0]} pixels",
            )
        return grid[1]

    def forward(self, images: Tensor | Iterable[Tensor]) -> Tensor | list[Tensor]:
        """Lines of one size [B, C, H, W] -> [B, steps, symbols + 1]; a list of lines of any widths -> a list."""
        if isinstance(images, Tensor):
            self.steps_of(images.shape[2:])
            grid = self._grid_of(images.shape[2:])
            return self._columns(self.backbone(images), grid)
        images = list(images)
        for image in images:
            self.steps_of(image.shape[1:])
        if len({image.shape for image in images}) == 1:
            return list(self(torch.stack(images)))
        rows = self.backbone.packed(images)
        grids = [self._grid_of(image.shape[1:]) for image in images]
        return [self._columns(r[None], grid)[0] for r, grid in zip(rows, grids, strict=True)]

    def loss(self, images: Sequence[Tensor], texts: Sequence[Sequence[int]]) -> Tensor:
        """Minus the logarithm of the probability of each text, over its symbols, averaged over the images.

        texts: of every image its symbols' numbers in the alphabet. Raises S671 for numbers that are none of a symbol,
        S673 for one with fewer steps than its text needs, and a text of no symbols.
        """
        steps = [self.steps_of(image.shape[1:]) for image in images]
        for number, (count, text) in enumerate(zip(steps, texts, strict=True)):
            if odd := [symbol for symbol in text if not 0 <= symbol < self.blank]:
                problem = f"the text of image {number} has the number {odd[0]}"
                help = f"number symbols from 0 to {self.blank - 1}, as numbers_of(text) does"
                raise ScanlabError.at("S671", problem, help=help)
            if not len(text) or count < needed_steps(text):
                raise ScanlabError.at(
                    "S673",
                    f"image {number} has {count_text(count, 'step')}, and its text {len(text)} symbols"
                    f"{f', which take {needed_steps(text)} steps at least' if len(text) else ''}",
                    help="choose patches that are less wide, or leave the line out" if len(text) else "leave it out",
                )
        logits = [line.float().log_softmax(-1) for line in self(list(images))]
        padded = nn.utils.rnn.pad_sequence(logits)
        return F.ctc_loss(
            padded,
            torch.tensor([symbol for text in texts for symbol in text], device=padded.device),
            torch.tensor(steps),
            torch.tensor([len(text) for text in texts]),
            blank=self.blank,
        )

    @torch.no_grad()
    def read(self, images: Tensor | Iterable[Tensor], beam: int = 1) -> list[str]:
        """The text of every line: that of the best alignment, or with a beam of 2 or more of the best text of those.

        The model reads in the mode that it is in; after `eval()` the same each time.
        """
        logits = self(images)
        return [self.text_of(line, beam) for line in logits]

    def text_of(self, logits: Tensor, beam: int = 1) -> str:
        """The text of the logits of one line, [steps, symbols + 1]. See `read`."""
        scores = logits.detach().float().log_softmax(-1).cpu().numpy()
        symbols = best_path(scores) if beam == 1 else beam_search(scores, beam)[0][0]
        return "".join(self.alphabet[symbol] for symbol in symbols)

    def log_probability(self, logits: Tensor, text: str) -> float:
        """The logarithm of the probability that the logits of one line, [steps, symbols + 1], give to a text among all
        texts: summed over all of its alignments, not that of the best one alone. Raises S671 for a symbol that is not
        in the alphabet.

        >>> import torch
        >>> from scanlab.nn import BackboneConfig
        >>> backbone = Backbone("column", BackboneConfig(patch=(8, 4), dim=8, positions="none"), input_size=(16, 64))
        >>> reader = TextReader(backbone, "a")
        >>> two = torch.zeros(2, 2)  # "a" by itself, before a blank and after one: three of the four alignments
        >>> round(math.exp(reader.log_probability(two, "a")), 3), round(math.exp(reader.log_probability(two, "")), 3)
        (0.75, 0.25)
        """
        scores = logits.detach().double().log_softmax(-1).cpu()
        numbers = torch.tensor([self.numbers_of(text)], dtype=torch.long)
        lengths = torch.tensor([len(scores)]), torch.tensor([len(text)])
        return -float(F.ctc_loss(scores[:, None], numbers, *lengths, blank=self.blank, reduction="sum"))

    def numbers_of(self, text: str) -> tuple[int, ...]:
        """A text's symbols by their numbers. Raises S671 for a symbol outside the alphabet."""
        return tuple(self._numbers(text))

    def _numbers(self, text: str) -> Iterator[int]:
        for symbol in text:
            number = self.alphabet.find(symbol)
            if number < 0:
                raise ScanlabError.at("S671", f"{symbol!r} (U+{ord(symbol):04X}) is not in the reader's alphabet")
            yield number

    def _grid_of(self, extents: Sequence[int]) -> tuple[int, ...]:
        """Of the last stage."""
        *_, (_, grid) = self.backbone.block_grids(tuple(extents))
        return grid

    def _columns(self, rows: Tensor, grid: tuple[int, ...]) -> Tensor:
        """[B, L + T, dim] -> [B, steps, symbols + 1]."""
        if self.steps == "path":
            return self.head(self.norm(rows[:, self._path(grid)]))
        patches = rows[:, : math.prod(grid)].unflatten(1, grid)
        return self.head(self.norm(patches.transpose(1, 2).flatten(2)))

    def _path(self, grid: tuple[int, ...]) -> Tensor:
        """The patches in the order of the first path, int64 [steps]; class tokens and what is not visited left out."""
        steps = self.backbone.blocks[-1].mixer.paths(grid).steps[0, 0].long()
        return steps[(steps >= 0) & (steps < math.prod(grid))]
