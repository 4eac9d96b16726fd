"""The known hosts: one record per address, found by address and by link-layer address.

Pure. Hosts that have never answered, and those that have yet to be looked up on the other links, are also listed by
interface, so that a flood of claims on one interface takes no place from the hosts on another.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address

from ndpbr_py.core.actions import Action
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.entry_diff import NOTHING, Entries
from ndpbr_py.core.events import NudState
from ndpbr_py.core.host_states import HostState

NOT_LOOKED_UP = float("inf")  # Host.looked_up_at of a new host
SETTLE_S = 10.0  # after a move the host is probed before it is moved again


@dataclass(frozen=True, slots=True)
class Claimant:
    """Another host that uses the address of a CONTESTED host, on another link."""

    dev: str
    lladdr: str


@dataclass(frozen=True, slots=True)
class Move:
    """The last move of a host to another link.

    Attributes:
        at: When, in seconds.
        previous_dev: The link on which the host was before, or in the last run. If the address answers
            there, the host is still there. None: an owner has answered on the new link, or no host has answered on the
            old one since the move.
    """

    at: float
    previous_dev: str | None


@dataclass(slots=True)
class Host:
    """One address, learned on one interface.

    Attributes:
        address: The address.
        dev: The interface.
        lladdr: The link-layer address last seen with the address; None until one is seen.
        nud: The state of the host's entry in the neighbor cache.
        confirmed: When the host was last known to be present, in seconds.
        learned: When the host was learned, in seconds.
        solicited: When another host last solicited it, in seconds.
        state: Where the host is in its life cycle.
        claimant: The claimant of a CONTESTED host; None in all other states.
        probed_at: When the host was last probed because it was seen on another link, in seconds.
        last_move: Its last move to another link.
        looked_up_at: When its address was looked up on the other links, in seconds; infinite: that is yet to be done.
        previous_lladdr: The lladdr before the present one.
        lladdr_unproven: The host has not answered since its lladdr changed: another host on its link may have forged
            the new one, and a probe of it may not reach the host.
        lladdr_forged: The host has answered while its lladdr was seen with its address on another link: from then on it
            is probed before it is moved.
        installed: The entries that the kernel is believed to have.
        blocked: The kernel refused an entry. Nothing is tried until the next snapshot.
        foreign: An entry of another program was reported already.
    """

    address: IPv6Address
    dev: str
    lladdr: str | None
    nud: NudState
    confirmed: float
    state: HostState = HostState.UNVERIFIED
    learned: float = 0.0
    solicited: float = float("-inf")
    claimant: Claimant | None = None
    probed_at: float = float("-inf")
    last_move: Move | None = None
    looked_up_at: float = float("-inf")
    previous_lladdr: str | None = None
    lladdr_unproven: bool = False
    lladdr_forged: bool = False
    installed: Entries = NOTHING
    blocked: bool = False
    foreign: bool = False

    @property
    def pinned(self) -> bool:
        """Whether the administrator says where the host is. A probe would make a PERMANENT entry an ordinary one."""
        return self.state.configured or self.nud is NudState.PERMANENT

    def answered_on(self, now: float) -> str | None:
        """Return the link where the host has answered: until its last move has settled, the link before that move.

        An attacker that forged the move may have answered on the new link; the owner may still answer on the old one.
        """
        if (move := self.unsettled_move(now)) is not None and move.previous_dev is not None:
            return move.previous_dev
        if self.state.has_answered:
            return self.dev
        return self.last_move.previous_dev if self.last_move is not None else None

    def unsettled_move(self, now: float) -> Move | None:
        """Return the last move if it has not settled yet."""
        return self.last_move if self.last_move is not None and now - self.last_move.at < SETTLE_S else None

    def last_seen(self, now: float) -> float:
        """Return when the host was last known to be present."""
        return now if self.nud is NudState.REACHABLE else self.confirmed

    def decision(
        self,
        kind: DecisionKind,
        reason: Reason,
        actions: Sequence[Action] = (),
        detail: Detail | None = None,
        *,
        resync: bool = False,
    ) -> Decision:
        """Return a decision about this host as it is now."""
        return Decision(kind, reason, self.address, self.dev, self.lladdr, self.nud, actions, detail, resync)

    def conflict(self, reason: Reason, claimed_by: str | None, claimed_on: str) -> Decision:
        """Return the decision that another host, with the lladdr *claimed_by*, uses the address on *claimed_on*."""
        return self.decision(DecisionKind.CONFLICT, reason, detail=Detail(claimed_by=claimed_by, claimed_on=claimed_on))


class Hosts:
    """All known hosts."""

    def __init__(self) -> None:
        self._by_address: dict[IPv6Address, Host] = {}
        # By interface, too: the question is on which other links an lladdr is, and the answer is nearly always: none.
        self._by_lladdr: dict[str, dict[str, tuple[Host, ...]]] = {}
        self._unanswered: dict[str, dict[IPv6Address, Host]] = defaultdict(dict)
        self._not_looked_up: dict[str, dict[IPv6Address, Host]] = defaultdict(dict)
        self._numbers: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._by_address)

    def __iter__(self) -> Iterator[Host]:
        return iter(tuple(self._by_address.values()))

    def __contains__(self, address: IPv6Address) -> bool:
        return address in self._by_address

    def get(self, address: IPv6Address) -> Host | None:
        """Return the host with that address, if it is known."""
        return self._by_address.get(address)

    def count_with_lladdr(self, lladdr: str, dev: str) -> int:
        """Return how many hosts on *dev* were last seen with that link-layer address."""
        return len(self._by_lladdr.get(lladdr, {}).get(dev, ()))

    def least_recently_seen(self, lladdr: str, dev: str, now: float) -> Host | None:
        """Return the host on *dev* with that link-layer address that was seen the longest time ago."""
        hosts = (host for host in self._by_lladdr.get(lladdr, {}).get(dev, ()) if not host.pinned)
        return min(hosts, key=lambda host: host.last_seen(now), default=None)

    def most_addresses(self) -> tuple[int, str, str]:
        """Return the largest number of hosts with one link-layer address on one link, that address and the link."""
        links = ((len(hosts), lladdr, dev) for lladdr, devs in self._by_lladdr.items() for dev, hosts in devs.items())
        return max(links, default=(0, "", ""))

    def elsewhere(self, lladdr: str, dev: str) -> list[Host]:
        """Return the hosts last seen with that link-layer address on interfaces other than *dev*."""
        links = self._by_lladdr.get(lladdr)
        if links is None or (len(links) == 1 and dev in links):
            return []
        return [host for other, hosts in links.items() if other != dev for host in hosts]

    def count_on(self, dev: str) -> int:
        """Return how many hosts are on *dev*."""
        return self._numbers[dev]

    def largest(self, share: int) -> Host | None:
        """Return a host of the lladdr with the most addresses, on the link farthest above *share*.

        One that has yet to be looked up on the other links comes first.
        """
        dev = max(self._numbers, key=self._numbers.__getitem__, default="")
        if self._numbers[dev] <= share:
            return None
        if (waiting := self.not_looked_up(dev)) is not None:
            return waiting
        groups = ([host for host in links.get(dev, ()) if not host.pinned] for links in self._by_lladdr.values())
        most = max(groups, key=len, default=[])
        return most[0] if most else None

    def count_unanswered(self, dev: str) -> int:
        """Return how many hosts on *dev* have never answered."""
        return len(self._unanswered[dev])

    def eviction_candidate(self) -> Host | None:
        """Return the oldest host that was not looked up on the other links, on the interface with most such hosts.

        If there is none: the oldest host that has never answered, on the interface with most of those. A host whose
        last move another host may have forged is spared: it has answered on its previous link.
        """
        for hosts in (self._not_looked_up, self._unanswered):
            most = max(hosts.values(), key=len, default={})
            for host in most.values():
                if host.last_move is None or host.last_move.previous_dev is None:
                    return host
        return None

    def links_not_looked_up(self) -> list[str]:
        """Return the interfaces with hosts that have yet to be looked up on the other links."""
        return [dev for dev, hosts in self._not_looked_up.items() if hosts]

    def not_looked_up(self, dev: str) -> Host | None:
        """Return the host on *dev* that has waited longest for its lookup on the other links."""
        return next(iter(self._not_looked_up[dev].values()), None)

    def set_looked_up(self, host: Host, now: float) -> None:
        """Record that the address of *host* is looked up on the other links now."""
        host.looked_up_at = now
        self._not_looked_up[host.dev].pop(host.address, None)

    def add(self, host: Host) -> None:
        """Add a new host."""
        self._by_address[host.address] = host
        self._numbers[host.dev] += 1
        if not host.state.has_answered:
            self._unanswered[host.dev][host.address] = host
        if host.looked_up_at == NOT_LOOKED_UP:
            self._not_looked_up[host.dev][host.address] = host
        self._index(host)

    def remove(self, host: Host) -> None:
        """Remove a host."""
        del self._by_address[host.address]
        self._numbers[host.dev] -= 1
        self._unanswered[host.dev].pop(host.address, None)
        self._not_looked_up[host.dev].pop(host.address, None)
        self._unindex(host)

    def set_lladdr(self, host: Host, lladdr: str) -> None:
        """Record the link-layer address of a host."""
        if lladdr != host.lladdr:
            self._unindex(host)
            host.lladdr = lladdr
            self._index(host)

    def set_dev(self, host: Host, dev: str, state: HostState) -> None:
        """Record that a host is on another interface now, and whether it has answered there."""
        self._unanswered[host.dev].pop(host.address, None)
        if self._not_looked_up[host.dev].pop(host.address, None) is not None:
            self._not_looked_up[dev][host.address] = host
        self._unindex(host)
        self._numbers.update({host.dev: -1, dev: 1})
        host.dev = dev
        self._index(host)
        self.set_state(host, state)

    def set_state(self, host: Host, state: HostState, claimant: Claimant | None = None) -> None:
        """Record the state of a host, and the claimant of a contested one."""
        host.state, host.claimant = state, claimant
        if state.configured:
            self._not_looked_up[host.dev].pop(host.address, None)  # hosts in there can be evicted
        if state.has_answered:
            self._unanswered[host.dev].pop(host.address, None)
        else:
            self._unanswered[host.dev][host.address] = host

    def _index(self, host: Host) -> None:
        if host.lladdr is not None:
            links = self._by_lladdr.get(host.lladdr)
            if links is None:
                self._by_lladdr[host.lladdr] = {host.dev: (host,)}  # the usual case
            else:
                links[host.dev] = (*links.get(host.dev, ()), host)

    def _unindex(self, host: Host) -> None:
        if host.lladdr is not None:
            links = self._by_lladdr[host.lladdr]
            links[host.dev] = tuple(other for other in links[host.dev] if other is not host)
            if not links[host.dev]:
                del links[host.dev]
            if not links:
                del self._by_lladdr[host.lladdr]
