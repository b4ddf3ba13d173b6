"""The Pygments lexer follows the grammar: it reads all of the library, and colours each kind of word."""

from __future__ import annotations

import pytest
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, String

from scanlab.ir.diagnostics import Source
from scanlab.language.lexer import ScanLexer
from scanlab.language.library import library_sources
from scanlab.language.parse import terminals


@pytest.mark.parametrize("source", library_sources(), ids=lambda s: s.name)
def test_the_library_has_no_unknown_words(source: Source) -> None:
    tokens = list(ScanLexer().get_tokens(source.text))
    assert [text for kind, text in tokens if kind is Error] == []
    assert "".join(text for _, text in tokens).strip() == source.text.strip()


def test_kinds_of_words() -> None:
    text = 'grid h, w\n"Doc."\norder a[k=7] = by h // k, hilbert(h, W) # end\n'
    kinds = {word: kind for kind, word in ScanLexer().get_tokens(text)}
    assert kinds["order"] in Keyword and kinds["by"] in Keyword
    assert kinds["hilbert"] is Name.Builtin and kinds["W"] is Name.Constant and kinds["a"] is Name
    assert kinds["7"] in Number and kinds["//"] is Operator
    assert kinds['"Doc."'] in String and kinds["# end"] in Comment


def test_every_keyword_of_the_grammar_is_a_keyword() -> None:
    for word in (p for p in terminals().values() if p.isalpha()):
        assert (Keyword, word) in list(ScanLexer().get_tokens(word))


def test_pygments_finds_it() -> None:
    assert isinstance(get_lexer_by_name("scan"), ScanLexer)
    assert isinstance(get_lexer_for_filename("mine.scan"), ScanLexer)
