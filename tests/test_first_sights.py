"""An address that ndpbr has never seen: the first host that uses it may not be its owner."""

from __future__ import annotations

import pytest

from ndpbr_py.core.actions import Probe
from ndpbr_py.core.decision import Detail
from ndpbr_py.core.eligibility import decoy
from ndpbr_py.core.events import NudState, Tick
from ndpbr_py.core.host_states import HostState
from ndpbr_py.core.hosts import Claimant
from ndpbr_py.core.proxy import NdProxy
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
    prefix_route,
    route,
    solicited,
    why,
)

A = addr()
THREE = ("wan0", "lan0", "lan1")
DECOY = str(decoy(A))
REACHABLE, FAILED, PERMANENT = NudState.REACHABLE, NudState.FAILED, NudState.PERMANENT
DUE = Tick()


def home(max_hosts: int = 4096) -> NdProxy:
    """Return a proxy whose default route is on wan0."""
    proxy = nd_proxy(*THREE, max_hosts=max_hosts)
    earlier = entry("2001:db8:1::9")  # after a start without entries hosts would be advertised
    handle(proxy, kernel(earlier, up=THREE, next_hops={"fe80::1": "wan0"}))
    return proxy


def answered(
    proxy: NdProxy, address: str, dev: str = "wan0", lladdr: str = OTHER_LLADDR, now: float = 0.0
) -> list[tuple[str, str]]:
    """Return the decisions when a host on lan0 claims *address* and another one on *dev* answers the lookup."""
    handle(proxy, changed(address, state=REACHABLE), DUE, now=now)
    return why(handle(proxy, changed(address, dev, REACHABLE, lladdr), now=now))


def where(proxy: NdProxy) -> list[tuple[str, str]]:
    """Return the hosts and their links."""
    return [(str(host.address), host.dev) for host in proxy.hosts]


@pytest.mark.parametrize("state", [NudState.STALE, REACHABLE])
def test_first_sight_is_followed_by_a_lookup_on_the_other_links(state: NudState) -> None:
    """The entries of the host come first; the next tick, which is due immediately, looks the address up once."""
    proxy = home()

    assert Probe(A, "wan0", None) not in actions(handle(proxy, changed(state=state), now=5.0))
    assert (proxy.next_deadline() or 0.0) <= 5.0
    decisions = handle(proxy, DUE, now=5.0)
    assert (why(decisions), decisions[0].detail) == (
        [("lookup-started", "first-sight")],
        Detail(lookup_on=("wan0", "lan1")),
    )
    assert actions(decisions) == [Probe(A, "wan0", None), Probe(A, "lan1", None)]
    assert actions(handle(proxy, DUE, now=6.0)) == []


def test_answer_on_the_link_of_the_default_route_takes_the_address_back() -> None:
    """The modem has the address, and no machine there answers for a decoy: the LAN host has it no longer."""
    proxy = home()

    assert answered(proxy, "2001:db8::33") == [("lookup-started", "claimed-elsewhere")]
    handle(proxy, changed(DECOY, "wan0", FAILED), now=2.9)
    assert handle(proxy, DUE, now=2.9) == []
    decisions = handle(proxy, DUE, now=3.0)

    assert why(decisions) == [("address-conflict", "owner-answers"), ("host-moved", "owner-answers")]
    assert decisions[0].detail == Detail(claimed_by=LLADDR, claimed_on="lan0")
    assert [(host.dev, host.lladdr, host.state) for host in proxy.hosts] == [("wan0", OTHER_LLADDR, HostState.VERIFIED)]
    assert why(handle(proxy, changed(), now=20.0)) == [("host-probed", "claimed-elsewhere")]


def test_router_that_answers_is_recorded() -> None:
    """Once the modem's address is back, no LAN host can have it, even if the host on wan0 is forgotten."""
    proxy = home()
    handle(proxy, changed(), DUE, changed(dev="wan0", state=REACHABLE, lladdr=OTHER_LLADDR, router=True))
    handle(proxy, DUE, now=3.0)

    assert proxy.routers == {A: "wan0"}


