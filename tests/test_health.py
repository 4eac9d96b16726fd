"""What breaks the network while the daemon runs is in its log, when it begins and when it ends."""

from __future__ import annotations

from tests.conftest import Start
from tests.home import MODEM, ROUTER, Home
from tests.lab import until
from tests.program import Daemon
from tests.test_e2e_control import answer_of

PREFIX, NEXT = "2001:db8:64::/64", "2001:db8:77::/64"
WATCHED = ("--resync-interval", "3600", "wan0", "lan0", "lan1")  # each change must request its own resync


def gauges(running: Daemon) -> dict[str, int]:
    """Return whether each check fails, as the daemon's metrics have it."""
    failed: dict[str, int] = answer_of(running, request="state")["counters"]["check_failed"]
    return failed


def test_forwarding_that_is_turned_off_and_on(home: Home, daemon: Start) -> None:
    """The kernel reports the setting, so the check fails and passes immediately; a gauge has its state."""
    running = daemon(home.router, *WATCHED)
    home.router.sysctl("net/ipv6/conf/all/forwarding", 0)
    failed = running.wait_for("check-failed", check="forwarding")
    gauge_of_failed = gauges(running)["forwarding"]
    home.router.sysctl("net/ipv6/conf/all/forwarding", 1)
    passed = running.wait_for("check-passed", check="forwarding")

    assert failed["level"] == "warning"
    assert failed["fix"] == "sysctl -w net.ipv6.conf.all.forwarding=1  # also in /etc/sysctl.d/ndpbr.conf"
    assert (passed["level"], type(passed["failed_for_s"])) == ("info", int)
    assert (gauge_of_failed, gauges(running)["forwarding"]) == (1, 0)


def test_default_route_that_is_lost_and_restored(home: Home, daemon: Start) -> None:
    """The records say which route it was, and that the check of doctor fails and passes."""
    running = daemon(home.router, *WATCHED)
    home.router.ip(f"-6 route del default via {MODEM}")
    lost = running.wait_for("default-route-lost")
    failed = running.wait_for("check-failed", check="default-route")
    home.router.ip(f"-6 route add default via {MODEM} dev wan0")
    restored = running.wait_for("default-route-restored")
    running.wait_for("check-passed", check="default-route")

    assert (lost["level"], lost["dev"], lost["via"]) == ("warning", "wan0", MODEM)
    assert failed["detail"].startswith("none")
    assert (restored["level"], restored["dev"], restored["via"]) == ("info", "wan0", MODEM)


def test_prefix_that_is_replaced(home: Home, daemon: Start) -> None:
    """The provider gives another prefix: the new one, the old one deprecated, and its end are in the log."""
    running = daemon(home.router, *WATCHED)
    home.router.ip("-6 address add 2001:db8:77::2/64 dev wan0 nodad")
    added = running.wait_for("prefix-added")
    home.router.ip(f"-6 address change {ROUTER}/64 dev wan0 preferred_lft 0")
    deprecated = running.wait_for("prefix-deprecated")
    home.router.ip(f"-6 address del {ROUTER}/64 dev wan0")
    removed = running.wait_for("prefix-removed")

    assert (added["prefix"], added["dev"], added["level"]) == (NEXT, "wan0", "info")
    assert (deprecated["prefix"], deprecated["dev"], deprecated["level"]) == (PREFIX, "wan0", "warning")
    assert (removed["prefix"], removed["dev"], removed["level"]) == (PREFIX, "wan0", "warning")


def test_quiet_network_is_not_logged(home: Home, daemon: Start) -> None:
    """Resyncs of a network that stays as it is log nothing about it."""
    running = daemon(home.router, "--resync-interval", "1", "wan0", "lan0")
    until(lambda: answer_of(running, request="state")["counters"]["resyncs"] >= 3, what="the tables are read")

    assert [record["event"] for record in running.log() if record["event"].startswith(("check-", "prefix-"))] == []
