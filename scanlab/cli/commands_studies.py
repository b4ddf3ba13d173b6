"""Commands on data, models and studies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from scanlab.cli.root import Grid, Json, Names, app
from scanlab.processes import TRAINING, begin_loading

Layout = Annotated[str, typer.Option(help="Words that settle how files are read: masks, channels_first, …")]
Spacing = Annotated[str, typer.Option(help="Resample NIfTI volumes to so many mm a voxel, as in 1x1x1.")]


Sets = Annotated[
    list[str] | None, typer.Argument(help="Settings in place of the file's: recipe.epochs=3 model.dim=64 …")
]
Lines = Annotated[
    str, typer.Option("--strategies", "-s", help="Names or lines, separated by ';'. The first is the baseline.")
]
Data = Annotated[str, typer.Option("--data", "-d", help="A name, a .npz file or a folder: see `scanlab data`.")]
Together = Annotated[
    int, typer.Option(min=1, help="Seeds of one strategy to train as one batched model; equal to rounding.")
]
Pooled = Annotated[
    bool, typer.Option("--resample-pooled", help="The same where the data came with parts: they are pooled first.")
]
Logger = Annotated[str, typer.Option("--logger", "--log", help="tensorboard, mlflow, wandb; several with commas.")]
Keep = Annotated[
    str, typer.Option(help="Weights to keep: last, best (by a validation part: recipe.validation=true), or last,best.")
]
Again = Annotated[
    bool, typer.Option("--retry-diverged", help="Train trials that diverged again, from the epoch before.")
]
Workers = Annotated[int, typer.Option("--workers", "-w", min=0, help="Trials at once; 0 is one per GPU or core.")]
OutStudy = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder of the study: it resumes what is there; out/NAME.")
]
Unequal = Annotated[bool, typer.Option("--unequal", help="Strategies may differ in parameters and FLOPs.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Print the trials and how long they take; run none.")]
Rates = Annotated[
    str, typer.Option("--tune-learning-rate", help="Choose from these for every strategy: 1e-3,3e-3,1e-2.")
]


@app.command()
def erf(
    names: Names,
    grid: Grid = "",
    decay: Annotated[float, typer.Option(help="What a state keeps of itself at every step of a prediction.")] = 0.9,
    layers: Annotated[
        int | None, typer.Option(min=1, help="Layers of a prediction; 1, or as many as the plan or the model has.")
    ] = None,
    train: Annotated[
        bool, typer.Option("--train/--no-train", help="Measure models before and after training.")
    ] = False,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training images.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Measure a model from scanlab.zoo.save, with each order in its own's place.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Images to train or measure on: digits, or a .npz file.")] = None,
    layout: Layout = "",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Draw into this .svg or .png instead.")] = None,
    json: Json = False,
) -> None:
    """How far the centre patch sees: predicted from ranks alone, and measured on models."""
    from scanlab.cli.receptive_field import Options, run

    run(names, Options(grid, decay, layers, train, epochs, checkpoint, data, layout, out), json)


@app.command("data")
def data_(
    name: Annotated[
        str, typer.Argument(help="A name, a .npz file, a folder, torchvision:MNIST, …; without one, the names.")
    ] = "",
    size: Annotated[str, typer.Option(help="Resize to this, as in 64x64.")] = "",
    part: Annotated[str, typer.Option(help="Show what a study sees that measures on test, or on val.")] = "",
    limit: Annotated[int | None, typer.Option(help="At most so many training samples.")] = None,
    layout: Layout = "",
    spacing: Spacing = "",
    lazy: Annotated[
        bool | None, typer.Option(help="Leave pixels on disk till needed; without it, where memory is too small.")
    ] = None,
    window: Annotated[str, typer.Option(help="Of volumes on disk, windows of so many voxels, as in 64x64x64.")] = "",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Draw a sheet of samples, .png or .svg.")] = None,
    json: Json = False,
) -> None:
    """What a data set holds: parts, classes, sizes, channels, and a sample of some classes."""
    from scanlab.cli.data import Options, run, spacing_of
    from scanlab.ir.grids import grid_of

    extents, sides = (grid_of(text, what="size") if text else None for text in (size, window))
    how = "auto" if lazy is None else lazy
    run(name, Options(extents, part, limit, out, layout, spacing_of(spacing), how, sides), json)


@app.command()
def ablate(
    study: Annotated[Path | None, typer.Argument(help="A study file (TOML); or use the options.")] = None,
    settings: Sets = None,
    strategies: Lines = "",
    seeds: Annotated[int | None, typer.Option(help="How many seeds, from 0 up.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training images.")] = None,
    data: Data = "",
    task: Annotated[str, typer.Option(help="classification, segmentation, next_patch, …")] = "",
    size: Annotated[str, typer.Option(help="Resize images to this, as in 64x64.")] = "",
    limit: Annotated[int | None, typer.Option(help="At most so many training samples.")] = None,
    part: Annotated[str, typer.Option(help="Measure on test, or on val and leave the test part alone.")] = "",
    resample: Annotated[bool, typer.Option("--resample", help="Every seed draws its own train and test part.")] = False,
    resample_pooled: Pooled = False,
    tune_learning_rate: Rates = "",
    layout: Layout = "",
    spacing: Spacing = "",
    patch: Annotated[int | None, typer.Option(help="Side of a patch in pixels.")] = None,
    margin: Annotated[float | None, typer.Option(help="The difference that still counts as none: 0.005.")] = None,
    unequal: Unequal = False,
    out: OutStudy = None,
    workers: Workers = 0,
    together: Together = 1,
    device: Annotated[str, typer.Option(help="auto (GPUs where there are any), cpu or cuda.")] = "cpu",
    engine: Annotated[str, typer.Option(help="local, or ray for many machines.")] = "local",
    address: Annotated[str, typer.Option(help="Of a Ray cluster; without one, one is started here.")] = "",
    logger: Logger = "",
    keep: Keep = "",
    retry_diverged: Again = False,
    dry_run: Dry = False,
    json: Json = False,
) -> None:
    """Train every strategy with every seed and compare them, with controls; a study that was stopped goes on."""
    if engine == "local" and workers != 1 and not dry_run:
        begin_loading(*TRAINING)
    from scanlab.cli.ablate import RunOptions, run
    from scanlab.cli.arguments import file_and_settings, numbers
    from scanlab.cli.data import spacing_of
    from scanlab.ir.grids import grid_of

    options = {
        "strategies": [s.strip() for s in strategies.split(";") if s.strip()] or None,
        "seeds": seeds,
        "dataset": data,
        "task": task,
        "size": list(grid_of(size, what="size")) if size else None,
        "limit": limit,
        "part": part,
        "resample": "pooled" if resample_pooled else resample or None,
        "tune.learning_rate": numbers(tune_learning_rate, "--tune-learning-rate") if tune_learning_rate else None,
        "layout": layout,
        "spacing": list(spacing_of(spacing) or ()) or None,
        "margin": margin,
        "unequal": unequal or None,
        "keep": _words(keep) or None,
        "model.patch": patch,
        "recipe.epochs": epochs,
    }
    study, options = file_and_settings(study, settings, options)
    run_options = RunOptions(workers, device, engine, address, tuple(_words(logger)), retry_diverged, together)
    raise typer.Exit(run(study, options, out, run_options, dry_run, json))


@app.command()
def train(
    study: Annotated[Path | None, typer.Argument(help="A study file (TOML); or use the options.")] = None,
    settings: Sets = None,
    strategy: Annotated[
        str,
        typer.Option("--strategy", "-s", help="One of the study's; without a file, a name or a line (row)."),
    ] = "",
    problem: Annotated[str, typer.Option(help="One of the study's problems, where it has several.")] = "",
    seed: Annotated[int, typer.Option(help="Of the weights, the batches and the augmentation.")] = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training images.")] = None,
    data: Data = "",
    layout: Layout = "",
    device: Annotated[str, typer.Option(help="auto (GPUs where there are any), cpu or cuda.")] = "cpu",
    resume: Annotated[
        str, typer.Option(help="auto goes on from the checkpoint in --out where there is one; never starts anew.")
    ] = "auto",
    keep: Keep = "",
    logger: Logger = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the training: it goes on there; out/train/KEY.")
    ] = None,
    json: Json = False,
) -> None:
    """Train one strategy and save the model; with several processes: torchrun --nproc-per-node 4 -m scanlab train …"""
    from scanlab.cli.arguments import file_and_settings
    from scanlab.cli.train import TrialChoice, run

    given = {"dataset": data, "layout": layout, "recipe.epochs": epochs, "keep": _words(keep) or None}
    study, options = file_and_settings(study, settings, given)
    run(study, options, TrialChoice(strategy, problem, seed, device, resume, tuple(_words(logger))), out, json)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


@app.command()
def report(
    study: Annotated[Path, typer.Argument(help="The folder of a study, or its database.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to write; the study's folder.")] = None,
    per_class: Annotated[
        bool, typer.Option("--per-class", help="With confusion matrices, or Dice of every class.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a study's page and tables anew from its database, finished or not."""
    from scanlab.cli.report import run

    raise typer.Exit(run(study, out, json, per_class))


