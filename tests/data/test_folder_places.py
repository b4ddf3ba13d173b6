"""Folders as people have them: parts, images beside masks, groups, and what is refused because it may be two things."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import classes, colours, grey, masked, noted, refused, save

from scanlab import data
from scanlab.ir.diagnostics import ScanlabError


def three(n: int) -> np.ndarray:
    return (np.arange(48, dtype=np.uint8).reshape(6, 8) + n) % 3


LABELS = np.stack([three(n) for n in range(6)])
PAIRS = {
    "labels": ("images/{}.png", "labels/{}.png"),
    "annotations, capitals": ("IMAGES/{}.png", "Annotations/{}.PNG"),
    "ground truth": ("img/{}.png", "ground_truth/{}.png"),
    "Pascal VOC's": ("JPEGImages/2007_{}.png", "SegmentationClass/2007_{}.png"),
    "nnU-Net's": ("imagesTr/case_{}_0000.png", "labelsTr/case_{}.png"),
    "_mask": ("images/{}.png", "masks/{}_mask.png"),
    "mask_ and image_": ("images/image_{}.png", "masks/mask_{}.png"),
    "one folder": ("{}.png", "{}_mask.png"),
    "DeepGlobe's": ("{}_sat.png", "{}_mask.png"),
    "train beside train_masks": ("train/{}.png", "train_masks/{}_mask.png"),
    "one folder within": ("images/{}.png", "annotations/trimaps/{}.png"),
}


@pytest.mark.parametrize("images, masks", PAIRS.values(), ids=PAIRS.keys())
def test_images_with_masks_under_many_names(tmp_path: Path, images: str, masks: str) -> None:
    dataset = data.whole(str(masked(tmp_path, three, images, masks)))
    assert dataset.masks and np.array_equal(dataset.labels, LABELS) and dataset.images.shape == (6, 3, 6, 8)
    noted(dataset, "layout", "images")


def test_parts_of_images_and_of_masks(tmp_path: Path) -> None:
    for part in ("training", "validation"):
        masked(tmp_path, three, f"images/{part}/ADE_{{}}.png", f"annotations/{part}/ADE_{{}}.png")
    dataset = data.whole(str(tmp_path))
    assert [len(part) for part in (dataset.train, dataset.val, dataset.test)] == [6, 0, 6]
    assert np.array_equal(dataset.labels, np.concatenate([LABELS, LABELS]))
    noted(dataset, "assumed", "the validation part stands for it")


def test_cities_in_folders_and_several_masks_each(tmp_path: Path) -> None:
    for part in ("train", "val"):
        for city in ("aachen", "bochum"):
            for n in range(3):
                name = f"{city}_{n}"
                save(tmp_path / "leftImg8bit" / part / city / f"{name}_leftImg8bit.png", colours())
                save(tmp_path / "gtFine" / part / city / f"{name}_gtFine_labelIds.png", three(n))
                save(tmp_path / "gtFine" / part / city / f"{name}_gtFine_color.png", colours())
    refused(tmp_path, "S691", "may each be the mask of aachen_0_leftImg8bit.png", "masks=_labelIds")
    dataset = data.whole(str(tmp_path), layout="masks=_labelIds")
    assert np.array_equal(dataset.labels, np.concatenate([LABELS[:3]] * 4)) and len(dataset.train) == 6


def test_two_folders_that_may_be_classes_or_images_with_masks(tmp_path: Path) -> None:
    folder = masked(tmp_path, three, "photos/{}.png", "truth/{}.png")
    refused(folder, "S691", "photos and truth, which hold files of the same names", 'masks=truth"')
    assert np.array_equal(data.whole(str(folder), layout="images=photos masks=truth").labels, LABELS)
    assert data.whole(str(folder), layout="classes").class_names == ("photos", "truth")
    renamed = classes(tmp_path / "two", ("images", "other"))
    (renamed / "other" / "0.png").rename(renamed / "other" / "x.png")
    refused(renamed, "S691", "one is called images")
    assert data.whole(str(classes(tmp_path / "plain"))).class_names == ("cat", "dog")


def test_a_third_folder_may_hold_the_masks(tmp_path: Path) -> None:
    folder = masked(tmp_path, three)
    for n in range(6):
        save(folder / "manual" / f"{n}.png", 2 - three(n))
    refused(folder, "S691", "images, masks and manual", "masks=manual")
    assert np.array_equal(data.whole(str(folder), layout="masks=manual").labels, 2 - LABELS)
    (folder / "manual" / "5.png").unlink()
    noted(data.whole(str(folder)), "left out", "manual")


def test_images_without_a_mask(tmp_path: Path) -> None:
    save(masked(tmp_path, three) / "images" / "9.png", colours())
    refused(tmp_path, "S644", "9.png has no partner, one of 1", "masked_only")
    dataset = data.whole(str(tmp_path), layout="masked_only")
    assert len(dataset.images) == 6
    noted(dataset, "left out", "1 image without a mask: 9.png")


def test_masks_among_the_pictures_of_classes(tmp_path: Path) -> None:
    for name in ("benign", "normal"):
        masked(tmp_path / name, three, "{}.png", "{}_mask.png", 4)
    refused(tmp_path, "S691", "4 files that look like masks of others, such as 0_mask.png")
    as_classes, as_masks = (data.whole(str(tmp_path), layout=word) for word in ("classes", "masks"))
    assert len(as_classes.images) == 8 and as_classes.class_names == ("benign", "normal")
    noted(as_classes, "left out", "4 masks in benign")
    assert as_masks.masks and np.array_equal(as_masks.labels, np.concatenate([LABELS[:4]] * 2))


@pytest.mark.parametrize("train, test", [("Train", "Test"), ("training", "testing"), ("TRAIN", "test_set")])
def test_names_of_parts(tmp_path: Path, train: str, test: str) -> None:
    classes(tmp_path / train, each=4), classes(tmp_path / test, each=2)
    dataset = data.whole(str(tmp_path))
    assert (len(dataset.train), len(dataset.test), dataset.class_names) == (8, 4, ("cat", "dog"))


def test_folders_beside_the_parts(tmp_path: Path) -> None:
    classes(tmp_path / "train"), classes(tmp_path / "test_images")
    dataset = data.whole(str(tmp_path))
    assert len(dataset.test) == 12
    noted(dataset, "assumed", "test_images is the test part")
    classes(tmp_path / "more")
    refused(tmp_path, "S691", "beside them more with images")
    flat = tmp_path / "flat"
    for part in ("train_images", "test_images"):
        for n in range(4):
            save(flat / part / f"{n}.png", colours())
    refused(flat, "S691", "called after parts")
    assert data.whole(str(flat), layout="classes").class_names == ("test_images", "train_images")
    classes(tmp_path / "two" / "train"), classes(tmp_path / "two" / "val"), classes(tmp_path / "two" / "valid")
    refused(tmp_path / "two", "S691", "each may be the val part")
    classes(tmp_path / "unlabelled" / "train")
    save(tmp_path / "unlabelled" / "test" / "0.png", colours())
    refused(tmp_path / "unlabelled", "S644", "its part test holds 1 file and no folders of classes")
    classes(tmp_path / "other" / "train")
    classes(tmp_path / "other" / "test", ("ant", "bee", "eel"))
    refused(tmp_path / "other", "S644", "none of the classes of the training part")


def test_what_systems_leave_behind_and_archives_wrap(tmp_path: Path) -> None:
    classes(tmp_path / "EuroSAT" / "2750")
    (tmp_path / "__MACOSX" / "EuroSAT").mkdir(parents=True)
    (tmp_path / "__MACOSX" / "._x.png").write_bytes(b"x")
    save(tmp_path / "EuroSAT" / "2750" / ".ipynb_checkpoints" / "0.png", grey())
    (tmp_path / "EuroSAT" / "2750" / "notes.txt").write_text("x")
    dataset = data.whole(str(tmp_path))
    assert dataset.class_names == ("cat", "dog") and len(dataset.images) == 12
    noted(dataset, "assumed", "the data are those in EuroSAT/2750")
    noted(dataset, "left out", "1 .txt")


def test_folders_within_classes(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for n in range(6):
            save(tmp_path / "one" / name / "images" / f"{n}.png", colours())
            save(tmp_path / "many" / name / f"{name} {n // 2}" / f"{n}.png", colours())
    one = data.whole(str(tmp_path / "one"))
    assert len(one.images) == 12
    noted(one, "assumed", "cat/images")
    refused(tmp_path / "many", "S691", "the folders cat 0, cat 1, cat 2", "groups")
    assert len(data.whole(str(tmp_path / "many"), layout="nested").images) == 12
    grouped = data.whole(str(tmp_path / "many"), layout="groups")
    assert grouped.groups is not None and np.bincount(grouped.groups).tolist() == [2] * 6
    assert not set(grouped.groups[grouped.train]) & set(grouped.groups[grouped.test])
    save(tmp_path / "one" / "cat" / "stray.png", colours())
    refused(tmp_path / "one", "S691", "1 file and the folders images")


def test_classes_in_other_letters_and_pictures_beside_them(tmp_path: Path) -> None:
    classes(tmp_path / "train"), classes(tmp_path / "test", ("Cat", "dog"))
    refused(tmp_path, "S691", "Cat, cat, which may be one")
    save(classes(tmp_path / "plain") / "cover.png", colours())
    noted(data.whole(str(tmp_path / "plain")), "left out", "1 picture beside the folders of classes")


def test_words_that_mean_nothing(tmp_path: Path) -> None:
    classes(tmp_path)
    for text, words in {
        "chanels_first": "did you mean 'channels_first'?",
        "classes masks": "both classes and masks",
        "same_grid": "nothing for a folder of images",
        "masks=": "'masks=', which means nothing",
    }.items():
        refused(tmp_path, "S690", words, layout=text)
    with pytest.raises(ScanlabError, match=r"S690.*nothing for digits"):
        data.load("digits", layout="classes")
    with pytest.raises(ScanlabError, match=r"S695.*holds no NIfTI files"):
        data.load(str(tmp_path), spacing=(1, 1, 1))
