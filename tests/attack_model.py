"""Hosts, an attacker, and the kernel's neighbor caches in virtual time -> for how long an attacker has an address.

The model is the router's kernel as ndpbr sees it. A packet makes a neighbor entry STALE, and the router's answer to it
makes the kernel probe the entry 5 s later. A probe ends REACHABLE as soon as a host answers, or FAILED after 3 s.
Source: RFC 4861, 7.3.3; neigh_timer_handler() of Linux.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address
from itertools import count

from ndpbr_py.core.actions import AddProxy, AddRoute, DelProxy, DelRoute, Probe, RejoinGroup
from ndpbr_py.core.candidates import to_remember
from ndpbr_py.core.events import (
    ActionRefused,
    CandidatesFound,
    Event,
    NeighborChanged,
    NeighborDeleted,
    NudState,
    SnapshotStarted,
    SolicitationReceived,
    Tick,
)
from tests.builders import nd_proxy
from tests.kernel_model import Kernel

LISTED = ("wan0", "lan0", "lan1")
OWNED, OTHERS = IPv6Address("2001:db8::31"), IPv6Address("2001:db8::66")
OWNER, ATTACKER, SECOND = "02:00:00:00:00:31", "02:00:00:00:00:66", "02:00:00:00:00:67"
LINK_LOCAL = IPv6Address("fe80::66")
ROUND_TRIP_S, SLOW_ROUND_TRIP_S = 0.001, 0.005  # the attacker is faster than the owner
DELAY_FIRST_PROBE_S, PROBES_S, REACHABLE_S = 5.0, 3.0, 30.0
FIRST_SIGHT_S = 7.0  # the lookups of an address that was not known, and then of a decoy, are over
NO_LLADDR = (NudState.FAILED, NudState.INCOMPLETE, NudState.NONE)


@dataclass(slots=True)
class Node:
    """A node on one link: it answers for its addresses, or for *everything*."""

    dev: str
    lladdr: str
    addresses: tuple[IPv6Address, ...]
    answers: bool = True
    any_lladdr: bool = False
    everything: bool = False
    router: bool = False
    round_trip_s: float = ROUND_TRIP_S


class World:
    """The router with its daemon, an owner on *home*, and an attacker on another link.

    Attributes:
        lost_s: For how long at most the owner has been without its route or a proxy entry while the daemon ran.
        stolen_s: For how long at most the attacker has had a route to the owner's address.
    """

    def __init__(
        self,
        home: str,
        away: str,
        *,
        answers: bool,
        known: bool = True,
        everything: bool = False,
        last_run: str | None = None,
        second: bool = False,
    ) -> None:
        """Lay the world; an owner that is not *known* is silent, an attacker answers for *everything* or two addresses.

        While ndpbr learns the owner, an attacker on the link of the default route answers for everything or nothing.

        Args:
            last_run: The link where the last run knew the owner.
            second: Whether another attacker, which always answers, is on the third link.
        """
        self.now = 0.0
        self.home = home
        self.owner = Node(home, OWNER, (OWNED,), round_trip_s=SLOW_ROUND_TRIP_S)
        self.attacker = Node(away, ATTACKER, (OWNED, OTHERS), any_lladdr=True, router=away == "wan0")
        self.attacker.everything = everything
        third = next(dev for dev in LISTED if dev not in (home, away))
        self.second = Node(third, SECOND, (OWNED, OTHERS), any_lladdr=True, router=third == "wan0", answers=False)
        self.nodes = (self.owner, self.attacker, self.second)
        self.cache: dict[tuple[IPv6Address, str], NeighborChanged] = {}
        self._timers: dict[tuple[IPv6Address, str], int] = {}
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._desired = {("route", OWNED, home)} | {("proxy", OWNED, dev) for dev in LISTED if dev != home}
        self._since: dict[str, float] = {}
        self.lost_s = self.stolen_s = 0.0
        self.remembered = {OWNED: last_run} if last_run is not None else {}
        self.kernel, self.running = Kernel(LISTED), False
        self.start()
        early = everything or away != "wan0"
        self.attacker.answers = answers and early
        if known:
            self.packet(OWNED, home, OWNER)
            looked_up = last_run is None and (second or not early)  # on the link of the default route
            self.wait(FIRST_SIGHT_S if looked_up else 1.0)
            self.save()
        self.attacker.answers, self.second.answers = answers, second
        self.lost_s = self.stolen_s = 0.0

    # The daemon

    def start(self) -> None:
        """Start the daemon unless it runs; it knows what the kernel and the hosts file say."""
        if self.running:
            return
        self.proxy, self.running = nd_proxy(*LISTED), True
        self.proxy.remembered = dict(self.remembered)
        self.snapshot()
        self.handle(CandidatesFound(tuple(self.remembered.items()), remembered=True))

    def save(self) -> None:
        """Write the hosts file."""
        if self.running:
            before = {address: (dev, None) for address, dev in self.remembered.items()}
            after = to_remember(self.proxy, self.proxy.candidates, before, self.now)
            self.remembered = {address: dev for address, (dev, _) in after.items()}

    def stop(self, *, keep: bool = False) -> None:
        """Stop the daemon, which writes its file and removes its entries, or keeps them; the neighbor cache stays."""
        self.save()
        if not keep:
            self.kernel = Kernel(LISTED)
        self.kill()

    def kill(self) -> None:
        """End the daemon: its entries stay."""
        self.running = False
        self._since.clear()

    def restart(self, *, keep: bool = False) -> None:
        """Stop the daemon and start it again."""
        self.stop(keep=keep)
        self.start()

    def crash(self) -> None:
        """Kill the daemon and start it again."""
        self.kill()
        self.start()

    def reboot(self) -> None:
        """Cut the power of the router."""
        self.kill()
        self.kernel = Kernel(LISTED)
        self.cache.clear()
        self._timers.clear()
        self._heap.clear()
        self.start()

    def handle(self, event: Event) -> None:
        """Let the daemon decide, and the kernel carry it out."""
        if not self.running:
            return
        for decision in self.proxy.handle(event, self.now):
            for action in decision.actions:
                if isinstance(action, Probe):
                    self._probe(action)
                elif isinstance(action, AddRoute | DelRoute | AddProxy | DelProxy):
                    if (why := self.kernel.run(action)) is not None:
                        self.handle(ActionRefused(action, why, why.value))
                elif isinstance(action, RejoinGroup):
                    self.kernel.rejoin(action, None)
        self._watch()

    def _watch(self) -> None:
        ours = self.kernel.ours()
        self.lost_s = max(self.lost_s, self._lasted_s("lost", not self._desired <= ours))
        self.stolen_s = max(self.stolen_s, self._lasted_s("stolen", ("route", OWNED, self.attacker.dev) in ours))

    def _lasted_s(self, what: str, holds: bool) -> float:
        """Return for how long something has been true."""
        if not holds:
            self._since.pop(what, None)
        return self.now - self._since.setdefault(what, self.now) if holds else 0.0

    # What happens

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while True:
            deadline = self.proxy.next_deadline() if self.running else None
            if self._heap and self._heap[0][0] <= end and (deadline is None or self._heap[0][0] <= deadline):
                self.now, _, call = heapq.heappop(self._heap)
                call()
            elif deadline is not None and deadline <= end:
                self.now = max(self.now, deadline)
                self.handle(Tick())
            else:
                break
        self.now = end
        if self.running:
            self._watch()

    def snapshot(self) -> None:
        """Take a snapshot of the kernel's tables, and reconcile it; the kernel lists the attacker's entries first."""
        if not self.running:
            return
        self.handle(SnapshotStarted())
        self.kernel.neighbors = dict(sorted(self.cache.items(), key=lambda entry: entry[0][1] == self.home))
        self.handle(self.kernel.read())

    def packet(self, address: IPv6Address, dev: str, lladdr: str) -> None:
        """A node solicits the router from *address*; the router answers, so it probes a STALE entry 5 s later."""
        entry = self.cache.get((address, dev))
        if entry is None or entry.state in NO_LLADDR or entry.lladdr != lladdr:
            self._set(address, dev, NudState.STALE, lladdr)
        if self.cache[address, dev].state is NudState.STALE:
            self._after(DELAY_FIRST_PROBE_S, address, dev, lambda: self._solicit(address, dev, lladdr))

    def delete(self, address: IPv6Address, dev: str) -> None:
        """Another program deletes a neighbor entry: the kernel says first that it has failed."""
        self._set(address, dev, NudState.FAILED, None)
        self.handle(NeighborDeleted(address, dev, None, NudState.FAILED))

    def detection(self, address: IPv6Address, dev: str, lladdr: str) -> None:
        """A node sends a DAD probe."""
        self.handle(SolicitationReceived(dev, None, address, lladdr))

    # The kernel

    def _probe(self, action: Probe) -> None:
        if not action.new or (action.address, action.dev) not in self.cache:
            self._solicit(action.address, action.dev, action.lladdr)

    def _solicit(self, address: IPv6Address, dev: str, lladdr: str | None) -> None:
        state = NudState.PROBE if lladdr is not None else NudState.INCOMPLETE
        for node in self.nodes:
            if node.dev != dev or not (node.everything or address in node.addresses) or not node.answers:
                continue
            if lladdr in (None, node.lladdr) or node.any_lladdr:
                answer = lladdr or node.lladdr, node.router

                def answered(answer: tuple[str, bool] = answer) -> None:
                    stale = REACHABLE_S, lambda: self._set(address, dev, NudState.STALE, answer[0])
                    self._set(address, dev, NudState.REACHABLE, answer[0], router=answer[1], then=stale)

                self._set(address, dev, state, lladdr)
                # It arrives, whatever happens to the entry meanwhile.
                heapq.heappush(self._heap, (self.now + node.round_trip_s, next(self._order), answered))
                return
        failed = PROBES_S, lambda: self._set(address, dev, NudState.FAILED, None)
        self._set(address, dev, state, lladdr, then=failed)

    def _after(self, seconds: float, address: IPv6Address, dev: str, call: Callable[[], None]) -> None:
        """Call *call* later, unless the entry changes before."""
        number = self._timers[address, dev] = next(self._order)

        def expired() -> None:
            if self._timers.get((address, dev)) == number:
                call()

        heapq.heappush(self._heap, (self.now + seconds, number, expired))

    def _set(
        self,
        address: IPv6Address,
        dev: str,
        state: NudState,
        lladdr: str | None,
        *,
        router: bool = False,
        then: tuple[float, Callable[[], None]] | None = None,
    ) -> None:
        """Change an entry, and what comes next; then tell the daemon, which may probe the entry again."""
        self._timers.pop((address, dev), None)
        if then is not None:
            self._after(then[0], address, dev, then[1])
        known = None if state in NO_LLADDR else lladdr
        self.cache[address, dev] = event = NeighborChanged(address, dev, known, state, router=router)
        self.handle(event)


Do = Callable[[World], None]
ACTIONS: dict[str, Do] = {
    "owner sends": lambda w: w.packet(OWNED, w.home, OWNER),
    "claim": lambda w: w.packet(OWNED, w.attacker.dev, ATTACKER),
    "claim with the owner's lladdr": lambda w: w.packet(OWNED, w.attacker.dev, OWNER),
    "owner's lladdr from a link-local address": lambda w: w.packet(LINK_LOCAL, w.attacker.dev, OWNER),
    "DAD probe": lambda w: w.detection(OWNED, w.attacker.dev, ATTACKER),
    "DAD probe with the owner's lladdr": lambda w: w.detection(OWNED, w.attacker.dev, OWNER),
    "another address with the owner's lladdr": lambda w: w.packet(OTHERS, w.attacker.dev, OWNER),
    "attacker stops or starts to answer": lambda w: setattr(w.attacker, "answers", not w.attacker.answers),
    "snapshot": lambda w: w.snapshot(),
    "restart": lambda w: w.restart(),
    "wait 0.6 s": lambda w: w.wait(0.6),
    "wait 12 s": lambda w: w.wait(12.0),
}
FORGERIES: dict[str, Do] = {
    "another lladdr on the owner's link": lambda w: w.packet(OWNED, w.home, SECOND),
    "its entry is deleted": lambda w: w.delete(OWNED, w.home),
}
RESTARTS: dict[str, Do] = {
    "stop": lambda w: w.stop(),
    "start": lambda w: w.start(),
    "kill -9": lambda w: w.kill(),
    "kill -9 and start": lambda w: w.crash(),
    "restart that keeps the entries": lambda w: w.restart(keep=True),
    "power cut": lambda w: w.reboot(),
    "the hosts file is written": lambda w: w.save(),
}
SECOND_ACTIONS: dict[str, Do] = {
    "second claim": lambda w: w.packet(OWNED, w.second.dev, SECOND),
    "second claim with the owner's lladdr": lambda w: w.packet(OWNED, w.second.dev, OWNER),
    "second DAD probe with the owner's lladdr": lambda w: w.detection(OWNED, w.second.dev, OWNER),
}
