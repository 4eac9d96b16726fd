"""NdProxy: events -> decisions.  What is known is kept here; each kind of event has its judgement in a file beside.

Pure: the time is told, in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from ndpbr_py.core import links, neighbors, reconcile
from ndpbr_py.core.actions import AddProxy, AddRoute, Entry, Probe, Refresh
from ndpbr_py.core.decision import Decision, What
from ndpbr_py.core.entries import NOTHING, steps
from ndpbr_py.core.events import (
    ActionRefused,
    Event,
    KernelRead,
    LinkChanged,
    LinkDeleted,
    NeighborChanged,
    NeighborDeleted,
    NudState,
    ReadStarted,
    Refusal,
    Tick,
)
from ndpbr_py.core.expiry import Rounds
from ndpbr_py.core.hosts import Host, Hosts
from ndpbr_py.core.placement import Placement
from ndpbr_py.core.policy import Reason, Scope


@dataclass(frozen=True, slots=True)
class Rules:
    """What the user wants.

    Attributes:
        interfaces: The listed interfaces.
        prefixes: Addresses in these count as on-link, besides the connected prefixes.
        everything_on_link: Every global and unique-local address counts (replay without a prefix).
        expire_interval: Seconds after which a host not confirmed since is probed.
        max_hosts: How many hosts are kept at the most.
        max_hosts_per_lladdr: How many hosts with one lladdr are kept at the most.
    """

    interfaces: tuple[str, ...]
    prefixes: frozenset[IPv6Network] = frozenset()
    everything_on_link: bool = False
    expire_interval: float = 3600.0
    max_hosts: int = 4096
    max_hosts_per_lladdr: int = 64


class NdProxy:
    """What is known, and what follows from each event."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.hosts = Hosts()
        self.placement = Placement(rules.interfaces)
        self.scope = Scope(None if rules.everything_on_link else rules.prefixes)
        # Addresses heard about, and those whose entries were changed, since a reading of the kernel's tables began;
        # None: none is under way.
        self.heard: set[IPv6Address] | None = None
        self.acted: set[IPv6Address] = set()
        # Likewise: whether an interface is up.
        self.heard_links: dict[str, bool] = {}
        self._rounds = Rounds(rules.expire_interval)

    def handle(self, event: Event, now: float) -> Sequence[Decision]:
        """Return what follows from *event* at *now* (seconds, monotonic)."""
        match event:
            case NeighborChanged() | NeighborDeleted():
                if event.dev not in self.rules.interfaces:
                    return ()
                if self.heard is not None:
                    self.heard.add(event.address)
                if isinstance(event, NeighborChanged):
                    return neighbors.changed(self, event, now)
                return neighbors.deleted(self, event)
            case Tick():
                return [self._look(host) for host in self._rounds.due(self.hosts, now) if self._silent(host, now)]
            case ReadStarted():
                self.heard, self.acted, self.heard_links = set(), set(), {}
            case KernelRead():
                return reconcile.decisions(self, event, now)
            case LinkChanged() | LinkDeleted():
                return links.decisions(self, event)
            case ActionRefused():
                return self._refused(event)
        return ()

    def converge(self, host: Host) -> list[Entry]:
        """Return the actions that give *host* what it should have, and note them as done."""
        have, host.have = host.have, self.placement.want(host)
        return self._acted(host, steps(host.address, have, host.have))

    def move(self, host: Host, dev: str, lladdr: str, reason: Reason, now: float) -> Decision:
        """Learn *host* on another interface than before; whoever is there is verified."""
        before, host.moved = host.dev, now
        host.doubts, host.state, host.confirmed = 0, NudState.STALE, now
        self.hosts.set_lladdr(host, lladdr)
        self.hosts.set_dev(host, dev)
        actions = [*self.converge(host), Probe(host.address, dev, lladdr)]
        return host.decision(What.MOVED, reason, actions, note=before)

    def forget(self, host: Host, reason: Reason) -> Decision:
        """Remove *host* with all its entries."""
        actions = self._acted(host, steps(host.address, host.have, NOTHING))
        self.hosts.remove(host)
        return host.decision(What.FORGOTTEN, reason, actions)

    def _acted(self, host: Host, actions: list[Entry]) -> list[Entry]:
        """Note that a reading under way may show the entries of *host* as they were before *actions*."""
        if actions and self.heard is not None:
            self.acted.add(host.address)
        return actions

    def _refused(self, event: ActionRefused) -> list[Decision]:
        action = event.action
        if not isinstance(action, AddRoute | AddProxy) or (host := self.hosts.get(action.address)) is None:
            return []
        if event.why is Refusal.EXISTS:
            # Ours from before, or another program's: the kernel's tables tell.
            return [host.decision(What.KEPT, Reason.REFUSED, [Refresh()], note=event.text)]
        host.blocked = True
        return [host.decision(What.REFUSED, Reason.REFUSED, self.converge(host), note=event.text)]

    def _silent(self, host: Host, now: float) -> bool:
        if host.state in (NudState.REACHABLE, NudState.PERMANENT):
            return False
        return now - host.confirmed >= self.rules.expire_interval

    def _look(self, host: Host) -> Decision:
        return host.decision(What.DOUBTED, Reason.EXPIRED, [Probe(host.address, host.dev, host.lladdr)])
