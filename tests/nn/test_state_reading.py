"""What a state holds, against the scan's own states, autograd, and a state written out step by step."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, state_readings
from scanlab.nn.mixer import with_tokens
from scanlab.ops import selective_scan

KINDS = {
    "scan": MixerConfig(state=3),
    "scan, a set per path": MixerConfig(state=3, parameters="per_path", convolution="path"),
    "scan, a convolution on the grid": MixerConfig(state=1, convolution="grid", gate=False, norm=True),
    "ssd": MixerConfig(kind="ssd", state=4, head=4),
}
ORDERS = ("row", "sum(row, -row)", "by h, w restart by h", "chain(row, -row)", "sum(hilbert, row) with cls at middle")


def backbone(order: str, mixer: MixerConfig) -> Backbone:
    torch.manual_seed(0)
    return Backbone(order, BackboneConfig(dim=8, patch=2, depth=2, mixer=mixer), input_size=(8, 8))


def image() -> torch.Tensor:
    return torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def states_of(reading) -> torch.Tensor:
    """The state after every step, written out: float64 [S, D, N]."""
    state, states = torch.zeros_like(reading.decay[0]), []
    for at in range(len(reading.rows)):
        if reading.fresh[at]:
            state = torch.zeros_like(state)
        decay = reading.decay[int(reading.paths[at]) % len(reading.decay)]
        state = (reading.delta[at][:, None] * decay).exp() * state
        state = state + (reading.delta[at] * reading.u[at])[:, None] * reading.B[at]
        states.append(state)
    return torch.stack(states)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_state_that_the_model_computes_with(kind, order):
    model = backbone(order, KINDS[kind])
    mixer = model.blocks[1].mixer
    seen = []
    mixer.project_out.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    readings = state_readings(model, image(), layer=1)
    rows = torch.zeros(mixer.paths((4, 4)).length, mixer.inner, dtype=torch.float64)
    skips = mixer.skip.double()
    for reading in readings:
        width = mixer.inner // skips.shape[1]
        for at, state in enumerate(states_of(reading)):
            skip = skips[int(reading.paths[at]) % len(skips)].repeat_interleave(width)
            rows[reading.rows[at]] += state @ reading.C[at] + skip * reading.u[at]
    taken: list = []
    mixer.register_forward_pre_hook(lambda _, args: taken.append(args[0]))
    model.eval()(image())
    given = with_tokens(taken[0], mixer.paths((4, 4)))
    gate = mixer.project_in(given)[..., : mixer.inner] if kind == "ssd" else mixer.project(given)[1]
    x, norm = rows.float()[None] * mixer.scale, mixer.norm or torch.nn.Identity()
    gates = 1 if gate is None else torch.nn.functional.silu(gate)
    torch.testing.assert_close(norm(x * gates) if kind == "ssd" else norm(x) * gates, seen[0], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "order"), [*(("scan", order) for order in ORDERS), *((kind, ORDERS[1]) for kind in KINDS)]
)
def test_what_is_held_is_exact(kind, order):
    for reading in state_readings(backbone(order, KINDS[kind]), image()):
        states = states_of(reading)
        for step in (0, 9):
            parts = torch.zeros(len(reading.rows), *states.shape[1:], dtype=torch.float64)
            for source in range(step + 1):
                alone = states_of(_only(reading, source))[step]
                parts[source] = alone
            torch.testing.assert_close(parts.sum(0), states[step])
            torch.testing.assert_close(reading.held(step), parts.flatten(1).norm(dim=1))


def _only(reading, source: int):
    from dataclasses import replace

    u = torch.zeros_like(reading.u)
    u[source] = reading.u[source]
    return replace(reading, u=u)


@pytest.mark.parametrize("order", ("row", "by h, w restart by h"))
def test_influence_is_what_autograd_says_of_our_operator(order):
    model = backbone(order, KINDS["scan"])
    [reading] = state_readings(model, image())
    table = model.blocks[0].mixer.paths((4, 4))
    by_row = torch.argsort(reading.rows)
    u, delta, B, C = (each[by_row].float() for each in (reading.u, reading.delta, reading.B, reading.C))
    step, decay = 9, reading.decay.float()

    def scanned(rows):
        return selective_scan(rows[None], delta[None, None], decay, B[None, None], C[None, None], paths=table)[0]

    jacobian = torch.autograd.functional.jacobian(lambda rows: scanned(rows)[reading.rows[step]], u)
    expected = torch.einsum("dsd->sd", jacobian).norm(dim=1)[reading.rows].double()
    torch.testing.assert_close(reading.influence(step), expected, atol=1e-6, rtol=1e-4)


def test_shares_add_up_to_what_tokens_leave():
    model = backbone("row with cls at middle", KINDS["scan"])
    [reading] = state_readings(model, image())
    step = reading.step_of(15)
    share, held = reading.share(step), reading.held(step)
    token = float(held[reading.rows >= 16].sum() / held.sum())
    assert token > 0
    assert float(share.sum()) == pytest.approx(1 - token)


def test_maps_of_what_is_taken_up():
    [reading] = state_readings(backbone("-row", KINDS["scan"]), image())
    sizes, written = reading.step_sizes(), reading.written()
    patch = 3
    at = reading.step_of(patch)
    assert float(sizes[patch]) == pytest.approx(float(reading.delta[at].mean()))
    write = torch.einsum("d,n->dn", reading.delta[at] * reading.u[at], reading.B[at])
    assert float(written[patch]) == pytest.approx(float(write.norm()))


class _Largest(TorchDispatchMode):
    """Remembers how many elements the largest result has."""

    most = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.most = max(self.most, result.numel())
        return result


def test_memory_grows_with_the_steps_and_not_with_steps_times_states():
    model = Backbone("row", BackboneConfig(dim=8, patch=1, mixer=MixerConfig(state=16)), input_size=(14, 14))
    [reading] = state_readings(model, torch.rand(1, 1, 14, 14))
    steps, width = reading.u.shape
    with _Largest() as seen:
        reading.held(steps - 1)
        reading.influence(steps - 1)
    assert seen.most <= steps * width


def test_a_model_with_a_head_and_its_mode_stays_as_it_was():
    model = Classifier(backbone("row", KINDS["scan"]), classes=3).train()
    assert len(state_readings(model, image())) == 1
    assert model.training and not model.backbone.blocks[0].mixer._forward_pre_hooks


@pytest.mark.parametrize("kind", ("attention", "lstm", "convolution", "none"))
def test_a_layer_without_such_a_state_is_refused(kind):
    with pytest.raises(ScanlabError, match="S848"):
        state_readings(backbone("row", MixerConfig(kind=kind, head=4)), image())


def test_what_is_not_there_is_said():
    model = backbone("by h, w where h > 0", KINDS["scan"])
    with pytest.raises(ScanlabError, match=r"S849.*no layer 7: the model has 2 layers"):
        state_readings(model, image(), layer=7)
    [reading] = state_readings(model, image())
    with pytest.raises(ScanlabError, match=r"S849.*does not come to patch 2"):
        reading.step_of(2)
