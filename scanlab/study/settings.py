"""A study from a TOML file, or from options."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from scanlab.data.notes import notes_of
from scanlab.facade import as_value, bound, load_file
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.guesses import nearest
from scanlab.ir.text import reason_of
from scanlab.nn import BackboneConfig, MixerConfig
from scanlab.renamed import renamed_names
from scanlab.study.controls import CONTROLS, with_default
from scanlab.study.drawing import drawn_by_seeds, read_tune, with_tuning
from scanlab.study.extended import beside, extended, overlaid, said
from scanlab.study.own_model import GRID_SETTINGS, OwnModel, own_model
from scanlab.study.recipe import Recipe, published_recipe
from scanlab.study.train_sizes import learnt_from, sized
from scanlab.study.transfer import patch_grid
from scanlab.study.trial import DEFAULT_CONTROLS, DEFAULT_SEEDS, DataChoice, Problem, Study, Tested
from scanlab.study.work import dataset_of, tested_by, whole_of
from scanlab.zoo.presets import published_config

__all__ = ["DEFAULT_STRATEGIES", "Settings", "read_settings", "study_of", "with_options"]

__getattr__ = renamed_names(__name__, {"from_options": "with_options", "read": "read_settings"})

DEFAULT_STRATEGIES = ("row", "snake", "hilbert", "window[k=4]")
Table = Mapping[str, Any]

_WORDS = MappingProxyType(
    {
        str: "a string",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        list: "a list",
        dict: "a table",
    }
)
# What every table may set, with the types that a value may have.
_STUDY: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {
        "name": (str,),
        "question": (str,),
        "seeds": (int, list),
        "baseline": (str,),
        "controls": (list,),
        "confidence": (float, int),
        "unequal": (bool,),
        "tune": (dict,),
        "looks": (list,),
        "keep": (str, list),
        "problem": (list,),
        "variants": (dict,),
    }
)
_PROBLEM: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {
        "name": (str,),
        "strategies": (list, dict),
        "dataset": (str,),
        "task": (str,),
        "size": (list,),
        "limit": (int,),
        "train_sizes": (list, dict),
        "test_limit": (int,),
        "part": (str,),
        "resample": (bool, str),
        "layout": (str,),
        "spacing": (list,),
        "lazy": (bool, str),
        "loaders": (int,),
        "unreadable": (int,),
        "window": (list,),
        "labelled": (float, int),
        "transfer": (list,),
        "margin": (float, int),
        "model": (dict,),
        "recipe": (dict,),
    }
)
# Of a problem's those that a DataChoice has as they are.
_OF_DATA = ("limit", "test_limit", "part", "layout", "lazy", "loaders", "unreadable", "labelled")
_TABLES: Mapping[str, type] = MappingProxyType({"recipe": Recipe, "model": BackboneConfig, "model.mixer": MixerConfig})
# Settings of a model that are None unless they are set.
_NONE_AT_FIRST: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {"stride": (int,), "convolution": (str,), "warm_up": (float, int)}
)


@dataclass(frozen=True)
class Settings:
    """A study file as it was read. folder: what paths in it are relative to; text: the file's own, "" for options.

    >>> Settings({"seeds": 5}, Path(), "a study of mine").table["seeds"]
    5
    """

    table: Table
    folder: Path
    source: str
    text: str = ""


def read_settings(file: Path) -> Settings:
    """Read a study file, over the one that it names by `extends`. Raises S107 for a file that cannot be read, and S610
    for one that is no study or extends itself.

    >>> size = Path("study.toml").write_text('strategies = ["row", "hilbert"]\\nseeds = 5')
    >>> read_settings(Path("study.toml")).table
    {'strategies': ['row', 'hilbert'], 'seeds': 5}
    >>> size = Path("longer.toml").write_text('extends = "study.toml"\\nrecipe = { epochs = 60 }')
    >>> read_settings(Path("longer.toml")).table
    {'strategies': ['row', 'hilbert'], 'seeds': 5, 'recipe': {'epochs': 60}}
    """
    return extended(file, _read_one)


def _read_one(file: Path) -> Settings:
    try:
        text = file.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        help = "give the path of a TOML file"
        raise ScanlabError.at("S107", f"cannot read {file}: {reason_of(error).lower()}", help=help) from None
    except tomllib.TOMLDecodeError as error:
        raise ScanlabError.at("S610", f"{file} is no TOML: {error}") from None
    return Settings(table, file.resolve().parent, str(file), text)


def with_options(settings: Settings | None, options: Table, where: str = "the command line") -> Settings:
    """Settings with what the options of a command say in its place; None and empty options say nothing.

    Options name the keys of a study file, those of tables with dots, as "recipe.epochs" and "model.mixer.state". where:
    what errors call the place where all was said, without other settings.

    >>> with_options(None, {"strategies": ["row", "hilbert"], "recipe.epochs": 2}).table
    {'strategies': ['row', 'hilbert'], 'recipe': {'epochs': 2}}
    """
    merged: dict[str, Any] = copy.deepcopy(dict(settings.table)) if settings else {}
    for key, value in said(options).items():
        *places, name = key.split(".")
        inside = "problem" in merged and (places or [key])[0] in _PROBLEM
        # What is no list of tables is refused when the study is made.
        tables = merged["problem"] if inside and isinstance(merged["problem"], list) else [merged]
        for table in (table for table in tables if isinstance(table, dict)):
            for place in places:
                held = table.get(place)
                table[place] = table = dict(held) if isinstance(held, dict) else {}
            table[name] = value
    return replace(settings, table=merged) if settings else Settings(merged, Path.cwd(), where)


@dataclass(frozen=True)
class Seen:
    """What a problem takes from its data: the usual name and task, the grid of patches, and fields of `Problem`."""

    name: str
    task: str
    grid: tuple[int, ...]
    fingerprint: str
    notes: Mapping[str, list[str]]
    tested: Tested | None


Look = Callable[[DataChoice, BackboneConfig, Table, str], Seen]


def seen_in_data(choice: DataChoice, config: BackboneConfig, table: Table, suffix: str) -> Seen:
    """As it is in the data, which are loaded; of a problem with these settings, whose name ends with `suffix`."""
    dataset = dataset_of(choice)
    task = table.get("task", dataset.target_kind.task)
    grid = patch_grid(dataset.extents, config.patch_sides(len(dataset.extents)), config.stride)
    name, tested = dataset.name + suffix, tested_by(task, dataset)
    # Where seeds draw their training images, trials know the data by all of them.
    fingerprint = (whole_of(choice) if "train_sizes" in table else dataset).fingerprint
    return Seen(name, task, grid, fingerprint, notes_of(dataset), tested)


def study_of(settings: Settings, look: Look = seen_in_data) -> Study:
    """Load the data and compile the strategies of a study. Raises S610 for settings without a meaning, and what data,
    strategies and models raise. look: what says how the data are, problem by problem, by default they themselves.

    >>> study = study_of(with_options(None, {"strategies": ["row", "hilbert"], "recipe.epochs": 2}))
    >>> study.problems[0].recipe.epochs, [label for label, _ in study.problems[0].strategies]
    (2, ['row', 'hilbert'])
    """
    table, where = settings.table, settings.source
    several = "problem" in table
    _check(table, {**_STUDY, **_PROBLEM}, where)
    given = table["problem"] if several else [{}]
    if not given or not all(isinstance(p, dict) for p in given):
        raise _wrong(where, "problem must be a list of tables, each under [[problem]]")
    tune = read_tune(table.get("tune"))
    common = {key: table[key] for key in _PROBLEM if key in table and key != "name"}
    problems, margins = [], {}
    for number, own in enumerate(given, 1):
        _check(own, _PROBLEM, f"{where}, problem {number}")
        if several and "name" not in own:
            raise _wrong(where, f"problem {number} has no name", "give every [[problem]] one")
        for suffix, variant in _variants(table, where):
            merged = overlaid(overlaid(common, own), variant)
            for alone, size, asked in sized(merged):
                problem = _problem(alone, size + suffix, settings, look)
                problem = learnt_from(problem, size, suffix, asked) if asked else problem
                problem = drawn_by_seeds(problem, merged.get("resample", False), bool(tune))
                problems.append(with_tuning(problem) if tune else problem)
                margins[problem.name] = float(merged.get("margin", 0.0))
    names = [p.name for p in problems]
    if repeated := [name for i, name in enumerate(names) if name in names[:i]]:
        raise _wrong(where, f"two problems are called {repeated[0]!r}", "give each a name of its own")
    seeds = table.get("seeds", len(DEFAULT_SEEDS))
    return Study(
        name=table.get("name", names[0]),
        problems=tuple(problems),
        seeds=tuple(range(seeds)) if isinstance(seeds, int) else _listed(seeds, int, "seeds", where),
        baseline=table.get("baseline", ""),
        controls=_controls(table, problems, where),
        margins=margins,
        confidence=table.get("confidence", 0.95),
        unequal=table.get("unequal", False),
        question=table.get("question", ""),
        tune=tune,
        looks=_listed(table.get("looks", ()), int, "looks", where),
        keep=_listed([keep] if isinstance(keep := table.get("keep", ()), str) else keep, str, "keep", where),
    )


def _controls(table: Table, problems: list[Problem], where: str) -> tuple[str, ...]:
    """Those that are named; else the usual ones, but for those that models of a person's own cannot have."""
    if any(problem.model for problem in problems):
        names = _listed(table.get("controls", ["default"]), str, "controls", where)
        usual = tuple(name for name in DEFAULT_CONTROLS if not CONTROLS[name].mixer)
        return tuple(each for name in names for each in (usual if name == "default" else (name,)))
    return with_default(_listed(table.get("controls", DEFAULT_CONTROLS), str, "controls", where))