@app.command()
def search(
    study: Annotated[Path | None, typer.Argument(help="A study file (TOML) with one problem; or use --data.")] = None,
    data: Annotated[str, typer.Option("--data", "-d", help="A data set's name or path; `scanlab data`.")] = "digits",
    limit: Annotated[int | None, typer.Option(min=1, help="With --data: training samples at most.")] = None,
    layout: Layout = "",
    baseline: Annotated[
        str, typer.Option("--baseline", "-b", help="What to improve on; candidates have as many paths. Default: row.")
    ] = "",
    space: Annotated[str, typer.Option("--space", help="parameters, keys, scans or plans.")] = "parameters",
    sampler: Annotated[str, typer.Option(help="random, or optuna (TPE), which learns from the scores.")] = "random",
    trials: Annotated[
        int | None, typer.Option(min=1, help="Candidates to train; 30, or no limit with --minutes.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop proposing after so many minutes.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each candidate.")] = 1,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of a candidate; a third of the recipe's.")] = None,
    halving: Annotated[
        bool, typer.Option("--halving", help="Train the best third three times as long, again.")
    ] = False,
    finalists: Annotated[int, typer.Option(min=1, help="How many to judge afresh.")] = 3,
    final_seeds: Annotated[int, typer.Option(min=1, help="Fresh seeds to judge them with.")] = 5,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder; a search that was stopped goes on there.")] = Path(
        "out/search"
    ),
    seed: Annotated[int, typer.Option(help="Of the proposals.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Trainings at the same time.")] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List candidates with their verdicts; no training.")
    ] = False,
    json: Json = False,
) -> None:
    """Search the space of orders: each candidate proved, then trained; the best judged again with fresh seeds."""
    if workers > 1 and not dry_run:
        begin_loading(*TRAINING)
    from scanlab.cli.search import Options, run

    budget = Options(study, data, limit, layout, baseline, space, sampler, trials, minutes, seeds, epochs, halving)
    run(replace(budget, finalists=finalists, final_seeds=final_seeds, seed=seed, workers=workers), out, dry_run, json)


