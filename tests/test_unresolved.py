"""A neighbor entry that FAILED for an address that no host has -> lookups on the other links."""

from __future__ import annotations

import pytest

from ndpbr_py.core.actions import DelNeighbor, Probe
from ndpbr_py.core.events import LookupRequested, NudState
from ndpbr_py.core.unresolved import OwnProbes
from tests.builders import actions, addr, changed, handle, kernel, link, nd_proxy, solicited, why

A = addr()
THREE = ("wan0", "lan0", "lan1")
FAILED = NudState.FAILED


def test_failed_resolution_of_the_router_is_a_question() -> None:
    """The router had a packet for the address and found no host on the modem's link: it may be on another."""
    decisions = handle(nd_proxy(*THREE), changed(dev="wan0", state=FAILED))

    assert why(decisions) == [("lookup-started", "unresolved")]
    assert actions(decisions) == [Probe(A, "lan0", None), Probe(A, "lan1", None), DelNeighbor(A, "wan0")]


def test_failed_lookup_is_no_question() -> None:
    """With three links, each lookup fails once; none of these failures starts another lookup."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(dev="wan0", state=FAILED))

    for dev in ("lan0", "lan1"):
        assert actions(handle(proxy, changed(dev=dev, state=FAILED), now=3.1)) == [DelNeighbor(A, dev)]
    assert why(handle(proxy, changed(dev="wan0", state=FAILED), now=3.2)) == [("lookup-started", "unresolved")]


def test_failed_lookup_after_a_solicitation_is_no_question() -> None:
    """An address that was looked up in vain for a modem's solicitation is not looked up on the modem's link."""
    proxy = nd_proxy(*THREE)
    handle(proxy, solicited())

    for dev in ("lan0", "lan1"):
        assert actions(handle(proxy, changed(dev=dev, state=FAILED), now=3.1)) == [DelNeighbor(A, dev)]


def test_forgotten_host_is_not_looked_up() -> None:
    """The failure that makes ndpbr forget a host is the answer to its own probe."""
    decisions = handle(nd_proxy(*THREE), changed(), changed(state=FAILED))

    assert why(decisions) == [("host-forgotten", "no-answer")]
    assert actions(decisions)[-1] == DelNeighbor(A, "lan0")


def test_old_link_of_a_moved_host_keeps_no_failed_entry() -> None:
    """The probe of the old link was ndpbr's; a failure on a link that ndpbr did not probe is the kernel's affair."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=NudState.REACHABLE), changed(dev="lan1"))

    assert actions(handle(proxy, changed(state=FAILED), now=3.0)) == [DelNeighbor(A, "lan0")]
    assert handle(proxy, changed(dev="wan0", state=FAILED), now=3.0) == []


def test_lookup_during_another_one_is_made_after_it() -> None:
    """The kernel makes one lookup of an address at a time, and ends both when that one fails."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(dev="wan0", state=FAILED))
    handle(proxy, LookupRequested(A), now=2.0)

    again = handle(proxy, changed(dev="lan0", state=FAILED), now=3.0)
    assert (why(again), actions(again)) == ([("lookup-started", "unresolved")], [Probe(A, "lan0", None)])
    assert actions(handle(proxy, changed(dev="lan0", state=FAILED), now=6.0)) == [DelNeighbor(A, "lan0")]


@pytest.mark.parametrize("why_not", ["interface is down", "old ip(8)"])
def test_what_cannot_be_looked_up_is_no_question(why_not: str) -> None:
    """The kernel fails every entry of an interface that goes down; an ip before 5.16 cannot look up."""
    proxy = nd_proxy(can_resolve=why_not != "old ip(8)")
    handle(proxy, *([link("lan0", up=False)] if why_not == "interface is down" else []))

    assert handle(proxy, changed(state=FAILED)) == []


def test_ineligible_address_is_not_looked_up() -> None:
    """An address that may not be elsewhere, such as the next hop's, is left alone."""
    proxy = nd_proxy(*THREE)

    assert handle(proxy, kernel(up=THREE, next_hops={str(A): "wan0"}), changed(dev="wan0", state=FAILED)) == []
    assert handle(proxy, changed("2001:4860::1", "wan0", FAILED)) == []


def test_scan_that_is_routed_to_the_router_is_limited() -> None:
    """A thousand addresses that fail in one burst cause no more lookups than so many solicitations."""
    proxy = nd_proxy()
    decisions = [it for n in range(1000) for it in handle(proxy, changed(f"2001:db8::5ca:{n:x}", "wan0", FAILED))]

    assert proxy.lookups.sent == 25
    assert [it for it in why(decisions) if it[0] != "lookup-started"] == [
        ("lookups-rate-limited", "too-many-solicitations")
    ]


def test_probes_of_our_own_are_bounded() -> None:
    """Of many probes the oldest are forgotten, so a scan fills no memory."""
    own = OwnProbes()
    addresses = [addr(f"2001:db8::1:{number:x}") for number in range(1001)]
    for address in addresses:
        own.record(Probe(address, "lan0", None), 0.0)

    assert not own.failed(addresses[0], "lan0", 3.0)
    assert own.failed(addresses[-1], "lan0", 3.0)
