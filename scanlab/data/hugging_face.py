"""Hugging Face's data sets: a column of images and one of targets, memory-mapped by the library, in any order."""

from __future__ import annotations

import importlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.item_sets import ItemSet
from scanlab.data.notes import Note, listed
from scanlab.data.places import part_of
from scanlab.ir.diagnostics import ScanlabError
from scanlab.places import configured_folder, expand_home

__all__ = ["hugging_face_parts", "hugging_face_set", "is_hugging_face", "kept_stream", "require_datasets"]

_ARRAYS = ("Array2D", "Array3D", "Array4D")
_LISTS = ("List", "LargeList", "Sequence")
# What a column of masks is called, and one of classes that is typed as plain numbers.
_MASKS = ("annotation", "annotations", "mask", "masks", "label", "labels", "segmentation", "segmentation_mask")
_NUMBERS = ("label", "labels", "class", "target", "targets", "y")
_EXPECTED = "expected a column of type Image, and one of type ClassLabel, a list of such, or a second Image with masks"


def is_hugging_face(made: Any) -> bool:
    """Whether something is a data set of Hugging Face's, with numbers or not."""
    return hasattr(made, "features") and hasattr(made, "column_names") and hasattr(made, "info")


def hugging_face_parts(module: Any, name: str, folder: Path) -> dict[str, ItemSet]:
    """A data set by owner/name, owner/name@config, or the folder that save_to_disk wrote. Raises S645 and S847."""
    path = expand_home(name)
    if path.is_dir() and any((path / file).exists() for file in ("dataset_dict.json", "dataset_info.json")):
        splits = module.load_from_disk(str(path))
    else:
        repository, _, config = name.partition("@")
        splits = module.load_dataset(repository, *([config] if config else []), cache_dir=str(folder))
    if not isinstance(splits, Mapping):
        return {"train": hugging_face_set(splits)}
    parts = {part: splits[split] for split in splits if (part := part_of(str(split)))}
    if "train" not in parts:
        problem = f"{name} has the parts {', '.join(map(str, splits))}, and none to train on"
        raise ScanlabError.at("S847", problem, help="give such parts by a function of your own")
    left = [split for split in splits if not part_of(str(split))]
    notes = (Note("left out", f"the parts {listed(left)}"),) if left else ()
    return {part: hugging_face_set(parts[part], notes) for part in ("train", "val", "test") if part in parts}


def hugging_face_set(dataset: Any, notes: tuple[Note, ...] = ()) -> ItemSet:
    """The samples of a map-style data set of Hugging Face's, from columns by their types, or, where it has a transform
    of its own, what that gives. Raises S843 for a stream, and S847 for columns of other types."""
    if not hasattr(dataset, "__len__"):
        help = (
            "load it without streaming = True: files are memory-mapped then, not read whole; or keep it once by "
            "scanlab.data.kept_stream(stream, folder)"
        )
        raise ScanlabError.at("S843", "a stream of Hugging Face's has no numbers to its samples", help=help)
    if dataset.format["type"] == "custom":
        return ItemSet(len(dataset), dataset.__getitem__, notes=notes)
    columns = _columns(dataset.features)
    some = dataset.select_columns([columns.image, columns.target]).with_format(None)
    targets = _targets(some, columns) if columns.classes else None
    return ItemSet(len(dataset), _Rows(some, columns), targets, columns.class_names, notes=(*notes, *columns.notes))


@dataclass(frozen=True)
class _Columns:
    """Which columns are read. dtype: of images that are arrays; classes: targets are classes, several: any number of
    them per image."""

    image: str
    target: str
    dtype: str = ""
    classes: bool = False
    several: bool = False
    class_names: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, eq=False)
class _Rows:
    """Samples by number."""

    rows: Any
    columns: _Columns

    def __call__(self, number: int) -> tuple[Any, Any]:
        row = self.rows[number]
        image, target = row[self.columns.image], row[self.columns.target]
        if image is None or target is None:
            help = "leave such rows out: dataset.filter(...)"
            raise ScanlabError.at("S840", "it has no image, or no target", help=help)
        image = np.asarray(image, self.columns.dtype) if self.columns.dtype else image
        return image, _marks([target], len(self.columns.class_names))[0] if self.columns.several else target


