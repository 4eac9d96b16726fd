"""What a host has in the kernel, and what it should have -> the actions in between.

Pure.  Order matters: a proxy entry without its route draws traffic that the router then sends back out (IPv6 makes
no route check before it answers for a proxied address), so the route comes first and goes last.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address

from ndpbr_py.core.actions import AddProxy, AddRoute, DelProxy, DelRoute, Entry


@dataclass(frozen=True, slots=True)
class Entries:
    """The interface of a host's /128 route (None: no route), and those of its proxy entries, in order."""

    route: str | None = None
    proxies: tuple[str, ...] = ()


NOTHING = Entries()
# One record for all hosts with the same entries: with 10,000 of them that is memory, and comparisons, worth saving.
shared = lru_cache(maxsize=256)(Entries)


def steps(address: IPv6Address, installed: Entries, desired: Entries) -> list[Entry]:
    """Return the actions that lead from *have* to *want*, proxies away before and back after the route."""
    if installed is NOTHING and desired.route is not None:  # a new host, whose first packet is on its way
        return [AddRoute(address, desired.route), *[AddProxy(address, dev) for dev in desired.proxies]]
    if installed is desired or installed == desired:
        return []
    moving = installed.route != desired.route
    # While the route changes its direction, no proxy entry may stay on the interface it will point to.
    todo: list[Entry] = [DelProxy(address, dev) for dev in installed.proxies if dev not in desired.proxies]
    if moving:
        if installed.route is not None:
            todo.append(DelRoute(address, installed.route))
        if desired.route is not None:
            todo.append(AddRoute(address, desired.route))
    todo.extend(AddProxy(address, dev) for dev in desired.proxies if dev not in installed.proxies)
    return todo
