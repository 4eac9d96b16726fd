"""Lines of the monitor about routes and settings -> whether a resync is requested; about names -> what was renamed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ndpbr_py.config import LogConfig
from ndpbr_py.daemon.inbox import LinkRenamed, ResyncRequested
from ndpbr_py.daemon.monitor_events import MonitorHandler
from ndpbr_py.logs.logger import Log
from tests.builders import FIXTURES, HOST, Records, addr

INSTALLED = {(addr(HOST), "lan0")}
NEWS = (
    "[ROUTE]2001:db8:2::/48 via 2001:db8:1::9 dev a0 metric 1024 pref medium",
    "[ROUTE]Deleted 2001:db8:2::/48 via 2001:db8:1::9 dev a0 metric 1024 pref medium",
    "[ROUTE]blackhole 2001:db8:3::/48 dev lo metric 1024 pref medium",
    "[ROUTE]default via fe80::1 dev wan0 proto ra metric 1024 expires 1800sec pref medium",
    f"[ROUTE]Deleted {HOST} dev lan0 proto 135 metric 1024 pref medium",
    "[NETCONF]inet6 wan0 proxy_neigh off ",
    "[NETCONF]inet6 all proxy_neigh off ",
    "[NETCONF]inet6 wan0 forwarding off ",
    "[NETCONF]inet6 all forwarding on ",
)
NO_NEWS = (
    f"[ROUTE]{HOST} dev lan0 proto 135 metric 1024 pref medium",
    f"[ROUTE]Deleted {HOST} dev lan1 proto 135 metric 1024 pref medium",
    "[ROUTE]Deleted 2001:db8::44 dev lan0 proto 135 metric 1024 pref medium",
    "[ROUTE]Deleted proto 135 metric",
    "[ROUTE]Deleted 2001:db8: dev lan0 proto 135 metric",
    "[ROUTE]2001:db8:5::/64 dev b0 table 100 metric 1024 pref medium",
    "[ROUTE]local 2001:db8::2 dev a0 table local proto kernel metric 0 pref medium",
    "[ROUTE]Deleted fe80::/64 dev b0 proto kernel metric 256 pref medium",
    "[ROUTE]Deleted multicast ff00::/8 dev b0 proto kernel metric 256 pref medium",
    "[NETCONF]inet6 wan0 proxy_neigh on ",
    "[NETCONF]inet6 eth9 proxy_neigh off ",
    "[NETCONF]inet6 default proxy_neigh off ",
    "[NETCONF]inet wan0 proxy_neigh off ",
    "[NETCONF]",
)


def handler(records: Records) -> MonitorHandler:
    """Return the handler of a daemon that has added one route."""
    log = Log(LogConfig("json"), records)
    return MonitorHandler(("wan0", "lan0"), "100::87", log, 135, lambda *route: route in INSTALLED)


@pytest.mark.parametrize("line", NEWS)
def test_change_by_another_program_requests_a_resync(line: str) -> None:
    """Another program's route, a deletion of ours, proxy_ndp turned off, and forwarding turned off or on."""
    assert list(handler(Records()).on_lines([line])) == [ResyncRequested()]


@pytest.mark.parametrize("line", NO_NEWS)
def test_other_lines_request_no_resync(line: str) -> None:
    """Our own additions and deletions, other tables, other interfaces, and garbage."""
    assert list(handler(Records()).on_lines([line])) == []


LINE = "[LINK]4: {}@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default "


def renames(reader: MonitorHandler, dev: str) -> list[LinkRenamed]:
    """Return which renames are found when the monitor prints the name of the interface."""
    return [event for event in reader.on_lines([LINE.format(dev)]) if isinstance(event, LinkRenamed)]


def test_rename_that_a_snapshot_shows_first_is_found() -> None:
    """The monitor prints the old name of an interface forever, also if its line comes after the snapshot, or never."""
    reader = handler(Records())
    assert reader.on_snapshot({4: "lan0"}) == []

    assert reader.on_snapshot({4: "old0"}) == [LinkRenamed("old0", "lan0")]
    assert renames(reader, "old0") == []
    reader.on_snapshot_started()
    assert reader.on_snapshot({4: "lan0"}) == [LinkRenamed("lan0", "old0")]


