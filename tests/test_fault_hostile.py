"""What a hostile or broken network and machine may do to a daemon: it learns nothing from it, and goes on."""

from __future__ import annotations

import os
import resource
import signal
from ipaddress import IPv6Address

import pytest

from tests import frames
from tests.attacker import Attacker
from tests.claim import claim
from tests.conftest import Start
from tests.home import LAN, LAN2, MODEM, ROUTER, Home
from tests.lab import until
from tests.observed import proxies, routes, shorten_neighbor_timers
from tests.program import Daemon, children, resident_bytes

DEVS = ("wan0", "lan0", "lan1")
FORGED = "2001:db8:64::bad"


def invalid() -> list[bytes]:
    """Return packets that RFC 4861, 7.1.1 says to discard, for the router's address or from FORGED."""
    gateway, group = "fe80::1", "ff02::1:ff00:1"
    valid = frames.frame(FORGED, gateway, group)
    changed = [
        frames.frame(FORGED, gateway, group, hops=64),
        frames.frame(FORGED, gateway, group, code=1),
        frames.frame(FORGED, gateway, group, checksum=0x4711),
        frames.frame(FORGED, gateway, group, upper=44),
        frames.frame(FORGED, gateway, group, upper=0),
        frames.frame(FORGED, "ff02::1", group),
        frames.frame(FORGED, gateway, group, b"\1\0" + bytes(6)),
        frames.frame("::", gateway, group),
        frames.frame("ff02::1", FORGED, group),
        frames.message(FORGED, group, 136, bytes(4)),
    ]
    vlan = b"\0\5\x86\xdd" + valid  # after the type of an untagged frame: no IPv6 packet
    unsolicited = frames.advertisement(FORGED, "ff02::1", FORGED, bytes((2, 0, 0, 0, 0x66, 0x66)))
    whole = (valid, frames.frame(FORGED, gateway, group, frames.SOURCE_LLADDR + frames.NONCE), unsolicited)
    return [*changed, vlan, *(packet[:length] for packet in whole for length in range(len(packet)))]


def test_invalid_frames_teach_nothing(home: Home, daemon: Start) -> None:
    """Truncated, forwarded, fragmented and otherwise invalid packets, 705 on three links, add no host."""
    assert 3 * len(invalid()) == 705
    running = daemon(home.router, *DEVS)
    for host, dev, gateway in (
        (home.modem, "lan0", ROUTER),
        (home.lan, "eth0", "fe80::1"),
        (home.lan2, "eth0", "fe80::1"),
    ):
        with Attacker(host, dev, gateway=gateway) as attacker:
            for packet in invalid():
                attacker.send(packet)
    _is_well(home, running)

    assert FORGED not in running.logfile.read_text()


