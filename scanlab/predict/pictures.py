"""What a model says of single pictures, however large: a class, or a class for every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from scanlab.data.geotiff import NO_CLASS
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.nn import Classifier, PictureRows, Segmenter, large_pass, predict_map
from scanlab.nn.backbone import backbone_of
from scanlab.nn.large import reading_of
from scanlab.predict.names import name_of
from scanlab.zoo import Preprocessing, preprocessing
from scanlab.zoo.presets import evaluation_of

__all__ = ["ClassOfPicture", "How", "MaskOfPicture", "predict_picture"]


@dataclass(frozen=True)
class How:
    """How pictures are read. size: extents that they are resized to, () for their own, None for what is usual: those
    of the model for one class per picture, their own for masks. window: the side of tiles that are predicted alone, 0
    for one pass over the whole.

    >>> How(window=512).size is None
    True
    """

    size: tuple[int, ...] | None = None
    window: int = 0


@dataclass(frozen=True)
class ClassOfPicture:
    """The likeliest classes of a picture, the first ones of all. classes: their numbers; shares: what the softmax gives
    them. notes: what was done to the picture.

    >>> ClassOfPicture((3, 1), (0.75, 0.125), ("cat", "dog", "cow", "hen")).name
    'hen'
    """

    classes: tuple[int, ...]
    shares: tuple[float, ...]
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the likeliest class."""
        return name_of(self.names, self.classes[0])


@dataclass(frozen=True, eq=False)
class MaskOfPicture:
    """A class for every pixel of a picture. mask: uint8 [H, W], NO_CLASS where the picture has no data. notes: what was
    done to the picture.

    >>> mask = MaskOfPicture(np.array([[0, 1], [1, 1]], np.uint8), ("ground", "tree"))
    >>> mask.shares
    {'ground': 0.25, 'tree': 0.75}
    """

    mask: NDArray[np.uint8]
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def shares(self) -> dict[str, float]:
        """Of all pixels with a class, by name; those that there are."""
        numbers, counts = np.unique(self.mask[self.mask != NO_CLASS], return_counts=True)
        total = max(1, int(counts.sum()))
        return {name_of(self.names, int(n)): float(c / total) for n, c in zip(numbers, counts, strict=True)}


def predict_picture(
    model: nn.Module, picture: PictureRows, names: Sequence[str] = (), how: How = How()
) -> ClassOfPicture | MaskOfPicture:
    """What a Classifier or a Segmenter says of a picture. Raises S726 for other models, S614 for pictures that do not
    fit.

    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> model = Classifier(Backbone("row", BackboneConfig(dim=8), input_size=(8, 8)), classes=5)
    >>> grey = torch.rand(1, 20, 30)
    >>> said = predict_picture(model, PictureRows((1, 20, 30), lambda first, last: grey[:, first:last]))
    >>> len(said.classes), said.notes
    (5, ('resized from 20x30 to 8x8, the size that the model was built for',))
    """
    if not isinstance(model, Classifier | Segmenter) or len(model.backbone.input_size) != 2:
        axes = len(backbone_of(model).input_size)
        raise ScanlabError.at(
            "S726",
            f"a {type(model).__name__} over {axes} axes says nothing of single pictures",
            help="give a Classifier or a Segmenter of images; videos are predicted with --stream",
        )
    notes: list[str] = []
    shown = _sized(model, picture, how, notes)
    if isinstance(model, Classifier):
        shares = large_pass(model, shown).double().softmax(0)
        if not bool(shares.isfinite().all()):
            help = "give values as in training, or other weights"
            raise ScanlabError.at("S870", "what the model says of a picture is NaN or infinite", help=help)
        order = shares.argsort(descending=True, stable=True)
        _note_reading(model, shown, notes)
        return ClassOfPicture(tuple(order.tolist()), tuple(shares[order].tolist()), tuple(names), tuple(notes))
    if how.window:
        mask = _by_tiles(model, shown, how.window, notes)
    else:
        mask = large_pass(model, shown)
        _note_reading(model, shown, notes)
    if int(model.options()["classes"]) > NO_CLASS:
        raise ScanlabError.at("S726", f"masks are written with {NO_CLASS} classes at most", help="give another model")
    if shown.extents != picture.extents:
        mask = F.interpolate(mask[None, None], picture.extents, mode="nearest-exact")[0, 0]
        notes.append(f"the mask was enlarged again, to the nearest class, from {grid_text(shown.extents)}")
    return MaskOfPicture(mask.numpy(), tuple(names), tuple(notes))


