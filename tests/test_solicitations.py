"""A solicitation received on a link -> lookups of its target."""

from __future__ import annotations

import pytest

from ndpbr_py.core.actions import Action, AddProxy, DelProxy, Probe
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.entry_diff import Entries
from ndpbr_py.core.events import KernelSnapshot, NudState, Tick
from ndpbr_py.core.host_states import HostState
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.state import Rules
from tests.builders import (
    HOST,
    LLADDR,
    OTHER_LLADDR,
    PREFIX,
    actions,
    addr,
    changed,
    detection,
    entry,
    handle,
    kernel,
    link,
    nd_proxy,
    solicited,
    why,
)

A = addr()
THREE = ("wan0", "lan0", "lan1")
REACHABLE, PROBE, FAILED, STALE = NudState.REACHABLE, NudState.PROBE, NudState.FAILED, NudState.STALE
DUE = Tick()


def later(proxy: NdProxy) -> list[Decision]:
    """Return the decisions when the next step is due."""
    at = proxy.lookups.next_deadline()
    assert at is not None
    return handle(proxy, DUE, now=at)


def with_host(*, probed: bool = False) -> NdProxy:
    """Return a proxy that knows a host on lan0; *probed*: it has not answered yet."""
    proxy = nd_proxy(*THREE)
    earlier = entry("2001:db8:1::9")  # after a start without entries the host would be advertised
    handle(proxy, kernel(earlier, up=THREE), changed(state=REACHABLE), DUE)
    if probed:
        handle(proxy, detection(dev="lan1", lladdr=OTHER_LLADDR), changed(state=PROBE))
    return proxy


def test_unknown_target_is_looked_up_on_the_other_links() -> None:
    """A solicitation on one link makes the kernel solicit on all others."""
    decisions = handle(nd_proxy(*THREE), solicited())

    probes = [Probe(A, "lan0", None), Probe(A, "lan1", None)]
    detail = Detail(lookup_on=("lan0", "lan1"))
    assert decisions == [
        Decision(DecisionKind.LOOKUP_STARTED, Reason.SOLICITED, A, "wan0", OTHER_LLADDR, None, probes, detail)
    ]


def test_known_target_is_not_looked_up() -> None:
    """The kernel answers for a known host, on whatever link the solicitation is."""
    assert [handle(with_host(), solicited(dev=dev), now=1.0) for dev in THREE] == [[], [], []]


@pytest.mark.parametrize(
    ("target", "read"),
    [
        ("2001:4860:4860::8888", kernel(up=THREE)),
        ("fe80::33", kernel(up=THREE)),
        ("2001:db8::", kernel(up=THREE)),
        (HOST, kernel(up=THREE, own=[HOST])),
        (HOST, kernel(up=["wan0"])),
        (HOST, kernel(up=["lan0", "lan1"])),
        (HOST, kernel(up=THREE, next_hops={HOST: "wan0"})),
        (HOST, kernel(up=THREE, without_nd=["lan0", "lan1"])),
    ],
)
def test_address_that_must_not_be_learned_is_not_looked_up(target: str, read: KernelSnapshot) -> None:
    """Neither off-link addresses nor the router's own or its next hop's; and on no link that cannot have them."""
    proxy = nd_proxy(*THREE)

    assert handle(proxy, read, solicited(target)) == []
    assert (proxy.lookups.received, proxy.lookups.sent) == (1, 0)


def test_target_is_looked_up_once_while_the_kernel_resolves_it() -> None:
    """More solicitations cause no more lookups: the kernel itself tries three times in three seconds."""
    proxy = nd_proxy()

    looked = [
        bool(handle(proxy, solicited(dev=dev), now=now)) for now in (0.0, 1.0, 2.9, 3.0) for dev in ("wan0", "lan0")
    ]

    assert looked == [True, False, False, False, False, False, True, False]


def test_new_address_is_looked_up_where_it_will_be() -> None:
    """A DAD probe comes before the address is used: with its sender's lladdr the kernel knows it immediately."""
    proxy = nd_proxy()

    decisions = handle(proxy, detection())
    assert decisions == [
        Decision(
            DecisionKind.LOOKUP_STARTED,
            Reason.DETECTION,
            A,
            "lan0",
            LLADDR,
            None,
            [Probe(A, "lan0", LLADDR, new=True), Probe(A, "wan0", None)],
            Detail(lookup_on=("lan0", "wan0")),
        )
    ]

    learned = handle(proxy, changed(state=PROBE))
    assert why(learned) == [("host-learned", "first-sight")]