def test_thousands_of_advertised_prefixes_change_nothing(home: Home, daemon: Start) -> None:
    """Of 4,000 on-link prefixes some begin with a host's address, some are too short: all hosts are served as before.

    The daemon grows by less than 16 MiB; 4 MiB were measured.
    """
    prefixes = [
        *(f"2001:db8:64::{number:x}/127" for number in range(0, 0x400, 2)),
        *(f"2001:db8:64:0:{number:x}::/80" for number in range(488)),
        *(f"2001:db8:{number:x}::/63" for number in range(0x1000, 0x1000 + 500)),
        *(f"2002:{number:x}::/32" for number in range(500)),
        *(f"2001:db8:{number:x}::/64" for number in range(0x2000, 0x2000 + 2000)),
    ]
    assert len(set(prefixes)) == 4000
    for name, value in (("accept_ra", 2), ("autoconf", 0)):
        home.router.sysctl(f"net/ipv6/conf/wan0/{name}", value)
    running = daemon(home.router, *DEVS)
    shorten_neighbor_timers(home.router, "wan0")
    _is_well(home, running)
    for address in (LAN, LAN2):
        running.wait_for("lookup-failed", address=address, dev="wan0")
    before = resident_bytes(running.process.pid)
    with Attacker(home.modem, "lan0", answers={IPv6Address(LAN), IPv6Address(LAN2)}, gateway=ROUTER) as attacker:
        for first in range(0, len(prefixes), 40):
            attacker.send(frames.router_advertisement("fe80::66", *prefixes[first : first + 40]))
        until(lambda: home.router.ip("-6 route show dev wan0 proto kernel").count(" expires ") == len(prefixes))
        running.process.send_signal(signal.SIGHUP)
        until(lambda: len(running.logged("prefix-added")) == len(prefixes), what="all prefixes are known")
        for address in (LAN, LAN2):
            attacker.claim(address)
            running.wait_for("address-conflict", address=address, reason="owner-answers")
        home.lan.ip("address add 2001:db8:64::12/64 dev eth0 nodad")
        claim(home.lan, "2001:db8:64::12")
        running.wait_for("host-verified", address="2001:db8:64::12")
        running.wait_for("check-warned", check="prefix")

    known = {f"{LAN} dev lan0 proto 135", "2001:db8:64::12 dev lan0 proto 135", f"{LAN2} dev lan1 proto 135"}
    until(lambda: known <= routes(home.router))
    assert {it["event"] for it in running.log()}.isdisjoint({"host-forgotten", "host-moved"})
    assert len([record for record in running.log() if record["level"] != "debug"]) < 400
    assert resident_bytes(running.process.pid) - before < 1 << 24
    assert running.stop() == 0


@pytest.mark.parametrize("setting", [("disable_ipv6", 1, 0), ("mtu", 1000, 1500)], ids=["disabled", "mtu"])
@pytest.mark.parametrize("dev", DEVS)
def test_link_without_ipv6_for_a_moment(home: Home, daemon: Start, dev: str, setting: tuple[str, int, int]) -> None:
    """IPv6 is disabled, or the MTU too small for it, on one link, and back: all entries are restored."""
    running = daemon(home.router, *DEVS)
    _is_well(home, running)
    for value in setting[1:]:
        if setting[0] == "mtu":
            home.router.ip(f"link set {dev} mtu {value}")
        else:
            home.router.sysctl(f"net/ipv6/conf/{dev}/disable_ipv6", value)
    address = f"{ROUTER}/64" if dev == "wan0" else "fe80::1/64"
    home.router.ip(f"address replace {address} dev {dev} nodad")
    home.router.ip(f"-6 route replace default via {MODEM} dev wan0")

    def is_restored() -> bool:
        claim(home.lan, LAN)
        claim(home.lan2, LAN2)
        ours = routes(home.router) | proxies(home.router)
        return all(f"{LAN} dev {it} proto 135" in ours and f"{LAN2} dev {it} proto 135" in ours for it in DEVS)

    until(is_restored, what="all entries are restored")


def test_daemon_without_file_descriptors_recovers(home: Home, daemon: Start) -> None:
    """No file can be opened and no process started, while its processes are gone: afterwards it works as before."""
    running = daemon(home.router, *DEVS)
    _is_well(home, running)
    pid = running.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    for child in children(pid):
        os.kill(child, signal.SIGKILL)
    home.lan.ip("address add 2001:db8:64::12/64 dev eth0 nodad")
    claim(home.lan, "2001:db8:64::12")
    running.process.send_signal(signal.SIGHUP)
    running.wait_for("setting-refused")
    running.wait_for("monitor-exited", retry_in_s=4.0)  # it could not be started for the second time
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)

    until(lambda: "2001:db8:64::12 dev lan0 proto 135" in routes(home.router))
    assert f"{LAN} dev lan0 proto 135" in routes(home.router)
    assert running.stop() == 0


def _is_well(home: Home, running: Daemon) -> None:
    """The daemon learns a host on each LAN."""
    for host, address in ((home.lan, LAN), (home.lan2, LAN2)):
        claim(host, address)
        running.wait_for("host-verified", address=address)
