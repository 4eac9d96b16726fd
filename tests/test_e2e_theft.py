"""Attackers on the real kernel: frames that no honest host sends, and answers to what is asked of others."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from functools import partial
from ipaddress import IPv6Address, IPv6Network

import pytest

from ndpbr_py.core.address import eui64_address
from tests import frames
from tests.attacker import Attacker, Everything
from tests.claim import claim
from tests.conftest import Start
from tests.home import LAN, LAN2, MODEM, ROUTER, Home
from tests.lab import until
from tests.observed import neighbor, proxies, routes, shorten_neighbor_timers
from tests.program import Daemon

DEVS = ("wan0", "lan0", "lan1")
ATTACKER = "02:00:00:00:66:66"


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

    assert "wan0" not in [record["dev"] for record in running.logged("all-nodes-ping-sent")]


@pytest.mark.parametrize("away", ["lan1", "wan0"])
def test_two_frames_do_not_take_the_address_of_a_host_that_answers(home: Home, daemon: Start, away: str) -> None:
    """A frame with the owner's lladdr, then a claim with it, from an attacker that answers: the owner gets it back."""
    running = _knowing_the_owner(home, daemon, away)
    host, dev, gateway = (home.lan2, "eth0", "fe80::1") if away == "lan1" else (home.modem, "lan0", ROUTER)
    forged = home.lan.mac("eth0")
    with Attacker(host, dev, lladdr=forged, gateway=gateway, answers={IPv6Address(LAN)}) as attacker:
        attacker.claim("fe80::66")
        attacker.claim(LAN)
        running.wait_for("address-conflict", 8, address=LAN, reason="owner-answers")
        attacker.claim("fe80::66")
        attacker.claim(LAN)
        until(lambda: f"{LAN} dev lan0 proto 135" in routes(home.router))
        assert f"{LAN} dev {away} proto 135" in proxies(home.router)


@pytest.mark.parametrize("away", ["lan1", "wan0"])
def test_repeated_claims_do_not_take_the_address_of_a_host_that_answers(home: Home, daemon: Start, away: str) -> None:
    """An attacker claims the address every 0.5 s, with changing lladdrs, and answers: its owner keeps everything."""
    running = _knowing_the_owner(home, daemon, away)
    shorten_neighbor_timers(home.router, away)  # each claim is probed, and the attacker answers
    host, dev, gateway = (home.lan2, "eth0", "fe80::1") if away == "lan1" else (home.modem, "lan0", ROUTER)
    entries = {f"{LAN} dev {it} proto 135" for it in ("wan0", "lan1")}
    with Attacker(host, dev, gateway=gateway, answers={IPv6Address(LAN)}) as attacker:
        for number in range(6):
            attacker.lladdr = f"02:00:00:00:66:{number % 3:02x}"
            attacker.claim(LAN)
            running.wait_for("address-conflict", address=LAN, claimed_by=attacker.lladdr)
            assert f"{LAN} dev lan0 proto 135" in routes(home.router)
            assert entries <= proxies(home.router)
            time.sleep(0.5)
        assert IPv6Address(LAN) in attacker.answered

    assert not running.logged("host-moved")
    assert {record["reason"] for record in running.logged("address-conflict")} == {"owner-answers"}


def test_deleted_neighbor_entry_is_no_silence_of_the_owner(home: Home, daemon: Start) -> None:
    """Another program deletes the owner's entry, which says FAILED, just as it is probed because of a claim."""
    running = _knowing_the_owner(home, daemon, "lan1")
    with Attacker(home.lan2, lladdr=ATTACKER, answers={IPv6Address(LAN)}) as attacker:
        running.process.send_signal(signal.SIGSTOP)
        attacker.claim(LAN)
        until(lambda: ATTACKER in neighbor(home.router, LAN, "lan1"))
        home.router.ip(f"-6 neigh del {LAN} dev lan0")
        running.process.send_signal(signal.SIGCONT)
        running.wait_for("address-conflict", 8, address=LAN, reason="owner-answers")

        assert f"{LAN} dev lan0 proto 135" in routes(home.router)
    assert not running.logged("host-moved")


@pytest.mark.parametrize("forged", ["02:00:00:00:66:01", ATTACKER])
def test_forged_lladdr_on_the_owner_s_link_makes_it_no_silent_owner(home: Home, daemon: Start, forged: str) -> None:
    """The router has a forged lladdr for the owner when its address is claimed elsewhere: the probe must reach it."""
    running = _knowing_the_owner(home, daemon, "lan1")
    with Attacker(home.lan2, lladdr=ATTACKER, answers={IPv6Address(LAN)}) as attacker:
        claim(home.lan, LAN, lladdr=forged)
        running.wait_for("host-retained", address=LAN, reason="lladdr-changed")
        attacker.claim(LAN)
        running.wait_for("address-conflict", 8, address=LAN, claimed_by=ATTACKER)
        until(lambda: f"{LAN} dev lan0 proto 135" in routes(home.router))


