"""Compile what a stub has recorded, in many processes, under the keys that launches will ask Triton's cache for.

A record names a kernel, its signature, constants, attributes and options. One that no longer fits the kernel's text, as
after an edit that renamed an argument, is stale: it is counted and named, and the rest is compiled.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from .processes import Job
from .results import Results
from .settings import Settings

__all__ = ["Stale", "compile_jobs", "read_records", "source_of"]

Record = dict[str, Any]
# In this order: what runs first, and of it what takes longest.
TAGS = ("smoke", "shapes", "models", "tests", "variants")


class Stale(Exception):
    """A record does not fit the kernels as they are now."""


def read_records(folder: Path, tags: Sequence[str] = TAGS) -> list[Record]:
    """The records of a folder with one of these tags, each once, most important first."""
    found: dict[str, Record] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            key = json.dumps({k: v for k, v in record.items() if k != "tag"}, sort_keys=True)
            if record["tag"] in tags and _place(record) < _place(found.get(key)):
                found[key] = record
    return sorted(found.values(), key=lambda r: (_place(r), "backward" not in r["kernel"]))


def _place(record: Record | None) -> int:
    return len(TAGS) if record is None else TAGS.index(record["tag"])


def compile_jobs(run: Settings, tags: Sequence[str], seconds: float) -> list[Job]:
    """A job for each processor; they take one record after another, so that none waits for another's."""
    records = read_records(run.records, tags)
    taken = multiprocessing.get_context("fork").Value("i", 0)
    work = partial(_compile_some, run, records, taken)
    return [Job(f"compiler {number + 1}", work, seconds) for number in range(min(run.jobs, len(records)))]


def _compile_some(run: Settings, records: Sequence[Record], taken: Any) -> None:
    results = Results(run.out)
    while True:
        with taken.get_lock():
            number, taken.value = taken.value, taken.value + 1
        if number >= len(records):
            return
        record = records[number]
        facts = {"kernel": record["kernel"].split(":")[1], "tag": record["tag"], "of": len(records)}
        try:
            results.note("compiled", **facts, **_compiled(record))
        except Stale as error:
            results.note("compiled", **facts, stale=str(error))
        except Exception as error:  # compilers raise whatever they like
            results.note("compiled", **facts, error=f"{type(error).__name__}: {error}"[:300])


def _compiled(record: Record) -> dict[str, Any]:
    import triton
    from triton import knobs
    from triton.backends.compiler import GPUTarget

    source = source_of(record)
    began, hits = time.perf_counter(), list[bool]()
    knobs.compilation.listener = lambda **told: hits.append(told["cache_hit"])
    triton.compile(source, target=GPUTarget("cuda", record["arch"], 32), options=dict(record["options"]))
    return {"seconds": round(time.perf_counter() - began, 2), "from_cache": any(hits)}


def source_of(record: Record) -> Any:
    """What Triton compiles for a record. Raises Stale."""
    from triton.compiler import ASTSource

    kernel = _function(record["kernel"])
    if list(record["signature"]) != kernel.arg_names:
        changed = sorted(set(record["signature"]) ^ set(kernel.arg_names))
        raise Stale(f"{record['kernel']} has other arguments now: {', '.join(changed) or 'in another order'}")
    constants = {tuple(path): _value(value) for path, value in record["constants"]}
    attributes = {tuple(path): value for path, value in record["attributes"]}
    return ASTSource(kernel, record["signature"], constants, attributes)


def _value(value: Any) -> Any:
    readers: dict[str, Callable[[Any], Any]] = {"function": _function, "constexpr": _constexpr, "dtype": _dtype}
    if not isinstance(value, dict):
        return value
    [(kind, content)] = value.items()
    return readers[kind](content)


def _function(name: str) -> Any:
    """A kernel or a path function; those that were generated lie in the cache of generated code."""
    module, function = name.split(":")
    try:
        if module.startswith("scanlab_paths."):
            from scanlab.codegen import load

            return load(function)
        return getattr(import_module(module), function)
    except Exception as error:  # gone, renamed, or generated for a test that has ended
        raise Stale(f"{name} cannot be found: {type(error).__name__}") from error


def _constexpr(value: Any) -> Any:
    from triton.language import constexpr

    return constexpr(value)


def _dtype(value: str) -> Any:
    from triton.language import dtype

    return dtype(value)
