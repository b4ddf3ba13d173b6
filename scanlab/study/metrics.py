"""How good predictions are: shares in [0, 1], more is better."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["area_under_curve", "balanced_accuracy", "labels_area_under_curve", "labels_f1", "overlaps"]


def balanced_accuracy(guesses: Tensor, targets: Tensor, classes: int) -> float:
    """The mean over classes of the share that is recognized: int64 [M], int64 [M]; classes without a sample are left
    out. Equal to accuracy where all classes are as frequent; a model that knows one class only gets 1 / classes."""
    recalls = [(guesses[targets == c] == c).double().mean() for c in range(classes) if (targets == c).any()]
    return torch.stack(recalls).mean().item()


def area_under_curve(scores: Tensor, targets: Tensor) -> float:
    """The area under the ROC curve, one class against the rest, averaged over classes: floats [M, classes], int64 [M].

    For one class the share of pairs, one sample of the class and one of the others, in which the first has the higher
    score, ties counting half (Hanley and McNeil 1982, doi 10.1148/radiology.143.1.7063747), from ranks. With two
    classes both give the same. Classes that all or no samples have are left out; NaN where none is left.
    """
    return _mean_area(scores, [targets == c for c in range(scores.shape[1])])


def labels_area_under_curve(scores: Tensor, marks: Tensor) -> float:
    """As `area_under_curve`, where a sample has any number of labels: marks [M, labels], above 0 for those it has."""
    return _mean_area(scores, list((marks > 0).unbind(1)))


def labels_f1(guesses: Tensor, marks: Tensor) -> float:
    """F1 of every label, averaged over those that a sample or a guess has: bool [M, labels] twice. NaN for none."""
    both, all_ = (guesses & marks).sum(0).double(), (guesses.sum(0) + marks.sum(0)).double()
    return (2 * both / all_).nanmean().item()


def overlaps(guesses: Tensor, masks: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Dice and IoU of every class in every image: int64 [B, *extents] twice -> float64 [B, classes] twice.

    Dice is 2 |A and B| / (|A| + |B|), IoU |A and B| / |A or B|; NaN where neither has the class, which says nothing of
    the guess.
    """
    flat = [t.flatten(1) for t in (guesses, masks)]
    sizes = [torch.stack([(t == c).sum(1) for c in range(classes)], 1).double() for t in flat]
    both = torch.stack([((flat[0] == c) & (flat[1] == c)).sum(1) for c in range(classes)], 1).double()
    total = sizes[0] + sizes[1]
    return 2 * both / total, both / (total - both)


def _mean_area(scores: Tensor, members: Sequence[Tensor]) -> float:
    """The area of every column of scores [M, K] over its members, bool [M]."""
    areas = []
    for c, own in enumerate(members):
        inside, outside = int(own.sum()), int((~own).sum())
        if not inside or not outside:
            continue
        ranks = _mean_ranks(scores[:, c].double())
        areas.append((ranks[own].sum().item() - inside * (inside + 1) / 2) / (inside * outside))
    return sum(areas) / len(areas) if areas else float("nan")


def _mean_ranks(values: Tensor) -> Tensor:
    """Ranks from 1, those that tie sharing their mean."""
    _, place, counts = values.unique(sorted=True, return_inverse=True, return_counts=True)
    last = counts.cumsum(0)
    return (last - (counts - 1) / 2.0).double()[place]
