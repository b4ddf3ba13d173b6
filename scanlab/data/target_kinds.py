"""What data give to learn from: a row for every kind of target, read by all who need to know."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import NDArray

from scanlab.data.lazy_masks import LazyMasks

__all__ = ["BOXES", "CLASSES", "FRAMES", "LABELS", "MASKS", "TEXT", "TargetKind", "by_shape"]


@dataclass(frozen=True)
class TargetKind:
    """A kind of target.

    one: a target in words; of_data: what such data have; per: the same, before the word for a sample. task: the name of
    the task that they are for unless another is chosen. members: what a sample has any number of, in words. mark: what
    a fingerprint has of it; "" where shapes and dtypes of the labels tell it. filled: a sample has any number of
    symbols or boxes, and -1 where it has no more; one class of them is enough to learn. unlabelled: there are no
    classes, and labels say nothing.
    """

    one: str
    of_data: str
    per: str
    task: str
    mark: str = ""
    filled: bool = False
    unlabelled: bool = False
    members: str = ""


CLASSES = TargetKind("a class", "a class per image", "a class per", "classification")
LABELS = TargetKind(
    "any number of labels",
    "any number of labels per image",
    "any number of classes per",
    "multi_label_classification",
    "several",
)
MASKS = TargetKind("a mask", "a mask per image", "a class per pixel of a", "segmentation")
TEXT = TargetKind("a text", "a text per image", "a text per", "text_lines", "text", filled=True, members="symbols")
BOXES = TargetKind(
    "boxes",
    "any number of boxes per image",
    "any number of boxes per",
    "detection",
    "boxes",
    filled=True,
    members="boxes",
)
FRAMES = TargetKind("frames", "no labels", "no labels for a", "next_frame", "frames", unlabelled=True)


def by_shape(labels: NDArray | LazyMasks) -> TargetKind:
    """What labels are unless something else is said: classes [M], or masks [M, *extents]."""
    return MASKS if labels.ndim > 1 else CLASSES
