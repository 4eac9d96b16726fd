"""Routes of the main table -> the links on which an address may be.

Pure. best(A) are the routes with the longest prefix over A that no router advertisement made. A claim of A on another
link than theirs is refused if

- nested: a shorter on-link prefix over A is connected on a link that best(A) does not name. Best(A) was carved out of
  it, for containers or VPN clients; or
- direction: the claim comes from the link of a default route, and no on-link prefix over A is connected there. The
  prefix belongs to the inside.

Any neighbor can send a router advertisement. So an advertised route carves nothing out, and counts only as the /64
that hosts configure their addresses from (RFC 4862, 5.5.3 with RFC 4291, 2.5.1).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from ndpbr_py.core.events import Route, RouteType

_NOWHERE = frozenset((RouteType.UNREACHABLE, RouteType.BLACKHOLE, RouteType.PROHIBIT))
_SLAAC_LENGTH = 64
# RFC 6177: the shortest prefix of one site. Any host can advertise 2000::/3, and then claim every public address.
_MIN_PREFIX_LENGTH = 48
_ALL_ONES = (1 << 128) - 1
_Prefix = tuple[int, int]  # its length, and its address as a number


@dataclass(frozen=True, slots=True)
class _Verdict:
    """On which links an address may not be.

    Attributes:
        only: The only links on which it may be; None: all links but `closed`.
        closed: The links on which it may not be.
    """

    only: frozenset[str] | None = None
    closed: frozenset[str] = frozenset()


_ANYWHERE = _Verdict()
_ON_NO_LINK = _Verdict(frozenset())


def too_short(connected: Iterable[IPv6Network], configured: Iterable[IPv6Network]) -> frozenset[IPv6Network]:
    """Return the connected prefixes that do not count as on-link: they are larger than a site, and not configured."""
    return frozenset(
        prefix
        for prefix in connected
        if prefix.prefixlen < _MIN_PREFIX_LENGTH and not any(map(prefix.subnet_of, configured))
    )


def described(routes: Iterable[Route]) -> str:
    """Return *routes* to one prefix as text, e.g. ``2001:db8:1:0:b::/80 dev tun0``."""
    found = {f"dev {route.dev}" if route.type is RouteType.UNICAST else route.type.value: route for route in routes}
    return f"{next(iter(found.values())).prefix} {' and '.join(found)}"


class RoutingTable:
    """The routes, and which claims they refuse.

    Args:
        routes: As in a snapshot.
        prefixes: The prefixes of --prefix, in which a connected prefix may be of any length.

    Attributes:
        routes: The routes.
        ignored: The connected prefixes that do not count as on-link, because they are too short.
        advertised: The prefixes longer than /64 that only router advertisements made.
        uplinks: The interfaces of default routes, with or without a gateway.
        verdicts: By mask, the longest first. Empty in a home, where every address may be on every link.
    """

    def __init__(self, routes: Iterable[Route] = (), prefixes: frozenset[IPv6Network] = frozenset()) -> None:
        self.routes = tuple(routes)
        self.ignored = too_short((route.prefix for route in self.routes if route.connected), prefixes)
        longer = [route for route in self.routes if route.prefix.prefixlen > _SLAAC_LENGTH]
        configured = {route.prefix for route in longer if not route.advertised}
        self.advertised = frozenset(route.prefix for route in longer) - configured
        self.uplinks = frozenset(route.dev for route in self.routes if route.default)
        self._by_prefix: dict[_Prefix, list[Route]] = defaultdict(list)
        for route in self.routes:
            if not route.default and _names_a_link(route):
                self._by_prefix[route.prefix.prefixlen, int(route.prefix.network_address)].append(route)
        self._lengths = sorted({length for length, _ in self._by_prefix}, reverse=True)
        verdicts = {prefix: self._verdict(*prefix) for prefix in self._by_prefix}
        self.verdicts: list[tuple[int, dict[int, _Verdict]]] = []
        if any(verdict is not _ANYWHERE for verdict in verdicts.values()):
            for length in self._lengths:
                same = {base: verdict for (its_length, base), verdict in verdicts.items() if its_length == length}
                self.verdicts.append((_mask(length), same))

    def refuses(self, number: int, dev: str) -> bool:
        """Whether the address *number* may not be claimed on *dev*."""
        for mask, verdicts in self.verdicts:
            verdict = verdicts.get(number & mask)
            if verdict is not None:
                return dev in verdict.closed or (verdict.only is not None and dev not in verdict.only)
        return False

    def lead_to(self, dev: str, address: IPv6Address) -> bool:
        """Whether all routes with the longest prefix over *address* are on *dev*."""
        best = self.best(address)
        return bool(best) and all(route.dev == dev and not route.advertised for route in best)

    def best(self, address: IPv6Address) -> Sequence[Route]:
        """Return the routes with the longest prefix over *address*; none if only default routes lead there."""
        return self._best(self._covering(128, int(address)))

    def _covering(self, length: int, base: int) -> list[list[Route]]:
        """Return the routes over a prefix, those with the same prefix together, the longest prefix first."""
        prefixes = ((it, base & _mask(it)) for it in self._lengths if it <= length)
        return [self._by_prefix[prefix] for prefix in prefixes if prefix in self._by_prefix]

    def _best(self, covering: list[list[Route]]) -> Sequence[Route]:
        for number, routes in enumerate(covering):
            if any(route.type is RouteType.UNICAST and not route.advertised for route in routes):
                return [route for route in routes if route.type is RouteType.UNICAST]
            nowhere = any(route.type in _NOWHERE for route in routes)
            # A route to nowhere is often only the aggregate of the on-link prefixes.
            if nowhere and not any(self._on_link(longer) for longer in covering[: number + 1]):
                return routes
        return ()

    def _verdict(self, length: int, base: int) -> _Verdict:
        covering = self._covering(length, base)
        best = self._best(covering)
        if not best:
            return _ANYWHERE
        if best[0].type is not RouteType.UNICAST:
            return _ON_NO_LINK
        links = frozenset(route.dev for route in best)
        enclosing = [routes for routes in covering if routes[0].prefix.prefixlen < best[0].prefix.prefixlen]
        shorter = {dev for routes in enclosing for dev in self._on_link(routes)}
        connected = shorter | self._on_link(best)
        only = links if shorter - links else None
        closed = self.uplinks - connected - links
        return _Verdict(only, closed) if only is not None or closed else _ANYWHERE

    def _on_link(self, routes: Iterable[Route]) -> set[str]:
        """Return the interfaces on which one of *routes* makes its prefix on-link."""
        return {route.dev for route in routes if route.connected and route.prefix not in self.ignored}


def _names_a_link(route: Route) -> bool:
    if route.type is not RouteType.UNICAST:
        return route.type in _NOWHERE
    return route.dev != "lo" and (not route.advertised or route.prefix.prefixlen == _SLAAC_LENGTH)


def _mask(length: int) -> int:
    return _ALL_ONES >> (128 - length) << (128 - length)
