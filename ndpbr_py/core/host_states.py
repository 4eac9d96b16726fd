"""State of a host, evidence -> the next state, the effect and the reason.

Pure. A table, like the transitions in h11's _state.py: a pair that is not listed changes nothing.

Only a host's own silence takes it out of the states with `has_answered`. No evidence from another host does. A move to
another link starts the life cycle over: as UNVERIFIED, or as VERIFIED if the host has just answered there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from ndpbr_py.core.decision import Reason


class HostState(Enum):
    """What is known about the presence of a host on its link."""

    UNVERIFIED = auto()  # seen, but it has not answered there yet
    VERIFIED = auto()  # it has answered
    RECHECKING = auto()  # it has answered before, but not the last time
    UNCONFIRMED = auto()  # it has answered in the last run, or before its lladdr was seen on another link
    CONTESTED = auto()  # it has answered before; another link claims its address now
    CONTESTED_UNVERIFIED = auto()  # it has never answered, and another link claims its address
    STATIC = auto()  # present because the user says so: never probed, moved or forgotten
    ROUTED = auto()  # present because a /128 route of another program says so, for as long as the route exists

    __hash__ = object.__hash__  # as NudState's

    @property
    def has_answered(self) -> bool:
        """Whether the host has answered on its link at least once, in this run or in the last."""
        return self not in _NEVER_ANSWERED

    @property
    def probe_pending(self) -> bool:
        """Whether the host has yet to answer a probe."""
        return self not in _SETTLED

    @property
    def configured(self) -> bool:
        """Whether the administrator says where the host is."""
        return self in (HostState.STATIC, HostState.ROUTED)


_NEVER_ANSWERED = (HostState.UNVERIFIED, HostState.CONTESTED_UNVERIFIED)
_SETTLED = (HostState.VERIFIED, HostState.STATIC, HostState.ROUTED)


class Evidence(Enum):
    """What the neighbor cache has shown about a host."""

    ANSWERED = auto()  # it has answered on its link
    SILENT = auto()  # it has not answered on its link
    LLADDR_ELSEWHERE = auto()  # its lladdr was seen on another link, with another address
    CLAIMED_ELSEWHERE = auto()  # its address was seen on another link
    ENTRY_DELETED = auto()  # its entry was deleted: that it failed just before was no silence
    CLAIMANT_SILENT = auto()  # the host that claimed its address does not answer

    __hash__ = object.__hash__  # as NudState's


class Effect(Enum):
    """What is done about a host besides the change of its state."""

    NONE = auto()
    VERIFY = auto()  # log that it has answered
    SETTLE = auto()  # log that two hosts use its address, and that it has answered if that is new
    PROBE = auto()  # probe its lladdr
    PROBE_GROUP = auto()  # probe its solicited-node multicast group: it may have another lladdr now
    MOVE = auto()  # to the link of its claimant
    FORGET = auto()


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table: the next state (None: the host is forgotten), what is done, and why."""

    state: HostState | None
    effect: Effect
    reason: Reason


_VERIFY = Transition(HostState.VERIFIED, Effect.VERIFY, Reason.REACHABLE)
_SETTLE = Transition(HostState.VERIFIED, Effect.SETTLE, Reason.OWNER_ANSWERS)
_RECHECK = Transition(HostState.RECHECKING, Effect.PROBE_GROUP, Reason.ONE_MORE_TRY)
_FORGET = Transition(None, Effect.FORGET, Reason.NO_ANSWER)
_MOVE = Transition(HostState.UNVERIFIED, Effect.MOVE, Reason.OWNER_SILENT)
_SEEN = Transition(HostState.UNCONFIRMED, Effect.PROBE, Reason.LLADDR_ELSEWHERE)
_CONTEST = Transition(HostState.CONTESTED, Effect.PROBE, Reason.CLAIMED_ELSEWHERE)
_CONTEST_UNVERIFIED = Transition(HostState.CONTESTED_UNVERIFIED, Effect.PROBE, Reason.CLAIMED_ELSEWHERE)

TRANSITIONS: Mapping[HostState, Mapping[Evidence, Transition]] = {
    HostState.UNVERIFIED: {
        Evidence.ANSWERED: _VERIFY,
        Evidence.SILENT: _FORGET,
        Evidence.CLAIMED_ELSEWHERE: _CONTEST_UNVERIFIED,
    },
    HostState.VERIFIED: {
        Evidence.SILENT: _RECHECK,
        Evidence.LLADDR_ELSEWHERE: _SEEN,
        Evidence.CLAIMED_ELSEWHERE: _CONTEST,
    },
    HostState.RECHECKING: {
        Evidence.ANSWERED: Transition(HostState.VERIFIED, Effect.NONE, Reason.REACHABLE),
        Evidence.SILENT: _FORGET,
        Evidence.ENTRY_DELETED: Transition(HostState.VERIFIED, Effect.NONE, Reason.EVICTED),
        Evidence.LLADDR_ELSEWHERE: _SEEN,
        Evidence.CLAIMED_ELSEWHERE: _CONTEST,
    },
    HostState.UNCONFIRMED: {
        Evidence.ANSWERED: _VERIFY,
        Evidence.SILENT: _RECHECK,  # another host may have sent with its lladdr while it sleeps
        Evidence.CLAIMED_ELSEWHERE: _CONTEST,
    },
    HostState.CONTESTED: {
        Evidence.ANSWERED: _SETTLE,
        Evidence.SILENT: _MOVE,
        Evidence.CLAIMED_ELSEWHERE: _CONTEST,
        Evidence.CLAIMANT_SILENT: Transition(HostState.VERIFIED, Effect.NONE, Reason.NO_ANSWER),
    },
    HostState.CONTESTED_UNVERIFIED: {
        Evidence.ANSWERED: _SETTLE,
        Evidence.SILENT: _MOVE,
        Evidence.CLAIMED_ELSEWHERE: _CONTEST_UNVERIFIED,
        Evidence.CLAIMANT_SILENT: Transition(HostState.UNVERIFIED, Effect.NONE, Reason.NO_ANSWER),
    },
    HostState.STATIC: {},
    HostState.ROUTED: {},
}
