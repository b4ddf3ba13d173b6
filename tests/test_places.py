"""Files that are written whole: old or new, never a part, with the permissions that they should have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scanlab.places import FOR_ALL, PRIVATE, draft_of, write_whole

posix = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "ended"])
def test_what_ends_early_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, error: BaseException) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"old")
    with pytest.raises(type(error)), draft_of(file) as draft:
        draft.write_bytes(b"ne")
        raise error
    assert file.read_bytes() == b"old" and list(tmp_path.iterdir()) == [file]


@posix
@pytest.mark.parametrize(("mode", "wanted"), [(PRIVATE, 0o600), (FOR_ALL, 0o644), (None, 0o640)])
def test_permissions(tmp_path: Path, mode: int | None, wanted: int) -> None:
    for there in (True, False):
        file = tmp_path / f"there {there}"
        if there:
            file.touch()
            file.chmod(0o640)
        before = os.umask(0o027)
        try:
            write_whole(file, b"new", mode)
        finally:
            os.umask(before)
        assert file.stat().st_mode & 0o777 == wanted and file.read_bytes() == b"new"


def test_what_is_written_whole_is_for_its_owner_unless_said(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"")
    assert os.name != "posix" or (tmp_path / "a").stat().st_mode & 0o777 == PRIVATE
