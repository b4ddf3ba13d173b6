"""Official state dicts: which of our parameters each of their tensors is.

Every official tensor is a view of one of our parameters (or several such views side by side), so one table serves to
write and to read: what is copied into the views is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.config import BackboneConfig
from scanlab.nn.heads import Classifier
from scanlab.nn.kinds import DOWNSAMPLES, POSITIONS, STEMS
from scanlab.ops.dispatch import say_once
from scanlab.zoo.fitting import Roles, copy_into
from scanlab.zoo.unwrap import inside, whole_part

__all__ = ["FAMILIES", "Family", "family_named", "from_official", "official_views", "to_official"]

Views = dict[str, list[Tensor]]
Look = Callable[[Tensor, int], Tensor]


@dataclass(frozen=True)
class Name:
    """Theirs and ours: {i} is the stage, {j} the block within it, {s} "" or "_b" for the sets of a path and its reverse
    (other words: see `_OVERLAPPING_STEM` and its neighbours).

    look: the official tensor as a view of ours, given the number of the set.
    """

    theirs: str
    ours: str
    look: Look = lambda t, _: t


def _per_set(t: Tensor, k: int) -> Tensor:
    return t[k]


_BLOCK = "backbone.stages.{i}.blocks.{j}."
VIM = (
    Name("patch_embed.proj.weight", "backbone.embed.project.weight"),
    Name("patch_embed.proj.bias", "backbone.embed.project.bias"),
    Name("temporal_pos_embedding", "backbone.positions.frames", lambda t, _: t[None]),
    Name("norm_f.weight", "backbone.norm.weight"),
    Name("head.weight", "head.weight"),
    Name("head.bias", "head.bias"),
    Name("layers.{j}.norm.weight", _BLOCK + "norm.weight"),
    Name("layers.{j}.mixer.in_proj.weight", _BLOCK + "mixer.project_in.weight"),
    Name("layers.{j}.mixer.conv1d{s}.weight", _BLOCK + "mixer.convolution.weight", lambda t, k: t[k][:, None]),
    Name("layers.{j}.mixer.conv1d{s}.bias", _BLOCK + "mixer.convolution.bias", _per_set),
    Name("layers.{j}.mixer.x_proj{s}.weight", _BLOCK + "mixer.project_scan.weight", _per_set),
    Name("layers.{j}.mixer.dt_proj{s}.weight", _BLOCK + "mixer.delta_weight", lambda t, k: t[k].mT),
    Name("layers.{j}.mixer.dt_proj{s}.bias", _BLOCK + "mixer.delta_bias", _per_set),
    Name("layers.{j}.mixer.A{s}_log", _BLOCK + "mixer.decay_log", _per_set),
    Name("layers.{j}.mixer.D{s}", _BLOCK + "mixer.skip", _per_set),
    Name("layers.{j}.mixer.out_proj.weight", _BLOCK + "mixer.project_out.weight"),
)
_OP = "layers.{i}.blocks.{j}.op."
_WEIGHT_AND_BIAS = {
    "patch_embed.0": "backbone.embed.{stem}",
    "patch_embed.2": "backbone.embed.{stem_norm}",
    "patch_embed.5": "backbone.embed.{second}",
    "patch_embed.7": "backbone.embed.{second_norm}",
    "layers.{i}.blocks.{j}.norm": _BLOCK + "norm",
    "layers.{i}.blocks.{j}.norm2": _BLOCK + "norm2",
    "layers.{i}.blocks.{j}.mlp.fc1": _BLOCK + "mlp.0",
    "layers.{i}.blocks.{j}.mlp.fc2": _BLOCK + "mlp.2",
    "layers.{i}.blocks.{j}.op.conv2d": _BLOCK + "mixer.convolution",
    "layers.{i}.blocks.{j}.op.out_norm": _BLOCK + "mixer.norm",
    "layers.{i}.downsample.{reduce}": "backbone.stages.{i}.downsample.reduce",
    "layers.{i}.downsample.{norm}": "backbone.stages.{i}.downsample.norm",
    "classifier.norm": "backbone.norm",
    "classifier.head": "head",
}
VMAMBA = (
    *(Name(f"{a}.{kind}", f"{b}.{kind}") for a, b in _WEIGHT_AND_BIAS.items() for kind in ("weight", "bias")),
    Name(_OP + "in_proj.weight", _BLOCK + "mixer.project_in.weight"),
    Name(_OP + "x_proj_weight", _BLOCK + "mixer.project_scan.weight", lambda t, _: t),
    Name(_OP + "dt_projs_weight", _BLOCK + "mixer.delta_weight", lambda t, _: t.mT),
    Name(_OP + "dt_projs_bias", _BLOCK + "mixer.delta_bias"),
    Name(_OP + "A_logs", _BLOCK + "mixer.decay_log", lambda t, _: t.flatten(0, 1)),
    Name(_OP + "Ds", _BLOCK + "mixer.skip", lambda t, _: t.flatten()),
    Name(_OP + "out_proj.weight", _BLOCK + "mixer.project_out.weight"),
)
# What the words in the table stand for; "-" is no name.
_OVERLAPPING_STEM = {"stem": "first", "stem_norm": "first_norm", "second": "project", "second_norm": "norm"}
_PATCH_STEM = {"stem": "project", "stem_norm": "norm", "second": "-", "second_norm": "-"}
_OVERLAPPING = {"reduce": "1", "norm": "3"}
_MERGE = {"reduce": "reduction", "norm": "norm"}


@dataclass(frozen=True)
class Family:
    """Models whose authors call their parameters alike.

    names: what they call them. sequence: class tokens and positions are kept in the order of Vim's sequence. mixers,
    convolutions, norm, positions: what a model of ours is made of that has these names.
    """

    names: tuple[Name, ...] = ()
    sequence: bool = False
    mixers: tuple[str, ...] = ()
    convolutions: tuple[str, ...] = ()
    norm: bool = False
    positions: tuple[str, ...] = ()

    def has(self, config: BackboneConfig) -> bool:
        """Whether a model of these sizes is one."""
        mixer = config.mixer
        made_so = mixer.kind in self.mixers and mixer.convolution in self.convolutions and mixer.norm == self.norm
        return made_so and config.positions in self.positions


NAMELESS = Family()
_HEAD = ("head.weight", "head.bias")
FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        # VideoMamba's, too.
        "vim": Family(VIM, True, ("scan",), ("path", "first_path"), norm=False, positions=tuple(POSITIONS)),
        "vmamba": Family(VMAMBA, False, ("scan", "cascade", "none"), ("grid",), norm=True, positions=("none",)),
        # Built here in the style of published code whose names are others.
        "nameless": NAMELESS,
    }
)
# Names that earlier or later versions of the official code write for the same tensors.
ALIASES = (
    (r"^patch_embed\.proj\.(?=weight|bias)(.*)$", r"patch_embed.0.\1"),
    (r"^patch_embed\.norm\.", "patch_embed.2."),
    (r"\.ln_1\.", ".norm."),
    (r"\.self_attention\.", ".op."),
    (r"\.x_proj\.weight$", ".x_proj_weight"),
    (r"\.dt_projs\.weight$", ".dt_projs_weight"),
    (r"^norm\.", "classifier.norm."),
    (r"^head\.", "classifier.head."),
)


def family_named(name: str) -> Family:
    """A family by name. Raises S617."""
    if name not in FAMILIES:
        help = f"choose one of {', '.join(FAMILIES)}"
        raise ScanlabError.at("S617", f"there is no family of official names {name!r}", help=help)
    return FAMILIES[name]


def official_views(model: Classifier, family: str | None = None) -> Views:
    """Official names with the views of our parameters that hold their values, side by side along axis 1 if several.

    A model that a wrapper of torch holds will do. family: whose names, in FAMILIES; by default those that a model of
    its sizes has. Raises S616 for one that is neither a Vim, a VideoMamba nor a VMamba, S617.
    """
    model = cast(Classifier, inside(model))
    fitting = (row for row in FAMILIES.values() if row.has(model.backbone.config))
    own = next(fitting, NAMELESS) if family is None else family_named(family)
    ours = {name: p.detach() for name, p in model.named_parameters()}
    views = dict(_named(own.names, model, ours)) | (_tokens(model, ours) if own.sequence else {})
    if len({v.untyped_storage().data_ptr() for views_ in views.values() for v in views_}) < len(ours):
        raise ScanlabError.at(
            "S616",
            "this model is no Vim, VideoMamba or VMamba, so it has no official parameter names",
            help="use save(…) and load(…)",
        )
    return views


def to_official(model: Classifier) -> dict[str, Tensor]:
    """A copy of the model's parameters under their official names and in their official shapes. Raises S616.

    >>> from scanlab.zoo import create_model
    >>> sorted(to_official(create_model("vim_tiny", img_size=32)))[:2]
    ['cls_token', 'head.bias']
    """
    views = official_views(model)
    joined = {name: parts[0] if len(parts) == 1 else torch.cat(parts, dim=1) for name, parts in views.items()}
    return {name: t.clone(memory_format=torch.contiguous_format) for name, t in joined.items()}


def from_official(
    model: Classifier,
    tensors: Mapping[str, Tensor],
    source: str = "the state dict",
    *,
    new_head: bool = False,
    family: str | None = None,
) -> None:
    """Load an official state dict, whose names may stand behind prefixes of training tools.

    new_head: a head of another number of classes is left as the model has it, which is said; a model without a head
    takes none. family: see
    `official_views`. Raises S611 with the differences, and then nothing is loaded; S616, S617.

    >>> from scanlab.zoo import create_model
    >>> one, other = (create_model("vim_tiny", img_size=32) for _ in range(2))
    >>> from_official(other, {f"module.{name}": t for name, t in to_official(one).items()})
    >>> bool((one.head.weight == other.head.weight).all())
    True
    """
    views = official_views(model, family)
    named, part = whole_part(tensors, views, lambda name: _canonical(name, views))
    roles = Roles(
        head=tuple(name for name in views if name.endswith(_HEAD)),
        positions=("pos_embed", "temporal_pos_embedding"),
        first=("patch_embed.proj.weight", "patch_embed.0.weight"),
    )
    taken = {_canonical(name, views): t for name, t in named.items()}
    if new_head and not cast(Classifier, inside(model)).num_classes:
        taken = {name: t for name, t in taken.items() if not name.endswith(_HEAD)}
    copy_into(views, taken, source, roles, new_head)
    if part:
        say_once(f"{source}: the tensors under {part}. were taken, the others left")


def _named(table: Iterable[Name], model: Classifier, ours: Mapping[str, Tensor]) -> Iterator[tuple[str, list[Tensor]]]:
    """The entries of a table that a model has, for all its stages, blocks and sets."""
    config = model.backbone.config
    words = _OVERLAPPING_STEM if STEMS[config.stem].overlapping else _PATCH_STEM
    words = words | (_OVERLAPPING if DOWNSAMPLES[config.downsample].overlapping else _MERGE)
    places = [(i, j) for i, depth in enumerate(config.depths) for j in range(depth)]
    for entry in table:
        for i, j in places if "{j}" in entry.theirs else [(i, 0) for i in range(len(config.depths))]:
            name = entry.ours.format(i=i, j=j, **words)
            if name not in ours:
                continue
            mixer = model.backbone.blocks[0].mixer
            t = ours[name]
            t = t.unflatten(0, (mixer.sets, -1)) if name.endswith("project_scan.weight") else t
            for k in range(min(2, len(t)) if "{s}" in entry.theirs else 1):
                s = "_b" if k else ""
                yield entry.theirs.format(i=i, j=j, s=s, **words), [entry.look(t, k)]


def _tokens(model: Classifier, ours: Mapping[str, Tensor]) -> Views:
    """Class tokens, and the embeddings of positions in the order of Vim's sequence."""
    views: Views = {}
    tokens = ours.get("backbone.class_tokens")
    if tokens is not None:
        names = ["cls_token"] if len(tokens) == 1 else ["cls_token_head", "cls_token_tail"]
        views.update({name: [tokens[k][None, None]] for k, name in enumerate(names)})
    patches, token_positions = (ours.get(f"backbone.positions.{name}") for name in ("patches", "tokens"))
    if patches is None:
        return views
    rows = patches[None]
    if token_positions is None:
        return {**views, "pos_embed": [rows]}
    own = [row[None, None] for row in token_positions]
    return {**views, "pos_embed": _SEQUENCES[_place(model)](rows, own)}


# For each place of class tokens, the patches [1, L, dim] and the tokens' own positions in the order of the sequence.
_SEQUENCES: Mapping[str, Callable[[Tensor, list[Tensor]], list[Tensor]]] = MappingProxyType(
    {
        "start": lambda rows, own: [*own, rows],
        "middle": lambda rows, own: [rows[:, : rows.shape[1] // 2], own[0], rows[:, rows.shape[1] // 2 :]],
        "end": lambda rows, own: [rows, *own],
        "both": lambda rows, own: [own[0], rows, *own[1:]],
    }
)


def _place(model: Classifier) -> str:
    built = model.backbone.built[0]
    tokens = built.tokens or getattr(built, "parts", (built,))[0].tokens
    return next(t.place for t in tokens if t.name == "cls")


def _canonical(name: str, views: Views) -> str:
    if name in views:
        return name
    for pattern, replacement in ALIASES:
        name = re.sub(pattern, replacement, name)
    if name not in views:
        name = name.replace(".downsample.1.", ".downsample.norm.").replace(".downsample.2.", ".downsample.reduction.")
    return name
