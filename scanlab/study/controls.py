"""Controls: trials that show what would come of strategies that do not matter; nothing here needs torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanlab.renamed import read_name, stored_name

if TYPE_CHECKING:
    from scanlab.ops import PathTable

__all__ = [
    "CONTROLS",
    "DEFAULT_CONTROLS",
    "Control",
    "control_name",
    "is_peer",
    "removed_by",
    "repeated_by",
    "stored_control",
    "with_default",
]

# Far from any seed a person would choose, so that the A/A control starts from weights that no other trial starts from.
FRESH_WEIGHTS = 1_000_003
FRESH_BATCHES = 3_000_017


@dataclass(frozen=True)
class Control:
    """What a control changes of the baseline's trial, and what a reader learns from it.

    meaning: in words, for a report. alter: the steps that it takes in place of the baseline's own. weights: added to
    the seed of the initial weights; batches: to that of the order of the training samples and of the augmentation.
    mixer: the kind of mixer that it has instead. removes: what of the baseline it takes away, as in "the order"; "" for
    nothing: it is then a peer, or the baseline again, and `again` says in what way. fitted: the setting of the model,
    "mlp" or "expand", that is chosen so that it has as many parameters as the baseline (`study.peers`). default:
    whether a study has it unless it chooses its own.

    >>> CONTROLS["no_scan"].mixer, CONTROLS["no_scan"].removes
    ('none', 'the scan')
    """

    meaning: str
    alter: Callable[[PathTable], PathTable] | None = None
    weights: int = 0
    batches: int = 0
    mixer: str | None = None
    removes: str = "the order"
    again: str = ""
    fitted: str = ""
    default: bool = True


CONTROLS: Mapping[str, Control] = MappingProxyType(
    {
        "A/A": Control(
            "the baseline again from other initial weights, with the same batches: how far apart two runs of one "
            "strategy come out",
            weights=FRESH_WEIGHTS,
            removes="",
            again="from other initial weights",
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
        "attention": Control(
            "attention between all patches in place of the scan, with a perceptron behind it that is as wide as gives "
            "the baseline's number of parameters",
            mixer="attention",
            removes="",
            fitted="mlp",
            default=False,
        ),
        "convolution": Control(
            "a depthwise convolution on the grid in place of the scan, with a perceptron behind it that is as wide as "
            "gives the baseline's number of parameters",
            mixer="convolution",
            removes="",
            fitted="mlp",
            default=False,
        ),
        "lstm": Control(
            "an LSTM both ways along the baseline's first path in place of the scan, as wide as gives the baseline's "
            "number of parameters",
            mixer="lstm",
            removes="",
            fitted="expand",
            default=False,
        ),
        "no_memory": Control(
            "the scan with its state zeroed before every step: no patch hears of another",
            lambda t: t.without_memory(),
            removes="the scan",
            default=False,
        ),
        "other_batches": Control(
            "the baseline again from the same initial weights, with the training samples in another order and other "
            "augmentation: how far apart two runs come out that share their weights, as strategies do",
            batches=FRESH_BATCHES,
            removes="",
            again="from the same initial weights with other batches",
            # Not by default: a finished study that names no controls goes on without a training.
            default=False,
        ),
    }
)
DEFAULT_CONTROLS = tuple(name for name, control in CONTROLS.items() if control.default)


def with_default(controls: Sequence[str]) -> tuple[str, ...]:
    """Controls of a study file, in which "default" stands for those that a study has unless it chooses its own.

    >>> with_default(["default", "other_batches"])
    ('A/A', 'random_order_1', 'random_order_2', 'no_scan', 'other_batches')
    """
    return tuple(own for name in controls for own in (DEFAULT_CONTROLS if name == "default" else (name,)))


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


def is_peer(control: str) -> bool:
    """Whether a control is another model of the same size, which says nothing of the baseline's order or scan.

    >>> is_peer("attention"), is_peer("no scan")
    (True, False)
    """
    known = CONTROLS.get(read_name(control))
    return known is not None and bool(known.fitted)


def repeated_by(control: str) -> str:
    """In what a control that takes nothing away is another run of the baseline, "" for the others.

    >>> repeated_by("other batches"), repeated_by("no scan")
    ('from the same initial weights with other batches', '')
    """
    known = CONTROLS.get(read_name(control))
    return known.again if known else ""
