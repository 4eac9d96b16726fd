"""A host of the lab -> the same host with a bridge that snoops MLD, has no querier, and forgets groups."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.lab import Host, until

MEMBERSHIP_S = 3.0  # how long a report counts


def snooping_bridge(host: Host, dev: str, address: str) -> str:
    """Put a snooping bridge of *host* over *dev*, and *address* on the bridge; return its name.

    The bridge believes that it is the querier, and queries once an hour.  So it forwards a group only to ports that
    have reported the group in the last MEMBERSHIP_S seconds.
    """
    bridge = "br0"
    # Times are in hundredths of a second.  The bridge starts snooping after the response interval of its first query.
    options = "mcast_query_response_interval 10 mcast_query_interval 360000 mcast_startup_query_count 0"
    host.lay(
        f"link add {bridge} type bridge mcast_snooping 1 {options} mcast_membership_interval {int(MEMBERSHIP_S * 100)}",
        f"address flush dev {dev}",
        f"link set {dev} master {bridge}",
        f"link set {bridge} up",
        f"address add {address}/64 dev {bridge} nodad",
    )
    # Its first query needs a source address: without, it never snoops, and floods all ports for ever.
    until(lambda: "fe80:" in host.ip(f"-6 address show dev {bridge} scope link -tentative"), what="the bridge can ask")
    host.ip(f"link set {bridge} type bridge mcast_querier 1")
    return bridge


def stays_found(found: Callable[[], float | None]) -> None:
    """Call *found* again and again, for twice as long as a report counts.

    A report that a busy machine sends too late is no failure; a host that the switch never finds again is.

    Raises:
        AssertionError: The host was lost and did not come back.
    """
    end = time.monotonic() + 2 * MEMBERSHIP_S
    while time.monotonic() < end:
        until(lambda: found() is not None, what="the switch is reminded")
        time.sleep(0.1)
