"""`run --refresh` reports multicast groups again, for switches that forget them."""

from __future__ import annotations

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import LAN, LAN2, MODEM, Home
from tests.lab import until
from tests.mld import Reports
from tests.observed import proxies, shorten_neighbor_timers
from tests.program import Daemon
from tests.snooping_bridge import snooping_bridge, stays_found

SAME_GROUP = "2001:db8:64:0:1::11"


def test_groups_are_reported_once_an_interval(home: Home, daemon: Start) -> None:
    """The group of each host is reported once per interval, also if two hosts share it; entries stay."""
    home.lan.ip(f"address add {SAME_GROUP}/64 dev eth0 nodad")
    running = daemon(home.router, "--refresh", "1", "wan0", "lan0", "lan1")
    _learn(home, running, LAN, SAME_GROUP)
    with Reports(home.modem, "lan0") as wan, Reports(home.lan2, "eth0") as lan1:
        # Learning alone causes two reports, and one or two more if the interface has just come up.
        until(lambda: len(wan.seen(LAN)) >= 8, what="reports are seen on the modem's side")
        until(lambda: len(lan1.seen(LAN)) >= 8, what="reports are seen on the other LAN")

        assert {(report.version, report.routed) for report in wan.seen(LAN)} == {(2, True)}
    expected = {f"{address} dev {dev} proto 135" for address in (LAN, SAME_GROUP) for dev in ("wan0", "lan1")}
    until(lambda: proxies(home.router) == expected, what="all proxy entries exist")
    assert {r["address"] for r in running.log() if r["event"] == "group-rejoined"} == {LAN}
    assert not [r for r in running.log() if r["level"] != "debug" and r["event"] == "host-repaired"]


def test_traffic_loses_nothing_meanwhile(home: Home, daemon: Start) -> None:
    """No packet to a host is lost while its group is refreshed several times a second."""
    shorten_neighbor_timers(home.modem, "lan0")
    echo(home.lan)
    running = daemon(home.router, "--refresh", "1", "wan0", "lan0")
    _learn(home, running, LAN)
    answers: list[float | None] = []
    while _refreshes(running) < 5 or len(answers) < 50:
        # A delayed packet is not lost: a solicitation in between is sent again after a second.
        answers.append(ask(home.inet, LAN, timeout=10.0))

    assert None not in answers


def test_snooping_switch_keeps_the_group(home: Home, daemon: Start) -> None:
    """Without --refresh hosts become unreachable behind a snooping switch; with it they stay reachable."""
    bridge = snooping_bridge(home.modem, "lan0", MODEM)
    echo(home.lan)

    def found() -> float | None:
        """Empty the modem's neighbor cache and send: a cached answer would hide the fault for some time."""
        home.modem.ip(f"-6 neigh flush dev {bridge}")
        return ask(home.modem, LAN, timeout=0.9)

    running = daemon(home.router, "wan0", "lan0")
    _learn(home, running, LAN)
    until(lambda: found() is None, what="the switch has forgotten")
    assert running.stop() == 0
    running = daemon(home.router, "--refresh", "1", "wan0", "lan0")
    claim(home.lan, LAN)
    running.wait_for("group-rejoined", address=LAN)

    stays_found(found)


def test_refresh_restores_a_flushed_entry(home: Home, daemon: Start) -> None:
    """A flushed entry is back at the next refresh, long before the next resync."""
    running = daemon(home.router, "--refresh", "1", "wan0", "lan0", "lan1")
    _learn(home, running, LAN)
    claim(home.lan2, LAN2)
    running.wait_for("host-verified", address=LAN2)
    before = proxies(home.router)
    home.router.ip("-6 neigh flush proxy proto 135")

    until(lambda: proxies(home.router) == before, what="every proxy entry is back")
    assert len(before) == 4


def _learn(home: Home, running: Daemon, *addresses: str) -> None:
    for address in addresses:
        claim(home.lan, address)
        running.wait_for("host-verified", address=address)


def _refreshes(running: Daemon) -> int:
    return sum(record["event"] == "group-rejoined" for record in running.log())
