"""The state of the proxy, and the steps that change it together with the kernel's entries.

Pure. Each step returns the actions that make the kernel agree with the new state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network

from ndpbr_py.core.actions import Action, DelNeighbor, Entry, Probe
from ndpbr_py.core.conflicts import Conflicts
from ndpbr_py.core.damping import Damping
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.departed import Departed, Departure
from ndpbr_py.core.desired import DesiredEntries
from ndpbr_py.core.detections import Detections
from ndpbr_py.core.eligibility import Scope
from ndpbr_py.core.entry_diff import NOTHING, steps
from ndpbr_py.core.events import NudState
from ndpbr_py.core.first_sights import FirstSights
from ndpbr_py.core.host_states import HostState
from ndpbr_py.core.hosts import Host, Hosts, Move
from ndpbr_py.core.lookups import Lookups
from ndpbr_py.core.on_demand import OnDemand
from ndpbr_py.core.waiting_senders import WaitingSenders

_MAX_ROUTERS = 64  # any host on the provider's link can claim to be a router, with any number of addresses


@dataclass(frozen=True, slots=True)
class Rules:
    """What the user has configured.

    Attributes:
        interfaces: The listed interfaces.
        prefixes: Addresses in these count as on-link, besides the connected prefixes.
        everything_on_link: Every global and unique-local address counts as on-link (replay without a prefix).
        expire_interval_s: A host that was not confirmed for so many seconds is probed.
        refresh_s: Every proxy entry is removed and added again once in so many seconds; None: never.
        max_hosts: At most so many hosts are known.
        max_hosts_per_lladdr: At most so many hosts with one lladdr are known.
        statics: Addresses that are always present, on-link or not, and their interfaces; or prefixes, behind interfaces
            without neighbor discovery.
        upstreams: Interfaces on which no host is learned.
        can_resolve: Whether ip(8) can make the kernel look up an address without its lladdr.
        answer_as_target: Interfaces on which a solicitation is answered from the solicited address, too.
    """

    interfaces: Collection[str]
    prefixes: frozenset[IPv6Network] = frozenset()
    everything_on_link: bool = False
    expire_interval_s: float = 3600.0
    refresh_s: float | None = None
    max_hosts: int = 4096
    max_hosts_per_lladdr: int = 64
    statics: Mapping[IPv6Address | IPv6Network, str] = field(default_factory=dict)
    upstreams: frozenset[str] = frozenset()
    can_resolve: bool = True
    answer_as_target: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SnapshotInProgress:
    """What has happened since a snapshot of the kernel's tables was begun: the snapshot may not show it.

    Attributes:
        changed_during: Addresses whose neighbor entry has changed.
        acted_during: Addresses whose route or proxy entries the daemon has changed because of other events.
        links: Interfaces that came up (True) or went down.
    """

    changed_during: set[IPv6Address] = field(default_factory=set)
    acted_during: set[IPv6Address] = field(default_factory=set)
    links: dict[str, bool] = field(default_factory=dict)

    def record(self, decisions: Iterable[Decision]) -> None:
        """Record whose entries *decisions* change."""
        for decision in decisions:
            if decision.address is not None and any(isinstance(action, Entry) for action in decision.actions):
                self.acted_during.add(decision.address)


class State:
    """The hosts, their desired entries, and which addresses are eligible."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.hosts = Hosts()
        self.desired = DesiredEntries(rules.interfaces)
        self.lookups = Lookups()
        self.conflicts = Conflicts()
        self.departed = Departed()
        # Since when a listed interface is down, or without carrier.
        self.down_since: dict[str, float] = {}
        self.detections = Detections()
        self.first_sights = FirstSights()
        self.waiting = WaitingSenders(rules.interfaces, rules.answer_as_target)
        self.on_demand = OnDemand()
        self.restores = Damping()
        self._static_prefixes = [
            (prefix, dev) for prefix, dev in rules.statics.items() if isinstance(prefix, IPv6Network)
        ]
        self._static_prefixes.sort(key=lambda place: place[0].prefixlen, reverse=True)
        self.scope = Scope(None if rules.everything_on_link else rules.prefixes)
        # Hosts that a /128 route of another program names -> their interface.
        self.routed: Mapping[IPv6Address, str] = {}
        self.snapshot: SnapshotInProgress | None = None
        # Neighbors on a link with a default route that have answered as routers -> their interface.
        self.routers: dict[IPv6Address, str] = {}
        # The link on which the last run knew each address: if it is contested, the host there is probed first.
        self.remembered: Mapping[IPv6Address, str] = {}

    def objection(self, address: IPv6Address, dev: str) -> Reason | None:
        """Return why a host at *address* on *dev* must not be learned; None if it may."""
        if self.rules.statics and (place := self.rules.statics.get(address)) is not None:
            return None if place == dev else Reason.STATIC
        if self.routed and (place := self.routed.get(address)) is not None:
            return None if place == dev else Reason.ROUTED_ELSEWHERE
        if self._static_prefixes and self.static_link(address) not in (None, dev):
            return Reason.STATIC
        if dev in self.rules.upstreams:
            return Reason.UPSTREAM_LINK
        return self._objection(address, dev)

    def _objection(self, address: IPv6Address, dev: str) -> Reason | None:
        if dev in self.desired.without_nd:
            return Reason.WITHOUT_ND
        if self.routers and self.routers.get(address, dev) != dev:
            return Reason.ROUTER
        return self.scope.objection(address, dev)

    def static_link(self, address: IPv6Address) -> str | None:
        """Return the interface of the longest prefix of --static over *address*."""
        return next((dev for prefix, dev in self._static_prefixes if address in prefix), None)

    def admits(self, address: IPv6Address, dev: str) -> bool:
        """Whether a host at *address* may be learned on *dev*, which is up and has a carrier."""
        return self.can_answer(dev) and self.objection(address, dev) is None

    def can_answer(self, dev: str) -> bool:
        """Whether a host on *dev* can answer: the interface is up and has a carrier."""
        return dev in self.desired.usable and dev not in self.down_since

    def other_links(self, address: IPv6Address, dev: str) -> list[str]:
        """Return the interfaces other than *dev* on which a host at *address* may be learned."""
        return [other for other in self.rules.interfaces if other != dev and self.admits(address, other)]

    def links_to_look_up(self, host: Host) -> list[str]:
        """Return the interfaces other than the host's on which another host may have its address."""
        others = (dev for dev in self.rules.interfaces if dev != host.dev and self.can_answer(dev))
        return [dev for dev in others if self._objection(host.address, dev) is None]

    def has_route(self, address: IPv6Address, dev: str) -> bool:
        """Whether the kernel should have our route to *address* on *dev*."""
        host = self.hosts.get(address)
        return host is not None and host.installed.route == dev

    def is_next_hop_elsewhere(self, address: IPv6Address, dev: str) -> bool:
        """Whether *address* is the next hop of a default route on another interface than *dev*."""
        return self.scope.next_hops.get(address, dev) != dev

    def record_router(self, address: IPv6Address, dev: str) -> None:
        """Record a router, whose address no host on another link may use. Only the first ones are recorded."""
        if dev in self.scope.routes.uplinks and len(self.routers) < _MAX_ROUTERS:
            self.routers[address] = dev

    def converge(self, host: Host) -> list[Entry]:
        """Return the actions that give *host* its desired entries, and record these as installed."""
        installed, host.installed = host.installed, self.desired.of(host)
        if installed is host.installed:
            return []  # the usual case, of thousands of hosts in a snapshot
        return steps(host.address, installed, host.installed)

    def recall(self, host: Host, now: float) -> list[Action]:
        """Apply the last run's knowledge to *host*, a new one.

        If it was on the same link, it counts as having answered; if it was on another link, that link is probed. A host
        with entries from before a crash that is not in the hosts file counts as having answered, too.
        """
        home = self.remembered.get(host.address, host.dev)
        if home == host.dev:
            host.state = HostState.UNCONFIRMED
        elif self.rules.can_resolve and self.admits(host.address, home):
            host.last_move = Move(now, home)
            return [Probe(host.address, home, None)]
        return []

    def move(self, host: Host, dev: str, lladdr: str, reason: Reason, now: float) -> Decision:
        """Move *host* to another interface, and verify it there, unless it has just answered there.

        An lladdr can be forged: a host that moves with its lladdr is probed on the old link, too. So is one that was
        silent there: the failure may have been a deletion of its entry while its answer was on its way.
        """
        before = host.dev
        claimed, silent = reason is Reason.SAME_LLADDR, reason is Reason.OWNER_SILENT
        host.last_move = Move(now, before if claimed or silent else None)
        host.nud, host.confirmed = NudState.STALE, now
        self.hosts.set_lladdr(host, lladdr)
        answered = reason is Reason.OWNER_ANSWERS
        self.hosts.set_dev(host, dev, HostState.VERIFIED if answered else HostState.UNVERIFIED)
        actions: list[Action] = list(self.converge(host))
        if not answered:
            actions.append(Probe(host.address, dev, lladdr))
        if claimed or silent:
            actions.append(Probe(host.address, before, lladdr if claimed else None))
        return host.decision(DecisionKind.MOVED, reason, actions, Detail(from_dev=before))

    def forget(self, host: Host, reason: Reason, now: float) -> Decision:
        """Remove *host* with all its entries, and the neighbor entry of one that does not answer."""
        actions: list[Action] = list(steps(host.address, host.installed, NOTHING))
        if reason is Reason.NO_ANSWER:
            actions.append(DelNeighbor(host.address, host.dev))
        self.hosts.remove(host)
        last_seen = host.last_seen(now)
        solicited = host.solicited > last_seen
        if host.state.has_answered:
            self.departed.add(host.address, Departure(last_seen, host.dev, solicited))
        last_seen_s, known_for_s = round(now - last_seen), round(now - host.learned)
        return host.decision(
            DecisionKind.FORGOTTEN,
            reason,
            actions,
            Detail(last_seen_s=last_seen_s, known_for_s=known_for_s, solicited=solicited),
        )
