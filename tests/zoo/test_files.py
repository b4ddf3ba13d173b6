"""Checkpoint files: what is read from each kind, and that nothing in a pickle is ever run."""

from __future__ import annotations

import os
import pickle
import random
import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType

import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.zoo.files import read_tensors, write_tensors

STATE = {"head.weight": torch.arange(6.0).reshape(2, 3), "head.bias": torch.tensor([1, -1])}


def _same(tensors: dict[str, torch.Tensor], expected: dict[str, torch.Tensor] = STATE) -> None:
    assert tensors.keys() == expected.keys()
    for name, t in expected.items():
        assert tensors[name].dtype == t.dtype and torch.equal(tensors[name], t)


def _refused(path: Path) -> ScanlabError:
    with pytest.raises(ScanlabError) as caught:
        read_tensors(path)
    assert str(path) in str(caught.value)
    return caught.value


def test_safetensors_come_back_with_their_metadata(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a.safetensors", STATE, {"scanlab": "{}"})
    tensors, metadata = read_tensors(str(tmp_path / "a.safetensors"))
    _same(tensors)
    assert metadata == {"scanlab": "{}"}


@pytest.mark.parametrize("modern", [True, False], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("ending", ["pth", "pt", "bin"])
def test_a_bare_state_dict(tmp_path: Path, modern: bool, ending: str) -> None:
    torch.save(STATE, tmp_path / f"a.{ending}", _use_new_zipfile_serialization=modern)
    tensors, metadata = read_tensors(tmp_path / f"a.{ending}")
    _same(tensors)
    assert metadata == {}


OTHER = {name: t + 1 for name, t in STATE.items()}
WRAPPED = {
    "vim": {"model": STATE, "optimizer": {"state": {0: {"step": 3}}}, "args": Namespace(lr=1e-3), "epoch": 7},
    "state_dict": {"state_dict": STATE, "best": 0.76},
    "module": {"module": STATE},
    "averaged weights only if nothing else": {"model_ema": OTHER, "model": STATE},
    "averaged weights": {"model_ema": STATE, "epoch": 1, "model": None},
    "averaged in a wrapper": {"model_ema": {"state_dict": STATE}},
    "deepspeed": {"module": {"model": STATE}},
    "parallel": {"model": {f"module.{name}": t for name, t in STATE.items()}},
}


@pytest.mark.parametrize("content", WRAPPED.values(), ids=WRAPPED.keys())
def test_wrapped_checkpoints(tmp_path: Path, content: dict) -> None:
    torch.save(content, tmp_path / "a.pth")
    _same(read_tensors(tmp_path / "a.pth")[0])


def test_settings_of_vmambas_script_are_read_as_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle as yacs' CfgNode makes it: a dict with attributes. yacs is not installed where it is read."""

    class CfgNode(dict):
        pass

    yacs, config = ModuleType("yacs"), ModuleType("yacs.config")
    CfgNode.__module__, CfgNode.__qualname__ = "yacs.config", "CfgNode"
    config.CfgNode = CfgNode
    settings = CfgNode(MODEL=CfgNode(NAME="vssm", DEPTHS=[2, 2, 8, 2]))
    settings.__dict__["__immutable__"] = True
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "yacs", yacs)
        patch.setitem(sys.modules, "yacs.config", config)
        torch.save({"model": STATE, "config": settings, "epoch": 7}, tmp_path / "vssm.pth")
    tensors, _ = read_tensors(tmp_path / "vssm.pth")
    assert set(tensors) == set(STATE)


def test_a_prefix_of_some_names_stays(tmp_path: Path) -> None:
    state = {"module.a": torch.ones(1), "b": torch.ones(2)}
    torch.save(state, tmp_path / "a.pth")
    _same(read_tensors(tmp_path / "a.pth")[0], state)


class Hostile:
    """Makes a file where it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def _plain(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content))


SAVERS = {
    "zip": torch.save,
    "before torch 1.6": lambda c, path: torch.save(c, path, _use_new_zipfile_serialization=False),
    "pickle": _plain,
    "text pickle": lambda c, path: path.write_bytes(pickle.dumps(c, protocol=0)),
}


@pytest.mark.parametrize("saver", SAVERS.values(), ids=SAVERS.keys())
def test_pickled_code_is_named_and_not_run(tmp_path: Path, saver) -> None:
    marker, path = tmp_path / "marker", tmp_path / "a.pth"
    saver({"model": {"head.bias": Hostile(marker)}}, path)
    error = _refused(path)
    assert error.code == "S640"
    assert f"{os.mkdir.__module__}.mkdir" in str(error) and "safetensors" in str(error)
    assert not marker.exists()
    # The file was armed: reading it the careless way does make the marker.
    if saver is torch.save:
        torch.load(path, weights_only=False)
        assert marker.exists()


def test_code_beside_the_weights_is_refused_too(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    torch.save({"model": STATE, "optimizer": Hostile(marker)}, tmp_path / "a.pth")
    assert _refused(tmp_path / "a.pth").code == "S640"
    assert not marker.exists()


def test_a_namespace_cannot_carry_code(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    torch.save({"model": STATE, "args": Namespace(hook=Hostile(marker))}, tmp_path / "a.pth")
    assert _refused(tmp_path / "a.pth").code == "S640"
    assert not marker.exists()


def test_a_whole_module_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "a.pth")
    error = _refused(tmp_path / "a.pth")
    assert error.code == "S640" and "torch.nn.modules.linear.Linear" in str(error)


@pytest.mark.parametrize("kept", [0, 1, 7, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("kind", ["safetensors", "zip", "before torch 1.6"])
def test_truncated_files(tmp_path: Path, kind: str, kept: float) -> None:
    path = tmp_path / ("a.safetensors" if kind == "safetensors" else "a.pth")
    if kind == "safetensors":
        write_tensors(path, STATE, {})
    else:
        SAVERS[kind](STATE, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    assert _refused(path).code == "S641"


@pytest.mark.parametrize("kind", ["safetensors", "zip", "before torch 1.6"])
def test_damaged_files_are_read_or_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("a.safetensors" if kind == "safetensors" else "a.pth")
    write_tensors(path, STATE, {}) if kind == "safetensors" else SAVERS[kind]({"model": STATE}, path)
    whole, draw, refused = path.read_bytes(), random.Random(0), 0
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            damaged[draw.randrange(len(whole))] = draw.randrange(256)
        path.write_bytes(damaged)
        try:
            read_tensors(path)
        except ScanlabError as error:
            assert error.code in ("S640", "S641")
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_what_is_no_checkpoint(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert "No such file" in str(_refused(path))
    path.write_text("<html>404</html>\n" * 20, encoding="utf-8")
    assert _refused(path).code == "S641"
    path.unlink()
    path.mkdir()
    assert _refused(path).code == "S641"


def test_a_text_is_no_pickle(tmp_path: Path) -> None:
    (tmp_path / "train.pth").write_text("import torch\nfrom os import system\n")
    with pytest.raises(ScanlabError) as caught:
        read_tensors(tmp_path / "train.pth")
    assert caught.value.code == "S641" and "no checkpoint that torch.save wrote" in str(caught.value)


def test_a_checkpoint_without_tensors_says_what_it_holds(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "optimizer": {"lr": 0.1}}, tmp_path / "a.pth")
    error = _refused(tmp_path / "a.pth")
    assert error.code == "S641" and "a dict of epoch, optimizer" in str(error)
    torch.save([torch.ones(1)], tmp_path / "a.pth")
    assert "a list" in str(_refused(tmp_path / "a.pth"))


def test_writing_replaces_whole_or_leaves_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import safetensors.torch

    path = tmp_path / "a.safetensors"
    write_tensors(path, STATE, {})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(ScanlabError, match=r"S641.*cannot be written: No space left"):
        write_tensors(path, OTHER, {})
    monkeypatch.undo()
    _same(read_tensors(path)[0])
    assert list(tmp_path.iterdir()) == [path]
    write_tensors(path, OTHER, {})
    _same(read_tensors(path)[0], OTHER)
    with pytest.raises(ScanlabError, match="S641"):
        write_tensors(tmp_path / "missing" / "a.safetensors", STATE, {})


def test_shared_and_transposed_tensors_are_written(tmp_path: Path) -> None:
    weight = torch.arange(6.0).reshape(2, 3)
    tied = {"a": weight, "b": weight, "t": weight.T, "row": weight[1]}
    write_tensors(tmp_path / "a.safetensors", tied, {})
    _same(read_tensors(tmp_path / "a.safetensors")[0], tied)


def test_without_safetensors_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tensors(tmp_path / "a.safetensors", STATE, {})
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    for use in (lambda: read_tensors(tmp_path / "a.safetensors"), lambda: write_tensors(tmp_path / "b", STATE, {})):
        with pytest.raises(ScanlabError, match=r"S618(.|\n)*scanlab\[checkpoints\]"):
            use()
    torch.save(STATE, tmp_path / "a.pth")
    _same(read_tensors(tmp_path / "a.pth")[0])
