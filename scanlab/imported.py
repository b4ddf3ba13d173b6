"""Code that a person brings: functions by import path or as entry points of installed packages, and their digest."""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import Any

from scanlab.ir.diagnostics import ScanlabError

__all__ = [
    "RAISED",
    "entry_named",
    "function_digest",
    "imported",
    "is_import_path",
    "path_of",
    "shown_traceback",
    "source_digest",
]

# What code of a person's own may raise: `sys.exit()` in it would end a whole study without a word.
RAISED = (Exception, SystemExit)
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_import_path(name: str) -> bool:
    """Whether a name is written as package.module:function.

    >>> is_import_path("mypackage.models:make"), is_import_path("classification")
    (True, False)
    """
    return bool(_PATH.fullmatch(name))


def entry_named(group: str, name: str) -> EntryPoint | None:
    """The entry point of a group and a name, None where no installed package has one."""
    return next(iter(entry_points(group=group, name=name)), None)


def imported(name: str, path: str, *, missing: str, broken: str, install: str) -> Any:
    """What an import path names; its module is looked for beside installed packages in the folder of the command.

    name: what the person wrote. missing: the code for what is not there; broken: for a module that raises; install: how
    to make it importable.
    """
    module, _, attribute = path.partition(":")
    _look_here()
    try:
        held = import_module(module)
    except ImportError as error:
        raise ScanlabError.at(missing, f"{name}: {module} cannot be imported: {error}", help=install) from error
    except RAISED as error:
        shown = "".join(traceback.format_exception(type(error), error, error.__traceback__)).strip()
        problem = f"{name}: {module} raised {error!r}"
        raise ScanlabError.at(broken, problem, note=shown, help="mend the module") from error
    if not hasattr(held, attribute):
        help = "name a function that the module has"
        raise ScanlabError.at(missing, f"{name}: {module} has no function {attribute}", help=help)
    return getattr(held, attribute)


def _look_here() -> None:
    # The command's own folder is where its Python files are, and not what it was started in.
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)


def shown_traceback(error: BaseException) -> str:
    """A traceback from the first line of the person's own code on."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__)[1:]).strip()


def source_digest(path: str) -> str:
    """16 hexadecimal digits of the SHA-256 of the file of an import path's module, "" where it has none.

    What the module imports is not seen, nor are files that it reads. The module itself is not run.

    >>> len(source_digest("scanlab.imported:imported"))
    16
    """
    _look_here()
    try:
        spec = find_spec(path.partition(":")[0])
        content = Path(spec.origin).read_bytes() if spec and spec.origin else b""
    except (ImportError, ValueError, OSError):
        return ""
    return _digits(content) if content else ""


def function_digest(*functions: Callable[..., Any] | None) -> str:
    """16 hexadecimal digits for functions given in Python: of their source, or of their byte code where there is none.

    What they call, and the values that they close over, are not seen.

    >>> function_digest(len) == function_digest(len), function_digest(lambda x: x) == function_digest(lambda y: 2 * y)
    (True, False)
    """
    return _digits("\n".join(_text(function) for function in functions).encode())


def _text(function: Callable[..., Any] | None) -> str:
    if function is None:
        return ""
    inner = getattr(function, "func", function)
    code = getattr(inner, "__code__", None)
    try:
        text = inspect.getsource(inner)
    except (OSError, TypeError):
        text = "" if code else repr(type(inner))
    # Several lambdas may stand on one line, and then have one source.
    if code is not None and (not text or code.co_name == "<lambda>"):
        text += _byte_code(code)
    parts = getattr(function, "args", ()), getattr(function, "keywords", {})
    return f"{text}{parts if inner is not function else ''}"


def _byte_code(code: CodeType) -> str:
    inner = [_byte_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return f"{code.co_code.hex()} {inner} {code.co_names}"


def _digits(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def path_of(function: Any) -> str:
    """The import path of a function or class that any process can import, "" for any other: a lambda, one of a notebook
    or of the script that runs, a method.

    >>> path_of(path_of), path_of(lambda: 0)
    ('scanlab.imported:path_of', '')
    """
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    path = f"{module}:{name}"
    if module in (None, "__main__") or not is_import_path(path):
        return ""
    held = getattr(sys.modules.get(str(module)), name, None)
    return path if held is function and source_digest(path) else ""
