"""How many lookups, and when."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from ndpbr_py.core.lookups import Due, Lookups, Step
from tests.builders import LLADDR, addr

A = addr()


def test_steps_fall_due_in_their_time_and_once() -> None:
    """The earliest is next; what is planned again takes the place of what was planned before."""
    lookups = Lookups()
    lookups.plan(Step.LOOK_UP, A, "lan0", 5.0)
    lookups.plan(Step.CHECK_OWNER, A, "lan0", 3.0)
    lookups.plan(Step.LOOK_UP, A, "lan0", 7.0)

    went = [(lookups.next_deadline(), list(lookups.due(now))) for now in (2.9, 5.0, 7.0, 8.0)]

    assert went == [
        (3.0, []),
        (3.0, [Due(Step.CHECK_OWNER, A, "lan0")]),
        (7.0, [Due(Step.LOOK_UP, A, "lan0")]),
        (None, []),
    ]


def test_memory_is_bounded() -> None:
    """Ten thousand sources, targets and lookups leave a thousand each."""
    lookups = Lookups()
    for number in range(10_000):
        target = IPv6Address(number)
        lookups.allows("lan0", f"{number:x}", target, 1, now=number)
        lookups.plan(Step.LOOK_UP, target, "lan0", number)

    tables = lookups._senders, lookups._probed_at, lookups._steps
    assert [len(it) for it in tables] == [1000, 1000, 1000]


@pytest.mark.parametrize(("number", "allowed"), [(1, 25), (5, 5), (26, 1)])
def test_lookups_are_counted_by_what_they_cost(number: int, allowed: int) -> None:
    """A lookup on five links costs five tokens, and one on more links than the burst costs the whole burst."""
    lookups = Lookups()

    assert sum(lookups.allows("lan0", LLADDR, IPv6Address(n), number, 1.0) for n in range(100)) == allowed
    assert (lookups.sent, lookups.rate_limited) == (allowed * number, 100 - allowed)
