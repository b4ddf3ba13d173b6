"""The bench of whole models: what it builds, measures and concludes; never how long it takes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

from scanlab.bench import models
from scanlab.bench.models import ATTENTION, KINDS, Model, Point, Report, crossing, measure, sentences
from scanlab.bench.throughput import throughput
from scanlab.bench.timing import Times
from scanlab.cli.app import app
from scanlab.ir.diagnostics import ScanlabError

SCAN = next(iter(KINDS))


def milliseconds(value):
    return Times(value, value, value, value, 3, value)


def report(scan, attention, tokens=(64, 256, 1024, 4096)):
    points = [Point(SCAN, n, milliseconds(t), None) for n, t in zip(tokens, scan, strict=False)]
    points += [Point(ATTENTION, n, milliseconds(t), None) for n, t in zip(tokens, attention, strict=False)]
    return Report("cpu", 1, 2, False, (Model(SCAN, 8, 1, 1.0, 64),), tuple(points))


def time_of(point):
    return point.times.median_ms


def test_the_crossing_of_a_linear_and_a_quadratic_cost():
    linear, quadratic = [0.1 * n for n in (64, 256, 1024, 4096)], [n * n / 10_000 for n in (64, 256, 1024, 4096)]
    assert crossing(report(linear, quadratic), SCAN, time_of) == pytest.approx(1000, rel=1e-6)


@pytest.mark.parametrize(
    "scan, attention, expected",
    [
        ([1, 2, 3, 4], [2, 3, 4, 5], 0.0),
        ([2, 3, 4, 5], [1, 2, 3, 4], None),
        ([1, 9, 9, 9], [2, 2, 2, 2], None),
        ([1, 2], [2, 3, 4, 5], 0.0),
        ([], [1, 2], None),
    ],
)
def test_curves_that_do_not_cross_and_curves_cut_short(scan, attention, expected):
    assert crossing(report(scan, attention), SCAN, time_of) == expected


def test_a_curve_that_crosses_twice_counts_from_the_last_time():
    found = crossing(report([1, 4, 1, 1], [2, 2, 2, 2]), SCAN, time_of)
    assert found is not None and 256 < found < 1024


def test_sentences_say_how_far_was_measured():
    lines = sentences(report([9, 9, 9, 9], [1, 3, 10, 30]))
    assert lines[0] == f"{SCAN} is faster than attention from about 910 tokens on, as measured up to 4,096."


def test_sentences_claim_no_more_than_was_measured_for_both():
    cut = sentences(report([9, 9, 9, 9], [1, 20]))[0]
    assert cut == f"{SCAN} is faster than attention from about 180 tokens on, as measured up to 256."
    assert (
        sentences(report([1, 1, 1, 1], [5]))[0]
        == f"{SCAN} is faster than attention at every size measured, up to 64 tokens."
    )
    back = sentences(report([1, 9, 9, 9], [2, 2, 2, 2]))[0]
    assert (
        back == f"{SCAN} is faster than attention at some sizes, but not at 4,096 tokens, the most measured for both."
    )
    assert sentences(report([3, 9], [2, 2]))[0] == f"{SCAN} is not faster than attention up to 256 tokens."
    unknown = "cannot be said to be smaller in memory than attention or not: no size was measured for both"
    assert sentences(report([1], [2]))[1] == f"{SCAN} {unknown}."


def failing(monkeypatch, fail):
    real = models._call

    def call(model, *arguments):
        return fail if model.backbone.config.mixer.kind == "attention" else real(model, *arguments)

    monkeypatch.setattr(models, "_call", call)


def test_a_kind_without_memory_is_left_out_and_the_others_go_on(monkeypatch):
    failing(monkeypatch, lambda: torch.empty(1 << 50, dtype=torch.uint8))
    found = measure(dim=64, depth=1, most_tokens=64, seconds=0.01)
    assert found.stopped[ATTENTION] == "out of memory at 64 tokens"
    assert {p.kind for p in found.points} == set(KINDS) - {ATTENTION}


def test_other_errors_are_not_taken_for_memory(monkeypatch):
    failing(monkeypatch, lambda: torch.zeros(2) @ torch.zeros(3))
    with pytest.raises(RuntimeError, match="size"):
        measure(dim=64, depth=1, most_tokens=64, seconds=0.01)


def test_all_kinds_are_measured_at_equal_parameters():
    found = measure(dim=64, depth=1, most_tokens=64, seconds=0.01, backward=True)
    assert found.match == "parameters"
    assert [m.kind for m in found.models] == list(KINDS)
    target = found.models[0].parameters
    assert all(abs(m.parameters - target) <= 0.15 * target for m in found.models)
    assert {p.kind for p in found.points} == set(KINDS) and {p.tokens for p in found.points} == {64}
    assert all(m.gflops > 0 for m in found.models)


def test_kinds_are_matched_in_flops_on_request():
    found = measure(dim=64, depth=1, most_tokens=64, seconds=0.01, match="flops")
    target = found.models[0].gflops
    assert all(abs(m.gflops - target) <= 0.15 * target for m in found.models)
    with pytest.raises(ScanlabError) as caught:
        measure(match="watts")
    assert caught.value.code == "S631"


def test_a_kind_that_takes_too_long_goes_no_further(monkeypatch):
    def slow(calls, seconds):
        return {kind: milliseconds(1e6 if kind == ATTENTION else 1.0) for kind in calls}

    monkeypatch.setattr("scanlab.bench.models.in_turns", slow)
    found = measure(dim=64, depth=1, most_tokens=256, seconds=1)
    assert {p.tokens for p in found.points if p.kind == ATTENTION} == {64}
    assert {p.tokens for p in found.points if p.kind == SCAN} == {64, 144, 256}
    assert found.stopped == {ATTENTION: "1000.0 s at 64 tokens"}


def test_the_command_writes_figures_and_a_plot(tmp_path):
    pytest.importorskip("matplotlib")
    out, plot = tmp_path / "models.json", tmp_path / "models.svg"
    words = ["bench", "models", "--dim", "64", "--depth", "1", "--most-tokens", "144", "--seconds", "0.01"]
    done = CliRunner().invoke(app, [*words, "--json", str(out), "--plot", str(plot)])
    assert done.exit_code == 0, done.output
    assert "tokens" in done.output and "attention" in done.output
    written = json.loads(out.read_text())
    assert written["report"]["points"] and written["versions"]["torch"] and written["command"]
    assert plot.read_text().startswith("<?xml")


def test_a_missing_gpu_is_said(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for call in (lambda: measure(device="cuda"), lambda: next(throughput("cuda"))):
        with pytest.raises(ScanlabError) as caught:
            call()
        assert caught.value.code == "S753"


def test_throughput_of_small_stand_ins(monkeypatch):
    from scanlab.zoo import create_model

    monkeypatch.setattr("scanlab.bench.throughput.SIDE", 32)
    monkeypatch.setattr(
        "scanlab.bench.throughput.create_model", lambda name: create_model(name, input_size=(32, 32), classes=1000)
    )
    found = list(throughput(batch=2, passes=1))
    assert [(t.name, t.training) for t in found] == [
        (name, training) for name in ("vim_tiny", "vmamba_tiny_s1l8") for training in (False, True)
    ]
    assert all(t.images_per_second > 0 for t in found)
    assert replace(found[2], images_per_second=0).published == 1686
