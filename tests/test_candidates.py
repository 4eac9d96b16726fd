"""Addresses that may be in use: which are looked up, how often, and until when."""

from __future__ import annotations

import pytest

from ndpbr_py.core.actions import Probe
from ndpbr_py.core.candidates import BURST_INTERVAL_S, LOOKUPS_PER_BURST, to_remember
from ndpbr_py.core.decision import Reason
from ndpbr_py.core.events import CandidatesFound, NudState, Tick
from ndpbr_py.core.proxy import NdProxy
from tests.builders import HOST, PREFIX, actions, addr, changed, handle, kernel, link, nd_proxy, why

A = addr()
DUE = Tick()
LOOKUP = [Probe(A, "lan0", None)]


def candidates(*addresses: str, dev: str = "lan0", remembered: bool = True) -> CandidatesFound:
    """Return the event that these addresses may be in use."""
    return CandidatesFound(tuple((addr(address), dev) for address in addresses or (HOST,)), remembered)


def times(proxy: NdProxy, *nows: float) -> list[float]:
    """Return at which of *nows* a lookup started."""
    return [now for now in nows if handle(proxy, DUE, now=now)]


def test_remembered_host_is_probed_by_multicast_and_gets_nothing_yet() -> None:
    """The host has to answer first; its lladdr may have changed."""
    proxy = nd_proxy()

    decisions = handle(proxy, candidates(), DUE)

    assert (why(decisions), actions(decisions)) == ([("lookup-started", "remembered")], LOOKUP)
    assert len(proxy.hosts) == 0
    assert why(handle(proxy, changed(state=NudState.REACHABLE))) == [("host-learned", "reachable")]
    handle(proxy, DUE)
    assert times(proxy, 60.0, 660.0) == []
    assert proxy.candidates.remembered() == []


def test_remembered_host_is_probed_three_times() -> None:
    """Immediately, after a minute, and ten minutes later; then it is given up."""
    proxy = nd_proxy()
    handle(proxy, candidates())

    assert times(proxy, 0.0, 59.0, 60.0, 659.0, 660.0) == [0.0, 60.0, 660.0]
    assert proxy.candidates.remembered() == [A]
    assert times(proxy, 670.0, 5000.0) == []
    assert proxy.candidates.remembered() == []


def test_host_that_answers_an_echo_request_is_probed_once() -> None:
    """The host is present, or the answer was forged."""
    proxy = nd_proxy()

    assert why(handle(proxy, candidates(remembered=False), DUE)) == [("lookup-started", "answered-echo")]
    assert times(proxy, 10.0, 60.0, 660.0) == []
    assert proxy.candidates.remembered() == []


def test_remembered_host_seen_elsewhere_is_probed_in_both_places() -> None:
    """The host has moved to another link, or another host there has answered with its address."""
    proxy = nd_proxy()
    handle(proxy, candidates(), DUE)

    decisions = handle(proxy, candidates(dev="wan0", remembered=False), DUE, now=1.0)

    assert actions(decisions) == [Probe(A, "wan0", None)]
    assert actions(handle(proxy, DUE, now=60.0)) == LOOKUP
    assert proxy.candidates.remembered() == [A]


@pytest.mark.parametrize("address", ["2001:db8:1::1", "2001:db8::", "ff02::1", "fe80::1", "2001:db8::1", "2001:db8::2"])
def test_address_that_must_not_be_learned_is_not_probed(address: str) -> None:
    """Off-link, anycast, of another kind, the router's own, the next hop's: none of them is probed."""
    proxy = nd_proxy()
    handle(proxy, kernel(own=["2001:db8::1"], next_hops={"2001:db8::2": "wan0"}), candidates(address))

    assert times(proxy, 0.0, 60.0, 660.0, 3600.0) == []
    assert proxy.candidates.remembered() == []


def test_address_is_probed_when_its_prefix_and_interface_are_there() -> None:
    """Until then, but for no longer than an hour, it waits."""
    proxy = nd_proxy()
    handle(proxy, link(up=False), candidates())

    assert times(proxy, 0.0, 1000.0) == []
    handle(proxy, link(up=True))
    assert times(proxy, 1001.0) == [1001.0]


