"""Names, keywords and values that were others before: the old ones work for one release, and warn of the new.

Modules that moved are in `scanlab.moved`.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

__all__ = [
    "read_name",
    "renamed_fields",
    "renamed_keywords",
    "renamed_names",
    "renamed_value",
    "spaced",
    "stored_name",
]

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type)


def _warn(old: str, new: str, stacklevel: int) -> None:
    warnings.warn(f"{old} is now {new}", DeprecationWarning, stacklevel=stacklevel + 1)


def renamed_names(module: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a module some of whose names were others: {old name: new name}.

    >>> import sys, types
    >>> sys.modules["menu"] = menu = types.ModuleType("menu")
    >>> menu.dish, menu.__getattr__ = "soup", renamed_names("menu", {"course": "dish"})
    >>> menu.course  # with a DeprecationWarning: menu.course is now menu.dish
    'soup'
    """

    def __getattr__(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        _warn(f"{module}.{name}", f"{module}.{names[name]}", stacklevel=2)
        return getattr(sys.modules[module], names[name])

    return __getattr__


def _with_new_keywords(owner: str, keywords: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Keywords as they are named now. Raises TypeError where a value is given under both names."""
    for old in [name for name in keywords if name in names]:
        new = names[old]
        if new in keywords:
            raise TypeError(f"{owner}: {old} is now {new}, and both are given")
        _warn(f"{owner}({old}=)", f"{owner}({new}=)", stacklevel=3)
        keywords[new] = keywords.pop(old)
    return keywords


def renamed_keywords(**names: str) -> Callable[[F], F]:
    """Decorate a function some of whose keywords were others: old="new".

    >>> @renamed_keywords(colour="hue")
    ... def paint(hue):
    ...     return hue
    >>> paint(colour="red")  # with a DeprecationWarning: paint(colour=) is now paint(hue=)
    'red'
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def call(*arguments: Any, **keywords: Any) -> Any:
            if keywords and any(old in keywords for old in names):
                keywords = _with_new_keywords(function.__qualname__, keywords, names)
            return function(*arguments, **keywords)

        return call  # pyright: ignore[reportReturnType]

    return decorate


def renamed_fields(**names: str) -> Callable[[C], C]:
    """Decorate a class some of whose fields were others: old keywords of its making and old attributes work on.

    >>> from dataclasses import dataclass
    >>> @renamed_fields(colour="hue")
    ... @dataclass(frozen=True)
    ... class Paint:
    ...     hue: str
    >>> Paint(colour="red").colour  # with two DeprecationWarnings
    'red'
    """

    def decorate(cls: C) -> C:
        make = cls.__init__

        @functools.wraps(make)
        def __init__(self: Any, *arguments: Any, **keywords: Any) -> None:
            if keywords and any(old in keywords for old in names):
                keywords = _with_new_keywords(cls.__name__, keywords, names)
            make(self, *arguments, **keywords)

        cls.__init__ = __init__
        for old, new in names.items():
            setattr(cls, old, property(_old_attribute(cls.__name__, old, new)))
        return cls

    return decorate


def _old_attribute(owner: str, old: str, new: str) -> Callable[[Any], Any]:
    def read(self: Any) -> Any:
        _warn(f"{owner}.{old}", f"{owner}.{new}", stacklevel=2)
        return getattr(self, new)

    return read


def renamed_value(value: Any, names: Mapping[str, str], of: str) -> Any:
    """A string value as it is written now: {old: new}. of: whose value it is, for the warning.

    >>> renamed_value("light red", {"light red": "light_red"}, "Paint.hue")  # with a DeprecationWarning
    'light_red'
    """
    if not isinstance(value, str) or value not in names:
        return value
    _warn(f"{of}={value!r}", f"{of}={names[value]!r}", stacklevel=2)
    return names[value]


def spaced(names: Iterable[str | None]) -> dict[str, str]:
    """For `renamed_value`: names of several words were written with spaces before.

    >>> spaced(["shared", "per_path", None])
    {'per path': 'per_path'}
    """
    return {stored_name(name): name for name in names if name and "_" in name}


def stored_name(name: str) -> str:
    """A name as files keep it, whatever it is in Python: keys of trials and weights of models outlive a spelling.

    >>> stored_name("per_path")
    'per path'
    """
    return name.replace("_", " ")


def read_name(name: str) -> str:
    """A name of ours that a file keeps, as `stored_name` gave it.

    >>> read_name("per path")
    'per_path'
    """
    return name.replace(" ", "_")
