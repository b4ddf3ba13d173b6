"""How a trial is trained: every setting of it, and the recipes that were published with models."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from scanlab.imported import is_import_path, source_digest
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["DECAYS", "PRECISIONS", "RECIPES", "Recipe", "published_recipe", "start_of"]

DECAYS = ("maps", "matrices")
PRECISIONS = ("float32", "bfloat16", "float16")
# Every trial's key has these; a setting that came later is in it only where it is set, so that finished trials stay so.
_FIRST = ("epochs", "batch", "learning_rate", "weight_decay", "label_smoothing", "shift", "flip")
# What changes no number of a trial.
_OF_NO_NUMBER = "checkpoint_minutes"
_FOLDER = Path(__file__).parent / "recipes"
RECIPES = ("small", "videomamba", "vim", "vmamba")


@dataclass(frozen=True)
class Recipe:
    """How every trial is trained.

    AdamW (arXiv 1711.05101) with gradients clipped to norm `clip`, 0 for no clipping. The learning rate rises in a line
    from first_rate over warm_up epochs, None for the first tenth of the steps, and falls to last_rate along a cosine.
    cosine_from_start: the cosine is that of all epochs, in whose first ones the warm-up is. rate_by_epoch:
    the rate changes at the start of an epoch alone. decays: what weight decay applies to, the weights of linear maps
    and convolutions ("maps"), or all that have two axes and do not ask to be left out ("matrices", as timm has it).
    layer_decay: every block learns by so much slower than the one behind it. accumulate: a batch is computed in so many
    pieces, whose gradients are added up. ema: results are those of a running mean of the weights that keeps so much of
    itself in every step; 0 for the weights themselves. precision: "float32", or what torch's autocast computes in,
    "bfloat16" or "float16" with a scaled loss. compile: by torch.compile. recompute: of every block only the input is
    kept for the backward pass. start: a file of `scanlab.zoo.save` with a backbone of the same sizes, over whatever
    order, whose weights training starts from; the head's too, where it has as many classes. "vim_tiny:FILE" is an
    official checkpoint of that published model. frozen: parameters whose
    names begin so are not trained, as ["backbone"].

    label_smoothing: of the cross-entropy, where classes are learned. shift: every training image, with its mask, is
    moved by up to so many pixels along each axis, afresh in each epoch. flip: it is mirrored along each axis in space
    with probability one half, where that does not change its class; mirror: along the last axis alone. turn: it is
    turned by quarter turns in the plane of its last two axes (half turns unless it is square). zoom: it is made larger
    or smaller by a factor of at most 1 + zoom, and cropped or filled up with zeros. Masks and boxes go with it.

    Of pictures with classes, by kornia: crop: a part of at least so much of the area, at most 4/3 times as wide as high
    or the reverse, is resized to the whole (arXiv 1409.4842); rand_augment: two operations of that magnitude, up to 10,
    on each (arXiv 1909.13719); auto_augment: a pair of the policy learned on ImageNet on each (arXiv 1805.09501);
    color_jitter: brightness, contrast and saturation times 1 - x to 1 + x; erasing: with that probability a rectangle
    becomes noise (arXiv 1708.04896). mixup, cutmix: alphas of the mixing with the batch in reverse (arXiv 1710.09412,
    1905.04899), one of the two by chance where both are set. repeated: of every epoch only a share 1/repeated of the
    images is taken, each so many times, changed anew. augment: "package.module:function" of your own, called last with
    a batch's images, its targets and a generator to draw from; it returns both. passes: an epoch goes through the
    images so many times, each time in another order, before it is measured. patience: training ends where the
    task's metric on the validation part has not become better for so many epochs, 0 for never; that part is the data's
    own or, where they have none or results are of it, a fifth of the training part, which is then not trained on.
    validation: it is measured after every epoch without that, too.

    checkpoint_minutes: within an epoch that is longer a checkpoint is written after so many minutes, 0 for the ends of
    epochs alone. No number depends on it, and no trial's key has it.

    The defaults, and those of BackboneConfig, were picked by hand for accuracy on the test part of the digits with seed
    0 and two-way row scans: comparing the model with another kind of classifier there flatters it. `part = "val"` of a
    DataChoice keeps the test part out of such choices.

    >>> Recipe(epochs=20).batch
    32
    """

    epochs: int = 10
    batch: int = 32
    learning_rate: float = 8e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    shift: int = 0
    flip: bool = False
    turn: bool = False
    zoom: float = 0.0
    mirror: bool = False
    crop: float = 0.0
    rand_augment: float = 0.0
    auto_augment: bool = False
    color_jitter: float = 0.0
    erasing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    repeated: int = 1
    augment: str = ""
    passes: int = 1
    patience: int = 0
    validation: bool = False
    clip: float = 1.0
    warm_up: float | None = None
    first_rate: float = 0.0
    last_rate: float = 0.0
    cosine_from_start: bool = False
    rate_by_epoch: bool = False
    decays: str = "maps"
    layer_decay: float = 1.0
    accumulate: int = 1
    ema: float = 0.0
    precision: str = "float32"
    compile: bool = False
    recompute: bool = False
    start: str = ""
    frozen: tuple[str, ...] = ()
    checkpoint_minutes: float = 10.0

    def stored(self) -> dict[str, Any]:
        """The settings in JSON's types, as keys of trials have them: those that came later, only where they are set.
        The file to start from is known by its content, a function of your own by that of its module. Raises S616 and
        S850 for what is not there."""
        held = {f.name: (getattr(self, f.name), f.default) for f in fields(self) if f.name != _OF_NO_NUMBER}
        made = {name: value for name, (value, usual) in held.items() if name in _FIRST or value != usual}
        made |= {name: list(value) for name, value in made.items() if isinstance(value, tuple)}
        made |= {"augment": {"function": self.augment, "source": _source(self.augment)}} if self.augment else {}
        return made | ({"start": _content(self.start)} if self.start else {})

    def seen(self, images: int) -> int:
        """How many images an epoch goes through, of so many there are."""
        return images * self.passes

    @property
    def watched(self) -> bool:
        """Whether a validation part is measured after every epoch."""
        return self.validation or self.patience > 0

    @property
    def mixes(self) -> bool:
        """Whether a sample of a batch is mixed from two."""
        return bool(self.mixup or self.cutmix)

    @property
    def of_pictures(self) -> tuple[str, ...]:
        """The settings in force that change pictures with classes alone."""
        names = ("crop", "rand_augment", "auto_augment", "color_jitter", "erasing", "mixup", "cutmix")
        return tuple(name for name in names if getattr(self, name))


def published_recipe(name: str) -> Mapping[str, Any]:
    """The settings of a recipe by name, as a study file's `recipe = { like = "vim" }` takes them. Raises S610.

    >>> published_recipe("vim")["weight_decay"]
    0.1
    """
    if name not in RECIPES:
        raise ScanlabError.at("S610", f"there is no recipe {name!r}", help=f"choose from {', '.join(RECIPES)}")
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text("utf-8"))


def start_of(start: str) -> tuple[str, str]:
    """The published model whose official weights a training starts from, "" for weights of ours; and their file.

    >>> start_of("vim_tiny:weights/vim_t.pth"), start_of("out/model.safetensors")
    (('vim_tiny', 'weights/vim_t.pth'), ('', 'out/model.safetensors'))
    """
    name, colon, file = start.partition(":")
    # One letter is a disk of Windows.
    return (name, file) if colon and len(name) > 1 else ("", start)


def _source(path: str) -> str:
    source = source_digest(path) if is_import_path(path) else ""
    if not source:
        problem = f"recipe.augment is {path!r}, and there is no such function"
        raise ScanlabError.at("S850", problem, help="write package.module:function, and run where its file lies")
    return source


def _content(start: str) -> str:
    name, file = start_of(start)
    try:
        stat = Path(file).stat()
    except OSError as error:
        help = "name a file of scanlab.zoo.save, as `scanlab train` writes model.safetensors"
        raise ScanlabError.at("S616", f"recipe.start, {file}: {error.strerror}", help=help) from None
    digest = _digest(file, stat.st_mtime_ns, stat.st_size)
    return f"{name}:{digest}" if name else digest


@lru_cache
def _digest(file: str, *_: int) -> str:
    with Path(file).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