def test_new_address_is_looked_up_again_when_detection_is_over() -> None:
    """A host that sends several probes uses its address after the last: by then the first lookup has failed."""
    proxy = nd_proxy()
    handle(proxy, detection(), changed(state=PROBE), DUE)
    for now in (1.0, 2.0):
        assert handle(proxy, detection(), now=now) == []
    handle(proxy, changed(state=FAILED), now=3.06)

    assert proxy.lookups.next_deadline() == pytest.approx(3.1)
    assert actions(later(proxy)) == [Probe(A, "lan0", None)]
    assert proxy.lookups.next_deadline() is None


def test_new_address_that_the_kernel_is_asking_is_left_to_it() -> None:
    """A lookup during a probe would do nothing; it is sent after the probe."""
    proxy = nd_proxy()
    handle(proxy, detection(), changed(state=PROBE), DUE)

    assert later(proxy) == []
    assert proxy.lookups.next_deadline() == pytest.approx(2.2)


def test_new_address_that_has_answered_is_not_looked_up_again() -> None:
    """The second lookup is only for hosts that have not answered."""
    proxy = nd_proxy()
    handle(proxy, detection(), changed(state=PROBE), changed(state=REACHABLE), DUE)

    assert (later(proxy), proxy.lookups.next_deadline()) == ([], None)


def test_host_that_starts_again_where_it_is_known_changes_nothing() -> None:
    """A verified host that makes sure of its address again is where it was."""
    proxy = with_host()

    assert (handle(proxy, detection()), proxy.lookups.next_deadline()) == ([], None)


def test_owner_is_probed_when_its_address_is_about_to_be_used_elsewhere() -> None:
    """While the owner is probed, the kernel defends its address; an answer ends the matter."""
    proxy = with_host()

    decisions = handle(proxy, detection(dev="lan1", lladdr=OTHER_LLADDR), now=5.0)
    assert why(decisions) == [("host-probed", "duplicate-address-detection")]
    assert actions(decisions) == [Probe(A, "lan0", LLADDR)]

    assert handle(proxy, changed(state=PROBE), changed(state=REACHABLE)) == []
    assert [later(proxy), later(proxy)] == [[], []]
    assert (proxy.lookups.next_deadline(), proxy.desired.withheld) == (None, {})


def test_proxy_entry_of_a_silent_owner_is_withheld_where_the_address_is_solicited() -> None:
    """After half a second of silence the proxy entry on that link is withheld, and the address is looked up there."""
    proxy = with_host(probed=True)

    withheld = later(proxy)
    assert why(withheld) == [("proxy-withheld", "owner-silent")]
    assert actions(withheld) == [DelProxy(A, "lan1")]

    lookups = handle(proxy, DUE, now=1.7)
    assert actions(lookups) == [Probe(A, "lan1", None)]
    moved = handle(proxy, changed(dev="lan1", state=REACHABLE), now=11.0)
    assert why(moved) == [("host-moved", "same-lladdr-elsewhere")]
    assert [(host.dev, host.installed) for host in proxy.hosts] == [("lan1", Entries("lan1", ("wan0", "lan0")))]
    assert proxy.desired.withheld == {}


def test_owner_with_a_forged_lladdr_does_not_count_as_silent() -> None:
    """The probe went to an lladdr with which the owner has not answered: the kernel goes on defending its address."""
    proxy = with_host()
    handle(proxy, changed(lladdr=OTHER_LLADDR), detection(dev="lan1"), now=5.0)

    assert (later(proxy), proxy.desired.withheld) == ([], {})


def test_owner_that_a_route_names_meanwhile_does_not_count_as_silent() -> None:
    """Another program has added a /128 route: the host is there, whether it answers or not."""
    proxy = with_host(probed=True)
    handle(proxy, kernel(entry(), entry(dev="lan1"), up=THREE, routed={HOST: "lan0"}))

    assert (later(proxy), proxy.desired.withheld) == ([], {})


def test_owner_that_answers_late_has_its_proxy_entry_back() -> None:
    """A sleeping phone answers late: its first answer restores the proxy entry that was withheld."""
    proxy = with_host(probed=True)
    later(proxy)

    back = handle(proxy, changed(state=REACHABLE), now=0.8)

    assert why(back) == [("host-retained", "owner-answers")]
    assert actions(back) == [AddProxy(A, "lan1")]


