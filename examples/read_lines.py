"""Learn to read lines of text of many widths, by columns, and say how many characters come out wrong.

python examples/read_lines.py                          lines of handwritten digits, which ship with ScanLab
python examples/read_lines.py MODEL FOLDER [PICTURE]   a model of `scanlab train` on lines that it never saw, such as
                                                       scanlab train examples/studies/text_lines/study.toml -s columns

Lines without transcriptions are read by scanlab predict MODEL FOLDER.
"""

import sys
from pathlib import Path

import numpy as np
import torch

import scanlab
from scanlab.data import Dataset, load
from scanlab.data.texts import text_of_numbers
from scanlab.nn import BackboneConfig, MixerConfig, TextReader
from scanlab.predict import read_texts
from scanlab.study.text_errors import error_counts, error_rate
from scanlab.study.train import train_model
from scanlab.study.trial import DataChoice, Problem, Recipe, Trial
from scanlab.view.samples import Picture, Row, write
from scanlab.zoo import load as load_model

SIZES = BackboneConfig(patch=(4, 2), dim=32, depth=2, positions="none", mixer=MixerConfig(convolution="path"))
RECIPE = Recipe(epochs=9, batch=16, learning_rate=1e-2, shift=1)
BEAM, SHOWN = 8, 8


def main(model: str = "", folder: str = "digit-lines", picture: str = "") -> None:
    torch.set_num_threads(1)  # the model is too small for more
    lines = load(folder)
    reader = load_model(model) if model else learnt(lines)
    assert isinstance(reader, TextReader)
    reader.eval()
    images = [torch.tensor(lines.images[number]) for number in lines.test]
    there = [text_of_numbers(lines.labels[number], lines.class_names) for number in lines.test]
    groups = None if lines.groups is None else lines.groups[lines.test]
    read: list[str] = []
    for beam in (1, BEAM):
        read = [said.text for said in read_texts(reader, images, beam)]
        counts = error_counts(read, there)
        characters, words = (error_rate(counts[:, n], counts[:, n + 1], groups) for n in (0, 2))
        how = f"a beam of {beam}" if beam > 1 else "the best path"
        print(
            f"{how:13} {100 * characters.rate:.1f} % of characters wrong ({100 * characters.low:.1f} to "
            f"{100 * characters.high:.1f}), {100 * words.rate:.1f} % of words"
        )
    print(f"\n{'on the line':40} read")
    for text, guess in list(zip(there, read, strict=True))[:SHOWN]:
        print(f"{text:40} {guess}")
    if picture:
        rows = [Row("", [Picture(image[0].numpy(), None, guess)]) for image, guess in zip(images, read, strict=True)]
        write(rows[:SHOWN], Path(picture), f"{lines.name}: lines, and below each what was read", side=6.5)


def learnt(lines: Dataset) -> TextReader:
    """A model trained on the lines of the training part."""
    grid = tuple(-(-n // side) for n, side in zip(lines.extents, SIZES.patch_sides(2), strict=True))
    scan = scanlab.compile("sum(column, -column)", grid)
    data = DataChoice(lines.name)
    problem = Problem("lines", data, "text_lines", lines.fingerprint, (("columns", scan),), SIZES, RECIPE)
    model, result = train_model(Trial(problem, scan, seed=0), lines)
    rates = np.array([epoch.metrics["cer"] for epoch in result.epochs])
    print("characters wrong after each epoch, in %:", *(f"{100 * rate:.0f}" for rate in rates), "\n")
    assert isinstance(model, TextReader)
    return model


if __name__ == "__main__":
    main(*sys.argv[1:])
