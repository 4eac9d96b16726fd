"""The recipe of docs/alpine.md, as printed: a LAN host configures itself, reaches the outside, and is reachable."""

from __future__ import annotations

import re
import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Run, Start
from tests.echo import ask, echo
from tests.lab import Host, Lab, until
from tests.recipe import INET, PAGE, Site, files, missing, site

RADVD = ("radvd", "-n", "-m", "stderr", "-C", "/etc/radvd.conf", "-p", "/run/radvd-lan.pid")
# -d: stays in the foreground, as the same user, without a pid file.
DNSMASQ = ("dnsmasq", "-d", "-C", "/etc/dnsmasq.d/ndpbr.conf", "--leasefile-ro")
SOON = {"MaxRtrAdvInterval 60;": "MinRtrAdvInterval 3; MaxRtrAdvInterval 4;"}


@pytest.fixture
def place(lab: Lab, tmp_path: Path) -> Site:
    """Return the machines before the recipe."""
    if reason := missing("radvd", "busybox"):
        pytest.skip(reason)
    return site(lab, tmp_path)


def connected(at: Site, changes: dict[str, str] | None = None) -> None:
    """Do steps 1 and 2; return when the router has its address and route from the modem."""
    at.write(changes or {})
    at.run("ifup", "-a")
    until(lambda: "dev wan0 proto ra" in at.router.ip("-6 route show default"), what="the router's default route")
    until(lambda: addresses(at.router, "wan0"), what="the router's address")


def announced(at: Site, *service: str) -> None:
    """Do step 3 and connect the LAN host; return when it has configured itself."""
    at.serve(*service)
    at.lan.ip("link set eth0 up")
    until(lambda: "default via fe80:" in at.lan.ip("-6 route show default"), what="the LAN host's default route")
    until(lambda: addresses(at.lan, "eth0"), what="the LAN host's address")
    echo(at.inet)
    echo(at.lan)


def started(at: Site, daemon: Start) -> None:
    """Do step 4."""
    interfaces = re.search(r'(?m)^interfaces="(.*)"$', files()["/etc/conf.d/ndpbr"])
    assert interfaces
    daemon(at.router, *interfaces[1].split())


def reached(at: Site, *only: str) -> None:
    """Assert that the LAN host reaches the outside and is reachable, with each of its addresses or *only* these."""
    for address in only or addresses(at.lan, "eth0"):
        until(partial(ask, at.lan, INET, source=address), what=f"{address} reaches the outside")
        until(partial(ask, at.inet, address), what=f"{address} is reached")


def addresses(host: Host, dev: str) -> list[str]:
    """Return the global addresses that *host* has configured, when none is tentative any more."""
    lines = host.ip(f"-6 -o address show dev {dev} scope global").splitlines()
    return [] if any("tentative" in line for line in lines) else [line.split()[3].split("/")[0] for line in lines]


@pytest.mark.parametrize(("on_link", "temporary"), [("on", 2), ("off", 0)])
def test_recipe_with_radvd(place: Site, daemon: Start, ndpbr: Run, on_link: str, temporary: int) -> None:
    """A host is cut off before ndpbr runs, and not afterwards; the on-link flag does what the page says."""
    place.lan.sysctl("net/ipv6/conf/eth0/use_tempaddr", temporary)
    connected(place, {"AdvOnLink on": f"AdvOnLink {on_link}"})
    announced(place, *RADVD)
    (routers_own,) = addresses(place.router, "wan0")
    echo(place.router)
    assert ask(place.router, INET) is not None
    assert ask(place.lan, INET) is None

    started(place, daemon)

    reached(place)
    shown = {f"{address} lan0 -> wan0" for address in addresses(place.lan, "eth0")}
    assert len(shown) == (2 if temporary else 1)
    assert shown <= set(ndpbr(place.router, "show").stdout.splitlines())
    until(partial(ask, place.lan, routers_own), what="the LAN host reaches the router's own address")


@pytest.mark.parametrize("mode", ["ra-only", "ra-only,off-link"])
def test_recipe_with_dnsmasq(place: Site, daemon: Start, mode: str) -> None:
    """The same with dnsmasq and an address on lan0."""
    if reason := missing("dnsmasq"):
        pytest.skip(reason)
    added = _command_of_the_page(r"`(up ip -6 address add [^`]*)`")
    up = "up ip link set dev lan0 up\n"
    connected(place, {up: f"{up}\t{' '.join(added)}\n", "ra-only": mode})
    announced(place, *DNSMASQ)
    assert ask(place.lan, INET) is None

    started(place, daemon)

    reached(place)


