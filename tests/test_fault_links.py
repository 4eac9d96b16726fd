"""Interfaces go down, lose their carrier, are deleted, renamed, or missing: entries are restored with them."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import INET, LAN, ROUTER, Home
from tests.lab import until
from tests.observed import clean, neighbor, proxies, routes, settings, shorten_neighbor_timers
from tests.program import Daemon, children

DEVS = ("wan0", "lan0")
PROXY = f"{LAN} dev wan0 proto 135"
ROUTE = f"{LAN} dev lan0 proto 135"


def test_upstream_interface_goes_down_and_up(home: Home, daemon: Start) -> None:
    """The kernel drops the proxy entries of the interface; they are back soon after it is up."""
    running = _learned(home, daemon)
    home.router.ip("link set wan0 down")
    running.wait_for("link-down", dev="wan0", hosts=0, entries=1)
    home.router.lay("link set wan0 up", f"address add {ROUTER}/64 dev wan0 nodad")

    until(lambda: PROXY in proxies(home.router) and ROUTE in routes(home.router), what="all entries are restored")


def test_lan_interface_goes_down_and_up(home: Home, daemon: Start) -> None:
    """While a LAN is down its hosts are not proxied; routes and proxy entries are back when it is up."""
    running = _learned(home, daemon)
    home.router.ip("link set lan0 down")
    running.wait_for("host-suspended", address=LAN)
    until(lambda: PROXY not in proxies(home.router), what="the host is not proxied")
    home.router.lay("link set lan0 up", "address replace fe80::1/64 dev lan0 nodad")

    until(lambda: PROXY in proxies(home.router) and ROUTE in routes(home.router), what="all entries are restored")


def test_carrier_is_lost_and_back(home: Home, daemon: Start) -> None:
    """A lost carrier changes nothing for a host that is present when it is back."""
    echo(home.inet, delay=0.02)
    _learned(home, daemon)
    home.lan.ip("link set eth0 down")
    home.lan.lay(
        "link set eth0 up", f"address replace {LAN}/64 dev eth0 nodad", "route replace default via fe80::1 dev eth0"
    )

    assert until(lambda: ask(home.lan, INET, timeout=1.0), what="traffic flows") is not None
    assert PROXY in proxies(home.router)


def test_link_without_carrier_gets_no_lookups(home: Home, daemon: Start) -> None:
    """No host there can answer: an address is looked up on the other links; there, too, once it is back."""
    running = daemon(home.router, *DEVS, "lan1")
    running.wait_for("listening", dev="wan0")
    home.lan2.ip("link set eth0 down")
    running.wait_for("link-down", dev="lan1", reason="no-carrier")

    def lookup_on(address: str) -> list[str]:
        claim(home.modem, "fe80::66", dev="lan0", target=address)
        links: list[str] = running.wait_for("lookup-started", address=address)["lookup_on"]
        return links

    assert lookup_on("2001:db8:64::77") == ["lan0"]
    assert neighbor(home.router, "2001:db8:64::77", "lan1") == ""
    claim(home.lan, LAN)
    assert running.wait_for("lookup-started", address=LAN)["lookup_on"] == ["wan0"]
    home.lan2.ip("link set eth0 up")
    running.wait_for("link-up", dev="lan1")
    assert lookup_on("2001:db8:64::78") == ["lan0", "lan1"]


def test_host_without_carrier_is_not_forgotten(home: Home, daemon: Start) -> None:
    """The kernel's probes fail without carrier; that says nothing, and the host is probed when the carrier is back."""
    echo(home.inet, delay=0.02)
    shorten_neighbor_timers(home.router, "lan0")
    running = _learned(home, daemon)
    home.lan.ip("link set eth0 down")
    running.wait_for("link-down", dev="lan0", reason="no-carrier")
    for _ in range(2):  # the second failure in a row would remove a host
        home.router.ip(f"-6 neigh replace {LAN} dev lan0 nud none use")
        until(lambda: "FAILED" in neighbor(home.router, LAN, "lan0"), what="the kernel has probed the host")
    home.lan.lay("link set eth0 up", f"address replace {LAN}/64 dev eth0 nodad")
    running.wait_for("host-probed", address=LAN, reason="link-up")

    until(lambda: "REACHABLE" in neighbor(home.router, LAN, "lan0"), what="the host has answered")
    assert PROXY in proxies(home.router) and ROUTE in routes(home.router)
    assert "host-forgotten" not in {record["event"] for record in running.log()}


def test_host_without_carrier_is_forgotten_after_the_expire_interval(home: Home, daemon: Start) -> None:
    """The host is forgotten although its silence says nothing."""
    running = _learned(home, daemon, "--expire-interval", "1")
    home.lan.ip("link set eth0 down")
    running.wait_for("host-forgotten", address=LAN, reason="no-carrier")

    until(lambda: not proxies(home.router) and not routes(home.router), what="its entries are removed")


def test_claim_on_another_link_moves_a_host_without_carrier(home: Home, daemon: Start) -> None:
    """The owner's silence counts: a machine with another lladdr, on the other LAN, gets the address."""
    shorten_neighbor_timers(home.router, "lan0")
    running = _learned(home, daemon, "lan1")
    home.lan.ip("link set eth0 down")
    running.wait_for("link-down", dev="lan0", reason="no-carrier")
    home.lan2.ip(f"address add {LAN}/64 dev eth0 nodad")
    claim(home.lan2, LAN)

    running.wait_for("host-moved", address=LAN, dev="lan1", reason="owner-silent")


