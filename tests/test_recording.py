"""A recording's lines -> its header, and the clock of its replay."""

from __future__ import annotations

import pytest

from ndpbr_py.recording.format import Recording, ReplayClock
from ndpbr_py.system import clock


def at(minute: int, second: float = 0.0, hour: int = 12) -> str:
    return f"[2026-11-23T{hour:02d}:{minute:02d}:{second:09.6f}] "


def never() -> None:
    """Return no deadline."""


def test_plain_output_of_ip_has_no_header() -> None:
    """Every line of plain output is there, even a last one without its newline: it may have been typed."""
    recording = Recording(iter(["# how recorded\n", "one\n", "two"]))

    assert (recording.has_header, recording.values) == (False, {})
    assert list(recording.monitor_lines()) == ["# how recorded", "one", "two"]
    assert recording.number == 3


def test_header_ends_before_the_monitors_lines() -> None:
    """The header separates values from tables, and the lines of the neighbor cache from the monitor's."""
    lines = [
        "# ndpbr-recording: 1",
        "# kernel: Linux: 6.1",
        "# link: 1: lo: <UP>",
        "a neighbor",
        "# monitor: ip",
        "a line",
    ]
    recording = Recording(f"{line}\n" for line in lines)

    assert recording.has_header
    assert recording.values == {"kernel": "Linux: 6.1"}
    assert list(recording.monitor_lines()) == ["a line"]


def test_time_goes_by_in_ticks() -> None:
    """Until the next line there is a tick for each deadline, as in the daemon, and the rest of the time."""
    deadlines, waited = [0.0, 30.0, 100.0, 200.0], list[float]()
    recorded = ReplayClock(wait=waited.append)
    ticks = []
    for line in (at(0), "no stamp", at(1, 45.5), at(1, 46)):
        ticks.append(0)
        for _ in recorded.ticks(line, lambda: deadlines[0]):
            deadlines.pop(0)
            ticks[-1] += 1

    assert ticks == [0, 0, 3, 0]
    assert waited == pytest.approx([0.1, 29.9, 70.0, 5.5, 0.5], abs=0.1)
    assert recorded.now == 106.0


def test_time_never_goes_back() -> None:
    """After the clock was set back, time stands still until the time stamps are later than before."""
    recorded = ReplayClock()
    times = []
    for line in (at(10), at(11), at(5), at(10, 30), at(12)):
        list(recorded.ticks(line, never))
        times.append(recorded.now)

    assert times == [0.0, 60.0, 60.0, 60.0, 120.0]


def test_long_gap_costs_little() -> None:
    """However long the gap, and however often something is due, there are at most a thousand ticks."""
    recorded = ReplayClock()
    list(recorded.ticks(at(0), never))

    assert 990 <= len(list(recorded.ticks("[9999-11-23T12:00:00.000000] ", lambda: 0.0))) <= 1000


@pytest.mark.parametrize(("zone", "hour"), [("+0100", 11), ("-0330", 15.5), ("+0000", 12), ("", 12), ("CET", 12)])
def test_date_is_utc(zone: str, hour: float) -> None:
    """The date is that of the line, minus the offset of its zone."""
    recorded = ReplayClock(zone)
    list(recorded.ticks(at(0), never))

    assert recorded.date() % 86400 == hour * 3600


def test_date_without_time_stamps_is_todays() -> None:
    """A recording without time stamps happens now."""
    before = clock.date(clock.now())

    assert before - 1 < ReplayClock().date() < before + 60
