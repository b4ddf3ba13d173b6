"""What `scanlab predict` prints of lines of text and of boxes, by models trained for less than a minute each.

`python benchmarks/predicted_heads.py [--json FILE] [--drawing FILE.png]`. The models are those of
examples/read_lines.py (lines of handwritten digits) and examples/find_cells.py without its photographs (discs and
rings, drawn at random). They are saved, pictures of the test parts are written as files, and the command is run on them
as a person runs it; what it prints is kept word by word. Lines are called after what stands on them. It shows what the
answers look like; the data are small, and made.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import runpy
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from scanlab.bench.machine import environment
from scanlab.data import load
from scanlab.data.texts import text_of_numbers
from scanlab.zoo import save

EXAMPLES = Path(__file__).parents[1] / "examples"
LINES, EPOCHS = 6, 36
# As they are printed; the folder is the one in which the command runs.
COMMANDS = (
    ("lines", "scanlab predict reader.safetensors lines/ --beam 8"),
    ("boxes", "scanlab predict cells.safetensors cells/ --score 0.4"),
    ("tiles", "scanlab predict cells.safetensors sheet.png --score 0.4 --tile 64 --out found.png"),
)


def reader_and_lines(folder: Path) -> dict[str, Any]:
    """Train a reader, and write lines of the test part."""
    example, lines = runpy.run_path(str(EXAMPLES / "read_lines.py")), load("digit-lines")
    start = process_time()
    save(example["learnt"](lines), folder / "reader.safetensors")
    (folder / "lines").mkdir()
    for number in lines.test[:LINES]:
        text = text_of_numbers(lines.labels[number], lines.class_names)
        write(folder / "lines" / f"{text.replace(' ', '_')}.png", lines.images[number])
    return {"model": "reader", "training lines": len(lines.train), "processor seconds": process_time() - start}


def detector_and_pictures(folder: Path) -> dict[str, Any]:
    """Train a detector, and write pictures of the test part, and four others of it as one."""
    example = runpy.run_path(str(EXAMPLES / "find_cells.py"))
    cells = replace(example["drawn"](), class_names=example["NAMES"])
    start = process_time()
    save(example["learnt"](cells, EPOCHS)[0], folder / "cells.safetensors")
    (folder / "cells").mkdir()
    first, second, *rest = cells.images[cells.test][:6]
    write(folder / "cells" / "one.png", first)
    write(folder / "cells" / "other.png", second)
    write(folder / "sheet.png", np.block([[rest[0], rest[1]], [rest[2], rest[3]]]))
    return {"model": "cells", "training pictures": len(cells.train), "processor seconds": process_time() - start}


def write(file: Path, image: NDArray[np.float32]) -> None:
    """An image [C, H, W] in [0, 1] as a picture."""
    pixels = np.rint(255 * np.moveaxis(image, 0, -1)).astype(np.uint8)
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file)


def printed(command: str, folder: Path) -> dict[str, Any]:
    """What a command prints; bars of its progress are no part of it."""
    words = [sys.executable, "-m", *command.split()]
    done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return {"command": command, "printed": done.stdout}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--drawing", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,)) as side_by_side:
            works = [side_by_side.submit(make, folder) for make in (reader_and_lines, detector_and_pictures)]
            models = [work.result() for work in works]
        runs = [{"about": about} | printed(command, folder) for about, command in COMMANDS]
        if options.drawing:
            options.drawing.write_bytes((folder / "found.png").read_bytes())
    for run in runs:
        print(f"$ {run['command']}\n{run['printed']}")
    if options.json:
        about = environment(("torch", "numba", "numpy"))
        models = [m | {"processor seconds": round(m["processor seconds"], 1)} for m in models]
        text = json.dumps(about | {"models": models, "figures": runs}, indent=1, ensure_ascii=False) + "\n"
        options.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
