"""Study files and options: what they may say, what overlays what, and what is refused with which words."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import settings
from scanlab.study.preflight import check_study
from scanlab.study.trial import DEFAULT_CONTROLS, DataChoice, Recipe, Study

START = 'strategies = ["row", "column"]\nseeds = 1\n'


def study(text: str, folder: Path, options: dict | None = None) -> Study:
    file = folder / "study.toml"
    file.write_text(text, encoding="utf-8")
    return settings.study_of(settings.with_options(settings.read_settings(file), options or {}))


def test_what_is_not_said_is_usual(tmp_path: Path) -> None:
    made = study("", tmp_path)
    [problem] = made.problems
    assert (made.name, problem.name, problem.task, made.seeds) == (
        "digits",
        "digits",
        "classification",
        (0, 1, 2, 3, 4),
    )
    assert [label for label, _ in problem.strategies] == ["row", "snake", "hilbert", "window[k=4]"]
    assert made.controls == DEFAULT_CONTROLS and problem.recipe == Recipe()
    assert tuple(problem.strategies[0][1].grid) == (4, 4)


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    made = study(
        """
        name = "all"
        question = "What for?"
        seeds = [3, 7]
        looks = [2, 4]
        baseline = "column"
        controls = ["no_scan"]
        confidence = 0.9
        unequal = true
        strategies = ["row", "column", "sum(row, -row)"]
        dataset = "digits"
        task = "classification_by_auc"
        size = [12, 8]
        limit = 200
        test_limit = 50
        part = "val"
        transfer = ["rotate 180", "size 16x16"]
        margin = 0
        [model]
        patch = [4, 2]
        depth = [1, 1]
        dim = 16
        drop_path = 0.1
        [model.mixer]
        state = 2
        convolution = "grid"
        [recipe]
        epochs = 2
        learning_rate = 1
        shift = 1
        flip = true
        """,
        tmp_path,
    )
    [problem] = made.problems
    assert (made.seeds, made.baseline, made.confidence, made.margins) == ((3, 7), "column", 0.9, {"digits": 0.0})
    assert made.looks == (2, 4) and made.about()["looks"] == [2, 4]
    assert problem.data == DataChoice("digits", (12, 8), 200, 50, "val")
    assert problem.config.patch == (4, 2) and problem.config.depths == (1, 1) and problem.config.mixer.state == 2
    assert problem.config.mixer.convolution == "grid" and problem.config.drop_path == 0.1
    assert tuple(problem.strategies[0][1].grid) == (3, 4)
    assert problem.recipe == Recipe(epochs=2, learning_rate=1, shift=1, flip=True)
    assert problem.transfer == ("rotate 180", "size 16x16")
    check_study(made)


def test_how_data_are_read_is_kept_with_the_problem(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.random.default_rng(0).random((30, 8, 8, 12)), y=np.arange(30) % 2)
    with pytest.raises(ScanlabError, match="S691"):
        study(START + 'dataset = "a.npz"', tmp_path)
    text = START + 'dataset = "a.npz"\nlayout = "channels_last"'
    [problem] = study(text, tmp_path).problems
    assert problem.data.layout == "channels_last" and "held out" in problem.notes["assumed"][0]
    about = study(text, tmp_path).about()["problems"][0]
    assert about["notes"] == problem.notes and about["data"]["layout"] == "channels_last"
    [volumes] = study(
        START + 'dataset = "a.npz"', tmp_path, {"layout": "no_channels", "strategies": ["by d, h, w"]}
    ).problems
    assert volumes.fingerprint != problem.fingerprint and len(volumes.strategies[0][1].grid) == 3
    for wrong in ('layout = ["masks"]', 'layout = "mask"', "spacing = [1, 1, 1]", 'spacing = ["1"]'):
        with pytest.raises(ScanlabError, match=r"S610|S690|S695"):
            study(START + wrong, tmp_path)


def test_patches_that_overlap_give_the_models_grid(tmp_path: Path) -> None:
    made = study(START + "[model]\npatch = 3\nstride = 1", tmp_path)
    assert tuple(made.problems[0].strategies[0][1].grid) == (6, 6)
    check_study(made)


def test_problems_lie_over_what_is_common(tmp_path: Path) -> None:
    made = study(
        """
        strategies = ["row"]
        margin = 0.01
        model = { dim = 16, mixer = { state = 2 } }
        recipe = { epochs = 3, batch = 16 }
        [[problem]]
        name = "digits"
        [[problem]]
        name = "videos"
        dataset = "moving-digits"
        strategies = { row = "by t, h, w" }
        margin = 0.02
        model = { patch = [2, 4, 4], mixer = { expand = 1.0 } }
        recipe = { epochs = 1 }
        """,
        tmp_path,
    )
    digits, videos = made.problems
    assert made.margins == {"digits": 0.01, "videos": 0.02}
    assert (digits.recipe.epochs, videos.recipe.epochs, videos.recipe.batch) == (3, 1, 16)
    assert (videos.config.dim, videos.config.mixer.state, videos.config.mixer.expand) == (16, 2, 1.0)
    assert (digits.config.mixer.expand, tuple(videos.strategies[0][1].grid)) == (2.0, (4, 4, 4))
    assert made.name == "digits"


def test_variants_repeat_every_problem(tmp_path: Path) -> None:
    made = study(
        """
        strategies = ["row"]
        [[problem]]
        name = "a"
        [[problem]]
        name = "b"
        model = { dim = 16 }
        [variants.no_positions]
        model = { positions = "none" }
        [variants.long]
        recipe = { epochs = 20 }
        """,
        tmp_path,
    )
    names = ["a", "a / no positions", "a / long", "b", "b / no positions", "b / long"]
    assert [p.name for p in made.problems] == names
    by_name = {p.name: p for p in made.problems}
    assert by_name["b / no positions"].config.dim == 16 and by_name["b / no positions"].config.positions == "none"
    assert by_name["b"].config.positions == "learned" and by_name["a / long"].recipe.epochs == 20
    assert set(made.margins) == set(names)


def test_options_stand_above_the_file(tmp_path: Path) -> None:
    text = START + "[recipe]\nepochs = 9\nbatch = 16\n"
    options = {"recipe.epochs": 2, "seeds": 4, "task": "", "limit": None, "margin": 0.5, "unequal": None}
    made = study(text, tmp_path, options)
    assert (made.problems[0].recipe.epochs, made.problems[0].recipe.batch, len(made.seeds)) == (2, 16, 4)
    assert made.margins == {"digits": 0.5} and made.problems[0].task == "classification"


def test_options_reach_every_problem_of_a_file(tmp_path: Path) -> None:
    text = 'strategies = ["row"]\n[[problem]]\nname = "a"\nrecipe = { epochs = 9 }\n[[problem]]\nname = "b"\n'
    made = study(text, tmp_path, {"recipe.epochs": 2, "strategies": ["column", "snake"], "seeds": 1, "limit": 100})
    assert [p.recipe.epochs for p in made.problems] == [2, 2] and made.seeds == (0,)
    assert all([label for label, _ in p.strategies] == ["column", "snake"] for p in made.problems)
    assert {p.data.limit for p in made.problems} == {100}


def test_options_leave_the_settings_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(START + "[recipe]\nepochs = 9\n")
    read = settings.read_settings(tmp_path / "study.toml")
    settings.with_options(read, {"recipe.epochs": 2})
    assert read.table["recipe"] == {"epochs": 9}


def test_options_alone() -> None:
    made = settings.study_of(settings.with_options(None, {"strategies": ["row", "by w, h"], "model.patch": 4}))
    assert [label for label, _ in made.problems[0].strategies] == ["row", "by w, h"]
    assert tuple(made.problems[0].strategies[0][1].grid) == (2, 2)


def test_paths_lie_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "beside").mkdir(), (tmp_path / "elsewhere").mkdir()
    np.savez(tmp_path / "beside" / "mine.npz", x=np.zeros((20, 8, 8), np.uint8), y=np.arange(20) % 2)
    (tmp_path / "beside" / "own.scan").write_text("grid h, w\norder up = by ~w, h\norder down = by w, h\n")
    monkeypatch.chdir(tmp_path / "elsewhere")
    made = study('dataset = "mine.npz"\nstrategies = ["own.scan", "row", "own.scan:up"]', tmp_path / "beside")
    assert made.problems[0].name == "mine"
    assert [label for label, _ in made.problems[0].strategies] == ["up", "down", "row", "up"]


WRONG = {
    "no TOML": ("strategies = [", "S610", "is no TOML"),
    "a key twice": ("seeds = 1\nseeds = 2", "S610", "is no TOML"),
    "unknown": (START + "sedes = 3", "S610", "`sedes` means nothing here", "did you mean `seeds`"),
    "unknown, of nothing": (START + "zzz = 3", "S610", "`zzz` means nothing here", "it can set baseline, confidence"),
    "in the wrong place": (START + "epochs = 3", "S610", "`epochs` means nothing here", "it belongs in [recipe]"),
    "in the wrong table": (START + "[model]\nshift = 3", "S610", "`shift` means nothing", "it belongs in [recipe]"),
    "unknown in a recipe": (START + "[recipe]\nepoch = 3", "S610", "[recipe]: `epoch`", "did you mean `epochs`"),
    "unknown in a mixer": (START + "[model.mixer]\nkid = 3", "S610", "[model.mixer]: `kid`", "`kind`"),
    "unknown in a problem": ('[[problem]]\nname = "a"\nstrategy = 1', "S610", "problem 1: `strategy`"),
    "unknown in a variant": (START + "[variants.a]\nfoo = 1", "S610", "[variants.a]: `foo`"),
    "a variant's name": (START + '[variants.a]\nname = "x"', "S610", "[variants.a]: `name`"),
    "seeds as words": ('seeds = ["a"]', "S610", "`seeds, an entry` is 'a'", "a whole number"),
    "seeds as truth": ("seeds = true", "S610", "`seeds` is True", "a whole number or a list"),
    "a number as name": ("name = 3", "S610", "`name` is 3", "a string"),
    "a string as list": ('strategies = "row"', "S610", "`strategies` is 'row'", "a list or a table"),
    "numbers as strategies": ("strategies = [1]", "S610", "`strategies, an entry` is 1"),
    "a number as a strategy": ('[strategies]\na = "row"\nb = 3', "S610", "`strategies.b` is 3"),
    "a string as size": (START + 'size = "8x8"', "S610", "`size` is '8x8'", "a list"),
    "a fraction as epochs": (START + "[recipe]\nepochs = 2.5", "S610", "`epochs` is 2.5", "a whole number"),
    "a number as truth": (START + "[recipe]\nflip = 1", "S610", "`flip` is 1", "true or false"),
    "a word as number": (START + '[recipe]\nlearning_rate = "x"', "S610", "`learning_rate` is 'x'", "a number"),
    "words as patch": (START + '[model]\npatch = ["a", "b"]', "S610", "`patch, an entry` is 'a'"),
    "fractions as patch": (START + "[model]\npatch = [2.5, 2]", "S610", "`patch, an entry` is 2.5"),
    "words as depth": (START + '[model]\ndepth = ["a"]', "S610", "`depth, an entry` is 'a'"),
    "a word as stride": (START + '[model]\nstride = "a"', "S610", "`stride` is 'a'", "a whole number"),
    "a number as convolution": (START + "[model.mixer]\nconvolution = 3", "S610", "`convolution` is 3", "a string"),
    "a number as model": (START + "model = 3", "S610", "`model` is 3", "a table"),
    "a number as mixer": (START + "[model]\nmixer = 3", "S610", "must be a table"),
    "a number as variant": (START + "[variants]\na = 1", "S610", "variants.a must be a table"),
    "no problems": ("problem = []", "S610", "under [[problem]]"),
    "a table as problem": ('[problem]\nname = "a"', "S610", "a list"),
    "a problem without a name": ('[[problem]]\nstrategies = ["row"]', "S610", "problem 1 has no name"),
    "problems of one name": ('[[problem]]\nname = "a"\n[[problem]]\nname = "a"', "S610", "two problems are called 'a'"),
    "patches of other axes": (START + "[model]\npatch = [2, 2, 2]", "S612", "3 sides", "2 axes"),
    "an unknown kind": (START + '[model.mixer]\nkind = "sdd"', "S612", "no kind 'sdd'", "ssd"),
    "an unknown data set": (START + 'dataset = "digit"', "S600", "did you mean 'digits'"),
    "a missing file": (START + 'dataset = "no.npz"', "S642", "no such file"),
    "an unknown strategy": ('strategies = ["rwo"]', "S201", "did you mean `row`"),
    "a tie": ('strategies = ["by h + w"]', "S300", "the same keys"),
    "size of other axes": (START + "size = [8]", "S646", "cannot become 8"),
    "size of nothing": (START + "size = [0, 8]", "S646", "cannot become 0x8"),
    "limit": (START + "limit = 0", "S646", "limit of samples is 0"),
    "part": (START + 'part = "train"', "S642", "'train' cannot be measured on"),
}


@pytest.mark.parametrize("text, code, words", [(t, c, w) for t, c, *w in WRONG.values()], ids=WRONG.keys())
def test_what_is_refused(tmp_path: Path, text: str, code: str, words: list[str]) -> None:
    with pytest.raises(ScanlabError, match="(?s)" + ".*".join(map(re.escape, words))) as caught:
        study(text, tmp_path)
    assert caught.value.code == code
    if code == "S610":
        assert "study.toml" in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'name = "Z\xfcrich"')
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "latin.toml"):
        with pytest.raises(ScanlabError, match="S107"):
            settings.read_settings(path)


@pytest.mark.parametrize("problem", ["digits", [1], {"digits": {"limit": 5}}])
def test_problems_that_are_no_list_of_tables_are_refused_with_options_too(problem):
    given = settings.Settings({"strategies": ["row"], "problem": problem}, Path(), "a study of mine")
    with pytest.raises(ScanlabError) as error:
        settings.study_of(settings.with_options(given, {"limit": 64}))
    assert error.value.code == "S610"
