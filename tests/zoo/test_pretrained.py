"""Folders in Hugging Face's form: written, read, refused; the hub only where it is named."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, Features, NextPatch, Segmenter, set_scan
from scanlab.zoo import from_pretrained, load, push_to_hub, save_pretrained

CONFIG = BackboneConfig(patch=4, dim=8, depth=1)


def backbone() -> Backbone:
    torch.manual_seed(0)
    return Backbone("hilbert", CONFIG, input_size=(16, 16))


MODELS = {
    "classifier": lambda: Classifier(backbone(), 5),
    "unet": lambda: Segmenter(backbone(), 3, width=4, decoder="unet"),
    "next patch": lambda: NextPatch(backbone(), "bits"),
    "features": lambda: Features(backbone()),
    "another order": lambda: set_scan(Classifier(backbone(), 5), "snake"),
}


def same(model: Any, other: Any) -> None:
    images = torch.rand(1, 1, 16, 16)
    pairs = [out if isinstance(out, list) else [out] for out in (model(images), other(images))]
    assert all(torch.equal(a, b) for a, b in zip(*pairs, strict=True))


@pytest.mark.parametrize("build", MODELS.values(), ids=MODELS.keys())
def test_a_model_comes_back_from_its_folder(tmp_path: Path, build: Any) -> None:
    model = build().eval()
    save_pretrained(model, tmp_path / "a" / "model")
    assert {file.name for file in (tmp_path / "a" / "model").iterdir()} == {"config.json", "model.safetensors"}
    again = from_pretrained(tmp_path / "a" / "model")
    assert type(again) is type(model) and not again.training
    same(model, again)
    # The weights alone are a file of zoo.save.
    same(model, load(tmp_path / "a" / "model" / "model.safetensors"))


def test_the_configuration_is_text_that_a_person_reads(tmp_path: Path) -> None:
    save_pretrained(MODELS["classifier"](), tmp_path)
    about = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert about["library_name"] == "scanlab" and about["architectures"] == ["Classifier"]
    assert about["built"] == ["by hilbert(h, w)"] and about["options"] == {"classes": 5}
    # What it says is built: here other classes than the weights are for.
    about["options"]["classes"] = 6
    (tmp_path / "config.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(ScanlabError, match=r"S611(.|\n)*head.weight"):
        from_pretrained(tmp_path)


def test_folders_that_hold_no_model(tmp_path: Path) -> None:
    with pytest.raises(ScanlabError, match=r"S620.*no folder(.|\n)*huggingface:me/model"):
        from_pretrained("me/model")
    with pytest.raises(ScanlabError, match=r"S620.*config\.json cannot be read"):
        from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(ScanlabError, match=r"S620.*no model of ScanLab's"):
        from_pretrained(tmp_path)
    save_pretrained(MODELS["classifier"](), tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ScanlabError, match=r"S620.*no model\.safetensors"):
        from_pretrained(tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ScanlabError, match="S502"):
        save_pretrained(MODELS["classifier"](), tmp_path / "file")


def test_no_folder_is_looked_for_on_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(ScanlabError, match="S620"):
        from_pretrained("me/model")


def test_a_repository_is_read_from_the_hubs_cache(tmp_path: Path) -> None:
    """By huggingface_hub itself, from a cache laid out as it does, without the network."""
    pytest.importorskip("huggingface_hub")
    model = MODELS["classifier"]().eval()
    save_pretrained(model, tmp_path / "local")
    revision, home = "0" * 40, tmp_path / "cache" / "models--me--digits"
    shutil.copytree(tmp_path / "local", home / "snapshots" / revision)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(revision, encoding="utf-8")
    same(model, from_pretrained("huggingface:me/digits", cache_dir=tmp_path / "cache", local_files_only=True))
    with pytest.raises(ScanlabError, match=r"S621.*me/other on the hub"):
        from_pretrained("huggingface:me/other", cache_dir=tmp_path / "cache", local_files_only=True)
    with pytest.raises(ScanlabError, match=r"S621"):
        from_pretrained("huggingface:no such name", cache_dir=tmp_path / "cache", local_files_only=True)


def test_without_huggingface_hub_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for use in (lambda: from_pretrained("huggingface:a/b"), lambda: push_to_hub(MODELS["classifier"](), "a/b")):
        with pytest.raises(ScanlabError, match=r"S621(.|\n)*scanlab\[hub\]"):
            use()


def test_what_is_pushed_is_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the hub's library is asked for, on a stand-in: no test talks to the hub."""
    asked: list[tuple[str, Any]] = []

    class HfApi:
        def __init__(self, token: object = None) -> None:
            asked.append(("token", token))

        def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> None:
            asked.append(("create", (repo_id, private, exist_ok)))

        def upload_folder(self, *, repo_id: str, folder_path: str, commit_message: str) -> SimpleNamespace:
            shutil.copytree(folder_path, tmp_path / "hub")
            asked.append(("upload", (repo_id, commit_message)))
            return SimpleNamespace(commit_url=f"https://hub/{repo_id}/commit/1")

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(HfApi=HfApi))
    model = MODELS["classifier"]().eval()
    address = push_to_hub(model, "me/digits", private=True, token="secret", commit_message="first")
    assert address == "https://hub/me/digits/commit/1"
    assert asked == [("token", "secret"), ("create", ("me/digits", True, True)), ("upload", ("me/digits", "first"))]
    same(model, from_pretrained(tmp_path / "hub"))