@app.command("eval")
def evaluate(
    checkpoint: Annotated[
        Path, typer.Argument(help="A .safetensors file of ScanLab's, or with --model an official one.")
    ],
    scans: Annotated[
        str, typer.Option("--scans", "-s", help="Names or lines, separated by ';', that the model shall follow.")
    ] = "",
    data: Annotated[
        str, typer.Option("--data", "-d", help="A name, a .npz file, or a folder of pictures, as imagenet/val.")
    ] = "digits",
    layout: Layout = "",
    model: Annotated[str, typer.Option(help="Which model an official checkpoint is of: see `scanlab zoo`.")] = "",
    classes: Annotated[int | None, typer.Option(min=1, help="With --model: its number of classes.")] = None,
    channels: Annotated[int | None, typer.Option(min=1, help="With --model: channels of its images.")] = None,
    input: Annotated[str, typer.Option("--input", help="With --model: extents of its images, as in 224x224.")] = "",
    weights: Annotated[str, typer.Option(help="With --model: which of several in the file, as model_ema.")] = "",
    part: Annotated[str, typer.Option(help="Which images: test, train or all.")] = "test",
    batch: Annotated[int, typer.Option(min=1, help="Images at a time.")] = 64,
    unreadable: Annotated[int, typer.Option(min=0, help="Of a folder: so many files may be damaged; counted.")] = 0,
    loaders: Annotated[
        int | None, typer.Option(min=0, help="Of a folder: processes that read; as many as there are cores, 8 at most.")
    ] = None,
    json: Json = False,
) -> None:
    """Run a trained model as it is and along other scans, with the same weights, and compare the accuracies."""
    from scanlab.cli.evaluate import Checkpoint, Images, run

    images = Images(data, part, layout, unreadable, loaders)
    run(Checkpoint(checkpoint, model, classes, channels, input, weights), scans, images, batch, json)
