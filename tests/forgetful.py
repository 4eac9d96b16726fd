"""A host of the lab -> the same with a switch in it that snoops MLD, hears no querier, and forgets."""

from __future__ import annotations

from tests.lab import Host

FORGETS = 3.0  # s, after a report


def forgetful(host: Host, dev: str, address: str) -> str:
    """Put a snooping bridge of *host* over *dev*, which then has *address*; return its name.

    It believes that it is the querier, and asks once an hour: so multicast goes to those alone who reported of
    themselves in the last FORGETS seconds, which are the last ones they report in.
    """
    bridge = "br0"
    # Times are in hundredths of a second.  It begins to snoop when a query could have been answered.
    options = "mcast_query_response_interval 10 mcast_query_interval 360000 mcast_startup_query_count 0"
    host.lay(
        f"link add {bridge} type bridge mcast_snooping 1 {options} mcast_membership_interval {int(FORGETS * 100)}",
        f"link set {bridge} type bridge mcast_querier 1",
        f"address flush dev {dev}",
        f"link set {dev} master {bridge}",
        f"link set {bridge} up",
        f"address add {address}/64 dev {bridge} nodad",
    )
    return bridge
