"""A reader of pickles in which nothing can be run: what is no tensor becomes an empty object of no effect.

Training scripts save settings beside the weights: NumPy numbers, paths, dates, enumerations, classes of their own. To
read the weights none of them is needed, so none is imported or called.
"""

from __future__ import annotations

import pickle
import re
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch._weights_only_unpickler import _get_allowed_globals

__all__ = ["is_code", "read_inert"]

# Names of what holds data alone, in pickles of all ages. `_codecs.encode` is how old pickles write bytes.
_PLAIN = re.compile(
    r"numpy\.(dtype|ndarray|bool_?|u?int\d*|float\d*|(_?core|core)\.(multiarray\.(scalar|_reconstruct)|numeric\._frombuffer))"
    r"|numpy\.(dtypes|random)\.[\w.]+"
    r"|pathlib\.([\w.]+\.)?(Pure)?(Posix|Windows)?Path|datetime\.\w+|zoneinfo\.ZoneInfo\._unpickle|uuid\.\w+"
    r"|argparse\.Namespace|types\.SimpleNamespace|collections\.(\w+\.)?(OrderedDict|defaultdict|Counter|deque)|OrderedDict"
    r"|decimal\.Decimal|fractions\.Fraction|ipaddress\.\w+|re\._compile|array\.(array|_array_reconstructor)|enum\.\w+"
    r"|(logging|http|signal|socket|ssl|inspect)\.[A-Z]\w+|copy_?reg\.(_reconstructor|__newobj__|__newobj_ex__)|_codecs\.encode"
    r"|builtins\.(list|dict|tuple|set|frozenset|int|float|bool|str|bytes|bytearray|complex|slice|range|object|NoneType)"
    r"|torch\.(Size|device|dtype|layout|memory_format|_utils\.\w+|(storage\.)?\w*Storage|torch_version\.TorchVersion)"
    r"|torch\.(nn\.parameter\.Parameter|serialization\._get_layout|Generator)"
)
# A class that is the script's own, or another package's; functions are not written so.
_CLASS = re.compile(r"_*[A-Z]\w*")


class Inert(dict[Any, Any]):
    """Takes whatever a pickle gives an object, and keeps what it would put into a dict."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None: ...

    def append(self, _: Any) -> None: ...

    extend = add = append
    __hash__ = object.__hash__  # pyright: ignore[reportAssignmentType]
    __eq__ = object.__eq__


def _of_today(module: str, name: str) -> str:
    """The full name, of which old pickles hold the one in Python 2."""
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    return f"{module}.{name}"


def is_code(name: str) -> bool:
    """Whether a name that a pickle imports stands for something else than data: a function, or what holds functions."""
    name = _of_today(*name.rpartition(".")[::2])
    if _PLAIN.fullmatch(name) or name in _get_allowed_globals():
        return False
    root, last = name.split(".")[0], name.rpartition(".")[2]
    return root in {*sys.stdlib_module_names, "builtins", "torch", "numpy"} or not _CLASS.fullmatch(last)


def read_inert(path: Path) -> tuple[object, list[str]]:
    """The content of a file that torch.save wrote, and the names of the code that it asks for, none of which is run.

    Raises whatever torch.load does for a file that is broken.
    """
    asked: set[str] = set()

    class Unpickler(pickle.Unpickler):
        def find_class(self, module_name: str, global_name: str) -> Callable[..., Any]:
            name = _of_today(module_name, global_name)
            if name == "collections.OrderedDict":
                return OrderedDict
            vetted = _get_allowed_globals()
            if name in vetted:
                return vetted[name]
            if is_code(name):
                asked.add(name)
            return Inert

    def load(file: Any, **options: Any) -> Any:
        return Unpickler(file, **options).load()

    reader: Any = SimpleNamespace(Unpickler=Unpickler, load=load, __name__=__name__)
    content = torch.load(path, map_location="cpu", weights_only=False, pickle_module=reader)
    return content, sorted(asked)
