"""Interfaces that come late, lose their carrier, or go down and up again."""

from __future__ import annotations

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import INET, LAN, LAN2, Home
from tests.lab import Lab, until
from tests.observed import proxies, routes, settings
from tests.program import Daemon

DEVS = ("wan0", "lan0")


def test_interface_that_comes_late_is_waited_for(lab: Lab, home: Home, daemon: Start) -> None:
    """A listed interface need not exist at the start: hosts are learned on it once it does."""
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


def test_host_whose_cable_is_pulled_stays(home: Home, daemon: Start) -> None:
    """A lost carrier takes no host away: when the cable is back, so is the traffic."""
    running = _learned(home, daemon)
    home.lan.ip("link set eth0 down")
    running.wait_for("host-retained", address=LAN, reason="cache-entry-gone")
    pulled = routes(home.router)
    _plug(home)

    assert any(entry.startswith(f"{LAN} dev lan0 proto 135") for entry in pulled)
    assert until(lambda: ask(home.inet, LAN, timeout=0.5)) is not None
    assert not [record for record in running.log() if record["event"] == "host-forgotten"]


def test_host_comes_back_with_its_interface(home: Home, daemon: Start) -> None:
    """When an interface goes down the kernel drops the entries there; when it is up again they are put back."""
    running = _learned(home, daemon)
    home.router.ip("link set lan0 down")
    suspended = running.wait_for("host-suspended", address=LAN)
    until(lambda: not any(LAN in entry for entry in proxies(home.router)), what="nobody answers for the host")
    home.router.ip("link set lan0 up")
    home.router.ip("address replace fe80::1/64 dev lan0 nodad")

    assert suspended["reason"] == "link-down"
    until(lambda: f"{LAN} dev lan0 proto 135" in routes(home.router), what="the route is back")
    until(lambda: f"{LAN} dev wan0 proto 135" in proxies(home.router), what="the proxy entry is back")
    assert until(lambda: ask(home.lan, INET, timeout=0.5)) is not None


def test_interface_that_is_gone_at_the_end_does_no_harm(home: Home, daemon: Start) -> None:
    """A daemon that ends without one of its interfaces gives the others' settings back."""
    before = settings(home.router, "wan0")
    running = _learned(home, daemon)
    home.router.ip("link del lan0")
    running.wait_for("host-suspended", address=LAN)

    assert running.stop() == 0
    assert settings(home.router, "wan0") == before
    assert not proxies(home.router)
    assert not [record for record in running.log() if record["level"] == "error"]


def _learned(home: Home, daemon: Start) -> Daemon:
    """Return a daemon that has verified the LAN host; everybody echoes."""
    echo(home.inet, delay=0.02)
    echo(home.lan)
    running = daemon(home.router, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    return running


def _plug(home: Home) -> None:
    """Bring the LAN host's end up again; what its kernel dropped is laid anew."""
    home.lan.lay(
        "link set eth0 up", f"address replace {LAN}/64 dev eth0 nodad", "route replace default via fe80::1 dev eth0"
    )
