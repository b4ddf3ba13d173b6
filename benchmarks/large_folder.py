"""A folder of a million pictures whose pixels stay on disk: memory and time of a start, and what loading costs a step.

`python benchmarks/large_folder.py [--images 1000000] [--runs 3] [--json FILE]`. The pictures are names of a few
photographs made of smooth noise, 500 x 375, as hard links in 1,000 folders of classes, in a temporary folder that is
removed afterwards: a million of them take some 100 MB of disk. The start runs in a process of its own: the data are
read, weights are made, an epoch's order is drawn, and its first batch is read. Resident is the most that the process
ever took, Python and torch included. The share of loading is that of a training's time in which it waits for its
pictures, on one thread, with and without threads that read ahead; runs alternate, and the median is given. Memory does
not change with what else the machine does; seconds and shares do.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL import Image

from scanlab.bench.machine import environment

CLASSES, SIDE = 1000, (224, 224)
# A file may have 65,000 names on ext4.
NAMES_EACH, LEAST = 50_000, 32
BATCH, STEPS, TESTED = 32, 6, 32
OPTIONS = {
    **{"strategies": ["row"], "controls": [], "seeds": 1, "size": list(SIDE), "lazy": True, "recipe.epochs": 1},
    **{"model.patch": 16, "model.dim": 192, "model.depth": 4, "recipe.batch": BATCH, "test_limit": TESTED},
}


def make(root: Path, count: int) -> None:
    """A folder of classes with so many names of a few photographs, a twentieth of them to measure on."""
    draw = np.random.RandomState(0)
    sources = []
    for number in range(max(LEAST, -(-count // NAMES_EACH))):
        coarse = Image.fromarray(draw.randint(0, 255, (38, 50, 3), np.uint8))
        sources.append(root / f"{number}.jpg")
        coarse.resize((500, 375), Image.Resampling.BICUBIC).save(sources[-1], quality=92)
    each = count // CLASSES
    for label in range(CLASSES):
        for part, names in (("val", range(each // 20)), ("train", range(each // 20, each))):
            place = root / "set" / part / f"class_{label:04}"
            place.mkdir(parents=True)
            for number in names:
                os.link(sources[(label + number) % len(sources)], place / f"{number:07}.jpg")


def start(folder: Path) -> dict[str, object]:
    """An epoch's start, in this process."""
    import torch

    from scanlab.study import settings
    from scanlab.study.line_images import fetched
    from scanlab.study.train import ALONE
    from scanlab.study.training_run import TrainingRun
    from scanlab.study.work import dataset_of

    torch.set_num_threads(1)
    began = perf_counter()
    [trial] = settings.study_of(settings.with_options(None, OPTIONS | {"dataset": str(folder)})).trials()
    dataset = dataset_of(trial.problem.data)
    read = perf_counter()
    run = TrainingRun.begun(trial, dataset, "cpu", ALONE)
    images = run.parts[0]
    order = torch.randperm(len(images), generator=run.draw).split(BATCH)
    first = next(iter(fetched(images, order)))
    return {
        "training images": len(images),
        "classes": dataset.classes,
        "seconds to read the names": read - began,
        "seconds to the first batch": perf_counter() - read,
        "first batch": list(first.shape),
        "resident MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def share(folder: Path, loaders: int) -> dict[str, float]:
    """What of a training's time is loading, in this process, of the first classes."""
    from scanlab.study import settings
    from scanlab.study.train import train_trial
    from scanlab.study.work import dataset_of, one_thread

    options = OPTIONS | {"dataset": str(folder), "limit": BATCH * STEPS, "loaders": loaders}
    [trial] = settings.study_of(settings.with_options(None, options)).trials()
    with one_thread():
        result = train_trial(trial, dataset_of(trial.problem.data))
    return {"loading": result.loading, "seconds per step": result.seconds / STEPS}


def _alone(*words: str) -> dict[str, float]:
    command = [sys.executable, __file__, *words]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Make the folder, measure, print, and remove it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--start", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--share", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.start:
        sys.stdout.write(json.dumps(start(given.start)))
        return
    if given.share:
        sys.stdout.write(json.dumps(share(Path(given.share[0]), int(given.share[1]))))
        return
    with tempfile.TemporaryDirectory(prefix="scanlab-") as temporary:
        root = Path(temporary)
        make(root, given.images)
        begun = _alone("--start", str(root / "set"))
        # A step does not depend on how many pictures there are: a small folder is read sooner.
        (root / "small").mkdir()
        make(root / "small", 20 * CLASSES)
        runs: dict[int, list[dict[str, float]]] = {0: [], 1: [], 2: []}
        for _ in range(given.runs):
            for loaders, measured in runs.items():
                measured.append(_alone("--share", str(root / "small" / "set"), str(loaders)))
    shares = {
        loaders: {name: statistics.median(each[name] for each in measured) for name in measured[0]}
        for loaders, measured in runs.items()
    }
    content = {
        **environment(("torch", "numba", "numpy", "pillow")),
        "start": begun,
        "model": {"dim": OPTIONS["model.dim"], "depth": OPTIONS["model.depth"], "images": list(SIDE), "batch": BATCH},
        "by loaders": shares,
        "runs": runs,
    }
    text = json.dumps(content, indent=1) + "\n"
    sys.stdout.write(text)
    if given.json:
        given.json.write_text(text)


if __name__ == "__main__":
    main()
