"""Attackers on the real kernel: frames that no honest host sends, and answers to what is asked of others."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from tests import frames
from tests.attacker import Attacker
from tests.claim import claim
from tests.conftest import Start
from tests.home import LAN, ROUTER, Home
from tests.lab import until
from tests.observed import proxies, routes

DEVS = ("wan0", "lan0", "lan1")


def test_short_advertised_prefix_makes_no_public_address_eligible(home: Home, daemon: Start) -> None:
    """A LAN host that advertises 2000::/3 as on-link and claims a public address gets no route; there is a warning."""
    home.router.sysctl("net/ipv6/conf/lan0/accept_ra", 2)
    victim = "2606:4700:4700::1111"
    with Attacker(home.lan, answers={IPv6Address(victim)}) as attacker:
        attacker.send(frames.router_advertisement("fe80::66", "2000::/3"))
        until(lambda: "2000::/3 dev lan0" in home.router.ip("-6 route show"))
        running = daemon(home.router, *DEVS)
        assert running.wait_for("prefix-ignored")["prefix"] == "2000::/3"
        attacker.claim(victim)
        running.wait_for("address-ignored", address=victim, reason="not-on-link")

    assert f"{victim} dev lan0 proto 135" not in routes(home.router)


def test_link_of_a_default_route_without_a_gateway_is_not_pinged(home: Home, daemon: Start) -> None:
    """The interface of the default route decides which link is the provider's, as with PPP."""
    home.router.ip("-6 route replace default dev wan0")
    running = daemon(home.router, "--discover", *DEVS)
    for dev in ("lan0", "lan1"):
        running.wait_for("all-nodes-ping-sent", dev=dev)

    assert "wan0" not in [record["dev"] for record in running.log() if record["event"] == "all-nodes-ping-sent"]


@pytest.mark.parametrize("away", ["lan1", "wan0"])
def test_two_frames_do_not_take_the_address_of_a_host_that_answers(home: Home, daemon: Start, away: str) -> None:
    """A frame with the owner's lladdr, then a claim with it, from an attacker that answers: the owner gets it back."""
    running = daemon(home.router, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    host, dev, gateway = (home.lan2, "eth0", "fe80::1") if away == "lan1" else (home.modem, "lan0", ROUTER)
    forged = home.lan.mac("eth0")
    with Attacker(host, dev, lladdr=forged, gateway=gateway, answers={IPv6Address(LAN)}) as attacker:
        attacker.claim("fe80::66")
        attacker.claim(LAN)
        running.wait_for("address-conflict", address=LAN, reason="owner-answers")
        attacker.claim("fe80::66")
        attacker.claim(LAN)
        until(lambda: f"{LAN} dev lan0 proto 135" in routes(home.router))
        assert f"{LAN} dev {away} proto 135" in proxies(home.router)


def test_addresses_with_a_hosts_lladdr_on_another_link_do_not_lock_it_out(home: Home, daemon: Start) -> None:
    """--max-hosts-per-lladdr counts on each link by itself."""
    running = daemon(home.router, "--max-hosts-per-lladdr", "2", *DEVS)
    with Attacker(home.lan2, lladdr=home.lan.mac("eth0")) as attacker:
        for number in (1, 2, 3):
            attacker.claim(f"2001:db8:64::bad:{number}")
        running.wait_for("address-ignored", reason="max-hosts-per-lladdr")
    claim(home.lan, LAN)
    running.wait_for("host-learned", address=LAN, dev="lan0")


def test_claims_before_a_restart_take_no_address(home: Home, daemon: Start) -> None:
    """After a stop and a start a host is where the last run knew it, whatever the neighbor cache lists first."""
    owned = [f"2001:db8:64::1:{number:x}" for number in range(1, 21)]
    answers = {IPv6Address(address) for address in owned}
    with Attacker(home.lan, answers=answers) as owner, Attacker(home.lan2, answers=answers) as attacker:
        first = daemon(home.router, "--discover", *DEVS)
        for address in owned:
            owner.claim(address)
            first.wait_for("host-verified", address=address)
        for address in owned:
            attacker.claim(address)
            first.wait_for("address-conflict", address=address)
        assert first.stop() == 0
        # The owners' entries may have left the cache; those of the attacker stay.
        for address in owned[:10]:
            home.router.ip(f"-6 neigh del {address} dev lan0")
        daemon(home.router, "--discover", *DEVS)
        until(lambda: {f"{address} dev lan0 proto 135" for address in owned} <= set(routes(home.router)))
        until(lambda: {f"{address} dev lan1 proto 135" for address in owned} <= set(proxies(home.router)))
