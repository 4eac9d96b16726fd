"""So many in one burst, and so many a second in the long run."""

from __future__ import annotations

from ndpbr_py.core.ratelimit import OncePerKey, TokenBucket


def test_burst_is_let_through_then_the_rate() -> None:
    """Three in one burst, then one every two seconds."""
    limit = TokenBucket(rate=0.5, burst=3)

    assert [limit.allows(100.0) for _ in range(5)] == [True, True, True, False, False]
    assert [limit.allows(now) for now in (101.0, 102.0, 102.5, 104.0)] == [False, True, False, True]


def test_refusals_are_counted_until_they_are_reported() -> None:
    """The number of refusals is returned once, then it starts over."""
    limit = TokenBucket(rate=1.0, burst=1)
    assert (limit.has_refused, limit.refused()) == (False, 0)

    for _ in range(4):
        limit.allows(1.0)

    assert (limit.has_refused, limit.refused(), limit.has_refused) == (True, 3, False)


def test_several_come_together_or_not_at_all() -> None:
    """If three tokens are needed and two are left, none is taken."""
    limit = TokenBucket(rate=1.0, burst=4)

    assert [limit.take(number, 100.0) for number in (2, 3, 2, 1)] == [True, False, True, False]


def test_quiet_saves_up_no_more_than_a_burst() -> None:
    """After a day without any, one burst is allowed, not more."""
    limit = TokenBucket(rate=10.0, burst=2)
    limit.allows(0.0)

    assert [limit.allows(86_400.0) for _ in range(3)] == [True, True, False]


def test_key_is_due_once_per_interval() -> None:
    """Other keys do not matter, except that a key which is not among the latest is forgotten."""
    once = OncePerKey(3600, 2)
    once.record("a", 0.0)

    assert [once.is_due("a", 3599.0), once.is_due("b", 1.0), once.is_due("a", 3600.0)] == [False, True, True]
    once.record("b", 1.0)
    once.record("c", 2.0)
    assert [once.is_due(key, 3.0) for key in "abc"] == [True, False, False]
