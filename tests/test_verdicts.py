"""States -> verdicts, addresses -> whether they count."""

from __future__ import annotations

from ipaddress import IPv6Network

import pytest

from ndpbr_py.core.decision import Reason
from ndpbr_py.core.eligibility import Scope
from ndpbr_py.core.events import NudState
from ndpbr_py.core.routes import RoutingTable, too_short
from ndpbr_py.core.verdicts import VERDICTS, Verdict
from tests.builders import addr, prefix_route

SAYS = {
    NudState.NONE: Verdict.NOTHING,
    NudState.INCOMPLETE: Verdict.NOTHING,
    NudState.REACHABLE: Verdict.PRESENT,
    NudState.STALE: Verdict.CLAIMED,
    NudState.DELAY: Verdict.CLAIMED,
    NudState.PROBE: Verdict.CLAIMED,
    NudState.FAILED: Verdict.GONE,
    NudState.NOARP: Verdict.NOTHING,
    NudState.PERMANENT: Verdict.PRESENT,
}
SCOPE = Scope(
    frozenset({IPv6Network("2001:db8::/64"), IPv6Network("fd00:1::/64"), IPv6Network("2001:db8:f::5/128")}),
    own=frozenset({addr("2001:db8::2")}),
    next_hops={addr("2001:db8::1"): "wan0"},
)
OBJECTIONS = {
    "2001:db8::33": None,
    "2001:db8::ffff:ffff:ffff:ffff": None,
    "fd00:1::33": None,
    "2001:db8:f::5": None,  # a prefix of one address has no anycast address
    "2001:db8:0:1::33": Reason.OFF_LINK,
    "2606:4700:4700::1111": Reason.OFF_LINK,
    "fc00::1": Reason.OFF_LINK,
    "2001:db8::": Reason.ANYCAST,
    "2001:db8::2": Reason.OWN,
    "2001:db8::1": Reason.NEXT_HOP,
    "fe80::1": Reason.KIND,
    "ff02::1": Reason.KIND,
    "::1": Reason.KIND,
    "::": Reason.KIND,
    "::ffff:192.0.2.1": Reason.KIND,
    "64:ff9b::1": Reason.KIND,
    "1fff::1": Reason.KIND,
    "4000::1": Reason.KIND,
    "fbff::1": Reason.KIND,
    "fe00::1": Reason.KIND,
}


def test_prefix_larger_than_a_site_counts_only_if_it_is_configured() -> None:
    """Any host can advertise 2000::/3; a /48 is one site, and what lies in a configured prefix was meant."""
    everything, site = IPv6Network("2000::/3"), IPv6Network("2001:db8::/48")

    assert too_short([everything, site], []) == {everything}
    assert too_short([IPv6Network("2001:db8::/40")], [IPv6Network("2001:db8::/32")]) == frozenset()


@pytest.mark.parametrize("state", NudState)
def test_state_has_its_verdict(state: NudState) -> None:
    """Each state of a neighbor says one thing about the host behind it."""
    assert VERDICTS[state] is SAYS[state]


@pytest.mark.parametrize(("address", "objection"), OBJECTIONS.items())
def test_address_counts_or_does_not(address: str, objection: Reason | None) -> None:
    """Only a global or unique-local address that is on-link and not the router's is learned."""
    assert SCOPE.objection(addr(address), "lan0") is objection


def test_advertised_prefix_makes_no_host_s_address_anycast() -> None:
    """Any neighbor can advertise a prefix that begins with the address of a host."""
    prefix, longer = IPv6Network("2001:db8::/64"), IPv6Network("2001:db8::32/127")
    advertised = RoutingTable([prefix_route(str(longer), advertised=True)]).advertised
    both = RoutingTable([prefix_route(str(longer), advertised=it) for it in (True, False)]).advertised

    assert Scope(frozenset({prefix, longer}), advertised=advertised).objection(addr("2001:db8::32"), "lan0") is None
    assert Scope(frozenset({prefix, longer}), advertised=both).objection(addr("2001:db8::32"), "lan0") is Reason.ANYCAST


def test_next_hop_counts_on_its_own_interface() -> None:
    """The gateway of a default route may be learned only where that route points."""
    assert SCOPE.objection(addr("2001:db8::1"), "wan0") is None
    assert SCOPE.objection(addr("2001:db8::1"), "lan0") is Reason.NEXT_HOP


def test_every_global_address_counts_where_everything_is_on_link() -> None:
    """Without on-link prefixes, as in a replay, only the type of address matters."""
    scope = Scope(on_link=None)

    assert scope.objection(addr("2606:4700:4700::1111"), "lan0") is None
    assert scope.objection(addr("fe80::1"), "lan0") is Reason.KIND


def test_nothing_counts_where_no_prefix_is_on_link() -> None:
    """Before the first on-link prefix is known, no host is learned."""
    assert Scope(frozenset()).objection(addr("2001:db8::33"), "lan0") is Reason.OFF_LINK
