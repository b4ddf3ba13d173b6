"""What trials left out, in words; nothing here needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanlab.ir.text import count_text
from scanlab.study.record import StudyRecord

__all__ = ["left_sentence", "left_sentences"]


def left_sentence(counts: Mapping[str, Any]) -> str:
    """What `left_out.counts_of` gave, in words.

    >>> left_sentence({"training": 2, "measured": 0, "first": "b/7.png cannot be read as an image"})
    '2 images to train on could not be read and were left out, the first: b/7.png cannot be read as an image'
    """
    parts = [(counts["training"], "to train on"), (counts["measured"], "to measure on")]
    words = " and ".join(f"{count_text(count, 'image')} {what}" for count, what in parts if count)
    verb, which = ("was", "") if counts["training"] + counts["measured"] == 1 else ("were", ", the first")
    return f"{words} could not be read and {verb} left out{which}: {counts['first']}"


def left_sentences(record: StudyRecord) -> dict[str, list[str]]:
    """By problem what its trials left out, each case once."""
    said: dict[str, dict[str, None]] = {}
    for member in record.members:
        result = record.trial(member).result
        if result is not None and result.unreadable:
            said.setdefault(member.problem, {})[left_sentence(result.unreadable)] = None
    return {problem: list(sentences) for problem, sentences in said.items()}
