"""Every published array of selective scans on every backend: values, last states and all gradients, both precisions.

The arrays are of state-spaces/mamba, VMamba and a whole Mamba-1 block; a few small ones are copied, see
../golden/SELECTIVE_SCAN.md, the rest is in ../shared.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import scanlab
from scanlab.ops import selective_scan, selective_scan_fn
from scanlab.ops.conv.api import causal_conv1d

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "../shared/golden/selective_scan"
COPIES = np.load(HERE.parent / "golden" / "published_scans.npz")
COPIED = sorted({key.split("/")[0] for key in COPIES.files})
SINGLE = sorted(file.stem for file in SHARED.glob("selective_scan_*.npz"))
BLOCKS = sorted(file.name.removesuffix(".io.npz") for file in SHARED.glob("mamba1_block_*.io.npz"))
CROSS = {"cross2d": "cross", "unidi": "vmamba_unidirectional", "bidi": "vmamba_bidirectional"}
BACKENDS = ("reference", "cpu", "triton")
# Relative to the largest value of an array: both sides add up in their own order.
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-11}
MOST_INTERPRETED_STEPS = 7
_missing = pytest.mark.skip(reason="needs the whole set in ../shared/golden/selective_scan")


def shared(names):
    """The names to test, or one that is skipped."""
    return names or [pytest.param("", marks=_missing)]


def prepare(backend: str, dtype: torch.dtype, length: int) -> None:
    if dtype == torch.float64 and backend != "reference":
        pytest.skip(f"the backend {backend} takes no float64")
    if backend == "triton" and os.environ.get("TRITON_INTERPRET") != "1":
        pytest.skip("needs TRITON_INTERPRET=1: without a GPU, Triton's kernels run in the interpreter")
    if backend == "triton" and length > MOST_INTERPRETED_STEPS:
        pytest.skip("too long for the interpreter")


def assert_near(name: str, computed: Tensor, published: Tensor) -> None:
    assert computed.shape == published.shape, name
    error = float((computed.detach() - published).abs().max() / published.abs().max().clamp(min=1e-30))
    assert error < TOLERANCE[published.dtype], f"{name}: relative error {error:.1e}"


def leaves_of(arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name[3:]: t.requires_grad_() for name, t in arrays.items() if name.startswith("in_")}


def rows(sequences: Tensor) -> Tensor:
    """[..., X, L] -> [..., L, X], as the operator takes them."""
    return sequences.transpose(-1, -2).contiguous()


def scan_as_mamba(values: dict[str, Tensor], softplus: bool, backend: str) -> tuple[Tensor, Tensor]:
    """`selective_scan_fn` with a backend of choice: y [B, D, L] and the last state [B, D, N]."""
    turned = {n: v[None] if v.ndim == 2 else rows(v)[:, None] for n, v in values.items() if n in ("B", "C")}
    turned |= {n: v[None] for n, v in values.items() if n in ("A", "D", "delta_bias")}
    turned |= {n: rows(v) for n, v in values.items() if n in ("u", "z")}
    order = torch.arange(values["u"].shape[2])[None]
    options = {"delta_softplus": softplus, "paths": order, "return_last_state": True, "backend": backend}
    y, last = selective_scan(delta=rows(values["delta"])[:, None], **turned, **options)
    return y.transpose(1, 2), last[:, 0]


def check_single(arrays: dict[str, Tensor], backend: str) -> None:
    leaves = leaves_of(arrays)
    prepare(backend, leaves["u"].dtype, leaves["u"].shape[2])
    y, last = scan_as_mamba(leaves, bool(arrays["delta_softplus"]), backend)
    assert_near("y", y, arrays["out"])
    assert_near("last state", last, arrays["last_state"])
    y.backward(arrays["dout"])
    for name, leaf in leaves.items():
        assert leaf.grad is not None, name
        assert_near(f"gradient of {name}", leaf.grad, arrays[f"grad_{name}"])


def read(name: str) -> dict[str, Tensor]:
    with np.load(SHARED / f"{name}.npz") as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays.files}


def copied(name: str) -> dict[str, Tensor]:
    return {key.split("/")[1]: torch.from_numpy(COPIES[key]) for key in COPIES.files if key.startswith(name + "/")}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", COPIED)
def test_copied_arrays(name, backend):
    check_single(copied(name), backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", shared(SINGLE))
def test_every_array_of_mamba(name, backend):
    check_single(read(name), backend)


@pytest.mark.parametrize("name", COPIED)
def test_the_drop_in_takes_mambas_arguments(name):
    arrays = copied(name)
    values = {key[3:]: t for key, t in arrays.items() if key.startswith("in_")}
    if values["u"].dtype == torch.float64:
        pytest.skip("float64 is the reference's")
    softplus = bool(arrays["delta_softplus"])
    y, last = selective_scan_fn(**values, delta_softplus=softplus, return_last_state=True)
    assert_near("y", y, arrays["out"])
    assert_near("last state", last, arrays["last_state"])
    assert torch.equal(selective_scan_fn(**values, delta_softplus=softplus), y)


@pytest.mark.parametrize("backend", BACKENDS[:2])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("mode", CROSS)
def test_every_array_of_vmambas_cross_scan(mode, dtype, backend):
    name = f"cross_selective_scan_{mode}_B1_D8_H14_W14_N8_{dtype}"
    if not SHARED.is_dir():
        pytest.skip("needs the whole set in ../shared/golden/selective_scan")
    arrays = read(name)
    leaves = leaves_of(arrays)
    prepare(backend, leaves["x"].dtype, 196)
    scan = scanlab.compile(CROSS[mode], (14, 14))
    step_of_patch = torch.from_numpy(np.stack([np.argsort(path.indices) for path in scan.paths]))

    def by_patch(steps: Tensor) -> Tensor:
        """[B, 4, X, L] by step -> [B, 4, L, X] by patch."""
        index = step_of_patch[None, :, None].expand(*steps.shape[:3], -1)
        return rows(steps.gather(3, index))

    def by_path(parameter: Tensor) -> Tensor:
        return parameter.unflatten(0, (4, 8))

    y = selective_scan(
        rows(leaves["x"].flatten(2)),
        by_patch(leaves["dts"].unflatten(1, (4, 8))),
        by_path(leaves["As"]),
        by_patch(leaves["Bs"]),
        by_patch(leaves["Cs"]),
        by_path(leaves["Ds"]),
        delta_bias=by_path(leaves["delta_bias"]),
        delta_softplus=True,
        paths=scan,
        backend=backend,
    ).transpose(1, 2)
    assert_near("y", y, arrays["out_y"])
    y.backward(arrays["dy"])
    for name, leaf in leaves.items():
        assert_near(f"gradient of {name}", leaf.grad, arrays[f"grad_{name}"])


def convolved_by_torch(x: Tensor, weight: Tensor, bias: Tensor, backend: str) -> Tensor:
    channels, _, taps = weight.shape
    return F.silu(F.conv1d(F.pad(x, (taps - 1, 0)), weight, bias, groups=channels))


def convolved_by_us(x: Tensor, weight: Tensor, bias: Tensor, backend: str) -> Tensor:
    order = torch.arange(x.shape[2])[None]
    y = causal_conv1d(rows(x), weight.transpose(0, 1), bias[None], paths=order, backend=backend)
    return y[:, 0].transpose(1, 2)


def mamba_block(x: Tensor, p: dict[str, Tensor], convolved, backend: str) -> Tensor:
    """Mamba's block (mamba_ssm/modules/mamba_simple.py) from its parameters, on x [B, L, D]."""
    u, z = (x @ p["in_proj.weight"].T).transpose(1, 2).chunk(2, dim=1)
    u = convolved(u, p["conv1d.weight"], p["conv1d.bias"], backend)
    rank, states = p["dt_proj.weight"].shape[1], p["A_log"].shape[1]
    dt, B, C = (p["x_proj.weight"] @ u).split([rank, states, states], dim=1)
    values = {"u": u, "delta": p["dt_proj.weight"] @ dt, "A": -p["A_log"].exp(), "B": B, "C": C, "D": p["D"], "z": z}
    y, _ = scan_as_mamba(values | {"delta_bias": p["dt_proj.bias"]}, True, backend)
    return y.transpose(1, 2) @ p["out_proj.weight"].T


