"""The kernel's tables -> the output of `ndpbr show`."""

from __future__ import annotations

import json

import pytest

from ndpbr_py.commands.show import Row, Rtts, as_json, line, rows
from tests.builders import addr, entry, kernel, route

ONE, TWO = addr("2001:db8::9"), addr("2001:db8::10")
ROWS = [Row(ONE, "lan0", ("lan1", "wan0")), Row(TWO, "lan1", ("wan0",))]


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

    assert rows(found) == ROWS


def test_plain_line_is_the_shell_scripts() -> None:
    """ADDR DEV -> DEV..."""
    assert [line(row, None) for row in ROWS] == ["2001:db8::9 lan0 -> lan1 wan0", "2001:db8::10 lan1 -> wan0"]


def test_ping_adds_the_round_trip_time() -> None:
    """(RTT N ms), or (FAILED)."""
    assert [line(row, {ONE: 0.0012345}) for row in ROWS] == [
        "2001:db8::9 lan0 -> lan1 wan0 (RTT 1.23 ms)",
        "2001:db8::10 lan1 -> wan0 (FAILED)",
    ]


@pytest.mark.parametrize(
    ("rtts", "ones", "twos"), [(None, {}, {}), ({ONE: 0.0012345}, {"rtt_ms": 1.234}, {"rtt_ms": None})]
)
def test_json_is_one_object(rtts: Rtts, ones: dict[str, object], twos: dict[str, object]) -> None:
    """With --json the same is one object, with the daemon's answer, if there is one."""
    hosts = [
        {"address": "2001:db8::9", "dev": "lan0", "proxies": ["lan1", "wan0"], **ones},
        {"address": "2001:db8::10", "dev": "lan1", "proxies": ["wan0"], **twos},
    ]

    assert json.loads(as_json(ROWS, rtts, None)) == {"hosts": hosts, "daemon": None}
    assert json.loads(as_json(ROWS, rtts, {"uptime_s": 1})) == {"hosts": hosts, "daemon": {"uptime_s": 1}}
