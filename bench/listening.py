"""The cost of listening: CPU time per forwarded packet with the daemon, with its --no-listen, and without a daemon.

Each IPv6 packet that is received on a listed interface passes the filter of the packet socket. The modem sends
datagrams to a LAN host, in many alternating rounds with the routers. All that happens to a packet on its way through
these veth links is counted as CPU time of its sender.

`ways` compares how solicitations could be received: each on a router without a daemon.
"""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.report import heading, median, table
from bench.site import start
from ndpbr_py.packets.filter import PROGRAM
from ndpbr_py.system import bpf
from tests.claim import claim
from tests.home import LAN, Home, home
from tests.lab import Host, Lab, until
from tests.observed import proxies, routes

_ROUNDS = 41
_PACKETS = 10000
_NO_DAEMON = "no daemon"
_IPV6, _ALL = 0x86DD, 3  # linux/if_ether.h
_PORT = 9  # RFC 863; the socket there is never read, and the kernel drops what does not fit


def run() -> None:
    """Print the table of the daemon."""
    heading("The cost of listening")
    _table(("listening", "--no-listen", _NO_DAEMON))


def run_ways() -> None:
    """Print the table of the ways to receive solicitations."""
    heading("Ways to receive solicitations")
    _table((*_WAYS, _NO_DAEMON))


def _table(names: Sequence[str]) -> None:
    with ExitStack() as stack:
        senders = {name: _sender(stack, name) for name in names}
        costs: dict[str, list[float]] = {name: [] for name in senders}
        for number in range(_ROUNDS):
            for name in (*names[number % len(names) :], *names[: number % len(names)]):
                costs[name].append(_cost(senders[name]))
    columns = ("router", "CPU time per packet: lowest", "median", "more than without a daemon: median", "quartiles")
    table(columns, _rows(costs))


def _rows(costs: dict[str, list[float]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, values in costs.items():
        ratios = sorted(value / without - 1 for value, without in zip(values, costs[_NO_DAEMON], strict=True))
        middle, low, high = (ratios[len(ratios) * quarter // 4] * 100 for quarter in (2, 1, 3))
        lowest, usual = (f"{cost * 1e6:.2f} µs" for cost in (min(values), median(values) or 0))
        rows.append((name, lowest, usual, f"{middle:+.1f} %", f"{low:+.1f} to {high:+.1f} %"))
    return rows


def _sender(stack: ExitStack, name: str) -> socket.socket:
    """Return a socket on the modem of a home whose router forwards what is sent with it to a LAN host."""
    where = home(stack.enter_context(Lab(f"{name.strip('-').replace(' ', '-')[-12:]}-")))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    if name == _NO_DAEMON or name in _WAYS:
        for dev in ("all", "wan0", "lan0"):  # with `all` the kernel looks for a proxy entry of each forwarded packet
            where.router.sysctl(f"net/ipv6/conf/{dev}/proxy_ndp", 1)
        where.router.lay(f"route add {LAN}/128 dev lan0", f"neigh add proxy {LAN} dev wan0")
        if name in _WAYS:
            _WAYS[name](where.router, stack)
    else:
        start(where, folder, *([name] if name.startswith("-") else []))
        claim(where.lan, LAN)
        until(lambda: _is_served(where), what="the host is learned")
    receiver = where.lan.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    receiver.bind(("::", _PORT))
    sender = where.modem.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    sender.connect((LAN, _PORT))
    receiver.settimeout(0.1)
    until(lambda: _is_delivered(sender, receiver), what="packets are forwarded")
    stack.callback(receiver.close)
    stack.callback(sender.close)
    return sender


def _packet_sockets(protocol: int, router: Host, stack: ExitStack) -> None:
    """Open what the daemon opens, or the same for packets of all protocols and those that the router sends."""
    for dev in ("wan0", "lan0"):
        it = stack.enter_context(router.inside(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)))
        bpf.attach(PROGRAM, it)
        router.inside(partial(it.bind, (dev, protocol)))


def _nft(router: Host, _: ExitStack) -> None:
    """Have a rule before routing hand solicitations to a netlink socket."""
    rule = "type filter hook prerouting priority -300; icmpv6 type nd-neighbor-solicit log group 5"
    _ran(router, "nft", f"table ip6 listen {{ chain receive {{ {rule}; }}; }}")


def _tc(router: Host, _: ExitStack) -> None:
    """Have a filter at the entry of each interface copy solicitations to an interface where a socket could be."""
    router.lay("link add ifb0 type ifb", "link set ifb0 up")
    matches = "u32 match ip6 protocol 58 0xff match u8 135 0xff at 40 action mirred egress mirror dev ifb0"
    for dev in ("wan0", "lan0"):
        _ran(router, "tc", *f"qdisc add dev {dev} clsact".split())
        _ran(router, "tc", *f"filter add dev {dev} ingress protocol ipv6 {matches}".split())


def _ran(router: Host, *argv: str) -> None:
    done = router.run(*argv)
    assert done.returncode == 0, done.stderr


_WAYS: dict[str, Callable[[Host, ExitStack], None]] = {
    "packet socket for IPv6": partial(_packet_sockets, _IPV6),
    "packet socket for all protocols": partial(_packet_sockets, _ALL),
    "nft rule": _nft,
    "tc filter": _tc,
}


def _is_served(where: Home) -> bool:
    return any(LAN in entry for entry in proxies(where.router)) and any(LAN in it for it in routes(where.router))


def _is_delivered(sender: socket.socket, receiver: socket.socket) -> bool:
    sender.send(b"")
    try:
        return receiver.recv(1) == b""
    except TimeoutError:
        return False


def _cost(sender: socket.socket) -> float:
    """Return the CPU time per packet, in seconds."""
    started = time.process_time()
    for _ in range(_PACKETS):
        sender.send(b"")
    return (time.process_time() - started) / _PACKETS