def test_addresses_with_a_hosts_lladdr_on_another_link_do_not_lock_it_out(home: Home, daemon: Start) -> None:
    """--max-hosts-per-lladdr counts on each link separately."""
    running = daemon(home.router, "--max-hosts-per-lladdr", "2", *DEVS)
    with Attacker(home.lan2, lladdr=home.lan.mac("eth0")) as attacker:
        for number in (1, 2, 3):
            attacker.claim(f"2001:db8:64::bad:{number}")
        running.wait_for("address-ignored", reason="max-hosts-per-lladdr")
    claim(home.lan, LAN)
    running.wait_for("host-learned", address=LAN, dev="lan0")


def test_claims_before_a_restart_take_no_address(home: Home, daemon: Start) -> None:
    """After a stop and a start a host is where the last run knew it, whatever the neighbor cache lists first."""
    owned = [f"2001:db8:64::1:{number:x}" for number in range(1, 9)]
    answers = {IPv6Address(address) for address in owned}
    shorten_neighbor_timers(home.router, "lan1")
    first = daemon(home.router, "--discover", *DEVS)
    with Attacker(home.lan, answers=answers) as owner:
        for address in owned:
            owner.claim(address)
            first.wait_for("host-verified", address=address)
        first.wait_for("lookup-failed", address=owned[-1], dev="lan1")
    with Attacker(home.lan, answers=answers), Attacker(home.lan2, answers=answers) as attacker:
        for address in owned:
            attacker.claim(address)
        until(lambda: all(attacker.lladdr in neighbor(home.router, address, "lan1") for address in owned))
        assert first.stop() == 0
        # The owners' entries may have left the cache; those of the attacker stay.
        for address in owned[:4]:
            home.router.ip(f"-6 neigh del {address} dev lan0")
        daemon(home.router, "--discover", *DEVS)
        until(lambda: {f"{address} dev lan0 proto 135" for address in owned} <= set(routes(home.router)))
        until(lambda: {f"{address} dev lan1 proto 135" for address in owned} <= set(proxies(home.router)))


def test_silent_hosts_on_the_provider_s_link_keep_their_addresses(home: Home, daemon: Start) -> None:
    """ndpbr has never seen them: a LAN host that claims their addresses, and answers, has them for seconds only."""
    silent = [f"2001:db8:64::5:{number}" for number in range(4)]
    home.modem.lay(*(f"address add {address}/64 dev lan0 nodad" for address in silent))
    running = daemon(home.router, *DEVS)
    with Attacker(home.lan, answers={IPv6Address(address) for address in silent}) as attacker:
        for address in silent:
            attacker.claim(address)
            running.wait_for("host-learned", address=address, dev="lan0")
        for address in silent:
            moved = running.wait_for("host-moved", address=address, dev="wan0", from_dev="lan0")
            assert moved["reason"] == "owner-answers"
            attacker.claim(address)
            attacker.claim(address, "02:00:00:00:66:01")
        until(lambda: {f"{address} dev wan0 proto 135" for address in silent} <= set(routes(home.router)))
        until(lambda: {f"{address} dev lan0 proto 135" for address in silent} <= set(proxies(home.router)))


def test_machine_that_answers_every_solicitation_takes_no_address(home: Home, daemon: Start) -> None:
    """A modem that proxies everything on the provider's link leaves LAN hosts their addresses; there is one warning."""
    with Attacker(home.modem, "lan0", gateway=ROUTER, answers=Everything(), router=True) as attacker:
        running = daemon(home.router, *DEVS)
        for number in range(6):
            address = f"2001:db8:64::11:{number}"
            home.lan.ip(f"address add {address}/64 dev eth0 nodad")
            claim(home.lan, address)
            running.wait_for("host-verified", address=address)
            until(partial(lambda it: IPv6Address(it) in attacker.answered, address))
        found = running.wait_for("nd-proxy-found", dev="wan0", lladdr=attacker.lladdr)
        assert found["level"] == "warning"
        owned = {f"2001:db8:64::11:{number} dev lan0 proto 135" for number in range(6)}
        until(lambda: owned <= set(routes(home.router)))

    assert not running.logged("host-moved")
    assert len(running.logged("nd-proxy-found")) == 1


