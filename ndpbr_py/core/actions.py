"""What to do, in the imperative: everything that the core can ask for."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address


@dataclass(frozen=True, slots=True)
class AddRoute:
    """Add the host route ADDRESS/128 dev DEV."""

    address: IPv6Address
    dev: str


@dataclass(frozen=True, slots=True)
class DelRoute:
    """Remove our host route ADDRESS/128 dev DEV."""

    address: IPv6Address
    dev: str


@dataclass(frozen=True, slots=True)
class AddProxy:
    """Have the kernel answer solicitations for ADDRESS on DEV."""

    address: IPv6Address
    dev: str


@dataclass(frozen=True, slots=True)
class DelProxy:
    """Have the kernel answer for ADDRESS on DEV no longer."""

    address: IPv6Address
    dev: str


@dataclass(frozen=True, slots=True)
class Probe:
    """Have the kernel verify a neighbor at once: REACHABLE or FAILED follows.

    With ``lladdr`` the solicitation goes to that link-layer address alone; without, to the solicited-node
    multicast group, which finds a host whose link-layer address has changed.
    """

    address: IPv6Address
    dev: str
    lladdr: str | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Have the monitor print a line that no network can cause, and that leaves nothing behind.

    ``sequence`` is a number below 2**24.
    """

    sequence: int


@dataclass(frozen=True, slots=True)
class Refresh:
    """Read the kernel's tables: something may have been missed."""


Entry = AddRoute | DelRoute | AddProxy | DelProxy
Action = Entry | Probe | Mark | Refresh
