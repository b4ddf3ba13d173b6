"""Text to values: source spans, the grammar, parsing, checking, and the library's loader."""
