"""Enough of torchvision for timm to import: torchvision's wheels need a torch of their own build beside them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from torch import nn

__all__ = ["TorchvisionStub"]


class _Names(type):
    """Of a class every name is a text: timm reads the members of an enumeration."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        return f"{cls.__name__}.{name}"


class _Module(ModuleType):
    """Every name in it is a class of no use: timm takes some as bases and in annotations."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _Names(name, (nn.Module,), {})
        setattr(self, name, made)
        return made


class TorchvisionStub(MetaPathFinder, Loader):
    """As a context: while it holds, torchvision and all below it are modules of that kind."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, is_package=True) if fullname.partition(".")[0] == "torchvision" else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""

    def __enter__(self) -> TorchvisionStub:
        sys.meta_path.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        sys.meta_path.remove(self)
