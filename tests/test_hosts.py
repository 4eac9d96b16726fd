"""Hosts, found by address and by link-layer address."""

from __future__ import annotations

import pytest

from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.events import NudState
from ndpbr_py.core.host_states import HostState
from ndpbr_py.core.hosts import Hosts, Move
from tests.builders import LLADDR, OTHER_LLADDR, addr, known


def test_host_is_found_until_it_is_removed() -> None:
    """A host is found by its address and its link-layer address, and by neither once it is removed."""
    hosts, host = Hosts(), known()
    hosts.add(host)

    assert (hosts.get(addr()), hosts.count_with_lladdr(LLADDR, "lan0"), len(hosts), list(hosts)) == (host, 1, 1, [host])
    assert addr() in hosts
    hosts.remove(host)
    assert (hosts.get(addr()), hosts.count_with_lladdr(LLADDR, "lan0"), len(hosts), list(hosts)) == (None, 0, 0, [])
    assert addr() not in hosts


def test_hosts_share_a_lladdr() -> None:
    """A machine has many addresses: removing one leaves the others."""
    hosts, one, two = Hosts(), known("2001:db8::1"), known("2001:db8::2")
    hosts.add(one)
    hosts.add(two)

    assert hosts.count_with_lladdr(LLADDR, "lan0") == 2
    hosts.remove(one)
    assert hosts.count_with_lladdr(LLADDR, "lan0") == 1


def test_host_is_found_only_by_its_new_lladdr() -> None:
    """A host whose link-layer address changed is no longer found by the old one."""
    hosts, host = Hosts(), known()
    hosts.add(host)

    hosts.set_lladdr(host, OTHER_LLADDR)

    assert host.lladdr == OTHER_LLADDR
    assert hosts.count_with_lladdr(LLADDR, "lan0") == 0
    assert hosts.count_with_lladdr(OTHER_LLADDR, "lan0") == 1


def test_host_without_lladdr_gets_its_first() -> None:
    """A host adopted from an earlier run has no link-layer address before one is seen."""
    hosts, host = Hosts(), known(lladdr=None)
    hosts.add(host)

    hosts.set_lladdr(host, LLADDR)

    assert hosts.count_with_lladdr(LLADDR, "lan0") == 1


def test_same_lladdr_again_changes_nothing() -> None:
    """A host seen again with its link-layer address is not listed twice."""
    hosts, host = Hosts(), known()
    hosts.add(host)

    hosts.set_lladdr(host, LLADDR)

    assert hosts.count_with_lladdr(LLADDR, "lan0") == 1


def test_eviction_candidate_is_the_oldest_host_that_has_never_answered() -> None:
    """Hosts that have answered are never evicted; a host that moved queues up behind the others."""
    hosts, one, two = Hosts(), known("2001:db8::1"), known("2001:db8::2")
    hosts.add(known("2001:db8::3", verified=True))
    assert (hosts.eviction_candidate(), hosts.count_unanswered("lan0")) == (None, 0)
    hosts.add(one)
    hosts.add(two)

    assert (hosts.eviction_candidate(), hosts.count_unanswered("lan0")) == (one, 2)
    hosts.set_state(one, HostState.VERIFIED)
    assert (hosts.eviction_candidate(), hosts.count_unanswered("lan0")) == (two, 1)
    hosts.set_state(one, HostState.UNVERIFIED)
    assert hosts.eviction_candidate() is two
    hosts.remove(two)
    assert hosts.eviction_candidate() is one


def test_eviction_candidate_is_on_the_interface_with_most_unanswered_hosts() -> None:
    """A flood of claims on one interface evicts these claims, not the hosts of another interface."""
    hosts = Hosts()
    for number, dev in enumerate(("lan1", "lan0", "lan0")):
        hosts.add(known(f"2001:db8::{number}", dev))

    assert hosts.eviction_candidate() is hosts.get(addr("2001:db8::1"))


def test_eviction_spares_a_host_that_may_never_have_moved() -> None:
    """The host has answered on its previous link; another host may have forged the move."""
    hosts, moved, claim = Hosts(), known("2001:db8::1"), known("2001:db8::2")
    moved.last_move = Move(0.0, "lan1")
    hosts.add(moved)

    assert hosts.eviction_candidate() is None
    hosts.add(claim)
    assert hosts.eviction_candidate() is claim
    moved.last_move = Move(0.0, None)  # the host had another lladdr there
    assert hosts.eviction_candidate() is moved


@pytest.mark.parametrize(
    ("verified", "move", "now", "dev"),
    [
        (True, None, 20.0, "lan0"),
        (False, None, 20.0, None),
        (True, Move(10.0, "lan1"), 19.9, "lan1"),
        (True, Move(10.0, "lan1"), 20.0, "lan0"),
        (False, Move(10.0, "lan1"), 20.0, "lan1"),
        (True, Move(10.0, None), 19.9, "lan0"),
        (False, Move(10.0, None), 19.9, None),
    ],
)
def test_link_where_a_host_has_answered(verified: bool, move: Move | None, now: float, dev: str | None) -> None:
    """An answer on the new link counts ten seconds after the move: until then it may be that of the move's forger."""
    host = known(verified=verified)
    host.last_move = move

    assert host.answered_on(now) == dev


def test_host_that_moved_is_unverified_where_it_is() -> None:
    """A host on another interface than before has not answered there yet."""
    hosts, host = Hosts(), known(verified=True)
    hosts.add(host)

    hosts.set_dev(host, "lan1", HostState.UNVERIFIED)

    assert (host.dev, host.state) == ("lan1", HostState.UNVERIFIED)
    assert (hosts.count_unanswered("lan0"), hosts.count_unanswered("lan1")) == (0, 1)


def test_hosts_may_be_removed_while_they_are_gone_through() -> None:
    """Going through the hosts is not disturbed by what is done to them."""
    hosts = Hosts()
    for number in range(3):
        hosts.add(known(f"2001:db8::{number}"))

    for host in hosts:
        hosts.remove(host)

    assert len(hosts) == 0


def test_decision_about_a_host_says_what_is_known_of_it() -> None:
    """A decision carries address, interface, link-layer address and NUD state as they are at that time."""
    decision = known().decision(DecisionKind.RETAINED, Reason.EVICTED, detail=Detail(error="x"))

    assert decision == Decision(
        DecisionKind.RETAINED,
        Reason.EVICTED,
        addr(),
        "lan0",
        LLADDR,
        NudState.STALE,
        actions=(),
        detail=Detail(error="x"),
    )
