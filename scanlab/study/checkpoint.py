"""Where a trial stands after an epoch or within one, in a file or as bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.places import PRIVATE, draft_of
from scanlab.renamed import renamed_names
from scanlab.study.record import Epoch

__all__ = [
    "OTHER_TRIAL",
    "Checkpoint",
    "InMemory",
    "Progress",
    "Within",
    "damage_of",
    "read_checkpoint",
    "write_checkpoint",
    "write_whole",
]

__getattr__ = renamed_names(__name__, {"Place": "Checkpoint"})

OTHER_TRIAL = "it is of another trial"


@dataclass(frozen=True, eq=False)
class Within:
    """Where a training stands within an epoch, of several processes that train it each.

    steps: how many were taken. begun: the state of the generator of batches at the epoch's start, by which their order
    is drawn again. sums float32 [processes, 2]: of the losses, and of the images that could not be read. seconds,
    loading: of the epoch so far.
    """

    steps: int
    begun: Tensor
    sums: Tensor
    seconds: float
    loading: float


@dataclass(frozen=True, eq=False)
class Progress:
    """Finished epochs, seconds of training and of loading within them, and the states of the generators where it
    stands.

    draw: of batches and augmentation; chance: torch's own on the model's device, of several processes a row
    for each; None before the first epoch.
    unreadable: by number the images that could not be read, and why. within: None at the end of an epoch.
    """

    epochs: tuple[Epoch, ...] = ()
    seconds: float = 0.0
    loading: float = 0.0
    draw: Tensor | None = None
    chance: Tensor | None = None
    unreadable: Mapping[int, str] = field(default_factory=dict)
    within: Within | None = None


@dataclass(eq=False)
class InMemory:
    """A checkpoint that is no file, for a process whose disk nobody else sees. content: None before the first epoch."""

    content: bytes | None = None


Checkpoint = Path | InMemory


def write_checkpoint(place: Checkpoint, key: str, progress: Progress, stateful: Mapping[str, Any]) -> None:
    """Write states and progress, whole or not at all, in place of older ones. Raises S653 where a file cannot be."""
    content = {
        "key": key,
        "epochs": [asdict(epoch) for epoch in progress.epochs],
        "seconds": progress.seconds,
        "loading": progress.loading,
        "draw": progress.draw,
        "chance": progress.chance,
        "unreadable": dict(progress.unreadable),
        "within": vars(progress.within) if progress.within else None,
        "states": {name: part.state_dict() for name, part in stateful.items()},
    }
    if isinstance(place, Path):
        write_whole(place, lambda stream: torch.save(content, stream))
    else:
        stream = io.BytesIO()
        torch.save(content, stream)
        place.content = stream.getvalue()


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a checkpoint's file, whole or not at all; an older one is replaced. Raises S653 where that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft_of(path, PRIVATE) as draft, draft.open("wb") as stream:
            write(stream)
    except (OSError, RuntimeError) as error:
        # torch reports a full disk as a RuntimeError of its own.
        raise ScanlabError.at(
            "S653",
            f"the checkpoint {path} cannot be written: {error}",
            help="make room on the disk and run the same command again: what was kept before is still there",
        ) from error


def read_checkpoint(place: Checkpoint, key: str, stateful: Mapping[str, Any]) -> Progress:
    """Put the states of a trial's checkpoint back, and return how far it came; nothing was done where there is none.

    One of another trial, or one that cannot be read, counts as none.
    """
    content, _ = _content(place, key)
    if content is None:
        return Progress()
    for name, part in stateful.items():
        part.load_state_dict(content["states"][name])
    epochs = tuple(Epoch(**epoch) for epoch in content["epochs"])
    left = content.get("unreadable", {})
    within = Within(**held) if (held := content.get("within")) else None
    return Progress(epochs, content["seconds"], content["loading"], content["draw"], content["chance"], left, within)


def damage_of(place: Checkpoint, key: str) -> str:
    """Why a checkpoint that is there is of no use to a trial, which then starts anew; "" where it is, or there is none.

    >>> damage_of(InMemory(b"half a file"), "f788fa772104aa8d")
    'it cannot be read'
    """
    return _content(place, key)[1]


def _content(place: Checkpoint, key: str) -> tuple[dict[str, Any] | None, str]:
    """What a checkpoint of this trial holds, if anything, and why not."""
    if not isinstance(place, Path) and place.content is None:
        return None, ""
    try:
        held = place if isinstance(place, Path) else io.BytesIO(place.content or b"")
        content = torch.load(held, weights_only=True, map_location="cpu")
    except FileNotFoundError:
        return None, ""
    except Exception:  # Whatever is wrong with it, the trial can start anew.
        return None, "it cannot be read"
    if not isinstance(content, dict) or content.get("key") != key:
        return None, OTHER_TRIAL
    return content, ""
