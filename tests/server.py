"""A Lab -> a rented server: its provider, containers on a bridge, and VPN clients behind a tun interface.

    inet eth0 -- inet0 modem lan0 -- eth0 server br0 -- eth0 container
                                                 tun0 == tun0 client

The provider believes that all of 2001:db8:64::/64 is on its lan0. The server has given one /80 of it to the bridge and
another one to the tunnel.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.lab import Host, Lab
from tests.tunnel import Tunnel

INET = "2001:db8:ffff::2"
MODEM = "2001:db8:64::1"
SERVER = "2001:db8:64::2"
BRIDGE, CONTAINER = "2001:db8:64:0:c::1", "2001:db8:64:0:c::5"
VPN, CLIENT, CLIENT2 = "2001:db8:64:0:b::1", "2001:db8:64:0:b::5", "2001:db8:64:0:b::6"


@dataclass(frozen=True, slots=True)
class Server:
    """The machines; the clients have no address yet (`Tunnel.connect`)."""

    inet: Host
    modem: Host
    server: Host
    container: Host
    client: Host
    client2: Host
    tunnel: Tunnel


@contextmanager
def rented(lab: Lab, *, carved: bool = True, recipe: bool = False, dev: str = "tun0") -> Iterator[Server]:
    """Give the server, ready to use; unless *carved*, the tunnel has no prefix. *recipe*: eth0 only is set up."""
    hosts = {name: lab.host(name) for name in ("inet", "modem", "server", "container", "client", "client2")}
    with Tunnel(hosts["server"], dev) as tunnel:
        it = Server(**hosts, tunnel=tunnel)
        lab.link(it.inet, "eth0", it.modem, "inet0")
        lab.link(it.modem, "lan0", it.server, "eth0")
        lab.link(it.server, "veth0", it.container, "eth0")
        it.modem.sysctl("net/ipv6/conf/all/forwarding", 1)
        it.inet.lay(*_up("eth0", f"{INET}/64"), "route add default via 2001:db8:ffff::1")
        it.modem.lay(*_up("inet0", "2001:db8:ffff::1/64"), *_up("lan0", f"{MODEM}/64"))
        it.server.lay(
            *_up("eth0", f"{SERVER}/64"),
            f"route add default via {MODEM} dev eth0",
        )
        if not recipe:
            it.server.sysctl("net/ipv6/conf/all/forwarding", 1)
            it.server.lay(
                "link add br0 type bridge",
                "link set veth0 master br0 up",
                *_up("br0", f"{BRIDGE}/80"),
                *([f"address add {VPN}/80 dev {dev} nodad"] if carved else []),
            )
        it.container.lay(*_up("eth0", f"{CONTAINER}/80"), f"route add default via {BRIDGE}")
        yield it


def _up(dev: str, address: str) -> list[str]:
    return [f"link set {dev} up", f"address add {address} dev {dev} nodad"]
