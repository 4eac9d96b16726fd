"""Lines of the monitor about routes and settings -> whether a resync is requested."""

from __future__ import annotations

import pytest

from ndpbr_py.config import LogConfig
from ndpbr_py.daemon.inbox import ResyncRequested
from ndpbr_py.daemon.monitor_events import MonitorHandler
from ndpbr_py.logs.logger import Log
from tests.builders import HOST, Records, addr

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
