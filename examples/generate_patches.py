"""Learn to draw handwritten digits patch by patch, and complete digits from their upper half in three orders."""

import torch

import scanlab
from scanlab.data import load
from scanlab.nn import BackboneConfig, MixerConfig, NextPatch
from scanlab.study.train import train_model
from scanlab.study.trial import DataChoice, Problem, Recipe, Trial

SIZES = BackboneConfig(patch=2, dim=48, depth=2, mixer=MixerConfig(state=8, convolution="path", taps=4))
EPOCHS = 6
# The first two visit the upper half before the lower one, the third does not: what is known below its next patch is
# not used by it.
ORDERS = {"row": "row", "snake": "snake", "column": "column"}
SHADES = " .:-=+*#%@"


def main() -> None:
    torch.set_num_threads(1)  # the model is too small for more
    digits = load("digits")
    images = torch.tensor(digits.images[digits.test[:200]])  # [200, 1, 8, 8] in [0, 1], 17 levels
    upper = torch.arange(4)[:, None].expand(4, 4) < 2
    columns = [list(images[:3, 0])]
    for name, line in ORDERS.items():
        scan = scanlab.compile(scanlab.parse(line), grid=(4, 4))
        data = DataChoice("digits")
        problem = Problem(
            "digits", data, "next_patch_in_bits", digits.fingerprint, ((name, scan),), SIZES, Recipe(epochs=EPOCHS)
        )
        model, _ = train_model(Trial(problem, scan, seed=0), digits)
        assert isinstance(model, NextPatch)
        with torch.no_grad():
            bits = model.loss(images).item()
        likeliest = model.complete(images, upper, greedy=True)
        drawn = model.complete(images, upper, generator=torch.Generator().manual_seed(0))
        assert torch.equal(drawn[:, :, :4], images[:, :, :4]), "what is known stays"
        error = (likeliest - images)[:, :, 4:].abs().mean().item()
        print(f"{name:8} {bits:.3f} bits per pixel; the likeliest lower half is {error:.3f} off per pixel")
        columns.append(list(drawn[:3, 0]))
    print("\nThe digit, and its lower half as drawn in each of the orders:")
    for number in range(3):
        for row in range(8):
            print("   ".join("".join(SHADES[int(9 * v)] * 2 for v in column[number][row]) for column in columns))
        print()


if __name__ == "__main__":
    main()
