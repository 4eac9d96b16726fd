"""Whose turn it is -> which proxy entries go out and come back together."""

from __future__ import annotations

from ndpbr_py.core.actions import RejoinGroup
from ndpbr_py.core.entry_diff import Entries
from ndpbr_py.core.events import ActionRefused, Refusal, SnapshotStarted, Tick
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.mld_refresh import decisions
from ndpbr_py.core.state import Rules, State
from tests.builders import PREFIX, actions, addr, changed, entry, handle, kernel, known, nd_proxy, route, why

DEVS = ("wan0", "lan0", "lan1")
FIRST, SAME_GROUP, OTHER = "2001:db8::33", "2001:db8::1:0:33", "2001:db8::44"
FOUND = kernel(changed(FIRST), route(FIRST), entry(FIRST))


def state(*hosts: Host) -> State:
    """Return one that knows *hosts*."""
    it = State(Rules(DEVS, frozenset({PREFIX})))
    for host in hosts:
        it.hosts.add(host)
    return it


def learned(address: str, dev: str = "lan0") -> Host:
    """Return a host that has its entries."""
    host = known(address, dev)
    host.installed = Entries(dev, tuple(other for other in DEVS if other != dev))
    return host


def test_entries_of_a_host_go_out_on_every_interface() -> None:
    """A host is answered for on two interfaces: each has its own group to report."""
    host = learned(FIRST)
    decided = decisions(state(host), [host])

    assert why(decided) == [("group-rejoined", "refresh-interval")]
    assert actions(decided) == [RejoinGroup((addr(FIRST),), "wan0"), RejoinGroup((addr(FIRST),), "lan1")]


def test_hosts_that_share_a_group_go_out_together_and_once() -> None:
    """With one entry left the group would not be left: where only one of two hosts is, only that one goes out."""
    first, second, other = learned(FIRST), learned(SAME_GROUP, "lan1"), learned(OTHER)
    it = state(first, second, other)

    assert actions(decisions(it, [first])) == [
        RejoinGroup((addr(FIRST), addr(SAME_GROUP)), "wan0"),
        RejoinGroup((addr(SAME_GROUP),), "lan0"),
        RejoinGroup((addr(FIRST),), "lan1"),
    ]
    assert decisions(it, [second]) == []


def test_host_without_entries_has_nothing_to_report() -> None:
    """An interface that is down, or another program's entry: there is nothing of ours."""
    host = known(FIRST)

    assert decisions(state(host), [host]) == []


def test_rejoins_wait_for_a_snapshot_to_end() -> None:
    """A snapshot that is taken between the removal and the addition would lack the entry; no rejoin is lost."""
    proxy = nd_proxy(refresh=1.0)
    handle(proxy, FOUND, Tick(), SnapshotStarted())

    assert actions(handle(proxy, Tick(), now=1.0)) == []
    assert actions(handle(proxy, FOUND, Tick(), now=1.0)) == [RejoinGroup((addr(FIRST),), "wan0")]


def test_nothing_is_removed_unless_requested() -> None:
    """Without a refresh interval proxy entries stay where they are."""
    proxy = nd_proxy()
    handle(proxy, FOUND, Tick())

    assert actions(handle(proxy, Tick(), now=3000.0)) == []


def test_refused_entries_are_looked_for() -> None:
    """Some entries may be missing afterwards: a snapshot shows which, and they are added again."""
    proxy = nd_proxy(refresh=1.0)
    handle(proxy, FOUND)
    refused = ActionRefused(RejoinGroup((addr(FIRST),), "wan0"), Refusal.OTHER, "No buffer space available")

    assert [decision.resync for decision in handle(proxy, refused)] == [True]
