"""Everything that the executor is given, in the imperative: what the core asks for, and the daemon's markers."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from ndpbr_py.core.value import value


@value
class AddRoute:
    """Add the host route ADDRESS/128 dev DEV."""

    address: IPv6Address
    dev: str


@dataclass(frozen=True, slots=True)
class DelRoute:
    """Remove our host route ADDRESS/128 dev DEV."""

    address: IPv6Address
    dev: str


@value
class AddProxy:
    """Have the kernel answer solicitations for ADDRESS on DEV."""

    address: IPv6Address
    dev: str


@dataclass(frozen=True, slots=True)
class DelProxy:
    """Stop the kernel from answering solicitations for ADDRESS on DEV."""

    address: IPv6Address
    dev: str


@value
class Probe:
    """Make the kernel solicit a neighbor now: REACHABLE or FAILED follows.

    Attributes:
        lladdr: The solicitation goes to this link-layer address only. None: it goes to the solicited-node multicast
            group, which also finds a host whose link-layer address has changed.
        new: Leave an existing neighbor entry as it is; an administrator may have added it.
    """

    address: IPv6Address
    dev: str
    lladdr: str | None
    new: bool = False


@dataclass(frozen=True, slots=True)
class DelNeighbor:
    """Remove the FAILED entry for ADDRESS on DEV: while it is there, the kernel ignores unsolicited advertisements."""

    address: IPv6Address
    dev: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Make the monitor print a line that no host can cause, and that leaves nothing behind.

    Attributes:
        sequence: A number below 2**24, which comes back in the line.
    """

    sequence: int


@dataclass(frozen=True, slots=True)
class RejoinGroup:
    """Remove the proxy entries for ADDRESSES on DEV, and add them again immediately.

    The addresses share a solicited-node multicast group. The kernel leaves the group with the last entry, joins it
    again with the first, and reports that.
    """

    addresses: tuple[IPv6Address, ...]
    dev: str


@dataclass(frozen=True, slots=True)
class Advertise:
    """Send a neighbor advertisement for ADDRESS on DEV, once the kernel has acknowledged all actions before this one.

    Attributes:
        destination: The host that solicited the address. None: all nodes (ff02::1), unsolicited and with Override.
        as_target: The source is ADDRESS itself, instead of the router's address that the kernel chooses.
    """

    address: IPv6Address
    dev: str
    destination: IPv6Address | None
    as_target: bool = False


Entry = AddRoute | DelRoute | AddProxy | DelProxy
Action = Entry | Probe | DelNeighbor | Mark | RejoinGroup | Advertise