def test_interface_is_deleted_and_recreated(home: Home, daemon: Start) -> None:
    """A new interface of the same name gets its settings, and its hosts are learned."""
    running = _learned(home, daemon)
    home.router.ip("link del lan0")
    running.wait_for("interface-missing", dev="lan0")
    until(lambda: PROXY not in proxies(home.router), what="the host is not proxied")
    _new_lan(home)
    running.wait_for("link-up", dev="lan0")
    claim(home.lan, LAN)

    until(lambda: PROXY in proxies(home.router) and ROUTE in routes(home.router), what="all entries are restored")
    assert settings(home.router, "lan0")["net/ipv6/neigh/lan0/proxy_delay"] == "0"
    assert running.stop() == 0
    assert clean(home.router)


def test_interface_missing_at_startup(home: Home, daemon: Start) -> None:
    """The daemon starts without one of its interfaces, logs that, and uses it when it appears."""
    home.router.ip("link del lan0")
    running = daemon(home.router, *DEVS)
    running.wait_for("interface-missing", dev="lan0")
    _new_lan(home)
    running.wait_for("link-up", dev="lan0")
    claim(home.lan, LAN)

    until(lambda: PROXY in proxies(home.router), what="the host is learned")


def test_settings_of_a_renamed_interface_are_restored(home: Home, daemon: Start) -> None:
    """If an interface has another name when ndpbr stops, its settings are restored under that name."""
    before = settings(home.router, "wan0", "lan0")
    running = daemon(home.router, "wan0", "lan0")
    home.router.lay("link set lan0 down", "link set lan0 name old0", "link set old0 up")
    running.wait_for("link-renamed", dev="old0", old_name="lan0")
    changed = settings(home.router, "wan0", "old0")

    assert running.stop() == 0
    after = settings(home.router, "wan0", "old0")
    assert after != changed
    assert {path.replace("/old0/", "/lan0/"): value for path, value in after.items()} == before


def test_renamed_interface_is_unused_until_it_has_its_name_again(home: Home, daemon: Start) -> None:
    """Entries of an interface that lost its listed name are removed, and restored with the name."""
    running = _learned(home, daemon)
    home.router.lay("link set lan0 down", "link set lan0 name old0", "link set old0 up")
    running.wait_for("link-renamed", dev="old0", old_name="lan0")
    until(lambda: clean(home.router), what="no entry of ours is left")
    home.router.lay(
        "link set old0 down", "link set old0 name lan0", "link set lan0 up", "address replace fe80::1/64 dev lan0 nodad"
    )
    claim(home.lan, LAN)

    until(lambda: PROXY in proxies(home.router) and ROUTE in routes(home.router), what="all entries are restored")


def test_interface_has_another_name_only_while_the_monitor_starts(home: Home, tmp_path: Path) -> None:
    """The monitor prints that name as long as it lives: it is restarted."""
    flag, ip = tmp_path / "flag", tmp_path / "ip"
    real = shutil.which("ip")
    back = f"{real} link set old0 name lan0; {real} link set lan0 up"
    # The tables are read as soon as the monitor has printed a marker, so it knows the other name by then.
    dump = f'case "$*" in *"link show"*) [ -e {flag} ] && rm {flag} && {{ {back}; }};; esac'
    ip.write_text(f'#!/bin/sh\n{dump}\nexec {real} "$@"\n')
    ip.chmod(0o755)
    running = Daemon(home.router, *DEVS, folder=tmp_path, environment={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    running.wait_for("started")
    os.kill(children(running.process.pid, "monitor")[0], signal.SIGKILL)
    running.wait_for("monitor-exited")
    home.router.lay("link set lan0 down", "link set lan0 name old0")
    flag.touch()

    running.wait_for("link-renamed", dev="lan0", old_name="old0")
    home.router.ip("address replace fe80::1/64 dev lan0 nodad")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)


def test_hosts_of_a_removed_prefix_are_forgotten(home: Home, daemon: Start) -> None:
    """When the prefix changes, the old one's hosts are forgotten, and the new one's are learned."""
    new = "2001:db8:65::11"
    running = _learned(home, daemon)
    home.router.lay("address del 2001:db8:64::2/64 dev wan0", "address add 2001:db8:65::2/64 dev wan0 nodad")
    running.wait_for("host-forgotten", address=LAN, reason="not-on-link")
    claim(home.lan, new)
    running.wait_for("host-learned", address=new)

    assert proxies(home.router) == {f"{new} dev wan0 proto 135"}
    assert len(running.logged("host-forgotten", address=LAN)) == 1


def _learned(home: Home, daemon: Start, *words: str) -> Daemon:
    running = daemon(home.router, *words, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    return running


def _new_lan(home: Home) -> None:
    # Deleting one end of the veth pair has deleted the other.
    home.router.ip(
        "link add lan0 address 02:00:00:00:03:0a type veth peer name eth0 netns lan address 02:00:00:00:03:0b"
    )
    home.router.lay("link set lan0 addrgenmode none", "link set lan0 up", "address add fe80::1/64 dev lan0 nodad")
    home.lan.lay("link set eth0 up", f"address add {LAN}/64 dev eth0 nodad", "route add default via fe80::1 dev eth0")
