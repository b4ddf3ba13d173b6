from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.terminal import render, show

PLAIN_SNAKE = """\
snake
by h, ~w
 0── 1── 2── 3
             │
 7── 6── 5── 4
 │
 8── 9──10──11
             │
15──14──13──12
h 4 × w 4
15 unit steps

0, 1, 2 … the step at each patch   ─│ unit step"""

LINES_SNAKE = """\
●─────┐
┌─────┘
└─────┐
◆─────┘"""


def plain(*scenes, **options) -> str:
    return "\n".join(line.rstrip() for line in render(scenes, **{"colour": False, **options}).plain.split("\n"))


def printed(scenes, **options) -> str:
    file = io.StringIO()
    show(scenes, Console(file=file, width=100, force_terminal=True, **options))
    return file.getvalue()


def test_a_small_snake_without_colour(made):
    assert plain(made.snake(4, 4)) == PLAIN_SNAKE


def test_a_small_snake_with_lines(made):
    assert LINES_SNAKE in plain(made.snake(4, 4), colour=True)
    assert LINES_SNAKE in plain(made.snake(4, 4), numbers=False)


def test_jumps_are_open_ends_and_counted(made):
    text = plain(made.row(3, 4), colour=True)
    assert "●─────╴\n╶─────╴\n╶─────◆" in text
    assert "9 unit steps, 2 jumps" in text
    assert "(0,3)→(1,0)" in text
    assert "open end: a jump" in text


def test_resets_are_marked_where_they_happen(made):
    text = plain(made.rows(3, 4), colour=True)
    assert "●─────╴\n○─────╴\n○─────◆" in text
    assert "○ state reset" in text and "open end: a reset" in text


def test_diagonals_have_room_in_small_grids(made):
    text = plain(made.zigzag(3, 3), colour=True)
    assert "●───╴   ╷\n  ╱   ╱ │\n╷   •   ╵\n│ ╱   ╱\n╵   ╶───◆" in text


def test_patches_left_out_are_dots(made):
    text = plain(made.skip(3, 4), colour=True)
    assert "● · • ·\n· · · ·\n• · ◆ ·" in text
    assert "4 of 12 patches" in text and "· not visited" in text


def test_slices_stand_side_by_side_under_their_coordinates(made):
    lines = plain(made.snake3(2, 2, 3), colour=True).split("\n")
    assert lines[2:5] == ["t=0     t=1", "●───┐   ◆───┐", "╶───┘   ╶───┘"]
    assert "1 of them between slices" in lines


def test_one_patch(made):
    assert plain(made.snake(1, 1)).split("\n")[2:4] == ["0", "h 1 × w 1"]


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("width", [20, 60, 100])
def test_no_line_is_wider_than_the_terminal(made, any_scene, colour, width):
    text = render([any_scene, made.snake(40, 40), made.row(64, 64)], width=width, colour=colour)
    assert max(line.cell_len for line in text.split("\n")) <= width


def test_paths_stand_side_by_side_and_wrap(made):
    assert "row" in plain(made.snake(4, 4), made.row(4, 4), width=80).split("\n")[0]
    assert "row" not in plain(made.snake(4, 4), made.row(4, 4), width=25).split("\n")[0]


def test_the_paths_of_a_scan_stand_under_its_name(made):
    scenes = [replace(scene, group="cross") for scene in (made.row(3, 3), made.snake(3, 3))]
    assert plain(*scenes).startswith("cross\n\nrow")


def test_large_grids_without_colour_show_tenths(made):
    lines = plain(made.row(60, 70), width=80).split("\n")
    assert lines[2] == "0" * 70 and lines[61] == "9" * 70
    assert "0–9 tenths of the path done" in lines[-1]


def test_sampling_is_said(made):
    text = plain(made.row(256, 256), width=80)
    assert "shown: one patch in 4 along h and w" in " ".join(text.split())


def test_large_grids_in_colour_put_two_patches_into_one_character(made):
    text = render([made.row(64, 64)], width=80, colour=True)
    body = [line for line in text.plain.split("\n") if set(line.rstrip()) == {"▀"}]
    assert len(body) == 32 and all(len(line.rstrip()) == 64 for line in body)


def test_no_color_means_no_escape_codes(made, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    for scene in made.every_kind:
        assert "\x1b" not in printed([scene], color_system="truecolor")


def test_colour_follows_the_step(made):
    text = printed([made.row(1, 6)], color_system="truecolor")
    marks = re.findall(r"\x1b\[38;2;(\d+;\d+;\d+)m([●◆])", text)
    assert [mark for _, mark in marks] == ["●", "◆"]
    assert marks[0][0] == "58;72;200" and marks[1][0] == "248;196;70"


def test_square_brackets_are_not_markup(made):
    assert "[bold]x[/bold]" in printed([replace(made.row(2, 2), label="[bold]x[/bold]")], no_color=True)


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ScanlabError) as caught:
        render([])
    assert caught.value.code == "S503"