def test_machine_that_answers_for_a_decoy_takes_nothing() -> None:
    """A modem that answers every solicitation leaves LAN hosts their addresses, with one warning."""
    proxy = home()

    assert answered(proxy, "2001:db8::33") == [("lookup-started", "claimed-elsewhere")]
    found = handle(proxy, changed(DECOY, "wan0", REACHABLE, OTHER_LLADDR))
    assert [(why([it]), it.dev, it.lladdr) for it in found] == [
        ([("nd-proxy-found", "answers-for-others")], "wan0", OTHER_LLADDR)
    ]
    assert handle(proxy, DUE, now=3.0) == []
    for number in range(1, 9):
        assert answered(proxy, f"2001:db8::a:{number}", now=10.0 * number) == []
    assert {dev for _, dev in where(proxy)} == {"lan0"}
    # The kernel's entry becomes STALE: the owner is probed, and its answer is no news.
    assert why(handle(proxy, changed(dev="wan0", lladdr=OTHER_LLADDR), now=90.0)) == [
        ("host-probed", "claimed-elsewhere")
    ]
    assert handle(proxy, changed(state=REACHABLE), now=90.0) == []


def test_decoy_is_no_host() -> None:
    """Whatever a snapshot or a later event says about it."""
    proxy = home()

    assert why(handle(proxy, changed(DECOY, "wan0"))) == [("address-ignored", "reserved-anycast")]
    handle(proxy, kernel(changed(DECOY, "wan0", REACHABLE, OTHER_LLADDR), up=THREE))
    assert where(proxy) == []


def test_lladdr_that_answers_for_five_addresses_takes_no_more() -> None:
    """An attacker that knows which addresses are decoys takes four at most; other lladdrs are not concerned."""
    proxy = home()

    for number in range(1, 5):
        assert answered(proxy, f"2001:db8::{number}") == [("lookup-started", "claimed-elsewhere")]
    handle(proxy, DUE, now=3.0)
    handle(proxy, changed("2001:db8::5", state=REACHABLE), DUE, now=10.0)
    decisions = handle(proxy, changed("2001:db8::5", "wan0", REACHABLE, OTHER_LLADDR), now=10.0)
    assert why(decisions) == [("nd-proxy-found", "answers-for-others")]
    handle(proxy, DUE, now=13.0)
    assert [dev for _, dev in where(proxy)] == ["wan0"] * 4 + ["lan0"]


def test_answer_on_another_lan_is_a_claim() -> None:
    """Two LAN hosts answer for one address: the first one keeps it, and the conflict is reported."""
    proxy = home()

    answered(proxy, "2001:db8::33", "lan1")
    assert why(handle(proxy, DUE, now=3.0)) == [("host-probed", "claimed-elsewhere")]
    assert why(handle(proxy, changed(state=REACHABLE), now=3.1)) == [("address-conflict", "owner-answers")]
    assert where(proxy) == [("2001:db8::33", "lan0")]


def test_owner_on_another_lan_gets_the_address_of_a_silent_claimant() -> None:
    """The claimant has not answered, and was forgotten: the host that answered the lookup is learned."""
    proxy = home()
    handle(proxy, changed(), DUE, changed(dev="lan1", state=REACHABLE, lladdr=OTHER_LLADDR))
    handle(proxy, changed(state=FAILED), now=2.9)

    assert why(handle(proxy, DUE, now=3.0)) == [("host-learned", "reachable"), ("lookup-started", "first-sight")]
    assert where(proxy) == [("2001:db8::33", "lan1")]


