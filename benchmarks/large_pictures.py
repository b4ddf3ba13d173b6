"""Memory of one pass over a large picture: `large_pass` beside the model called as it is.

`python benchmarks/large_pictures.py [--side 4096] [--picture FILE] [--json FILE]`. Each case runs in a process of its
own, on two threads, with bytes of a picture (FILE, enlarged to the side; else random ones) that become floats as rows
are read; the call of the whole model needs all of them as floats. Growth is the most by which the process grew within
the call; resident the most that it ever took, Python, torch and the picture included. Memory does not change with
what else the machine does; the seconds do, and are no record.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import torch

from scanlab.bench.machine import environment
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, PictureRows, Segmenter, large_pass
from scanlab.nn.large import reading_of
from scanlab.nn.measure import PeakMemory, parameter_count

PATCH, DIM, DEPTH = 16, 192, 4
MIXER = MixerConfig(state=16, convolution="path", taps=4)
# Strategy, head; "whole" is the model called as it is.
CASES = (
    ("row", "classes", "large_pass"),
    ("row", "classes", "whole"),
    ("sum(row, -row)", "classes", "large_pass"),
    ("sum(row, -row)", "classes", "whole"),
    ("cross", "classes", "large_pass"),
    ("cross", "classes", "whole"),
    ("row", "masks of 10 classes", "large_pass"),
)


def one(case: Sequence[str], side: int, picture: str) -> dict[str, object]:
    """A case, in this process."""
    strategy, head, how = case
    torch.manual_seed(0)
    config = BackboneConfig(patch=PATCH, dim=DIM, depth=DEPTH, positions="none", mixer=MIXER)
    backbone = Backbone(strategy, config, input_size=(64, 64), channels=3)
    model = (Segmenter(backbone, 10) if head.startswith("masks") else Classifier(backbone, 10)).eval()
    pixels = _pixels(side, picture)
    source = PictureRows(tuple(pixels.shape), lambda first, last: pixels[:, first:last] / 255)
    start = perf_counter()
    with torch.no_grad(), PeakMemory() as memory:
        if how == "whole":
            model(source.read(0, side)[None])
        else:
            large_pass(model, source)
    return {
        "strategy": strategy,
        "head": head,
        "how": how,
        "rows at a time": reading_of(model, (side, side)).latency if how == "large_pass" else 0,
        "parameters": parameter_count(model),
        "growth_bytes": memory.peak,
        "resident_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "seconds": round(perf_counter() - start, 1),
    }


def _pixels(side: int, picture: str) -> torch.Tensor:
    if not picture:
        return torch.randint(256, (3, side, side), dtype=torch.uint8)
    import numpy as np
    from PIL import Image

    with Image.open(picture) as image:
        return torch.from_numpy(np.array(image.convert("RGB").resize((side, side)))).movedim(-1, 0).contiguous()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--picture", default="")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--case", type=int, help="run this case alone, and print it")
    options = parser.parse_args()
    if options.case is not None:
        print(json.dumps(one(CASES[options.case], options.side, options.picture)))
        return
    figures = []
    for number, case in enumerate(CASES):
        command = [sys.executable, __file__, "--case", str(number), "--side", str(options.side)]
        command += ["--picture", options.picture] if options.picture else []
        threads = {"OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"}
        done = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True, check=True)
        figures.append(json.loads(done.stdout.splitlines()[-1]))
        figure = figures[-1]
        growth = figure["growth_bytes"]
        shown = "not measured" if growth is None else f"{growth / 1e6:,.0f} MB"
        taken = f"{figure['resident_bytes'] / 1e6:,.0f} MB resident at most"
        print(f"{', '.join(case)}: grew by {shown}, {taken}", flush=True)
    if options.json:
        about = environment(("torch", "numba", "numpy")) | {"side": options.side, "patch": PATCH, "figures": figures}
        options.json.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
