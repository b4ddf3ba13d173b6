"""Opening and saving .scan files, inside the folders that were opened and nowhere else.

What reads and writes is loaded when it is needed, so that the first page does not wait for it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["DEEPEST", "MOST_FILES", "Folders", "Opened", "folders_of"]

MOST_FILES = 500
DEEPEST = 6
_NEVER = ("node_modules", "__pycache__", "build", "dist")


@dataclass(frozen=True)
class Opened:
    """A file as it was read. path: resolved; text: with \\n as line ends; digest: of its bytes."""

    path: Path
    text: str
    digest: str


@dataclass(frozen=True)
class Folders:
    """The folders that were opened, resolved: nothing outside them is read or written."""

    roots: tuple[Path, ...]

    def inside(self, path: str | Path) -> Path:
        """The path, resolved through all symbolic links; one that is relative starts at the first folder.

        Raises ScanlabError S512 where it leaves the folders.
        """
        try:
            real = (self.roots[0] / path).resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise ScanlabError.at("S512", f"{path!s} is no path: {error}", help=self._help()) from None
        if not any(real.is_relative_to(root) for root in self.roots):
            raise ScanlabError.at("S512", f"{path} is outside the folders that are open", help=self._help())
        return real

    def scan_file(self, path: str | Path) -> Path:
        """As `inside`, for a name that ends in .scan. Raises S512."""
        real = self.inside(path)
        if real.suffix != ".scan":
            raise ScanlabError.at("S512", f"{path} does not end in .scan", help="call it NAME.scan")
        return real

    def listed(self) -> list[Path]:
        """The .scan files in the folders, sorted, at most MOST_FILES; hidden folders are left out."""
        files: set[Path] = set()
        for root in self.roots:
            for folder, below, names in os.walk(root):
                depth = len(Path(folder).relative_to(root).parts)
                kept = sorted(b for b in below if not b.startswith(".") and b not in _NEVER)
                below[:] = kept if depth < DEEPEST else []
                files.update(Path(folder, name) for name in names if name.endswith(".scan"))
                if len(files) >= MOST_FILES:
                    break
        return sorted(files)[:MOST_FILES]

    def shown(self, path: str | Path) -> str:
        """The shortest name of a file: relative to the folder it is in."""
        for root in self.roots:
            if Path(path).is_relative_to(root):
                return str(Path(path).relative_to(root))
        return str(path)

    def open(self, path: str | Path) -> Opened:
        """Read a file. Raises ScanlabError S512, S107, S103 or S104."""
        from scanlab.language.module import read_file

        real = self.scan_file(path)
        text = read_file(real).text.replace("\r\n", "\n").replace("\r", "\n")
        return Opened(real, text, digest_of(real))

    def save(self, path: str | Path, text: str, base: str, force: bool = False) -> Opened:
        """Write a file, whole or not at all, with the line ends that it had.

        base: digest of what the text was opened from, "" for a file that must not exist yet. Raises ScanlabError S513
        where the disk holds something else, unless `force` is set; S512 outside the folders; S502 if the disk refuses.
        """
        from scanlab.view.export import write_whole

        real = self.scan_file(path)
        there = digest_of(real)
        if there != base and not force:
            what = "is no longer there" if not there else "changed on disk" if base else "is there already"
            raise ScanlabError.at("S513", f"{self.shown(real)} {what}", help="save over it, or open it")
        ends = "\r\n" if there and b"\r\n" in real.read_bytes() else "\n"
        write_whole(real, text.replace("\n", ends).encode("utf-8"))
        return Opened(real, text, digest_of(real))

    def _help(self) -> str:
        return f"open are {', '.join(map(str, self.roots))}; name others when you start `scanlab explore`"


def digest_of(path: Path) -> str:
    """The digest of a file's bytes, "" where there is none that can be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def folders_of(files: Iterable[Path]) -> Folders:
    """The folders of the files and the folders that are named; without any, the current one."""
    roots = [f if f.is_dir() else f.parent for f in files] or [Path()]
    return Folders(tuple(dict.fromkeys(root.resolve() for root in roots)))
