"""Interfaces that appear late, lose their carrier, or go down and up again."""

from __future__ import annotations

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import INET, LAN, LAN2, Home
from tests.lab import Lab, until
from tests.observed import proxies, routes, settings
from tests.program import Daemon

DEVS = ("wan0", "lan0")


def test_interface_that_appears_late_is_used(lab: Lab, home: Home, daemon: Start) -> None:
    """A listed interface may be missing at startup: hosts on it are learned once it exists."""
    running = daemon(home.router, "wan0", "late0")
    missing = running.wait_for("interface-missing", dev="late0")
    lab.link(home.router, "late0", home.lan2, "eth1")
    home.router.lay("link set late0 addrgenmode none", "link set late0 up", "address add fe80::1/64 dev late0 nodad")
    home.lan2.lay(f"address del {LAN2}/64 dev eth0", "link set eth1 up", f"address add {LAN2}/64 dev eth1 nodad")
    echo(home.lan2)
    claim(home.lan2, LAN2, dev="eth1")
    running.wait_for("host-verified", address=LAN2, dev="late0")
    home.lan2.ip("-6 route replace default via fe80::1 dev eth1")

    assert missing["level"] == "warning"
    assert until(lambda: ask(home.inet, LAN2, timeout=0.5)) is not None
    assert f"{LAN2} dev wan0 proto 135" in proxies(home.router)


def test_host_without_carrier_is_retained(home: Home, daemon: Start) -> None:
    """A lost carrier removes no host: when the carrier is back, traffic flows."""
    running = _learned(home, daemon)
    home.lan.ip("link set eth0 down")
    running.wait_for("host-retained", address=LAN, reason="cache-entry-gone")
    pulled = routes(home.router)
    _plug(home)

    assert any(entry.startswith(f"{LAN} dev lan0 proto 135") for entry in pulled)
    assert until(lambda: ask(home.inet, LAN, timeout=0.5)) is not None
    assert not running.logged("host-forgotten")


def test_entries_are_restored_when_an_interface_is_up_again(home: Home, daemon: Start) -> None:
    """The kernel drops the entries of an interface that goes down; they are restored when it is up."""
    running = _learned(home, daemon)
    home.router.ip("link set lan0 down")
    suspended = running.wait_for("host-suspended", address=LAN)
    until(lambda: not any(LAN in entry for entry in proxies(home.router)), what="the host is not proxied")
    home.router.ip("link set lan0 up")
    home.router.ip("address replace fe80::1/64 dev lan0 nodad")

    assert suspended["reason"] == "link-down"
    until(lambda: f"{LAN} dev lan0 proto 135" in routes(home.router), what="the route is back")
    until(lambda: f"{LAN} dev wan0 proto 135" in proxies(home.router), what="the proxy entry is back")
    assert until(lambda: ask(home.lan, INET, timeout=0.5)) is not None


def test_link_that_flaps_is_two_records_at_info(home: Home, daemon: Start) -> None:
    """The hosts on other links were reachable all the time, and no record says otherwise."""
    running = daemon(home.router, *DEVS, "lan1")
    for host, address in ((home.lan, LAN), (home.lan2, LAN2)):
        claim(host, address)
        running.wait_for("host-verified", address=address)
    home.router.ip("link set lan1 down")
    down = running.wait_for("link-down", dev="lan1")
    home.router.lay("link set lan1 up", "address replace fe80::1/64 dev lan1 nodad")
    up = running.wait_for("link-up", reason="link-up")
    until(lambda: f"{LAN} dev lan1 proto 135" in proxies(home.router), what="the proxy entry is back")
    until(lambda: f"{LAN2} dev lan1 proto 135" in routes(home.router), what="the route is back")
    records = running.log()
    flap = records[records.index(down) : records.index(up) + 1]

    assert (down["hosts"], down["entries"], down["level"]) == (1, 2, "info")
    assert (up["dev"], up["level"], up["down_for_s"]) == ("lan1", "info", 0)
    assert [it["event"] for it in flap if it["level"] != "debug"] == ["link-down", "link-up"]
    assert [it["address"] for it in records if it["event"] == "host-suspended"] == [LAN2]
    assert {it["level"] for it in records if it["event"] == "host-repaired"} == {"debug"}


def test_carrier_that_is_lost_is_in_the_log(home: Home, daemon: Start) -> None:
    """A cable is pulled at the other end: the hosts there are not reached, although their entries stay."""
    running = _learned(home, daemon)
    home.lan.ip("link set eth0 down")
    down = running.wait_for("link-down", dev="lan0")
    _plug(home)

    assert (down["reason"], down["hosts"], down["entries"]) == ("no-carrier", 1, 0)
    assert running.wait_for("link-up", dev="lan0", reason="link-up")["down_for_s"] >= 0


def test_interface_that_leaves_a_bridge_is_not_missing(home: Home, daemon: Start) -> None:
    """The bridge deletes its port, and the interface stays."""
    home.router.lay("link add br0 type bridge", "link set br0 up", "link set lan1 master br0")
    running = daemon(home.router, *DEVS, "lan1")
    home.router.ip("link set lan1 nomaster")
    home.router.ip("link set lan1 down")  # a line that comes later
    running.wait_for("link-down", dev="lan1")

    assert [it["event"] for it in running.log() if it["event"] in ("interface-missing", "host-suspended")] == []


def test_missing_interface_at_stop_does_no_harm(home: Home, daemon: Start) -> None:
    """A daemon that stops while an interface is missing restores the settings of the others."""
    before = settings(home.router, "wan0")
    running = _learned(home, daemon)
    home.router.ip("link del lan0")
    running.wait_for("host-suspended", address=LAN)

    assert running.stop() == 0
    assert settings(home.router, "wan0") == before
    assert not proxies(home.router)
    assert not [record for record in running.log() if record["level"] == "error"]


def _learned(home: Home, daemon: Start) -> Daemon:
    """Return a daemon that has verified the LAN host; both hosts run echo servers."""
    echo(home.inet, delay=0.02)
    echo(home.lan)
    running = daemon(home.router, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    return running


def _plug(home: Home) -> None:
    """Set the LAN host's interface up again, and add what its kernel dropped."""
    home.lan.lay(
        "link set eth0 up", f"address replace {LAN}/64 dev eth0 nodad", "route replace default via fe80::1 dev eth0"
    )
