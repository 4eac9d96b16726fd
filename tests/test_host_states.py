"""State of a host, evidence -> the next state, the effect and the reason."""

from __future__ import annotations

import pytest

from ndpbr_py.core.events import NudState
from ndpbr_py.core.host_states import TRANSITIONS, Effect, Evidence, HostState
from tests.builders import OTHER_LLADDR, changed, handle, nd_proxy, why

_S, _E = HostState, Evidence
FORGOTTEN = (None, Effect.FORGET, "no-answer")
RECHECKED = (_S.RECHECKING, Effect.PROBE_GROUP, "one-more-try")
MOVED = (_S.UNVERIFIED, Effect.MOVE, "owner-silent")
VERIFIED = (_S.VERIFIED, Effect.VERIFY, "reachable")
SETTLED = (_S.VERIFIED, Effect.SETTLE, "owner-answers")
CONTESTED = (_S.CONTESTED, Effect.PROBE, "claimed-elsewhere")
CONTESTED_UNVERIFIED = (_S.CONTESTED_UNVERIFIED, Effect.PROBE, "claimed-elsewhere")
SEEN = (_S.UNCONFIRMED, Effect.PROBE, "lladdr-elsewhere")
NOTHING = None
TABLE = {
    (_S.UNVERIFIED, _E.ANSWERED): VERIFIED,
    (_S.UNVERIFIED, _E.SILENT): FORGOTTEN,
    (_S.UNVERIFIED, _E.LLADDR_ELSEWHERE): NOTHING,  # its first probe is pending
    (_S.UNVERIFIED, _E.CLAIMED_ELSEWHERE): CONTESTED_UNVERIFIED,
    (_S.VERIFIED, _E.ANSWERED): NOTHING,
    (_S.VERIFIED, _E.SILENT): RECHECKED,
    (_S.VERIFIED, _E.LLADDR_ELSEWHERE): SEEN,
    (_S.VERIFIED, _E.CLAIMED_ELSEWHERE): CONTESTED,
    (_S.RECHECKING, _E.ANSWERED): (_S.VERIFIED, Effect.NONE, "reachable"),
    (_S.RECHECKING, _E.SILENT): FORGOTTEN,
    (_S.RECHECKING, _E.ENTRY_DELETED): (_S.VERIFIED, Effect.NONE, "cache-entry-gone"),
    (_S.RECHECKING, _E.LLADDR_ELSEWHERE): SEEN,
    (_S.RECHECKING, _E.CLAIMED_ELSEWHERE): CONTESTED,
    (_S.UNCONFIRMED, _E.ANSWERED): VERIFIED,
    (_S.UNCONFIRMED, _E.SILENT): RECHECKED,
    (_S.UNCONFIRMED, _E.LLADDR_ELSEWHERE): NOTHING,  # a probe is pending
    (_S.UNCONFIRMED, _E.CLAIMED_ELSEWHERE): CONTESTED,
    (_S.CONTESTED, _E.ANSWERED): SETTLED,
    (_S.CONTESTED, _E.SILENT): MOVED,
    (_S.CONTESTED, _E.LLADDR_ELSEWHERE): NOTHING,  # a probe is pending
    (_S.CONTESTED, _E.CLAIMED_ELSEWHERE): CONTESTED,
    (_S.CONTESTED, _E.CLAIMANT_SILENT): (_S.VERIFIED, Effect.NONE, "no-answer"),
    (_S.CONTESTED_UNVERIFIED, _E.ANSWERED): SETTLED,
    (_S.CONTESTED_UNVERIFIED, _E.SILENT): MOVED,
    (_S.CONTESTED_UNVERIFIED, _E.LLADDR_ELSEWHERE): NOTHING,  # its first probe is pending
    (_S.CONTESTED_UNVERIFIED, _E.CLAIMED_ELSEWHERE): CONTESTED_UNVERIFIED,
    (_S.CONTESTED_UNVERIFIED, _E.CLAIMANT_SILENT): (_S.UNVERIFIED, Effect.NONE, "no-answer"),
}


@pytest.mark.parametrize("evidence", Evidence, ids=lambda it: it.name)
@pytest.mark.parametrize("state", HostState, ids=lambda it: it.name)
def test_transition(state: HostState, evidence: Evidence) -> None:
    """Each pair of a state and evidence has one outcome; a static host, and one without a claimant, has none."""
    step = TRANSITIONS[state].get(evidence)
    outcome = step and (step.state, step.effect, step.reason.value)

    assert outcome == TABLE.get((state, evidence))


@pytest.mark.parametrize("state", HostState, ids=lambda it: it.name)
def test_other_hosts_cannot_change_that_a_host_has_answered(state: HostState) -> None:
    """Packets of another host may cause a probe of a host, which still counts as having answered before."""
    for evidence in (Evidence.LLADDR_ELSEWHERE, Evidence.CLAIMED_ELSEWHERE, Evidence.CLAIMANT_SILENT):
        step = TRANSITIONS[state].get(evidence)
        assert step is None or (step.state is not None and step.state.has_answered == state.has_answered)


def test_settled_states() -> None:
    """A verified or configured host has no probe to answer; all others have."""
    configured = {HostState.STATIC, HostState.ROUTED}

    assert {state for state in HostState if not state.probe_pending} == {HostState.VERIFIED, *configured}
    assert {state for state in HostState if state.configured} == configured


def test_first_answer_of_a_contested_host_is_logged_beside_the_conflict() -> None:
    """A host that is claimed elsewhere before it has ever answered is verified by its answer, too."""
    proxy = nd_proxy("wan0", "lan0", "lan1")

    decisions = handle(proxy, changed(), changed(dev="lan1", lladdr=OTHER_LLADDR), changed(state=NudState.REACHABLE))

    assert why(decisions) == [("address-conflict", "owner-answers"), ("host-verified", "reachable")]