def _problem(table: Table, suffix: str, settings: Settings, look: Look) -> Problem:
    where = settings.source
    choice = DataChoice(
        name=beside(table.get("dataset", "digits"), settings.folder),
        size=_size(table.get("size"), where),
        spacing=_spacing(table.get("spacing"), where),
        window=_size(table.get("window"), where),
        **{name: table[name] for name in _OF_DATA if name in table},
    )
    config, own = _model(table.get("model", {}), where)
    recipe = _recipe(table.get("recipe", {}), f"{where}, [recipe]")
    choice = replace(choice, watched=recipe.watched)
    seen = look(choice, config, table, suffix)
    return Problem(
        name=table["name"] + suffix if "name" in table else seen.name,
        data=choice,
        task=table.get("task", seen.task),
        fingerprint=seen.fingerprint,
        notes=seen.notes,
        tested=seen.tested,
        strategies=_strategies(table.get("strategies", list(DEFAULT_STRATEGIES)), seen.grid, settings),
        config=config,
        recipe=recipe,
        transfer=_listed(table.get("transfer", ()), str, "transfer", where),
        model=own,
    )


def _strategies(given: Any, grid: tuple[int, ...], settings: Settings) -> tuple[tuple[str, Any], ...]:
    """Labels with what they mean on a grid: a list of definitions is labelled by their names, a file by all its own."""
    where = settings.source
    if isinstance(given, dict):
        return tuple(
            (label, bound(as_value(_text(d, f"strategies.{label}", where), grid), grid)) for label, d in given.items()
        )
    strategies = []
    for definition in _listed(given, str, "strategies", where):
        path = beside(definition, settings.folder)
        if path.endswith(".scan"):
            alone = [d for d in load_file(path).raise_problems().definitions if d.value is not None]
            strategies += [(d.name, bound(d.value, grid)) for d in alone if d.value is not None]
        else:
            value = as_value(path, grid)
            strategies.append((value.name or definition, bound(value, grid)))
    return tuple(strategies)


