"""What the kernel has, held against what it should have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv6Address

import pytest

from ndpbr_py.core.actions import AddProxy, AddRoute, DelProxy, DelRoute, Probe
from ndpbr_py.core.decision import Decision, DecisionKind, Detail
from ndpbr_py.core.entry_diff import NOTHING, Entries
from ndpbr_py.core.events import ActionRefused, EventsMissed, NeighborChanged, NudState, Refusal, SnapshotStarted
from tests.builders import (
    LLADDR,
    OTHER_LLADDR,
    actions,
    addr,
    changed,
    entry,
    handle,
    kernel,
    nd_proxy,
    route,
    why,
)

A = addr()
REACHABLE, FAILED, PERMANENT = NudState.REACHABLE, NudState.FAILED, NudState.PERMANENT
ADD = [AddRoute(A, "lan0"), AddProxy(A, "wan0")]
REMOVE = [DelProxy(A, "wan0"), DelRoute(A, "lan0")]


def test_neighbors_that_are_there_at_the_start_are_learned() -> None:
    """Preload: each neighbor in the cache is learned once, and verified unless it has just answered."""
    proxy = nd_proxy()

    decisions = handle(proxy, kernel(changed(), changed("2001:db8::34", state=REACHABLE, lladdr=OTHER_LLADDR)))

    assert why(decisions) == [("host-learned", "first-sight"), ("host-learned", "reachable")]
    assert actions(decisions[:1]) == [*ADD, Probe(A, "lan0", LLADDR)]


def test_old_failure_removes_no_host() -> None:
    """A FAILED entry in a snapshot may be old: the host is probed once, and retained."""
    proxy = nd_proxy()
    handle(proxy, changed())
    read = kernel(route(), entry(), changed(state=FAILED))

    decisions = handle(proxy, read)
    assert (why(decisions), actions(decisions)) == ([("host-probed", "still-unverified")], [Probe(A, "lan0", None)])
    assert handle(proxy, read) == []
    assert A in proxy.hosts
    assert handle(nd_proxy(), kernel(changed(state=FAILED))) == []


def test_nothing_follows_where_the_kernel_has_what_it_should() -> None:
    """A snapshot that confirms the state causes no decision."""
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE))

    assert handle(proxy, kernel(route(), entry(), changed(state=REACHABLE))) == []


def test_entries_of_an_earlier_run_are_adopted() -> None:
    """A host found by its tagged entries is adopted, and probed."""
    proxy = nd_proxy()

    decisions = handle(proxy, kernel(route(), entry()))

    assert why(decisions) == [("host-learned", "adopted")]
    assert actions(decisions) == [Probe(A, "lan0", None)]
    assert [host.installed for host in proxy.hosts] == [Entries("lan0", ("wan0",))]
    assert why(handle(proxy, changed(state=REACHABLE))) == [("host-verified", "reachable")]


def test_adopted_host_that_is_silent_is_forgotten() -> None:
    """The host had answered before the crash, so it is probed once more before it is forgotten."""
    proxy = nd_proxy()
    handle(proxy, kernel(route(), entry()))

    assert why(handle(proxy, changed(state=FAILED), now=3.0)) == [("host-probed", "one-more-try")]
    assert why(handle(proxy, changed(state=FAILED), now=6.0)) == [("host-forgotten", "no-answer")]


def test_adopted_host_that_the_cache_knows_as_permanent_is_not_probed() -> None:
    """A probe would make a common entry of one that the administrator put there."""
    decisions = handle(nd_proxy(), kernel(route(), entry(), changed(state=PERMANENT)))

    assert not [action for action in actions(decisions) if isinstance(action, Probe)]


def test_incomplete_entries_of_an_earlier_run_are_completed() -> None:
    """The missing proxy entries of a tagged route are added."""
    decisions = handle(nd_proxy(), kernel(route()))

    assert actions(decisions)[1:] == [AddProxy(A, "wan0")]


def test_leftovers_that_fit_no_host_are_removed() -> None:
    """Tagged entries without a route, off-link, or on an interface that is not listed any more, go."""
    off_link, elsewhere = "2001:db8:1::33", "2001:db8::44"

    decisions = handle(
        nd_proxy(), kernel(entry(), route(off_link), entry(off_link), route(elsewhere, "eth9"), entry(elsewhere))
    )

    assert {it.address: list(it.actions) for it in decisions} == {
        A: [DelProxy(A, "wan0")],
        addr(off_link): [DelProxy(addr(off_link), "wan0"), DelRoute(addr(off_link), "lan0")],
        addr(elsewhere): [DelProxy(addr(elsewhere), "wan0"), DelRoute(addr(elsewhere), "eth9")],
    }
    assert set(why(decisions)) == {("leftover-removed", "leftover")}


def test_entries_removed_behind_our_back_are_put_back() -> None:
    """Missing entries are added again, and reported."""
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE))

    decisions = handle(proxy, kernel())

    assert (why(decisions), actions(decisions)) == ([("host-repaired", "kernel-differs")], ADD)


def test_prefix_that_is_no_longer_on_link_takes_its_hosts_along() -> None:
    """A host whose address does not count any more is forgotten."""
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE))

    decisions = handle(proxy, kernel(route(), entry(), own=["2001:db8::33"]))

    assert why(decisions) == [("host-forgotten", "own-address")]
    assert actions(decisions) == REMOVE
    assert A not in proxy.hosts


def test_host_learned_during_the_snapshot_that_may_not_be_one_is_removed() -> None:
    """Its entries are not in the tables that were read, but the kernel has them."""
    proxy = nd_proxy()
    handle(proxy, SnapshotStarted(), changed(state=REACHABLE))

    decisions = handle(proxy, kernel(own=["2001:db8::33"]))

    assert (why(decisions), actions(decisions)) == ([("host-forgotten", "own-address")], REMOVE)


def test_address_seen_during_the_snapshot_is_not_compared() -> None:
    """A neighbor event during the snapshot is newer than the snapshot."""
    proxy = nd_proxy()
    handle(proxy, SnapshotStarted(), changed(state=REACHABLE))

    assert handle(proxy, kernel()) == []
    assert why(handle(proxy, SnapshotStarted(), kernel())) == [("host-repaired", "kernel-differs")]


def test_entries_of_a_host_seen_during_the_snapshot_are_still_compared() -> None:
    """A change of a host's neighbor entry says nothing about its route and proxy entries: missing ones are added."""
    proxy = nd_proxy()
    handle(proxy, changed(), SnapshotStarted(), changed(state=REACHABLE))

    assert why(handle(proxy, kernel())) == [("host-repaired", "kernel-differs")]


