"""The 8×8 handwritten digits that ship with the package."""

from importlib.resources import files

import numpy as np

from scanlab.data.dataset import Dataset, stratified_split

CREDIT = "Alpaydin and Kaynak 1998, UCI, doi 10.24432/C50P49, CC BY 4.0"
BRIGHTEST = 16
TRAIN_SHARE = 0.7
SPLIT_SEED = 0


def load_digits() -> Dataset:
    """Read the 1,797 shipped digits, scaled to [0, 1], with ScanLab's fixed 70/30 split.

    images float32 [1797, 1, 8, 8]; labels int64 [1797]; 1258 train and 539 test images. Source and licence: DIGITS.md
    beside this file.

    >>> digits = load_digits()
    >>> digits.images.shape, len(digits.train), len(digits.test)
    ((1797, 1, 8, 8), 1258, 539)
    """
    with files("scanlab.data").joinpath("digits.npz").open("rb") as stream, np.load(stream) as arrays:
        pixels, labels = arrays["x"], arrays["y"].astype(np.int64)
    images = pixels[:, None].astype(np.float32) / BRIGHTEST
    train, test = stratified_split(labels, TRAIN_SHARE, SPLIT_SEED)
    return Dataset("digits", images, labels, train, test, classes=10, credit=CREDIT, drawn=True)
