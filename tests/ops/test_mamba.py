"""The drop-in for mamba_ssm: its signature and layout."""

import inspect

import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import selective_scan_fn


def test_it_has_the_signature_of_mamba_ssm():
    names = ["u", "delta", "A", "B", "C", "D", "z", "delta_bias", "delta_softplus", "return_last_state"]
    parameters = inspect.signature(selective_scan_fn).parameters
    # Ours, and a keyword of transformers.
    assert list(parameters) == [*names, "initial_state", "use_mambapy"]
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in ("initial_state", "use_mambapy"))


@pytest.mark.parametrize("groups", [None, 2])
def test_it_scans_along_the_last_axis(groups):
    draw = torch.Generator().manual_seed(0)
    u, delta, z = (torch.randn(2, 4, 10, generator=draw) for _ in range(3))
    A = -torch.randn(4, 3, generator=draw).exp()
    B, C = (torch.randn(2, *([groups] if groups else []), 3, 10, generator=draw) for _ in range(2))
    y, last = selective_scan_fn(u, delta, A, B, C, z=z, delta_softplus=True, return_last_state=True)
    step = torch.nn.functional.softplus(delta)
    state = torch.zeros(2, 4, 3)
    spread = [t.repeat_interleave(4 // groups, 1) if groups else t[:, None].expand(-1, 4, -1, -1) for t in (B, C)]
    for t in range(10):
        state = (step[:, :, t, None] * A).exp() * state + (step * u)[:, :, t, None] * spread[0][..., t]
        want = (state * spread[1][..., t]).sum(-1) * torch.nn.functional.silu(z[..., t])
        torch.testing.assert_close(y[..., t], want)
    torch.testing.assert_close(last, state)


def test_a_complex_state_space_is_refused():
    x = torch.zeros(1, 2, 3)
    with pytest.raises(ScanlabError, match="S701"):
        selective_scan_fn(x, x, torch.zeros(2, 2, dtype=torch.complex64), x, x)