def test_host_evicted_during_the_snapshot_is_not_adopted_again() -> None:
    """Tagged entries that were removed while the tables were read are no leftover."""
    proxy = nd_proxy(max_hosts=1)
    handle(proxy, changed(), SnapshotStarted(), changed("2001:db8::34", state=REACHABLE, lladdr=OTHER_LLADDR))

    assert handle(proxy, kernel(route(), entry())) == []


def test_host_refused_during_the_snapshot_keeps_its_state() -> None:
    """Entries that were removed while the tables were read are not there any more, whatever was read."""
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE), SnapshotStarted())
    assert actions(handle(proxy, ActionRefused(AddProxy(A, "wan0"), Refusal.OTHER, "no"))) == REMOVE

    assert handle(proxy, kernel(route(), entry())) == []
    assert [host.installed for host in proxy.hosts] == [NOTHING]


def test_foreign_route_is_obeyed_and_reported_once() -> None:
    """Another program's route that says otherwise wins: ours would draw traffic that it sends elsewhere."""
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE))

    decisions = handle(proxy, kernel(route(dev="tun0", ours=False), entry()))

    assert why(decisions) == [("foreign-entry", "foreign-route"), ("host-repaired", "link-up")]
    assert (decisions[0].detail, actions(decisions)) == (
        Detail(foreign=route(dev="tun0", ours=False)),
        [DelProxy(A, "wan0")],
    )
    assert [host.installed for host in proxy.hosts] == [NOTHING]
    assert handle(proxy, kernel(route(dev="tun0", ours=False))) == []
    assert actions(handle(proxy, kernel())) == ADD


def test_multipath_route_with_our_protocol_number_is_left_alone() -> None:
    """ndpbr adds no multipath route: it neither removes one nor adds its own beside it."""
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE))

    decisions = handle(proxy, kernel(route(dev=None), entry()))

    assert why(decisions) == [("foreign-entry", "foreign-route"), ("host-repaired", "link-up")]
    assert actions(decisions) == [DelProxy(A, "wan0")]