def test_withheld_entry_of_an_unused_address_is_restored() -> None:
    """After ten seconds everything is as it was, for an owner that is still believed to be there."""
    proxy = with_host(probed=True)
    later(proxy)
    handle(proxy, DUE, now=1.7)

    assert proxy.lookups.next_deadline() == pytest.approx(10.5)
    restored = later(proxy)
    assert why(restored) == [("host-retained", "not-used-elsewhere")]
    assert actions(restored) == [AddProxy(A, "lan1")]


def test_address_withheld_on_one_link_after_another_has_its_time_there() -> None:
    """The end of the first link's ten seconds is not the end of the second's."""
    proxy = nd_proxy(*THREE, "lan2")
    handle(proxy, kernel(up=(*THREE, "lan2")), changed(state=REACHABLE), detection(dev="lan1"), changed(state=PROBE))
    later(proxy)
    handle(proxy, changed(state=STALE), DUE, now=5.0)
    handle(proxy, detection(dev="lan2"), DUE, now=9.0)
    assert why(handle(proxy, DUE, now=9.5)) == [("proxy-withheld", "owner-silent")]

    assert actions(handle(proxy, DUE, now=10.6)) == [Probe(A, "lan2", None)]
    assert proxy.desired.withheld == {A: "lan2"}
    assert actions(handle(proxy, DUE, now=19.5)) == [AddProxy(A, "lan2")]


def test_withheld_proxy_entry_stays_withheld_after_a_snapshot() -> None:
    """A snapshot does not restore a withheld proxy entry; a forgotten host has none."""
    proxy = with_host(probed=True)
    later(proxy)
    host = proxy.hosts.get(A)
    assert host is not None

    assert AddProxy(A, "lan1") not in actions(handle(proxy, kernel(up=THREE)))
    proxy.forget(host, Reason.NO_ANSWER, 0.0)
    assert why(handle(proxy, changed(state=FAILED))) == [("lookup-failed", "unresolved")]
    assert proxy.desired.withheld == {}


def test_machine_that_comes_to_another_link_has_its_hosts_probed() -> None:
    """Its link-local address comes first: by the time it wants the others, it is known whether they are gone."""
    proxy = with_host()

    decisions = handle(proxy, detection("fe80::33", "lan1", LLADDR))

    assert actions(decisions) == [Probe(A, "lan0", LLADDR)]
    handle(proxy, changed(state=PROBE))
    assert actions(later(proxy)) == [DelProxy(A, "lan1")]


def test_permanent_host_is_not_probed() -> None:
    """A probe would make a PERMANENT entry an ordinary one."""
    proxy = nd_proxy(*THREE)

    assert handle(proxy, changed(state=NudState.PERMANENT), detection(dev="lan1")) == []


def test_static_host_is_not_probed() -> None:
    """A static host stays, whichever host is about to use its address elsewhere."""
    proxy = with_host()
    host = proxy.hosts.get(A)
    assert host is not None
    proxy.hosts.set_state(host, HostState.STATIC)

    assert handle(proxy, detection(dev="lan1", lladdr=OTHER_LLADDR)) == []


def test_ip_that_cannot_resolve_gets_no_lookup() -> None:
    """Before iproute2 5.16 each lookup would end a batch; duplicate address detection gives the lladdr instead."""
    proxy = nd_proxy(*THREE, can_resolve=False)

    assert handle(proxy, solicited()) == []
    assert actions(handle(proxy, detection(lladdr=None))) == []
    assert actions(handle(proxy, detection())) == [Probe(A, "lan0", LLADDR, new=True)]
    assert later(proxy) == []
    assert proxy.lookups.sent == 1


def test_solicitation_on_a_link_that_is_down_is_ignored() -> None:
    """A solicitation that was still in the socket when the interface went down is ignored."""
    proxy = with_host()

    assert handle(proxy, link("lan1", up=False), detection("2001:db8::44", "lan1", OTHER_LLADDR)) == []


