"""Interfaces that match a pattern are listed while they exist, e.g. Docker's networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.claim import claim
from tests.conftest import Run, Start
from tests.home import LAN, Home
from tests.lab import until
from tests.observed import clean, proxies, routes
from tests.program import Daemon

SELDOM = ("--resync-interval", "3600")  # whatever a test waits for comes before the next resync
ENTRIES = {f"{LAN} dev wan0 proto 135", f"{LAN} dev lan1 proto 135"}


def learned(home: Home, dev: str) -> bool:
    """Have the LAN host use its address; return whether it is proxied, with its route on *dev*."""
    claim(home.lan, LAN)
    return proxies(home.router) >= ENTRIES and f"{LAN} dev {dev} proto 135" in routes(home.router)


def bridge(home: Home, dev: str) -> None:
    """Move lan0 into a new bridge."""
    home.router.lay(
        f"link add {dev} type bridge",
        f"link set {dev} addrgenmode none",
        f"link set {dev} up",
        f"address add fe80::1/64 dev {dev} nodad",
        "address flush dev lan0",
        f"link set lan0 master {dev}",
    )


def test_bridge_comes_and_goes(home: Home, daemon: Start, ndpbr: Run) -> None:
    """A bridge that appears is listed, locked, set up and listened on; its hosts are forgotten with it."""
    running = daemon(home.router, *SELDOM, "wan0", "lan1", "br-*")
    bridge(home, "br-0a1b2c")
    running.wait_for("interface-listed", dev="br-0a1b2c")

    until(lambda: learned(home, "br-0a1b2c"), what="a host on the new bridge is proxied")
    assert home.router.sysctl("net/ipv6/conf/br-0a1b2c/proxy_ndp") == "1"
    running.wait_for("listening", dev="br-0a1b2c")
    assert f"{LAN} br-0a1b2c -> lan1 wan0" in ndpbr(home.router, "show").stdout.splitlines()
    second = ndpbr(
        home.router, "--pidfile", "/run/2.pid", "run", "--protocol", "136", "--state-dir", "/run/2", "br-0a1b2c", "x0"
    )
    assert (second.returncode, "interface br-0a1b2c is already in use" in second.stderr) == (1, True)

    home.router.ip("link del br-0a1b2c")
    running.wait_for("interface-unlisted", dev="br-0a1b2c")
    running.wait_for("host-forgotten", address=LAN, reason="interface-not-listed")
    until(lambda: not proxies(home.router), what="the entries are removed")
    bridge(home, "br-ffff")
    until(lambda: learned(home, "br-ffff"), what="a host on the next bridge is proxied")
    assert running.stop() == 0
    assert clean(home.router)


def test_existing_interfaces_match_at_the_start(home: Home, daemon: Start) -> None:
    """A port of a bridge does not match, nor does an interface that is named, too, nor lo."""
    home.router.lay("link add br0 type bridge", "link set lan0 master br0", "link set br0 up")
    running = daemon(home.router, *SELDOM, "wan0", "lan1", "l*")

    assert running.wait_for("started")["interfaces"] == ["wan0", "lan1"]
    home.router.ip("link set lan0 nomaster")
    running.wait_for("interface-listed", dev="lan0")
    home.router.ip("address replace fe80::1/64 dev lan0 nodad")
    until(lambda: learned(home, "lan0"), what="a host is proxied")
    home.router.ip("link set lan0 master br0")
    running.wait_for("interface-unlisted", dev="lan0")
    until(lambda: not proxies(home.router), what="the entries are removed")


def test_renamed_interface(home: Home, daemon: Start) -> None:
    """The old name is no longer listed, and the new one is."""
    running = daemon(home.router, *SELDOM, "wan0", "lan1", "br-*")
    bridge(home, "br-old")
    running.wait_for("interface-listed", dev="br-old")
    home.router.lay("link set br-old down", "link set br-old name br-new", "link set br-new up")
    running.wait_for("interface-unlisted", dev="br-old")
    home.router.ip("address replace fe80::1/64 dev br-new nodad")

    until(lambda: learned(home, "br-new"), what="a host is proxied")


def test_interface_that_another_instance_holds(home: Home, daemon: Start, tmp_path: Path) -> None:
    """The pattern does not take it away."""
    daemon(home.router, *SELDOM, "wan0", "lan0")
    (tmp_path / "2").mkdir()
    home.router.ip("link add other0 type bridge")
    second = Daemon(home.router, *SELDOM, "--protocol", "136", "lan1", "other0", "lan*", folder=tmp_path / "2")
    refused = second.wait_for("interface-in-use", dev="lan0")

    assert (refused["level"], second.wait_for("started")["interfaces"]) == ("warning", ["lan1", "other0"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("br-*",), "run needs at least two interfaces"),
        (("wan0", "*"), "IFACE: expected a pattern with a part of a name"),
    ],
)
def test_pattern_that_is_refused(home: Home, ndpbr: Run, words: tuple[str, ...], sentence: str) -> None:
    """A pattern counts as one interface, and `*` alone would list all."""
    ended = ndpbr(home.router, "run", *words)

    assert (ended.returncode, ended.stderr.startswith(f"ndpbr: {sentence}")) == (2, True)


def test_pattern_that_matches_nothing(home: Home, daemon: Start, ndpbr: Run) -> None:
    """A pattern without a match is no error: the interface may appear later."""
    running = daemon(home.router, *SELDOM, "wan0", "br-*")

    assert running.wait_for("started")["interfaces"] == ["wan0"]
    assert ndpbr(home.router, "run", "--check", "wan0", "br-*").returncode == 0