def _sized(model: Classifier | Segmenter, picture: PictureRows, how: How, notes: list[str]) -> PictureRows:
    usual = tuple(model.backbone.input_size)
    prepare = _published(model)
    if prepare is not None and how.size is None:
        notes.append(f"prepared as the model's authors do: {prepare}")
        return _prepared(picture, prepare)
    if prepare is not None:
        picture = PictureRows(picture.shape, lambda first, last, own=picture: prepare.normalised(own.read(first, last)))
        notes.append(f"{prepare.shift}, as the model's authors do")
    size = how.size
    if size is None:
        size = usual if isinstance(model, Classifier) else picture.extents
    size = size or picture.extents
    if len(size) != 2:
        raise ScanlabError.at("S726", f"{grid_text(size)} is no size of a picture", help="give height and width")
    if size == picture.extents:
        if size != usual:
            notes.append(f"of {grid_text(size)} pixels; the model was built for {grid_text(usual)}")
        return picture
    whole = picture.read(0, picture.extents[0])[None]
    resized = F.interpolate(whole, size, mode="bilinear", align_corners=False, antialias=True)[0]
    why = ", the size that the model was built for" if size == usual else ""
    notes.append(f"resized from {grid_text(picture.extents)} to {grid_text(size)}{why}")
    return PictureRows((picture.shape[0], *size), lambda first, last: resized[:, first:last])


def _published(model: Classifier | Segmenter) -> Preprocessing | None:
    """How a published classifier's authors prepare pictures; None for models that were trained on pixels in [0, 1]."""
    how = evaluation_of(model)[1] if isinstance(model, Classifier) else {}
    usual = model.backbone.input_size
    if not how or model.backbone.channels != 3 or usual[0] != usual[-1]:
        return None
    return preprocessing(model)


def _prepared(picture: PictureRows, prepare: Preprocessing) -> PictureRows:
    from PIL import Image

    whole = (255 * picture.read(0, picture.extents[0])).round().clamp(0, 255).byte()
    made = prepare(Image.fromarray(whole.permute(1, 2, 0).numpy()))
    return PictureRows(tuple(made.shape), lambda first, last: made[:, first:last])


def _note_reading(model: nn.Module, picture: PictureRows, notes: list[str]) -> None:
    """How a picture that is larger than usual was read."""
    backbone = backbone_of(model)
    usual, own = (int(np.prod(backbone.grid_of(e))) for e in (backbone.input_size, picture.extents))
    if own <= usual:
        return
    reading = reading_of(model, picture.extents)
    notes.append(
        f"read {count_text(reading.latency, 'row')} of patches at a time, with the state carried on"
        if reading.streams
        else f"read whole, in one pass: {reading.why}"
    )


def _by_tiles(model: Segmenter, picture: PictureRows, side: int, notes: list[str]) -> Tensor:
    """By windows that slide over the picture and overlap by half, each of which sees nothing beyond itself."""
    whole = picture.read(0, picture.extents[0])[None]
    logits = predict_map(model, whole, (side, side))[0]
    notes.append(
        f"one tile of {side}x{side} covers the picture: it is read in one pass"
        if max(picture.extents) <= side
        else f"by tiles of {side}x{side}, each of which sees nothing beyond itself: not what one pass says"
    )
    return logits.argmax(0).to(torch.uint8)
