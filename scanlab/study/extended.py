"""Study files over study files: what one says in place of another, and what the command line says in place of both."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanlab.ir.diagnostics import ScanlabError

if TYPE_CHECKING:
    from scanlab.study.settings import Settings

__all__ = ["assignments", "beside", "extended", "overlaid", "placed", "said"]

Table = Mapping[str, Any]
EXTENDS = "extends"
# Tables within a table are overlaid key by key; all other values take the place of what was there.
NESTED = ("model", "recipe", "mixer")


def overlaid(below: Table, above: Table, nested: tuple[str, ...] = NESTED) -> dict[str, Any]:
    """One table over another; of tables within that are called so, key by key.

    >>> overlaid({"seeds": 3, "recipe": {"epochs": 5, "batch": 8}}, {"recipe": {"epochs": 9}})
    {'seeds': 3, 'recipe': {'epochs': 9, 'batch': 8}}
    """
    made = dict(below)
    for key, value in above.items():
        both = key in nested and isinstance(value, dict) and isinstance(made.get(key), dict)
        made[key] = overlaid(made[key], value, nested) if both else value
    return made


def extended(file: Path, read: Callable[[Path], Settings]) -> Settings:
    """A study file over those that it extends, the nearest last; paths in each are relative to its own folder.

    Strategies, problems, controls and the like are whole: a file that sets them sets all of them. What a file sets for
    all problems goes before what a file below sets for one. Raises S610 for files
    that extend one another in a circle, and what `read` raises.
    """
    chain: list[Path] = []
    tables: list[Table] = []
    place, own = file, read(file)
    given = own
    while True:
        chain.append(place.resolve())
        base = given.table.get(EXTENDS)
        rest = {key: value for key, value in given.table.items() if key != EXTENDS}
        tables.append(placed(rest, given.folder) if tables else rest)
        if base is None:
            break
        if not isinstance(base, str):
            raise ScanlabError.at("S610", f"{place}: `{EXTENDS}` is {base!r}", help="name one study file")
        place = given.folder / base
        if place.resolve() in chain:
            shown = " extends ".join(link.name for link in (*chain, place))
            raise ScanlabError.at("S610", f"study files extend one another in a circle: {shown}")
        given = read(place)
    table: Table = {}
    for each in reversed(tables):
        table = _over(table, each)
    return replace(own, table=dict(table))


def _over(below: Table, above: Table) -> dict[str, Any]:
    made = overlaid(below, above)
    if isinstance(below.get("problem"), list) and "problem" not in above:
        made["problem"] = [
            overlaid(own, {key: above[key] for key in above if key in own}) if isinstance(own, dict) else own
            for own in below["problem"]
        ]
    return made


def placed(table: Table, folder: Path) -> dict[str, Any]:
    """A table whose data and files of strategies are those beside its own file, where they are there."""
    made = dict(table)
    if isinstance(made.get("dataset"), str):
        made["dataset"] = beside(made["dataset"], folder)
    if isinstance(made.get("strategies"), list):
        made["strategies"] = [beside(each, folder) if isinstance(each, str) else each for each in made["strategies"]]
    for key in ("problem", "variants"):
        if isinstance(made.get(key), list):
            made[key] = [placed(each, folder) if isinstance(each, dict) else each for each in made[key]]
        elif isinstance(made.get(key), dict):
            made[key] = {k: placed(each, folder) if isinstance(each, dict) else each for k, each in made[key].items()}
    return made


def beside(name: str, folder: Path) -> str:
    """A file or folder named in a study file lies beside it, or else where the command runs."""
    path, _, part = name.partition(".scan:")
    file = folder / (f"{path}.scan" if part else name)
    return f"{file}:{part}" if part and file.exists() else str(file) if file.exists() else name


def said(options: Table) -> dict[str, Any]:
    """The options of a command that say something: None and empty ones do not.

    >>> said({"seeds": 0, "task": "", "limit": None})
    {'seeds': 0}
    """
    empty = (str, tuple)
    return {
        key: value for key, value in options.items() if value is not None and (value or not isinstance(value, empty))
    }


def assignments(words: Iterable[str]) -> dict[str, Any]:
    """Settings from a command line: `recipe.epochs=3 model.mixer.state=8 dataset=digits`, their values as TOML writes
    them, or bare words. Raises S610 for words that set nothing.

    >>> assignments(["recipe.epochs=3", "model.patch=[16, 8]", "dataset=digits", "unequal=true"])
    {'recipe.epochs': 3, 'model.patch': [16, 8], 'dataset': 'digits', 'unequal': True}
    """
    made: dict[str, Any] = {}
    for word in words:
        key, sign, text = word.partition("=")
        key, text = key.strip(), text.strip()
        if not sign or not key or not text:
            help = "write a key of a study file and its value, as in recipe.epochs=3"
            raise ScanlabError.at("S610", f"{word!r} on the command line sets nothing", help=help)
        if key in made:
            raise ScanlabError.at("S610", f"{key} is set twice on the command line", help="leave one")
        try:
            made[key] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            made[key] = text
    return made
