"""Static hosts: known from the first snapshot to the end, whatever the neighbor table says."""

from __future__ import annotations

import pytest

from ndpbr_py.core.actions import AddProxy, AddRoute, DelProxy, DelRoute, Probe
from ndpbr_py.core.events import NudState, Tick
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
    entry,
    handle,
    kernel,
    link,
    nd_proxy,
    route,
    why,
)

A = addr()
INSTALLED = [AddRoute(A, "lan0"), AddProxy(A, "wan0")]
UP = ("wan0", "lan0", "lan1")
OURS = (route(), entry(), entry(dev="lan1"))


def static(*, max_hosts: int = 4096) -> NdProxy:
    """Return one whose user says that HOST is on lan0."""
    return NdProxy(Rules(UP, frozenset({PREFIX}), max_hosts=max_hosts, statics={A: "lan0"}))


def test_static_host_is_learned_at_the_first_snapshot() -> None:
    """A static host needs no neighbor entry and is not probed; a snapshot that shows its entries changes nothing."""
    proxy = static()

    decisions = handle(proxy, kernel(up=UP))

    assert why(decisions) == [("host-learned", "static")]
    assert actions(decisions) == [*INSTALLED, AddProxy(A, "lan1")]
    assert handle(proxy, kernel(*OURS, up=UP)) == []


def test_static_host_counts_wherever_it_lies() -> None:
    """The user has named it: it needs no on-link prefix."""
    far = addr("2001:db8:99::1")
    proxy = NdProxy(Rules(("wan0", "lan0"), statics={far: "lan0"}))

    assert actions(handle(proxy, kernel())) == [AddRoute(far, "lan0"), AddProxy(far, "wan0")]
    assert handle(proxy, kernel(route(str(far)), entry(str(far)), own=[str(far)])) == []


@pytest.mark.parametrize("state", [NudState.FAILED, NudState.STALE, NudState.REACHABLE])
def test_neighbor_entry_does_not_change_a_static_host(state: NudState) -> None:
    """Neither neighbor entries nor the passing of time change a static host."""
    proxy = static()
    handle(proxy, kernel(up=UP), changed(state=NudState.STALE), Tick())

    assert handle(proxy, changed(state=state)) == []
    assert handle(proxy, changed(state=state)) == []
    assert handle(proxy, Tick(), now=100_000.0) == []


@pytest.mark.parametrize("lladdr", [LLADDR, OTHER_LLADDR])
def test_static_address_claimed_elsewhere_stays(lladdr: str) -> None:
    """A claim of its address on another link, with its lladdr or another, is ignored, also if it does not answer."""
    proxy = static()
    handle(proxy, kernel(up=UP), changed(state=NudState.REACHABLE))
    handle(proxy, changed(state=NudState.FAILED))

    for state in (NudState.STALE, NudState.REACHABLE):
        decisions = handle(proxy, changed(dev="lan1", state=state, lladdr=lladdr), now=100.0)
        assert (why(decisions), actions(decisions)) == ([("address-ignored", "static")], [])
    assert handle(proxy, changed(state=NudState.FAILED), now=200.0) == []


def test_static_host_is_not_probed_when_its_lladdr_is_seen_elsewhere() -> None:
    """Its machine may have moved, but the user has configured where the address is."""
    proxy = static()
    handle(proxy, kernel(up=UP), changed(state=NudState.REACHABLE))

    decisions = handle(proxy, changed("2001:db8::44", dev="lan1"))

    assert why(decisions) == [("host-learned", "first-sight")]
    assert [action for action in actions(decisions) if action == Probe(A, "lan0", LLADDR)] == []


def test_no_host_takes_a_static_host_s_place() -> None:
    """With room for one host it is the static one that stays."""
    proxy = static(max_hosts=1)
    handle(proxy, kernel(up=UP), changed(state=NudState.STALE))

    assert why(handle(proxy, changed("2001:db8::44", state=NudState.REACHABLE))) == [("address-ignored", "max-hosts")]
    assert A in proxy.hosts


def test_static_host_that_was_seen_before_the_first_snapshot() -> None:
    """A host learned as any other becomes the static one that the user wants."""
    proxy = static()
    handle(proxy, changed())

    decisions = handle(proxy, kernel(*OURS, up=UP))

    assert decisions == []
    assert handle(proxy, changed(state=NudState.FAILED)) == []
    assert A in proxy.hosts


def test_static_host_of_an_earlier_run_is_taken_over() -> None:
    """Entries that fit stay as they are; those of another interface are removed first."""
    assert actions(handle(static(), kernel(*OURS, up=UP))) == []

    decisions = handle(static(), kernel(route(dev="lan1"), entry(), up=UP))

    assert why(decisions) == [("leftover-removed", "leftover"), ("host-learned", "static")]
    assert actions(decisions) == [DelProxy(A, "wan0"), DelRoute(A, "lan1"), *INSTALLED, AddProxy(A, "lan1")]


def test_entries_of_a_static_host_are_repaired() -> None:
    """Entries that another program flushed, or that went with an interface, are added again after the next snapshot."""
    proxy = static()
    handle(proxy, kernel(up=UP))

    assert why(handle(proxy, kernel(up=UP))) == [("host-repaired", "kernel-differs")]
    assert why(handle(proxy, link(up=False))) == [("link-down", "link-down"), ("host-suspended", "link-down")]
    handle(proxy, link(up=True))
    assert actions(handle(proxy, kernel(up=UP))) == [*INSTALLED, AddProxy(A, "lan1")]


def test_address_that_is_not_static_is_learned_as_ever() -> None:
    """The user's word about one address changes nothing for another."""
    assert why(handle(nd_proxy(), changed(HOST))) == [("host-learned", "first-sight")]