def _columns(features: Mapping[str, Any]) -> _Columns:
    kinds = {name: type(kind).__name__ for name, kind in features.items()}
    images = [name for name, kind in kinds.items() if kind == "Image"]
    masks = [name for name in images if name.lower() in _MASKS] if len(images) > 1 else []
    images = [name for name in images if name not in masks] or [n for n, k in kinds.items() if k in _ARRAYS]
    found = _classes(features, kinds) or masks
    if not images or not found:
        shown = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
        texts = ("string", "large_string")
        words = [name for name in features if name in _NUMBERS and getattr(features[name], "dtype", "") in texts]
        cast = f'; dataset.class_encode_column("{words[0]}") makes classes of words' if words else ""
        raise ScanlabError.at("S847", f"the columns are {shown}", help=_EXPECTED + cast)
    image, target = images[0], found[0]
    inner = _inner(features[target]) if kinds[target] in _LISTS else features[target]
    left = [name for name in dict.fromkeys((*images[1:], *found[1:], *masks)) if name != target]
    notes = (Note("left out", f"the columns {listed(left)}: {image} and {target} are read"),) if left else ()
    return _Columns(
        image,
        target,
        str(features[image].dtype) if kinds[image] in _ARRAYS else "",
        classes=target not in masks,
        several=kinds[target] in _LISTS,
        class_names=tuple(map(str, getattr(inner, "names", ()))),
        notes=notes,
    )


def _classes(features: Mapping[str, Any], kinds: Mapping[str, str]) -> list[str]:
    """The columns that may give the class, the likeliest first."""
    labels = [name for name, kind in kinds.items() if kind == "ClassLabel"]
    lists = [n for n, k in kinds.items() if k in _LISTS and type(_inner(features[n])).__name__ == "ClassLabel"]
    numbers = [name for name, kind in kinds.items() if kind == "Value" and name.lower() in _NUMBERS]
    whole = [n for n in numbers if str(features[n].dtype).strip("u").startswith(("int", "bool"))]
    return labels or lists or whole


def _inner(kind: Any) -> Any:
    return getattr(kind, "feature", None)


def _targets(some: Any, columns: _Columns) -> NDArray | None:
    """Targets of all rows, without an image; None where some row has none."""
    values = some.select_columns([columns.target])[:][columns.target]
    if any(value is None for value in values):
        return None
    return _marks(values, len(columns.class_names)) if columns.several else np.asarray(values)


def _marks(lists: Any, count: int) -> NDArray[np.uint8]:
    """0 and 1 for every label, uint8 [M, labels]."""
    made = np.zeros((len(lists), count), np.uint8)
    for number, labels in enumerate(lists):
        made[number, labels] = 1
    return made


def kept_stream(stream: Any, folder: str | Path) -> Any:
    """A stream of Hugging Face's as a data set whose samples have numbers: written to a folder the first time, sample
    by sample, in memory that does not grow, and read from there ever after.

    stream: what `load_dataset(..., streaming=True)` gives for one split, perhaps filtered or mapped, or a function that
    gives it, which is then called the first time alone. folder: its name must change where the stream does. Returns a
    `datasets.Dataset`. Raises S645 without `datasets`, S871 for what is no stream, and S847 for a folder that holds
    something else.

    >>> from datasets import Dataset
    >>> stream = Dataset.from_dict({"label": [0, 1, 0]}).to_iterable_dataset()
    >>> len(kept_stream(stream, "labels")), len(kept_stream(lambda: 1 / 0, "labels"))
    (3, 3)
    """
    module = require_datasets()
    place = configured_folder(str(folder))
    if not place.exists():
        samples: Callable[[], Any] = stream if callable(stream) else lambda: stream
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
        try:
            held = samples()
            if not hasattr(held, "features"):
                help = "give a stream of datasets, or a function that returns one"
                raise ScanlabError.at("S871", f"a {type(held).__name__} is no stream of Hugging Face's", help=help)
            written = module.Dataset.from_generator(
                lambda: iter(held), features=held.features, cache_dir=str(draft / "cache"), fingerprint=draft.name[5:]
            )
            written.save_to_disk(str(draft / "made"))
            try:
                (draft / "made").rename(place)
            except OSError:
                # Where another process was sooner, its folder stays.
                if not place.exists():
                    raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    if not (place / "dataset_info.json").exists():
        raise ScanlabError.at("S847", f"{place} holds no data set that was kept", help="name another folder")
    return module.load_from_disk(str(place))


def require_datasets() -> Any:
    """The library. Raises S645 where it is missing."""
    try:
        return importlib.import_module("datasets")
    except ImportError:
        help = 'pip install "scanlab[huggingface]"'
        raise ScanlabError.at("S645", "Hugging Face's data need datasets", help=help) from None
