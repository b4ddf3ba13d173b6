"""What does not fit a model is refused in few words that say what to do; what fits is converted, and that is said."""

from __future__ import annotations

import copy
import pickle
import sys
from pathlib import Path

import pytest
import torch
from zoo.test_unwrap import small

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, Classifier
from scanlab.ops import dispatch
from scanlab.study.evaluate import load_classifier
from scanlab.zoo import create_model, from_official, save, to_official
from scanlab.zoo.presets import Preset


@pytest.fixture(autouse=True)
def said_anew() -> None:
    dispatch.say_once.cache_clear()


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> str:
    """A published model that is quick to build."""
    config = small().backbone.config
    monkeypatch.setattr(
        sys.modules["scanlab.zoo.presets"], "PRESETS", {"tiny": Preset("vim", config, (8, 8), "the tests", "vim")}
    )
    return "tiny"


def _refused(state: dict[str, torch.Tensor], model: Classifier | None = None) -> ScanlabError:
    model = model or small()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    with pytest.raises(ScanlabError) as caught:
        from_official(model, state, "a.pth")
    assert caught.value.code == "S611" and "nothing was loaded" in str(caught.value)
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
    return caught.value


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.bool, torch.complex64, torch.float8_e4m3fn])
def test_other_kinds_of_numbers_are_refused(dtype: torch.dtype) -> None:
    error = _refused({name: t.to(dtype) for name, t in to_official(small()).items()})
    name = str(dtype).removeprefix("torch.")
    assert f"not of its kind: cls_token is {name}, the model has float32" in str(error)
    assert "convert the tensors to floating numbers" in str(error)


def test_quantised_and_sparse_tensors_are_refused() -> None:
    state = to_official(small())
    quantised = torch.quantize_per_tensor(state["head.weight"], 0.1, 0, torch.qint8)
    assert "head.weight is qint8" in str(_refused({**state, "head.weight": quantised}))
    assert "head.weight is float32 (sparse" in str(_refused({**state, "head.weight": state["head.weight"].to_sparse()}))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_widths_are_converted_which_is_said(dtype: torch.dtype) -> None:
    state, model = to_official(small()), small()
    name = str(dtype).removeprefix("torch.")
    with pytest.warns(dispatch.ScanlabWarning, match=f"a.pth holds {name}, which was converted to the model's float32"):
        from_official(model, {k: t.to(dtype) for k, t in state.items()}, "a.pth")
    assert torch.equal(model.head.weight, state["head.weight"].to(dtype).float())


def test_many_differences_are_summed_up() -> None:
    text = str(_refused({f"a.{k}": torch.ones(1) for k in range(400)}))
    assert len(text.splitlines()) < 20 and "400" not in text.splitlines()[1]
    assert "missing: 35 more" in text and "extra: 394 more" in text and "in 441 places" in text


def _of(classes: int = 5, size: int = 8, channels: int = 3) -> Classifier:
    return Classifier(Backbone("vim", small().backbone.config, input_size=(size, size), channels=channels), classes)


def test_the_help_names_the_road_where_few_tensors_differ() -> None:
    head = str(_refused(to_official(_of(classes=9))))
    assert "in 2 places" in head and "the checkpoint has 9 classes: build the model with num_classes=9" in head
    positions = str(_refused(to_official(_of(size=16))))
    assert "in 1 place;" in positions and "img_size" in positions and "inputs of any size" in positions
    channels = str(_refused(to_official(_of(channels=1))))
    assert "in_chans" in channels and "positions" not in channels
    both = str(_refused(to_official(_of(classes=9, size=16))))
    assert "num_classes=9" in both and "inputs of any size" in both


def test_the_road_for_another_size_leads_there(tiny: str, tmp_path: Path) -> None:
    torch.save(to_official(_of(size=16)), tmp_path / "a.pth")
    model = create_model(tiny, classes=5, img_size=16, checkpoint=tmp_path / "a.pth")
    assert model(torch.zeros(1, 3, 8, 12)).shape == (1, 5)


@pytest.mark.parametrize("name", ["num_classes", "classes"])
def test_a_new_head_is_one_argument(name: str, tiny: str, tmp_path: Path) -> None:
    state = to_official(_of(classes=9))
    torch.save({"model": state}, tmp_path / "a.pth")
    torch.manual_seed(5)
    fresh = create_model(tiny, classes=7)
    torch.manual_seed(5)
    with pytest.warns(dispatch.ScanlabWarning, match="the head is new and untrained"):
        model = create_model(tiny, checkpoint=tmp_path / "a.pth", **{name: 7})
    found = to_official(model)
    assert all(torch.equal(found[k], t) for k, t in state.items() if not k.startswith("head."))
    assert torch.equal(model.head.weight, fresh.head.weight) and torch.equal(model.head.bias, fresh.head.bias)
    del state["norm_f.weight"]
    torch.save({"model": state}, tmp_path / "b.pth")
    with pytest.raises(ScanlabError, match=r"S611(.|\n)*in 1 place;(.|\n)*missing: norm_f"):
        create_model(tiny, checkpoint=tmp_path / "b.pth", num_classes=7)


def test_the_same_number_of_classes_keeps_the_head(tiny: str, tmp_path: Path) -> None:
    saved = _of(classes=7)
    torch.save(to_official(saved), tmp_path / "a.pth")
    assert torch.equal(create_model(tiny, num_classes=7, checkpoint=tmp_path / "a.pth").head.weight, saved.head.weight)


def test_no_new_head_without_a_number_or_where_it_would_be_judged(tiny: str, tmp_path: Path) -> None:
    torch.save(to_official(_of(classes=9)), tmp_path / "a.pth")
    for load in (
        lambda: create_model(tiny, checkpoint=tmp_path / "a.pth"),
        lambda: create_model(tiny, num_classes=7, new_head=False, checkpoint=tmp_path / "a.pth"),
        lambda: load_classifier(tmp_path / "a.pth", tiny, classes=7),
    ):
        with pytest.raises(ScanlabError, match=r"S611(.|\n)*the checkpoint has 9 classes"):
            load()


def test_timms_names_stand_beside_ours(tiny: str) -> None:
    model = create_model(tiny, num_classes=3, in_chans=1, img_size=12)
    assert (model.head.out_features, model.backbone.channels, model.backbone.input_size) == (3, 1, (12, 12))
    assert create_model(tiny, classes=3, num_classes=3).head.out_features == 3
    with pytest.raises(ScanlabError, match=r"S617.*classes is given twice: 3 and 4"):
        create_model(tiny, classes=3, num_classes=4)


def test_a_file_of_our_own_says_how_it_is_read(tiny: str, tmp_path: Path) -> None:
    save(_of(), tmp_path / "a.safetensors")
    with pytest.raises(ScanlabError, match=r"S616(.|\n)*scanlab\.zoo\.load"):
        create_model(tiny, checkpoint=tmp_path / "a.safetensors")


def test_a_published_model_can_be_copied_and_pickled(tiny: str) -> None:
    model = create_model(tiny, num_classes=3)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.pretrained_cfg == model.pretrained_cfg and twin.pretrained_cfg["architecture"]
        assert all(map(torch.equal, twin.state_dict().values(), model.state_dict().values()))
