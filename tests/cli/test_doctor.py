"""`scanlab doctor`: its tables, its JSON, and its exit code."""

import json

import pytest
from typer.testing import CliRunner

from scanlab.bench.numerics import Finding
from scanlab.cli import doctor
from scanlab.cli.app import app

RIGHT = Finding("ssd", "cpu", "float32", 1e-7, 2e-5, "y")
WRONG = Finding("ssd", "cpu", "float16", 1e-1, 3e-3, "dB")
BROKEN = Finding("ssd", "triton", "float32", note="failed: RuntimeError: no kernel image")
ABSENT = Finding("all", "triton", "all", note="triton is missing")


def run(monkeypatch: pytest.MonkeyPatch, found: list[Finding], *words: str):
    monkeypatch.setattr(doctor, "findings", lambda backends: iter(f for f in found if f.backend in backends))
    monkeypatch.setenv("COLUMNS", "200")
    return CliRunner().invoke(app, ["doctor", *words])


def test_a_healthy_machine(monkeypatch):
    result = run(monkeypatch, [RIGHT, ABSENT])
    assert result.exit_code == 0
    assert "every check of what can run here holds" in result.stdout
    assert "triton is missing" in result.stdout and "numba" in result.stdout


@pytest.mark.parametrize("bad", [WRONG, BROKEN])
def test_a_failed_check_is_told_and_exits_with_1(monkeypatch, bad):
    result = run(monkeypatch, [RIGHT, bad])
    assert result.exit_code == 1
    assert "1 check failed" in result.stdout


def test_json(monkeypatch):
    result = run(monkeypatch, [RIGHT, WRONG, ABSENT], "--json")
    data = json.loads(result.stdout)
    assert result.exit_code == 1 and data["healthy"] is False
    assert [(c["holds"], c["ran"]) for c in data["checks"]] == [(True, True), (False, True), (True, False)]
    assert {"name", "value", "advice"} == data["machine"][0].keys()
