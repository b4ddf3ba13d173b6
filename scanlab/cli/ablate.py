"""``scanlab ablate``: a study from options or from a TOML file."""

from __future__ import annotations

import os
import shlex
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scanlab.cli.arguments import strategies
from scanlab.cli.output import console, print_json
from scanlab.compiler.bind import CompiledPlan, bind
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import BackboneSizes
from scanlab.study import ablate, report, table
from scanlab.study.result import StudyResult, conclusion
from scanlab.study.trial import Study
from scanlab.view.scene import scenes_of
from scanlab.view.svg import svg

__all__ = ["Overrides", "Settings", "run"]

_DEFAULT = "row;snake;hilbert;cross"


@dataclass(frozen=True)
class Settings:
    """What a study file can set; options of the command line win over it."""

    strategies: tuple[str, ...] = tuple(_DEFAULT.split(";"))
    seeds: int = 3
    epochs: int | None = None
    dataset: str = "digits"
    patch: int | None = None
    readout: str | None = None
    positions: bool | None = None
    convolution: bool | None = None


@dataclass(frozen=True)
class Overrides:
    """Options of the command line; "" and None leave what the file or the defaults say."""

    strategies: str = ""
    seeds: int | None = None
    epochs: int | None = None
    dataset: str = ""

    def applied(self, settings: Settings) -> Settings:
        """Settings with these in their place."""
        names = tuple(n.strip() for n in self.strategies.split(";") if n.strip())
        given = {"strategies": names, "seeds": self.seeds, "epochs": self.epochs, "dataset": self.dataset}
        return replace(settings, **{key: value for key, value in given.items() if value not in ((), "", None)})


def run(file: Path | None, overrides: Overrides, out: Path, workers: int, as_json: bool) -> None:
    """Train, print the table, and write the report."""
    settings = overrides.applied(Settings() if file is None else _read(file))
    study = _study(settings)
    result = _train(study, workers or os.cpu_count() or 1, quiet=as_json)
    page = report.write(result, out, _pictures(study), shlex.join(["scanlab", *sys.argv[1:]]))
    if as_json:
        print_json(result.to_json())
        return
    screen = console()
    screen.print(table.render(result))
    for sentence in conclusion(result):
        screen.print(sentence, soft_wrap=True)
    screen.print(f"wrote {page}", soft_wrap=True)


def _read(file: Path) -> Settings:
    """The settings in a TOML file. Raises S107 and S610."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ScanlabError.at("S107", f"cannot read {file}: {error}", help="give the path of a TOML file") from None
    except tomllib.TOMLDecodeError as error:
        raise ScanlabError.at("S610", f"{file} is no TOML: {error}") from None
    known = {f.name for f in fields(Settings)}
    unknown = sorted(set(data) - known)
    if unknown:
        raise ScanlabError.at(
            "S610", f"{file} sets `{unknown[0]}`, which means nothing", help=f"it can set {', '.join(sorted(known))}"
        )
    return _typed(data, file)


_KINDS = (
    ("dataset", str, "a string"),
    ("readout", str, "a string"),
    ("positions", bool, "true or false"),
    ("convolution", bool, "true or false"),
)


def _typed(data: Mapping[str, Any], file: Path) -> Settings:
    listed = data.get("strategies", list(Settings.strategies))
    if not isinstance(listed, list) or not all(isinstance(s, str) for s in listed):
        raise ScanlabError.at("S610", f"{file}: strategies must be a list of strings")
    for name in ("seeds", "epochs", "patch"):
        if name in data and (not isinstance(data[name], int) or isinstance(data[name], bool)):
            raise ScanlabError.at("S610", f"{file}: {name} must be a whole number")
    for name, kind, word in _KINDS:
        if not isinstance(data.get(name, kind()), kind):
            raise ScanlabError.at("S610", f"{file}: {name} must be {word}")
    return Settings(**{**data, "strategies": tuple(listed)})


def _study(settings: Settings) -> Study:
    from scanlab import data

    study = Study(strategies=(), seeds=tuple(range(settings.seeds)), dataset=settings.dataset)
    if settings.epochs is not None:
        study = replace(study, recipe=replace(study.recipe, epochs=settings.epochs))
    study = replace(study, sizes=_sizes(settings, study.sizes))
    extents = data.load(settings.dataset).images.shape[2:]
    grid = tuple(n // max(1, side) for n, side in zip(extents, study.sizes.patch_sides(len(extents)), strict=True))
    found = strategies(list(settings.strategies), "x".join(map(str, grid)))
    return replace(study, strategies=tuple((name, bind(value, grid)) for name, value in found))


def _sizes(settings: Settings, sizes: BackboneSizes) -> BackboneSizes:
    """The sizes of a study's model, with what the settings change."""
    chosen = {"patch": settings.patch, "readout": settings.readout}
    if settings.positions is not None:
        chosen["positions"] = "learned" if settings.positions else "none"
    if settings.convolution is not None:
        mixer = replace(sizes.mixer, convolution="grid" if settings.convolution else None)
        sizes = replace(sizes, mixer=mixer)
    return replace(sizes, **{name: value for name, value in chosen.items() if value is not None})


def _train(study: Study, workers: int, quiet: bool) -> StudyResult:
    screen = console(stderr=True)
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, disable=quiet or not screen.is_terminal, transient=True) as bar:
        task = bar.add_task("training")

        def heard(p: ablate.Progress) -> None:
            words = f"{p.strategy}, seed {p.seed}: {100 * p.accuracy:.1f} %"
            bar.update(task, completed=p.done, total=p.total, description=words)

        return ablate.run(study, heard, workers)


def _pictures(study: Study) -> dict[str, str]:
    """An SVG of each strategy's paths, for the report."""
    pictures = {}
    for name, plan in study.strategies:
        scans = plan.scans if isinstance(plan, CompiledPlan) else (plan,)
        pictures[name] = svg([scene for scan in scans for scene in scenes_of(scan)])
    return pictures
