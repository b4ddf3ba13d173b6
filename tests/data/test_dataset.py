"""A data set's fingerprint: the same for the same data, another for all that a trial's numbers depend on."""

from dataclasses import replace

import numpy as np

from scanlab.data import load
from scanlab.data.dataset import Dataset


def made(**changed) -> Dataset:
    images = np.random.default_rng(0).random((6, 1, 2, 4, 4)).astype(np.float32)
    parts = np.arange(4), np.arange(4, 6)
    return Dataset("made", images, np.array([0, 1, 0, 1, 0, 1]), *parts, classes=2, credit="made", **changed)


def test_names_and_credits_are_no_part_of_it():
    assert made().fingerprint == made().fingerprint
    assert replace(made(), name="other", credit="", class_names=("a", "b")).fingerprint == made().fingerprint


def test_whatever_changes_numbers_changes_it():
    base = made()
    other = [
        replace(base, images=base.images + np.float32(1e-6)),
        replace(base, labels=1 - base.labels),
        replace(base, train=np.arange(3)),
        replace(base, test=np.arange(5, 6)),
        # Mirrored along other axes, and a head with another output.
        replace(base, video=True),
        replace(base, classes=3),
    ]
    fingerprints = {base.fingerprint, *(d.fingerprint for d in other)}
    assert len(fingerprints) == 7


def test_the_digits_have_the_fingerprint_that_old_studies_know():
    assert load("digits").fingerprint == "a9b79a075f293a6b"
