"""Decisions -> how many of each."""

from __future__ import annotations

import pytest

from ndpbr_py.core.decision import Decision, What
from ndpbr_py.core.policy import Reason
from ndpbr_py.telling.counters import Counters

COUNTED = {
    What.LEARNED: "learned",
    What.MOVED: "moved",
    What.FORGOTTEN: "forgotten",
    What.VERIFIED: "verified",
    What.REPAIRED: "repaired",
    What.REFUSED: "refused",
    What.CONFLICT: "conflicts",
    What.IGNORED: "ignored",
}


@pytest.mark.parametrize("what", What)
def test_each_kind_of_decision_has_its_counter(what: What) -> None:
    """What is decided is counted once, under its name, and nothing else is."""
    counters = Counters()
    counters.count([Decision(what, Reason.FIRST_SIGHT)] * 2)
    name = COUNTED.get(what)

    assert counters == (Counters() if name is None else Counters(**{name: 2}))
