"""An address or link-layer address that is known on one link is seen on another."""

from __future__ import annotations

import pytest

from ndpbr_py.core.actions import AddProxy, AddRoute, DelProxy, DelRoute, Probe
from ndpbr_py.core.decision import Detail
from ndpbr_py.core.events import LinkChanged, NudState
from ndpbr_py.core.host_states import HostState
from tests.builders import (
    LLADDR,
    OTHER_LLADDR,
    actions,
    addr,
    changed,
    deleted,
    handle,
    kernel,
    link,
    nd_proxy,
    prefix_route,
    route,
    why,
)

A = addr()
REACHABLE, FAILED, PERMANENT = NudState.REACHABLE, NudState.FAILED, NudState.PERMANENT
THREE = ("wan0", "lan0", "lan1")
LATER = 100.0


def test_host_that_moved_is_learned_where_it_is() -> None:
    """The same machine seen on another link has moved: its entries follow, and it is probed there."""
    proxy = nd_proxy(*THREE)

    decisions = handle(proxy, changed(state=REACHABLE), changed(dev="lan1"), now=LATER)

    assert (why(decisions), decisions[0].detail) == ([("host-moved", "same-lladdr-elsewhere")], Detail(from_dev="lan0"))
    assert actions(decisions) == [
        DelProxy(A, "lan1"),
        DelRoute(A, "lan0"),
        AddRoute(A, "lan1"),
        AddProxy(A, "lan0"),
        Probe(A, "lan1", LLADDR),
        Probe(A, "lan0", LLADDR),
    ]
    assert why(handle(proxy, changed(dev="lan1", state=REACHABLE))) == [("host-verified", "reachable")]


def test_host_that_has_just_moved_is_probed_before_it_is_moved_again() -> None:
    """Two links that carry the same frames do not make a host move back and forth."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1"), now=LATER)

    decisions = handle(proxy, changed(dev="lan0"), now=LATER + 9.9)

    assert why(decisions) == [("host-probed", "claimed-elsewhere")]
    assert actions(decisions) == [Probe(A, "lan1", LLADDR)]
    assert why(handle(proxy, changed(dev="lan0"), now=LATER + 10.0)) == [("host-moved", "same-lladdr-elsewhere")]


def test_owner_that_answers_keeps_its_address() -> None:
    """An address that another machine claims stays with its owner, and the conflict is reported once."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE))

    decisions = handle(proxy, changed(dev="lan1", lladdr=OTHER_LLADDR))
    assert (why(decisions), actions(decisions)) == ([("host-probed", "claimed-elsewhere")], [Probe(A, "lan0", LLADDR)])
    assert handle(proxy, changed(dev="lan1", lladdr=OTHER_LLADDR)) == []

    answered = handle(proxy, changed(state=REACHABLE))
    assert (why(answered), answered[0].detail) == (
        [("address-conflict", "owner-answers")],
        Detail(claimed_by=OTHER_LLADDR, claimed_on="lan1"),
    )
    assert handle(proxy, changed(dev="lan1", lladdr=OTHER_LLADDR), changed(state=REACHABLE)) == []


def test_answer_on_the_old_link_is_a_claim_after_silence_there() -> None:
    """The old link was silent after the move, so the host that answers there later is not the owner."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1"), changed(dev="lan1", state=REACHABLE), now=LATER)
    handle(proxy, changed(state=FAILED), now=LATER + 3.0)

    decisions = handle(proxy, changed(state=REACHABLE, lladdr=OTHER_LLADDR), now=LATER + 5.0)

    assert why(decisions) == [("host-probed", "claimed-elsewhere")]
    assert actions(decisions) == [Probe(A, "lan1", LLADDR)]


def test_silence_without_carrier_settles_no_move() -> None:
    """The old link has lost its carrier: its owner could not answer, and gets its address back when it does."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1"), changed(dev="lan1", state=REACHABLE), now=LATER)
    handle(proxy, LinkChanged(3, "lan0", up=True, carrier=False), changed(state=FAILED), now=LATER + 3.0)

    decisions = handle(proxy, link(up=True), changed(state=REACHABLE), now=LATER + 5.0)

    assert ("host-moved", "owner-answers") in why(decisions)


