"""The code speaks the field's words, and calls values by what they are. A stranger needs no glossary."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
VAGUE = ("found", "heard", "owed", "told")
MOST_VAGUE = 200
# What we used to say, and what the field says. Names are cut at underscores and capitals.
DIALECT = {
    "BackboneSizes": "BackboneConfig",
    "MixerSizes": "MixerConfig",
    "causal_convolution": "causal_conv1d",
    "kin": "equivalences",
    "heard": "on_event",
    "owed": "adjoint",
}


def _texts() -> dict[str, str]:
    listed = subprocess.run(["git", "ls-files", "scanlab"], cwd=ROOT, capture_output=True, text=True, check=True)
    kinds = (".py", ".js", ".html", ".css")
    return {f: (ROOT / f).read_text(encoding="utf-8") for f in listed.stdout.split() if f.endswith(kinds)}


def _words(text: str) -> Counter[str]:
    return Counter(word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", text))


def test_vague_words_are_few() -> None:
    counts = {file: sum(_words(text)[word] for word in VAGUE) for file, text in _texts().items()}
    assert sum(counts.values()) <= MOST_VAGUE, Counter(counts).most_common(20)
