"""Packages that a machine without a network lacks: fetched elsewhere as wheels, and unpacked where they are missing."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

__all__ = ["FOLDER", "unpack"]

FOLDER = Path(__file__).parent / "wheels"
# The first two are what `import scanlab` needs beside torch and Triton; the rest what the tests need. einops is what
# mamba_ssm's Triton kernels need.
PACKAGES = {
    "lark": ("lark",),
    "islpy": ("islpy",),
    "pytest": ("pytest", "pluggy", "iniconfig", "packaging", "pygments"),
    "hypothesis": ("hypothesis", "sortedcontainers"),
    "einops": ("einops",),
}


def unpack(target: Path) -> list[str]:
    """Unpack the wheels of packages that cannot be imported, those that fit this Python; their names, or why not."""
    lacking = {name: {p.lower() for p in wheels} for name, wheels in PACKAGES.items() if find_spec(name) is None}
    told = []
    for name, distributions in lacking.items():
        found = [w for w in sorted(FOLDER.glob("*.whl")) if w.name.split("-")[0].lower() in distributions and _fits(w)]
        for wheel in found:
            with ZipFile(wheel) as archive:
                archive.extractall(target)
        told.append(f"{name} from {', '.join(w.name for w in found)}" if found else f"{name}: no wheel for it")
    return told


def _fits(wheel: Path) -> bool:
    """Whether a wheel is for any Python, or for this one."""
    python, abi = wheel.stem.split("-")[-3:-1]
    here = f"cp{sys.version_info.major}{sys.version_info.minor}"
    least = re.fullmatch(r"cp3(\d+)", python)
    stable = abi == "abi3" and least is not None and int(least[1]) <= sys.version_info.minor
    return abi == "none" or stable or here in python.split(".")


def fetch(python: str) -> int:
    """Download the wheels for a version of Python on x86-64 Linux, with pip."""
    names = [name for wheels in PACKAGES.values() for name in wheels]
    platforms = [
        w for p in ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64") for w in ("--platform", p)
    ]
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--python-version", python]
    return subprocess.run([*pip, *platforms, "--dest", str(FOLDER), *names], check=False).returncode


if __name__ == "__main__":
    ask = argparse.ArgumentParser(description="Fetch the wheels that a GPU machine without a network lacks.")
    ask.add_argument("--python", default="3.12", help="the version of Python on that machine")
    sys.exit(fetch(ask.parse_args().python))