def test_owner_that_is_silent_loses_its_address() -> None:
    """When the owner does not answer, the claimant gets the address, and is probed."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1", lladdr=OTHER_LLADDR))

    decisions = handle(proxy, changed(state=FAILED), now=3.0)

    assert why(decisions) == [("host-moved", "owner-silent")]
    assert actions(decisions)[-2:] == [Probe(A, "lan1", OTHER_LLADDR), Probe(A, "lan0", None)]
    assert [(host.dev, host.lladdr, host.state) for host in proxy.hosts] == [
        ("lan1", OTHER_LLADDR, HostState.UNVERIFIED)
    ]


def test_owner_that_answers_just_after_it_has_lost_its_address_gets_it_back() -> None:
    """Its silence was a deletion of its entry while the answer was on its way; silence after the move is final."""
    for states in ([REACHABLE], [FAILED, REACHABLE]):
        proxy = nd_proxy(*THREE)
        handle(proxy, changed(state=REACHABLE), changed(dev="lan1", lladdr=OTHER_LLADDR))
        handle(proxy, changed(state=FAILED), now=1.5)
        handle(proxy, changed(dev="lan1", state=REACHABLE, lladdr=OTHER_LLADDR), now=1.5)

        for state in states:
            handle(proxy, changed(state=state), now=5.0)

        assert [host.dev for host in proxy.hosts] == ["lan0" if states == [REACHABLE] else "lan1"]


def test_owner_on_an_interface_that_is_down_loses_its_address() -> None:
    """The owner can be neither probed nor reached there: the host that uses the address elsewhere gets it."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), link("lan0", up=False))

    decisions = handle(proxy, changed(dev="lan1", lladdr=OTHER_LLADDR), now=LATER)

    assert (why(decisions), decisions[0].detail) == ([("host-moved", "owner-unreachable")], Detail(from_dev="lan0"))
    assert actions(decisions) == [AddRoute(A, "lan1"), AddProxy(A, "wan0"), Probe(A, "lan1", OTHER_LLADDR)]


def test_host_of_the_last_run_is_looked_up_where_it_was() -> None:
    """Another host has claimed its address while ndpbr did not run: it gets the address back when it answers."""
    proxy = nd_proxy(*THREE)
    proxy.remembered = {A: "lan0"}

    decisions = handle(proxy, changed(dev="lan1", state=REACHABLE, lladdr=OTHER_LLADDR))
    assert actions(decisions)[-1] == Probe(A, "lan0", None)
    answered = handle(proxy, changed(state=REACHABLE), now=1.0)

    assert why(answered) == [("address-conflict", "owner-answers"), ("host-moved", "owner-answers")]
    assert [(host.dev, host.lladdr) for host in proxy.hosts] == [("lan0", LLADDR)]


def test_cached_lladdr_of_a_host_of_the_last_run_may_be_forged() -> None:
    """The owner is looked up by multicast before it is forgotten."""
    proxy = nd_proxy(*THREE)
    proxy.remembered = {A: "lan0"}
    handle(proxy, changed(lladdr=OTHER_LLADDR))

    failed = handle(proxy, changed(state=FAILED), now=3.0)
    assert (why(failed), actions(failed)) == ([("host-probed", "one-more-try")], [Probe(A, "lan0", None)])
    assert why(handle(proxy, changed(state=FAILED), now=6.0)) == [("host-forgotten", "no-answer")]


@pytest.mark.parametrize("how", ["remembered", "adopted"])
def test_host_of_the_last_run_is_probed_before_it_moves(how: str) -> None:
    """A restart does not change that the host has answered; its cached lladdr may be forged on both links."""
    proxy, adopted = nd_proxy(*THREE), [route()] if how == "adopted" else []
    proxy.remembered = {A: "lan0"} if how == "remembered" else {}

    decisions = handle(proxy, kernel(*adopted, changed(), changed(dev="lan1", state=REACHABLE), up=THREE))

    assert why(decisions)[-1] == ("host-probed", "claimed-elsewhere")
    assert [(host.dev, host.state.name) for host in proxy.hosts] == [("lan0", "CONTESTED")]


