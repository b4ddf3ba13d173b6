"""What stands beside the weights: harmless values of every kind are passed over, code is refused, nothing is run."""

from __future__ import annotations

import argparse
import collections
import datetime
import decimal
import enum
import fractions
import functools
import os
import pathlib
import re
import subprocess
import types
import uuid
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.zoo.files import read_tensors
from scanlab.zoo.inert import read_inert

STATE = {"head.weight": torch.arange(6.0).reshape(2, 3), "head.bias": torch.tensor([1, -1])}


class Mode(enum.Enum):
    FAST = "fast"


class Flags(enum.IntFlag):
    A = 1
    B = 2


class Settings:
    """A script's own class, which is not there where the file is read."""

    def __init__(self) -> None:
        self.path, self.mode = Path("x"), Mode.FAST


class Attributes(dict):
    """A dict with attributes, as many configuration libraries have one."""


Pair = collections.namedtuple("Pair", "a b")

HARMLESS = {
    "numpy scalars": [np.float64(76.1), np.float32(1), np.int64(3), np.bool_(True), np.str_("a")],
    "numpy arrays": {"a": np.zeros(3), "b": np.array(["x"]), "dtype": np.dtype("f4"), "o": np.float32},
    "numpy random state": np.random.RandomState(0).get_state(),
    "numpy generators": [np.random.RandomState(0), np.random.default_rng(0)],
    "paths": [Path("x"), pathlib.PurePosixPath("a/b"), pathlib.PureWindowsPath("a")],
    "times": [datetime.datetime(2020, 1, 1), datetime.timedelta(1), datetime.date(2020, 1, 1), datetime.UTC],
    "numbers": [decimal.Decimal("1.5"), fractions.Fraction(1, 3), complex(1, 2), range(3), slice(1, 2)],
    "sets and bytes": [{1, 2}, frozenset({3}), b"abc", bytearray(b"x")],
    "namespaces": argparse.Namespace(out=Path("x"), mode=Mode.FAST, space=types.SimpleNamespace(a=1)),
    "enumerations": {Mode.FAST: [Flags.A | Flags.B]},
    "containers": [collections.defaultdict(list, a=[1]), collections.Counter("ab"), collections.deque([1])],
    "named tuples": Pair(1, 2),
    "of torch": [torch.Size([1]), torch.float16, torch.device("cpu"), torch.strided, torch.__version__],
    "own classes": [Settings(), Attributes(a=1)],
    "others": [uuid.UUID(int=1), re.compile("a+")],
}
SAVERS = {
    "zip": torch.save,
    "protocol 4": lambda content, path: torch.save(content, path, pickle_protocol=4),
    "before torch 1.6": lambda content, path: torch.save(content, path, _use_new_zipfile_serialization=False),
}


@pytest.mark.parametrize("saver", SAVERS.values(), ids=SAVERS)
@pytest.mark.parametrize("value", HARMLESS.values(), ids=HARMLESS)
def test_harmless_values_are_passed_over(value: object, saver, tmp_path: Path) -> None:
    saver({"model": STATE, "args": value, "epoch": 3}, tmp_path / "a.pth")
    tensors, _ = read_tensors(tmp_path / "a.pth")
    assert tensors.keys() == STATE.keys() and all(torch.equal(tensors[k], t) for k, t in STATE.items())


@pytest.mark.parametrize("kind", [collections.OrderedDict, Attributes, lambda s: collections.defaultdict(list, s)])
def test_weights_in_other_dicts(kind, tmp_path: Path) -> None:
    torch.save({"state_dict": kind(STATE), "best": np.float32(1)}, tmp_path / "a.pth")
    tensors, _ = read_tensors(tmp_path / "a.pth")
    assert all(torch.equal(tensors[k], t) for k, t in STATE.items())


def test_nothing_is_imported_or_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"model": STATE, "args": [Settings(), Mode.FAST]}, tmp_path / "a.pth")
    monkeypatch.setattr(Settings, "__setstate__", lambda *_: pytest.fail("it was called"), raising=False)
    monkeypatch.setattr(Mode, "__new__", lambda *_: pytest.fail("it was called"))
    content, code = read_inert(tmp_path / "a.pth")
    assert not code and isinstance(content, dict)
    assert not any(isinstance(value, Settings | Mode) for value in content["args"])


class Hostile:
    def __init__(self, *call: object) -> None:
        self.call = call

    def __reduce__(self):
        function, *arguments = self.call
        return function, tuple(arguments)


def arm(path: str) -> None:
    Path(path).touch()


CODE = {
    "exec": lambda marker: Hostile(exec, f"open({marker!r}, 'w')"),
    "eval": lambda marker: Hostile(eval, f"open({marker!r}, 'w')"),
    "getattr": lambda marker: Hostile(getattr, Path(marker), "touch"),
    "open": lambda marker: Hostile(open, marker, "w"),
    "os": lambda marker: Hostile(os.mkdir, marker),
    "a process": lambda marker: Hostile(subprocess.Popen, ["touch", marker]),
    "partial": lambda marker: functools.partial(os.mkdir, marker),
    "numpy": lambda marker: Hostile(np.save, marker, 1),
    "torch": lambda marker: Hostile(torch.save, 1, marker),
    "own function": lambda marker: Hostile(arm, marker),
    "in harmless ones": lambda marker: argparse.Namespace(a=[{Mode.FAST: Hostile(os.mkdir, marker)}], b=np.float32(1)),
}


@pytest.mark.parametrize("saver", SAVERS.values(), ids=SAVERS)
@pytest.mark.parametrize("make", CODE.values(), ids=CODE)
def test_code_is_refused_by_name_and_not_run(make, saver, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    saver({"model": STATE, "args": make(str(marker)), "best": np.float64(1)}, tmp_path / "a.pth")
    with pytest.raises(ScanlabError) as caught:
        read_tensors(tmp_path / "a.pth")
    assert caught.value.code == "S640" and "nothing of it was run" in str(caught.value)
    assert "numpy._core" not in str(caught.value), "what is harmless is not accused"
    assert not marker.exists()


def _text(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def test_code_behind_a_harmless_name_is_found_by_the_reader_itself(tmp_path: Path) -> None:
    """The words before a STACK_GLOBAL may be others than those that it takes from the stack."""
    marker = tmp_path / "marker"
    module, function = os.mkdir.__module__, "mkdir"
    pickled = b"\x80\x04" + _text(module) + b"\x94" + _text(function) + b"\x94" + b"00" + b"h\x00h\x01"
    pickled += b"N" + _text("pathlib") + _text("PosixPath") + b"000" + b"\x93" + _text(str(marker)) + b"\x85R."
    torch.save({"model": STATE}, tmp_path / "whole.pth")
    with zipfile.ZipFile(tmp_path / "whole.pth") as whole, zipfile.ZipFile(tmp_path / "a.pth", "w") as armed:
        for entry in whole.namelist():
            content = pickled if entry.endswith("data.pkl") else whole.read(entry)
            armed.writestr(entry.replace("whole/", "a/"), content)
    with pytest.raises(ScanlabError) as caught:
        read_tensors(tmp_path / "a.pth")
    assert caught.value.code in ("S640", "S641") and not marker.exists()
    _, code = read_inert(tmp_path / "a.pth")
    assert code == [f"{module}.mkdir"] and not marker.exists()
