"""Controls: trials that show what would come of strategies that do not matter; nothing here needs torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanlab.renamed import read_name, stored_name

if TYPE_CHECKING:
    from scanlab.ops import PathTable

__all__ = ["CONTROLS", "DEFAULT_CONTROLS", "Control", "control_name", "removed_by", "stored_control"]

# Far from any seed a person would choose, so that the A/A control starts from weights that no other trial starts from.
FRESH_WEIGHTS = 1_000_003


@dataclass(frozen=True)
class Control:
    """What a control changes of the baseline's trial, and what a reader learns from it.

    meaning: in words, for a report. alter: the steps that it takes in place of the baseline's own. weights: added to
    the seed of the initial weights. mixer: the kind of mixer that it has instead. removes: what of the baseline it
    takes away, as in "the order"; "" for nothing. default: whether a study has it unless it chooses its own.

    >>> CONTROLS["no_scan"].mixer, CONTROLS["no_scan"].removes
    ('none', 'the scan')
    """

    meaning: str
    alter: Callable[[PathTable], PathTable] | None = None
    weights: int = 0
    mixer: str | None = None
    removes: str = "the order"
    default: bool = True


CONTROLS: Mapping[str, Control] = MappingProxyType(
    {
        "A/A": Control(
            "the baseline again from other initial weights, with the same batches: how far apart two runs of one "
            "strategy come out",
            weights=FRESH_WEIGHTS,
            removes="",
        ),
        "random_order_1": Control(
            "the baseline over a grid whose patches were shuffled (permutation seed 1)", lambda t: t.scrambled(1)
        ),
        "random_order_2": Control(
            "the baseline over a grid whose patches were shuffled (permutation seed 2)", lambda t: t.scrambled(2)
        ),
        "no_scan": Control(
            "the block without its scan: what is left is y = D u",
            mixer="none",
            removes="the scan",
        ),
        "no_memory": Control(
            "the scan with its state zeroed before every step: no patch hears of another",
            lambda t: t.without_memory(),
            removes="the scan",
            default=False,
        ),
    }
)
DEFAULT_CONTROLS = tuple(name for name, control in CONTROLS.items() if control.default)


def control_name(control: str) -> str:
    """What a control is called in results.

    >>> control_name("no_scan")
    'control: no scan'
    """
    return f"control: {stored_name(control)}"


def stored_control(control: str | None) -> str | None:
    """A trial's control as stores and keys have it; None for none."""
    return None if control is None else stored_name(control)


def removed_by(control: str) -> str:
    """What a control takes away of the baseline, "" for nothing; one that nothing is known of, the order.

    >>> removed_by("no scan"), removed_by("A/A")
    ('the scan', '')
    """
    known = CONTROLS.get(read_name(control))
    return known.removes if known else "the order"
