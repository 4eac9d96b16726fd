"""A lookup that the user requested -> probes, or why there are none."""

from __future__ import annotations

from ndpbr_py.core import requested
from ndpbr_py.core.actions import Probe
from ndpbr_py.core.decision import Reason
from ndpbr_py.core.events import LookupRequested, NudState
from tests.builders import HOST, LLADDR, actions, addr, changed, handle, kernel, nd_proxy, why

A = addr()
THREE = ("wan0", "lan0", "lan1")
REQUESTED = LookupRequested(A)


def test_unknown_address_is_looked_up_on_every_link() -> None:
    """Its host may be on any of them."""
    decisions = handle(nd_proxy(*THREE), REQUESTED)

    assert why(decisions) == [("lookup-started", "requested")]
    assert actions(decisions) == [Probe(A, dev, None) for dev in THREE]


def test_known_host_is_probed_on_its_link_first() -> None:
    """Its lladdr is probed, and it may have moved, too."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=NudState.REACHABLE))

    assert actions(handle(proxy, REQUESTED)) == [
        Probe(A, "lan0", LLADDR),
        Probe(A, "wan0", None),
        Probe(A, "lan1", None),
    ]


def test_permanent_entry_is_not_probed() -> None:
    """A probe would make it an ordinary entry."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=NudState.PERMANENT))

    assert handle(proxy, REQUESTED) == []
    assert requested.obstacle(proxy, A) is Reason.PERMANENT


def test_route_of_another_program_answers_the_request() -> None:
    """Where the route leads is where the host is."""
    proxy = nd_proxy(*THREE)
    handle(proxy, kernel(up=THREE, routed={HOST: "lan0"}))

    assert handle(proxy, REQUESTED) == []
    assert requested.obstacle(proxy, A) is Reason.ROUTED


def test_old_ip_can_probe_only_a_known_host() -> None:
    """Before iproute2 5.16 a probe requires a link-layer address."""
    proxy = nd_proxy(*THREE, can_resolve=False)
    assert handle(proxy, REQUESTED) == []
    handle(proxy, changed(state=NudState.REACHABLE))

    assert actions(handle(proxy, REQUESTED)) == [Probe(A, "lan0", LLADDR)]


def test_address_of_another_network_is_not_looked_up() -> None:
    """The reason is that of a claim."""
    proxy = nd_proxy(*THREE)

    assert requested.probes(proxy, addr("2001:db8:5::1")) == []
    assert requested.obstacle(proxy, addr("2001:db8:5::1")) is Reason.OFF_LINK
    assert requested.obstacle(proxy, A) is None


def test_limits_of_lookups_apply() -> None:
    """25 lookups in one burst, as for solicitations from one lladdr; 5 more each second."""
    proxy = nd_proxy(*THREE)
    answers = [bool(handle(proxy, REQUESTED)) for _ in range(9)]

    assert answers == [True] * 8 + [False]
    assert handle(proxy, REQUESTED, now=1.0) != []
