"""A host that moved and has answered -> unsolicited advertisements for the neighbors it had."""

from __future__ import annotations

import pytest

from ndpbr_py.core.actions import Action, Advertise
from ndpbr_py.core.events import Event, NudState, Tick
from ndpbr_py.core.proxy import NdProxy
from tests.builders import actions, addr, changed, entry, handle, kernel, nd_proxy, route, why

A = addr()
THREE = ("wan0", "lan0", "lan1")
TO_ALL = [Advertise(A, dev, None) for dev in ("wan0", "lan0")]
FAILED, REACHABLE = NudState.FAILED, NudState.REACHABLE


def advertised(proxy: NdProxy, now: float) -> list[Action]:
    """Return the advertisements of a tick at *now*."""
    return [it for it in actions(handle(proxy, Tick(), now=now)) if isinstance(it, Advertise)]


def moved() -> NdProxy:
    """Return a proxy whose host moved from lan0 to lan1 and has not answered there yet."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE), changed(dev="lan1"))
    return proxy


def test_old_neighbors_are_corrected_three_times() -> None:
    """Where the host is proxied now, three advertisements follow, one second apart."""
    proxy = moved()
    assert advertised(proxy, 0.1) == []
    handle(proxy, changed(dev="lan1", state=REACHABLE), now=0.2)

    assert [advertised(proxy, now) for now in (0.2, 1.2, 2.2, 3.2)] == [TO_ALL, TO_ALL, TO_ALL, []]


def test_host_that_moves_on_is_corrected_three_times_from_there() -> None:
    """An advertisement that is due before the host has answered on its new link is not sent, and not counted."""
    proxy = moved()
    handle(proxy, changed(dev="lan1", state=REACHABLE), now=0.2)
    assert advertised(proxy, 0.2) == TO_ALL
    handle(proxy, changed(dev="wan0"), now=0.3)
    assert advertised(proxy, 1.2) == TO_ALL
    handle(proxy, changed(dev="lan1", state=FAILED), now=2.0)
    assert [host.dev for host in proxy.hosts] == ["wan0"]
    assert [advertised(proxy, now) for now in (2.2, 3.2, 4.2)] == [[], [], []]
    handle(proxy, changed(dev="wan0", state=REACHABLE), now=4.5)

    on_lans = [Advertise(A, dev, None) for dev in ("lan0", "lan1")]
    assert [advertised(proxy, now) for now in (4.5, 5.5, 6.5, 7.5)] == [on_lans, on_lans, on_lans, []]


@pytest.mark.parametrize("returns", [False, True])
def test_host_that_is_forgotten_is_no_longer_corrected(returns: bool) -> None:
    """Also not if it comes back on its link before the next advertisement was due: its neighbors there know it."""
    proxy = moved()
    handle(proxy, changed(dev="lan1", state=REACHABLE), now=0.2)
    assert advertised(proxy, 0.2) == TO_ALL
    handle(proxy, *[changed(dev="lan1", state=FAILED)] * 2, now=0.3)
    assert A not in proxy.hosts
    if returns:
        handle(proxy, changed(dev="lan1", state=REACHABLE), now=0.4)

    assert advertised(proxy, 1.2) == []


def test_move_found_in_a_snapshot_is_corrected() -> None:
    """The monitor missed it."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE))
    found = kernel(route(), entry(), entry(dev="lan1"), changed(dev="lan1", state=REACHABLE), up=THREE)
    assert [why(part) for part in proxy.reconcile(found, 0.1)] == [[("host-moved", "same-lladdr-elsewhere")]]
    handle(proxy, changed(dev="lan1", state=REACHABLE), now=0.2)

    assert advertised(proxy, 0.2) == TO_ALL


def forgotten(*events: Event) -> NdProxy:
    """Return a proxy that has forgotten a host on lan0, about which it handled *events*."""
    proxy = nd_proxy(*THREE)
    handle(proxy, *events, changed(state=FAILED), changed(state=FAILED))
    assert A not in proxy.hosts
    return proxy


@pytest.mark.parametrize(
    "then", [[changed(dev="lan1"), changed(dev="lan1", state=REACHABLE)], [changed(dev="lan1", state=REACHABLE)]]
)
def test_forgotten_host_that_is_learned_elsewhere_is_corrected(then: list[Event]) -> None:
    """Neighbors on its old link may still have its lladdr; the host may be verified when it is learned."""
    proxy = forgotten(changed(state=REACHABLE))
    handle(proxy, *then, now=5.0)

    assert [advertised(proxy, now) for now in (5.0, 6.0, 7.0, 8.0)] == [TO_ALL, TO_ALL, TO_ALL, []]


def test_host_that_comes_back_on_its_link_needs_no_correction() -> None:
    """Its neighbors there know it, and the others know the router."""
    proxy = forgotten(changed(state=REACHABLE))
    handle(proxy, changed(state=REACHABLE), now=5.0)

    assert advertised(proxy, 5.0) == []


def test_made_up_address_is_not_corrected_elsewhere() -> None:
    """An address that never answered was known to no neighbor."""
    proxy = forgotten(changed())
    handle(proxy, changed(dev="lan1", state=REACHABLE), now=5.0)

    assert advertised(proxy, 5.0) == []


def test_new_host_needs_no_correction() -> None:
    """No neighbor can know a host that is seen for the first time."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(), changed(state=REACHABLE))

    assert advertised(proxy, 1.0) == []


def test_host_that_answers_after_a_start_without_entries_is_advertised_once() -> None:
    """Another router may have served before; after a minute every cache has its own lladdr."""
    proxy = nd_proxy(*THREE)
    handle(proxy, kernel(up=THREE), changed(), changed(state=REACHABLE), now=1.0)
    handle(proxy, changed("2001:db8::34", state=REACHABLE), now=61.5)

    assert [advertised(proxy, now) for now in (1.1, 2.1, 62.0)] == [
        [Advertise(A, dev, None) for dev in ("wan0", "lan1")],
        [],
        [],
    ]


def test_start_that_adopts_entries_advertises_nothing() -> None:
    """The router has served the hosts before, so no neighbor cache is outdated."""
    proxy = nd_proxy(*THREE)
    handle(proxy, kernel(route("2001:db8::34"), up=THREE), changed(), changed(state=REACHABLE), now=1.0)

    assert advertised(proxy, 1.1) == []


def test_hosts_of_a_start_take_turns() -> None:
    """At most 20 advertisements a second are sent on one link."""
    proxy = nd_proxy(*THREE)
    handle(proxy, kernel(up=THREE))
    handle(proxy, *[changed(f"2001:db8::1:{n:x}", state=REACHABLE) for n in range(50)])
    sent = [len(advertised(proxy, now)) for now in (0.0, 0.99, 1.99, 3.0)]

    assert sent == [2, 38, 40, 20]  # on two links


def test_host_that_moves_back_is_not_advertised_on_its_link() -> None:
    """The host itself answers there."""
    proxy = moved()
    handle(proxy, changed(dev="lan1", state=REACHABLE), changed(state=REACHABLE), now=0.2)

    assert Advertise(A, "lan0", None) not in advertised(proxy, 0.3)
