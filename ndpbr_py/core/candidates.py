"""Addresses that may be there -> the probes that find out, a few at a time.

Pure.  One that answers is heard like any other host.  One remembered is asked three times: after a power cut the switch
and the host itself may take longer to start than the router, and the prefix comes with the first advertisement.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from ndpbr_py.core.actions import Probe
from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.events import CandidatesFound
from ndpbr_py.core.state import State

AT_ONCE = 10  # the kernel keeps an entry for each for 3 s, of 1024 in all
_AGAIN = (60.0, 600.0)  # s, until the second and the third time
_ANSWER = 10.0  # s, until one that has been asked for the last time is given up
_MEMORY, _HINT = 3600.0, 60.0  # s; one that cannot be asked for so long is given up


@dataclass(slots=True)
class _Candidate:
    remembered: bool
    due: float
    until: float
    times: int = 0


class Candidates:
    """Who may be there.  ``count`` is how often one was asked."""

    def __init__(self) -> None:
        self.count = 0
        # By interface, too: who answers in its name on another link does not keep a host from being asked on its own.
        self._candidates: dict[tuple[IPv6Address, str], _Candidate] = {}

    def remembered(self) -> list[IPv6Address]:
        """Return the addresses of an earlier run that have neither answered nor been given up."""
        return [address for (address, _), candidate in self._candidates.items() if candidate.remembered]

    def add(self, event: CandidatesFound, most: int, now: float) -> None:
        """Take the hosts of *event*, as long as there are fewer than *most*."""
        until = now + (_MEMORY if event.remembered else _HINT)
        for place in event.hosts:
            if (candidate := self._candidates.get(place)) is not None:
                candidate.due = now
            elif len(self._candidates) < most:
                self._candidates[place] = _Candidate(event.remembered, now, until)

    def asked(self, state: State, now: float) -> list[Decision]:
        """Return the decisions to ask the next few whose turn it is, and that may be learned where they are."""
        result: list[Decision] = []
        for (address, dev), candidate in tuple(self._candidates.items()):
            host = state.hosts.get(address)
            if now >= candidate.until or (host is not None and (host.verified or not candidate.remembered)):
                del self._candidates[address, dev]
            elif host is None and now >= candidate.due and state.admits(address, dev):
                result.append(self._ask(address, dev, candidate, now))
                if len(result) == AT_ONCE:
                    break
        self.count += len(result)
        return result

    def _ask(self, address: IPv6Address, dev: str, candidate: _Candidate, now: float) -> Decision:
        if candidate.remembered and candidate.times < len(_AGAIN):
            candidate.due = now + _AGAIN[candidate.times]
            candidate.times += 1
        else:
            candidate.due = candidate.until = now + _ANSWER
        reason = Reason.REMEMBERED if candidate.remembered else Reason.ECHO
        # To the multicast group: its lladdr is of no account, which is as well if the host has a new one.
        return Decision(DecisionKind.LOOKUP_STARTED, reason, address, dev, actions=[Probe(address, dev, None)])
