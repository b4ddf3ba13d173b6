"""Which array is what, by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from scanlab.data.layout import Layout, settled_by
from scanlab.data.parts import PARTS
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["EXPECTED", "VIDEOS", "VOLUMES", "Names", "names_by_part", "words_of"]

EXPECTED = (
    "expected train_images, train_labels, test_images and test_labels (MedMNIST's keys, with val_images and val_labels "
    "if there are any), or x and y, with x_test and y_test if there are any; masks, instances or boxes may stand for "
    "labels"
)
# What says of images that they have three axes, and that the first of them is time.
VOLUMES, VIDEOS = frozenset({"volume", "volumes"}), frozenset({"video", "videos", "clip", "clips"})
_KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "images": ("images", "image", "imgs", "img", "x", "data", "inputs", *sorted(VOLUMES), *sorted(VIDEOS)),
        "classes": ("labels", "label", "y", "targets", "target", "classes"),
        "masks": ("masks", "mask", "segmentations", "segmentation", "segs", "seg"),
        "instances": ("instances", "instance"),
        "boxes": ("boxes", "box", "bboxes", "bbox"),
        "groups": ("groups", "group"),
    }
)
_PARTS = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test", "testing")}


@dataclass(frozen=True)
class Names:
    """The arrays of a part. kind: "classes", which may be masks by their shape, "masks", "instances" or "boxes";
    groups: "" for none."""

    images: str
    targets: str
    kind: str
    groups: str = ""

    @property
    def video(self) -> bool:
        """Whether the images are called videos."""
        return bool(VIDEOS & set(words_of(self.images)))


def names_by_part(held: Sequence[str], layout: Layout, where: str) -> tuple[dict[str, Names], list[str]]:
    """The arrays of every part that has images and targets, and the names of all others.

    Names count in small and capital letters, with the part before or behind: train_images, X_train, xTest. Raises S691
    where two arrays may be the same thing.
    """
    by_part: dict[str, dict[str, list[str]]] = {}
    odd = []
    for name in held:
        part, kind = _meaning(name)
        if not kind:
            odd.append(name)
            continue
        by_part.setdefault(part, {}).setdefault(kind, []).append(name)
    if "" in by_part:
        # What names no part is there to train on, as x and y beside x_test and y_test.
        for kind, names in by_part.pop("").items():
            by_part.setdefault("train", {}).setdefault(kind, []).extend(names)
    made = {part: _chosen(by_part[part], layout, where) for part in PARTS if part in by_part}
    whole = {part: names for part, names in made.items() if names is not None}
    used = {name for names in whole.values() for name in (names.images, names.targets, names.groups)}
    return whole, odd + [name for name in held if name not in used and name not in odd]


def _chosen(by_kind: Mapping[str, Sequence[str]], layout: Layout, where: str) -> Names | None:
    for kind, names in by_kind.items():
        if len(names) > 1:
            raise ScanlabError.at(
                "S691", f"{where} holds {' and '.join(names)}, and each may be the {kind}", help="leave one of them out"
            )
    kinds = [kind for kind in ("classes", "masks", "instances", "boxes") if kind in by_kind]
    if "images" not in by_kind or not kinds:
        return None
    word = layout.chosen("classes", "masks", "instances", "boxes", "multi_label").replace("multi_label", "classes")
    word = "instances" if word == "boxes" and word not in kinds else word
    if len(kinds) > 1 and word not in kinds:
        names = " and ".join(by_kind[kind][0] for kind in kinds)
        raise ScanlabError.at("S691", f"{where} holds {names}, and each may be learned", help=settled_by(*kinds))
    kind = word if word in kinds else kinds[0]
    return Names(by_kind["images"][0], by_kind[kind][0], kind, by_kind["groups"][0] if "groups" in by_kind else "")


def words_of(name: str) -> list[str]:
    """The words of an array's name in small letters: of trainVideos "train" and "videos"."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+", name)]


def _meaning(name: str) -> tuple[str, str]:
    """The part, "" for none, and the kind, "" for none, that an array's name speaks of."""
    words = words_of(name)
    if len(words) == 1 and (match := re.fullmatch(r"([xy])(train|val|valid|test)", words[0])):
        words = list(match.groups())
    parts = [part for word in words for part, said in _PARTS.items() if word in said]
    rest = "".join(word for word in words if not any(word in said for said in _PARTS.values()))
    kind = next((kind for kind, said in _KINDS.items() if rest in said), "")
    return (parts[0], kind) if len(parts) == 1 else ("", kind) if not parts else ("", "")
