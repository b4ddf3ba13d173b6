"""The next frame on three kinds of video, beside repeating the last one.

`python benchmarks/next_frame.py [--data FOLDER] [--only NAME] [--json FILE]`. Moving digits, which ship with the
package; and from FOLDER, where they are, radar.npz (rain radar over Finland, 5 minutes a frame) and spheres.npz
(latex spheres in water), at half their size, as `scanlab data` reads them. One small model and one seed each, trained
for minutes: what it says is whether the road works, not how well such videos can be predicted. Errors are mean
absolute errors of pixels in [0, 1] on the test part.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import torch

import scanlab
from scanlab import data
from scanlab.bench.machine import environment
from scanlab.nn import BackboneConfig, MixerConfig
from scanlab.study.train import train_model
from scanlab.study.trial import DataChoice, Problem, Recipe, Trial

LINE = "sum((by t, h, w), (by t, -h, -w))"
PATCH, DIM = (1, 8, 8), 96


@dataclass(frozen=True)
class Case:
    """A kind of video: where it is read from, how it is resized and scaled, and how long a model is trained on it."""

    name: str
    file: str
    size: tuple[int, ...] | None
    layout: str
    recipe: Recipe


CASES = (
    Case("moving digits", "", None, "", Recipe(epochs=6, batch=8, learning_rate=3e-3)),
    Case("rain radar", "radar.npz", (40, 48, 48), "", Recipe(epochs=30, batch=1, learning_rate=2e-3)),
    Case("spheres", "spheres.npz", (64, 48, 48), "scaled_values", Recipe(epochs=30, batch=1, learning_rate=2e-3)),
)


def trained(case: Case, folder: Path) -> dict[str, object]:
    """The figures of one kind."""
    name = str(folder / case.file) if case.file else "moving-digits"
    videos = data.load(name, size=case.size, layout=case.layout)
    grid = tuple(-(-n // side) for n, side in zip(videos.extents, PATCH, strict=True))
    scan = scanlab.compile(scanlab.parse(LINE, axes="t h w"), grid=grid)
    mixer = MixerConfig(state=8, convolution="path", taps=4)
    config = BackboneConfig(patch=PATCH, dim=DIM, depth=2, mlp=2.0, positions="none", mixer=mixer)
    strategies = (("both ways in a frame", scan),)
    choice = DataChoice(name, case.size, layout=case.layout)
    problem = Problem(case.name, choice, "next_frame", videos.fingerprint, strategies, config, case.recipe)
    start = process_time()
    _, result = train_model(Trial(problem, scan, seed=0), videos)
    return {
        "video": case.name,
        "training clips": len(videos.train),
        "test clips": len(videos.test),
        "extents": list(videos.extents),
        "epochs": case.recipe.epochs,
        "parameters": result.parameters,
        "mae": result.final["mae"],
        "mae_of_repeating": result.final["mae_of_repeating"],
        "processor seconds": round(process_time() - start, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/video"))
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    figures = []
    for case in CASES:
        if options.only and options.only != case.name:
            continue
        if case.file and not (options.data / case.file).exists():
            print(f"{case.name}: not trained, there is no {options.data / case.file}")
            continue
        figures.append(trained(case, options.data))
        print({key: value for key, value in figures[-1].items() if key != "extents"}, flush=True)
        if options.json:
            about = environment(("torch", "numba", "numpy")) | {"order": LINE}
            text = json.dumps(about | {"figures": figures}, indent=1) + "\n"
            options.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
