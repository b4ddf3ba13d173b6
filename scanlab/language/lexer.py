"""A Pygments lexer for ``.scan`` text, made from the grammar's own words."""

from __future__ import annotations

from pygments.lexer import RegexLexer, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Text

from scanlab.ir.functions import ARITHMETIC, CURVES, LOCAL
from scanlab.language.parse import terminals
from scanlab.language.scope import COMBINATORS

__all__ = ["ScanLexer"]


def _rules() -> dict[str, list]:
    patterns = terminals()
    literals = [p.replace("\\", "") for n, p in patterns.items() if n not in _PATTERNS]
    keywords = [text for text in literals if text.isalpha()]
    symbols = sorted((text for text in literals if not text.isalpha()), key=len, reverse=True)
    return {
        "root": [
            (patterns["COMMENT"], Comment.Single),
            (patterns["WHITESPACE"], Text.Whitespace),
            (r'"(\\.|[^"\\])*"', String.Doc),
            (words(keywords, prefix=r"\b", suffix=r"\b"), Keyword),
            (
                words([*COMBINATORS, *CURVES, *ARITHMETIC, *LOCAL, "visit"], prefix=r"\b", suffix=r"(?=\s*[\[(])"),
                Name.Builtin,
            ),
            (r"\b[A-Z][A-Z0-9_]*\b", Name.Constant),
            (patterns["NAME"], Name),
            (patterns["INT"], Number.Integer),
            (patterns["COLON"], Punctuation),
            (words([s for s in symbols if s in ("(", ")", "[", "]", ",")]), Punctuation),
            (words([s for s in symbols if s not in ("(", ")", "[", "]", ",")]), Operator),
        ]
    }


_PATTERNS = ("NAME", "INT", "STRING", "COLON", "COMMENT", "WHITESPACE")


class ScanLexer(RegexLexer):
    """Highlights ``.scan`` files; registered under the entry point ``pygments.lexers``."""

    name = "ScanLab"
    aliases = ["scan", "scanlab"]
    filenames = ["*.scan"]
    tokens = _rules()
