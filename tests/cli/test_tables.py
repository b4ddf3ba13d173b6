"""Tables and lists at any width: no figure, head or name is cut, and no word is broken."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scanlab.cli import main
from scanlab.cli.narrow_tables import print_table

HEADS = ("strategy", "unit share", "longest step", "interval", "against the baseline")
ROWS = [
    ("hilbert[k=2]", "0.97", "1,234,567", "-93.02 to +93.21", "not distinguishable with 2 seeds"),
    ("by h // 4, w // 4, h % 4, w % 4", "1.00", "3", "+0.10 to +1.51", "better, by at least 0.1 points"),
    ("row", "0.93", "14", "", "baseline"),
]


def _printed(width: int, rows=ROWS, heads=HEADS, piped: bool = False) -> str:
    table = Table(title="a title of several words", caption="and a caption")
    for head in heads:
        left = head in ("strategy", "against the baseline")
        table.add_column(head, justify="left" if left else "right")
    for row in rows:
        table.add_row(*row)
    out = Console(file=io.StringIO(), width=width, markup=False, soft_wrap=piped, color_system=None)
    print_table(out, table)
    return out.file.getvalue()


def _words(text: str) -> list[str]:
    return re.sub(r"[┃│┏┓┗┛┡┩┳╇┻╋┯┷┌┐└┘├┤┬┴┼━─╈┴:]", " ", text).split()


@pytest.mark.parametrize("width", [200, 120, 100, 80, 60, 45, 40, 30, 24])
def test_nothing_is_lost_at_any_width(width: int) -> None:
    text = _printed(width)
    assert "…" not in text
    assert max(len(line.rstrip()) for line in text.split("\n")) <= width
    words = _words(text)
    # Written out, a row begins with its label, which needs no head.
    heads = HEADS if "┃" in text else HEADS[1:]
    for cell in (*heads, *(c for row in ROWS for c in row)):
        assert set(cell.split()) <= set(words), cell
    # Figures stay in one piece, down to a screen where one is wider than the room beside its head.
    for figure in ("1,234,567", "-93.02 to +93.21", "+0.10 to +1.51"):
        assert figure in text or width < 30


def test_a_table_that_fits_is_left_as_it_is() -> None:
    lines = _printed(200).split("\n")
    assert "strategy" in lines[2] and "against the baseline" in lines[2]
    assert len(lines) == 2 + len(ROWS) + 5


def test_a_narrow_screen_turns_the_table() -> None:
    text = _printed(70)
    head = next(line for line in text.split("\n") if "strategy" in line)
    assert "hilbert[k=2]" in head
    assert next(line for line in text.split("\n") if "unit share" in line).split("│")[2].strip() == "0.97"


def test_each_row_is_written_out_where_no_column_fits() -> None:
    lines = [line.rstrip() for line in _printed(24).split("\n")]
    assert "  longest step:" in lines[lines.index("hilbert[k=2]") + 2]


def test_a_pipe_is_as_wide_as_the_words_need() -> None:
    heads = [f"heading{i}" for i in range(40)]
    text = _printed(160, [tuple(str(10**8 + i) for i in range(40))], heads, piped=True)
    assert set(heads) <= set(_words(text)) and "…" not in text
    assert all(str(10**8 + i) in text for i in range(40))


def test_without_headings_and_without_rows() -> None:
    table = Table(show_header=False)
    table.add_column()
    table.add_column()
    table.add_row("scanlab", 'pip install "scanlab[pictures]" and several words more')
    out = Console(file=io.StringIO(), width=40, markup=False, color_system=None)
    print_table(out, table)
    assert '"scanlab[pictures]"' in out.file.getvalue()
    assert "strategy" in _printed(60, [])


def test_styles_stay_with_their_rows() -> None:
    table = Table()
    table.add_column("a")
    table.add_column("b", justify="right")
    table.add_row("one", Text("1"), style="bold red")
    out = Console(file=io.StringIO(), width=9, markup=False, color_system="standard", force_terminal=True)
    print_table(out, table)
    assert "\x1b[1;31m" in out.file.getvalue()


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(columns: int, *words: str) -> str:
        monkeypatch.setattr("sys.argv", ["scanlab", *words])
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit):
            main()
            raise SystemExit(0)
        found = capsys.readouterr()
        return found.out + found.err

    return run


COMMANDS = [
    ("compare", "hilbert", "snake", "zigzag", "row", "--grid", "14x14"),
    ("compare", "cross", "tri", "by h // 4, w // 4, h % 4, w % 4", "strided"),
    ("list",),
    ("list", "hilbert"),
    ("explain",),
    ("explain", "S300"),
    ("show", "cross", "-g", "6x6"),
    ("compile", "hilbert", "-g", "14x14"),
    ("compile", "hilbert", "-g", "14x14", "-e", "proof"),
    ("erf", "hilbert", "row", "window[k=4]", "-g", "6x6"),
    ("data",),
    ("data", "digits"),
]


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_fit_the_screen_and_cut_nothing(printed, columns: int, words: tuple[str, ...]) -> None:
    text = printed(columns, *words)
    assert max(len(line.rstrip()) for line in text.split("\n")) <= columns
    assert not re.search(r"[\w.]…", text.replace("morton, …", ""))


def test_brackets_and_colons_are_text(printed) -> None:
    assert "window[k=4]" in printed(200, "compare", "window[k=4]", "row", "-g", "8x8")
    text = printed(200, "erf", "window[k=4]", "-g", "4x4")
    assert text.count("window[k=4]") == 2


def test_figures_of_different_grids_stand_in_different_tables(printed) -> None:
    text = printed(200, "compare", "row", "tri", "snake")
    assert text.index("on 14×14") < text.index("snake") < text.index("on 4×14×14") < text.index("mean along t")
    assert text.count("mean along h") == 2


def test_compare_counts_jumps_as_pictures_do(printed) -> None:
    compared = printed(200, "compare", "zigzag", "row", "--grid", "14x14").split("\n")
    heads = [c.strip() for c in next(line for line in compared if "jumps" in line).split("┃")]
    for name, shown in (("zigzag", "26 unit steps, 169 diagonals"), ("row", "182 unit steps, 13 jumps")):
        cells = [c.strip() for c in next(line for line in compared if f"│ {name} " in line).split("│")]
        figures = dict(zip(heads, cells, strict=True))
        assert shown in printed(200, "show", name, "--grid", "14x14")
        assert (figures["diagonals"], figures["jumps"]) == (("169", "0") if name == "zigzag" else ("0", "13"))
