"""A pane of the explorer, added to a copy of the package by the steps of CONTRIBUTING.md, and opened on a page."""

from __future__ import annotations

import pytest
from package_copy import Copy

pytest.importorskip("nicegui", reason="the explorer needs NiceGUI")

RENDERER = """
from scanlab.explorer.renderers.markup import paragraph, section
from scanlab.explorer.snapshot import Snapshot

def ends_page(snapshot: Snapshot) -> str:
    paths = [path for subject in snapshot.subjects for scan in subject.scans for path in scan.paths]
    return section("Ends", *(paragraph(f"{p.indices[0]} < {p.indices[-1]}") for p in paths))
"""
PANE = """

class EndsPane(Pane):
    \"\"\"The first and the last patch.\"\"\"

    asks = staticmethod(ends_page)
"""
# A page as the server has it, without a browser: its open panes, the titles of their buttons, and what they show.
PAGE = """
import asyncio
from nicegui import Client, core, ui
from scanlab.explorer.page import Page
from scanlab.explorer.session import session_of
from scanlab.explorer.state import State
from scanlab.explorer.worker_tasks import vocabulary
from scanlab.explorer.workers import Workers

async def shown(workers):
    core.loop = asyncio.get_running_loop()
    with Client(ui.page("/")) as client:
        page = Page(session_of((), workers), vocabulary())
        page.take(State("by h, ~w", (3, 3), panes=("ends",)))
    def elements(kind): return [e for e in client.elements.values() if kind in e.classes]
    print(*page.desk.names, *(e.text for e in elements("chip") if e.props.get("aria-pressed") == "true"))
    while page.desk.names and elements("pane-body")[0].props["data-state"] != "ready" and not elements("failed"):
        await asyncio.sleep(0.02)
    print(*(e.content for body in elements("pane-body") for e in body.descendants() if isinstance(e, ui.html)))

workers = Workers(1)
try:
    asyncio.run(asyncio.wait_for(shown(workers), 60))
finally:
    workers.close()
"""
PANES, PAGES, TITLES = (f"scanlab/explorer/{file}.py" for file in ("panes/__init__", "panes/pages", "titles"))


def _add_pane(package: Copy, is_listed: bool = True, has_title: bool = True) -> None:
    package.write("scanlab/explorer/renderers/ends.py", RENDERER)
    package.put(
        PAGES, "from scanlab.explorer.renderers.field", "from scanlab.explorer.renderers.ends import ends_page\n"
    )
    package.put(PAGES, "\n\nclass ProofPane(Pane)", PANE)
    if is_listed:
        package.put(PANES, "    ExpressionPane,", "    EndsPane,\n")
        package.put(PANES, '        "proof": ProofPane', '        "ends": EndsPane,\n')
    if has_title:
        package.put(TITLES, '            "proof": "Proof"', '            "ends": "Ends",\n')


def test_a_pane_is_a_renderer_a_class_a_row_and_a_title(package: Copy) -> None:
    _add_pane(package)
    assert package.says(PAGE) == ["ends Ends", "<section><h3>Ends</h3><p>0 &lt; 8</p></section>"]


def test_a_pane_without_a_title_is_not_opened(package: Copy) -> None:
    _add_pane(package, has_title=False)
    assert package.says(PAGE) == ["", ""]


def test_a_pane_that_is_not_listed_is_an_error(package: Copy) -> None:
    _add_pane(package, is_listed=False)
    assert "KeyError: 'ends'" in package.run(PAGE).stderr