@pytest.mark.parametrize("devs", [("lan1", "wan0"), ("wan0", "lan1")])
def test_answer_on_the_provider_s_link_comes_before_that_of_a_lan(devs: tuple[str, str]) -> None:
    """Two hosts answer the lookup: the link of the default route has priority, whichever of them was faster."""
    proxy = home()
    answered(proxy, "2001:db8::33", devs[0], "02:00:00:00:00:77")
    handle(proxy, changed(dev=devs[1], state=REACHABLE, lladdr=OTHER_LLADDR))
    handle(proxy, DUE, now=3.0)

    assert where(proxy) == [("2001:db8::33", "wan0")]


def test_first_of_two_answers_on_a_lan_is_the_claim() -> None:
    """Another host that answers there, too, changes nothing: at most one conflict per address is decided."""
    proxy = home()
    answered(proxy, "2001:db8::33", "lan1", OTHER_LLADDR)

    assert handle(proxy, changed(dev="lan1", state=REACHABLE, lladdr="02:00:00:00:00:77"), now=1.0) == []
    assert why(handle(proxy, DUE, now=3.0)) == [("host-probed", "claimed-elsewhere")]
    [host] = proxy.hosts
    assert host.claimant == Claimant("lan1", OTHER_LLADDR)


def test_answer_from_the_link_that_the_host_is_on_by_now_is_no_conflict() -> None:
    """The owner was silent and has lost the address to the host that answered, before the conflict was due."""
    proxy = home()
    answered(proxy, "2001:db8::33", "lan1")
    handle(proxy, changed(dev="lan1", lladdr=OTHER_LLADDR), now=0.5)
    handle(proxy, changed(state=FAILED), now=2.0)
    assert where(proxy) == [("2001:db8::33", "lan1")]

    assert handle(proxy, DUE, now=3.0) == []


def test_host_that_the_administrator_fixes_on_its_link_stays() -> None:
    """A permanent neighbor entry that was added meanwhile decides the conflict."""
    proxy = home()
    answered(proxy, "2001:db8::33")
    handle(proxy, changed(state=PERMANENT), now=2.0)

    assert handle(proxy, DUE, now=3.0) == []
    assert where(proxy) == [("2001:db8::33", "lan0")]


def test_where_the_routing_table_names_the_link_no_other_host_can_have_the_address() -> None:
    """Nothing is looked up on the other links, and an answer there is a claim that is refused."""
    proxy = nd_proxy(*THREE)
    handle(proxy, kernel(prefix_route(), prefix_route("2001:db8::/80", "lan0"), up=THREE))
    handle(proxy, changed(state=REACHABLE), now=100.0)

    assert handle(proxy, DUE, now=100.0) == []
    assert proxy.hosts.links_not_looked_up() == []
    refused = handle(proxy, changed(dev="lan1", state=REACHABLE, lladdr=OTHER_LLADDR), now=101.0)
    assert why(refused) == [("address-ignored", "routed-elsewhere")]
    assert handle(proxy, DUE, now=104.0) == []


def test_host_is_not_saved_before_it_is_clear_that_it_is_the_owner() -> None:
    """After a restart the saved host would come first: undecided are its lookup, and an answer of the modem to it."""
    proxy = home()
    handle(proxy, changed(state=REACHABLE))
    [host] = proxy.hosts

    assert proxy.first_sights.undecided(proxy, host)
    handle(proxy, DUE)
    assert not proxy.first_sights.undecided(proxy, host)
    handle(proxy, changed(dev="lan1", state=REACHABLE, lladdr="02:00:00:00:00:77"))
    assert not proxy.first_sights.undecided(proxy, host)  # a LAN host's answer is only a claim
    handle(proxy, changed(dev="wan0", state=REACHABLE, lladdr=OTHER_LLADDR))
    assert proxy.first_sights.undecided(proxy, host)
    handle(proxy, changed(DECOY, "wan0", REACHABLE, OTHER_LLADDR))
    assert not proxy.first_sights.undecided(proxy, host)  # the modem answers for any address


