"""Windows of volumes on disk: their voxels, where they lie, what they are known by, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from volume_folders import made_volumes

from scanlab import data
from scanlab.data.dataset import IGNORED
from scanlab.data.layout import NOTHING
from scanlab.data.notes import notes_of
from scanlab.data.samples import samples
from scanlab.data.summary import dataset_summary
from scanlab.data.volume_files import load_case
from scanlab.data.volume_places import volumes_in
from scanlab.ir.diagnostics import ScanlabError

SHAPES = [(9, 12, 10), (11, 8, 14), (10, 10, 9), (12, 9, 11), (9, 9, 13)]
SIZE = (6, 6, 6)


@pytest.fixture(autouse=True)
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCANLAB_VOLUMES", str(tmp_path / "copies"))
    return tmp_path / "copies"


def whole_volumes(folder: Path) -> list:
    cases = volumes_in(folder, NOTHING).cases["train"]
    return [load_case(case, NOTHING) for case in cases]


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_windows_are_parts_of_the_volumes_that_are_read_whole(tmp_path: Path, ending: str):
    folder = made_volumes(tmp_path / "task", SHAPES, ending)
    windows = data.load(str(folder), window=SIZE).images.windows
    draw = np.random.RandomState(0)
    for number, volume in enumerate(whole_volumes(folder)):
        assert windows.case(number).extents == volume.extents
        for _ in range(5):
            start = windows.start(number, draw.rand(6))
            box = tuple(slice(at, at + side) for at, side in zip(start, SIZE, strict=True))
            assert all(at >= 0 and at + side <= n for at, side, n in zip(start, SIZE, volume.extents, strict=True))
            np.testing.assert_allclose(windows.image(number, start), volume.channels[(slice(None), *box)], atol=2e-6)
            np.testing.assert_array_equal(windows.mask(number, start), volume.mask[box])


def test_the_declared_share_lies_on_labelled_voxels_of_every_class_alike(tmp_path: Path):
    folder = str(made_volumes(tmp_path, [(60, 60, 60)] * 5, ".nii"))
    draws = np.random.RandomState(0).rand(600, 6)
    for share in (0.0, 0.4, 1.0):
        windows = data.load(folder, window=(5, 5, 5), labelled=share).images.windows
        middles = np.array([windows.mask(0, windows.start(0, own)) for own in draws])
        held = [np.array([(mask == label).any() for mask in middles]).mean() for label in (1, 2)]
        # Windows that lie anywhere meet these boxes in one of a thousand.
        assert held == pytest.approx([share / 2] * 2, abs=0.05)


def test_a_volume_smaller_than_its_window_lies_in_the_middle_and_nothing_else_is_learned(tmp_path: Path):
    folder = made_volumes(tmp_path, [(4, 12, 10)] * 5, ".nii")
    dataset = data.load(str(folder), window=SIZE)
    windows = dataset.images.windows
    volume = whole_volumes(folder)[0]
    start = windows.start(0, [0.9, 0, 0, 0.5, 0.0, 0.0])
    assert start == (-1, 0, 0)
    image, mask = windows.image(0, start), windows.mask(0, start)
    np.testing.assert_array_equal(mask[1:5], volume.mask[:, :6, :6])
    assert (mask[[0, 5]] == IGNORED).all() and (image[:, [0, 5]] == 0).all()
    assert "5 volumes smaller than a window" in str(notes_of(dataset)) and dataset.classes == 3


def test_what_is_said_is_that_of_whole_volumes_and_no_window_is_read_for_it(tmp_path: Path):
    folder = made_volumes(tmp_path / "task", SHAPES)
    (folder / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "a": 1, "b": 2}}))
    dataset = data.whole(str(folder), window=SIZE)
    summary = dataset_summary(dataset)
    volumes = whole_volumes(folder)
    shares = [
        sum(np.count_nonzero(volumes[n].mask == label) for n in dataset.train)
        / sum(volumes[n].mask.size for n in dataset.train)
        for label in range(3)
    ]
    assert summary["train share of pixels"] == pytest.approx(shares, abs=1e-5)
    assert (dataset.extents, dataset.channels, dataset.class_names) == (SIZE, 2, ("background", "a", "b"))
    assert len(dataset.train) == 4 and len(dataset.test) == 1
    assert all(sample.masks.shape[1:] == SIZE[1:] for sample in samples(dataset, 2, 1, 3))


def test_what_windows_are_known_by(tmp_path: Path):
    folder = made_volumes(tmp_path / "task", SHAPES)
    known = data.load(str(folder), window=SIZE).fingerprint
    assert data.load(str(folder), window="6x6x6").fingerprint == known
    others = [{"window": (5, 6, 6)}, {"window": SIZE, "labelled": 0.5}, {"window": SIZE, "limit": 2}]
    assert len({known, *(data.load(str(folder), **other).fingerprint for other in others)}) == 4
    file = folder / "imagesTr" / "case_1_0001.nii.gz"
    image = nibabel.load(file)
    array = np.asarray(image.dataobj).copy()
    array[0, 0, 0] += 1
    nibabel.save(nibabel.Nifti1Image(array, image.affine), file)
    assert data.load(str(folder), window=SIZE).fingerprint != known


def test_copies_are_made_once_and_plain_files_need_none(tmp_path: Path, copies: Path, capsys):
    folder = made_volumes(tmp_path / "task", SHAPES)
    first = data.load(str(folder), window=SIZE)
    made = {file: file.stat().st_mtime_ns for file in copies.iterdir()}
    assert sum(file.suffix == ".nii" for file in made) == 3 * len(SHAPES)
    assert data.load(str(folder), window=SIZE).fingerprint == first.fingerprint
    assert made == {file: file.stat().st_mtime_ns for file in copies.iterdir()}
    plain = made_volumes(tmp_path / "plain", SHAPES, ".nii")
    data.load(str(plain), window=SIZE)
    assert sum(file.suffix == ".nii" for file in copies.iterdir()) == 3 * len(SHAPES)


def refused(code: str, word: str, *given, **options) -> None:
    with pytest.raises(ScanlabError, match=word) as caught:
        data.load(*given, **options)
    assert caught.value.code == code and caught.value.diagnostics[0].help


def test_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = str(made_volumes(tmp_path / "task", SHAPES))
    refused("S834", "digits is no folder of NIfTI volumes", "digits", window=SIZE)
    refused("S834", "the window of volumes is 4x4", folder, window=(4, 4))
    refused("S834", "share of windows", folder, window=SIZE, labelled=1.5)
    refused("S834", "window and size", folder, window=SIZE, size=(8, 8, 8))
    refused("S834", "window and spacing", folder, window=SIZE, spacing=(1, 1, 1))
    refused("S834", "window and lazy = false", folder, window=SIZE, lazy=False)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SCANLAB_VOLUMES", str(tmp_path / "file"))
    refused("S835", "no folder for unpacked volumes", folder, window=SIZE)


def test_a_disk_without_room_is_told_before_anything_is_unpacked(tmp_path: Path, copies: Path, monkeypatch):
    folder = str(made_volumes(tmp_path / "task", SHAPES))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    refused("S835", "15 volumes take .* GB unpacked", folder, window=SIZE)
    assert not list(copies.iterdir())


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_damaged_volume_is_left_out_where_that_is_declared(tmp_path: Path, ending: str):
    folder = made_volumes(tmp_path / "task", SHAPES, ending)
    file = folder / "imagesTr" / f"case_2_0001{ending}"
    file.write_bytes(file.read_bytes()[: len(file.read_bytes()) * 2 // 3])
    refused("S644", "case_2_0001", str(folder), window=SIZE)
    dataset = data.load(str(folder), window=SIZE, unreadable=1)
    assert "1 volume cannot be read" in str(notes_of(dataset)) and list(dataset.images.windows.damaged) == [2]
    with pytest.raises(ScanlabError, match="case_2_0001"):
        dataset.images.windows.image(2, (0, 0, 0))


def test_volumes_that_do_not_fit_are_refused_without_a_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = str(made_volumes(tmp_path / "task", SHAPES))
    monkeypatch.setattr("scanlab.data.nifti.memory", lambda: 8000)
    refused("S836", "take .* GB as float32", folder)
    assert len(data.load(folder, window=SIZE).images) == len(SHAPES)


MEASURED = """
import sys
from pathlib import Path
import nibabel
import numpy as np
from scanlab import data