def test_scan_gets_a_few_lookups_a_second_and_one_warning_a_minute() -> None:
    """Of 200 targets a second for 100 s, five a second are looked up; two records count the others."""
    proxy = nd_proxy()
    decisions = [
        decision
        for n in range(20_000)
        for decision in handle(proxy, solicited(f"2001:db8::{n >> 8:x}:5ca:{n & 255:x}"), now=n / 200)
    ]
    lookups = proxy.lookups
    warnings = [decision for decision in decisions if decision.kind is DecisionKind.LOOKUPS_RATE_LIMITED]
    more = [decision.detail.suppressed or 0 for decision in warnings if decision.detail is not None]

    assert lookups.sent <= 25 + 5 * 100
    assert lookups.sent + lookups.rate_limited == lookups.received == 20_000
    assert more[0] == 1
    assert len(more) == 2
    assert lookups.rate_limited / 2 < more[1] < lookups.rate_limited


def test_scan_from_many_lladdrs_is_bounded_for_the_link_and_takes_nothing_from_another() -> None:
    """A flood from thousands of lladdrs gets the link's share; lookups for another link go on as before."""
    proxy = nd_proxy(*THREE)
    for n in range(10_000):
        liar = f"02:66:00:00:{n >> 8:02x}:{n & 255:02x}"
        handle(proxy, solicited(f"2001:db8::5ca:{n:x}", "lan0", lladdr=liar), now=1.0)

    assert proxy.lookups.sent == 50
    decisions = handle(proxy, detection(dev="lan1", lladdr=OTHER_LLADDR), now=1.0)
    assert actions(decisions)[0] == Probe(A, "lan1", OTHER_LLADDR, new=True)


def test_flood_of_probes_takes_no_host_away() -> None:
    """A host that claims a thousand addresses in one burst gets none that belongs to a host that answers."""
    proxy = with_host()
    done: list[Action] = []
    for n in range(1000):
        for target in (HOST, f"2001:db8::bad:{n:x}"):
            done += actions(handle(proxy, detection(target, "lan1", OTHER_LLADDR), now=n / 1000))
        handle(proxy, changed(state=PROBE), changed(state=REACHABLE), now=n / 1000)
        done += actions(handle(proxy, DUE, now=n / 1000))

    assert DelProxy(A, "lan1") not in done
    assert A in proxy.hosts
    assert len(done) <= 25 + 5


def test_flood_of_probes_for_many_hosts_is_bounded() -> None:
    """One host with false claims causes only a few probes of owners; the log says how many were rate-limited."""
    proxy = nd_proxy(*THREE)
    hosts = [f"2001:db8::{n:x}" for n in range(0x100, 0x120)]
    handle(proxy, *(changed(host, lladdr=f"02:00:00:00:01:{host[-2:]}") for host in hosts))

    decisions = [it for host in hosts for it in handle(proxy, detection(host, "lan1", OTHER_LLADDR), now=90.0)]

    assert 0 < why(decisions).count(("host-probed", "duplicate-address-detection")) < len(hosts)
    assert [what for what, _ in why(decisions)].count("lookups-rate-limited") == 1


def test_solicitation_on_an_upstream_triggers_only_lookups() -> None:
    """No host is looked up there or learned there, and no owner makes way for one."""
    proxy = NdProxy(Rules(THREE, frozenset({PREFIX}), upstreams=frozenset({"wan0"})))
    handle(proxy, kernel(up=THREE), changed(state=REACHABLE), changed(state=STALE))

    assert handle(proxy, detection(dev="wan0", lladdr=OTHER_LLADDR)) == []
    assert why(handle(proxy, changed("2001:db8::44", dev="wan0", lladdr=OTHER_LLADDR))) == [
        ("address-ignored", "upstream-link")
    ]
    assert actions(handle(proxy, solicited("2001:db8::55", dev="lan0"))) == [Probe(addr("2001:db8::55"), "lan1", None)]
    assert len(actions(handle(proxy, solicited("2001:db8::66", dev="wan0")))) == 2


def test_second_lookups_of_probes_count_in_the_limits() -> None:
    """A host that probes for a new address 20 times a second gets five lookups a second, besides the first burst."""
    proxy = nd_proxy()
    lookups = 0
    for number in range(2000):
        now = number / 20
        decisions = [*handle(proxy, detection(f"2001:db8::5:{number:x}"), now=now), *handle(proxy, Tick(), now=now)]
        lookups += len([action for action in actions(decisions) if isinstance(action, Probe)])

    assert 490 <= lookups <= 5 * 100 + 25
