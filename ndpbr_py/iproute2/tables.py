"""Lines of `ip -6 -N ... show` -> KernelSnapshot.

Pure. Grammar: print_route() and print_neigh() of iproute2, with numeric protocols (-N, iproute2 5.3 and later; older
versions print the number, too, unless rt_protos has a name for it). Lines that are not understood are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv6Address, IPv6Network

from ndpbr_py.core.address import parsed, text
from ndpbr_py.core.events import (
    HostRoute,
    KernelSnapshot,
    LinkChanged,
    NeighborChanged,
    PrefixOrDefaultRoute,
    ProxyEntry,
    RouteType,
)
from ndpbr_py.iproute2 import parser

# ip(8) does not print the type unicast; -N prints the numbers of the others, which begin at 2 (linux/rtnetlink.h).
_TYPES = {kind.value: kind for kind in RouteType if kind is not RouteType.UNICAST}
_TYPES |= {str(number): kind for number, kind in enumerate(RouteType, 1) if kind is not RouteType.UNICAST}
KINDS = ("link", "address", "route", "proxy", "neighbor")  # of tables, in the order of the dumps
_RA = ("ra", "9")  # RTPROT_RA
_EVERYWHERE = IPv6Network("::/0")
_ADDRESS = re.compile(r"\d+: \S+\s+inet6 ([0-9a-f:.]+)(?: peer [0-9a-f:.]+)?/\d+")


class Tables:
    """Collects the lines of each dump; `snapshot()` returns what they say about the listed interfaces."""

    def __init__(self, interfaces: Sequence[str], protocol: int) -> None:
        self._interfaces = frozenset(interfaces)
        self._protocol = str(protocol)
        self._neighbors: list[NeighborChanged] = []
        self._addresses: dict[str, IPv6Address] = {}
        self._proxies: list[ProxyEntry] = []
        self._routes: list[PrefixOrDefaultRoute] = []
        # About the multipath route whose next hops follow: is it a default route, and was it advertised?
        self._default = self._advertised = False
        self._host_routes: list[HostRoute] = []
        self._on_link: set[IPv6Network] = set()
        self._next_hops: dict[IPv6Address, str] = {}
        self._own: set[IPv6Address] = set()
        self._up: set[str] = set()
        self._without_nd: set[str] = set()
        self._names: dict[int, str] = {}

    def line_parser(self, kind: str) -> Callable[[str], None]:
        """Return the method that parses the lines of a kind of table."""
        return dict(zip(KINDS, (self.link, self.address, self.route, self.proxy, self.neighbor), strict=True))[kind]

    def neighbor(self, line: str) -> None:
        """Parse a line of `neigh show`."""
        event = parser.neighbor(line, line.split(), self._interfaces, self._known)
        if isinstance(event, NeighborChanged):
            self._neighbors.append(event)

    def proxy(self, line: str) -> None:
        """Parse a line of `neigh show proxy`."""
        words = line.split()
        rest = words[3:]
        # On lo ours are warm-ups under way.
        if (
            "proxy" in rest
            and words[1] == "dev"
            and words[2] != "lo"
            and (address := self._address(words[0])) is not None
        ):
            tagged = "proto" in rest and rest[-1] == self._protocol
            self._proxies.append(ProxyEntry(address, words[2], tagged))

    def route(self, line: str) -> None:
        """Parse a line of `route show`."""
        words = line.split()
        if not words:
            return
        # The common form of a host route, of which there may be thousands: ADDR dev DEV proto N metric N pref PREF.
        if len(words) == 9 and words[1] == "dev" and words[3] == "proto":
            address = self._address(words[0])
            if address is not None:
                self._host_routes.append(HostRoute(address, words[2], words[4] == self._protocol))
                return
        if line[0] in " \t":
            # A next hop of the multipath route above.
            self._next_hop(dict(zip(words[1::2], words[2::2], strict=False)))
            return
        kind = _TYPES.get(words[0])
        if kind is not None:
            del words[0]
        # A route is pairs of words, up to the flags at its end.
        pairs = dict(zip(words[1::2], words[2::2], strict=False))
        self._default = words[:1] == ["default"] and kind is None
        self._advertised = pairs.get("proto") in _RA
        if words[:1] == ["default"]:
            self._next_hop(pairs)
        elif words and ("/" not in words[0] or words[0].endswith("/128")):
            if (address := self._address(words[0].removesuffix("/128"))) is not None:
                ours = kind is None and pairs.get("proto") == self._protocol
                dev = pairs.get("dev") if kind is None else None
                self._host_routes.append(HostRoute(address, dev, ours, kind or RouteType.UNICAST))
        elif words and kind is None and "dev" in pairs and "via" not in pairs:
            self._connected(words[0], pairs["dev"])

    def _next_hop(self, pairs: Mapping[str, str]) -> None:
        if self._default and "dev" in pairs:
            gateway = self._address(pairs.get("via", ""))
            self._routes.append(PrefixOrDefaultRoute(_EVERYWHERE, pairs["dev"], gateway, self._advertised))
            if gateway is not None:
                self._next_hops[gateway] = pairs["dev"]

    def address(self, line: str) -> None:
        """Parse a line of `-o address show`."""
        match = _ADDRESS.match(line)
        if match is not None and (address := self._address(match.group(1))) is not None:
            self._own.add(address)

    def link(self, line: str) -> None:
        """Parse a line of `-o link show`."""
        event = parser.event(line)
        if isinstance(event, LinkChanged):
            self._names[event.index] = event.dev
            if event.up:
                self._up.add(event.dev)
            if not event.nd:
                self._without_nd.add(event.dev)

    def snapshot(self) -> KernelSnapshot:
        """Return everything parsed so far."""
        return KernelSnapshot(
            neighbors=tuple(self._neighbors),
            proxies=tuple(self._proxies),
            host_routes=tuple(self._host_routes),
            on_link=frozenset(self._on_link),
            own=frozenset(self._own),
            next_hops=self._next_hops,
            up=frozenset(self._up) & self._interfaces,
            without_nd=frozenset(self._without_nd) & self._interfaces,
            names=self._names,
            routes=tuple(self._routes),
        )

    def _known(self, text: str) -> IPv6Address:
        """Return the address that *text* spells: the same object in all tables, which makes comparisons fast."""
        address = self._addresses.get(text)
        if address is None:
            address = self._addresses[text] = parsed(text)
        return address

    def _address(self, text: str) -> IPv6Address | None:
        try:
            return self._known(text)
        except (OSError, ValueError):
            return None

    def _connected(self, prefix: str, dev: str) -> None:
        try:
            network = IPv6Network(prefix)
        except ValueError:
            return
        if 0 < network.prefixlen < 128 and not network.is_link_local:
            self._routes.append(PrefixOrDefaultRoute(network, dev, None, self._advertised))
            if dev in self._interfaces:
                self._on_link.add(network)


def route_words(route: HostRoute) -> tuple[str, ...]:
    """Return the words by which `ip -6 route del` finds *route*."""
    kind = () if route.type is RouteType.UNICAST else (route.type.value,)
    return (*kind, text(route.address), *(("dev", route.dev) if route.dev is not None else ()))


def in_use(line: str) -> IPv6Address | None:
    """Return the address in a line of `-o address show`; None while duplicate address detection has not passed."""
    match = _ADDRESS.match(line)
    if match is not None and {"tentative", "dadfailed"}.isdisjoint(line.split()):
        with suppress(OSError):
            return parsed(match.group(1))
    return None
