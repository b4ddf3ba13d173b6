"""Panes in a real browser: each opens, follows the text, and keeps its troubles to itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from chromium import expect

import scanlab
from scanlab.explorer.renderers.listings import KERNEL_COLUMNS

GOLDEN = Path(__file__).parents[1] / "golden" / "gpu_registers.json"
TEXT = "grid h, w\norder first = by h, ~w\nscan second = sum(first, -first) with cls at start\n"
READY = ".pane-body[data-state=ready]"


def opened(explorer: Any, new_page: Callable[..., Any], *panes: str, **state: Any) -> Any:
    """A page with these panes, each of which has its answer."""
    page = new_page(explorer.address(**{"text": TEXT, "grid": (6, 5), "panes": panes, **state}))
    page.set_default_timeout(60_000)
    for pane in panes:
        page.wait_for_selector(f"#pane-{pane} {READY}")
    return page


def words(page: Any, pane: str) -> str:
    return page.locator(f"#pane-{pane} .pane-body").inner_text()


def write(page: Any, text: str) -> None:
    page.locator("#editor-text").fill(text)


def test_panes_of_facts_open_side_by_side(explorer, new_page):
    kinds = ("keys", "proof", "indices", "expr", "triton", "cpu", "metrics", "field", "published")
    page = opened(explorer, new_page, *kinds, names=("second",))
    found = {kind: words(page, kind) for kind in kinds}
    assert "-(-w if h % 2 == 1 else w)" in found["keys"]
    assert re.search(r"second\s+visits every patch exactly once: proved for all sizes", found["proof"])
    assert "patch = " in found["expr"] and "def patch_" in found["triton"] and "def patch_" in found["cpu"]
    path = scanlab.compile("sum(snake, -snake)", (6, 5)).paths[0]
    rows = page.locator("#pane-indices tbody tr").all_inner_texts()
    assert rows[0].split("\t")[1] == "cls"
    assert [int(row.split("\t")[1].split()[0]) for row in rows[1:]] == path.indices.tolist()
    assert "unit share\t1.00\t1.00" in found["metrics"]
    assert "A state keeps 0.9 of itself" in found["field"] and page.locator("#pane-field svg.heat").count() == 1
    assert "no strategy of the library" in found["published"]
    # Nothing is wider than its pane.
    wide = (
        "() => [...document.querySelectorAll('.pane > .inside')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    )
    assert page.evaluate(wide) == 0


def test_the_ranks_and_the_isl_map_are_a_click_away(explorer, new_page):
    page = opened(explorer, new_page, "indices", "proof", names=("first",))
    page.locator("#pane-indices select").select_option("the step of each patch")
    page.wait_for_selector("#pane-indices thead:has-text('patch')")
    rows = page.locator("#pane-indices tbody tr").all_inner_texts()
    ranks = scanlab.compile("snake", (6, 5)).ranks[0].tolist()
    assert [int(row.split("\t")[-1]) for row in rows] == ranks
    map_of = page.locator("#pane-proof details", has_text="from patches to keys")
    map_of.locator("summary").click()
    expect(map_of.locator("pre")).to_contain_text("[H, W] ->")


def test_long_tables_turn_their_pages(explorer, new_page):
    page = opened(explorer, new_page, "indices", names=("first",), grid=(20, 30))
    expect(page.locator("#pane-indices .pane-body")).to_contain_text("0 to 199 of 600")
    expect(page.get_by_role("button", name="Earlier rows")).to_be_disabled()
    for _ in range(2):
        before = page.locator("#pane-indices .place").inner_text()
        page.get_by_role("button", name="Later rows").click()
        page.wait_for_function("old => document.querySelector('#pane-indices .place').textContent !== old", arg=before)
    page.locator("#pane-indices .place:has-text('400 to 599')").wait_for()
    assert page.locator("#pane-indices tbody tr").last.inner_text().split("\t")[0] == "599"
    expect(page.get_by_role("button", name="Later rows")).to_be_disabled()


def test_a_pane_follows_the_text_and_dims_behind_a_mistake(explorer, new_page):
    page = opened(explorer, new_page, "keys", "proof", names=("first",))
    write(page, "grid h, w\norder other = by w, ~h\n")
    page.wait_for_selector("#pane-keys pre:has-text('-h if w % 2 == 1 else h')")
    write(page, "grid h, w\norder other = by w +\n")
    page.wait_for_selector("#pane-keys .pane-body[data-state=stale]")
    expect(page.locator("#pane-keys .pane-body")).to_contain_text("Of the text before the mistake in it")
    write(page, "grid h, w\norder other = by h + w\n")
    page.wait_for_selector("#pane-proof .mistake:has-text('share the key')")
    write(page, "grid h, w\norder other = by h + w, h\n")
    page.wait_for_selector(f"#pane-proof {READY} .verdict.proved")
    page.wait_for_selector(f"#pane-keys {READY} pre:has-text('h + w')")


def test_empty_text_leaves_a_hint(explorer, new_page):
    page = new_page(explorer.address(text=" ", panes=("keys", "metrics")))
    for pane in ("keys", "metrics"):
        page.wait_for_selector(f"#pane-{pane} .pane-body[data-state=empty] >> text=Write an order on the left")


def test_a_pane_with_trouble_leaves_the_others(explorer, new_page):
    page = opened(explorer, new_page, "field", "keys", text="grid h, w\nplan short = layers(row * 2)\n")
    before = words(page, "field")
    page.locator("#field-decay").fill("0.5")
    page.wait_for_selector("#pane-field p:has-text('keeps 0.5 of itself')")
    expect(page.locator("#pane-field .pane-body")).not_to_have_text(before)
    # Beyond its limits a number is marked, and nothing is asked.
    page.locator("#field-decay").fill("7")
    page.wait_for_selector("#pane-field small:has-text('give a number from 0 to 1')")
    page.locator("#field-layers").fill("1.5")
    page.wait_for_selector("#pane-field small:has-text('give a whole number from 1 to 64')")
    expect(page.locator("#pane-field .pane-body")).to_contain_text("keeps 0.5 of itself")
    # What only the compiler can refuse is said in the pane.
    page.locator("#field-layers").fill("3")
    page.wait_for_selector("#pane-field .pane-body[data-state=failed] .mistake:has-text('S406')")
    expect(page.locator("#pane-keys .pane-body")).to_contain_text("layers(sum((by h, w)) * 2)")
    page.locator("#field-layers").fill("")
    page.wait_for_selector(f"#pane-field {READY}")


def test_ptx_shows_registers_as_they_are_compiled(explorer, new_page):
    pytest.importorskip("triton", reason="compiling for a GPU needs Triton")
    page = new_page(explorer.address(text="hilbert", grid=(6, 5), panes=("ptx",)))
    page.set_default_timeout(90_000)
    page.wait_for_selector("#pane-ptx .pane-body[data-state=working] .word:has-text('Compiling for sm_90')")
    known = json.loads(GOLDEN.read_text(encoding="utf-8"))
    import triton

    version = ".".join(triton.__version__.split(".")[:2])
    if version not in known:
        pytest.skip(f"no figures of Triton {version}")
    forward = known[version]["sm_90"]["16"]["selective_scan_forward"]
    page.wait_for_selector(f"#pane-ptx td:text-is('{forward['registers']}')")
    rows = {r.split("\t")[0]: r.split("\t")[1:] for r in page.locator("#pane-ptx tr").all_inner_texts()}
    assert list(rows) == list(KERNEL_COLUMNS)
    assert [rows[n][0] for n in ("kernel", "registers", "spills", "barriers")] == [
        "forward",
        *(str(forward[n]) for n in ("registers", "spills", "barriers")),
    ]
    expect(page.locator("#pane-ptx pre")).to_contain_text(".visible .entry selective_scan_forward_kernel")


def test_a_compiler_ends_with_the_turn_that_wanted_it():
    pytest.importorskip("triton", reason="compiling for a GPU needs Triton")
    from scanlab.explorer.panes import kernels

    async def overtaken() -> int | None:
        started: list[asyncio.subprocess.Process] = []
        create = asyncio.create_subprocess_exec

        async def spy(*words: Any, **options: Any) -> asyncio.subprocess.Process:
            process = await create(*words, **options)
            started.append(process)
            return process

        kernels.asyncio.create_subprocess_exec = spy
        try:
            # No kernels are known of this state size and dtype, so the compiler has to be asked.
            work = asyncio.create_task(_all(kernels.compiled(kernels.CompilerOptions("", "sm_80", "32", "float16"))))
            while not started:
                await asyncio.sleep(0.02)
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            return started[0].returncode
        finally:
            kernels.asyncio.create_subprocess_exec = create

    assert alone(overtaken()) == -9, "it was killed, and did not come to its own end"


def test_what_the_compiler_refuses_is_an_error_with_a_code():
    pytest.importorskip("triton", reason="compiling for a GPU needs Triton")
    from scanlab.explorer.panes import kernels
    from scanlab.ir.diagnostics import ScanlabError

    with pytest.raises(ScanlabError, match="S732"):
        alone(_all(kernels.compiled(kernels.CompilerOptions("patch_at_0123456789abcdef"))))


def alone(work: Coroutine[Any, Any, Any]) -> Any:
    """Run it in a thread of its own: Playwright has a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _all(steps: Any) -> list[Any]:
    async with contextlib.aclosing(steps) as found:
        return [step async for step in found]


def test_panes_have_titles_and_names_of_their_own():
    from scanlab.explorer.panes import PANES, Pane
    from scanlab.explorer.titles import TITLES

    assert all(issubclass(kind, Pane) for kind in PANES.values())
    assert all(TITLES.values()) and len(set(TITLES.values())) == len(PANES)
    assert all(re.fullmatch(r"[a-z]+", name) for name in PANES)
