"""The strategy library: the ``.scan`` files installed as ``scanlab.strategies``, read once per process."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from scanlab.ir.diagnostics import ScanlabError, Source
from scanlab.language.module import Definition, Module, declared, read_module
from scanlab.language.parse import decode
from scanlab.language.scope import Template

__all__ = ["library_definitions", "library_modules", "library_sources", "library_templates"]


@cache
def library_sources() -> tuple[Source, ...]:
    """The library's files, in alphabetical order; each is named ``strategies/NAME.scan``."""
    folder = files("scanlab.strategies")
    scan_files = sorted((f for f in folder.iterdir() if f.name.endswith(".scan")), key=lambda f: f.name)
    return tuple(decode(f.read_bytes(), f"strategies/{f.name}") for f in scan_files)


@cache
def library_templates() -> dict[str, Template]:
    """Every definition of the library as written, by name. Raises ScanlabError where the library is broken."""
    templates: dict[str, Template] = {}
    problems = []
    for source in library_sources():
        own = declared(source, templates)
        templates.update(own.templates)
        problems += own.findings
    if problems:
        raise ScanlabError(tuple(problems))
    return templates


@cache
def library_modules() -> tuple[Module, ...]:
    """The library, file by file, with values."""
    return tuple(read_module(source, library_templates) for source in library_sources())


@cache
def library_definitions() -> dict[str, Definition]:
    """Every definition of the library by name. Raises ScanlabError where the library is broken."""
    for module in library_modules():
        module.raise_problems()
    return {d.name: d for module in library_modules() for d in module.definitions}
