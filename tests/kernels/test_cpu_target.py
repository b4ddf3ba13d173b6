"""What kernels are compiled for decides on lanes and instructions, and every way to convert float16 is exact."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

x86 = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the processors are x86's")

SHOW = "from scanlab.kernels.cpu.target import TARGET as t; print(t.width, t.scalef, t.halves)"
EXACT = """
import numpy as np
from numba import njit
from scanlab.kernels.cpu.elementary import exp2, softplus
from scanlab.kernels.cpu.lanes import WIDTH, load, store
@njit
def moved(x, out):
    for i in range(0, x.size, WIDTH):
        store(out, i, min(WIDTH, x.size - i), load(x, i, min(WIDTH, x.size - i)))
@njit
def powers(x, out):
    for i in range(0, x.size, WIDTH):
        store(out, i, WIDTH, softplus(exp2(load(x, i, WIDTH))))
every = np.arange(65536, dtype=np.uint16)
wide = np.empty(65536, np.float32)
moved(every, wide)
np.testing.assert_array_equal(wide, every.view(np.float16).astype(np.float32))
assert np.array_equal(np.signbit(wide), np.signbit(every.view(np.float16)))
draw = np.random.default_rng(0)
numbers = np.concatenate([
    draw.integers(0, 2**32, 200_000, dtype=np.uint32).view(np.float32),
    (draw.standard_normal(100_000) * 10.0 ** draw.uniform(-9, 5, 100_000)).astype(np.float32),
    wide, np.nextafter(wide, np.float32(np.inf)), np.nextafter(wide, np.float32(-np.inf)),
    (np.arange(4100) * 2.0**-26).astype(np.float32),  # halfway between the small ones, and beside
    np.float32([65504, 65519.996, 65520, 65535, 1e38, np.inf, -np.inf, 2**-25, 2**-24 * 1.5, -0.0]),
])
narrow = np.empty(numbers.size, np.uint16)
moved(numbers, narrow)
with np.errstate(over="ignore"):
    wanted = numbers.astype(np.float16)
np.testing.assert_array_equal(narrow.view(np.float16), wanted)
assert np.array_equal(np.signbit(narrow.view(np.float16))[~np.isnan(wanted)], np.signbit(wanted)[~np.isnan(wanted)])
x = np.linspace(-10, 10, 4096, dtype=np.float32)
out = np.empty_like(x)
powers(x, out)
assert np.abs(out / np.logaddexp(0, 2.0 ** x.astype(float)) - 1).max() < 2e-6
print("exact")
"""


def _run(code: str, **settings: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")} | settings
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@x86
@pytest.mark.parametrize(
    "name, wanted",
    [
        ("generic", "4 False False"),
        ("sandybridge", "4 False False"),
        ("ivybridge", "4 False True"),
        ("haswell", "8 False True"),
        ("skylake-avx512", "16 True True"),
    ],
)
def test_the_processor_that_is_named_decides(name: str, wanted: str) -> None:
    assert _run(SHOW, NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES="") == wanted


@x86
def test_features_decide_as_well() -> None:
    assert _run(SHOW, NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES="-f16c,-avx2") == "4 False False"


@pytest.mark.parametrize("settings", [{}, {"NUMBA_CPU_NAME": "generic"}], ids=["this processor", "generic"])
def test_conversions_are_exact_on_every_processor(settings: dict[str, str]) -> None:
    assert _run(EXACT, **settings) == "exact"
