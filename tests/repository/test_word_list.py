"""The code speaks the field's words, and calls values by what they are. A stranger needs no glossary."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VAGUE = ("found", "heard", "owed", "told")
MOST_VAGUE = 200
# What kernels used to say, and what the field says. Other uses (a `span` of source text) are not meant, so each is held
# where it was a dialect.
DIALECT = {
    "owed": "adjoint",
    "piece": "tile",
    "slot": "checkpoint",
    "span": "work item",
    "track": "sequence",
    "walk": "traversal",
}
KERNELS = "scanlab/kernels/"


def _texts() -> dict[str, str]:
    listed = subprocess.run(["git", "ls-files", "scanlab"], cwd=ROOT, capture_output=True, text=True, check=True)
    kinds = (".py", ".js", ".html", ".css")
    return {f: (ROOT / f).read_text(encoding="utf-8") for f in listed.stdout.split() if f.endswith(kinds)}


def _words(text: str) -> Counter[str]:
    return Counter(word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", text))


def test_vague_words_are_few() -> None:
    counts = {file: sum(_words(text)[word] for word in VAGUE) for file, text in _texts().items()}
    assert sum(counts.values()) <= MOST_VAGUE, Counter(counts).most_common(20)


@pytest.mark.parametrize("word", DIALECT)
def test_kernels_speak_the_words_of_the_field(word: str) -> None:
    own = {file: text for file, text in _texts().items() if file.startswith(KERNELS)}
    said = [file for file, text in own.items() if {word, f"{word}s"} & _words(text).keys()]
    assert said == [], f"say {DIALECT[word]}"


def test_a_module_that_speaks_of_tracks_says_first_what_they_are() -> None:
    speaking = [file for file, text in _texts().items() if file.endswith("/tracks.py")]
    assert speaking == ["scanlab/compiler/tracks.py"]
    first = (ROOT / speaking[0]).read_text(encoding="utf-8").partition("\n")[0]
    assert re.search(r"track.*(one|a) sequence of steps", first, re.IGNORECASE), first
