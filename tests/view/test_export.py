from __future__ import annotations

from pathlib import Path

import pytest

from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.export import write, write_whole

OPENINGS = {".svg": b"<svg ", ".png": b"\x89PNG", ".gif": b"GIF89a", ".html": b"<!doctype html>"}


def refused(code: str, *words: str):
    return pytest.raises(ScanlabError, match="(?s)" + ".*".join([code, *words]))


@pytest.mark.parametrize("suffix", [*OPENINGS, ".SVG"])
def test_the_suffix_chooses_the_medium(made, tmp_path, suffix):
    if suffix in (".png", ".gif"):
        pytest.importorskip({".png": "matplotlib", ".gif": "PIL"}[suffix], reason="needs the extra pictures")
    target = tmp_path / f"path{suffix}"
    write([made.row(3, 3)], target)
    assert target.read_bytes().startswith(OPENINGS[suffix.lower()])
    assert [file.name for file in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("name", ["path.jpeg", "path"])
def test_other_suffixes_are_refused_with_the_list(made, tmp_path, name):
    with refused("S501", r"\.svg, \.png, \.gif, \.mp4, \.html"):
        write([made.row(2, 2)], tmp_path / name)


def test_a_directory_is_refused(made, tmp_path):
    (tmp_path / "path.svg").mkdir()
    with refused("S502", "is a directory"):
        write([made.row(2, 2)], tmp_path / "path.svg")


def test_a_missing_folder_is_refused(made, tmp_path):
    with refused("S502", "does not exist", "mkdir -p"):
        write([made.row(2, 2)], tmp_path / "not" / "there.svg")


def test_no_picture_leaves_the_old_file(tmp_path):
    target = tmp_path / "path.svg"
    target.write_text("old")
    with refused("S503"):
        write([], target)
    assert target.read_text() == "old"


def test_a_failure_while_writing_leaves_the_old_file_and_no_part(tmp_path, monkeypatch):
    target = tmp_path / "path.svg"
    target.write_text("old")

    def full(self: Path, other: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with refused("S502", "No space left on device"):
        write_whole(target, b"new")
    assert target.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["path.svg"]


def test_no_permission_is_a_clear_error(tmp_path, monkeypatch):
    def denied(**_: object) -> tuple[int, str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("scanlab.places.tempfile.mkstemp", denied)
    with refused("S502", "Permission denied"):
        write_whole(tmp_path / "path.svg", b"new")


def test_an_old_file_keeps_its_permissions(tmp_path):
    target = tmp_path / "path.svg"
    target.write_text("old")
    target.chmod(0o640)
    write_whole(target, b"new")
    assert target.stat().st_mode & 0o777 == 0o640
    assert target.read_bytes() == b"new"
