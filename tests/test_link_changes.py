"""An interface comes or goes -> what that means for the hosts on it."""

from __future__ import annotations

from ndpbr_py.core.actions import AddProxy, DelProxy, Probe
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.entry_diff import NOTHING, Entries
from ndpbr_py.core.events import LinkChanged, LinkDeleted, NudState, SnapshotStarted, Tick
from ndpbr_py.logs.fields import level
from tests.builders import (
    LLADDR,
    OTHER_LLADDR,
    actions,
    addr,
    changed,
    detection,
    entry,
    handle,
    kernel,
    link,
    nd_proxy,
    route,
    why,
)

A = addr()
THREE = ("wan0", "lan0", "lan1")
REACHABLE = NudState.REACHABLE


def test_host_behind_an_interface_that_goes_down_is_suspended() -> None:
    """The kernel has dropped the route with the interface; the proxy entries that point nowhere are removed."""
    proxy = nd_proxy(*THREE)

    decisions = handle(proxy, changed(state=REACHABLE), link("lan0", up=False))

    todo = [DelProxy(A, "wan0"), DelProxy(A, "lan1")]
    down = Decision(DecisionKind.LINK_DOWN, Reason.LINK_DOWN, dev="lan0", detail=Detail(hosts=1, entries=1))
    assert decisions == [
        down,
        Decision(DecisionKind.SUSPENDED, Reason.LINK_DOWN, A, "lan0", LLADDR, REACHABLE, todo),
    ]
    assert [(host.address, host.installed) for host in proxy.hosts] == [(A, NOTHING)]


def test_host_answered_for_on_an_interface_that_goes_down_keeps_the_rest() -> None:
    """The proxy entry on that interface is gone with it; the others and the route stay, and it is not suspended."""
    proxy = nd_proxy(*THREE)

    decisions = handle(proxy, changed(state=REACHABLE), link("lan1", up=False))

    detail = Detail(hosts=0, entries=1)
    assert decisions == [Decision(DecisionKind.LINK_DOWN, Reason.LINK_DOWN, dev="lan1", detail=detail)]
    assert [host.installed for host in proxy.hosts] == [Entries("lan0", ("wan0",))]


def test_interface_that_is_deleted_is_down() -> None:
    """A deleted interface has lost everything, like one set down."""
    decisions = handle(nd_proxy(*THREE), changed(state=REACHABLE), LinkDeleted(3, "lan0"))

    assert why(decisions) == [("link-down", "link-down"), ("host-suspended", "link-down")]


def test_interface_that_comes_up_has_the_tables_read() -> None:
    """Only a snapshot shows which entries are left; the missing ones are added."""
    proxy = nd_proxy(*THREE)

    handle(proxy, changed(state=REACHABLE), link("lan1", up=False), now=10.0)
    up = handle(proxy, link("lan1", up=True), now=22.0)
    detail = Detail(down_for_s=12, hosts=0)
    assert up == [Decision(DecisionKind.LINK_UP_AGAIN, Reason.LINK_UP, dev="lan1", detail=detail, resync=True)]

    read = handle(proxy, kernel(route(), up=THREE))
    assert why(read) == [("host-repaired", "link-up")]
    assert actions(read) == [AddProxy(A, "wan0"), AddProxy(A, "lan1")]


def test_loss_of_carrier_changes_no_entries() -> None:
    """A pulled cable leaves the interface up, and the kernel keeps its entries: one record, and one at the end."""
    proxy = nd_proxy()
    pulled = LinkChanged(3, "lan0", up=True, carrier=False)
    handle(proxy, changed(state=REACHABLE))

    first = handle(proxy, pulled, now=10.0)
    again = handle(proxy, pulled, now=11.0)
    back = handle(proxy, link(up=True), now=15.0)

    detail = Detail(hosts=1, entries=0)
    assert first == [Decision(DecisionKind.LINK_DOWN, Reason.NO_CARRIER, dev="lan0", detail=detail)]
    assert (again, back[0].detail) == ([], Detail(down_for_s=5, hosts=1))
    assert why(back) == [("link-up", "link-up"), ("host-probed", "link-up")]
    assert actions(back) == [Probe(A, "lan0", LLADDR)]


def test_silence_without_carrier_says_nothing() -> None:
    """No host is forgotten, verified or not, until the interface has had no carrier for the expire interval."""
    proxy = nd_proxy(expire=100.0)
    handle(proxy, changed(state=REACHABLE), changed("2001:db8::34"), LinkChanged(3, "lan0", up=True, carrier=False))
    silent = [changed(address, state=NudState.FAILED) for address in (str(A), "2001:db8::34")]

    assert [handle(proxy, event, event, now=5.0) for event in silent] == [[], []]
    handle(proxy, Tick(), now=5.0)
    assert set(why(handle(proxy, Tick(), now=105.0))) == {("host-forgotten", "no-carrier")}


