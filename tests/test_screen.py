"""Hosts and counters -> the frame for a terminal of some size."""

from __future__ import annotations

import re

import pytest

from ndpbr_py.commands.screen import frame, last_seen, summary
from ndpbr_py.system.clock import span

COUNTERS = {
    "hosts_learned": 14,
    "hosts_forgotten": 2,
    "hosts_moved": 1,
    "entries_refused": 0,
    "address_conflicts": 0,
    "resyncs": 300,
    "monitor_restarts": 0,
    "events_lost": 0,
    "hosts": 12,
}


def shown(text: str) -> list[str]:
    """Return the lines, without control sequences."""
    return re.sub(r"\x1b\[[HKJ]", "", text).split("\n")[:-1]


def test_frame_is_written_over_the_last_one() -> None:
    """A frame begins at the top left, and clears the rest of each line and of the screen."""
    assert frame("head", ["one"], 80, 24) == "\x1b[Hhead\x1b[K\n\x1b[K\none\x1b[K\n\x1b[J"


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (24, ["head", "", "0", "1", "2", "3", "4"]),
        (8, ["head", "", "0", "1", "2", "3", "4"]),
        (7, ["head", "", "0", "1", "2", "... and 2 more"]),
        (4, ["head", "", "... and 5 more"]),
        (3, ["head", ""]),
        (2, ["head"]),
        (1, ["head"]),
    ],
)
def test_frame_fits_the_screen(rows: int, lines: list[str]) -> None:
    """Lines without room are counted, and the last line stays free, so that nothing scrolls."""
    assert shown(frame("head", list("01234"), 80, rows)) == lines


def test_frame_is_as_wide_as_the_screen() -> None:
    """Longer lines are cut, and each control character becomes a question mark."""
    assert shown(frame("a" * 50, ["\x1b[2J" + "b" * 50], 10, 24)) == ["a" * 10, "", "?[2J" + "b" * 6]


def test_summary_counts() -> None:
    """The first line has the daemon's counters, or says that no daemon answers."""
    assert summary({"uptime_s": 7.5, "counters": COUNTERS}) == (
        "up 7 s, 12 hosts; 14 learned, 2 forgotten, 1 moved, 0 entries refused, 0 address conflicts, 300 resyncs, "
        "0 monitor restarts, 0 events lost"
    )
    assert summary(None) == "no daemon answers"


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (None, ""),
        ({"state": "REACHABLE", "verified": True, "confirmed_ago_s": 500.0}, "reachable"),
        ({"state": "PERMANENT", "verified": True, "confirmed_ago_s": 500.0}, "permanent"),
        ({"state": "STALE", "verified": True, "confirmed_ago_s": 75.2}, "confirmed 1 min 15 s ago"),
        ({"state": "STALE", "verified": False, "confirmed_ago_s": 0.2}, "unverified, seen 0 s ago"),
    ],
)
def test_last_seen(host: dict[str, object] | None, text: str) -> None:
    """A reachable host has its state; any other has the time since it was last seen."""
    assert last_seen(host) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (3725, "1 h 2 min"), (93600, "1 d 2 h"), (-1, "0 s")],
)
def test_span_has_two_units(seconds: float, text: str) -> None:
    """A duration has its two largest units."""
    assert span(seconds) == text