def test_deletions_are_no_silence_of_a_host_of_the_last_run() -> None:
    """Another program deletes its entry twice before it can answer."""
    proxy = nd_proxy(*THREE)
    proxy.remembered = {A: "lan0"}
    handle(proxy, changed())

    for _ in range(2):
        handle(proxy, changed(state=FAILED), deleted(state=FAILED, lladdr=None))

    assert A in proxy.hosts


def test_host_adopted_elsewhere_is_looked_up_where_the_hosts_file_has_it() -> None:
    """The daemon was killed after a forged claim, before the owner could answer; the claimant says it is a router."""
    proxy = nd_proxy(*THREE)
    proxy.remembered = {A: "lan0"}
    claim = changed(dev="wan0", state=REACHABLE, lladdr=OTHER_LLADDR, router=True)

    adopted = handle(proxy, kernel(prefix_route("::/0", "wan0", via="fe80::1"), route(dev="wan0"), claim, up=THREE))
    assert Probe(A, "lan0", None) in actions(adopted)

    assert ("host-moved", "owner-answers") in why(handle(proxy, changed(state=REACHABLE), now=0.1))


def test_router_flag_takes_no_address_of_a_host_of_the_last_run() -> None:
    """An attacker on the provider's link has answered as a router while ndpbr did not run."""
    proxy = nd_proxy(*THREE)
    handle(proxy, kernel(prefix_route("::/0", via="fe80::1"), up=THREE))
    proxy.remembered = {A: "lan0"}

    learned = handle(proxy, changed(dev="wan0", state=REACHABLE, lladdr=OTHER_LLADDR, router=True))
    assert actions(learned)[-1] == Probe(A, "lan0", None)
    assert ("host-moved", "owner-answers") in why(handle(proxy, changed(state=REACHABLE), now=1.0))


def test_failure_before_the_probe_can_have_ended_is_no_silence() -> None:
    """Another program has deleted the owner's entry: the owner is probed again, but not without end."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1", lladdr=OTHER_LLADDR))

    for _ in range(4):
        deleted = handle(proxy, changed(state=FAILED), now=0.1)
        assert (why(deleted), actions(deleted)) == ([("host-probed", "one-more-try")], [Probe(A, "lan0", None)])

    assert why(handle(proxy, changed(state=FAILED), now=0.1))[0] == ("host-moved", "owner-silent")


def test_failure_of_a_forged_lladdr_is_no_silence() -> None:
    """Another lladdr was seen on the owner's link, and the owner has not answered since: it is probed by multicast."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), changed(lladdr="02:00:00:00:00:67"))
    handle(proxy, changed(dev="lan1", lladdr=OTHER_LLADDR), now=1.0)

    failed = handle(proxy, changed(state=FAILED), now=4.0)

    assert (why(failed), actions(failed)) == ([("host-probed", "one-more-try")], [Probe(A, "lan0", None)])
    assert why(handle(proxy, changed(state=FAILED), now=7.0))[0] == ("host-moved", "owner-silent")


def test_lladdr_that_may_be_forged_moves_no_host() -> None:
    """An accomplice on the owner's link claims its address with the lladdr that the attacker on another link has."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), changed(lladdr=OTHER_LLADDR))

    claimed = handle(proxy, changed(dev="lan1", lladdr=OTHER_LLADDR), now=1.0)
    assert why(claimed) == [("host-probed", "claimed-elsewhere")]
    assert why(handle(proxy, changed(state=FAILED), now=4.0)) == [("host-probed", "one-more-try")]
    assert why(handle(proxy, changed(state=REACHABLE), now=4.1)) == [("address-conflict", "lladdr-changed")]
    assert [(host.dev, host.state) for host in proxy.hosts] == [("lan0", HostState.VERIFIED)]


def test_deletions_are_no_silence_of_a_contested_owner() -> None:
    """Another program deletes the owner's entry again and again, while another host claims its address."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1", lladdr=OTHER_LLADDR))

    for number in range(1, 20):
        assert why(handle(proxy, changed(state=FAILED), now=number / 2)) == [("host-probed", "one-more-try")]
        assert why(handle(proxy, deleted(), now=number / 2)) == [("host-retained", "cache-entry-gone")]
    assert why(handle(proxy, changed(state=FAILED), now=12.5))[0] == ("host-moved", "owner-silent")


