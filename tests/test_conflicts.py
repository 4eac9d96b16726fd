"""Claims of an address that another host defends -> when the conflict begins and ends."""

from __future__ import annotations

from ndpbr_py.core.conflicts import Conflicts
from ndpbr_py.core.decision import Detail
from ndpbr_py.core.events import NudState, Tick
from ndpbr_py.core.hosts import Hosts
from tests.builders import HOST, LLADDR, OTHER_LLADDR, addr, changed, handle, nd_proxy, why

A = addr(HOST)
CLAIM = changed(dev="lan1", lladdr=OTHER_LLADDR)
ANSWER = changed(state=NudState.REACHABLE)


def test_conflict_is_reported_when_it_begins_and_when_it_ends() -> None:
    """The end says how many claims there were, and how much time was between the first and the last."""
    proxy = nd_proxy("wan0", "lan0", "lan1")
    handle(proxy, ANSWER, Tick())
    reported = []
    for now in (100.0, 120.0, 140.0):
        reported += handle(proxy, CLAIM, ANSWER, now=now)
    early = handle(proxy, Tick(), now=199.9)
    ended = handle(proxy, Tick(), now=200.0)

    assert why(reported) == [("address-conflict", "owner-answers")]
    assert why(early) == []
    assert why(ended) == [("conflict-ended", "no-claim")]
    assert (ended[0].address, ended[0].dev, ended[0].lladdr) == (A, "lan0", LLADDR)
    assert ended[0].detail == Detail(
        claimed_by=OTHER_LLADDR, claimed_on="lan1", duration_s=40, claims=3, last_claim_s=60
    )
    assert why(handle(proxy, Tick(), now=300.0)) == []


def test_claim_after_the_end_is_a_new_conflict() -> None:
    """A claim after the end of a conflict is reported again."""
    proxy = nd_proxy("wan0", "lan0", "lan1")
    handle(proxy, ANSWER, now=100.0)
    handle(proxy, CLAIM, ANSWER, now=100.0)
    handle(proxy, Tick(), now=160.0)

    assert why(handle(proxy, CLAIM, ANSWER, now=500.0)) == [("address-conflict", "owner-answers")]


def test_end_of_a_conflict_is_a_deadline() -> None:
    """The core is woken for it."""
    conflicts = Conflicts()
    conflicts.claim(A, LLADDR, "lan1", 10.0)
    conflicts.claim(A, LLADDR, "lan1", 20.0)

    assert conflicts.next_deadline() == 80.0


def test_only_a_few_conflicts_are_counted() -> None:
    """A host that claims thousands of addresses fills no table; each claim is still news."""
    conflicts = Conflicts()
    for number in range(256):
        conflicts.claim(addr(f"2001:db8::1:{number:x}"), LLADDR, "lan1", 0.0)

    assert [conflicts.claim(A, LLADDR, "lan1", 1.0) for _ in range(2)] == [True, True]
    assert len(conflicts.due(Hosts(), 60.0)) == 256
    assert [conflicts.claim(A, LLADDR, "lan1", 61.0) for _ in range(2)] == [True, False]