def test_foreign_proxy_entry_stays_with_its_owner() -> None:
    """Another program's proxy entry is neither added to nor removed."""
    proxy = nd_proxy()

    decisions = handle(proxy, kernel(entry(ours=False), changed(state=REACHABLE)))

    assert why(decisions) == [("host-learned", "reachable"), ("foreign-entry", "foreign-proxy")]
    assert actions(decisions) == [AddRoute(A, "lan0")]
    assert actions(handle(proxy, changed(state=FAILED), changed(state=FAILED)))[0] == DelRoute(A, "lan0")


def test_old_entry_on_the_previous_link_moves_no_host() -> None:
    """A stale entry of a host on its former link is not a move back."""
    proxy = nd_proxy("wan0", "lan0", "lan1")
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1"), now=100.0)
    moved = kernel(route(dev="lan1"), entry(), entry(dev="lan0"), changed(), up=("wan0", "lan0", "lan1"))

    decisions = handle(proxy, moved, now=200.0)

    assert why(decisions) == [("host-probed", "still-unverified")]
    assert actions(decisions) == [Probe(A, "lan0", LLADDR)]  # whether it still answers there has not been seen


@pytest.mark.parametrize("cached", [[], [changed(state=FAILED, lladdr=None)]], ids=["deleted", "failed"])
def test_lost_probe_of_the_old_link_is_sent_again(cached: list[NeighborChanged]) -> None:
    """While the monitor is away another program deletes the entry on the old link: the owner may still be there."""
    proxy = nd_proxy("wan0", "lan0", "lan1")
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1"), now=100.0)
    table = (route(dev="lan1"), entry(), entry(dev="lan0"))
    moved = kernel(*table, changed(dev="lan1"), *cached, up=("wan0", "lan0", "lan1"))
    decisions = handle(proxy, moved, now=105.0)
    answered = handle(proxy, changed(state=REACHABLE), now=114.0)

    assert Probe(A, "lan0", None) in actions(decisions)
    assert why(answered) == [("address-conflict", "owner-answers"), ("host-moved", "owner-answers")]


def test_failure_after_missed_events_is_no_silence() -> None:
    """While the monitor was away another program deleted the entry on the old link, and does so again now."""
    proxy = nd_proxy("wan0", "lan0", "lan1")
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1"), now=100.0)
    probed = handle(proxy, EventsMissed(), changed(state=FAILED, lladdr=None), now=103.0)
    answered = handle(proxy, changed(state=REACHABLE), now=103.1)

    assert (why(probed), actions(probed)) == ([("host-probed", "one-more-try")], [Probe(A, "lan0", None)])
    assert why(answered) == [("address-conflict", "owner-answers"), ("host-moved", "owner-answers")]


def test_owner_of_a_contested_address_has_time_after_missed_events() -> None:
    """A failure of its entry is not taken for its silence just because it was probed a while ago."""
    proxy = nd_proxy("wan0", "lan0", "lan1")
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1", lladdr=OTHER_LLADDR), now=100.0)
    probed = handle(proxy, EventsMissed(), changed(state=FAILED, lladdr=None), now=103.0)

    assert actions(probed) == [Probe(A, "lan0", None)]
    assert (host := proxy.hosts.get(A)) is not None
    assert host.dev == "lan0"


def test_silent_old_link_is_not_probed_again() -> None:
    """A host that has really moved is not probed there in each comparison."""
    proxy = nd_proxy("wan0", "lan0", "lan1")
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1"), now=100.0)
    handle(proxy, changed(dev="lan1", state=REACHABLE), changed(state=FAILED, lladdr=None), now=103.0)
    table = (route(dev="lan1"), entry(), entry(dev="lan0"))
    moved = kernel(*table, changed(dev="lan1", state=REACHABLE), up=("wan0", "lan0", "lan1"))

    assert actions(handle(proxy, moved, now=105.0)) == []


def test_max_hosts_holds_for_what_is_found() -> None:
    """No more hosts are adopted or preloaded than are allowed; entries of those without room are removed."""
    proxy = nd_proxy(max_hosts=1)

    handle(proxy, kernel(route(), entry(), route("2001:db8::34"), changed("2001:db8::35")))

    assert len(proxy.hosts) == 1


def until_the_first_repair(judged: Iterator[Sequence[Decision]]) -> IPv6Address | None:
    """Apply a snapshot until the first host has been compared with it, which lacks an entry of that host."""
    [repaired] = next(part for part in judged if part)
    assert repaired.kind is DecisionKind.REPAIRED
    return repaired.address


