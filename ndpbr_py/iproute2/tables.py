"""Lines of `ip -6 -N ... show` -> KernelRead.

Pure.  Grammar: print_route() and print_neigh() of iproute2, with numeric protocols (-N, iproute2 5.3 and later; older
ones print the number, too, unless rt_protos has a name for it).  What is not understood is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv6Address, IPv6Network

from ndpbr_py.core.address import parsed
from ndpbr_py.core.events import HostRoute, KernelRead, LinkChanged, NeighborChanged, ProxyEntry
from ndpbr_py.iproute2 import parser

# Kinds of route that lead to no host on a link.
_NOT_UNICAST = frozenset(
    ("unreachable", "blackhole", "prohibit", "throw", "multicast", "anycast", "local", "broadcast")
)
_ADDRESS = re.compile(r"\d+: \S+\s+inet6 ([0-9a-f:.]+)(?: peer [0-9a-f:.]+)?/\d+")


class Tables:
    """Collects the lines of each dump; `read()` is what they say about the listed interfaces."""

    def __init__(self, interfaces: Sequence[str], protocol: int) -> None:
        self._interfaces = frozenset(interfaces)
        self._protocol = str(protocol)
        self._neighbors: list[NeighborChanged] = []
        self._proxies: list[ProxyEntry] = []
        self._host_routes: list[HostRoute] = []
        self._on_link: set[IPv6Network] = set()
        self._next_hops: dict[IPv6Address, str] = {}
        self._own: set[IPv6Address] = set()
        self._up: set[str] = set()
        self._names: dict[int, str] = {}

    def neighbor(self, line: str) -> None:
        """Take a line of `neigh show`."""
        event = parser.event(line, self._interfaces)
        if isinstance(event, NeighborChanged):
            self._neighbors.append(event)

    def proxy(self, line: str) -> None:
        """Take a line of `neigh show proxy`."""
        words = line.split()
        rest = words[3:]
        if "proxy" in rest and words[1] == "dev" and (address := _address(words[0])) is not None:
            tagged = "proto" in rest and rest[-1] == self._protocol
            self._proxies.append(ProxyEntry(address, words[2], tagged))

    def route(self, line: str) -> None:
        """Take a line of `route show`."""
        words = line.split()
        # A multipath route's next hops stand on lines of their own, and it is never on-link.
        if not words or line[0] in " \t" or words[0] in _NOT_UNICAST:
            return
        # Up to the flags at its end a route is pairs of words.
        said = dict(zip(words[1::2], words[2::2], strict=False))
        dev, via = said.get("dev"), said.get("via")
        if dev is None:
            return
        if words[0] == "default":
            if via is not None and (gateway := _address(via)) is not None:
                self._next_hops[gateway] = dev
        elif "/" not in words[0] or words[0].endswith("/128"):
            if (address := _address(words[0].removesuffix("/128"))) is not None:
                self._host_routes.append(HostRoute(address, dev, said.get("proto") == self._protocol))
        elif dev in self._interfaces and via is None:
            self._connected(words[0])

    def address(self, line: str) -> None:
        """Take a line of `-o address show`."""
        match = _ADDRESS.match(line)
        if match is not None and (address := _address(match.group(1))) is not None:
            self._own.add(address)

    def link(self, line: str) -> None:
        """Take a line of `-o link show`."""
        event = parser.event(line)
        if isinstance(event, LinkChanged):
            self._names[event.index] = event.dev
            if event.up:
                self._up.add(event.dev)

    def read(self) -> KernelRead:
        """Return what was read."""
        return KernelRead(
            neighbors=tuple(self._neighbors),
            proxies=tuple(self._proxies),
            host_routes=tuple(self._host_routes),
            on_link=frozenset(self._on_link),
            own=frozenset(self._own),
            next_hops=self._next_hops,
            up=frozenset(self._up) & self._interfaces,
            names=self._names,
        )

    def _connected(self, prefix: str) -> None:
        try:
            network = IPv6Network(prefix)
        except ValueError:
            return
        if 0 < network.prefixlen < 128 and not network.is_link_local:
            self._on_link.add(network)


def _address(text: str) -> IPv6Address | None:
    try:
        return parsed(text)
    except (OSError, ValueError):
        return None
