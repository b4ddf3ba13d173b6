"""Below the text: what is proved of each definition, and what is wrong, with its place, its reason and its remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from scanlab.explorer.answers import Verdict
from scanlab.explorer.elements import Editor, placed
from scanlab.explorer.freshness import version_of
from scanlab.explorer.html_elements import button, prose_tag, set_props, tag
from scanlab.ir.diagnostics import CounterExample, Diagnostic

__all__ = ["Problems"]

_NAMES = {"✓": "proved", "?": "undecided", "✗": "wrong", "·": "helper"}
# More than these are not read; the first ones often cause the rest.
MOST_PROBLEMS = 12
MOST_VERDICTS = 60


class Problems:
    """`show_example` draws a counter-example on its grid, with the version of the text that it is of."""

    def __init__(self, editor: Editor, show_example: Callable[[CounterExample, str], Any]) -> None:
        self.editor = editor
        self.show_example = show_example
        self.shown: tuple[Diagnostic, ...] = ()
        self._verdicts: tuple[Verdict, ...] = ()
        self._text = self._version = ""
        self._next = 0
        self.box = tag("div", "problems", id="editor-problems", role="status", aria_label="Problems and proofs")

    def show(
        self, text: str, grid: tuple[int, ...], diagnostics: Iterable[Diagnostic], verdicts: Iterable[Verdict]
    ) -> None:
        """List what is wrong with a text, and then what is proved; both on a grid, where one is asked for."""
        self._version = version_of(text, grid)
        set_props(self.box, data_of=self._version)
        listed, proved = tuple(diagnostics), tuple(verdicts)
        # Problems stand at places of their text; verdicts do not.
        same = (listed, proved) == (self.shown, self._verdicts) and (text == self._text or not listed)
        self.shown, self._verdicts, self._text, self._next = listed, proved, text, 0
        if same:
            return
        self.box.clear()
        with self.box:
            for diagnostic in listed[:MOST_PROBLEMS]:
                self._problem(diagnostic)
            if len(listed) > MOST_PROBLEMS:
                tag("p", "more", f"and {len(listed) - MOST_PROBLEMS} more")
            rest = [v for v in proved if v.mark != "✗"]
            for verdict in rest[:MOST_VERDICTS]:
                self._verdict(verdict)
            if len(rest) > MOST_VERDICTS:
                tag("p", "more", f"and {len(rest) - MOST_VERDICTS} more definitions, whose verdicts are left out here")

    def fix(self) -> bool:
        """Take the first suggested edit; false where there is none."""
        return any(self._edit(diagnostic) for diagnostic in self.shown)

    def go_to_next(self) -> bool:
        """Select the next problem in the text; false where there is none."""
        places = [p for d in self.shown if (p := placed(d.span, self._text)) is not None]
        if places:
            self.editor.go_to(self._text, places[self._next % len(places)])
            self._next += 1
        return bool(places)

    def _problem(self, diagnostic: Diagnostic) -> None:
        with tag("div", f"problem {diagnostic.severity}"):
            self._head(diagnostic)
            prose_tag("p", "message", diagnostic.message)
            if diagnostic.counterexample is not None:
                prose_tag("p", "example", f"counter-example: {diagnostic.counterexample}")
            if diagnostic.note:
                prose_tag("p", "note", diagnostic.note)
            edit = diagnostic.edit
            if diagnostic.help:
                prose_tag("p", "help", f"help: {diagnostic.help}")
            with tag("div", "remedies"):
                if edit is not None and placed(edit.span, self._text) is not None:
                    button(f"Write {edit.replacement}", lambda: self._edit(diagnostic), "fix", title="Ctrl+. takes it")
                example = diagnostic.counterexample
                if example is not None and example.patches:
                    button("Show on the grid", lambda: self.show_example(example, self._version), "shows")

    def _head(self, diagnostic: Diagnostic) -> None:
        span, place = diagnostic.span, placed(diagnostic.span, self._text)
        kind = f"{diagnostic.severity} {diagnostic.code}"
        if span is None:
            tag("span", "place", kind)
        elif place is None:
            tag("span", "place", f"{kind}, in {span.source.name}, line {span.line}")
        else:
            words = f"{kind}, line {span.line}, column {span.column}"
            button(words, lambda: self.editor.go_to(self._text, place), "place", title="Go there")

    def _verdict(self, verdict: Verdict) -> None:
        with tag("p", f"verdict {_NAMES[verdict.mark]}"):
            tag("span", "mark", verdict.mark, aria_hidden="true")
            tag("code", "", verdict.signature)
            prose_tag("span", "", verdict.words)

    def _edit(self, diagnostic: Diagnostic) -> bool:
        edit = diagnostic.edit
        place = placed(edit.span, self._text) if edit is not None else None
        if edit is None or place is None:
            return False
        self.editor.replace(self._text, place, edit.replacement)
        return True