def test_deletions_on_the_old_link_settle_no_move() -> None:
    """Another program deletes the entry there while the old link is probed: the owner is probed again."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1"), now=LATER)

    for number in range(1, 10):
        failed = handle(proxy, changed(state=FAILED), now=LATER + number / 2)
        assert (why(failed), actions(failed)) == ([("host-probed", "one-more-try")], [Probe(A, "lan0", None)])
        handle(proxy, deleted(), now=LATER + number / 2)
    assert ("host-moved", "owner-answers") in why(handle(proxy, changed(state=REACHABLE), now=LATER + 4.6))


def test_claim_of_a_silent_claimant_is_void() -> None:
    """When the claimant fails before the owner does, the owner is probed again as usual."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1", lladdr=OTHER_LLADDR))

    assert handle(proxy, changed(dev="lan1", state=FAILED)) == []
    assert why(handle(proxy, changed(state=FAILED))) == [("host-probed", "one-more-try")]


def test_failure_on_another_link_says_nothing() -> None:
    """A host is not forgotten because it does not answer where it is not."""
    proxy = nd_proxy(*THREE)

    assert handle(proxy, changed(state=REACHABLE), changed(dev="wan0", state=FAILED)) == []


def test_permanent_entry_is_not_claimed_away() -> None:
    """A PERMANENT entry stays, whichever host is seen elsewhere; a probe would make it an ordinary entry."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=PERMANENT))

    assert handle(proxy, changed(dev="lan1", lladdr=OTHER_LLADDR), now=LATER) == []
    assert handle(proxy, changed(dev="lan1"), now=LATER) == []
    assert handle(proxy, changed("fe80::33", dev="lan1"), now=LATER) == []


def test_machine_seen_elsewhere_has_its_other_addresses_probed() -> None:
    """A machine that shows up on another link, with any address, has its known addresses probed on this link."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE))

    decisions = handle(proxy, changed("fe80::33", dev="lan1"))

    assert (why(decisions), actions(decisions)) == ([("host-probed", "lladdr-elsewhere")], [Probe(A, "lan0", LLADDR)])
    assert handle(proxy, changed("fe80::33", dev="lan1")) == []


def test_sleeping_host_is_probed_twice_before_a_frame_with_its_lladdr_removes_it() -> None:
    """Another host sends with its lladdr: it is no worse off than with any other probe that it does not answer."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), changed("fe80::33", dev="lan1"))

    assert why(handle(proxy, changed(state=FAILED))) == [("host-probed", "one-more-try")]
    assert why(handle(proxy, changed(state=FAILED))) == [("host-forgotten", "no-answer")]


def test_claims_with_two_lladdrs_in_turn_move_a_host_once() -> None:
    """After one forged move the owner is probed first, whatever other lladdr has claimed the address meanwhile."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1"), changed(state=REACHABLE), now=LATER)
    handle(proxy, changed(dev="lan1", lladdr=OTHER_LLADDR), changed(state=REACHABLE), now=LATER + 20.0)

    decisions = handle(proxy, changed(dev="lan1"), now=LATER + 40.0)

    assert why(decisions) == [("host-probed", "claimed-elsewhere")]


def test_owner_that_answers_after_a_move_is_verified() -> None:
    """Its answer has just been received, so no other probe is needed."""
    proxy = nd_proxy(*THREE)

    decisions = handle(proxy, changed(state=REACHABLE), changed(dev="lan1"), changed(state=REACHABLE), now=LATER)

    assert Probe(A, "lan0", LLADDR) not in actions(decisions)
    assert [(host.dev, host.state) for host in proxy.hosts] == [("lan0", HostState.VERIFIED)]


