"""The recipe of docs/server.md, as printed: containers and VPN clients are reached, and reach the outside.

The bridge has a container's veth pair, as Docker's has; the rules are those that Docker adds for it. A tun interface
with a program at its end takes WireGuard's place, with the routes that wg-quick would add.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv6Interface

import pytest

from tests.conftest import Run, Start
from tests.echo import ask, echo
from tests.lab import Host, Lab, until
from tests.observed import proxies
from tests.program import ROOT
from tests.recipe import missing
from tests.server import CLIENT, CLIENT2, CONTAINER, INET, Server, rented

PAGE = (ROOT / "docs/server.md").read_text()
RULES = (ROOT / "fixtures/rulesets/docker-1.0.6.txt").read_text()
FILES = {path: text for text, path in re.findall(r"(?ms)^```\n(# (/\S+)\n.*?)^```$", PAGE)}
COMMANDS = [line for block in re.findall(r"(?ms)^```\n(ip.*?)^```$", PAGE) for line in block.splitlines()]
OPTIONS = dict(re.findall(r'(?m)^(\w+)="(.*)"$', FILES["/etc/default/ndpbr"]))
WIREGUARD = dict(re.findall(r"(?m)^(\w+) = (\S+)$", FILES["/etc/wireguard/wg0.conf"]))


@pytest.fixture
def place(lab: Lab) -> Iterator[Server]:
    """Return the machines before the recipe; wg0 exists, since its program does."""
    with rented(lab, dev="wg0", recipe=True) as it:
        for host in (it.inet, it.container, it.client):
            echo(host)
        yield it


def run(host: Host, *argv: str) -> None:
    """Run a command of the recipe."""
    done = host.run(*argv)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stdout}{done.stderr}"


def kernel(at: Server) -> None:
    """Do step 1."""
    for name, value in re.findall(r"(?m)^(net\S+) = (\d)$", FILES["/etc/sysctl.d/ndpbr.conf"]):
        at.server.sysctl(name.replace(".", "/"), value)


def containers(at: Server) -> None:
    """Do step 2, and start the container, as Docker would."""
    for line in COMMANDS:
        if line.startswith("ip "):
            run(at.server, *line.split())
    at.server.lay("link set veth0 master br0 up")


def vpn(at: Server, own: str) -> None:
    """Do step 3 as wg-quick does it: a route for each peer that the route of the server's address does not cover."""
    at.server.ip(f"address add {own} dev wg0 nodad")
    if IPv6Interface(WIREGUARD["AllowedIPs"]) not in IPv6Interface(own).network:
        at.server.ip(f"-6 route add {WIREGUARD['AllowedIPs']} dev wg0")
    at.tunnel.connect(at.client, WIREGUARD["AllowedIPs"].partition("/")[0])


def started(at: Server, daemon: Start) -> None:
    """Do step 4."""
    daemon(at.server, *OPTIONS["run_options"].split(), *OPTIONS["interfaces"].split())


def reached(at: Server) -> None:
    """Assert that container and client are reached, and reach the outside and each other."""
    for address in (CONTAINER, CLIENT):
        until(lambda address=address: ask(at.inet, address), what=f"{address} is reached")  # type: ignore[misc]
    until(lambda: ask(at.container, INET), what="the container reaches the outside")
    until(lambda: ask(at.client, INET), what="the client reaches the outside")
    until(lambda: ask(at.client, CONTAINER), what="the client reaches the container")


@pytest.mark.parametrize("own", [WIREGUARD["Address"], "2001:db8:64:0:b::1/80"])
def test_recipe(place: Server, daemon: Start, ndpbr: Run, own: str) -> None:
    """With a /128 route for each client, and with one route for all of them."""
    assert own == WIREGUARD["Address"] or f"Address = {own}`" in PAGE
    kernel(place)
    containers(place)
    vpn(place, own)
    started(place, daemon)

    reached(place)
    shown = ndpbr(place.server, "show").stdout.splitlines()
    assert any(line.startswith(f"{CONTAINER} br0 -> ") for line in shown)
    assert any(line.startswith(f"{CLIENT} wg0 -> ") for line in shown)
    assert not [line for line in shown if f" {OPTIONS['run_options'].split()[1]} ->" in line]
    found = ndpbr(place.server, "doctor", "eth0", "br0", "wg0").stdout
    assert not [line for line in found.splitlines() if line.startswith(("fail", "warn"))], found


def test_recipe_with_rules_of_docker(place: Server, daemon: Start, ndpbr: Run) -> None:
    """Docker's policy drops what comes from outside until step 5 is done."""
    if reason := missing("nft", "ip6tables"):
        pytest.skip(reason)
    kernel(place)
    containers(place)
    vpn(place, WIREGUARD["Address"])
    run(place.server, "sh", "-c", 'echo "$0" | nft -f -', RULES.replace("docker0", "br0"))
    started(place, daemon)
    until(lambda: f"{CLIENT} dev eth0 proto 135" in proxies(place.server), what="the client is proxied")
    assert ask(place.inet, CLIENT) is None

    for line in COMMANDS:
        if line.startswith("ip6tables "):
            run(place.server, *line.split())

    reached(place)
    found = ndpbr(place.server, "doctor", "eth0", "br0", "wg0").stdout
    assert not [line for line in found.splitlines() if line.startswith("fail")], found


def test_routed_interface_of_a_container(place: Server, daemon: Start) -> None:
    """As LXD makes it: a /128 route to the veth, and a proxy entry on the provider's link. No bridge is needed."""
    kernel(place)
    place.server.lay("link set veth0 up", "address add fe80::1/128 dev veth0 nodad")
    running = daemon(place.server, *OPTIONS["run_options"].split(), "eth0", "veth*", "wg0")
    place.server.ip(f"-6 route add {CONTAINER} dev veth0")
    place.server.ip(f"-6 neigh add proxy {CONTAINER} dev eth0")
    place.container.lay(f"address replace {CONTAINER}/128 dev eth0 nodad", "route replace default via fe80::1 dev eth0")

    running.wait_for("host-learned", address=CONTAINER, dev="veth0", reason="routed")
    until(lambda: ask(place.inet, CONTAINER), what="the container is reached")
    until(lambda: ask(place.container, INET), what="the container reaches the outside")
    assert not running.logged("foreign-entry")


def test_part_of_a_shared_prefix(place: Server, daemon: Start) -> None:
    """The VPN's interface has the whole /64, as that of the provider has."""
    static, route = re.findall(r"`(--static\s+\S+|ip -6 route add [^`]*)`", PAGE)[:2]
    kernel(place)
    place.server.ip("address add 2001:db8:64::b/64 dev wg0 nodad metric 512")
    place.tunnel.connect(place.client, CLIENT2)
    daemon(place.server, *static.replace("tun0", "wg0").split(), "eth0", "wg0")
    run(place.server, *route.replace("tun0", "wg0").split())

    until(lambda: ask(place.inet, CLIENT2), what="the client is reached")
