"""Time -> whose turn it is."""

from __future__ import annotations

from collections import Counter

import pytest

from ndpbr_py.core.hosts import Hosts
from ndpbr_py.core.schedule import Deadlines, RoundRobin
from tests.builders import addr, known


def some(count: int) -> Hosts:
    hosts = Hosts()
    for number in range(count):
        hosts.add(known(f"2001:db8::{number:x}"))
    return hosts


@pytest.mark.parametrize("tick", [1.0, 8.0, 32.0])
def test_each_host_has_its_turn_once_an_interval(tick: float) -> None:
    """In one interval each of 64 hosts has one turn, however often the clock ticks."""
    rounds, hosts = RoundRobin(256.0), some(64)

    turns = Counter(host.address for n in range(int(256 / tick) + 1) for host in rounds.due(hosts, n * tick))

    assert turns == {host.address: 1 for host in hosts}


def test_turns_are_spread_evenly() -> None:
    """Of 100 hosts and 100 seconds, each second has one."""
    rounds, hosts = RoundRobin(100.0), some(100)

    assert [len(list(rounds.due(hosts, float(n)))) for n in range(6)] == [0, 1, 1, 1, 1, 1]


def test_sleep_of_the_machine_is_made_up_for_by_one_round() -> None:
    """After a week's suspend no host has two turns."""
    rounds, hosts = RoundRobin(100.0), some(3)
    list(rounds.due(hosts, 0.0))

    turns = [host.address for host in rounds.due(hosts, 604_800.0)]

    assert turns == [host.address for host in hosts]


def test_host_forgotten_since_the_round_began_has_no_turn() -> None:
    """A round goes on without those who left."""
    rounds, hosts = RoundRobin(2.0), some(2)
    first = [host.address for now in (0.0, 1.0) for host in rounds.due(hosts, now)]
    gone = hosts.get(addr("2001:db8::1"))
    assert gone is not None
    hosts.remove(gone)

    later = [host.address for now in (2.0, 3.0, 4.0, 5.0) for host in rounds.due(hosts, now)]

    assert first == [addr("2001:db8::")]
    assert later == [addr("2001:db8::")]


def test_no_host_is_due_where_none_is_known() -> None:
    """Time passes without hosts, and saves up no turns."""
    rounds, hosts = RoundRobin(10.0), Hosts()
    list(rounds.due(hosts, 0.0))
    list(rounds.due(hosts, 1000.0))
    hosts.add(known())

    assert list(rounds.due(hosts, 1001.0)) == []


def test_next_turn_is_a_hundredth_of_the_interval_away() -> None:
    """At most two wake-ups per second, and at least two per minute."""
    steps = []
    for interval_s in (10.0, 200.0, 3600.0):
        rounds = RoundRobin(interval_s)
        assert rounds.next_deadline() == 0.0
        list(rounds.due(Hosts(), 7.0))
        steps.append(rounds.next_deadline() - 7.0)

    assert steps == [0.5, 2.0, 30.0]


def test_deadlines_come_in_their_order_and_once() -> None:
    """A key has one deadline, the last that was set."""
    deadlines: Deadlines[str] = Deadlines()
    for key, at in (("a", 5.0), ("b", 3.0), ("a", 2.0), ("b", 6.0)):
        deadlines.set(key, at)

    assert (len(deadlines), "c" in deadlines, deadlines.next()) == (2, False, 2.0)
    assert [deadlines.pop(now) for now in (1.9, 2.0, 5.9, 6.0, 7.0)] == [None, "a", None, "b", None]
    assert deadlines.next() is None
