"""Hosts -> a table for a terminal of some width."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ndpbr_py.commands.table import Row, lines
from tests.builders import LLADDR, addr

PHONE = Row(addr("2001:db8:64::11"), "lan0", ("wan0",), LLADDR, "REACHABLE", "reachable", "phone", 90_000.0, 1.0)
PRIVATE = replace(
    PHONE, address=addr("2001:db8:64:0:4e9c:979:8e80:3259"), state="STALE", word="stale", last_seen_s=75.2
)
SERVER = Row(addr("2001:db8:64::22"), "lan1", ("wan0",), "02:00:00:00:00:44", "FAILED", "silent", None, None, 9.0)
ROWS = [SERVER, PRIVATE, PHONE]


def table(width: int | None, *, pinged: bool = False) -> list[str]:
    return [re.sub(r"\d{4}-\d\d-\d\d", "DATE", line) for line in lines(ROWS, width, pinged=pinged, color=False)]


def test_table_is_grouped_by_device() -> None:
    """Name, lladdr and interface of a device are written once; a host that is known for a day has a date."""
    assert table(None) == [
        "NAME   LLADDR             IFACE  ADDRESS                           STATE      LAST SEEN       SINCE",
        "phone  02:00:00:00:00:33  lan0   2001:db8:64::11                   reachable  now             DATE",
        "                                 2001:db8:64:0:4e9c:979:8e80:3259  stale      1 min 15 s ago  DATE",
        "       02:00:00:00:00:44  lan1   2001:db8:64::22                   silent     9 s ago",
    ]


def test_narrow_table_has_fewer_columns() -> None:
    """At 80 columns the addresses are whole; at 40 the state is still there."""
    assert table(80) == [
        "NAME   IFACE  ADDRESS                           STATE      LAST SEEN",
        "phone  lan0   2001:db8:64::11                   reachable  now",
        "              2001:db8:64:0:4e9c:979:8e80:3259  stale      1 min 15 s ago",
        "       lan1   2001:db8:64::22                   silent     9 s ago",
    ]
    assert table(40) == [
        "NAME   IFACE  ADDRESS          STATE",
        "phone  lan0   2001:db8:64::11  reachable",
        "              ..979:8e80:3259  stale",
        "       lan1   2001:db8:64::22  silent",
    ]


@pytest.mark.parametrize("width", range(40, 120))
@pytest.mark.parametrize("pinged", [False, True])
def test_state_is_never_cut(width: int, *, pinged: bool) -> None:
    """From 40 columns up every line fits, and has its state."""
    long = replace(PHONE, name="a" * 63, dev="interface-15-ch")
    found = lines([*ROWS, long], width, pinged=pinged, color=False)

    assert max(map(len, found)) <= width
    assert all(re.search("STATE|reachable|stale|silent", line) for line in found)


def test_ping_is_a_column() -> None:
    """With --ping each host has its round-trip time or FAILED."""
    rows = [replace(PHONE, rtt_s=0.0012345), SERVER]

    assert [line.split()[-2:] for line in lines(rows, 60, pinged=True, color=False)] == [
        ["STATE", "RTT"],
        ["1.234", "ms"],
        ["silent", "FAILED"],
    ]


def test_state_has_a_color() -> None:
    """Heads are bold, states green, yellow or red, and no color is part of a column's width."""
    plain = lines(ROWS, 80, pinged=False, color=False)
    colored = lines(ROWS, 80, pinged=False, color=True)

    assert colored[0] == f"\x1b[1m{plain[0]}\x1b[m"
    assert "\x1b[32mreachable\x1b[m" in colored[1]
    assert [re.sub(r"\x1b\[\d*m", "", line).rstrip() for line in colored] == plain


def test_text_from_the_network_moves_no_cursor() -> None:
    """A control character becomes a question mark."""
    assert "?[2J" in lines([replace(PHONE, name="\x1b[2J")], None, pinged=False, color=False)[1]