def test_claim_elsewhere_moves_a_host_without_carrier() -> None:
    """An owner that cannot answer counts as silent."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), LinkChanged(3, "lan0", up=True, carrier=False))
    handle(proxy, changed(dev="lan1", lladdr=OTHER_LLADDR), now=1.0)

    moved = handle(proxy, changed(state=NudState.FAILED), now=4.0)
    assert why(moved)[0] == ("host-moved", "owner-silent")


def test_host_without_carrier_may_use_its_address_elsewhere() -> None:
    """The host was carried to another link: duplicate address detection there passes, and the host moves."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), LinkChanged(3, "lan0", up=True, carrier=False), Tick())
    handle(proxy, detection(dev="lan1"), changed(state=NudState.PROBE), now=5.0)
    assert why(handle(proxy, Tick(), now=5.5)) == [("proxy-withheld", "owner-silent")]

    silent = changed(state=NudState.FAILED)
    assert why(handle(proxy, silent, now=8.0)) == [("host-probed", "one-more-try")]
    assert why(handle(proxy, silent, now=11.0)) == [("host-forgotten", "no-answer")]


def test_carrier_that_a_snapshot_shows_counts() -> None:
    """The monitor may have missed that it was lost, or that it is back; an event during the snapshot is newer."""
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE))
    tables = (route(), entry(), changed(state=REACHABLE))

    assert why(handle(proxy, kernel(*tables, without_carrier=("lan0",)))) == [("link-down", "no-carrier")]
    during = (SnapshotStarted(), LinkChanged(3, "lan0", up=True, carrier=False))
    assert handle(proxy, *during, kernel(*tables)) == []
    assert why(handle(proxy, kernel(*tables))) == [("link-up", "link-up"), ("host-probed", "link-up")]


def test_interface_that_is_set_up_before_its_carrier_is_there() -> None:
    """The interface gets entries when it is set up, and counts as up when it has a carrier."""
    proxy = nd_proxy()
    handle(proxy, link(up=False), now=10.0)

    set_up = handle(proxy, LinkChanged(3, "lan0", up=True, carrier=False), now=20.0)
    up = handle(proxy, link(up=True), now=23.0)

    assert [(why(it), it[0].resync) for it in (set_up, up)] == [
        ([("link-up", "no-carrier")], True),
        ([("link-up", "link-up")], True),
    ]
    assert [level(it[0]) for it in (set_up, up)] == ["debug", "info"]
    assert up[0].detail == Detail(down_for_s=13, hosts=0)


def test_interface_that_loses_neighbor_discovery_has_the_tables_read() -> None:
    """`ip link set lan1 arp off`: after the snapshot no proxy entry is left there, and no host is learned there."""
    proxy = nd_proxy(*THREE)

    off = handle(proxy, changed(state=REACHABLE), LinkChanged(4, "lan1", up=True, carrier=True, nd=False))
    assert [decision.resync for decision in off] == [True]

    read = handle(proxy, kernel(route(), entry(), entry(dev="lan1"), up=THREE, without_nd=["lan1"]))
    assert actions(read) == [DelProxy(A, "lan1")]
    assert why(handle(proxy, changed("2001:db8::44", "lan1", lladdr=OTHER_LLADDR))) == [
        ("address-ignored", "interface-without-nd")
    ]


def test_interface_that_is_down_is_reported_once() -> None:
    """The kernel prints more lines about it, for example when its address is changed."""
    assert handle(nd_proxy(*THREE), changed(state=REACHABLE), link("lan0", up=False), link("lan0", up=False)) == []


def test_interface_that_is_not_listed_does_not_matter() -> None:
    """Others may come and go."""
    assert handle(nd_proxy(), changed(state=REACHABLE), link("eth9", up=False), link("eth9", up=True)) == []


def test_host_served_by_another_programs_route_loses_its_proxy_entries_too() -> None:
    """The foreign route is gone with its interface: what draws traffic to it must go."""
    proxy = nd_proxy()

    decisions = handle(proxy, kernel(route(ours=False)), changed(state=REACHABLE), link("lan0", up=False))

    assert actions(decisions) == [DelProxy(A, "wan0")]


def test_host_seen_on_an_interface_that_is_down_waits_for_it() -> None:
    """A line that was late is believed, but entries go on interfaces that are up."""
    proxy = nd_proxy()

    decisions = handle(proxy, link("lan0", up=False), changed(state=REACHABLE))

    assert (why(decisions), actions(decisions)) == ([("host-learned", "reachable")], [])


def test_interface_that_went_down_while_the_tables_were_read_is_down() -> None:
    """A link event during a snapshot is newer than the snapshot."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), SnapshotStarted(), link("lan0", up=False), kernel(route(), up=THREE))

    assert proxy.desired.usable == {"wan0", "lan1"}
    assert [host.installed for host in proxy.hosts] == [NOTHING]
    assert why(handle(proxy, link("lan0", up=True))) == [("link-up", "link-up")]


def test_events_after_the_snapshot_with_the_same_news_still_count() -> None:
    """A host that is not in the snapshot, because it was learned meanwhile, is suspended when its link goes down."""
    proxy = nd_proxy()
    handle(proxy, SnapshotStarted(), changed(state=REACHABLE), kernel(up=["wan0"]))

    assert actions(handle(proxy, link("lan0", up=False))) == [DelProxy(A, "wan0")]
