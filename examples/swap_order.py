"""Train a small Vim, write it as Vim's own code would, read it back, and let it read its patches along other orders."""

import tempfile
from pathlib import Path

import torch

import scanlab
from scanlab.data import load
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, set_scan
from scanlab.study.train import train_model
from scanlab.study.trial import DataChoice, Problem, Recipe, Trial
from scanlab.zoo import from_official, to_official
from scanlab.zoo.files import read_tensors

# Vim's mixer: a convolution along each path, parameters for each of the two, no norm before the gate.
MIXER = MixerConfig(state=8, convolution="path", taps=4, norm=False, parameters="per_path", average=True)
SIZES = BackboneConfig(patch=2, dim=32, depth=2, norm_kind="rms", readout="cls", mixer=MIXER)
EPOCHS = 5
ORDERS = ["vim", "hilbert", "column", "by random(seed=0)", "vim"]


def main() -> None:
    torch.set_num_threads(1)  # the model is too small for more
    digits = load("digits")
    images, labels = torch.tensor(digits.images[digits.test]), torch.tensor(digits.labels[digits.test])
    vim = scanlab.compile("vim", grid=(4, 4))
    problem = Problem(
        "digits",
        DataChoice("digits"),
        "classification",
        digits.fingerprint,
        (("vim", vim),),
        SIZES,
        Recipe(epochs=EPOCHS),
    )
    model, _ = train_model(Trial(problem, vim, seed=0), digits)
    assert isinstance(model, Classifier)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "checkpoint.pth"
        torch.save({"model": to_official(model), "epoch": EPOCHS}, file)
        tensors, _ = read_tensors(file)
    print(f"{len(tensors)} tensors under Vim's names, such as layers.0.mixer.x_proj_b.weight")
    again = Classifier(Backbone("vim", SIZES, input_size=(8, 8)), digits.classes).eval()
    from_official(again, tensors)

    accuracies = []
    for order in ORDERS:
        with torch.no_grad():
            guesses = set_scan(again, order)(images).argmax(1)
        accuracies.append((guesses == labels).float().mean().item())
        print(f"{order:18} {100 * accuracies[-1]:6.2f} %")
    assert accuracies[0] == accuracies[-1], "a swap changes no weight, so swapping back undoes it"


if __name__ == "__main__":
    main()
