"""`ndpbr flush` removes ndpbr's own entries and leaves those of other programs; --all removes all."""

from __future__ import annotations

import signal

import pytest

from tests.claim import claim
from tests.conftest import Run, Start
from tests.home import LAN, LAN2, MODEM, Home
from tests.lab import until
from tests.observed import proxies, routes, settings

FOREIGN_ROUTE = "2001:db8:64::33 dev lan0 proto static"
OTHER = "2001:db8:64::44"


@pytest.fixture
def mixed(home: Home) -> Home:
    """Return a home whose router has entries of an ended daemon and of other programs."""
    home.router.lay(
        f"route add {LAN}/128 dev lan0 proto 135",
        f"neigh add proxy {LAN} dev wan0 proto 135",
        f"route add {LAN2}/128 dev lan1 proto static",
        f"neigh add proxy {LAN2} dev wan0",
        f"neigh add proxy {MODEM} dev lan0 proto 72",
        # By number: after `proto 72` in the same batch, ip 6.1 takes "static" for 72.
        "route add 2001:db8:64::33/128 dev lan0 proto 4",
    )
    return home


def test_flush_removes_only_tagged_entries(mixed: Home, ndpbr: Run) -> None:
    """ndpbr's entries are removed and counted; no entry without its tag is touched."""
    flushed = ndpbr(mixed.router, "flush")

    assert (flushed.returncode, flushed.stdout) == (0, "1 proxy entries and 1 host routes removed\n")
    assert proxies(mixed.router) == {f"{LAN2} dev wan0", f"{MODEM} dev lan0 proto 72"}
    assert routes(mixed.router) == {f"{LAN2} dev lan1 proto static", FOREIGN_ROUTE}


def test_flush_protocol_removes_another_tag(mixed: Home, ndpbr: Run) -> None:
    """With --protocol the entries of a daemon with that number are removed."""
    mixed.router.lay(f"route add {MODEM}/128 dev wan0 proto 140", f"neigh add proxy {MODEM} dev lan1 proto 140")
    before = proxies(mixed.router), routes(mixed.router)
    flushed = ndpbr(mixed.router, "flush", "--protocol", "140")

    assert flushed.stdout == "1 proxy entries and 1 host routes removed\n"
    assert before[0] - proxies(mixed.router) == {f"{MODEM} dev lan1 proto 140"}
    assert before[1] - routes(mixed.router) == {f"{MODEM} dev wan0 proto 140"}


def test_flush_all_removes_every_proxy_entry(mixed: Home, ndpbr: Run) -> None:
    """--all removes every proxy entry with its host route and turns proxy_ndp off; other host routes stay."""
    for dev in ("all", "wan0", "lan0"):
        mixed.router.sysctl(f"net/ipv6/conf/{dev}/proxy_ndp", 1)
    flushed = ndpbr(mixed.router, "flush", "--all")

    assert (flushed.returncode, flushed.stdout) == (0, "3 proxy entries and 2 host routes removed\n")
    assert proxies(mixed.router) == set()
    assert routes(mixed.router) == {FOREIGN_ROUTE}
    assert {mixed.router.sysctl(f"net/ipv6/conf/{dev}/proxy_ndp") for dev in ("all", "wan0", "lan0")} == {"0"}


def test_flush_all_removes_routes_without_an_interface(mixed: Home, ndpbr: Run) -> None:
    """With --all blackhole and multipath routes of proxied addresses are removed like any other host route."""
    mixed.router.lay(
        f"route add blackhole {MODEM}/128 proto static",
        f"route add {MODEM}/128 dev wan0 metric 2048 proto static",
        f"neigh add proxy {OTHER} dev wan0",
        f"route add {OTHER}/128 nexthop via fe80::91 dev lan0 nexthop via fe80::92 dev lan1",
        f"route add {OTHER}/128 dev lan1 metric 512",
    )
    mixed.router.sysctl("net/ipv6/conf/all/proxy_ndp", 1)
    flushed = ndpbr(mixed.router, "flush", "--all")

    assert (flushed.returncode, flushed.stderr) == (0, "")
    assert (proxies(mixed.router), routes(mixed.router)) == (set(), {FOREIGN_ROUTE})
    assert {"blackhole", "nexthop"}.isdisjoint(mixed.router.ip("-6 route show").split())
    assert mixed.router.sysctl("net/ipv6/conf/all/proxy_ndp") == "0"


def test_flush_beside_a_running_daemon_says_so(home: Home, daemon: Start, ndpbr: Run) -> None:
    """If a daemon runs, flush says so; the daemon restores the entries of its hosts."""
    running = daemon(home.router, "--resync-interval", "1", "wan0", "lan0")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    flushed = ndpbr(home.router, "--pidfile", str(running.pidfile), "flush")

    assert flushed.stderr == "ndpbr: a daemon runs, and will put its entries back\n"
    until(lambda: f"{LAN} dev wan0 proto 135" in proxies(home.router), what="the proxy entry is back")
    assert f"{LAN} dev lan0 proto 135" in routes(home.router)


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "stopped with --keep"])
def test_flush_restores_settings(home: Home, daemon: Start, ndpbr: Run, killed: bool) -> None:
    """Settings that an ended daemon left changed are restored, too."""
    before = settings(home.router, "wan0", "lan0")
    running = daemon(home.router, *(() if killed else ("--keep",)), "wan0", "lan0")
    running.process.send_signal(signal.SIGKILL if killed else signal.SIGTERM)
    running.process.wait(10.0)
    left = settings(home.router, "wan0", "lan0")
    flushed = ndpbr(home.router, "flush", "--state-dir", str(running.state))

    assert flushed.returncode == 0
    assert left != before
    assert settings(home.router, "wan0", "lan0") == before
    assert list(running.state.glob("settings*")) == []


def test_flush_leaves_settings_that_a_running_daemon_needs(home: Home, daemon: Start, ndpbr: Run) -> None:
    """Beside a running daemon, with the same protocol number or another, flush restores nothing that it needs."""
    running = daemon(home.router, "wan0", "lan0")
    needed = settings(home.router, "wan0", "lan0")
    for words in ((), ("--protocol", "136")):
        assert ndpbr(home.router, "flush", "--state-dir", str(running.state), *words).returncode == 0

    assert settings(home.router, "wan0", "lan0") == needed
    assert (running.state / "settings-135.json").exists()
