"""Where in tar shards every sample lies: an index by which any of them is read without those before it."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.ir.diagnostics import ScanlabError
from scanlab.places import draft_of, user_caches

__all__ = ["PICTURES", "ShardIndex", "indexed", "member_content"]

# What pictures of a sample are called behind the first dot of its name; TIFF may hold what Pillow misreads.
PICTURES = ("jpg", "jpeg", "png", "webp", "ppm", "pgm", "bmp", "gif", "jp2", "avif")
BLOCK = 512
# Of a kept index: another form of it needs another number.
FORM = 1
# Where a JSON file beside a picture may have the class.
_KEYS = ("cls", "class", "label", "target", "class_id", "class_name")
_SPLIT = re.compile(r"((?:.*/)?[^/.]+)\.([^/]*)")


@dataclass(frozen=True, eq=False)
class ShardIndex:
    """The samples of a shard, in its order: names of the pictures in it, bytes [M]; where their content begins and how
    long it is, int64 [M]; labels as they are written, str [M]. read: the file beside a picture that labels are from."""

    names: NDArray[np.bytes_]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    labels: NDArray[np.str_]
    read: NDArray[np.str_]


def indexed(shard: Path) -> ShardIndex:
    """The index of a shard, kept among the user's caches for as long as its size and time stay what they are.

    Raises S844 for a shard that is cut short, and S845 for one that holds no samples with their classes.
    """
    state = shard.stat()
    known = f"{FORM} {shard.absolute()} {state.st_size} {state.st_mtime_ns}"
    try:
        kept = user_caches() / "shards" / f"{hashlib.sha256(known.encode()).hexdigest()[:32]}.npz"
        if kept.exists():
            with np.load(kept, allow_pickle=False) as arrays:
                return ShardIndex(**{field.name: arrays[field.name] for field in fields(ShardIndex)})
    except (OSError, ValueError, KeyError, EOFError):
        # Without a home, or with a file that is damaged, it is made anew.
        kept = None
    made = _made(shard, state.st_size)
    try:
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            with draft_of(kept) as draft, draft.open("wb") as file:
                np.savez(file, **{field.name: getattr(made, field.name) for field in fields(ShardIndex)})
    except OSError:
        # It is made again the next time.
        pass
    return made


def member_content(shard: Path, name: str, start: int, size: int) -> bytes:
    """The content of a picture in a shard. Raises S844 where the shard ends before it."""
    try:
        with shard.open("rb") as file:
            file.seek(start)
            content = file.read(size)
    except OSError as error:
        raise ScanlabError.at("S844", f"{shard} cannot be read: {error.strerror or error}", help=_AGAIN) from None
    if len(content) < size:
        raise _cut(shard, f"it ends within {name}")
    return content


_AGAIN = "fetch the shard again; see that the disk is there"


def _made(shard: Path, size: int) -> ShardIndex:
    members: dict[str, dict[str, tarfile.TarInfo]] = {}
    end = 0
    try:
        with tarfile.open(shard, "r:") as tar:
            for member in tar:
                end = max(end, member.offset_data + -(-member.size // BLOCK) * BLOCK if member.isreg() else tar.offset)
                split = _SPLIT.fullmatch(member.name)
                if not member.isreg() or split is None or PurePosixPath(member.name).name.startswith("."):
                    continue
                key, kind = split[1], split[2].lower()
                if kind in members.setdefault(key, {}):
                    problem = f"{shard} holds {member.name} twice"
                    raise ScanlabError.at("S845", problem, help="give every sample a name of its own")
                members[key][kind] = member
            _check_end(shard, end, size, members)
            return _samples(shard, tar, members)
    except tarfile.ReadError as error:
        if end or size % BLOCK or "unexpected end" in str(error):
            raise _cut(shard, str(error)) from None
        problem = f"{shard} cannot be read as a tar file: {error}"
        raise ScanlabError.at(
            "S844", problem, help="give plain tar files: compressed ones have to be unpacked"
        ) from None


def _check_end(shard: Path, end: int, size: int, members: dict[str, dict[str, tarfile.TarInfo]]) -> None:
    """Raise S844 for a shard without the block of zeros that every tar file ends with: more was to come."""
    if end > size:
        last = max((m for some in members.values() for m in some.values()), key=lambda m: m.offset, default=None)
        raise _cut(shard, f"it ends within {last.name}" if last else "it ends within a file")
    with shard.open("rb") as file:
        file.seek(end)
        block = file.read(BLOCK)
    if len(block) < BLOCK or block.strip(b"\0"):
        raise _cut(shard, "it has no end mark" if not block else f"what stands at byte {end:,} is no file of it")


def _cut(shard: Path, how: str) -> ScanlabError:
    return ScanlabError.at("S844", f"{shard} is cut short or damaged: {how}", help="fetch or write this shard again")


def _samples(shard: Path, tar: tarfile.TarFile, members: dict[str, dict[str, tarfile.TarInfo]]) -> ShardIndex:
    pictures = {key: [kind for kind in kinds if kind in PICTURES] for key, kinds in members.items()}
    if odd := [key for key, kinds in pictures.items() if len(kinds) != 1]:
        kinds = ", ".join(f".{kind}" for kind in members[odd[0]])
        what = "several pictures" if pictures[odd[0]] else "no picture"
        expected = f"expected one of {', '.join(PICTURES[:4])}, … and .cls or .json for every name"
        inner = "; it holds tar files: unpack it first" if "tar" in members[odd[0]] else ""
        raise ScanlabError.at("S845", f"{shard} has {what} for {odd[0]}, but {kinds}{inner}", help=expected)
    if not members:
        raise ScanlabError.at("S845", f"{shard} holds no samples", help="expected NAME.jpg with NAME.cls or NAME.json")
    read = next((kind for kind in ("cls", "json") if all(kind in kinds for kinds in members.values())), "")
    if not read:
        lacking = next(key for key, kinds in members.items() if not {"cls", "json"} & set(kinds))
        problem = f"{shard} has no class for {lacking}"
        raise ScanlabError.at("S845", problem, help="write NAME.cls with it, or NAME.json with a key label, for all")
    labels, taken = _labels(shard, tar, members, read)
    chosen = [members[key][kinds[0]] for key, kinds in pictures.items()]
    return ShardIndex(
        np.array([member.name.encode() for member in chosen]),
        np.array([member.offset_data for member in chosen], np.int64),
        np.array([member.size for member in chosen], np.int64),
        np.array(labels),
        np.array([taken]),
    )


def _labels(
    shard: Path, tar: tarfile.TarFile, members: dict[str, dict[str, tarfile.TarInfo]], read: str
) -> tuple[list[str], str]:
    """The class of every sample as it is written, and where."""
    texts = [_text(shard, tar, kinds[read]) for kinds in members.values()]
    if read == "cls":
        return texts, ".cls"
    tables = [_table(shard, key, text) for key, text in zip(members, texts, strict=True)]
    keys = [key for key in _KEYS if all(key in table for table in tables)]
    if len(keys) != 1:
        what = f"the keys {', '.join(keys)}, each of which may be the class" if keys else "no key for the class"
        known = ", ".join(_KEYS)
        raise ScanlabError.at(
            "S845", f"{shard} has JSON files with {what}", help=f"write one of {known}, or .cls files"
        )
    values = [table[keys[0]] for table in tables]
    if odd := [value for value in values if isinstance(value, bool) or not isinstance(value, int | str)]:
        problem = f"{shard} has JSON files whose {keys[0]} is {odd[0]!r}"
        raise ScanlabError.at("S845", problem, help="write a whole number or a word: one class per sample")
    return [str(value) for value in values], f"{keys[0]} in .json"


def _text(shard: Path, tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file: Any = tar.extractfile(member)
    try:
        return file.read().decode().strip()
    except UnicodeDecodeError:
        help = "write classes as UTF-8"
        raise ScanlabError.at("S845", f"{member.name} in {shard} is no text", help=help) from None


def _table(shard: Path, key: str, text: str) -> dict[str, Any]:
    try:
        table = json.loads(text)
    except ValueError as error:
        raise ScanlabError.at("S845", f"{key}.json in {shard} is no JSON: {error}", help="write it again") from None
    return table if isinstance(table, dict) else {}
