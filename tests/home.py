"""A Lab -> the typical home network: one /64 on both sides of a router.

    inet eth0 -- inet0 modem lan0 -- wan0 router lan0 -- eth0 lan
                                                 lan1 -- eth0 lan2

The modem believes that all of 2001:db8:64::/64 is on its lan0; half of it is behind the router.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab import Host, Lab

INET = "2001:db8:ffff::2"
MODEM = "2001:db8:64::1"
ROUTER = "2001:db8:64::2"
LAN = "2001:db8:64::11"
LAN2 = "2001:db8:64::22"


@dataclass(frozen=True, slots=True)
class Home:
    """The machines; all interfaces are up."""

    inet: Host
    modem: Host
    router: Host
    lan: Host
    lan2: Host


def home(lab: Lab) -> Home:
    """Return the network, set up and ready to use."""
    it = Home(**{name: lab.host(name) for name in ("inet", "modem", "router", "lan", "lan2")})
    lab.link(it.inet, "eth0", it.modem, "inet0")
    lab.link(it.modem, "lan0", it.router, "wan0")
    lab.link(it.router, "lan0", it.lan, "eth0")
    lab.link(it.router, "lan1", it.lan2, "eth0")
    for forwarder in (it.modem, it.router):
        forwarder.sysctl("net/ipv6/conf/all/forwarding", 1)
    it.inet.lay(*_up("eth0", f"{INET}/64"), "route add default via 2001:db8:ffff::1")
    it.modem.lay(*_up("inet0", "2001:db8:ffff::1/64"), *_up("lan0", f"{MODEM}/64"))
    it.router.lay(
        *_up("wan0", f"{ROUTER}/64"),
        f"route add default via {MODEM} dev wan0",
        *(line for dev in ("lan0", "lan1") for line in _inward(dev)),
    )
    for host, address in ((it.lan, LAN), (it.lan2, LAN2)):
        host.lay(*_up("eth0", f"{address}/64"), "route add default via fe80::1 dev eth0")
    return it


def carry(here: Host, there: Host) -> None:
    """Give the host *there* the lladdr and the address of *here*, as if it had moved."""
    lladdr = here.mac("eth0")
    here.lay(f"address del {LAN}/64 dev eth0", "link set eth0 address 02:00:00:00:00:77")
    there.lay(
        f"address del {LAN2}/64 dev eth0",
        f"link set eth0 address {lladdr}",
        f"address add {LAN}/64 dev eth0 nodad",
        "route replace default via fe80::1 dev eth0",
    )


def leave_a_route(it: Home) -> None:
    """Add what an earlier run leaves: after a start that finds nothing, each new host is advertised to all nodes."""
    it.router.ip("-6 route add 2001:db8:1eff::1/128 dev lan0 proto 135")


def solicit_once(modem: Host) -> None:
    """Have *modem* solicit an address only once: without an answer to that, its packets are lost."""
    # It keeps them while it waits, so that nothing is lost because the machine is slow.
    for name, value in (("mcast_solicit", 1), ("retrans_time_ms", 60_000)):
        modem.sysctl(f"net/ipv6/neigh/lan0/{name}", value)


def _up(dev: str, address: str) -> list[str]:
    return [f"link set {dev} up", f"address add {address} dev {dev} nodad"]


def _inward(dev: str) -> list[str]:
    # Only fe80::1, so that the kernel has one source address for its solicitations.
    return [f"link set {dev} addrgenmode none", *_up(dev, "fe80::1/64")]
