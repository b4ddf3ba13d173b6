"""Every kind of a model's parts is built, trained and read once; a name that is none is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, NextPatch
from scanlab.nn.heads import LOSSES
from scanlab.nn.kinds import CONVOLUTIONS, DOWNSAMPLES, MIXERS, NORMS, PARAMETERS, POSITIONS, READOUTS, STEMS

ROWS, COLUMNS = "by h, w restart by h", "by w, h restart by w"
CASCADE = f"sum(({ROWS}), -({ROWS}), ({COLUMNS}), -({COLUMNS}))"
PLAIN = BackboneConfig(patch=4, dim=8, depth=2)
OF_MIXERS = {"kind": MIXERS, "convolution": CONVOLUTIONS, "parameters": PARAMETERS}
OF_BACKBONES = {
    "stem": STEMS,
    "downsample": DOWNSAMPLES,
    "positions": POSITIONS,
    "norm_kind": NORMS,
    "readout": READOUTS,
}


def trains(config: BackboneConfig, scan: str) -> None:
    torch.manual_seed(0)
    extents = (2, 16, 16) if config.positions == "factored" else (16, 16)
    model = Classifier(Backbone(scan, config, input_size=extents), 3)
    y = model(torch.rand(2, 1, *extents))
    y.square().sum().backward()
    assert y.shape == (2, 3)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, table in OF_MIXERS.items() for value in table])
def test_every_kind_of_mixer_trains(name: str, value: str) -> None:
    trains(replace(PLAIN, mixer=replace(MixerConfig(head=4), **{name: value})), CASCADE)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, table in OF_BACKBONES.items() for value in table])
def test_every_kind_of_backbone_trains(name: str, value: str) -> None:
    config = replace(PLAIN, **{name: value})
    scan = (
        "vim" if config.readout == "cls" else "row with cls at both" if config.readout == "both" else "sum(row, -row)"
    )
    config = replace(config, depth=(1, 1)) if name == "downsample" else config
    if value == "factored":
        config, scan = replace(config, patch=(1, 4, 4)), "by t, h, w"
    trains(config, scan)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_of_the_next_patch_trains(loss: str) -> None:
    model = NextPatch(Backbone("row", PLAIN, input_size=(16, 16)), loss)
    model.loss(torch.rand(2, 1, 16, 16)).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_a_kind_that_is_none_is_refused_with_those_that_there_are() -> None:
    words = {"readout": ("S605", "read-out"), "norm_kind": ("S612", "norm kind")}
    for config, tables in ((MixerConfig(), OF_MIXERS), (PLAIN, OF_BACKBONES)):
        for name, table in tables.items():
            code, what = words.get(name, ("S612", name))
            for wrong in ("guess", ["guess"]):
                with pytest.raises(ScanlabError) as caught:
                    replace(config, **{name: wrong})
                (said,) = caught.value.diagnostics
                assert (said.code, said.message) == (code, f"there is no {what} {wrong!r}")
                assert said.help == f"choose one of {', '.join(map(str, table))}"
