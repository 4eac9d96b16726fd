"""A change of the neighbor cache -> decisions about the host."""

from __future__ import annotations

from ipaddress import IPv6Network

import pytest

from ndpbr_py.core.actions import Action, AddProxy, AddRoute, DelNeighbor, DelProxy, DelRoute, Probe
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.events import Event, KernelSnapshot, NudState, SnapshotStarted, Tick
from ndpbr_py.core.proxy import NdProxy
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
    why,
)

A = addr()
REACHABLE, STALE, FAILED, PERMANENT = NudState.REACHABLE, NudState.STALE, NudState.FAILED, NudState.PERMANENT
ASK, ASK_ALL = Probe(A, "lan0", LLADDR), Probe(A, "lan0", None)
ENTRIES: list[Action] = [AddRoute(A, "lan0"), AddProxy(A, "wan0")]
FIRST: dict[NudState, list[Decision]] = {
    NudState.NONE: [],
    NudState.INCOMPLETE: [],
    NudState.REACHABLE: [Decision(DecisionKind.LEARNED, Reason.REACHABLE, A, "lan0", LLADDR, REACHABLE, ENTRIES)],
    NudState.STALE: [Decision(DecisionKind.LEARNED, Reason.FIRST_SIGHT, A, "lan0", LLADDR, STALE, [*ENTRIES, ASK])],
    NudState.DELAY: [
        Decision(DecisionKind.LEARNED, Reason.FIRST_SIGHT, A, "lan0", LLADDR, NudState.DELAY, [*ENTRIES, ASK])
    ],
    NudState.PROBE: [
        Decision(DecisionKind.LEARNED, Reason.FIRST_SIGHT, A, "lan0", LLADDR, NudState.PROBE, [*ENTRIES, ASK])
    ],
    # The router has a packet for the address: the host may be on the other link.
    NudState.FAILED: [
        Decision(
            DecisionKind.LOOKUP_STARTED,
            Reason.UNRESOLVED,
            A,
            "lan0",
            actions=[Probe(A, "wan0", None), DelNeighbor(A, "lan0")],
            detail=Detail(lookup_on=("wan0",)),
        )
    ],
    NudState.NOARP: [],
    NudState.PERMANENT: [Decision(DecisionKind.LEARNED, Reason.PERMANENT, A, "lan0", LLADDR, PERMANENT, ENTRIES)],
}
IGNORED = {"2606:4700::1111": "not-on-link", "2001:db8::": "subnet-router-anycast", "2001:db8::2": "own-address"}


@pytest.mark.parametrize("state", NudState)
def test_first_line_about_a_host(state: NudState) -> None:
    """A host is learned at first sight and, unless the kernel has verified it, probed immediately."""
    assert handle(nd_proxy(), changed(state=state)) == FIRST[state]


@pytest.mark.parametrize("state", NudState)
def test_neighbor_without_lladdr_is_not_learned(state: NudState) -> None:
    """A line without a usable link-layer address is no word of a host."""
    proxy = nd_proxy()
    handle(proxy, changed(state=state, lladdr=None))

    assert len(proxy.hosts) == 0


@pytest.mark.parametrize(("address", "reason"), IGNORED.items())
def test_address_that_does_not_count_is_ignored(address: str, reason: str) -> None:
    """An address that must not be learned is not, and the reason is given."""
    decisions = handle(nd_proxy(), kernel(own=["2001:db8::2"]), changed(address))

    assert (why(decisions), actions(decisions)) == ([("address-ignored", reason)], [])


@pytest.mark.parametrize("event", [changed(dev="eth9"), deleted(dev="eth9"), changed("fe80::33"), deleted()])
def test_line_that_says_nothing_about_a_host(event: Event) -> None:
    """Other interfaces, link-local addresses and unknown hosts that leave are passed over."""
    assert handle(nd_proxy(), event) == []


def test_host_that_answers_is_verified_once() -> None:
    """The answer to the first probe verifies the host; later ones are no news."""
    proxy = nd_proxy()

    assert why(handle(proxy, changed(), changed(state=REACHABLE))) == [("host-verified", "reachable")]
    assert handle(proxy, changed(state=STALE)) == []
    assert handle(proxy, changed(state=REACHABLE)) == []


