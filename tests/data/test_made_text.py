"""Made texts: what stands on lines and pages is what their texts say, of digits that training does not show."""

import numpy as np

from scanlab.data import RaggedImages, load, load_digit_lines, load_digit_pages, load_digits
from scanlab.data.texts import text_of_numbers

DIGITS = load_digits()


def digits_in(image):
    """The shipped digits that stand on an image, as (top, left, number), found by their pixels."""
    height, width = image.shape
    known = {digit.tobytes(): number for number, digit in enumerate(DIGITS.images[:, 0])}
    return [
        (top, left, number)
        for left in range(width - 7)
        for top in range(height - 7)
        if (number := known.get(np.ascontiguousarray(image[top : top + 8, left : left + 8]).tobytes())) is not None
    ]


def test_lines_hold_the_digits_of_their_texts_from_left_to_right() -> None:
    lines = load_digit_lines()
    assert isinstance(lines.images, RaggedImages) and lines.extents[0] == 12
    for part, own in ((lines.train, DIGITS.train), (lines.test, DIGITS.test)):
        for number in part[:20]:
            text = text_of_numbers(lines.labels[number], lines.class_names)
            found = sorted((left, n) for _, left, n in digits_in(lines.images[number][0]))
            assert "".join(str(DIGITS.labels[n]) for _, n in found) == text.replace(" ", "")
            assert {n for _, n in found} <= set(own)


def test_pages_are_read_down_the_left_column_first() -> None:
    pages = load_digit_pages()
    for number in (*pages.train[:10], *pages.test[:10]):
        found = sorted((left // 40, top, left, n) for top, left, n in digits_in(pages.images[number, 0]))
        lines: dict[tuple[int, int], str] = {}
        for column, top, _, n in found:
            lines[column, top] = lines.get((column, top), "") + str(DIGITS.labels[n])
        assert " ".join(lines.values()) == text_of_numbers(pages.labels[number], pages.class_names)


def test_they_are_always_the_same_and_have_names() -> None:
    for name, made in (("digit-lines", load_digit_lines), ("digit-pages", load_digit_pages)):
        assert made().fingerprint == load(name).fingerprint
        assert load(name, limit=10, test_limit=5).images.shape[0] == 15
