"""Opening and saving: inside the folders that were opened, and never over what somebody else wrote."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scanlab.explorer.documents import is_saved
from scanlab.explorer.scan_files import MOST_FILES, Folders, folders_of
from scanlab.explorer.state import State
from scanlab.ir.diagnostics import ScanlabError

TEXT = "grid h, w\norder a = by h, w\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    opened = tmp_path / "opened"
    opened.mkdir()
    (opened / "a.scan").write_text(TEXT)
    (tmp_path / "secret.scan").write_text("grid h, w\n")
    return opened


@pytest.fixture
def folders(folder: Path) -> Folders:
    return folders_of([folder])


def _code(act: object, *words: object) -> str:
    with pytest.raises(ScanlabError) as caught:
        act(*words)  # type: ignore[operator]
    assert caught.value.diagnostics[0].help
    return caught.value.code


@pytest.mark.parametrize("path", ["../secret.scan", "sub/../../secret.scan", "/etc/hosts", "..", "\0.scan"])
def test_paths_that_leave_the_folders_are_refused(folders: Folders, path: str, tmp_path: Path) -> None:
    assert _code(folders.inside, path) == "S512"
    assert _code(folders.open, path) == "S512"
    assert _code(folders.save, path, TEXT, "") == "S512"
    assert _code(folders.open, str(tmp_path / "secret.scan")) == "S512"


def test_a_tilde_is_an_ordinary_name(folders: Folders) -> None:
    assert folders.inside("~/x.scan") == folders.roots[0] / "~" / "x.scan"


def test_a_link_out_of_the_folders_is_refused(folders: Folders, folder: Path, tmp_path: Path) -> None:
    (folder / "link.scan").symlink_to(tmp_path / "secret.scan")
    (folder / "up").symlink_to(tmp_path)
    for path in ("link.scan", "up/secret.scan", "up/new.scan"):
        assert _code(folders.open, path) == "S512"
        assert _code(folders.save, path, TEXT, "", True) == "S512"
    assert (tmp_path / "secret.scan").read_text() == "grid h, w\n"
    assert not (tmp_path / "new.scan").exists()


def test_a_link_within_the_folders_is_followed(folders: Folders, folder: Path) -> None:
    (folder / "other.scan").symlink_to(folder / "a.scan")
    opened = folders.open("other.scan")
    folders.save("other.scan", "# new\n", opened.digest)
    assert (folder / "other.scan").is_symlink()
    assert (folder / "a.scan").read_text() == "# new\n"


@pytest.mark.parametrize("name", ["a.txt", "a", "a.scan.py", ".bashrc"])
def test_only_scan_files_are_read_and_written(folders: Folders, folder: Path, name: str) -> None:
    (folder / name).write_text("secret")
    assert _code(folders.open, name) == "S512"
    assert _code(folders.save, name, TEXT, "", True) == "S512"
    assert (folder / name).read_text() == "secret"


def test_what_was_saved_is_what_is_opened(folders: Folders, folder: Path) -> None:
    saved = folders.save("new.scan", TEXT, "")
    assert (folder / "new.scan").read_bytes() == TEXT.encode()
    assert folders.open("new.scan") == saved
    again = folders.save("new.scan", TEXT + "# more\n", saved.digest)
    assert again.digest != saved.digest
    assert folders.open("new.scan").text == TEXT + "# more\n"


def test_a_file_that_changed_on_disk_is_not_overwritten_unasked(folders: Folders, folder: Path) -> None:
    opened = folders.open("a.scan")
    (folder / "a.scan").write_text("# somebody else's\n")
    assert _code(folders.save, "a.scan", TEXT, opened.digest) == "S513"
    assert (folder / "a.scan").read_text() == "# somebody else's\n"
    folders.save("a.scan", TEXT, opened.digest, force=True)
    assert (folder / "a.scan").read_text() == TEXT


def test_a_new_file_does_not_replace_one_that_is_there(folders: Folders, folder: Path) -> None:
    assert _code(folders.save, "a.scan", "", "") == "S513"
    assert (folder / "a.scan").read_text() == TEXT


def test_a_file_that_was_removed_is_told_of(folders: Folders, folder: Path) -> None:
    opened = folders.open("a.scan")
    (folder / "a.scan").unlink()
    assert _code(folders.save, "a.scan", TEXT, opened.digest) == "S513"
    assert not (folder / "a.scan").exists()


def test_line_ends_are_kept(folders: Folders, folder: Path) -> None:
    (folder / "dos.scan").write_bytes(TEXT.replace("\n", "\r\n").encode())
    opened = folders.open("dos.scan")
    assert opened.text == TEXT
    assert is_saved(State(text=opened.text, file=str(opened.path), base=opened.digest))
    folders.save("dos.scan", opened.text + "# é\n", opened.digest)
    assert (folder / "dos.scan").read_bytes() == (TEXT + "# é\n").replace("\n", "\r\n").encode()


def test_a_file_that_is_no_text_is_an_error(folders: Folders, folder: Path) -> None:
    (folder / "bytes.scan").write_bytes(b"\xff\xfe\x00")
    assert _code(folders.open, "bytes.scan") == "S103"
    (folder / "folder.scan").mkdir()
    assert _code(folders.open, "folder.scan") == "S107"
    assert _code(folders.open, "missing.scan") == "S107"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_the_list_leaves_out_what_is_hidden_or_far(folders: Folders, folder: Path) -> None:
    for name in ("sub/b.scan", ".git/c.scan", "node_modules/d.scan", "sub/readme.txt", "1/2/3/4/5/6/7/8/far.scan"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    (folder / "round").symlink_to(folder)
    assert [folders.shown(file) for file in folders.listed()] == ["a.scan", "sub/b.scan"]


def test_the_list_is_bounded(folders: Folders, folder: Path) -> None:
    for number in range(MOST_FILES + 20):
        (folder / f"{number}.scan").touch()
    assert len(folders.listed()) == MOST_FILES


def test_the_folders_are_those_of_the_files_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    assert folders_of([]).roots == (tmp_path.resolve(),)
    assert folders_of([Path("x/a.scan"), Path("x")]).roots == ((tmp_path / "x").resolve(),)


def test_a_text_counts_as_saved_only_where_the_file_holds_it(folders: Folders) -> None:
    opened = folders.open("a.scan")
    state = State(text=opened.text, file=str(opened.path), base=opened.digest)
    assert is_saved(state)
    assert not is_saved(State(text=opened.text + " ", file=str(opened.path), base=opened.digest))
    assert not is_saved(State(text=opened.text))