def test_rename_while_there_was_no_monitor_is_found_when_it_is_undone() -> None:
    """The next monitor knows the interface by the name that it had then."""
    reader = handler(Records())
    reader.on_snapshot({4: "lan0"})
    reader.on_started({4: "old0"})

    assert renames(reader, "lan0") == [LinkRenamed("lan0", "old0")]


def test_names_in_a_snapshot_do_not_replace_newer_ones() -> None:
    """A snapshot may show the name from before a line that came while it was taken."""
    reader = handler(Records())
    reader.on_snapshot({4: "lan0", 5: "lan1"})
    reader.on_snapshot_started()
    assert renames(reader, "old0") == [LinkRenamed("old0", "lan0")]

    assert reader.on_snapshot({4: "lan0", 5: "lan1"}) == []
    assert renames(reader, "lan0") == [LinkRenamed("lan0", "old0")]


# The beginnings of the lines that request a resync, of what each version of ip(8) printed about the same changes.
NEWS_OF_CAPTURE = [
    "[ROUTE]2001:db8:64::11 dev lan1",
    "[ROUTE]Deleted 2001:db8:64::11 dev lan1",
    "[ROUTE]2001:db8:64:0:b::/80 via fe80::7 dev lan1",
    "[ROUTE]2001:db8:64:0:b::/80 via fe80::7 dev lan0",
    "[ROUTE]2001:db8:64:0:b::/80 metric 1024",
    "[ROUTE]Deleted 2001:db8:64:0:b::/80 via fe80::7 dev lan0",
    "[ROUTE]Deleted 2001:db8:64:0:b::/80 via fe80::8 dev lan1",
    "[ROUTE]blackhole 2001:db8:64:0:d::/80",
    "[ROUTE]Deleted blackhole 2001:db8:64:0:d::/80",
    "[ROUTE]unreachable 2001:db8:65::/64",
    "[ROUTE]2001:db8:66::/64 dev wan0 proto ra",
    "[ROUTE]2001:db8:67::/64 from 2001:db8:64::/64",
    "[ROUTE]2001:db8:68::/64 dev lan1 proto kernel",
    "[ROUTE]Deleted 2001:db8:68::/64 dev lan1 proto kernel",
    "[NETCONF]inet6 wan0 proxy_neigh off",
    "[NETCONF]inet6 all proxy_neigh off",
    "[NETCONF]inet6 lan0 forwarding off",
    "[NETCONF]inet6 lan0 forwarding on",
    "[NETCONF]inet6 wan0 forwarding off",
    "[NETCONF]inet6 lan0 forwarding off",
    "[NETCONF]inet6 all forwarding off",
    "[NETCONF]inet6 wan0 forwarding on",
    "[NETCONF]inet6 lan0 forwarding on",
    "[NETCONF]inet6 all forwarding on",
    "[ROUTE]Deleted 2001:db8:64::77 dev lan0 proto 135",
]


@pytest.mark.parametrize("capture", sorted(FIXTURES.glob("captures/route-netconf-*.txt")), ids=lambda path: path.stem)
def test_lines_of_real_versions_are_understood(capture: Path) -> None:
    """Every version of ip(8) leads to a resync for the same changes, and for no others."""
    log = Log(LogConfig("json"), Records())
    ours = (addr("2001:db8:64::77"), "lan0")
    reader = MonitorHandler(("wan0", "lan0"), "100::87", log, 135, lambda *route: route == ours)
    lines = [line for line in capture.read_text().splitlines() if not line.startswith("#")]
    news = [line for line in lines if list(reader.on_lines([line]))]

    assert [line[: len(start)] for line, start in zip(news, NEWS_OF_CAPTURE, strict=True)] == NEWS_OF_CAPTURE