def test_unverified_host_is_forgotten_when_it_does_not_answer() -> None:
    """A host that has never answered is forgotten at the first failure, proxy entry first."""
    decisions = handle(nd_proxy(), changed(), changed(state=FAILED))

    assert why(decisions) == [("host-forgotten", "no-answer")]
    assert actions(decisions) == [DelProxy(A, "wan0"), DelRoute(A, "lan0"), DelNeighbor(A, "lan0")]


def test_verified_host_is_probed_again_before_it_is_forgotten() -> None:
    """A host that has answered before is probed again, by multicast, and then forgotten."""
    proxy = nd_proxy()

    again = handle(proxy, changed(state=REACHABLE), changed(state=FAILED))

    assert (why(again), actions(again)) == ([("host-probed", "one-more-try")], [ASK_ALL])
    assert why(handle(proxy, changed(state=FAILED))) == [("host-forgotten", "no-answer")]
    assert A not in proxy.hosts


def test_answer_to_the_second_try_clears_the_host() -> None:
    """A host that answers in between has its one more try again."""
    proxy = nd_proxy()

    handle(proxy, changed(state=REACHABLE), changed(state=FAILED), changed(state=REACHABLE))

    assert why(handle(proxy, changed(state=FAILED))) == [("host-probed", "one-more-try")]


def test_evicted_entry_keeps_its_host() -> None:
    """The kernel collects garbage: a host whose entry leaves the cache is as present as before."""
    proxy = nd_proxy()

    decisions = handle(proxy, changed(), deleted())

    assert why(decisions) == [("host-retained", "cache-entry-gone")]
    assert (actions(decisions), A in proxy.hosts) == ([], True)
    assert handle(proxy, deleted(dev="wan0")) == []


def test_host_whose_entry_is_deleted_again_and_again_is_present() -> None:
    """`ip neigh flush` deletes in rounds, also the entry of the probe that followed the deletion before."""
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE))

    for _ in range(10):
        assert why(handle(proxy, changed(state=FAILED))) == [("host-probed", "one-more-try")]
        assert why(handle(proxy, deleted())) == [("host-retained", "cache-entry-gone")]
    assert why(handle(proxy, changed(state=FAILED), changed(state=FAILED)))[-1] == ("host-forgotten", "no-answer")


def test_failure_of_a_forged_lladdr_is_no_second_failure() -> None:
    """The last probe has not reached the host: it is probed by multicast before it is forgotten."""
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE), changed(state=FAILED), changed(lladdr=OTHER_LLADDR))

    decisions = handle(proxy, changed(state=FAILED))
    assert (why(decisions), actions(decisions)) == ([("host-probed", "one-more-try")], [Probe(A, "lan0", None)])
    assert why(handle(proxy, changed(state=FAILED))) == [("host-forgotten", "no-answer")]


def test_host_with_a_changed_lladdr_keeps_its_entries() -> None:
    """A host seen with another link-layer address on its link keeps its entries, which do not depend on it."""
    proxy = nd_proxy()

    decisions = handle(proxy, changed(state=REACHABLE), changed(lladdr=OTHER_LLADDR))

    assert why(decisions) == [("host-retained", "lladdr-changed")]
    assert (decisions[0].detail, actions(decisions)) == (Detail(old_lladdr=LLADDR), [])
    assert proxy.hosts.count_with_lladdr(OTHER_LLADDR, "lan0") == 1


def test_two_lladdrs_in_turn_are_a_conflict() -> None:
    """Two machines with one address on one link are warned of, once, with both link-layer addresses."""
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE), changed(lladdr=OTHER_LLADDR))

    decisions = [it for lladdr in (LLADDR, OTHER_LLADDR) * 3 for it in handle(proxy, changed(lladdr=lladdr))]

    conflicts = [it for it in decisions if it.kind is DecisionKind.CONFLICT]
    detail = Detail(claimed_by=OTHER_LLADDR, claimed_on="lan0")
    assert [(it.lladdr, it.detail) for it in conflicts] == [(LLADDR, detail)]


