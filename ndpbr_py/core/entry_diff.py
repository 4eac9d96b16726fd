"""Installed and desired entries of a host -> the actions that turn one into the other.

Pure. Order matters: the kernel answers for a proxied address without checking its route, so a proxy entry without a
route attracts packets that the router sends back out. The route is added first and removed last.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address

from ndpbr_py.core.actions import AddProxy, AddRoute, DelProxy, DelRoute, Entry


@dataclass(frozen=True, slots=True)
class Entries:
    """The interface of a host's /128 route (None: no route), and the interfaces of its proxy entries, in order."""

    route: str | None = None
    proxies: tuple[str, ...] = ()


NOTHING = Entries()
# One object for all hosts with the same entries saves memory and comparisons when there are 10,000 hosts.
shared = lru_cache(maxsize=256)(Entries)


def steps(address: IPv6Address, installed: Entries, desired: Entries) -> list[Entry]:
    """Return the actions that turn *installed* into *desired*, in a safe order."""
    if installed is NOTHING and desired.route is not None:  # a new host: its first packet is waiting
        return [AddRoute(address, desired.route), *[AddProxy(address, dev) for dev in desired.proxies]]
    if installed is desired or installed == desired:
        return []
    moving = installed.route != desired.route
    # While the route changes its direction, no proxy entry may stay on the interface it will point to.
    result: list[Entry] = [DelProxy(address, dev) for dev in installed.proxies if dev not in desired.proxies]
    if moving:
        if installed.route is not None:
            result.append(DelRoute(address, installed.route))
        if desired.route is not None:
            result.append(AddRoute(address, desired.route))
    result.extend(AddProxy(address, dev) for dev in desired.proxies if dev not in installed.proxies)
    return result
