"""Learn to expect the next frame of a video; each is compared with what comes, and with repeating the last one."""

import sys

import torch
from PIL import Image

import scanlab
from scanlab.data import load
from scanlab.nn import BackboneConfig, MixerConfig, NextFrame
from scanlab.predict import Frame, live_results
from scanlab.study.train import train_model
from scanlab.study.trial import DataChoice, Problem, Recipe, Trial

# Two paths, both through the frames in order: what is expected of a patch is made of all that was seen.
ORDER = "sum((by t, h, w), (by t, -h, -w))"
EPOCHS, SHADES = 5, " .:-=+*#%@"


def main() -> None:
    torch.set_num_threads(1)  # the model is too small for more
    videos = load("moving-digits")  # real digits, which move by one pixel a frame
    scan = scanlab.compile(scanlab.parse(ORDER, axes="t h w"), grid=(8, 2, 2))
    mixer = MixerConfig(state=8, convolution="path", taps=4)
    config = BackboneConfig(patch=(1, 8, 8), dim=96, depth=2, mlp=2.0, positions="none", mixer=mixer)
    recipe = Recipe(epochs=EPOCHS, batch=8, learning_rate=3e-3)
    data = DataChoice("moving-digits")
    problem = Problem("digits", data, "next_frame", videos.fingerprint, (("both", scan),), config, recipe)
    model, result = train_model(Trial(problem, scan, seed=0), videos)
    assert isinstance(model, NextFrame)
    assert result.final["mae"] < result.final["mae_of_repeating"], "it has learned how digits move"
    print(
        f"mean absolute error of the next frame on digits that were not learned: {result.final['mae']:.4f}, "
        f"of repeating the last one: {result.final['mae_of_repeating']:.4f}"
    )

    clip = torch.tensor(videos.images[videos.test[0]])
    frames = (Frame(f"frame {number}", clip[:, number]) for number in range(clip.shape[1]))
    seen = []
    for answer in live_results(model, frames):
        if answer.number:
            print(f"{answer.frame}: {answer.error:.4f} off; repeating {answer.error_of_repeating:.4f} off")
        seen.append(answer.expected)
    print("\nThe sixth frame, the seventh, and what was expected of the seventh:")
    pictures = (clip[0, 5], clip[0, 6], seen[5][0].clamp(0, 1))
    for row in range(clip.shape[2]):
        print("   ".join("".join(SHADES[int(9 * v)] * 2 for v in picture[row]) for picture in pictures))
    if len(sys.argv) > 1:
        whole = (255 * torch.cat(pictures, dim=1)).byte().numpy()
        Image.fromarray(whole).resize((whole.shape[1] * 12, whole.shape[0] * 12), 0).save(sys.argv[1])


if __name__ == "__main__":
    main()