def test_addresses_with_a_hosts_lladdr_on_another_link_take_none_of_its_places() -> None:
    """--max-hosts-per-lladdr counts on each link separately: a forged lladdr elsewhere does not lock its owner out."""
    proxy = nd_proxy(*THREE, per_lladdr=2)
    handle(proxy, changed(), *(changed(f"2001:db8::{number}", dev="lan1") for number in range(1, 4)))

    assert why(handle(proxy, changed("2001:db8::34"))) == [("host-learned", "first-sight")]


def test_machine_seen_elsewhere_repeatedly_is_probed_once_a_second() -> None:
    """Each sighting of a machine with many addresses would be a probe for every one of them."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE))

    probes = 0
    for number in range(1000):
        probes += len(actions(handle(proxy, changed("fe80::33", dev="lan1"), now=number / 100)))
        handle(proxy, changed(state=REACHABLE), now=number / 100)

    assert probes == 10


def test_machine_seen_on_its_own_link_is_not_probed() -> None:
    """The link-local address of a host, seen on its own link, changes nothing."""
    assert handle(nd_proxy(), changed(state=REACHABLE), changed("fe80::33")) == []


def test_owner_that_answers_keeps_its_address_whatever_was_seen_before() -> None:
    """A forged frame, and then a claim with the owner's lladdr, do not hide that the owner has answered before."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE))

    handle(proxy, changed("fe80::66", dev="lan1"), now=LATER)
    claimed = handle(proxy, changed(dev="lan1"), now=LATER)
    assert Probe(A, "lan0", LLADDR) in actions(claimed)
    handle(proxy, changed(dev="lan1", state=REACHABLE), now=LATER)
    decisions = handle(proxy, changed(state=REACHABLE), now=LATER + 0.1)

    assert why(decisions) == [("address-conflict", "owner-answers"), ("host-moved", "owner-answers")]
    assert [host.dev for host in proxy.hosts] == ["lan0"]
    assert why(handle(proxy, changed(dev="lan1"), now=LATER + 20.0)) == [("host-probed", "claimed-elsewhere")]


def test_answer_with_the_router_flag_does_not_settle_a_move() -> None:
    """A forged claim that is answered as by a router, on the provider's link, does not shut the owner out."""
    proxy = nd_proxy(*THREE)
    handle(proxy, kernel(up=THREE, next_hops={"fe80::1": "wan0"}), changed(state=REACHABLE))

    handle(proxy, changed(dev="wan0"), now=LATER)
    handle(proxy, changed(dev="wan0", state=REACHABLE, router=True), now=LATER)
    decisions = handle(proxy, changed(state=REACHABLE), now=LATER + 0.1)

    assert why(decisions) == [("address-conflict", "owner-answers"), ("host-moved", "owner-answers")]
    assert [host.dev for host in proxy.hosts] == ["lan0"]


def test_unverified_host_that_moves_with_its_lladdr_is_probed_on_both_links() -> None:
    """A host that has not answered yet can be moved by a forged claim only until it answers."""
    proxy = nd_proxy(*THREE)
    handle(proxy, kernel(changed(), changed(dev="lan1", state=REACHABLE), up=THREE))
    assert [host.dev for host in proxy.hosts] == ["lan1"]

    decisions = handle(proxy, changed(state=REACHABLE), now=0.1)

    assert why(decisions) == [("address-conflict", "owner-answers"), ("host-moved", "owner-answers")]
    assert [host.dev for host in proxy.hosts] == ["lan0"]


def test_own_probe_of_the_old_link_is_no_claim() -> None:
    """A host that really moves causes no conflict, whatever order the kernel reports the probes in."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE))
    handle(proxy, changed(dev="lan1"), now=LATER)

    probes = [changed(dev="lan1", state=NudState.PROBE), changed(state=NudState.PROBE)]
    assert handle(proxy, *probes, now=LATER) == []
    assert why(handle(proxy, changed(dev="lan1", state=REACHABLE), now=LATER)) == [("host-verified", "reachable")]