def _model(table: Any, where: str) -> tuple[BackboneConfig, OwnModel | None]:
    """The sizes, over those of the published model that they are `like`, and the function that makes the models, whose
    arguments are all settings but those of the grid."""
    if not isinstance(table, dict):
        raise _wrong(where, "model must be a table")
    if "make" in table:
        options = {key: value for key, value in table.items() if key not in (*GRID_SETTINGS, "make")}
        model = own_model(table["make"], options)
        return _model({key: table[key] for key in GRID_SETTINGS if key in table}, where)[0], model
    own = {key: value for key, value in table.items() if key not in ("mixer", "like")}
    like = table.get("like")
    base = BackboneConfig() if like is None else published_config(_text(like, "like", f"{where}, [model]"))
    config = _values(base, own, f"{where}, [model]", also=("mixer", "like"))
    return replace(config, mixer=_values(base.mixer, table.get("mixer", {}), f"{where}, [model.mixer]")), None


def _values(base: Any, table: Any, where: str, also: tuple[str, ...] = ()) -> Any:
    """A dataclass with fields from a table in place of its own; what is of the wrong type is refused, lists become
    tuples."""
    kind = type(base)
    if not isinstance(table, dict):
        raise _wrong(where, "this must be a table")
    usual = {f.name: f.default for f in fields(kind) if f.default is not MISSING}
    _known(table, {*usual, *also}, where)
    chosen = {}
    for key, value in table.items():
        allowed = _NONE_AT_FIRST.get(key, (type(usual[key]),))
        # Patches and depths may be one number or several.
        allowed += (int,) if allowed == (float,) else (list,) if key in ("patch", "depth") else ()
        allowed = (list,) if allowed == (tuple,) else allowed
        _typed(key, value, allowed, where)
        kinds = int if key in ("patch", "depth") else str
        chosen[key] = _listed(value, kinds, key, where) if isinstance(value, list) else value
    return replace(base, **chosen)


