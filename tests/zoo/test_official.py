"""Official weights give official numbers; names, shapes and counts are those of the published models."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from zoo.published import BOTH_DECAYS, GOLDEN, ONE_WAY, SHARED, videomamba, vim, vmamba

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier
from scanlab.nn.embed import to_picture
from scanlab.zoo import create_model, from_official, presets, to_official
from scanlab.zoo.fitting import copy_into
from scanlab.zoo.official import FAMILIES, official_views
from scanlab.zoo.presets import ALIASES, PRESETS, VANILLA_MIXER, VIM_MIXER, VMAMBA_MIXER

ARRAYS = np.load(GOLDEN / "models.npz")
FACTS = json.loads((GOLDEN / "official_models.json").read_text())
OUR_NAMES = {
    "vim_tiny_patch16_224": "vim_tiny",
    "vim_small_patch16_224": "vim_small",
    "vim_base_patch16_224": "vim_base",
    "vim_tiny_patch16_stride8_224": "vim_tiny_stride8",
    "vanilla_vmamba_tiny": "vmamba_tiny_v0",
    "vanilla_vmamba_small": "vmamba_small_v0",
    "vanilla_vmamba_base": "vmamba_base_v0",
    "videomamba_tiny_f8": "videomamba_tiny",
    "videomamba_small_f8": "videomamba_small",
    "videomamba_middle_f8": "videomamba_middle",
}
# Of a whole network in float32; of each value, relative to the largest.
TOLERANCE = 1e-5
TWO_WAYS = "sum((by w), -(by w))"
BLOCKS = {
    "vim_mamba_block_none_d32_L29": ("sum((by w))", (29,), ONE_WAY, "layers.0.mixer."),
    "vim_mamba_block_v1_d32_L29": (TWO_WAYS, (29,), BOTH_DECAYS, "layers.0.mixer."),
    "vim_mamba_block_v2_d32_L29": (TWO_WAYS, (29,), VIM_MIXER, "layers.0.mixer."),
    "vmamba_ss2d_block_v05_noz_d24": ("vmamba", (9, 7), replace(VMAMBA_MIXER, expand=1), "layers.0.blocks.0.op."),
    "vmamba_ss2d_block_v0_d24": ("vmamba", (9, 7), VANILLA_MIXER, "layers.0.blocks.0.op."),
}
VIM_DOUBLE = {
    "img_size": 32,
    "patch_size": 4,
    "depth": 2,
    "embed_dim": 48,
    "num_classes": 10,
    "bimamba_type": "v2",
    "if_cls_token": True,
    "use_double_cls_token": True,
}
SMALL = BackboneConfig(patch=4, dim=16, depth=2, norm_kind="rms", readout="cls", mixer=VIM_MIXER)


def arrays(case):
    return {key.removeprefix(f"{case}/"): ARRAYS[key] for key in ARRAYS.files if key.startswith(f"{case}/")}


def state(found):
    return {k.removeprefix("state/"): torch.tensor(v) for k, v in found.items() if k.startswith("state/")}


def assert_close(ours, theirs):
    theirs = torch.as_tensor(theirs)
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() <= TOLERANCE * theirs.abs().max()


@pytest.mark.parametrize("case", BLOCKS)
def test_blocks_compute_what_the_official_ones_do(case):
    scan, grid, mixer, prefix = BLOCKS[case]
    found = arrays(case)
    dim = found["x"].shape[-1] if len(grid) == 1 else 24
    positions, norm = ("learned", "rms") if len(grid) == 1 else ("none", "layer")
    config = BackboneConfig(patch=1, dim=dim, depth=1, positions=positions, norm_kind=norm, mixer=mixer)
    model = Classifier(Backbone(scan, config, input_size=grid))
    views = {name.removeprefix(prefix): v for name, v in official_views(model).items() if name.startswith(prefix)}
    copy_into(views, state(found), case)
    channel_first = case == "vmamba_ss2d_block_v05_noz_d24"
    x = torch.tensor(found["x"], requires_grad=True)
    rows = x.flatten(2).mT if channel_first else x.flatten(1, -2)
    y = model.backbone.blocks[0].mixer(rows, grid)
    y = to_picture(y, grid) if channel_first else y.reshape(x.shape)
    assert_close(y.detach(), found["y"])
    y.square().sum().backward()
    assert_close(x.grad, found["grad_x"])


def test_a_whole_vim_with_two_class_tokens():
    found = arrays("vim_d48_L2_img32_p4_doublecls")
    assert_agrees(vim(VIM_DOUBLE), state(found), found)


def assert_agrees(model, weights, found):
    """Logits, features, what enters the last block (in the official order of tokens), and the image's gradient."""
    from_official(model, weights)
    entered = {}
    last = model.backbone.blocks[-1]
    last.register_forward_pre_hook(lambda _, arguments: entered.update(rows=arguments[0].detach()))
    image = torch.tensor(found["image"], requires_grad=True)
    logits = model(image)
    assert_close(logits.detach(), found["logits"])
    logits.square().sum().backward()
    assert_close(image.grad, found["grad_image"])
    assert_close(model.pooled(image).detach(), found.get("features", found.get("pooled")))
    for number, block in enumerate(model.backbone.blocks):
        if f"block{number}_residual" in found and block is last:
            assert_close(_in_official_order(entered["rows"], model), found[f"block{number}_residual"])


