"""Train a small model on digits along a Hilbert curve, export it in three forms, classify with each in onnxruntime."""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import torch

import scanlab
from scanlab.data import load
from scanlab.export import FORMS, compare_onnx, open_onnx, write_onnx
from scanlab.nn import BackboneConfig, Classifier
from scanlab.study.train import train_model
from scanlab.study.trial import DataChoice, Problem, Recipe, Trial


def main() -> None:
    torch.set_num_threads(1)  # the model is too small for more
    digits = load("digits")  # [1797, 1, 8, 8]
    scan = scanlab.compile("hilbert", grid=(4, 4))
    problem = Problem(
        *("digits", DataChoice("digits"), "classification", digits.fingerprint, (("hilbert", scan),)),
        *(BackboneConfig(dim=16), Recipe(epochs=3)),
    )
    model, _ = train_model(Trial(problem, scan, seed=0), digits)
    assert isinstance(model, Classifier)
    images, labels = digits.images[digits.test], digits.labels[digits.test]

    with TemporaryDirectory() as folder:
        for form in FORMS:
            path = Path(folder) / f"hilbert-{form}.onnx"
            exported = write_onnx(model, path, form=form)
            worst = max(row.difference for row in compare_onnx(model, exported, runs=0))
            start = perf_counter()
            [logits] = open_onnx(path, threads=1).run(None, {"images": images.astype(np.float32)})
            right = 100 * (logits.argmax(1) == labels).mean()
            print(f"{form:12} {len(exported.model.graph.node):4} nodes, {path.stat().st_size / 1e3:4.0f} kB: ", end="")
            print(f"{right:.1f} % of {len(labels)} right after {perf_counter() - start:.2f} s,", end=" ")
            print(f"differs from torch by {worst:.0e} at most")
            print(f"{'':12} {'; '.join(exported.notes())}")


if __name__ == "__main__":
    main()
