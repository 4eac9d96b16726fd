"""The kernel's tables and the daemon's answer -> the rows, plain lines and JSON of `ndpbr show`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ndpbr_py.commands.show import as_json, line, rows, selected
from ndpbr_py.commands.table import Row
from ndpbr_py.core.events import NudState
from ndpbr_py.names import Names
from tests.builders import LLADDR, addr, changed, entry, kernel, route

ONE, TWO = addr("2001:db8::9"), addr("2001:db8::10")
ROWS = [Row(ONE, "lan0", ("lan1", "wan0")), Row(TWO, "lan1", ("wan0",))]
NO_NAMES = Names(None, ())


def test_host_has_a_route_and_a_proxy_entry_of_ours() -> None:
    """Hosts are sorted; an address without a route or proxy entry, or with a foreign one, is no host."""
    found = kernel(
        route("2001:db8::10", "lan1"),
        route("2001:db8::9"),
        route("2001:db8::11"),
        route("2001:db8::13", ours=False),
        *(entry(f"2001:db8::{n}") for n in (10, 12, 13, 9)),
        entry("2001:db8::9", "lan1"),
        entry("2001:db8::11", ours=False),
    )

    assert rows(found, {}, NO_NAMES) == ROWS


def test_row_has_what_kernel_daemon_and_files_know(tmp_path: Path) -> None:
    """The kernel's neighbor entry on the host's link comes first; what it lacks comes from the daemon."""
    (tmp_path / "names").write_text(f"{LLADDR} phone\n")
    found = kernel(
        *(it for address in ("2001:db8::9", "2001:db8::10") for it in (route(address), entry(address))),
        changed("2001:db8::9", state=NudState.REACHABLE),
        changed("2001:db8::10", dev="wan0", lladdr="02:00:00:00:00:99"),
    )
    about = {"lladdr": LLADDR, "state": "STALE", "verified": False, "rechecking": False, "name": "old"}
    known = {str(TWO): {**about, "known_for_s": 7.0, "last_seen_s": 3.0}}
    one, two = rows(found, known, Names(tmp_path / "names", ()))

    assert one == Row(ONE, "lan0", ("wan0",), LLADDR, "REACHABLE", "reachable", "phone")
    assert two == Row(TWO, "lan0", ("wan0",), LLADDR, "STALE", "unverified", "phone", 7.0, 3.0)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ROWS),
        (["2001:0db8::9"], ROWS[:1]),
        (["2001:db8::9%lan0"], ROWS[:1]),
        (["lan1"], ROWS[1:]),
        (["Phone"], ROWS[:1]),
        ([LLADDR.upper()], ROWS[1:]),
        (["lan0", "lan1"], ROWS),
        (["wan0"], []),
    ],
)
def test_hosts_that_are_selected(words: list[str], found: list[Row]) -> None:
    """A word is an address, an interface where a host is, a name or a link-layer address."""
    every = [replace(ROWS[0], name="phone"), replace(ROWS[1], lladdr=LLADDR)]

    assert [row.address for row in selected(every, words)] == [row.address for row in found]


def test_plain_line_is_the_shell_scripts() -> None:
    """ADDR DEV -> DEV..."""
    assert [line(row, pinged=False) for row in ROWS] == [
        "2001:db8::9 lan0 -> lan1 wan0",
        "2001:db8::10 lan1 -> wan0",
    ]


def test_ping_adds_the_round_trip_time() -> None:
    """(RTT N ms) with three decimals, or (FAILED)."""
    assert [line(replace(row, rtt_s=rtt), pinged=True) for row, rtt in zip(ROWS, (0.01, None), strict=True)] == [
        "2001:db8::9 lan0 -> lan1 wan0 (RTT 10.000 ms)",
        "2001:db8::10 lan1 -> wan0 (FAILED)",
    ]


def test_json_is_one_object() -> None:
    """With --json the same is one object, with the daemon's answer, if there is one."""
    full = Row(ONE, "lan0", ("wan0",), LLADDR, "REACHABLE", "reachable", "phone", 7.0, 3.0, 0.0012345)
    host = {
        "address": "2001:db8::9",
        "name": "phone",
        "lladdr": LLADDR,
        "dev": "lan0",
        "state": "REACHABLE",
        "proxies": ["wan0"],
        "known_for_s": 7.0,
        "last_seen_s": 3.0,
    }

    assert json.loads(as_json([full], None, pinged=False)) == {"hosts": [host], "daemon": None}
    pinged = json.loads(as_json([full, ROWS[1]], {"uptime_s": 1}, pinged=True))
    assert pinged["hosts"][0] == {**host, "rtt_ms": 1.234}
    assert (pinged["hosts"][1]["rtt_ms"], pinged["daemon"]) == (None, {"uptime_s": 1})