def test_host_ignored_during_a_snapshot_is_learned_from_it() -> None:
    """The first host of a new prefix, seen while the snapshot that brings the prefix is taken, is learned."""
    proxy = nd_proxy()
    late = changed("2001:db8:9::1", state=REACHABLE)
    handle(proxy, SnapshotStarted(), late)

    decisions = handle(
        proxy,
        KernelSnapshot(
            neighbors=(late,), on_link=frozenset({IPv6Network("2001:db8:9::/64")}), up=frozenset(("wan0", "lan0"))
        ),
    )

    assert why(decisions) == [("host-learned", "reachable")]


def test_address_that_the_modem_has_is_not_learned_elsewhere() -> None:
    """The next hop of the default route is known on its own link: a claim on another is ignored, even with its MAC."""
    proxy = nd_proxy()
    modem = "2001:db8::1"
    handle(proxy, kernel(next_hops={modem: "wan0"}), changed(modem, "wan0", REACHABLE))

    decisions = handle(proxy, changed(modem, "lan0"), now=100.0)

    assert why(decisions) == [("address-ignored", "next-hop-of-default-route")]
    assert handle(proxy, changed(modem, "wan0", FAILED)) != []
    assert [host.dev for host in proxy.hosts] == ["wan0"]


def test_hosts_of_one_lladdr_have_a_limit() -> None:
    """One machine can claim only so many addresses."""
    proxy = nd_proxy(per_lladdr=1)

    assert why(handle(proxy, changed(), changed("2001:db8::34"))) == [("address-ignored", "max-hosts-per-lladdr")]


def test_unverified_host_makes_room_for_one_that_answers() -> None:
    """Where there is no room for another host, one that answers takes the place of the oldest that never did."""
    proxy = nd_proxy(max_hosts=1)

    assert why(handle(proxy, changed(), changed("2001:db8::34"))) == [("address-ignored", "max-hosts")]
    decisions = handle(proxy, changed("2001:db8::34", state=REACHABLE))
    assert why(decisions) == [("host-forgotten", "max-hosts"), ("host-learned", "reachable")]
    handle(proxy, Tick())
    assert why(handle(proxy, changed("2001:db8::35", state=REACHABLE))) == [("address-ignored", "max-hosts")]


def test_confirmation_lasts_until_reachable_ends() -> None:
    """A host that turns from REACHABLE to STALE was there until now; one that was STALE before was not."""
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE), now=1.0)
    host = proxy.hosts.get(A)
    assert host is not None

    handle(proxy, changed(), now=30.0)
    handle(proxy, changed(), now=60.0)

    assert host.confirmed == 30.0


def test_claims_on_one_link_take_no_place_of_another() -> None:
    """Unverified claims get only their link's share of the places; a new host elsewhere evicts one."""
    proxy = nd_proxy("wan0", "lan0", max_hosts=4)
    claims = [changed(f"2001:db8::{n}", "lan0", lladdr=f"02:00:00:00:00:0{n}") for n in range(1, 4)]

    assert why(handle(proxy, *claims)) == [("address-ignored", "max-hosts")]
    for n in (8, 9):
        handle(proxy, changed(f"2001:db8::{n}", "lan0", REACHABLE, f"02:00:00:00:00:0{n}"))
    decisions = handle(proxy, changed(dev="wan0"))
    assert [(it.address, it.kind) for it in decisions] == [
        (addr("2001:db8::1"), DecisionKind.FORGOTTEN),
        (A, DecisionKind.LEARNED),
    ]


