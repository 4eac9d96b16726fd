"""A Storm -> one more fault from outside: hosts, links, attackers and other programs.

Each function does one fault, or returns False if it is not possible now.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from ipaddress import IPv6Address

from tests.claim import claim
from tests.home import ROUTER
from tests.lab import LabError
from tests.storm import ATTACKER, DEVS, MACS, POOL, Storm

CAN_RENAME_UP = tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= (
    6,
    2,
)  # can rename an interface that is up
UNUSED = tuple(f"2001:db8:64::f{number:03x}" for number in range(6))  # no host ever has these
PROXIED = tuple(f"2001:db8:64::e{number:03x}" for number in range(6))  # nor these, and no route makes a host of them


def appear(storm: Storm) -> bool:
    """A new host sends its first packet."""
    dead = [address for address in POOL if address not in storm.living]
    lans = [dev for dev in ("lan0", "lan1") if dev not in storm.away]
    if not dead or not lans:
        return False
    address, dev = storm.random.choice(dead), storm.random.choice(lans)
    storm.machine(dev).ip(f"address add {address}/64 dev eth0 nodad")
    storm.living[address] = dev
    storm.send_packet(address)
    return True


def vanish(storm: Storm) -> bool:
    """A host disappears."""
    address = _random_host(storm)
    if address is None or len(storm.living) < 3:
        return False
    storm.machine(storm.living.pop(address)).ip(f"address del {address}/64 dev eth0")
    return True


def move(storm: Storm) -> bool:
    """An address moves to the machine on the other LAN."""
    address = _random_host(storm)
    if address is None or storm.away.keys() & {"lan0", "lan1"}:
        return False
    dev = storm.living[address]
    storm.machine(dev).ip(f"address del {address}/64 dev eth0")
    storm.living[address] = dev = "lan1" if dev == "lan0" else "lan0"
    storm.machine(dev).ip(f"address add {address}/64 dev eth0 nodad")
    storm.send_packet(address)
    return True


def send_packet(storm: Storm) -> bool:
    """A known host sends a packet."""
    address = _random_host(storm)
    if address is not None:
        storm.send_packet(address)
    return address is not None


def claim_address(storm: Storm) -> None:
    """An attacker claims an address with an unused lladdr."""
    with suppress(OSError):  # the link has no carrier
        lladdr = f"02:00:00:00:66:0{storm.random.randrange(9)}"
        claim(storm.random.choice((storm.home.lan, storm.home.lan2)), storm.random.choice(POOL), lladdr=lladdr)


def attack(storm: Storm) -> bool:
    """An attacker on another link answers for the address of a host, and sends with its own lladdr or the host's."""
    address = _random_host(storm)
    if address is None:
        return False
    home = storm.living[address]
    links = [dev for dev in DEVS if dev not in storm.away and dev != home]
    if not links:
        return False
    lladdr = storm.random.choice((ATTACKER, MACS[home]))
    with suppress(OSError), storm.attacker(storm.random.choice(links), lladdr, {IPv6Address(address)}) as attacker:
        for send in storm.random.choices((attacker.claim, attacker.detect), k=3):
            attacker.claim("fe80::66")
            send(address)
            time.sleep(storm.random.random() * 0.02)
    return True


def flush(storm: Storm) -> bool:
    """Another program flushes a table: our entries, a neighbor cache, or all proxy entries."""
    what = storm.random.choice(
        ("neigh flush proxy proto 135", "route flush proto 135", "neigh flush", "neigh flush proxy")
    )
    if what == "neigh flush":
        return flush_neighbors(storm)
    if what == "neigh flush proxy":
        storm.proxies.clear()
    storm.home.router.ip(f"-6 {what}")
    return True


def flush_neighbors(storm: Storm) -> bool:
    """Another program flushes the neighbor cache of a link."""
    present = [dev for dev in DEVS if dev not in storm.away]
    if not present:
        return False
    # What ip(8) could not delete stays in the cache, as if it had not tried.
    with suppress(LabError):
        storm.home.router.ip(f"-6 neigh flush dev {storm.random.choice(present)}")
    return True


def foreign_route(storm: Storm) -> bool:
    """Another program adds or removes a host route, also for addresses of hosts."""
    dev = storm.random.choice(DEVS)
    address = storm.random.choice(POOL + UNUSED)
    if address in storm.routes:
        storm.home.router.ip(f"-6 route del {address}/128 dev {storm.routes.pop(address)} proto static metric 50")
    elif dev in storm.away:
        return False
    else:
        storm.home.router.ip(f"-6 route add {address}/128 dev {dev} proto static metric 50")
        storm.routes[address] = dev
    return True


def foreign_proxy(storm: Storm) -> bool:
    """Another program adds or removes a proxy entry; not for a host, where it would be the same entry."""
    key = address, dev = storm.random.choice(PROXIED), storm.random.choice(DEVS)
    if key in storm.proxies:
        storm.home.router.ip(f"-6 neigh del proxy {address} dev {dev}")
    elif dev in storm.away:
        return False
    else:
        storm.home.router.ip(f"-6 neigh add proxy {address} dev {dev} proto 199")
    storm.proxies ^= {key}
    return True


def link(storm: Storm) -> bool:
    """An interface goes down, is renamed or deleted, or loses its carrier; or is repaired."""
    dev = storm.random.choice(DEVS)
    if dev in storm.away:
        storm.bring_back(dev)
        return True
    how = storm.random.choice(("down", "unplugged", "renamed", "renamed while up", "gone"))
    if (dev == "wan0" and how != "down") or ("renamed" in how and "old0" in storm.home.router.ip("link show")):
        return False
    if how == "renamed while up" and (
        not CAN_RENAME_UP or dev in {*storm.routes.values(), *(on for _, on in storm.proxies)}
    ):
        return False  # the other program's entries would move with the name
    storm.take_away(dev, how)
    return True


def prefix(storm: Storm) -> bool:
    """The provider's prefix is removed and added again."""
    if "wan0" in storm.away:
        return False
    storm.home.router.ip(f"address del {ROUTER}/64 dev wan0")
    time.sleep(storm.random.random() * 0.2)
    storm.home.router.ip(f"address add {ROUTER}/64 dev wan0 nodad")
    return True


def reset_setting(storm: Storm) -> bool:
    """Another program changes a setting that ndpbr has applied."""
    path, value = storm.random.choice((("conf/{}/proxy_ndp", 0), ("neigh/{}/proxy_delay", 80)))
    dev = storm.random.choice(DEVS)
    if storm.away.get(dev) in ("renamed", "renamed while up", "gone"):
        return False
    storm.home.router.sysctl(f"net/ipv6/{path.format(dev)}", value)
    return True


def _random_host(storm: Storm) -> str | None:
    present = [address for address, dev in storm.living.items() if dev not in storm.away]
    return storm.random.choice(present) if present else None