def test_lan_host_takes_no_address_that_was_seen_on_the_provider_s_link_first() -> None:
    """The link of the default route has priority there, too: a host that answers on a LAN only claims the address."""
    proxy = home()
    handle(proxy, changed(dev="wan0", state=REACHABLE), DUE, changed(state=REACHABLE, lladdr=OTHER_LLADDR))

    assert why(handle(proxy, DUE, now=3.0)) == [("host-probed", "claimed-elsewhere")]
    assert where(proxy) == [("2001:db8::33", "wan0")]


def test_answer_after_the_lookup_is_a_claim() -> None:
    """The kernel solicits for three seconds; what it learns later is no answer."""
    proxy = home()
    handle(proxy, changed(state=REACHABLE), DUE)

    decisions = handle(proxy, changed(dev="wan0", state=REACHABLE, lladdr=OTHER_LLADDR), now=3.0)

    assert why(decisions) == [("host-probed", "claimed-elsewhere")]


def test_lookups_that_wait_leave_half_of_each_burst() -> None:
    """A flood of claims takes no lookups from solicitations; one second later the next lookup starts on credit."""
    proxy = home()
    claims = [changed(f"2001:db8::{n:x}", lladdr=f"02:00:00:00:01:{n:02x}") for n in range(1, 61)]
    started = len(handle(proxy, *claims, DUE))

    assert 0 < started < 20
    assert proxy.lookups.allows("lan0", None, A, 24, now=0.0)
    assert not proxy.lookups.allows("lan0", None, A, 5, now=0.0)
    assert handle(proxy, DUE, now=0.05) == []
    assert proxy.next_deadline() == pytest.approx(0.1)
    scan = [solicited(f"2001:db8::b:{n}", "lan0", lladdr="02:00:00:00:00:99") for n in range(100)]
    handle(proxy, *scan, now=0.99)
    assert why(handle(proxy, DUE, now=1.0)) == [("lookup-started", "first-sight")]


def test_host_whose_lookup_waits_is_the_first_to_be_evicted() -> None:
    """Even if it answers: an attacker may have used the limits up."""
    proxy = home(max_hosts=33)
    claims = [changed(f"2001:db8::{n:x}", state=REACHABLE, lladdr=f"02:00:00:00:01:{n:02x}") for n in range(1, 33)]
    looked_up = [str(decision.address) for decision in handle(proxy, *claims, DUE)]
    handle(proxy, changed("2001:db8::ff", "lan1", REACHABLE, "02:00:00:00:02:01"))

    evicted = handle(proxy, changed("2001:db8::fe", "wan0", REACHABLE, "02:00:00:00:02:02"))[0]

    assert why([evicted]) == [("host-forgotten", "max-hosts")]
    assert str(evicted.address) not in looked_up


@pytest.mark.parametrize("how", ["permanent", "adopted", "remembered", "old ip(8)"])
def test_where_the_owner_is_known_nothing_is_looked_up(how: str) -> None:
    """An administrator, an earlier run or the hosts file knows the link; an ip before 5.16 cannot look up."""
    proxy = nd_proxy(*THREE, can_resolve=how != "old ip(8)")
    handle(proxy, kernel(*([route()] if how == "adopted" else []), up=THREE))
    proxy.remembered = {A: "lan0"} if how == "remembered" else {}
    handle(proxy, changed(state=PERMANENT if how == "permanent" else REACHABLE))

    assert not [action for action in actions(handle(proxy, DUE)) if isinstance(action, Probe)]


def test_answer_on_an_upstream_link_removes_the_host() -> None:
    """No host is learned there, but no LAN host can have its address: it is recorded like a router's."""
    proxy = nd_proxy(*THREE, upstreams=("wan0",))
    handle(proxy, kernel(up=THREE, next_hops={"fe80::1": "wan0"}))
    assert answered(proxy, "2001:db8::33") == [("lookup-started", "claimed-elsewhere")]

    decisions = handle(proxy, DUE, now=3.0)

    assert why(decisions) == [("address-conflict", "owner-answers"), ("host-forgotten", "owner-answers")]
    assert why(handle(proxy, changed(), now=4.0))[0] == ("address-ignored", "router-of-another-link")