def test_recipe_with_its_firewall(place: Site, daemon: Start, ndpbr: Run) -> None:
    """A host is found and answered behind the firewall, also after it was forgotten; other packets are dropped."""
    if reason := missing("nft"):
        pytest.skip(reason)
    connected(place)
    place.run("nft", "-f", "/etc/nftables.d/ndpbr.nft")
    announced(place, *RADVD)
    (address,) = addresses(place.lan, "eth0")
    found = ndpbr(place.router, "doctor", "wan0", "lan0").stdout.splitlines()
    # The daemon is not started yet, and whether that is a failure depends on files that an earlier test may leave.
    assert [line for line in found if line.startswith("fail") and "daemon: not running" not in line] == []

    started(place, daemon)

    def pinged() -> bool:
        return place.inet.run("busybox", "ping", "-6", "-c", "1", "-W", "1", address).returncode == 0

    until(lambda: ask(place.lan, INET), what="the LAN host reaches the outside")
    until(pinged, what="the LAN host is reached")
    assert ask(place.inet, address) is None
    for host, dev in ((place.modem, "lan0"), (place.router, "lan0")):
        host.ip(f"-6 neigh flush dev {dev}")
    until(pinged, what="the LAN host is found again")


def test_router_that_is_on_already_keeps_its_default_route(place: Site) -> None:
    """A router that got its route before it forwards keeps it, because accept_ra is set before forwarding."""
    place.write({})
    place.router.ip("link set wan0 up")
    place.router.ip("link set lan0 up")
    until(lambda: "dev wan0 proto ra" in place.router.ip("-6 route show default"), what="the router's default route")
    for modem in place.modem.spawned:  # no more advertisements
        modem.send_signal(signal.SIGKILL)
    place.run("sysctl", "-p", "/etc/sysctl.d/ndpbr.conf")

    assert place.router.sysctl("net/ipv6/conf/all/forwarding") == "1"
    assert "dev wan0 proto ra" in place.router.ip("-6 route show default")


def test_another_prefix_needs_no_change(place: Site, daemon: Start) -> None:
    """When the modem announces another prefix, the host's new address is served without a restart."""
    connected(place, SOON)
    announced(place, *RADVD)
    started(place, daemon)
    reached(place)

    place.announce("2001:db8:65:")

    until(lambda: len(addresses(place.lan, "eth0")) == 2, what="an address of the new prefix")
    reached(place, *(it for it in addresses(place.lan, "eth0") if it.startswith("2001:db8:65:")))


def test_deprecated_prefix(place: Site, daemon: Start) -> None:
    """When the modem deprecates its prefix, a host that comes home uses the new one: with radvd 2.20, as printed."""
    connected(place, SOON)
    announced(place, *RADVD)
    started(place, daemon)
    reached(place)
    place.lan.ip("link set eth0 down")

    place.announce("2001:db8:65:", deprecated="2001:db8:64:")
    until(lambda: "deprecated" in place.router.ip("-6 address show dev wan0"), what="wan0's address is deprecated")
    if _radvd_version() < (2, 20):
        place.announce("2001:db8:65:")  # otherwise the address comes back at the next advertisement
        place.run(*_command_of_the_page(r"\* \* \* \* \* (ip -6 address flush [^`]*)"))
    place.lan.ip("link set eth0 up")

    until(lambda: _preferred(place.lan), what="the LAN host's address")
    assert {it.split("::")[0] for it in _preferred(place.lan)} == {"2001:db8:65"}
    reached(place, *_preferred(place.lan))
    assert f"src {_preferred(place.lan)[0]}" in place.lan.ip(f"-6 route get {INET}")


def test_deprecated_prefix_with_dnsmasq(place: Site, daemon: Start) -> None:
    """dnsmasq deprecates the old prefix at the hosts when its address on lan0 is replaced as the page says."""
    if reason := missing("dnsmasq"):
        pytest.skip(reason)
    added = _command_of_the_page(r"`(up ip -6 address add [^`]*)`")
    up = "up ip link set dev lan0 up\n"
    connected(place, {up: f"{up}\t{' '.join(added)}\n"})
    announced(place, *DNSMASQ)
    started(place, daemon)
    reached(place)
    place.announce("2001:db8:65:")
    until(lambda: len(addresses(place.router, "wan0")) == 2, what="an address of the new prefix")

    for line in re.findall(r"(?m)^(ip -6 address .* dev lan0.*)$", PAGE.read_text()):
        place.run(*line.split())

    until(lambda: len(addresses(place.lan, "eth0")) == 2, what="an address of the new prefix")
    until(lambda: {it.split("::")[0] for it in _preferred(place.lan)} == {"2001:db8:65"}, what="the old is deprecated")
    reached(place, *_preferred(place.lan))


def _preferred(host: Host) -> list[str]:
    lines = host.ip("-6 -o address show dev eth0 scope global -deprecated").splitlines()
    return [line.split()[3].split("/")[0] for line in lines if "tentative" not in line]


def _command_of_the_page(pattern: str) -> list[str]:
    """Return the words of the command in docs/alpine.md that *pattern* finds, e.g. a line of the crontab."""
    found = re.search(pattern, PAGE.read_text())
    assert found
    return found[1].split()


def _radvd_version() -> tuple[int, ...]:
    # It prints the version to standard error or to standard output, and exits with 1.
    ended = subprocess.run(["radvd", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"Version: (\d+)\.(\d+)", ended.stdout + ended.stderr)
    assert found
    return int(found[1]), int(found[2])


def test_stopping_radvd_leaves_forwarding_on() -> None:
    """The recipe's conf.d file keeps forwarding on when Alpine's script stops radvd."""
    assert 'FORWARD="no"' in files()["/etc/conf.d/radvd"].splitlines()
