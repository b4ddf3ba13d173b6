"""Learn land cover from small tiles, then map a georeferenced scene of 2048 x 2048 pixels in one pass."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import rasterio
import torch
from PIL import Image
from rasterio.transform import from_origin

import scanlab
from scanlab.data import from_arrays
from scanlab.data.geotiff import opened_raster, write_classes
from scanlab.nn import BackboneConfig, MixerConfig, PictureRows, Segmenter, large_pass
from scanlab.nn.large import reading_of
from scanlab.nn.measure import PeakMemory
from scanlab.predict.written import class_colours
from scanlab.study.train import train_model
from scanlab.study.trial import DataChoice, Problem, Recipe, Trial

NAMES = ("water", "fields", "forest")
COLOURS = np.array([[0.12, 0.25, 0.45], [0.55, 0.52, 0.30], [0.16, 0.34, 0.16]])
SIDE, TILE = 2048, 64


def scene(side: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A made-up scene, bytes [3, side, side], and its land cover [side, side]: by height, in hills of many sizes."""
    draw = np.random.default_rng(seed)
    height = sum(
        np.kron(draw.standard_normal((n, n)), np.ones((side // n, side // n))) / n**0.5 for n in (8, 16, 32, 64)
    )
    cover = np.digitize(height, np.quantile(height, [0.3, 0.7]))
    pixels = (
        COLOURS[cover] + 0.06 * draw.standard_normal((side, side, 1)) + 0.03 * draw.standard_normal((side, side, 3))
    )
    return (255 * pixels.clip(0, 1)).round().astype(np.uint8).transpose(2, 0, 1), cover.astype(np.uint8)


def trained() -> Segmenter:
    """A small segmenter that has seen tiles of another scene."""
    pixels, cover = scene(1024, seed=1)
    places = [(y, x) for y in range(0, 1024, TILE) for x in range(0, 1024, TILE)][::2]
    tiles = np.stack([pixels[:, y : y + TILE, x : x + TILE] for y, x in places]) / 255
    masks = np.stack([cover[y : y + TILE, x : x + TILE] for y, x in places])
    data = from_arrays(tiles, masks, name="tiles")
    config = BackboneConfig(patch=16, dim=24, positions="none", mixer=MixerConfig(convolution="path", taps=4))
    scan = scanlab.compile(scanlab.parse("snake"), grid=(4, 4))
    recipe, strategies = Recipe(epochs=3, batch=8), (("snake", scan),)
    problem = Problem("tiles", DataChoice("tiles"), "segmentation", data.fingerprint, strategies, config, recipe)
    model, result = train_model(Trial(problem, scan, seed=0), data)
    print(f"Dice on tiles that were not learned: {result.final['dice']:.3f}")
    assert isinstance(model, Segmenter)
    return model.eval()


def draw(file: str, pixels: np.ndarray, classes: np.ndarray) -> None:
    """The scene, and what was made of it in the colours that are written with the classes."""
    colours = np.array(list(class_colours(len(NAMES)).values()), np.uint8)
    both = np.concatenate([pixels.transpose(1, 2, 0), colours[classes]], axis=1)
    Image.fromarray(both).resize((800, 400)).quantize(64).save(file)


def main() -> None:
    torch.set_num_threads(1)
    model, (pixels, cover) = trained(), scene(SIDE, seed=2)
    with tempfile.TemporaryDirectory() as folder:
        file, mapped = Path(folder) / "scene.tif", Path(folder) / "cover.tif"
        place = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_100_000, 10, 10)}
        shape = {"count": 3, "height": SIDE, "width": SIDE, "dtype": "uint8"}
        with rasterio.open(file, "w", driver="GTiff", **shape, **place) as out:
            out.write(pixels)

        # What `scanlab predict model.safetensors scene.tif --out cover.tif` does.
        with opened_raster(file, channels=3) as raster, PeakMemory() as memory:
            rows = PictureRows(raster.shape, lambda first, last: torch.from_numpy(raster.read(first, last)))
            classes = large_pass(model, rows).numpy()
            write_classes(mapped, classes, raster.georeference, NAMES, class_colours(len(NAMES)))
        reading = reading_of(model, (SIDE, SIDE))
        assert reading.streams, "a snake goes through the picture row by row"
        print(f"{SIDE} x {SIDE} pixels in one pass, the state carried from row to row of patches")
        print(f"right: {100 * (classes == cover).mean():.2f} % of the pixels")
        if memory.peak is not None:
            print(f"memory: {memory.peak / 2**20:.0f} MB more than before at most")

        # The upper half with all its patches at once: what carrying the state from part to part must equal.
        half = torch.from_numpy(pixels[:, : SIDE // 2]).float() / 255
        with torch.no_grad():
            difference = (large_pass(model.backbone, half) - model.backbone(half[None])[0]).abs().max().item()
        print(f"some rows after the other and all at once differ by at most {difference:.1e}")
        assert difference < 1e-4
        with rasterio.open(mapped) as made:
            print(f"written: {made.crs}, upper left corner at {made.transform.c:,.0f}, {made.transform.f:,.0f}")
            if len(sys.argv) > 1:
                draw(sys.argv[1], pixels, classes)
            for number, name in enumerate(NAMES):
                square_km = (made.read(1) == number).sum() * 100 / 1e6
                print(f"  {name}: {square_km:.1f} square kilometres")


if __name__ == "__main__":
    main()
