"""The hosts that are known: one record an address, found by address and by link-layer address.

Pure.  Unverified hosts are kept by interface, so that a liar on one takes no place from the hosts on another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address

from ndpbr_py.core.actions import Action
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.entry_diff import NOTHING, Entries
from ndpbr_py.core.events import NudState


@dataclass(slots=True)
class Host:
    """One address, learned on one interface.

    Attributes:
        confirmed: When the host was last known to be there, in seconds.
        moved: When it was last learned on another interface than before, in seconds.
        doubts: How many times in a row it did not answer.
        left: Where it moved away from, with its lladdr; should it answer there, it has not.
        claim: Interface and lladdr of whoever claims the address elsewhere while the owner is being asked.
        asked: When the owner was asked, in seconds.
        former: The lladdr before the present one.
        disputed: The lladdr whose claim was warned about already.
        static: The user says that it is there: it is never asked, moved or forgotten.
        have: What is believed to be in the kernel.
        blocked: The kernel refused an entry: nothing more is tried before the next reading of its tables.
    """

    address: IPv6Address
    dev: str
    lladdr: str | None
    state: NudState
    confirmed: float
    verified: bool = False
    moved: float = float("-inf")
    previous_dev: str | None = None
    failed_probes: int = 0
    claimant: tuple[str, str] | None = None
    probed_at: float = float("-inf")
    conflict_reported_for: str | None = None
    previous_lladdr: str | None = None
    static: bool = False
    installed: Entries = NOTHING
    blocked: bool = False
    foreign: bool = False

    def decision(
        self,
        kind: DecisionKind,
        reason: Reason,
        actions: Sequence[Action] = (),
        detail: Detail | None = None,
        *,
        resync: bool = False,
    ) -> Decision:
        """Return a decision about this host as it now is."""
        return Decision(kind, reason, self.address, self.dev, self.lladdr, self.state, actions, detail, resync)


class Hosts:
    """Every known host."""

    def __init__(self) -> None:
        self._by_address: dict[IPv6Address, Host] = {}
        # By interface, too: what matters of an lladdr is where else it is, which is nowhere nearly always.
        self._by_lladdr: dict[str, dict[str, tuple[Host, ...]]] = {}
        self._unverified: dict[str, dict[IPv6Address, Host]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._by_address)

    def __iter__(self) -> Iterator[Host]:
        return iter(tuple(self._by_address.values()))

    def __contains__(self, address: IPv6Address) -> bool:
        return address in self._by_address

    def get(self, address: IPv6Address) -> Host | None:
        """Return the host with that address, if it is known."""
        return self._by_address.get(address)

    def count_with_lladdr(self, lladdr: str) -> int:
        """Return how many hosts were last heard with that link-layer address."""
        return sum(map(len, self._by_lladdr.get(lladdr, {}).values()))

    def elsewhere(self, lladdr: str, dev: str) -> list[Host]:
        """Return the hosts last heard with that link-layer address on other interfaces than *dev*."""
        links = self._by_lladdr.get(lladdr)
        if links is None or (len(links) == 1 and dev in links):
            return []
        return [host for other, hosts in links.items() if other != dev for host in hosts]

    def unverified(self, dev: str) -> int:
        """Return how many hosts on *dev* have not answered yet."""
        return len(self._unverified[dev])

    def eviction_candidate(self) -> Host | None:
        """Return, of the interface with the most unverified hosts, the one that has been silent for longest."""
        crowd = max(self._unverified.values(), key=len, default={})
        return next(iter(crowd.values()), None)

    def add(self, host: Host) -> None:
        """Take a new host in."""
        self._by_address[host.address] = host
        if not host.verified:
            self._unverified[host.dev][host.address] = host
        self._index(host)

    def remove(self, host: Host) -> None:
        """Forget a host."""
        del self._by_address[host.address]
        self._unverified[host.dev].pop(host.address, None)
        self._unindex(host)

    def set_lladdr(self, host: Host, lladdr: str) -> None:
        """Note that the host now has another link-layer address."""
        if lladdr != host.lladdr:
            self._unindex(host)
            host.lladdr = lladdr
            self._index(host)

    def set_dev(self, host: Host, dev: str) -> None:
        """Note that the host is on another interface now, where it has not answered yet."""
        self._unverified[host.dev].pop(host.address, None)
        self._unindex(host)
        host.dev = dev
        self._index(host)
        self.record_verification(host, False)

    def record_verification(self, host: Host, verified: bool) -> None:
        """Note whether the host has answered."""
        host.verified = verified
        if verified:
            self._unverified[host.dev].pop(host.address, None)
        else:
            self._unverified[host.dev][host.address] = host

    def _index(self, host: Host) -> None:
        if host.lladdr is not None:
            links = self._by_lladdr.get(host.lladdr)
            if links is None:
                self._by_lladdr[host.lladdr] = {host.dev: (host,)}  # as nearly always
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
