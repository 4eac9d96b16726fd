"""Restarts under attack on the real kernel: a host that answers has its address where the last run knew it."""

from __future__ import annotations

import signal
from ipaddress import IPv6Address

from tests.attacker import Attacker
from tests.claim import claim
from tests.conftest import Start
from tests.home import LAN, Home
from tests.lab import until
from tests.observed import neighbor, proxies, routes, shorten_neighbor_timers
from tests.program import Daemon

DEVS = ("wan0", "lan0", "lan1")
ATTACKER = "02:00:00:00:66:66"
OWNER = "02:00:00:00:00:31"


def test_lladdr_forged_on_two_links_before_a_restart_takes_no_address(home: Home, daemon: Start) -> None:
    """An accomplice forges the owner's lladdr on its own link, so that it looks as if the host had moved."""
    home.router.sysctl("net/ipv6/neigh/lan0/delay_first_probe_time", 60)  # until then the kernel believes a forgery
    shorten_neighbor_timers(home.router, "lan1")
    first = _knowing_the_owner(home, daemon)
    with Attacker(home.lan2, lladdr=ATTACKER, answers={IPv6Address(LAN)}) as attacker:
        attacker.claim(LAN)
        first.wait_for("address-conflict", address=LAN, reason="owner-answers")
        assert first.stop() == 0
        claim(home.lan, LAN, lladdr=ATTACKER)
        until(lambda: ATTACKER in neighbor(home.router, LAN, "lan0"))

        second = daemon(home.router, "--discover", *DEVS)
        second.wait_for("host-learned", address=LAN, dev="lan0", lladdr=ATTACKER)
        attacker.claim(LAN)
        second.wait_for("address-conflict", address=LAN, dev="lan0", reason="owner-answers")
        assert f"{LAN} dev lan0 proto 135" in routes(home.router)

    assert not second.logged("host-moved")


def test_forged_move_just_before_a_crash_takes_no_address(home: Home, daemon: Start) -> None:
    """The entries that are adopted are on the attacker's link; the hosts file has the owner's."""
    address = "2001:db8:64::31"
    answers = {IPv6Address(address)}
    with Attacker(home.lan, lladdr=OWNER, answers=answers):
        assert _knowing_the_owner(home, daemon, address, OWNER).stop() == 0
        first = daemon(home.router, "--discover", *DEVS)
        first.wait_for("host-learned", address=address, dev="lan0")
        until(lambda: "REACHABLE" in neighbor(home.router, address, "lan0"))
        answers.clear()  # the owner's answer comes too late
        with Attacker(home.lan2, lladdr=OWNER, answers={IPv6Address(address)}) as attacker:
            attacker.claim(address)
            until(lambda: f"{address} dev lan1 proto 135" in routes(home.router))
            first.process.send_signal(signal.SIGKILL)
            first.process.wait(10.0)
            answers.add(IPv6Address(address))

            second = daemon(home.router, "--discover", *DEVS)
            second.wait_for("host-learned", address=address, dev="lan1", reason="adopted")
            second.wait_for("host-moved", address=address, dev="lan0", reason="owner-answers")
            until(lambda: f"{address} dev lan0 proto 135" in routes(home.router))
            until(lambda: f"{address} dev lan1 proto 135" in proxies(home.router))


def test_claim_while_the_owners_link_was_down_takes_no_address(home: Home, daemon: Start) -> None:
    """After a power cut the switch starts later than the router, and an attacker on another link is there first."""
    assert _knowing_the_owner(home, daemon).stop() == 0
    home.lan.ip("link set eth0 down")
    home.router.ip("-6 neigh flush dev lan0")
    with Attacker(home.lan2, answers={IPv6Address(LAN)}) as attacker:
        second = daemon(home.router, "--discover", *DEVS)
        attacker.claim(LAN)
        second.wait_for("host-verified", address=LAN, dev="lan1")
        home.lan.lay("link set eth0 up", f"address replace {LAN}/64 dev eth0 nodad")
        second.wait_for("host-moved", address=LAN, dev="lan0", reason="owner-answers")
        until(lambda: f"{LAN} dev lan0 proto 135" in routes(home.router))


def _knowing_the_owner(home: Home, daemon: Start, address: str = LAN, lladdr: str | None = None) -> Daemon:
    """Return a daemon to which the owner on lan0 has answered, and to whose lookup no host has answered on lan1."""
    running = daemon(home.router, "--discover", *DEVS)
    claim(home.lan, address, lladdr=lladdr)
    running.wait_for("host-verified", address=address)
    running.wait_for("lookup-failed", address=address, dev="lan1")
    return running
