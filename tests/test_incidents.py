"""Incidents: the records that a reader needs who has nothing but the log at level info, and no others.

Was the host reachable at that time? What was wrong, from when to when, and whose fault was it?
"""

from __future__ import annotations

from pathlib import Path

from tests.advertise import advertise
from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import LAN, LAN2, MODEM, Home
from tests.lab import until
from tests.observed import shorten_neighbor_timers
from tests.program import LATER, Daemon, Record

DEVS = ("wan0", "lan0", "lan1")
ATTACKER = "02:00:00:00:66:66"


def test_phone_was_away(home: Home, daemon: Start) -> None:
    """The log shows that the phone was away: it was solicited after it was last seen, was forgotten, and came back."""
    shorten_neighbor_timers(home.router, "lan0")
    echo(home.lan)
    running = _with_two_hosts(home, daemon)
    home.lan.ip(f"address del {LAN}/64 dev eth0")

    def solicited_until_forgotten() -> bool:
        home.lan2.ip("-6 neigh flush dev eth0")  # so that it solicits each time
        ask(home.lan2, LAN, timeout=0.1)
        return any(record["event"] == "host-forgotten" for record in running.log())

    until(solicited_until_forgotten)
    home.lan.ip(f"address add {LAN}/64 dev eth0 nodad")
    claim(home.lan, LAN)
    running.wait_for("host-learned", address=LAN, returned=True)
    forgotten, learned = _info(running)

    assert (forgotten["event"], forgotten["address"], forgotten["reason"]) == ("host-forgotten", LAN, "no-answer")
    assert (forgotten["solicited"], type(forgotten["last_seen_s"]), type(forgotten["known_for_s"])) == (True, int, int)
    assert (learned["event"], learned["address"], learned["returned"], learned["solicited"]) == (
        "host-learned",
        LAN,
        True,
        True,
    )
    assert learned["away_s"] >= forgotten["last_seen_s"]


def test_forwarding_was_off(home: Home, daemon: Start) -> None:
    """No host was reachable: a setting of the router was off, for so many seconds, and this command turns it on."""
    running = _with_two_hosts(home, daemon)
    home.router.sysctl("net/ipv6/conf/all/forwarding", 0)
    running.wait_for("check-failed", check="forwarding")
    home.router.sysctl("net/ipv6/conf/all/forwarding", 1)
    running.wait_for("check-passed", check="forwarding")
    failed, passed = _info(running)

    assert (failed["event"], failed["level"]) == ("check-failed", "warning")
    assert failed["detail"].startswith("off: no packet is forwarded")
    assert "forwarding=1" in failed["fix"]
    assert (passed["event"], type(passed["failed_for_s"])) == ("check-passed", int)


def test_default_route_was_lost(home: Home, daemon: Start) -> None:
    """Hosts reached each other, but not the outside: the route by that gateway was gone for so many seconds."""
    running = _with_two_hosts(home, daemon)
    home.router.ip(f"-6 route del default via {MODEM}")
    running.wait_for("check-failed", check="default-route")
    home.router.ip(f"-6 route add default via {MODEM} dev wan0")
    running.wait_for("check-passed", check="default-route")
    records = {record["event"]: record for record in _info(running)}

    assert sorted(records) == ["check-failed", "check-passed", "default-route-lost", "default-route-restored"]
    for event in ("default-route-lost", "default-route-restored"):
        assert (records[event]["dev"], records[event]["via"]) == ("wan0", MODEM)
    assert type(records["default-route-restored"]["lost_for_s"]) is int
    assert records["check-failed"]["detail"] == "none: no host reaches the outside"
    assert records["check-failed"]["fix"] == f"ip -6 route add default via {MODEM} dev wan0"


def test_modem_sent_no_advertisements(home: Home, daemon: Start) -> None:
    """The default route came from the modem and was not renewed: the record asks for the modem, and adds no route."""
    home.router.ip("-6 route del default")
    home.router.sysctl("net/ipv6/conf/wan0/accept_ra", 2)
    advertise(home.modem, "lan0")
    until(lambda: "proto ra" in home.router.ip("-6 route show default"), what="the router has a default route")
    running = _with_two_hosts(home, daemon)
    advertise(home.modem, "lan0", lifetime_s=0)  # at once what happens 30 minutes after the last one
    failed = running.wait_for("check-failed", check="default-route")

    assert running.wait_for("default-route-lost", dev="wan0")["via"].startswith("fe80::")
    assert (
        failed["detail"] == "none: no host reaches the outside; wan0 waits for a router advertisement: is the modem on?"
    )
    assert failed["fix"] is None


def test_guest_link_flapped(home: Home, daemon: Start) -> None:
    """Only the one host on lan1 was not reachable; hosts on lan0 have no record."""
    running = _with_two_hosts(home, daemon)
    home.router.ip("link set lan1 down")
    running.wait_for("link-down", dev="lan1")
    home.router.lay("link set lan1 up", "address replace fe80::1/64 dev lan1 nodad")
    running.wait_for("link-up", dev="lan1", reason="link-up")
    until(lambda: len(running.logged("address-proxied")) == 2, what="the entries are restored")
    down, up = (it for it in _info(running) if not str(it["event"]).startswith("check-"))

    assert (down["event"], down["dev"], down["hosts"], down["reason"]) == ("link-down", "lan1", 1, "link-down")
    assert (up["event"], up["dev"], type(up["down_for_s"])) == ("link-up", "lan1", int)


def test_address_was_claimed(home: Home, tmp_path: Path) -> None:
    """The host kept its address; the other machine was on lan1, had that lladdr, and stopped a while later."""
    later = tmp_path / "later"
    options = ("--resync-interval", "1", *DEVS)
    running = Daemon(home.router, *options, folder=tmp_path, program=(*LATER, str(later), "60"))
    running.wait_for("started")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    claim(home.lan2, LAN, lladdr=ATTACKER)
    running.wait_for("address-conflict", address=LAN)
    later.write_bytes(b"1")
    running.wait_for("conflict-ended", address=LAN)
    conflict, ended = (it for it in _info(running) if it["event"] != "host-learned")

    assert (conflict["event"], conflict["level"], conflict["reason"]) == (
        "address-conflict",
        "warning",
        "owner-answers",
    )
    for record in (conflict, ended):
        assert (record["dev"], record["lladdr"]) == ("lan0", home.lan.mac("eth0"))
        assert (record["claimed_by"], record["claimed_on"]) == (ATTACKER, "lan1")
    assert (ended["event"], ended["claims"], ended["duration_s"]) == ("conflict-ended", 1, 0)


def _with_two_hosts(home: Home, daemon: Start) -> Daemon:
    """Return a daemon that has verified a host on each LAN."""
    running = daemon(home.router, "--resync-interval", "3600", *DEVS)
    for host, address in ((home.lan, LAN), (home.lan2, LAN2)):
        claim(host, address)
        running.wait_for("host-verified", address=address)
    return running


def _info(running: Daemon) -> list[Record]:
    """Return the records that are not at level debug, after the hosts were learned for the first time."""
    records = [it for it in running.log() if it["level"] != "debug" and it.get("address") != MODEM]
    first = [number for number, it in enumerate(records) if it["event"] == "host-learned" and "returned" not in it]
    return records[first[-1] + 1 :]