def test_events_while_a_snapshot_is_applied_are_newer_than_it() -> None:
    """A host that answered, one that went, and one that came meanwhile are left as they are."""
    answers, goes, comes = "2001:db8::34", "2001:db8::35", "2001:db8::36"
    proxy = nd_proxy(per_lladdr=4)
    handle(proxy, changed(state=REACHABLE), changed(answers), changed(goes), SnapshotStarted())
    entries = [route(), *(it for host in (answers, goes, comes) for it in (route(host), entry(host)))]
    judged = proxy.reconcile(kernel(*entries, changed(answers), changed(goes), changed(comes)), 0.0, 1)

    assert until_the_first_repair(judged) == A
    handle(proxy, changed(answers, state=REACHABLE), changed(goes, state=FAILED))
    assert why(handle(proxy, changed(comes, state=REACHABLE))) == [("host-learned", "reachable")]

    assert not any(judged)
    assert {str(host.address) for host in proxy.hosts} == {str(A), answers, comes}
    assert proxy.snapshot is None


def test_host_forgotten_while_a_snapshot_is_applied_gets_no_entries() -> None:
    """One whose entries were refused leaves nothing behind that would tell that it was there."""
    gone = "2001:db8::34"
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE), changed(gone))
    handle(proxy, ActionRefused(AddProxy(addr(gone), "wan0"), Refusal.OTHER, "no"), SnapshotStarted())
    judged = proxy.reconcile(kernel(route()), 0.0, 1)

    assert until_the_first_repair(judged) == A
    assert why(handle(proxy, changed(gone, state=FAILED))) == [("host-forgotten", "no-answer")]
    assert not any(judged)


def test_host_found_on_another_interface_is_moved_once() -> None:
    """A move found in a snapshot is not also reported as a difference of the kernel."""
    proxy = nd_proxy("wan0", "lan0", "lan1")
    handle(proxy, changed(state=REACHABLE), changed())
    there = kernel(
        route(), entry(), entry(dev="lan1"), changed(dev="lan1", state=REACHABLE), up=("wan0", "lan0", "lan1")
    )

    assert why(handle(proxy, there, now=100.0)) == [("host-moved", "same-lladdr-elsewhere")]


def test_adopted_host_is_as_the_cache_has_it() -> None:
    """An adopted host that has just answered is not probed; hosts with its lladdr elsewhere are."""
    listed, other = ("wan0", "lan0", "lan1"), "2001:db8::34"
    here = (route(), entry(), entry(dev="lan1"), changed(state=REACHABLE))
    there = (route(other, "lan1"), entry(other), entry(other, "lan0"), changed(other, "lan1"))

    decisions = handle(nd_proxy(*listed), kernel(*here, *there, up=listed))

    assert why(decisions) == [
        ("host-learned", "adopted"),
        ("host-learned", "adopted"),
        ("host-probed", "lladdr-elsewhere"),
    ]
    assert [list(decision.actions) for decision in decisions] == [
        [],
        [Probe(addr(other), "lan1", LLADDR)],
        [Probe(A, "lan0", LLADDR)],
    ]


def test_cached_lladdr_of_an_adopted_host_may_be_forged() -> None:
    """While ndpbr did not run another host may have sent with the address: the owner is looked up by multicast."""
    proxy = nd_proxy()
    handle(proxy, kernel(route(), entry(), changed(lladdr=OTHER_LLADDR)))

    assert actions(handle(proxy, changed(state=NudState.FAILED), now=3.0)) == [Probe(A, "lan0", None)]


def test_adopted_host_that_fails_in_the_cache_is_probed() -> None:
    """The FAILED entry in the cache may be old, so it is not used; the host is probed."""
    proxy = nd_proxy()

    decisions = handle(proxy, kernel(route(), entry(), changed(state=FAILED)))

    assert why(decisions) == [("host-learned", "adopted")]
    assert actions(decisions) == [Probe(A, "lan0", None)]


def test_adopted_host_that_is_a_router_keeps_its_address() -> None:
    """A router on the link of the default route is known as one from the start."""
    proxy = nd_proxy()
    handle(proxy, kernel(route(), entry(), changed(state=REACHABLE, router=True), next_hops={"fe80::1": "lan0"}))

    assert proxy.routers == {A: "lan0"}