def most():
    # Of this program alone: what getrusage has begins with that of the process that started it.
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024

before = most()
dataset = data.load(sys.argv[1], window=(16, 16, 16))
windows, draw = dataset.images.windows, np.random.RandomState(0)
for number in range(len(dataset.images)):
    for _ in range(4):
        start = windows.start(number, draw.rand(6))
        windows.image(number, start), windows.mask(number, start)
print(most() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from Linux's /proc")
def test_volumes_larger_than_the_memory_that_is_taken(tmp_path: Path):
    """Five volumes take 300 MB as float32, held once: far less is taken, in a process of its own."""
    shape, draw = (192, 256, 320), np.random.RandomState(0)
    for number in range(5):
        mask = np.zeros(shape, np.uint8)
        mask[40:60, 50:70, 60:80] = 1
        array = (draw.randint(0, 50, shape, np.int16) + 40 * mask).astype(np.int16)
        for values, part in ((array, "imagesTr"), (mask, "labelsTr")):
            file = tmp_path / part / f"case_{number}.nii"
            file.parent.mkdir(exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), file)
    script = [sys.executable, "-c", MEASURED, str(tmp_path)]
    taken = float(subprocess.run(script, check=True, capture_output=True, text=True).stdout)
    voxels = 4 * 5 * np.prod(shape) / (1 << 20)
    assert voxels > 290 and taken < 120, f"{taken:.0f} MiB of {voxels:.0f}"
