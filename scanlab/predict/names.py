"""The names of a model's classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, reason_of
from scanlab.nn.head import Head

__all__ = ["class_count", "name_of", "names_from", "with_class_names"]


def class_count(model: nn.Module) -> int:
    """How many classes a head has; 0 where it tells none apart."""
    return int(model.options().get("classes", 0)) if isinstance(model, Head) else 0


def with_class_names(model: nn.Module, names: Sequence[str] = ()) -> tuple[str, ...]:
    """The names that are given, else those that the model's file holds; none where neither says any. Raises S727 where
    there are not as many as classes.

    >>> from scanlab.nn import Backbone, BackboneConfig, Classifier
    >>> model = Classifier(Backbone("row", BackboneConfig(dim=8), input_size=(8, 8)), classes=2)
    >>> with_class_names(model, ["cat", "dog"]), with_class_names(model)
    (('cat', 'dog'), ())
    """
    classes = class_count(model)
    # The symbols of a reader are none.
    chosen = tuple(names) or (model.class_names if isinstance(model, Head) and classes else ())
    if chosen and len(chosen) != classes:
        raise ScanlabError.at(
            "S727",
            f"{count_text(len(chosen), 'name')} for a model of {count_text(classes, 'class')}",
            help="give one for each, in the order of the training data",
        )
    return chosen


def names_from(text: str) -> tuple[str, ...]:
    """Names with commas between them, or of a file with one a line. Raises S727 for a file that cannot be read.

    >>> names_from("cat, dog")
    ('cat', 'dog')
    """
    file = Path(text)
    if "," in text or not text or not file.suffix:
        return tuple(name.strip() for name in text.split(",") if name.strip())
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ScanlabError.at("S727", f"the names in {file} cannot be read: {reason_of(error)}") from None
    return tuple(line.strip() for line in lines if line.strip())


def name_of(names: Sequence[str], number: int) -> str:
    """The name of a class, or its number."""
    return names[number] if names else f"class {number}"
