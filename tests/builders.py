"""A few words -> the values that the tests use, with the usual host, interface and link-layer address left out."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

from ndpbr_py.core.actions import Action
from ndpbr_py.core.decision import Decision
from ndpbr_py.core.events import (
    Event,
    HostRoute,
    KernelSnapshot,
    LinkChanged,
    NeighborChanged,
    NeighborDeleted,
    NudState,
    ProxyEntry,
    Route,
    RouterAddress,
    RouteType,
    SolicitationReceived,
)
from ndpbr_py.core.host_states import HostState
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.state import Rules
from ndpbr_py.logs.sink import Sink
from ndpbr_py.system.lock import NAMES

FIXTURES = Path(__file__).parent.parent / "fixtures"
HOST = "2001:db8::33"
LLADDR = "02:00:00:00:00:33"
OTHER_LLADDR = "02:00:00:00:00:66"
PREFIX = IPv6Network("2001:db8::/64")
INTERFACES = ("wan0", "lan0")


def lay_locks(proc: Path, *names: str) -> None:
    """Write the files below *proc* that say that a process holds the locks *names*."""
    file = proc / "sys/net/ipv6" / NAMES
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    at = f"{os.major(file.stat().st_dev):02x}:{os.minor(file.stat().st_dev):02x}:{file.stat().st_ino}"
    held = [f"{n}: POSIX  ADVISORY  READ 4711 {at} {zlib.crc32(name.encode())} 0\n" for n, name in enumerate(names, 1)]
    other = [f"8: POSIX  ADVISORY  READ 4711 00:00:1 {zlib.crc32(b'protocol 77')} 0\n", "8: -> blocked\n", "garbage\n"]
    (proc / "locks").write_text("".join(held + other))


def addr(text: str = HOST) -> IPv6Address:
    """Return an address."""
    return IPv6Address(text)


def changed(
    address: str = HOST,
    dev: str = "lan0",
    state: NudState = NudState.STALE,
    lladdr: str | None = LLADDR,
    unknown: tuple[str, ...] = (),
    *,
    router: bool = False,
) -> NeighborChanged:
    """Return what a line about a neighbor says; the last states come without a link-layer address."""
    if state in (NudState.FAILED, NudState.INCOMPLETE, NudState.NONE):
        lladdr = None
    return NeighborChanged(addr(address), dev, lladdr, state, unknown, router)


def deleted(
    address: str = HOST, dev: str = "lan0", state: NudState = NudState.STALE, lladdr: str | None = LLADDR
) -> NeighborDeleted:
    """Return what a line that begins with `Deleted` says."""
    return NeighborDeleted(addr(address), dev, lladdr, state)


def link(dev: str = "lan0", *, up: bool) -> LinkChanged:
    """Return the event that an interface was set up or down."""
    return LinkChanged(3, dev, up, up)


def solicited(
    target: str = HOST, dev: str = "wan0", source: str | None = "fe80::1", lladdr: str | None = OTHER_LLADDR
) -> SolicitationReceived:
    """Return a solicitation for *target*, received on *dev*."""
    return SolicitationReceived(dev, IPv6Address(source) if source else None, addr(target), lladdr)


def detection(target: str = HOST, dev: str = "lan0", lladdr: str | None = LLADDR) -> SolicitationReceived:
    """Return a DAD probe for *target*, received on *dev*."""
    return solicited(target, dev, None, lladdr)


def known(
    address: str = HOST, dev: str = "lan0", lladdr: str | None = LLADDR, *, verified: bool = False, confirmed: float = 0
) -> Host:
    """Return a known host."""
    nud, state = (NudState.REACHABLE, HostState.VERIFIED) if verified else (NudState.STALE, HostState.UNVERIFIED)
    return Host(addr(address), dev, lladdr, nud, confirmed, state)


def nd_proxy(
    *interfaces: str,
    max_hosts: int = 4096,
    per_lladdr: int = 64,
    expire: float = 3600.0,
    refresh: float | None = None,
    can_resolve: bool = True,
    answer_as_target: Iterable[str] = (),
    upstreams: Iterable[str] = (),
) -> NdProxy:
    """Return a proxy that knows no host yet; 2001:db8::/64 is on-link."""
    prefixes = frozenset({PREFIX})
    return NdProxy(
        Rules(
            interfaces or INTERFACES,
            prefixes,
            expire_interval_s=expire,
            refresh_s=refresh,
            can_resolve=can_resolve,
            answer_as_target=frozenset(answer_as_target),
            upstreams=frozenset(upstreams),
            max_hosts=max_hosts,
            max_hosts_per_lladdr=per_lladdr,
        )
    )


def route(
    address: str = HOST, dev: str | None = "lan0", *, ours: bool = True, kind: RouteType = RouteType.UNICAST
) -> HostRoute:
    """Return a host route of the kernel's."""
    return HostRoute(IPv6Address(address), dev, ours, kind)