def _in_official_order(rows, model):
    tokens = model.backbone.tokens
    patches = rows.shape[1] - tokens
    head, tail = rows[:, :patches], rows[:, patches:]
    if tokens == 2:
        return torch.cat([tail[:, :1], head, tail[:, 1:]], dim=1)
    return torch.cat([head[:, : patches // 2], tail, head[:, patches // 2 :]], dim=1)


SHARED_CASES = sorted(p.name.removesuffix(".config.json") for p in SHARED.glob("v*.config.json"))


@pytest.mark.parametrize("case", SHARED_CASES)
def test_every_small_published_model(case):
    load_file = pytest.importorskip("safetensors.torch").load_file
    config = json.loads((SHARED / f"{case}.config.json").read_text())
    build = next(b for b in (videomamba, vim, vmamba) if case.startswith(b.__name__))
    found = dict(np.load(SHARED / f"{case}.io.npz"))
    model = build(config)
    weights = load_file(SHARED / f"{case}.state.safetensors")
    assert_agrees(model, weights, found)
    if build is vmamba:
        assert_stages(model, found, channel_first=config["norm_layer"] == "ln2d")


def assert_stages(model, found, channel_first):
    backbone = model.backbone
    rows, grid = backbone.embed(torch.tensor(found["image"]))
    assert_close(_shown(rows, grid, channel_first), found["patch_embed"])
    for number, stage in enumerate(backbone.stages):
        rows, grid = stage.onward(stage(rows, grid), grid)
        assert_close(_shown(rows, grid, channel_first), found[f"stage{number}"])


def _shown(rows, grid, channel_first):
    return (to_picture(rows, grid) if channel_first else rows.unflatten(1, grid)).detach()


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/golden/models")
def test_mamba_of_transformers():
    load_file = pytest.importorskip("safetensors.torch").load_file
    found = np.load(SHARED / "hf_mamba_d32_L2.io.npz")
    mixer = replace(ONE_WAY, state=8)
    config = BackboneConfig(patch=1, dim=32, depth=2, norm_kind="rms", mixer=mixer)
    model = Classifier(Backbone("sum((by w))", config, input_size=(21,)))
    weights = load_file(SHARED / "hf_mamba_d32_L2.state.safetensors")
    del weights["embeddings.weight"]
    copy_into({name: official_views(model)[name] for name in weights}, weights, "hf_mamba")
    rows = torch.tensor(found["inputs_embeds"])
    for block in model.backbone.blocks:
        rows = block(rows, (21,))
    assert_close(model.backbone.norm(rows).detach(), found["last_hidden_state"])


@pytest.mark.parametrize("name", FACTS)
def test_presets_have_the_official_parameters_by_count_name_and_shape(name):
    model = create_model(OUR_NAMES.get(name, name))
    official = {key: list(t.shape) for key, t in to_official(model).items()}
    text = json.dumps(sorted(official.items()))
    assert sum(p.numel() for p in model.parameters()) == FACTS[name]["parameters"]
    assert len(official) == FACTS[name]["tensors"]
    assert hashlib.sha256(text.encode()).hexdigest() == FACTS[name]["sha256"]


def test_short_names_stand_for_the_versions_in_the_published_table():
    assert sum(p.numel() for p in create_model("vmamba_tiny").parameters()) == 30_249_064
    assert {"vmamba_tiny", "vmamba_small", "vmamba_base"} < set(presets())


def small(scan="vim", **config):
    return Classifier(Backbone(scan, replace(SMALL, **config), input_size=(16, 16), channels=3), 5)


@pytest.mark.parametrize("place, readout", [("start", "cls"), ("middle", "cls"), ("end", "cls"), ("both", "both")])
def test_official_state_dicts_round_trip_wherever_the_class_token_is(place, readout):
    first, second = (small(f"sum(row, -row) with cls at {place}", readout=readout) for _ in range(2))
    for parameter in first.parameters():
        torch.nn.init.normal_(parameter)
    from_official(second, to_official(first))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_names_of_older_vmamba_code_are_understood():
    model = create_model("vmamba_tiny_v0", classes=3, input_size=(32, 32))
    older = (
        (r"patch_embed\.0", "patch_embed.proj"),
        (r"patch_embed\.2", "patch_embed.norm"),
        (r"(blocks\.\d+)\.norm", r"\1.ln_1"),
        (r"\.op\.", ".self_attention."),
        (r"^classifier\.", ""),
    )
    renamed = to_official(model)
    for new, old in older:
        renamed = {re.sub(new, old, key): t for key, t in renamed.items()}
    other = create_model("vmamba_tiny_v0", classes=3, input_size=(32, 32))
    from_official(other, renamed)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_every_difference_is_listed_and_nothing_is_loaded():
    model = small()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    weights = {name: t + 1 for name, t in to_official(model).items()}
    del weights["norm_f.weight"], weights["layers.1.mixer.D_b"]
    weights["rope.freqs"] = torch.zeros(3)
    weights["head.weight"] = torch.zeros(7, 16)
    with pytest.raises(ScanlabError) as caught:
        from_official(model, weights, "vim.pth")
    text = str(caught.value)
    assert caught.value.code == "S611" and "vim.pth does not fit the model in 4 places" in text
    for line in (
        "missing: layers.1.mixer.D_b [32]",
        "missing: norm_f.weight [16]",
        "extra: rope.freqs [3]",
        "misshapen: head.weight is [7, 16], the model has [5, 16]",
    ):
        assert line in text
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())


def test_a_checkpoint_as_training_scripts_write_it(tmp_path):
    model = small()
    torch.save({"model": to_official(model), "epoch": 3}, tmp_path / "vim.pth")
    preset = create_model("vim_tiny", classes=1000, input_size=(32, 32))
    torch.save({"model": to_official(preset)}, tmp_path / "tiny.pth")
    again = create_model("vim_tiny", input_size=(32, 32), checkpoint=tmp_path / "tiny.pth")
    assert all(torch.equal(a, b) for a, b in zip(preset.parameters(), again.parameters(), strict=True))
    with pytest.raises(ScanlabError) as caught:
        create_model("vim_tiny", input_size=(32, 32), checkpoint=tmp_path / "vim.pth")
    assert caught.value.code == "S611"


def test_models_without_official_names_say_so():
    plain = Classifier(Backbone("row", BackboneConfig(dim=8), input_size=(8, 8)))
    with pytest.raises(ScanlabError) as caught:
        to_official(plain)
    assert caught.value.code == "S616"


@pytest.mark.parametrize("name", presets())
def test_the_family_of_a_preset_is_that_of_its_sizes(name):
    preset = PRESETS[ALIASES.get(name, name)]
    fitting = [family for family, row in FAMILIES.items() if row.has(preset.config)]
    assert (fitting or ["nameless"]) == [preset.family]


@pytest.mark.parametrize("name", ["vim_tiny", "vmamba_tiny", "vmamba_tiny_v0", "videomamba_tiny", "plainmamba_l1"])
def test_the_names_of_every_family_are_written_and_read(name):
    size = (32, 32) if "video" not in name else (2, 32, 32)
    family = PRESETS[ALIASES.get(name, name)].family
    model = create_model(name, classes=2, input_size=size)
    if not FAMILIES[family].names:
        with pytest.raises(ScanlabError, match="S616"):
            official_views(model, family)
        return
    other = create_model(name, classes=2, input_size=size)
    from_official(other, to_official(model), family=family)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_an_unknown_family_is_refused():
    model = Classifier(Backbone("row", replace(SMALL, readout="mean"), input_size=(8, 8)))
    for wrong in (lambda: replace(PRESETS["vim_tiny"], family="guess"), lambda: official_views(model, "guess")):
        with pytest.raises(ScanlabError, match=r"S617\]: there is no family of official names 'guess'"):
            wrong()


def test_unknown_names_are_answered_with_similar_ones():
    with pytest.raises(ScanlabError) as caught:
        create_model("vim_tinny")
    assert caught.value.code == "S617" and "vim_tiny" in str(caught.value)
