"""The facts about this machine that the checks use.

None means that the fact could not be read, or that this kernel does not have it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ndpbr_py.core.events import KernelSnapshot, Route
from ndpbr_py.core.state import Rules
from ndpbr_py.doctor.nft import Chain
from ndpbr_py.iproute2.policy import PolicyRule

_DEFAULT_RULES = Rules(())


@dataclass(frozen=True, slots=True)
class Link:
    """An interface that exists.

    ``port_of`` is the bridge or bond that the interface is a port of.
    ``proxy_delay`` is in hundredths of a second.
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


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts.

    Attributes:
        interfaces: The interfaces that are checked.
        links: The existing ones of these, and the links of the default routes.
        tables: A snapshot of the kernel's tables, without the neighbor cache.
        lost_route: The default route that the daemon saw last.
        policy_rules: The policy rules before that of the main table; None: unknown.
        ip: The version of ip(8), as (major, minor).
        ip_problem: Why no ip(8) can be used.
        kernel: The release of Linux, e.g. "6.1.0-18-amd64".
        capable: Whether this process has CAP_NET_ADMIN.
        become_root: The program that runs another as root; None if there is none, or if this is root.
        running: Whether a daemon runs in this network namespace.
        daemon: Version, pid, uptime and number of hosts of the daemon; None if it does not answer.
        start: The command of the service manager that starts the daemon; None if no service is installed.
        expected: Whether a daemon should run: its service is enabled, or a daemon has run before.
        tag: The option of ndpbr that names the protocol number, or "" if the number is the default.
        unrestored: Whether a run that was killed has left settings that have not been restored.
        hosts: How many hosts the daemon knows.
        most_addresses: The largest number of hosts with one lladdr on one link, that lladdr, and the link.
        rules: The daemon's rules, among them --prefix, --static and --upstream; the defaults without a daemon.
        neighbors: How many entries the neighbor cache has, in all network namespaces.
        chains: The filter chains that IPv6 packets pass, as nft(8) lists them.
        firewall_problem: Why the chains are not known.
    """

    interfaces: tuple[str, ...]
    links: tuple[Link, ...] = ()
    tables: KernelSnapshot | None = None
    lost_route: Route | None = None
    policy_rules: tuple[PolicyRule, ...] | None = None
    ip: tuple[int, int] | None = None
    ip_problem: str | None = None
    kernel: str = ""
    capable: bool = True
    become_root: str | None = None
    running: bool = False
    daemon: str | None = None
    start: str | None = None
    expected: bool = False
    tag: str = ""
    unrestored: bool = False
    forwarding: int | None = 1
    proxy_ndp: int | None = 1
    hosts: int | None = None
    most_addresses: tuple[int, str, str] = (0, "", "")
    rules: Rules = _DEFAULT_RULES
    neighbors: int | None = None
    gc_thresh3: int | None = None
    chains: tuple[Chain, ...] | None = None
    firewall_problem: str | None = None

    def listed(self) -> list[Link]:
        """Return the checked interfaces that exist."""
        return [link for link in self.links if link.name in self.interfaces]

    def readable_tables(self) -> KernelSnapshot:
        """Return the tables; empty ones if they could not be read."""
        return self.tables if self.tables is not None else KernelSnapshot()

    def default_routes(self) -> list[Route]:
        """Return the default routes."""
        return [route for route in self.readable_tables().routes if route.default]
