"""A solicitation for an address that the routing table sends where no lookup reaches it -> a proxy entry, for a while.

Pure. Behind an interface without neighbor discovery (a VPN), or behind a gateway, the kernel cannot find out whether a
host has the address. So the link that solicits it gets a proxy entry, whether a host has it or not: no route, and no
probe. Only addresses that no host of that link may have are proxied on demand, and only where no lookup is possible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv6Address
from itertools import takewhile
from typing import TYPE_CHECKING

from ndpbr_py.core.actions import AddProxy, DelProxy
from ndpbr_py.core.bounded import remember
from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.entry_diff import NOTHING, Entries, steps

if TYPE_CHECKING:
    from ndpbr_py.core.state import State

_IDLE_TIMEOUT_S = 600.0  # without a solicitation, after which the entry is removed
_MAX_ADDRESSES_PER_LINK = 256  # each is one more multicast group on the link


class OnDemand:
    """The addresses that are proxied on demand, by the link that solicited them; the least recent one first."""

    def __init__(self) -> None:
        self._links: dict[str, dict[IPv6Address, float]] = {}  # when it was last solicited there, in seconds

    def __contains__(self, place: tuple[IPv6Address, str]) -> bool:
        return place[0] in self._links.get(place[1], ())

    def __iter__(self) -> Iterator[tuple[IPv6Address, str]]:
        return ((address, dev) for dev, link in list(self._links.items()) for address in list(link))

    def links(self, address: IPv6Address) -> tuple[str, ...]:
        """Return the links on which *address* is proxied on demand."""
        return tuple(dev for dev, link in self._links.items() if address in link)

    def solicited(self, address: IPv6Address, dev: str, now: float) -> IPv6Address | None:
        """Record a solicitation; return the address that loses its place on *dev*."""
        return remember(self._links.setdefault(dev, {}), address, now, _MAX_ADDRESSES_PER_LINK)

    def remove(self, address: IPv6Address, dev: str) -> None:
        """Forget one address on one link."""
        self._links.get(dev, {}).pop(address, None)

    def remove_link(self, dev: str) -> None:
        """Forget all addresses on *dev*: the kernel has removed the entries with the interface."""
        self._links.pop(dev, None)

    def pop(self, address: IPv6Address) -> Entries:
        """Remove *address*, which a host has now, and return its entries."""
        devs = self.links(address) if self._links else ()
        for dev in devs:
            self.remove(address, dev)
        return Entries(None, devs) if devs else NOTHING

    def next_deadline(self) -> float | None:
        """Return when the next address is forgotten."""
        return min((next(iter(link.values())) + _IDLE_TIMEOUT_S for link in self._links.values() if link), default=None)

    def idle(self, now: float) -> list[tuple[IPv6Address, str]]:
        """Return the addresses that were not solicited for a long time."""
        old = now - _IDLE_TIMEOUT_S
        return [
            (address, dev)
            for dev, link in self._links.items()
            for address, _ in takewhile(lambda entry: entry[1] <= old, link.items())
        ]


def link_of(state: State, address: IPv6Address, dev: str) -> str | None:
    """Return the interface behind which *address* is, if it may be proxied on *dev* on demand; None otherwise."""
    routes, unresolvable = state.scope.routes, state.desired.without_nd
    if (static := state.static_link(address)) is not None:
        served = static != dev and static in unresolvable & state.desired.usable and address not in state.scope.own
        return static if served else None
    if not routes.verdicts or not routes.refuses(int(address), dev):
        return None  # a host on *dev* may have it
    best = routes.best(address)
    link = best[0].dev if best else dev
    if link == dev or link not in state.desired.usable or state.scope.objection(address, link) is not None:
        return None
    return link if best[0].gateway is not None or link in unresolvable else None


def proxied(state: State, address: IPv6Address, dev: str, link: str, now: float) -> list[Decision]:
    """Proxy *address*, which is behind *link*, on *dev* from now on."""
    if state.desired.is_foreign(address, dev):
        return []
    replaced = state.on_demand.solicited(address, dev, now)
    actions = [AddProxy(address, dev)]
    result = [Decision(DecisionKind.PROXIED_ON_DEMAND, Reason.SOLICITED, address, link, actions=actions)]
    return result if replaced is None else [*result, _unproxied(replaced, dev, Reason.REPLACED)]


def due(state: State, now: float) -> list[Decision]:
    """Return what follows for addresses that were not solicited for a long time."""
    return [_removed(state, address, dev, Reason.NOT_SOLICITED) for address, dev in state.on_demand.idle(now)]


def rerouted(state: State) -> list[Decision]:
    """Return what follows for addresses that are no longer proxied on demand: routes or interfaces have changed."""
    gone = [(address, dev) for address, dev in state.on_demand if link_of(state, address, dev) is None]
    return [_removed(state, address, dev, Reason.ROUTED_ELSEWHERE) for address, dev in gone]


def repaired(state: State, installed: Mapping[IPv6Address, Entries]) -> Iterator[Decision]:
    """Yield the decisions that turn the *installed* entries into the desired ones."""
    for address in {address for address, _ in state.on_demand}:
        needed = Entries(None, state.on_demand.links(address))
        if actions := steps(address, installed.get(address, NOTHING), needed):
            link = link_of(state, address, needed.proxies[0])
            yield Decision(DecisionKind.PROXIED_ON_DEMAND, Reason.DRIFTED, address, link, actions=actions)


def _removed(state: State, address: IPv6Address, dev: str, reason: Reason) -> Decision:
    state.on_demand.remove(address, dev)
    return _unproxied(address, dev, reason)


def _unproxied(address: IPv6Address, dev: str, reason: Reason) -> Decision:
    return Decision(DecisionKind.UNPROXIED, reason, address, dev, actions=[DelProxy(address, dev)])