@pytest.mark.parametrize("convolved", [convolved_by_torch, convolved_by_us])
@pytest.mark.parametrize("backend", BACKENDS[:2])
@pytest.mark.parametrize("name", shared(BLOCKS))
def test_every_array_of_mambas_block(name, backend, convolved):
    arrays = read(f"{name}.io")
    parameters = read_safetensors(SHARED / f"{name}.state.safetensors")
    x = arrays["x"].requires_grad_()
    y = mamba_block(x, parameters, convolved, backend)
    assert_near("y", y, arrays["y"])
    (y**2).sum().backward()
    assert_near("gradient of x", x.grad, arrays["grad_x"])
    for key, parameter in parameters.items():
        assert_near(f"gradient of {key}", parameter.grad, arrays[f"grad_param/{key}"])


def read_safetensors(file: Path) -> dict[str, Tensor]:
    """The float32 tensors of a file: eight bytes that give the header's length, the header (JSON), the data."""
    content = file.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    arrays = {}
    for name, entry in header.items():
        if name != "__metadata__":
            assert entry["dtype"] == "F32"
            begin, end = entry["data_offsets"]
            data = np.frombuffer(content[start + begin : start + end], np.float32).reshape(entry["shape"])
            arrays[name] = torch.from_numpy(data.copy()).requires_grad_()
    return arrays
