"""The doctor's checks: right kernels pass, and each way of being wrong is found."""

import pytest
import torch
from sweep import sweeping

from scanlab.bench import capabilities, numerics
from scanlab.bench.capabilities import Fact
from scanlab.bench.numerics import ORDER, Finding, check_operator, findings, most_findings
from scanlab.ops import selective_scan


@pytest.mark.sweep
def test_every_backend_of_this_machine_is_right(monkeypatch):
    if not sweeping():
        # Every dtype compiles all kernels anew; tests/ops scans and convolves in half precision.
        monkeypatch.setattr(numerics, "DTYPES", {torch.float32: numerics.DTYPES[torch.float32]})
    found = list(findings())
    assert len(found) <= most_findings()
    assert list(dict.fromkeys(f.backend for f in found)) == list(ORDER)
    assert {f.backend for f in found} == {"reference", "cpu", "triton"}
    assert {f.operator for f in found if f.backend == "cpu"} == {"selective_scan", "causal_conv1d", "ssd"}
    assert all(f.ran for f in found if f.backend != "triton")
    assert [f for f in found if not f.holds] == []


def _wrong_scan(monkeypatch: pytest.MonkeyPatch, spoil) -> Finding:
    def scan(*arguments, backend, **options):
        y = selective_scan(*arguments, backend=backend, **options)
        return spoil(y) if backend == "cpu" else y

    monkeypatch.setattr(numerics, "selective_scan", scan)
    return check_operator("selective_scan", "cpu", torch.float32)


def test_a_wrong_value_is_found(monkeypatch):
    found = _wrong_scan(monkeypatch, lambda y: y.detach() * 1.001 + (y - y.detach()))
    assert found.ran and not found.holds and found.worst == "y"


def test_a_wrong_gradient_is_found(monkeypatch):
    found = _wrong_scan(monkeypatch, lambda y: y.detach() + 1.001 * (y - y.detach()))
    assert not found.holds and found.worst != "y"


def test_a_value_that_was_never_written_is_found(monkeypatch):
    found = _wrong_scan(monkeypatch, lambda y: y * torch.where(torch.arange(y.shape[1]) == 3, torch.nan, 1.0)[:, None])
    assert not found.holds and found.error == float("inf")


def test_results_that_differ_from_run_to_run_are_found(monkeypatch):
    draw = torch.Generator().manual_seed(0)
    found = _wrong_scan(monkeypatch, lambda y: y + 1e-7 * torch.randn(y.shape, generator=draw))
    assert found.error < found.allowed and not found.repeats and not found.holds


def test_a_kernel_that_does_not_run_is_found(monkeypatch):
    def fail(y):
        raise RuntimeError("no kernel image is available\nmore")

    found = _wrong_scan(monkeypatch, fail)
    assert found.ran and not found.holds
    assert found.note == "failed: RuntimeError: no kernel image is available"


def test_a_missing_backend_is_named_and_is_no_failure(monkeypatch):
    monkeypatch.setattr(
        "scanlab.ops.dispatch.missing", lambda backend: "pip install it" if backend != "reference" else ""
    )
    [absent] = [f for f in findings() if f.backend == "cpu"]
    assert not absent.ran and absent.holds
    assert "pip install it" in absent.note


def test_facts_say_what_to_install(monkeypatch):
    def by_name() -> dict[str, Fact]:
        return {fact.name: fact for fact in capabilities.facts()}

    here = by_name()
    assert {"scanlab", "processor", "torch", "GPU", "numba", "triton", "cache"} <= here.keys()
    assert "threads" in here["numba"].value and torch.__version__ in here["torch"].value
    monkeypatch.setattr(capabilities, "find_spec", lambda name: None)
    monkeypatch.setattr(capabilities, "missing", lambda backend: f"pip install {backend}")
    bare = by_name()
    assert bare["extra pictures"].advice == 'pip install "scanlab[pictures]"'
    assert bare["numba"] == Fact("numba", "missing", "pip install cpu")
    assert "pip install triton" in bare["triton"].advice


def test_facts_name_an_unsafe_cache(monkeypatch, tmp_path):
    folder = tmp_path / "paths"
    folder.mkdir()
    folder.chmod(0o777)
    monkeypatch.setenv("SCANLAB_CACHE_DIR", str(tmp_path))
    [cache] = [fact for fact in capabilities.facts() if fact.name == "cache"]
    assert "is not safe" in cache.value or "others may write" in cache.value
    assert "chmod 700" in cache.advice
