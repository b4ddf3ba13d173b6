"""What a patch comes to in the panes, without a browser: every line of every pane, for every path that is shown."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from scanlab.explorer.explaining import PANES, explain, line_steps
from scanlab.explorer.renderers.linked import code_parts, expression_parts, key_parts, scenes_of
from scanlab.explorer.renderers.listings import code_page
from scanlab.explorer.renderers.stages import expression_page, keys_page
from scanlab.explorer.renderers.steps import Range, steps_page
from scanlab.explorer.snapshot import Snapshot, snapshot

TEXT = """grid h, w
order a = by h, ~w
order part = by h, w where h % 2 == 0
scan joined = chain(a, -a) with cls at middle
plan alternate = cycle(cross, vim)
"""


def shown(*names: str, text: str = TEXT, grid: tuple[int, ...] = (4, 5)) -> Snapshot:
    found = snapshot(text, grid, names)
    assert found.subjects and not found.diagnostics, found.diagnostics
    return found


@pytest.mark.parametrize("names", [("a",), ("joined", "part"), ("alternate", "hilbert"), ("cross", "a", "rows", "vim")])
def test_every_pane_comes_to_the_patch_at_its_own_step_in_every_path(names):
    found = shown(*names)
    scenes, version = scenes_of(found), str(names)
    assert explain(version, None, [0] * len(scenes), 0, PANES) is None
    for patch in (0, 8, 19):
        for own in range(0, len(scenes), 2):
            panes = explain(version, found, [patch] * len(scenes), own, PANES)
            assert panes is not None and list(panes) == list(PANES)
            for part, given in zip(expression_parts(found), panes["expr"], strict=True):
                [scene] = part.scenes
                step = scene.path.ranks[patch]
                assert given["scene"] == scene.number
                assert (not given["lines"]) == (step < 0)
                assert step < 0 or given["lines"][-1][1].endswith(str(patch))
                assert f"step {step} of {scene.path.label}" in given["at"] or "not visited" in given["at"]
            for target in ("triton", "cpu"):
                for part, given in zip(code_parts(found, target), panes[target], strict=True):
                    numbers = [scene.number for scene in part.scenes]
                    assert given["scene"] == (own if own in numbers else numbers[0])
                    if scenes[given["scene"]].path.ranks[patch] >= 0:
                        last = [line for line in given["lines"] if line[2]][-1]
                        assert last[1].endswith(str(patch)), (part.text, given)
            for part, given in zip(key_parts(found), panes["keys"], strict=True):
                path = scenes[given["scene"]].path
                assert len(given["lines"]) == len(path.order.keys) == len(part.text.split("\n"))
                step = path.ranks[patch]
                assert all(first <= step <= last for *_, first, last in given["lines"])


@pytest.mark.parametrize("name", ["a", "joined", "cross", "hilbert"])
def test_a_line_knows_the_steps_at_which_it_comes_to_the_same(name):
    found = shown(name)
    scenes = scenes_of(found)
    for scene in scenes:
        [given] = [
            p for p in explain(name, found, [7] * len(scenes), 0, ["expr"])["expr"] if p["scene"] == scene.number
        ]
        number = scene.number
        for line, words, *_ in given["lines"]:
            answer = line_steps(name, found, "expr", number, line, number, 7)
            bits = np.unpackbits(np.frombuffer(base64.b64decode(answer["steps"]), np.uint8), bitorder="little")
            same = np.flatnonzero(bits[: len(scene.path.indices)])
            value = words.rpartition(" ")[2]
            for step, patch in enumerate(scene.path.indices.tolist()):
                patches = [patch if s.number == number else -1 for s in scenes]
                other = {
                    p["scene"]: {at: w.rpartition(" ")[2] for at, w, *_ in p["lines"]}
                    for p in explain(name, found, patches, number, ["expr"])["expr"]
                }
                assert (step in same) == (other[number][line] == value)


def test_pages_and_answers_have_the_same_parts():
    found = shown("joined", "a", "cross")
    for page, parts in (
        (keys_page(found), list(key_parts(found))),
        (expression_page(found), list(expression_parts(found))),
        (code_page(found, "cpu"), list(code_parts(found, "cpu"))),
        (code_page(found, "triton"), list(code_parts(found, "triton"))),
    ):
        for number, part in enumerate(parts):
            scenes = " ".join(str(scene.number) for scene in part.scenes)
            assert f'data-part="{number}" data-scenes="{scenes}"' in page
        assert f'data-part="{len(parts)}"' not in page
    assert 'data-scene="3" data-patch="19"' in steps_page(found, Range())
    assert steps_page(found, Range(by="patch")).count('data-patch="7"') == len(scenes_of(found))
