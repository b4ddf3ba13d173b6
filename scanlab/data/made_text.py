"""Texts of handwritten digits: lines of many widths, and pages whose columns are to be read one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scanlab.data.dataset import Dataset
from scanlab.data.digits import load_digits
from scanlab.data.line_pictures import LIGHT_INK
from scanlab.data.notes import Note
from scanlab.data.ragged import RaggedImages
from scanlab.data.target_kinds import TEXT
from scanlab.data.texts import numbers_of_texts

__all__ = ["load_digit_lines", "load_digit_pages"]

SEED = 0
TRAIN, TEST = 600, 150
SIDE = 8
# Lines: height, digits in a line, the share of gaps between them that are spaces, and pixels between digits.
HEIGHT, FEWEST, MOST, SPACES = 12, 3, 12, 0.2
NARROWEST, WIDEST = 0, 3
# Pages: columns, rows and digits of each, and the empty patches to the right of a row, half a digit wide.
COLUMNS, ROWS, ACROSS, MARGIN = 2, 4, 4, 2

Drawn = tuple[NDArray[np.float32], str]


def load_digit_lines() -> Dataset:
    """Lines of 3 to 12 handwritten digits, some with spaces between; the text is what stands there.

    images: RaggedImages of one channel, 12 pixels high, float32 in [0, 1]; labels int16 [750, longest], texts; 600
    lines to train and 150 to test, which show digits that no training line shows. Digits stand at different heights,
    with up to 3 pixels between them, 8 at a space.

    >>> lines = load_digit_lines()
    >>> len(lines.images), len(set(lines.images.widths)) > 50, "".join(lines.class_names)
    (750, True, ' 0123456789')
    """
    return _made("digit-lines", _line)


def load_digit_pages() -> Dataset:
    """Pages of handwritten digits in two columns; the text is the left column's lines, then the right one's.

    images float32 [750, 1, 32, 80] in [0, 1]; labels int16 [750, longest], texts with a space between lines; 600 pages
    to train and 150 to test, which show digits that no training page shows. A column has 1 to 4 lines of 1 to 4 digits.
    A person reads them column by column; `by w // 10, h, w` does in patches of (8, 4), and `row` mixes the columns.

    >>> pages = load_digit_pages()
    >>> pages.extents, pages.target_kind.one
    ((32, 80), 'a text')
    """
    made = _made("digit-pages", _page)
    return replace(made, images=np.stack(list(made.images)))


def _made(name: str, draw_one: Callable[[np.random.RandomState, Callable[[], Drawn]], Drawn]) -> Dataset:
    digits, draw = load_digits(), np.random.RandomState(SEED)
    drawn: list[Drawn] = []
    for part, count in ((digits.train, TRAIN), (digits.test, TEST)):

        def one(part: NDArray[np.int64] = part) -> Drawn:
            number = part[draw.randint(len(part))]
            return digits.images[number, 0], str(digits.labels[number])

        drawn += [draw_one(draw, one) for _ in range(count)]
    train, test = np.arange(TRAIN), np.arange(TRAIN, TRAIN + TEST)
    alphabet, numbers = numbers_of_texts([text for _, text in drawn], train)
    images = RaggedImages.of([image[None] for image, _ in drawn])
    credit = f"made from digits: {digits.credit}"
    made = Dataset(name, images, numbers, train, test, len(alphabet), credit, targets=TEXT)
    note = Note("assumed", "test samples are made of digits that no training sample shows")
    return replace(made, class_names=tuple(alphabet), notes=(note,), ink=LIGHT_INK)


def _line(draw: np.random.RandomState, one: Callable[[], Drawn]) -> Drawn:
    parts: list[NDArray[np.float32]] = []
    text = ""
    for number in range(draw.randint(FEWEST, MOST + 1)):
        image, digit = one()
        space = number > 0 and draw.rand() < SPACES
        gap = SIDE if space else draw.randint(NARROWEST, WIDEST + 1)
        above = draw.randint(HEIGHT - SIDE + 1)
        parts.append(np.pad(image, ((above, HEIGHT - SIDE - above), (gap, 0))))
        text += f" {digit}" if space else digit
    return np.concatenate(parts, axis=1), text


def _page(draw: np.random.RandomState, one: Callable[[], Drawn]) -> Drawn:
    width = SIDE * ACROSS + MARGIN * SIDE // 2
    page = np.zeros((SIDE * ROWS, COLUMNS * width), np.float32)
    lines = []
    for column in range(COLUMNS):
        for row in range(draw.randint(1, ROWS + 1)):
            some = [one() for _ in range(draw.randint(1, ACROSS + 1))]
            left = column * width
            for place, (image, _) in enumerate(some):
                page[row * SIDE : (row + 1) * SIDE, left + place * SIDE : left + (place + 1) * SIDE] = image
            lines.append("".join(digit for _, digit in some))
    return page, " ".join(lines)
