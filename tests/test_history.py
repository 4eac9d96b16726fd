"""Decisions -> the latest of them about one address."""

from __future__ import annotations

import pytest

from ndpbr_py.control.history import History
from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.system import clock
from tests.builders import addr

CLAIMED = [
    (DecisionKind.LEARNED, Reason.FIRST_SIGHT),
    (DecisionKind.FORGOTTEN, Reason.NO_ANSWER),
    (DecisionKind.FORGOTTEN, Reason.FULL),
    (DecisionKind.IGNORED, Reason.OFF_LINK),
]


def about(address: str, what: DecisionKind = DecisionKind.VERIFIED, reason: Reason = Reason.REACHABLE) -> Decision:
    return Decision(what, reason, addr(address))


def test_history_of_an_address_is_in_order() -> None:
    """The decisions about an address are returned in order, with their times, and no others."""
    history = History()
    life = [about("2001:db8::1", *CLAIMED[0]), about("2001:db8::1"), about("2001:db8::1", *CLAIMED[1])]
    before = clock.now()
    for decision in life:
        history.keep([decision, about("2001:db8::2")])
    found = history.about(addr("2001:db8::1"))

    assert [past.decision for past in found] == life
    assert before <= found[0].at <= found[1].at <= found[2].at <= clock.now()
    assert history.about(addr("2001:db8::3")) == []


def test_decisions_with_the_same_time_are_in_order() -> None:
    """Decisions about one event are returned in the order in which they were made, of both kinds."""
    history = History()
    life = [about("2001:db8::1", DecisionKind.PROBED, Reason.ONE_MORE_TRY), about("2001:db8::1", *CLAIMED[1])]
    history.keep(life)

    assert [past.decision for past in history.about(addr("2001:db8::1"))] == life


@pytest.mark.parametrize(("what", "reason"), CLAIMED)
def test_flood_of_claims_does_not_push_out_other_decisions(what: DecisionKind, reason: Reason) -> None:
    """However many addresses are claimed, the decisions about real hosts are still there."""
    history = History()
    history.keep([about("2001:db8::1")])
    history.keep([about("2001:db8::bad", what, reason)] * 10_000)

    assert [past.decision for past in history.about(addr("2001:db8::1"))] == [about("2001:db8::1")]
    assert len(history.about(addr("2001:db8::bad"))) == 1000


def test_history_is_bounded() -> None:
    """Of the other decisions, too, only the latest 1,000 are stored."""
    history = History()
    history.keep([about("2001:db8::1")] * 3000)

    assert len(history.about(addr("2001:db8::1"))) == 1000
