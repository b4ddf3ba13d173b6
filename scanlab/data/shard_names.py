"""Names of tar shards: numbered ones in braces, folders, and the parts that they are called after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from scanlab.data.listing import listing_of
from scanlab.data.notes import listed
from scanlab.data.places import part_of
from scanlab.ir.diagnostics import ScanlabError
from scanlab.places import expand_home

__all__ = ["expanded", "is_shards", "shards_by_part"]

_BRACES = re.compile(r"\{([^{}]*)\}")
_NUMBERS = re.compile(r"(\d+)\.\.(\d+)")
# Between the names of several sets of shards, as webdataset has it.
AND = "::"
_PACKED = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst")


def is_shards(name: str) -> bool:
    """Whether a name is one of tar files: NAME.tar, NAME-{000..099}.tar, several with :: between them; or of a folder
    that holds nothing but such and text beside them, perhaps by part."""
    if (path := expand_home(name)).is_dir():
        return _holds_shards(path)
    return all(_BRACES.sub("", some).lower().endswith((".tar", *_PACKED)) for some in name.split(AND))


def shards_by_part(name: str) -> dict[str, list[Path]]:
    """The shards of every part, in their order. A part is told by the folder of a shard or a word of its name, as in
    train-000000.tar; those of one part alone are "train". Raises S846 for shards that are not there."""
    path = expand_home(name)
    files = sorted(_below(path)) if path.is_dir() else [expand_home(some) for some in expanded(name)]
    if packed := [file for file in files if file.name.lower().endswith(_PACKED)]:
        help = "unpack it: in plain tar files any sample can be read at any time"
        raise ScanlabError.at("S846", f"{packed[0]} is compressed", help=help)
    if missing := [file for file in files if not file.is_file()]:
        raise ScanlabError.at("S846", f"there is no {listed(missing)}", help="see where the shards lie, and how many")
    within = path.is_dir()
    parts = [_part(file, within and file.parent != path) for file in files]
    if len(set(parts)) < 2:
        return {"train": files}
    if "" in parts or "train" not in parts:
        odd = files[parts.index("")] if "" in parts else files[0]
        problem = f"shards of {name} are called after parts, and {odd.name} is not, or none is to train on"
        raise ScanlabError.at("S846", problem, help="call each after train, val or test")
    return {part: [f for f, own in zip(files, parts, strict=True) if own == part] for part in sorted(set(parts))}


def expanded(name: str) -> list[str]:
    """Every name that one with braces stands for. Raises S846 for braces that mean nothing.

    >>> expanded("a-{08..10}.tar"), expanded("{train,val}.tar::b.tar")
    (['a-08.tar', 'a-09.tar', 'a-10.tar'], ['train.tar', 'val.tar', 'b.tar'])
    """
    return [made for some in name.split(AND) for made in _expanded(some)]


def _expanded(name: str) -> Iterator[str]:
    pieces = _BRACES.split(name)
    if any(mark in piece for piece in pieces[::2] for mark in "{}"):
        help = "write them as in shard-{000000..000099}.tar"
        raise ScanlabError.at("S846", f"{name} has braces within braces, or without an end", help=help)
    for chosen in product(*(_choices(name, piece) for piece in pieces[1::2])):
        yield "".join(plain + some for plain, some in zip(pieces[::2], (*chosen, ""), strict=True))


def _choices(name: str, inside: str) -> list[str]:
    if numbers := _NUMBERS.fullmatch(inside):
        first, last = numbers.groups()
        if int(first) > int(last):
            raise ScanlabError.at("S846", f"{name} counts from {first} to {last}", help="write the smaller one first")
        return [f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1)]
    if "," not in inside:
        help = "write them as in shard-{000000..000099}.tar"
        raise ScanlabError.at("S846", f"{name} has {{{inside}}}, which stands for no names", help=help)
    return [some.strip() for some in inside.split(",")]


def _part(shard: Path, by_folder: bool) -> str:
    if by_folder and (part := part_of(shard.parent.name)):
        return part
    named = {part for word in re.split(r"[-_.\s]", shard.stem) if (part := part_of(word))}
    if len(named) > 1:
        raise ScanlabError.at("S846", f"{shard.name} is called after {listed(sorted(named))}", help="name one part")
    return named.pop() if named else part_of(shard.parent.name)


def _holds_shards(folder: Path) -> bool:
    content = listing_of(folder)
    places = [folder / name for name in content.folders]
    tars = any(name.lower().endswith(".tar") for name in content.files)
    beside = all(name.lower().endswith((".tar", ".txt", ".json", ".md", ".idx")) for name in content.files)
    if not beside or not all(part_of(place.name) and _holds_shards(place) for place in places):
        return False
    return tars or bool(places)


def _below(folder: Path) -> Iterator[Path]:
    content = listing_of(folder)
    yield from (folder / name for name in content.files if name.lower().endswith(".tar"))
    for name in content.folders:
        yield from _below(folder / name)