def test_hosts_that_answer_take_no_place_of_another_link() -> None:
    """In a full table a new host takes a place of the lladdr with the most addresses on the link above its share."""
    proxy = nd_proxy("wan0", "lan0", max_hosts=4)
    handle(proxy, changed("2001:db8::9", "lan0", REACHABLE, "02:00:00:00:00:09"))
    handle(proxy, *[changed(f"2001:db8::{n}", "lan0", REACHABLE, OTHER_LLADDR) for n in range(1, 4)], Tick())

    for n in (1, 2):
        decisions = handle(proxy, changed(f"2001:db8::a:{n}", "wan0", lladdr=f"02:00:00:00:01:0{n}"))
        assert why(decisions) == [("host-forgotten", "max-hosts"), ("host-learned", "first-sight")]
        assert decisions[0].lladdr == OTHER_LLADDR
    assert why(handle(proxy, changed("2001:db8::a:3", "wan0", lladdr="02:00:00:00:01:03"))) == [
        ("address-ignored", "max-hosts")
    ]
    assert why(handle(proxy, changed("2001:db8::8", "lan0", REACHABLE, "02:00:00:00:00:08"))) == [
        ("address-ignored", "max-hosts")
    ]


def test_full_table_without_a_link_above_its_share_takes_no_more() -> None:
    """The hosts of an interface that is down keep their places, too."""
    proxy = nd_proxy("wan0", "lan0", "lan1", max_hosts=4)
    for n, dev in enumerate(("wan0", "lan0", "lan1", "lan1")):
        handle(proxy, changed(f"2001:db8::{n + 1}", dev, REACHABLE, f"02:00:00:00:00:0{n + 1}"), Tick())
    handle(proxy, link("lan1", up=False))

    assert why(handle(proxy, changed(state=REACHABLE))) == [("address-ignored", "max-hosts")]


def many_hosts(*ages_s: float) -> NdProxy:
    """Return one that knows hosts with one lladdr, up to the limit, which it saw so many seconds before 1000 s."""
    proxy = nd_proxy(per_lladdr=len(ages_s))
    for number, age_s in enumerate(ages_s):
        address = f"2001:db8::c:{number}"
        handle(proxy, changed(address, state=REACHABLE), changed(address), now=1000.0 - age_s)
    return proxy


def test_host_of_a_full_lladdr_that_is_absent_makes_room() -> None:
    """The one that was seen the longest time ago is forgotten for one that answers."""
    proxy = many_hosts(100, 700, 900, 599)

    decisions = handle(proxy, changed(state=REACHABLE), now=1000.0)

    assert why(decisions) == [("host-forgotten", "max-hosts-per-lladdr"), ("host-learned", "reachable")]
    assert decisions[0].address == addr("2001:db8::c:2")


def test_newcomer_to_a_full_lladdr_must_answer_first() -> None:
    """The newcomer is probed if a host may make room; until it answers, that host keeps its place."""
    proxy = many_hosts(100, 700)

    decisions = handle(proxy, changed(), now=1000.0)

    assert why(decisions) == [("address-ignored", "max-hosts-per-lladdr"), ("host-probed", "max-hosts-per-lladdr")]
    assert actions(decisions) == [Probe(A, "lan0", LLADDR)]
    assert len(proxy.hosts) == 2


def test_newcomers_to_a_full_lladdr_are_probed_within_the_limits_of_lookups() -> None:
    """A machine that claims address after address has 25 of them probed in one burst."""
    proxy = many_hosts(100, 700)

    claims = [why(handle(proxy, changed(f"2001:db8::d:{number}"), now=1000.0)) for number in range(30)]

    assert [len(decisions) for decisions in claims] == [2] * 25 + [1] * 5
    assert claims[-1] == [("address-ignored", "max-hosts-per-lladdr")]


def test_live_hosts_of_a_full_lladdr_stay() -> None:
    """Eighty live addresses behind one repeater: those that came first are known, the others are refused each time."""
    proxy = many_hosts(*range(64))
    late = [f"2001:db8::d:{number}" for number in range(16)]
    seen = [f"2001:db8::c:{number}" for number in range(64)]

    decisions = []
    for now in (1000.0, 1200.0, 1400.0, 1600.0, 1800.0):
        for address in (*late, *seen):
            decisions += handle(proxy, changed(address, state=REACHABLE), now=now)

    assert {host.address for host in proxy.hosts} == set(map(addr, seen))
    assert {(it.kind.value, it.address) for it in decisions} == {("address-ignored", addr(text)) for text in late}
