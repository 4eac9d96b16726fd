"""A host that was learned at first sight -> a lookup on the other links; answers to it -> conflicts to decide.

Pure. The address may be another host's, which the router never had to resolve. The lookup comes after the entries of
the host, so that its first packet does not wait. Where a host answers, a decoy is looked up, too: an address that no
host has. A machine that answers for it, or for more than four addresses that were claimed on other links, answers for
others (a modem, a second router, an attacker), and its answers take no address from a host.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from ndpbr_py.core.actions import Probe
from ndpbr_py.core.bounded import remember
from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.eligibility import decoy
from ndpbr_py.core.events import NeighborChanged, NudState
from ndpbr_py.core.hosts import NOT_LOOKED_UP, Host
from ndpbr_py.core.lookups import LOOKUP_S, started
from ndpbr_py.core.schedule import Deadlines

if TYPE_CHECKING:
    from ndpbr_py.core.state import State

_RETRY_DELAY_S = 0.1  # while the limits allow no lookup
_MAX_ANSWERS_PER_LLADDR = 4  # for addresses that were claimed on other links
_MAX_REMEMBERED = 1000

_Responder = tuple[str, str | None]  # interface, lladdr


class FirstSights:
    """The conflicts about addresses that were not known before, and the machines that answer for others."""

    def __init__(self) -> None:
        self._retry_at = float("-inf")
        self._answers: dict[_Responder, set[IPv6Address]] = {}
        self._nd_proxies: dict[_Responder, None] = {}
        self._conflicts: dict[IPv6Address, NeighborChanged] = {}  # of hosts that were looked up in the last 3 s
        self._deadlines: Deadlines[IPv6Address] = Deadlines()

    def next_deadline(self, state: State) -> float | None:
        """Return when the next lookup or decision is due."""
        at = self._deadlines.next()
        if state.hosts.links_not_looked_up():
            at = self._retry_at if at is None else min(at, self._retry_at)
        return at

    def lookups(self, state: State, now: float) -> list[Decision]:
        """Return the lookups of new hosts, as far as the limits allow; the others wait."""
        result: list[Decision] = []
        if now < self._retry_at:
            return result
        for dev in state.hosts.links_not_looked_up():
            result += self._of_link(state, dev, now)
        if state.hosts.links_not_looked_up():
            self._retry_at = now + _RETRY_DELAY_S
        return result

    def answered(self, state: State, host: Host, event: NeighborChanged, now: float) -> list[Decision] | None:
        """Return what follows if *event* answers the lookup of *host* on another link; None if it does not."""
        if event.state is not NudState.REACHABLE or event.lladdr is None or not 0 <= now - host.looked_up_at < LOOKUP_S:
            return None
        if event.dev not in state.links_to_look_up(host):
            return None
        responder = event.dev, event.lladdr
        answers = self._answers.get(responder, set())
        if len(answers) <= _MAX_ANSWERS_PER_LLADDR:
            answers.add(event.address)
        remember(self._answers, responder, answers, _MAX_REMEMBERED)
        result = self._nd_proxy_found(*responder) if len(answers) > _MAX_ANSWERS_PER_LLADDR else []
        if responder in self._nd_proxies:
            return result
        if event.address not in self._conflicts:
            self._deadlines.set(event.address, now + LOOKUP_S)
        elif event.dev not in state.scope.routes.uplinks:
            return result
        self._conflicts[event.address] = event
        state.lookups.charge(host.dev, host.lladdr, 1)
        probe = Probe(decoy(event.address), event.dev, None)
        return started(Reason.CLAIMED_ELSEWHERE, probe.address, host.dev, host.lladdr, [probe])

    def decoy_answered(self, event: NeighborChanged) -> list[Decision]:
        """Return what follows when a machine has answered for a decoy."""
        return self._nd_proxy_found(event.dev, event.lladdr)

    def answers_for_others(self, dev: str, lladdr: str | None) -> bool:
        """Whether the machine with *lladdr* on *dev* answers for addresses of others."""
        return (dev, lladdr) in self._nd_proxies

    def undecided(self, state: State, host: Host) -> bool:
        """Whether another host may turn out to have the address, on the link of a default route."""
        answer = self._conflicts.get(host.address)
        if answer is None or answer.dev not in state.scope.routes.uplinks:
            return host.looked_up_at == NOT_LOOKED_UP
        return not self.answers_for_others(answer.dev, answer.lladdr)

    def due(self, now: float) -> Iterator[NeighborChanged]:
        """Yield the answers about which to decide now: the lookup of the decoy is over."""
        while (address := self._deadlines.pop(now)) is not None:
            yield self._conflicts.pop(address)

    def _of_link(self, state: State, dev: str, now: float) -> list[Decision]:
        """Look up the hosts of a link, in the order in which they were seen."""
        result: list[Decision] = []
        while (host := state.hosts.not_looked_up(dev)) is not None:
            others = state.links_to_look_up(host)
            if others and not state.lookups.allows_waiting(dev, host.lladdr, len(others), now):
                break
            state.hosts.set_looked_up(host, now)
            if others:
                probes = [Probe(host.address, other, None) for other in others]
                result += started(Reason.FIRST_SIGHT, host.address, dev, host.lladdr, probes)
        return result

    def _nd_proxy_found(self, dev: str, lladdr: str | None) -> list[Decision]:
        if (dev, lladdr) in self._nd_proxies:
            return []
        remember(self._nd_proxies, (dev, lladdr), None, _MAX_REMEMBERED)
        return [Decision(DecisionKind.ND_PROXY, Reason.ANSWERS_FOR_OTHERS, dev=dev, lladdr=lladdr)]
