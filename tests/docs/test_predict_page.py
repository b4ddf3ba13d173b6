"""docs/predict.md: its tables are those of the records, its Python runs, and its commands have the options it names."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import torch
import typer.main

from scanlab.cli.app import app
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "predict.md").read_text(encoding="utf-8")


def test_its_tables_are_those_of_the_records() -> None:
    made = runpy.run_path(str(ROOT / "docs/make_predict.py"))
    assert made["filled"](PAGE) == PAGE, "python docs/make_predict.py"


def test_a_pass_takes_less_than_a_gigabyte() -> None:
    made = runpy.run_path(str(ROOT / "docs/make_predict.py"))
    figures = made["_record"]("large-pictures")["figures"]
    passes = [figure for figure in figures if figure["how"] == "large_pass"]
    assert len(passes) >= 4 and made["_record"]("large-pictures")["side"] == 4096
    assert all(figure["growth_bytes"] < 1e9 for figure in passes)


def test_a_stream_stays_flat() -> None:
    made = runpy.run_path(str(ROOT / "docs/make_predict.py"))
    for parts in made["_record"]("streams")["figures"].values():
        assert parts[-1]["frames"] == 10_000
        assert parts[-1]["resident"] - parts[0]["resident"] < 5e6


def test_its_python_runs() -> None:
    given: dict[str, object] = {
        "Backbone": Backbone,
        "BackboneConfig": BackboneConfig,
        "MixerConfig": MixerConfig,
        "model": Classifier(Backbone("row", BackboneConfig(dim=8, patch=16), input_size=(64, 64), channels=3)),
        "picture": torch.rand(3, 64, 64),
        "read": lambda first, last: torch.rand(3, last - first, 4096),
        "video": torch.rand(1, 1, 3, 16, 16),
    }
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block.replace("4096, 4096", "64, 4096"), "docs/predict.md", "exec"), given)
    assert given["expected"].shape == (1, 1, 1, 16, 16)  # pyright: ignore[reportAttributeAccessIssue]


def test_the_options_and_pictures_are_there() -> None:
    commands = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
    known = {name for option in commands["predict"].params for name in option.opts}
    own = re.sub(r"<!-- begin .*?<!-- end", "", PAGE, flags=re.S)
    named = set(re.findall(r"(?<![\w-])--[a-z]+", own))
    assert named <= known and len(named) >= 9
    for link in re.findall(r"\]\((images/[^)]+)\)", PAGE):
        assert (ROOT / "docs" / link).is_file(), link
