"""A host that is forgotten, and one that comes back: what their records say about the time in between."""

from __future__ import annotations

from ndpbr_py.core.decision import Decision, Detail
from ndpbr_py.core.departed import Departed, Departure
from ndpbr_py.core.events import Event, NudState
from ndpbr_py.core.proxy import NdProxy
from tests.builders import HOST, addr, changed, handle, kernel, nd_proxy, solicited, why

REACHABLE, STALE, FAILED = changed(state=NudState.REACHABLE), changed(), changed(state=NudState.FAILED)
HISTORY: list[tuple[float, Event]] = [(0, kernel()), (10, REACHABLE), (40, STALE), (340, FAILED), (343, FAILED)]


def at(proxy: NdProxy, *history: tuple[float, Event]) -> Decision:
    """Return the last decision on the events of *history*, each at its time."""
    decisions = [decision for now, event in history for decision in handle(proxy, event, now=now)]
    return decisions[-1]


def test_forgotten_host_was_last_seen() -> None:
    """The host was present until its entry left REACHABLE, not only when the entry became REACHABLE."""
    forgotten = at(nd_proxy(), *HISTORY)

    assert why([forgotten]) == [("host-forgotten", "no-answer")]
    assert forgotten.detail == Detail(last_seen_s=303, known_for_s=333, solicited=False)


def test_forgotten_host_was_solicited_in_the_meantime() -> None:
    """Only what came after it was last seen counts."""
    before, after = (20, solicited()), (100, solicited())
    not_missed = at(nd_proxy(), *HISTORY[:2], before, *HISTORY[2:])
    missed = at(nd_proxy(), *HISTORY[:3], after, *HISTORY[3:])

    assert (not_missed.detail and not_missed.detail.solicited) is False
    assert (missed.detail and missed.detail.solicited) is True


def test_host_that_returns_was_away() -> None:
    """The time begins when it was last seen; a solicitation before or after it was forgotten counts."""
    returned = at(nd_proxy(), *HISTORY, (1000, STALE))
    missed = at(nd_proxy(), *HISTORY, (500, solicited()), (1000, REACHABLE))

    assert (why([returned]), returned.detail) == (
        [("host-learned", "first-sight")],
        Detail(returned=True, away_s=960, solicited=False),
    )
    assert (why([missed]), missed.detail) == (
        [("host-learned", "reachable")],
        Detail(returned=True, away_s=960, solicited=True),
    )


def test_host_that_returns_after_a_day_is_new() -> None:
    """A host is also new if it returns a second time but was forgotten once, or if it never answered."""
    late = at(nd_proxy(), *HISTORY, (40 + 86401, STALE))
    never = at(nd_proxy(), (0, kernel()), (10, STALE), (15, FAILED), (20, STALE))

    assert (late.detail, never.detail) == (None, None)


def test_only_the_latest_departures_are_kept() -> None:
    """A table of any size could be filled from outside."""
    departed = Departed()
    for number in range(1001):
        departed.add(addr(f"2001:db8::1:{number:x}"), Departure(0.0, "lan0", solicited=False))

    assert departed.pop(addr("2001:db8::1:0"), 1.0) is None
    assert departed.pop(addr("2001:db8::1:1"), 1.0) is not None
    assert departed.pop(addr(HOST), 1.0) is None
