"""Decisions -> how many of each."""

from __future__ import annotations

import pytest

from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.metrics import Counters

COUNTED = {
    DecisionKind.LEARNED: "hosts_learned",
    DecisionKind.MOVED: "hosts_moved",
    DecisionKind.FORGOTTEN: "hosts_forgotten",
    DecisionKind.VERIFIED: "hosts_verified",
    DecisionKind.REPAIRED: "hosts_repaired",
    DecisionKind.REFUSED: "entries_refused",
    DecisionKind.CONFLICT: "address_conflicts",
    DecisionKind.IGNORED: "sightings_ignored",
}


@pytest.mark.parametrize("what", DecisionKind)
def test_each_kind_of_decision_has_its_counter(what: DecisionKind) -> None:
    """Each decision is counted once, under its name, and nothing else is counted."""
    counters = Counters()
    counters.count([Decision(what, Reason.FIRST_SIGHT)] * 2)
    expected = Counters()
    if (name := COUNTED.get(what)) is not None:
        setattr(expected, name, 2)

    assert counters == expected
