"""The files of docs/scale.md run, on a few made pictures in ImageNet's layout, with stand-ins for Slurm's commands."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from scanlab.cli.app import app
from scanlab.study.settings import read_settings, study_of, with_options
from scanlab.study.store import read_study

EXAMPLE = Path(__file__).parents[2] / "examples" / "imagenet"
SMALLER = (
    "size=[32,32] model.depth=1 model.dim=16 recipe.epochs=1 recipe.warm_up=0.5 recipe.batch=8 recipe.accumulate=2"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example's files beside twelve pictures of three synsets."""
    draw = np.random.default_rng(0)
    for part, count in (("train", 4), ("val", 2)):
        for synset in ("n01440764", "n01443537", "n01484850"):
            place = tmp_path / "imagenet" / part / synset
            place.mkdir(parents=True)
            for number in range(count):
                pixels = draw.integers(0, 255, (40, 50, 3), np.uint8)
                Image.fromarray(pixels).save(place / f"{synset}_{number}.JPEG")
    for file in EXAMPLE.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path


def run(job: str, folder: Path, **environment: str) -> str:
    """What a job file prints, with commands in Slurm's place that run what they are given."""
    commands = folder / "bin"
    commands.mkdir()
    (commands / "srun").write_text('#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\nexec "$@"\n')
    (commands / "scontrol").write_text("#!/bin/bash\necho localhost\n")
    (commands / "python").write_text(f'#!/bin/bash\nexec {sys.executable} "$@"\n')
    for command in commands.iterdir():
        command.chmod(0o755)
    slurm = {"SLURM_SUBMIT_DIR": str(folder), "SLURM_JOB_NODELIST": "here", "SLURM_NNODES": "1", "SLURM_JOB_ID": "7"}
    made = {**os.environ, **slurm, "PATH": f"{commands}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1", **environment}
    made = {"PYTHONPATH": str(EXAMPLE.parents[1]), "DEVICE": "cpu", **made}
    done = subprocess.run(["bash", job], cwd=folder, env=made, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_study_is_of_eighteen_trainings_that_fit_eight_gpus(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    study = study_of(with_options(read_settings(folder / "study.toml"), {"model.depth": 1}))
    [problem] = study.problems
    assert len(problem.strategies) == 6 and len(list(study.members())) == 18
    assert (problem.config.dim, problem.config.inputs, problem.recipe.batch // problem.recipe.accumulate) == (
        192,
        "imagenet",
        128,
    )
    grids = {tuple(plan.grid) for _, plan in problem.strategies}
    # On this grid no two of them are one order.
    assert grids == {(14, 14)} and len({trial.key for trial in study.trials()}) == 18


def test_the_commands_of_the_page_are_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (EXAMPLE.parents[1] / "docs" / "scale.md").read_text("utf-8")
    block = re.findall(r"^scanlab ablate study\.toml (--dry-run[^#\n]*)", page, re.MULTILINE)
    inline = re.findall(r"`(recipe\.[^`]*=[^`]*)`", page)
    assert len(block) == 2 and len(inline) == 1
    monkeypatch.chdir(folder)
    for words in (*block, f"--dry-run {inline[0]}"):
        done = CliRunner().invoke(app, ["ablate", "study.toml", *shlex.split(words), "model.depth=1", "model.dim=16"])
        assert done.exit_code == 0 and "0 of them done" in done.output, done.output


def test_the_job_of_the_study_runs_and_goes_on(folder: Path) -> None:
    settings = SMALLER + " seeds=1"
    first = run("ablate.sbatch", folder, SETTINGS=settings, WORKERS="1")
    record = read_study(folder / "out" / "imagenet")
    assert {trial.status for trial in record.trials.values()} == {"done"} and "report.html" in first


def test_the_job_over_machines_trains_by_torchrun(folder: Path) -> None:
    run("train.sbatch", folder, SETTINGS=SMALLER, GPUS="1", STRATEGY="hilbert", SEED="1", PORT="29519")
    assert (folder / "out" / "train" / "hilbert-1" / "model.safetensors").exists()
