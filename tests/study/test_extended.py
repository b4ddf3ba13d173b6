"""Study files over study files, and settings on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanlab.cli.arguments import file_and_settings
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.extended import assignments
from scanlab.study.settings import read_settings, study_of, with_options

BASE = """
strategies = ["row", "mine.scan:wave"]
dataset = "digits"
seeds = 2
[model]
dim = 16
mixer = { state = 4, convolution = "path" }
[recipe]
epochs = 5
batch = 32
"""


def write(place: Path, name: str, text: str) -> Path:
    file = place / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_a_file_says_what_it_changes(tmp_path: Path) -> None:
    write(tmp_path, "base/mine.scan", "grid h, w\norder wave = by w, h")
    write(tmp_path, "base/base.toml", BASE)
    middle = write(tmp_path, "base/middle.toml", 'extends = "base.toml"\nseeds = 3\n[recipe]\nepochs = 7')
    top = write(tmp_path, "top.toml", 'extends = "base/middle.toml"\n[model.mixer]\nstate = 8')
    assert read_settings(middle).table["recipe"] == {"epochs": 7, "batch": 32}
    table = read_settings(top).table
    assert table["seeds"] == 3 and "extends" not in table
    assert table["model"] == {"dim": 16, "mixer": {"state": 8, "convolution": "path"}}
    # Files of strategies lie beside the file that names them.
    study = study_of(read_settings(top))
    assert [label for label, _ in study.problems[0].strategies] == ["row", "wave"]
    assert study.problems[0].config.mixer.state == 8


def test_what_is_set_for_all_problems_goes_before_what_one_had(tmp_path: Path) -> None:
    problems = "".join(f'[[problem]]\nname = "{n}"\nrecipe = {{ epochs = {n}, batch = 8 }}\n' for n in (1, 2))
    write(tmp_path, "base.toml", f"seeds = 2\n{problems}")
    top = write(tmp_path, "top.toml", 'extends = "base.toml"\nmargin = 0.01\n[recipe]\nepochs = 9')
    study = study_of(read_settings(top))
    assert [(p.recipe.epochs, p.recipe.batch) for p in study.problems] == [(9, 8), (9, 8)]
    assert study.margins == {"1": 0.01, "2": 0.01}


def test_circles_and_missing_files_are_refused(tmp_path: Path) -> None:
    one = write(tmp_path, "one.toml", 'extends = "two.toml"')
    write(tmp_path, "two.toml", 'extends = "one.toml"')
    with pytest.raises(ScanlabError, match=r"S610.*circle: one\.toml extends two\.toml extends one\.toml"):
        read_settings(one)
    with pytest.raises(ScanlabError, match=r"S107.*gone\.toml"):
        read_settings(write(tmp_path, "three.toml", 'extends = "gone.toml"'))
    with pytest.raises(ScanlabError, match=r"S610.*`extends` is 3"):
        read_settings(write(tmp_path, "four.toml", "extends = 3"))


def test_words_of_the_command_line_are_values_of_toml_or_bare() -> None:
    words = ["recipe.learning_rate=1e-2", "strategies=['row', 'by w, h']", "dataset=a b", "model.mixer.state = 8"]
    made = assignments(words)
    assert made == {
        "recipe.learning_rate": 0.01,
        "strategies": ["row", "by w, h"],
        "dataset": "a b",
        "model.mixer.state": 8,
    }
    settings = with_options(None, {**made, "dataset": "digits"})
    assert settings.table["model"] == {"mixer": {"state": 8}}
    for wrong, said in (("epochs", "sets nothing"), ("=3", "sets nothing"), ("seeds=", "sets nothing")):
        with pytest.raises(ScanlabError, match=f"S610.*{said}"):
            assignments([wrong])
    with pytest.raises(ScanlabError, match=r"S610.*seeds is set twice"):
        assignments(["seeds=1", "seeds=2"])


def test_a_problem_of_its_own_is_overridden_too(tmp_path: Path) -> None:
    file = write(tmp_path, "s.toml", '[[problem]]\nname = "a"\nmodel = { dim = 8, mixer = { state = 2, taps = 3 } }')
    given = with_options(read_settings(file), assignments(["model.mixer.state=8", "seeds=4"]))
    assert given.table["problem"][0]["model"] == {"dim": 8, "mixer": {"state": 8, "taps": 3}}
    assert given.table["seeds"] == 4 and read_settings(file).table["problem"][0]["model"]["mixer"]["state"] == 2


def test_files_and_words_are_told_apart(tmp_path: Path) -> None:
    file = write(tmp_path, "a=b.toml", "seeds = 2")
    assert file_and_settings(file, ["seeds=3"], {"task": ""}) == (file, {"task": "", "seeds": 3})
    assert file_and_settings(Path("seeds=3"), ["margin=0.1"], {}) == (None, {"seeds": 3, "margin": 0.1})
    with pytest.raises(ScanlabError, match=r"S610.*recipe.epochs is set by an option"):
        file_and_settings(None, ["recipe.epochs=3"], {"recipe.epochs": 2})
