"""What figures hold for: the command, the versions, the machine."""

from __future__ import annotations

import platform
import re
import shlex
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from scanlab.cpus import cores

__all__ = ["environment"]


def environment(packages: Iterable[str]) -> dict[str, object]:
    """The command (`scanlab …`, or the script that asks), the versions of Python and of those packages that are
    installed, and the processor.

    Absolute paths in the command are shortened to their names: results are shared, a user's folders are not.
    """
    return {
        "command": shlex.join([*_program(), *map(_shared, sys.argv[1:])]),
        "versions": {"python": platform.python_version(), **{p: v for p in packages if (v := _version(p))}},
        "device": f"{_processor()}, {cores()}, {platform.system()}",
    }


def _program() -> list[str]:
    """`scanlab`, also as `python -m scanlab`; a script by its folder and name."""
    script = Path(sys.argv[0])
    if script.suffix != ".py" or script.name == "__main__.py":
        return ["scanlab"]
    return ["python", f"{script.absolute().parent.name}/{script.name}"]


def _shared(argument: str) -> str:
    """An argument without the folders of an absolute path, also after `--option=`."""
    option, equals, value = argument.rpartition("=") if argument.startswith("--") else ("", "", argument)
    return option + equals + (Path(value).name if Path(value).is_absolute() else value)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    """The processor's name, where the system tells it."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", info.read_text(encoding="utf-8")) if info.is_file() else []
    return names[0] if names else platform.processor() or platform.machine()
