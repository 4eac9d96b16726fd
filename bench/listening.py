"""The cost of listening: CPU time per forwarded packet with the daemon, with its --no-listen, and without a daemon.

Each IPv6 packet that is received on a listed interface passes the filter of the packet socket. The modem sends
datagrams to a LAN host, in many alternating rounds with the three routers. All that happens to a packet on its way
through these veth links is counted as CPU time of its sender.
"""

from __future__ import annotations

import socket
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.report import heading, median, table
from bench.site import start
from tests.claim import claim
from tests.home import LAN, Home, home
from tests.lab import Lab, until
from tests.observed import proxies, routes

_ROUNDS = 41
_PACKETS = 10000
_PORT = 9  # RFC 863; the socket there is never read, and the kernel drops what does not fit


def run() -> None:
    """Print the table."""
    heading("The cost of listening")
    with ExitStack() as stack:
        senders = {name: _sender(stack, name) for name in ("listening", "--no-listen", "no daemon")}
        costs: dict[str, list[float]] = {name: [] for name in senders}
        for number in range(_ROUNDS):
            for name in list(senders)[number % 3 :] + list(senders)[: number % 3]:
                costs[name].append(_cost(senders[name]))
    columns = ("router", "CPU time per packet: lowest", "median", "more than without a daemon: median", "quartiles")
    table(columns, _rows(costs))


def _rows(costs: dict[str, list[float]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, values in costs.items():
        ratios = sorted(value / without - 1 for value, without in zip(values, costs["no daemon"], strict=True))
        middle, low, high = (ratios[len(ratios) * quarter // 4] * 100 for quarter in (2, 1, 3))
        lowest, usual = (f"{cost * 1e6:.2f} µs" for cost in (min(values), median(values) or 0))
        rows.append((name, lowest, usual, f"{middle:+.1f} %", f"{low:+.1f} to {high:+.1f} %"))
    return rows


def _sender(stack: ExitStack, name: str) -> socket.socket:
    """Return a socket on the modem of a home whose router forwards what is sent with it to a LAN host."""
    where = home(stack.enter_context(Lab(f"{name.strip('-').partition(' ')[0]}-")))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    if name == "no daemon":
        for dev in ("all", "wan0", "lan0"):  # with `all` the kernel looks for a proxy entry of each forwarded packet
            where.router.sysctl(f"net/ipv6/conf/{dev}/proxy_ndp", 1)
        where.router.lay(f"route add {LAN}/128 dev lan0", f"neigh add proxy {LAN} dev wan0")
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