def _recipe(table: Any, where: str) -> Recipe:
    """Settings of a training, over those of the published recipe that it is `like`."""
    if isinstance(table, dict) and "like" in table:
        published = published_recipe(_text(table["like"], "like", where))
        table = {**published, **{key: value for key, value in table.items() if key != "like"}}
    return _values(Recipe(), table, where)


def _variants(table: Table, where: str) -> list[tuple[str, Table]]:
    """The study as it is, then once more for every variant: what is added to the problems' names, and what changes."""
    variants: list[tuple[str, Table]] = [("", {})]
    for name, variant in table.get("variants", {}).items():
        if not isinstance(variant, dict):
            raise _wrong(where, f"variants.{name} must be a table")
        _check(variant, {k: v for k, v in _PROBLEM.items() if k != "name"}, f"{where}, [variants.{name}]")
        variants.append((f" / {name.replace('_', ' ')}", variant))
    return variants


def _check(table: Table, known: Mapping[str, tuple[type, ...]], where: str) -> None:
    _known(table, set(known), where)
    for key, value in table.items():
        _typed(key, value, known[key], where)


def _known(table: Table, known: set[str], where: str) -> None:
    for key in table:
        if key not in known:
            near = nearest(key, sorted(known))
            listed = " or ".join(f"`{n}`" for n in near) if near else ", ".join(sorted(known))
            word = "did you mean" if near else "it can set"
            # What is known elsewhere is only in the wrong place.
            place = next((f"[{name}]" for name, kind in _TABLES.items() if key in {f.name for f in fields(kind)}), "")
            help = f"it belongs in {place}" if place and not near else f"{word} {listed}{'?' if near else ''}"
            raise _wrong(where, f"`{key}` means nothing here", help)


def _typed(key: str, value: Any, allowed: tuple[type, ...], where: str) -> None:
    # True is an int to Python, and to nobody else.
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise _wrong(where, f"`{key}` is {value!r}", f"it must be {' or '.join(_WORDS[kind] for kind in allowed)}")


def _listed(values: Any, kind: type, name: str, where: str) -> tuple[Any, ...]:
    for value in values:
        _typed(f"{name}, an entry", value, (kind,), where)
    return tuple(values)


def _text(value: Any, name: str, where: str) -> str:
    _typed(name, value, (str,), where)
    return value


def _size(value: Any, where: str) -> tuple[int, ...] | None:
    return None if value is None else _listed(value, int, "size", where)


def _spacing(value: Any, where: str) -> tuple[float, ...] | None:
    if value is None:
        return None
    for number in value:
        _typed("spacing, an entry", number, (float, int), where)
    return tuple(map(float, value))


def _wrong(where: str, problem: str, help: str = "") -> ScanlabError:
    return ScanlabError.at("S610", f"{where}: {problem}", help=help)
