"""Learn the direction in which a handwritten digit moves, then watch 10,000 frames one by one with a state that never
grows.

python examples/stream_video.py [FRAMES]
"""

import resource
import sys

import torch

import scanlab
from scanlab.data import load
from scanlab.nn import BackboneConfig, Classifier, MixerConfig, stream
from scanlab.study.train import train_model
from scanlab.study.trial import DataChoice, Problem, Recipe, Trial

SIZES = BackboneConfig(
    patch=(1, 4, 4), dim=32, depth=2, positions="none", mixer=MixerConfig(state=8, convolution="path", taps=4)
)
EPOCHS = 3
# Two frames at a time, and both of a place side by side: what moves is seen where it was and where it is.
ORDER, LATENCY = "by t // 2, h, w, t % 2", 2


def memory() -> float:
    """The most that this process has taken so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(frames: int = 10_000) -> None:
    torch.set_num_threads(1)  # the model is too small for more
    videos = load("moving-digits")  # [1797, 1, 8 frames, 16, 16]: real digits, one pixel per frame
    scan = scanlab.compile(scanlab.parse(ORDER, axes="t h w"), grid=(8, 4, 4))
    data = DataChoice("moving-digits")
    recipe = Recipe(epochs=EPOCHS)
    problem = Problem("moving digits", data, "classification", videos.fingerprint, (("row", scan),), SIZES, recipe)
    model, _ = train_model(Trial(problem, scan, seed=0), videos)
    assert isinstance(model, Classifier)

    clips = torch.tensor(videos.images[videos.test[:200]])
    labels = torch.tensor(videos.labels[videos.test[:200]])
    with torch.no_grad():
        live, guesses = stream(model, LATENCY), torch.empty(0)
        for number in range(0, clips.shape[2], LATENCY):
            guesses = live.read(clips[:, :, number : number + LATENCY])
            right = 100 * (guesses.argmax(1) == labels).float().mean().item()
            print(f"after {number + LATENCY} frames {right:5.1f} % right")
        print(f"all frames at once differ by at most {(guesses - model(clips)).abs().max().item():.1e}")

        live, before = stream(model, LATENCY), 0.0
        for number in range(LATENCY, frames + 1, LATENCY):
            clip, first = divmod(number - LATENCY, clips.shape[2])
            live.read(clips[clip % len(clips), :, first : first + LATENCY][None])
            if number in (frames // 10, frames):
                print(f"{number:6} frames read, {memory():.0f} MB taken at most")
                before = before or memory()
    assert memory() - before < 20, "what a stream keeps does not grow with the video"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
