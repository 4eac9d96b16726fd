"""The first packet to or from a new host needs one solicitation of the modem, which repeats none of them."""

from __future__ import annotations

import json
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.site import sender
from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import INET, LAN, Home, leave_a_route, solicit_once
from tests.lab import until
from tests.observed import neighbor
from tests.program import ndpbr


def test_first_solicitation_for_a_new_host_is_answered(home: Home, daemon: Start) -> None:
    """When the first answer to a new host comes, its proxy entry exists: one solicitation is enough."""
    solicit_once(home.modem)
    leave_a_route(home)
    echo(home.inet, delay=0.2)
    daemon(home.router, "wan0", "lan0")

    assert ask(home.lan, INET, timeout=10.0) is not None


@pytest.mark.parametrize(
    ("delay_ms", "loops"),
    [(0.0, 0), (0.2, 0), (0.5, 0), (1.0, 0), (1.0, 3)],
    ids=["0ms", "0.2ms", "0.5ms", "1ms", "1ms-busy"],
)
def test_first_packet_is_answered_by_a_peer_nearby(home: Home, daemon: Start, delay_ms: float, loops: int) -> None:
    """The peer's answer, and so the modem's solicitation, may come before the proxy entry.

    Other programs that use all CPU time they get change nothing.
    """
    hosts = [f"2001:db8:64::1:{n:x}" for n in range(20)]
    solicit_once(home.modem)
    leave_a_route(home)
    home.lan.lay(*(f"address add {address}/64 dev eth0 nodad" for address in hosts))
    echo(home.inet, delay=delay_ms / 1000)
    daemon(home.router, "wan0", "lan0")
    for _ in range(loops):
        home.lan2.spawn("sh", "-c", "while :; do :; done")
    for address in hosts:
        home.lan.ip("-6 neigh flush dev eth0")  # a new host solicits its router first

        assert ask(home.lan, INET, timeout=10.0, source=address) is not None


def test_solicitation_is_answered_however_late_the_entry_is(home: Home, daemon: Start) -> None:
    """The daemon gets no CPU time until the modem has solicited the new host; the packet that waits is not lost."""
    solicit_once(home.modem)
    leave_a_route(home)
    echo(home.lan)
    running = daemon(home.router, "wan0", "lan0")
    running.process.send_signal(signal.SIGSTOP)
    claim(home.lan, LAN)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(ask, home.inet, LAN, timeout=10.0)
        until(lambda: "INCOMPLETE" in neighbor(home.modem, LAN, "lan0"), what="the modem has solicited the host")
        running.process.send_signal(signal.SIGCONT)

        assert answer.result() is not None


def test_first_packets_of_new_hosts_are_answered_among_claims(home: Home, daemon: Start) -> None:
    """A machine on another LAN claims 100 addresses a second; one solicitation of the modem is enough for each host."""
    hosts = [f"2001:db8:64::1:{n:x}" for n in range(100)]
    solicit_once(home.modem)
    leave_a_route(home)
    home.lan2.lay(*(f"address add {address}/64 dev eth0 nodad" for address in hosts))
    echo(home.inet)
    running = daemon(home.router, "--max-hosts-per-lladdr", "1000", "wan0", "lan0", "lan1")
    flood = sender(home.lan, "claims", 100, 600)
    running.wait_for("host-learned", dev="lan0")
    for address in hosts:
        claim(home.lan2, address)

        assert ask(home.lan2, INET, timeout=10.0, source=address) is not None
    assert flood.poll() is None


def test_silent_server_is_reached_by_one_solicitation(home: Home, daemon: Start) -> None:
    """A host that never sent anything is looked up for the modem, which is answered as soon as the host is known."""
    solicit_once(home.modem)
    leave_a_route(home)
    echo(home.lan)
    running = daemon(home.router, "wan0", "lan0")

    assert ask(home.inet, LAN, timeout=10.0) is not None
    shown = json.loads(ndpbr(home.router, "show", "--json", "--state-dir", str(running.state)).stdout)
    assert shown["daemon"]["counters"]["advertisements_sent"] > 0
