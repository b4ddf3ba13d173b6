"""What training tools wrap around weights: every container and prefix is seen, and the weights come out the same."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier
from scanlab.ops import dispatch
from scanlab.zoo import from_official, load, save, to_official
from scanlab.zoo.files import read_tensors, write_tensors
from scanlab.zoo.presets import VIM_MIXER, VMAMBA_MIXER

VIM = BackboneConfig(patch=4, dim=8, depth=2, norm_kind="rms", readout="cls", mixer=VIM_MIXER)
VMAMBA = BackboneConfig(patch=4, dim=8, depth=(1, 1), positions="none", mlp=1.0, mixer=VMAMBA_MIXER)
PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.", "encoder.", "net.", "ema.", "my_wrapper.")


def small(family: str = "vim") -> Classifier:
    config = VIM if family == "vim" else replace(VMAMBA, stem="overlapping")
    return Classifier(Backbone("vim" if family == "vim" else "cross", config, input_size=(8, 8), channels=3), 5)


@pytest.fixture(autouse=True)
def said_anew() -> None:
    dispatch.say_once.cache_clear()


@pytest.fixture(scope="module", params=["vim", "vmamba"])
def saved(request: pytest.FixtureRequest) -> tuple[str, Classifier, dict[str, torch.Tensor]]:
    torch.manual_seed(1)
    model = small(request.param)
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    return request.param, model, to_official(model)


def _loads(saved, content: object, file: Path, key: str = "") -> None:
    family, model, _ = saved
    torch.save(content, file)
    other = small(family)
    from_official(other, read_tensors(file, key)[0], str(file))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("prefixes", [*itertools.combinations(PREFIXES, 1), *itertools.permutations(PREFIXES[:4], 3)])
def test_prefixes_in_any_order_are_taken_off(saved, prefixes: tuple[str, ...]) -> None:
    family, model, state = saved
    other = small(family)
    from_official(other, {"".join(prefixes) + name: t for name, t in state.items()})
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


CONTAINERS = (
    *("model", "state_dict", "module", "model_state_dict", "net", "params", "weights", "model_ema", "ema"),
    *("state_dict_ema", "params_ema", "something else"),
)


@pytest.mark.parametrize("outer", CONTAINERS)
def test_containers_within_one_another_are_opened(saved, outer: str, tmp_path: Path) -> None:
    _, _, state = saved
    beside = {"epoch": 3, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}, "best": torch.tensor(0.7)}
    _loads(saved, {outer: state, **beside}, tmp_path / "a.pth")
    _loads(saved, {outer: {"module": {"state_dict": state}, "decay": 0.99}, **beside}, tmp_path / "b.pth")


def test_what_stands_among_the_tensors_is_left_out(saved, tmp_path: Path) -> None:
    _, _, state = saved
    averaged = {"n_averaged": torch.tensor(3), **{f"module.{name}": t for name, t in state.items()}}
    compiled = {"n_averaged": torch.tensor(3), **{f"module._orig_mod.{name}": t for name, t in state.items()}}
    for number, content in enumerate(({**state, "epoch": None, "lr": 0.1}, averaged, compiled, {"model": averaged})):
        _loads(saved, content, tmp_path / f"{number}.pth")


def test_names_within_compiled_parts(saved, tmp_path: Path) -> None:
    _, _, state = saved
    _loads(saved, {name.replace(".", "._orig_mod.", 1): t for name, t in state.items()}, tmp_path / "a.pth")


def test_of_two_sets_of_weights_the_first_is_taken_and_that_is_said(saved, tmp_path: Path) -> None:
    _, _, state = saved
    other = {name: t + 1 for name, t in state.items()}
    with pytest.warns(dispatch.ScanlabWarning, match="under model were taken, and those under model_ema left"):
        _loads(saved, {"model_ema": other, "model": state}, tmp_path / "a.pth")
    _loads(saved, {"model_ema": state, "model": other}, tmp_path / "a.pth", key="model_ema")
    with pytest.raises(ScanlabError, match=r"S641.*no tensors under emma, but under model, model_ema"):
        read_tensors(tmp_path / "a.pth", "emma")


@pytest.mark.parametrize("others", [("ema.",), ("model_ema.module.", "criterion."), ("teacher.", "loss.")])
def test_of_parts_side_by_side_the_model_is_taken_and_that_is_said(saved, others: tuple[str, ...], tmp_path) -> None:
    _, _, state = saved
    content = {f"{prefix}{name}": t + 1 for prefix in others for name, t in state.items() if prefix != "criterion."}
    content |= {"criterion.weight": torch.ones(2)} if "criterion." in others else {}
    content |= {f"model.{name}": t for name, t in state.items()}
    with pytest.warns(dispatch.ScanlabWarning, match=r"the tensors under model\. were taken"):
        _loads(saved, {"state_dict": content}, tmp_path / "a.pth")


def test_safetensors_too(saved, tmp_path: Path) -> None:
    family, model, state = saved
    write_tensors(tmp_path / "a.safetensors", {f"module._orig_mod.{k}": t for k, t in state.items()}, {})
    other = small(family)
    from_official(other, read_tensors(tmp_path / "a.safetensors")[0])
    assert torch.equal(model.head.weight, other.head.weight)


WRAPPERS = {
    "compiled": torch.compile,
    "parallel": nn.DataParallel,
    "averaged": torch.optim.swa_utils.AveragedModel,
    "compiled and averaged": lambda model: torch.optim.swa_utils.AveragedModel(torch.compile(model)),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_wrapped_model_is_saved_as_the_model_inside(wrap, tmp_path: Path) -> None:
    model = small()
    save(wrap(model), tmp_path / "a.safetensors")
    again = load(tmp_path / "a.safetensors")
    assert type(again) is Classifier
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert to_official(wrap(model)).keys() == to_official(model).keys()


def test_another_wrapper_says_where_the_model_is(tmp_path: Path) -> None:
    class Lit(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = small()

    with pytest.raises(ScanlabError, match=r"S616\]: a Lit(.|\n)*save\(model\.net, path\)"):
        save(Lit(), tmp_path / "a.safetensors")