def test_next_hop_s_addresses_are_known_from_the_start(home: Home, daemon: Start) -> None:
    """PREFIX::1 and the EUI-64 address of the modem are looked up, so that a LAN host cannot be there first."""
    link_local = str(eui64_address(IPv6Network("fe80::/64"), home.modem.mac("lan0")))
    home.router.ip(f"-6 route replace default via {link_local} dev wan0")
    own = str(eui64_address(IPv6Network("2001:db8:64::/64"), home.modem.mac("lan0")))
    home.modem.ip(f"address add {own}/64 dev lan0 nodad")
    home.router.run("ping", "-6", "-c1", "-W1", f"{link_local}%wan0")  # the router knows the lladdr of its next hop
    running = daemon(home.router, "--discover", *DEVS)
    for address in (MODEM, own):
        assert running.wait_for("host-learned", address=address)["dev"] == "wan0"
    with Attacker(home.lan, answers={IPv6Address(own)}) as attacker:
        attacker.claim(own)
        running.wait_for("address-ignored", address=own, reason="router-of-another-link")

    assert f"{own} dev lan0 proto 135" not in routes(home.router)


def test_address_of_a_router_that_is_gone_is_free_for_a_lan(home: Home, daemon: Start) -> None:
    """Once a router on the provider's link has answered for an address; a LAN host has it once it is silent there."""
    moving = "2001:db8:64::d0c"
    shorten_neighbor_timers(home.router, "wan0")
    home.lan.ip(f"address add {moving}/64 dev eth0 nodad")
    running = daemon(home.router, *DEVS)

    def claimed() -> bool:
        home.router.ip("-6 neigh flush dev lan0")  # the next packet is news
        claim(home.lan, moving)
        return True

    with Attacker(home.modem, "lan0", gateway=ROUTER, answers={IPv6Address(moving)}, router=True) as router:
        router.claim(moving)
        running.wait_for("host-verified", address=moving, dev="wan0")
        until(lambda: claimed() and running.logged("address-ignored", address=moving, reason="router-of-another-link"))
        # A claim soon after the router was probed causes no other probe.
        until(lambda: claimed() and running.logged("host-probed", address=moving, reason="claimed-elsewhere"))
        until(lambda: "REACHABLE" in neighbor(home.router, moving, "wan0"))
        assert f"{moving} dev wan0 proto 135" in routes(home.router)

    on_the_lan = f"{moving} dev lan0 proto 135"

    def moved() -> bool:
        claimed()
        with suppress(AssertionError):  # another flush, while the router is probed, would void the claim
            until(lambda: on_the_lan in routes(home.router), 5.0)
        return on_the_lan in routes(home.router)

    until(moved, what="the LAN host has the address")


def test_hosts_that_answer_leave_other_links_their_share_of_a_full_table(home: Home, daemon: Start) -> None:
    """An attacker that answers fills the table: a new host on another link takes a place of the attacker's."""
    running = daemon(home.router, "--max-hosts", "6", *DEVS)
    claim(home.lan2, LAN2)
    running.wait_for("host-verified", address=LAN2)
    false = [f"2001:db8:64::bad:{number}" for number in range(5)]
    newcomers = [LAN, "2001:db8:64::12"]
    home.lan.ip(f"address add {newcomers[1]}/64 dev eth0 nodad")
    with Attacker(home.lan2, lladdr=ATTACKER, answers={IPv6Address(it) for it in false}) as attacker:
        for address in false:
            attacker.claim(address)
            running.wait_for("host-verified", address=address)
        for number, address in enumerate(newcomers, 1):
            claim(home.lan, address)
            running.wait_for("host-verified", address=address, dev="lan0")
            until(partial(_places_are, home, attacker=len(false) - number, lan0=number))
        claim(home.lan, "2001:db8:64::13")
        running.wait_for("address-ignored", address="2001:db8:64::13", reason="max-hosts")

    forgotten = running.logged("host-forgotten")
    assert {(record["lladdr"], record["reason"]) for record in forgotten} == {(ATTACKER, "max-hosts")}
    assert f"{LAN2} dev lan1 proto 135" in routes(home.router)


def _knowing_the_owner(home: Home, daemon: Start, away: str) -> Daemon:
    """Return a daemon to which the LAN host has answered, and to whose lookup no host has answered on *away*."""
    running = daemon(home.router, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    running.wait_for("lookup-failed", address=LAN, dev=away)
    return running


def _places_are(home: Home, *, attacker: int, lan0: int) -> bool:
    """Whether the attacker and the hosts on lan0 have so many routes."""
    found = routes(home.router)
    return (sum("bad:" in route for route in found), sum("dev lan0" in route for route in found)) == (attacker, lan0)
