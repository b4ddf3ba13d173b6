"""The language on one screen: lines to click, and every word that they do not show, with its meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from nicegui import app
from starlette.responses import JSONResponse, Response

from scanlab.explorer.renderers.markup import prose, text
from scanlab.ir.functions import ARITHMETIC, CURVES, LOCAL, Signature
from scanlab.ir.merges import MERGES
from scanlab.language.card import CARD
from scanlab.language.glossary import KEYWORDS, PLACES, SIGNS, glossary

__all__ = ["card_sections", "serve_card"]

_CLAIMS = ("continuous", "covers", "same", "streamable", "latency")
_YES_OR_NO = "1 where"


@cache
def card_sections() -> list[dict[str, Any]]:
    """The card's sections: a title and rows of `written` and `means`, as HTML, and `example`, a text or ""."""
    lines = [{"written": prose(row.written), "means": prose(row.means), "example": row.example} for row in CARD]
    shown = {word for row in CARD for word in re.findall(r"\w+", row.written)}
    rest = [word for word in KEYWORDS if word not in {*shown, *_CLAIMS, "as", "in", "else", "fixed"}]
    arithmetic = [sign for sign in SIGNS if not SIGNS[sign].means.startswith(_YES_OR_NO)]
    compared = [sign for sign in SIGNS if sign not in arithmetic]
    return [
        {"title": "Lines to click", "rows": lines},
        {"title": "Curves and graph orders", "rows": [_curve(signature) for signature in CURVES.values()]},
        {
            "title": "In a key",
            "rows": [*_rows(arithmetic), _compared(compared), *_rows([*ARITHMETIC, *LOCAL, "visit"])],
        },
        {"title": "Paths together: their outputs", "rows": _merges()},
        {"title": "Paths and layers", "rows": _rows(["orbit", "cycle", "layers"])},
        {"title": "Tokens", "rows": [*_rows(["cls"]), _places(), *_rows(["fixed"])]},
        {"title": "Claims", "rows": _rows(_CLAIMS)},
        {"title": "More words", "rows": _rows(rest)},
    ]


def _rows(words: Iterable[str]) -> list[dict[str, str]]:
    entries = [glossary()[word] for word in words]
    return [_row(entry.written, entry.means) for entry in entries]


def _row(written: str, means: str) -> dict[str, str]:
    return {"written": f"<code>{text(written)}</code>", "means": prose(means), "example": ""}


def _curve(signature: Signature) -> dict[str, str]:
    options = "".join(f", {option.name}={option.default}" for option in signature.options)
    return _row(f"{signature.written.removesuffix(')')}{options})", signature.doc)


def _merges() -> list[dict[str, str]]:
    return [_row(glossary()[name].written, rule.outputs) for name, rule in MERGES.items()]


def _places() -> dict[str, str]:
    return _row("start middle end both", "; ".join(f"`{place}`: {entry.means}" for place, entry in PLACES.items()))


def _compared(signs: Iterable[str]) -> dict[str, str]:
    return _row(" ".join(signs), "1 where it holds, else 0")


def serve_card() -> None:
    """Serve the card to the pages that open it."""

    @app.get("/scanlab/language.json")
    def card() -> Response:
        return JSONResponse(card_sections())
