"""State of a host, evidence -> the next state, the effect, and what the log says.

Pure. A table, like the transitions in h11's _state.py: a pair that is not listed changes nothing.

Only the host itself can make ndpbr doubt that it has answered: no evidence that comes from another host leads from a
state with `has_answered` to one without. A move to another link starts the life cycle over, as UNVERIFIED.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from ndpbr_py.core.decision import DecisionKind, Reason


class HostState(Enum):
    """What is known about the presence of a host on its link."""

    UNVERIFIED = auto()  # seen, but it has not answered there yet
    VERIFIED = auto()  # it has answered
    RECHECKING = auto()  # it has answered before, but not the last time
    SEEN_ELSEWHERE = auto()  # it has answered before; since then its lladdr was seen on another link
    CONTESTED = auto()  # it has answered before; another link claims its address now
    CONTESTED_UNVERIFIED = auto()  # it has never answered, and another link claims its address
    STATIC = auto()  # present because the user says so: never probed, moved or forgotten

    __hash__ = object.__hash__  # as NudState's

    @property
    def has_answered(self) -> bool:
        """Whether the host has answered on its link at least once."""
        return self not in _NEVER_ANSWERED

    @property
    def probe_pending(self) -> bool:
        """Whether the host has yet to answer a probe."""
        return self not in _SETTLED


_NEVER_ANSWERED = (HostState.UNVERIFIED, HostState.CONTESTED_UNVERIFIED)
_SETTLED = (HostState.VERIFIED, HostState.STATIC)


class Evidence(Enum):
    """What the neighbor cache has shown about a host."""

    ANSWERED = auto()  # it has answered on its link
    SILENT = auto()  # it has not answered on its link
    LLADDR_ELSEWHERE = auto()  # its lladdr was seen on another link, with another address
    CLAIMED_ELSEWHERE = auto()  # its address was seen on another link
    CLAIMANT_SILENT = auto()  # the host that claimed its address does not answer

    __hash__ = object.__hash__  # as NudState's


class Effect(Enum):
    """What is done about a host besides the change of its state."""

    NONE = auto()
    PROBE = auto()  # probe its lladdr
    PROBE_GROUP = auto()  # probe its solicited-node group: it may have another lladdr now
    MOVE = auto()  # to the link of its claimant
    FORGET = auto()


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table.

    Attributes:
        state: The next state; what follows FORGET has none.
        effect: What is done.
        records: What the log says, in this order.
    """

    state: HostState | None
    effect: Effect = Effect.NONE
    records: tuple[tuple[DecisionKind, Reason], ...] = ()


_VERIFIED = (DecisionKind.VERIFIED, Reason.REACHABLE)
_CONFLICT = (DecisionKind.CONFLICT, Reason.OWNER_ANSWERS)
_VERIFY = Transition(HostState.VERIFIED, Effect.NONE, (_VERIFIED,))
_FORGET = Transition(None, Effect.FORGET, ((DecisionKind.FORGOTTEN, Reason.FAILED),))
_GIVE_AWAY = Transition(HostState.UNVERIFIED, Effect.MOVE, ((DecisionKind.MOVED, Reason.OWNER_SILENT),))
_RECHECK = Transition(HostState.RECHECKING, Effect.PROBE_GROUP, ((DecisionKind.PROBED, Reason.ONE_MORE_TRY),))


def _asked(state: HostState, reason: Reason) -> Transition:
    return Transition(state, Effect.PROBE, ((DecisionKind.PROBED, reason),))


_SEEN = _asked(HostState.SEEN_ELSEWHERE, Reason.LLADDR_ELSEWHERE)
_CONTEST = _asked(HostState.CONTESTED, Reason.CLAIMED_ELSEWHERE)
_CONTEST_UNVERIFIED = _asked(HostState.CONTESTED_UNVERIFIED, Reason.CLAIMED_ELSEWHERE)

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
        Evidence.ANSWERED: Transition(HostState.VERIFIED),
        Evidence.SILENT: _FORGET,
        Evidence.LLADDR_ELSEWHERE: _SEEN,
        Evidence.CLAIMED_ELSEWHERE: _CONTEST,
    },
    HostState.SEEN_ELSEWHERE: {
        Evidence.ANSWERED: _VERIFY,
        Evidence.SILENT: _FORGET,
        Evidence.CLAIMED_ELSEWHERE: _CONTEST,
    },
    HostState.CONTESTED: {
        Evidence.ANSWERED: Transition(HostState.VERIFIED, Effect.NONE, (_CONFLICT,)),
        Evidence.SILENT: _GIVE_AWAY,
        Evidence.LLADDR_ELSEWHERE: _asked(HostState.CONTESTED, Reason.LLADDR_ELSEWHERE),
        Evidence.CLAIMED_ELSEWHERE: _CONTEST,
        Evidence.CLAIMANT_SILENT: Transition(HostState.VERIFIED),
    },
    HostState.CONTESTED_UNVERIFIED: {
        Evidence.ANSWERED: Transition(HostState.VERIFIED, Effect.NONE, (_CONFLICT, _VERIFIED)),
        Evidence.SILENT: _GIVE_AWAY,
        Evidence.CLAIMED_ELSEWHERE: _CONTEST_UNVERIFIED,
        Evidence.CLAIMANT_SILENT: Transition(HostState.UNVERIFIED),
    },
    HostState.STATIC: {},
}
