"""What Triton compiles a kernel for anew: the numbers that align accesses, and not the size of an image."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("triton")

# Triton's own binder, for the target of the offline compiler: the key of a launch, without a device.
KEYS = """
import json
from triton.backends.compiler import GPUTarget
from triton.compiler.compiler import make_backend
from triton.runtime.jit import create_function_from_signature
from scanlab.codegen.worker import _TYPES
from scanlab.kernels.gpu import convolution_ssd_variants, variants
from scanlab.kernels.gpu.launching import FREE
from scanlab.kernels.gpu.paths import patch_from_table

backend = make_backend(GPUTarget("cuda", 90, 32))
kernels = [v for m in (variants, convolution_ssd_variants) for v in m.variants(16, "bf16", patch_from_table)]
known = {name for v in kernels for name in v.signature}

def key(v, sizes):
    bind = create_function_from_signature(v.kernel.signature, v.kernel.params, backend)
    numbers = {name: v.constexprs.get(name, 16 if kind != "constexpr" else None) for name, kind in v.signature.items()}
    _, specialised, _ = bind(**numbers | {name: n for name, n in sizes.items() if name in v.signature})
    return str(specialised)

odd = dict.fromkeys(FREE, 7)
print(json.dumps({
    "unknown": sorted(FREE - known),
    "same": [v.name for v in kernels if key(v, odd) == key(v, dict.fromkeys(FREE, 1)) == key(v, {})],
    "kernels": [v.name for v in kernels],
    "by width": [v.name for v in kernels if "width" in v.signature and key(v, {"width": 100}) != key(v, {"width": 96})],
}))
"""


def test_another_image_or_another_batch_compiles_nothing() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run([sys.executable, "-c", KEYS], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["unknown"] == [] and len(answer["kernels"]) == 12
    assert answer["same"] == answer["kernels"]
    # Widths do align accesses: a kernel of words is not one of single numbers.
    assert len(answer["by width"]) == 9
