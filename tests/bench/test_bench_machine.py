"""What is written beside the figures."""

import sys

import pytest

from scanlab.bench.machine import environment


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["bench", "kernels", "--quick"], "scanlab bench kernels --quick"),
        (["--json", "/somewhere/else/results.json"], "scanlab --json results.json"),
        (["--json=/somewhere/else/results.json"], "scanlab --json=results.json"),
        (["--json", "benchmarks/results/a b.json"], "scanlab --json 'benchmarks/results/a b.json'"),
    ],
)
def test_the_command_is_whole_but_for_a_users_folders(monkeypatch, arguments, command):
    monkeypatch.setattr(sys, "argv", ["scanlab", *arguments])
    assert environment(())["command"] == command


@pytest.mark.parametrize(
    ("program", "command"),
    [("/somewhere/benchmarks/streams.py", "python benchmarks/streams.py"), ("/env/scanlab/__main__.py", "scanlab")],
)
def test_the_program_is_the_one_that_runs(monkeypatch, program, command):
    monkeypatch.setattr(sys, "argv", [program, "--json", "figures.json"])
    assert environment(())["command"] == f"{command} --json figures.json"


def test_versions_are_of_installed_packages():
    versions = environment(("torch", "no-such-package"))["versions"]
    assert isinstance(versions, dict)
    assert set(versions) == {"python", "torch"}
