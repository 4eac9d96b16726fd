"""`run --refresh`: what a switch between modem and router forgets is reported to it again and again."""

from __future__ import annotations

import time

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.forgetful import FORGETS, forgetful
from tests.home import LAN, LAN2, MODEM, Home
from tests.lab import until
from tests.mld import Reports
from tests.observed import hasten, proxies
from tests.program import Daemon

SAME_GROUP = "2001:db8:64:0:1::11"


def test_groups_are_reported_once_an_interval(home: Home, daemon: Start) -> None:
    """The modem's side hears of a host's group again and again, also where two hosts share one; all stays in place."""
    home.lan.ip(f"address add {SAME_GROUP}/64 dev eth0 nodad")
    running = daemon(home.router, "--refresh", "1", "wan0", "lan0", "lan1")
    _learn(home, running, LAN, SAME_GROUP)
    with Reports(home.modem, "lan0") as wan, Reports(home.lan2, "eth0") as lan1:
        # Learning alone has it reported twice, and once or twice more where the interface has just come up.
        until(lambda: len(wan.seen(LAN)) >= 8, timeout=20.0, what="refreshes are heard on the modem's side")
        until(lambda: len(lan1.seen(LAN)) >= 8, timeout=20.0, what="refreshes are heard on the other LAN")

        assert {(report.version, report.routed) for report in wan.seen(LAN)} == {(2, True)}
    wanted = {f"{address} dev {dev} proto 135" for address in (LAN, SAME_GROUP) for dev in ("wan0", "lan1")}
    until(lambda: proxies(home.router) == wanted, what="every proxy entry is there")
    assert {r["address"] for r in running.log() if r["event"] == "group-rejoined"} == {LAN}
    assert not [r for r in running.log() if r["level"] != "debug" and r["event"] == "host-repaired"]


def test_traffic_loses_nothing_meanwhile(home: Home, daemon: Start) -> None:
    """A host that is talked to all the time misses no packet, although the modem doubts it several times a second."""
    hasten(home.modem, "lan0")
    echo(home.lan)
    running = daemon(home.router, "--refresh", "1", "wan0", "lan0")
    _learn(home, running, LAN)
    asked: list[float | None] = []
    while _refreshes(running) < 5 or len(asked) < 50:
        # Late is not lost: a solicitation may come in between, and is sent again after a second.
        asked.append(ask(home.inet, LAN, timeout=10.0))

    assert None not in asked


def test_forgetful_switch_is_reminded(home: Home, daemon: Start) -> None:
    """Without --refresh everything works, then stops; with it, it goes on working."""
    bridge = forgetful(home.modem, "lan0", MODEM)
    echo(home.lan)

    def found() -> float | None:
        """Ask anew: with an answer in the modem's neighbor cache the trouble would take longer to show."""
        home.modem.ip(f"-6 neigh flush dev {bridge}")
        return ask(home.modem, LAN, timeout=0.9)

    running = daemon(home.router, "wan0", "lan0")
    _learn(home, running, LAN)
    until(lambda: found() is None, timeout=20.0, what="the switch has forgotten")
    assert running.stop() == 0
    running = daemon(home.router, "--refresh", "1", "wan0", "lan0")
    claim(home.lan, LAN)
    running.wait_for("group-rejoined", address=LAN)
    # The kernel takes up to a second for its first report (RFC 3810, 9.11).
    until(lambda: found() is not None, timeout=10.0, what="the switch is reminded")
    end = time.monotonic() + 2 * FORGETS
    answers = []
    while time.monotonic() < end:
        answers.append(found())
        time.sleep(0.1)

    assert len(answers) > 5
    assert None not in answers


def test_entry_lost_on_the_way_is_put_back(home: Home, daemon: Start) -> None:
    """What somebody flushes is back with the next refresh, long before the tables are compared."""
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
