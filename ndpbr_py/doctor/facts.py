"""What the checks know of this machine.  None: it could not be asked, or this kernel does not have it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Network

from ndpbr_py.core.events import KernelSnapshot, PrefixOrDefaultRoute
from ndpbr_py.doctor.firewall import Chain


@dataclass(frozen=True, slots=True)
class Link:
    """An interface that is there.

    ``port_of`` is the bridge or bond that it is a port of; ``snooping`` and ``querier`` are a bridge's.
    """

    name: str
    up: bool = True
    carrier: bool = True
    noarp: bool = False
    loopback: bool = False
    port_of: str | None = None
    disabled: int | None = 0
    forwarding: int | None = 1
    accept_ra: int | None = 1
    proxy_ndp: int | None = 1
    proxy_delay: int | None = 0
    snooping: int | None = None
    querier: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it.

    Attributes:
        interfaces: The interfaces that it is about.
        links: Those of them that are there, and those of default routes.
        tables: The kernel's, without the neighbor cache.
        prefixes: Those of the daemon's --prefix.
        ip: The version of ip(8), as (major, minor).
        ip_problem: Why there is none that can be used.
        kernel: Its release, e.g. "6.1.0-18-amd64".
        capable: Whether this process has CAP_NET_ADMIN.
        running: Whether a daemon runs in this network namespace.
        tag: The words of ndpbr that name the number of these entries, if it is not the usual one.
        borrowed: Whether settings of before a run wait to be given back.
        neighbors: How many entries the neighbor cache has, in all network namespaces.
        chains: The firewall's.
        firewall_problem: Why it could not be asked.
    """

    interfaces: tuple[str, ...]
    links: tuple[Link, ...] = ()
    tables: KernelSnapshot | None = None
    prefixes: frozenset[IPv6Network] = frozenset()
    ip: tuple[int, int] | None = None
    ip_problem: str | None = None
    kernel: str = ""
    capable: bool = True
    running: bool = False
    tag: str = ""
    borrowed: bool = False
    forwarding: int | None = 1
    proxy_ndp: int | None = 1
    neighbors: int | None = None
    gc_thresh3: int | None = None
    chains: tuple[Chain, ...] | None = None
    firewall_problem: str | None = None

    def listed(self) -> list[Link]:
        """Return the links that it is about and that are there."""
        return [link for link in self.links if link.name in self.interfaces]

    def default_routes(self) -> list[PrefixOrDefaultRoute]:
        """Return the default routes."""
        return [route for route in self.tables.routes if not route.prefix.prefixlen] if self.tables else []