def prefix_route(
    prefix: str = str(PREFIX),
    dev: str = "wan0",
    via: str | None = None,
    *,
    advertised: bool = False,
    kind: RouteType = RouteType.UNICAST,
) -> Route:
    """Return a route of another program."""
    return Route(IPv6Network(prefix), dev, addr(via) if via else None, advertised, kind)


def entry(address: str = HOST, dev: str = "wan0", *, ours: bool = True) -> ProxyEntry:
    """Return a proxy entry of the kernel's."""
    return ProxyEntry(addr(address), dev, ours)


def kernel(
    *found: HostRoute | ProxyEntry | NeighborChanged | Route,
    up: Iterable[str] = INTERFACES,
    own: Iterable[str] = (),
    router_addresses: Iterable[RouterAddress] = (),
    next_hops: dict[str, str] | None = None,
    without_nd: Iterable[str] = (),
    without_carrier: Iterable[str] = (),
    routed: dict[str, str] | None = None,
) -> KernelSnapshot:
    """Return a snapshot of the kernel's tables."""
    return KernelSnapshot(
        neighbors=tuple(it for it in found if isinstance(it, NeighborChanged)),
        proxies=tuple(it for it in found if isinstance(it, ProxyEntry)),
        host_routes=tuple(it for it in found if isinstance(it, HostRoute)),
        on_link=frozenset({PREFIX}),
        router_addresses=(*(RouterAddress(addr(it), "lo", settled=False) for it in own), *router_addresses),
        up=frozenset(up),
        without_nd=frozenset(without_nd),
        without_carrier=frozenset(without_carrier),
        routes=tuple(
            [it for it in found if isinstance(it, Route)]
            + [Route(IPv6Network("::/0"), dev, addr(a)) for a, dev in (next_hops or {}).items()]
        ),
        routed={addr(a): dev for a, dev in (routed or {}).items()},
    )


def handle(proxy: NdProxy, *events: Event, now: float = 0.0) -> list[Decision]:
    """Return the decisions that *proxy* makes on the last of *events*, which it handles in order."""
    decisions: Sequence[Decision] = ()
    for event in events:
        decisions = proxy.handle(event, now)
    return list(decisions)


def actions(decisions: Iterable[Decision]) -> list[Action]:
    """Return the actions of all decisions, in order."""
    return [action for decision in decisions for action in decision.actions]


def why(decisions: Iterable[Decision]) -> list[tuple[str, str]]:
    """Return the kind and the reason of each decision, as the log names them."""
    return [(decision.kind.value, decision.reason.value) for decision in decisions]


class Records(Sink):
    """A sink that keeps the records written to it, as (level, text)."""

    def __init__(self) -> None:
        super().__init__(str)
        self.written: list[tuple[str, str]] = []

    def write(self, level: str, text: str) -> None:
        """Keep a record."""
        self.written.append((level, text))

    def flush(self) -> None:
        """Do nothing: no record waits."""