@pytest.mark.parametrize("owner_answers", [True, False])
def test_address_claimed_while_its_link_was_down_is_looked_up_there(owner_answers: bool) -> None:
    """The switch starts later than the router: a host that answers there gets its address back, but only then."""
    proxy = nd_proxy("wan0", "lan0", "lan1")
    proxy.remembered = {A: "lan0"}
    handle(proxy, link(up=False), candidates(), changed(dev="lan1", state=NudState.REACHABLE), DUE)
    assert to_remember(proxy, proxy.candidates, {A: ("lan0", None)}, 1.0) == {A: ("lan0", None)}

    handle(proxy, link(up=True), now=30.0)
    assert Probe(A, "lan0", None) in actions(handle(proxy, DUE, now=30.0))
    if not owner_answers:
        handle(proxy, changed(state=NudState.FAILED), now=33.0)
    handle(proxy, changed(state=NudState.REACHABLE), now=33.1)

    assert [host.dev for host in proxy.hosts] == ["lan0" if owner_answers else "lan1"]


def test_known_host_is_not_probed() -> None:
    """A candidate that was learned meanwhile is verified anyway; it stays a candidate until it has answered."""
    proxy = nd_proxy()
    proxy.remembered = {A: "lan0"}
    handle(proxy, candidates(), changed(), DUE)

    assert handle(proxy, DUE) == []
    assert proxy.candidates.remembered() == [A]
    handle(proxy, changed(state=NudState.REACHABLE))
    handle(proxy, DUE, now=10.0)
    assert proxy.candidates.remembered() == []


def test_remembered_host_is_probed_three_times_by_the_timer_only() -> None:
    """Only the deadlines of the core are needed: no snapshot, and no resync interval."""
    proxy, now, probed = nd_proxy(), 0.0, []
    handle(proxy, candidates())

    while (deadline := proxy.next_deadline()) is not None and now < 800.0:
        now = max(now, deadline)
        probed += [now for decision in handle(proxy, Tick(), now=now) if decision.reason is Reason.REMEMBERED]

    assert probed == [0.0, 60.0, 660.0]


def test_candidates_that_are_not_eligible_wake_nothing() -> None:
    """A candidate whose interface is down is due again when the interface is up, not before."""
    proxy = nd_proxy()
    handle(proxy, link(up=False), candidates(), Tick())

    assert proxy.candidates.next_deadline() == 3600.0
    handle(proxy, link(up=True), now=7.0)
    assert proxy.candidates.next_deadline() == 7.0


def test_candidates_are_looked_up_a_few_at_a_time() -> None:
    """However many are remembered, the neighbor table is not flooded, and there are no more than --max-hosts."""
    proxy = nd_proxy(max_hosts=25)
    handle(proxy, candidates(*(str(PREFIX[number]) for number in range(1, 100))))

    bursts = [len(handle(proxy, DUE, now=number * BURST_INTERVAL_S)) for number in range(4)]

    assert bursts == [LOOKUPS_PER_BURST, LOOKUPS_PER_BURST, 5, 0]
    assert handle(proxy, DUE, now=3.5 * BURST_INTERVAL_S) == []


def test_remembered_host_that_answers_an_echo_request_is_probed_immediately() -> None:
    """The host need not wait for its next turn, and is still remembered."""
    proxy = nd_proxy()
    handle(proxy, candidates())
    assert times(proxy, 0.0, 1.0) == [0.0]

    handle(proxy, candidates(remembered=False), now=2.0)

    assert times(proxy, 2.0) == [2.0]
    assert proxy.candidates.remembered() == [A]


def test_candidates_found_one_by_one_are_not_looked_up_faster() -> None:
    """Echo replies that arrive one after the other cause no more lookups than those that arrive together."""
    proxy = nd_proxy()

    lookups = 0
    for number in range(1, 201):
        now = number / 1000
        handle(proxy, candidates(str(PREFIX[number]), remembered=False), now=now)
        lookups += len(handle(proxy, Tick(), now=now))

    assert lookups <= 3 * LOOKUPS_PER_BURST


def test_blocked_candidates_cost_nothing_while_other_interfaces_change() -> None:
    """A router with many virtual interfaces does not look at the candidates for each of them."""
    proxy = nd_proxy()
    handle(proxy, link(up=False), candidates(), Tick())

    for _ in range(100):
        handle(proxy, link("veth1", up=True), now=1.0)

    assert proxy.candidates.next_deadline() == 3600.0
    assert len(proxy.candidates._deadlines._heap) < 5
