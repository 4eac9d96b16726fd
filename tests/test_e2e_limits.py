"""Attackers that use up rate limits on the real kernel: what they cause stays within them, and others lose nothing."""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv6Address

from tests.attacker import Attacker
from tests.conftest import Start
from tests.home import Home
from tests.lab import until
from tests.observed import routes
from tests.program import Daemon, Record

DEVS = ("wan0", "lan0", "lan1")


def test_lookups_for_detections_stay_within_the_limits(home: Home, daemon: Start) -> None:
    """DAD probes from one lladdr cause 25 lookups, and 5 more a second; those after detection count, too."""
    running = _listening(home, daemon)
    with Attacker(home.lan) as attacker:
        for number in range(200):
            attacker.detect(f"2001:db8:64::bad:{number:x}")
        running.wait_for("lookups-rate-limited", dev="lan0", lladdr=attacker.lladdr)
        until(lambda: len({it["address"] for it in _again(running)}) > 3, what="addresses were looked up again")
        records = _lookups(running, attacker.lladdr)

    lookups = sum(len(record["lookup_on"]) for record in records)
    assert lookups <= 25 + 5 * _seconds(records) + 2  # on credit


def test_lookup_of_a_stolen_address_waits_for_the_limits(home: Home, daemon: Start) -> None:
    """A LAN host uses them up before it claims the address of a silent host on the provider's link."""
    silent = "2001:db8:64::5:1"
    home.modem.ip(f"address add {silent}/64 dev lan0 nodad")
    running = _listening(home, daemon)
    with Attacker(home.lan, answers={IPv6Address(silent)}) as attacker:
        for number in range(200):
            attacker.detect(f"2001:db8:64::bad:{number:x}", f"02:00:00:00:66:{number % 16:02x}")
        running.wait_for("lookups-rate-limited", dev="lan0")
        attacker.claim(silent)
        running.wait_for("host-learned", address=silent, dev="lan0")
        running.wait_for("host-moved", address=silent, dev="wan0", reason="owner-answers")
        until(lambda: f"{silent} dev wan0 proto 135" in routes(home.router))


def _listening(home: Home, daemon: Start) -> Daemon:
    running = daemon(home.router, *DEVS)
    for dev in DEVS:
        running.wait_for("listening", dev=dev)
    return running


def _lookups(running: Daemon, lladdr: str) -> list[Record]:
    return [it for it in running.logged("lookup-started", dev="lan0") if it.get("lladdr", lladdr) == lladdr]


def _again(running: Daemon) -> list[Record]:
    """Return the lookups after detection, which are by multicast."""
    return [it for it in running.logged("lookup-started", dev="lan0") if "lladdr" not in it]


def _seconds(records: list[Record]) -> float:
    first, last = (datetime.fromisoformat(str(records[at]["ts"])) for at in (0, -1))
    return (last - first).total_seconds()
