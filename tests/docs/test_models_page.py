"""docs/models.md: its names are those of the presets, its counts are theirs, and its Python runs."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import torch

from scanlab.nn import Backbone, BackboneConfig
from scanlab.zoo import create_model, presets

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| ([\d,]+(?: · [\d,]+)*) \|", re.M)


def test_every_count_in_the_table() -> None:
    seen = []
    published = PAGE.split("## Published models")[1].split("\n## ")[0]
    for names, counts in ROW.findall(published):
        for name, count in zip(re.findall(r"`(\w+)`", names), counts.split(" · "), strict=True):
            with torch.device("meta"):
                found = sum(p.numel() for p in create_model(name).parameters())
            assert found == int(count.replace(",", "")), name
            seen.append(name)
    assert len(seen) == 17


def test_generated_parts_are_current() -> None:
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    assert generate["filled"](PAGE) == PAGE, "run: python docs/generate.py"


def test_every_preset_is_named() -> None:
    short = {name: name.replace("plainmamba_l", "_l").replace("localmamba_vim_", "_") for name in presets()}
    missing = [name for name in presets() if f"`{name}`" not in PAGE and f"`{short[name]}`" not in PAGE]
    assert [n for n in missing if n not in ("vmamba_small", "vmamba_base")] == []


def test_the_parts_are_built_as_shown() -> None:
    blocks = [
        b
        for b in re.findall(r"```python\n(.*?)```", PAGE, re.S)
        if re.search(r"NextPatch\(|Detector\(|TextReader\(|\.packed\(|stream", b)
    ]
    assert len(blocks) == 6
    given: dict[str, object] = {
        "video": torch.rand(1, 1, 3, 16, 16),
        "prefix": torch.rand(2, 3, 16),
        "images": torch.rand(2, 1, 32, 32),
        "lines": [torch.rand(1, 48, width) for width in (90, 130)],
        "known": torch.arange(64) < 60,
        "backbone": Backbone("row", BackboneConfig(patch=4), input_size=(16, 16), channels=3),
        **{name: torch.rand(3, *size) for name, size in (("photo", (16, 20)), ("icon", (8, 8)), ("scan", (12, 16)))},
    }
    for block in blocks:
        exec(compile(block, "docs/models.md", "exec"), given)


def test_the_files_and_figures_it_names_exist() -> None:
    for file in re.findall(r"`(nn/\w+\.py)`", PAGE):
        assert (ROOT / "scanlab" / file).is_file(), file
    for link in re.findall(r"\]\(((?:images|\.\.)/[^)]+)\)", PAGE):
        assert (ROOT / "docs" / link).is_file(), link


def test_backbones_give_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [block] = [b for b in re.findall(r"```python\n(.*?)```", PAGE, re.S) if "features_only" in b]
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"pictures": torch.rand(1, 3, 64, 64)}
    exec(compile(block, "docs/models.md", "exec"), names)
    sizes = re.findall(r"\[B, (\d+), (\d+), (\d+)\]", block)
    assert [tuple(map(str, m.shape[1:])) for m in names["maps"]] == sizes
    info = names["same"].feature_info
    assert f"{info.channels()}, {info.reduction()}" in block
    assert names["plain"].feature_info.reduction() == [16] * 4
