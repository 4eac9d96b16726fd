"""The daemon's state and hosts -> the frame for a terminal of some size."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ndpbr_py.commands.table import Row
from ndpbr_py.commands.watch import frame, head, last_problem
from ndpbr_py.system.clock import span
from tests.builders import addr

DAEMON: dict[str, Any] = {
    "version": "0.2.0",
    "uptime_s": 7.5,
    "interfaces": ["wan0", "lan0"],
    "up": ["wan0"],
    "links": {"wan0": {"changed_ago_s": 7.5}, "lan0": {"changed_ago_s": 3.0}},
    "counters": {"hosts": 12, "hosts_learned": 14, "hosts_forgotten": 2},
    "problem": None,
}
PROBLEM = {"event": "check-failed", "detail": "check=forwarding", "ago_s": 61.0}


def shown(text: str) -> list[str]:
    """Return the lines, without control sequences."""
    return re.sub(r"\x1b\[[HKJ]", "", text).split("\n")[:-1]


def test_frame_is_written_over_the_last_one() -> None:
    """A frame begins at the top left, and clears the rest of each line and of the screen."""
    assert frame("head", "", ["one"], 80, 24) == "\x1b[Hhead\x1b[K\none\x1b[K\n\x1b[J"


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (24, ["head", "0", "1", "2", "3", "4"]),
        (7, ["head", "0", "1", "2", "3", "4"]),
        (6, ["head", "0", "1", "2", "... and 2 more"]),
        (4, ["head", "0", "... and 4 more"]),
        (3, ["head", "0"]),
        (2, ["head"]),
        (1, ["head"]),
    ],
)
def test_frame_fits_the_screen(rows: int, lines: list[str]) -> None:
    """Lines without room are counted, and the last line stays free, so that nothing scrolls."""
    assert shown(frame("head", "", list("01234"), 80, rows)) == lines


def test_top_is_wrapped() -> None:
    """A small terminal has one line of it; and each control character becomes a question mark."""
    assert shown(frame("\x1b[2J one two three", "", [], 12, 24)) == ["?[2J one two", "three"]
    assert shown(frame("one two three", "", [], 12, 8)) == ["one two ..."]


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (8, ["one two ...", "problem one", "two three", "0", "1", "2", "... and 2 more"]),
        (5, ["one two ...", "problem one", "two three", "0"]),
        (3, ["one two ...", "problem one"]),
        (1, ["one two ..."]),
    ],
)
def test_last_problem_has_lines_of_its_own(rows: int, lines: list[str]) -> None:
    """A small terminal has two for it, which say what happened, below one for everything else."""
    assert shown(frame("one two three", "problem one two three", list("01234"), 12, rows)) == lines


def test_top_says_how_it_goes() -> None:
    """Version, uptime, interfaces (first those that are down), counts; and the last problem."""
    rows = [Row(addr(), "lan0", (), state="REACHABLE"), Row(addr(), "lan0", (), state="STALE")]

    assert head(DAEMON, rows) == (
        "ndpbr 0.2.0 up 7 s; lan0 DOWN 3 s, wan0 up 7 s; 12 hosts, 1 reachable; 14 learned, 2 forgotten"
    )
    assert last_problem({**DAEMON, "problem": PROBLEM}) == "last problem 1 min 1 s ago: check-failed check=forwarding"
    assert (last_problem(DAEMON), last_problem(None)) == ("", "")
    assert head(None, rows) == "no daemon answers; 2 hosts (q quits)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (3725, "1 h 2 min"), (93600, "1 d 2 h"), (-1, "0 s")],
)
def test_span_has_two_units(seconds: float, text: str) -> None:
    """A duration has its two largest units."""
    assert span(seconds) == text
