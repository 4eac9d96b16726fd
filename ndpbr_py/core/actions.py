"""What to do, in the imperative: everything that the core can ask for."""

from __future__ import annotations

from ipaddress import IPv6Address

from ndpbr_py.core.value import value


@value
class AddRoute:
    """Add the host route ADDRESS/128 dev DEV."""

    address: IPv6Address
    dev: str


@value
class DelRoute:
    """Remove our host route ADDRESS/128 dev DEV."""

    address: IPv6Address
    dev: str


@value
class AddProxy:
    """Have the kernel answer solicitations for ADDRESS on DEV."""

    address: IPv6Address
    dev: str


@value
class DelProxy:
    """Have the kernel answer for ADDRESS on DEV no longer."""

    address: IPv6Address
    dev: str


@value
class Probe:
    """Have the kernel verify a neighbor at once: REACHABLE or FAILED follows.

    With ``lladdr`` the solicitation goes to that link-layer address alone; without, to the solicited-node
    multicast group, which finds a host whose link-layer address has changed.  What is ``new`` leaves an entry that is
    there already as it is: an administrator may have put it there.
    """

    address: IPv6Address
    dev: str
    lladdr: str | None
    new: bool = False


@value
class Mark:
    """Have the monitor print a line that no network can cause, and that leaves nothing behind.

    ``sequence`` is a number below 2**24.
    """

    sequence: int


@value
class RejoinGroup:
    """Take the proxy entries for ADDRESSES on DEV out, and put them back at once.

    They share a solicited-node multicast group: the kernel leaves it with the last of them that goes, joins it again
    with the first that comes, and reports that.
    """

    addresses: tuple[IPv6Address, ...]
    dev: str


Entry = AddRoute | DelRoute | AddProxy | DelProxy
Action = Entry | Probe | Mark | RejoinGroup
