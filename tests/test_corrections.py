"""A host that moved and has answered -> unsolicited advertisements for the neighbors it had."""

from __future__ import annotations

from ndpbr_py.core.actions import Action, Advertise
from ndpbr_py.core.events import NudState, Tick
from ndpbr_py.core.proxy import NdProxy
from tests.builders import actions, addr, changed, entry, handle, kernel, nd_proxy, route, why

A = addr()
THREE = ("wan0", "lan0", "lan1")
TO_ALL = [Advertise(A, dev, None) for dev in ("wan0", "lan0")]
REACHABLE = NudState.REACHABLE


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


def test_move_found_in_a_snapshot_is_corrected() -> None:
    """The monitor missed it."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(state=REACHABLE))
    found = kernel(route(), entry(), entry(dev="lan1"), changed(dev="lan1", state=REACHABLE), up=THREE)
    assert [why(part) for part in proxy.reconcile(found, 0.1)] == [[("host-moved", "same-lladdr-elsewhere")]]
    handle(proxy, changed(dev="lan1", state=REACHABLE), now=0.2)

    assert advertised(proxy, 0.2) == TO_ALL


def test_new_host_needs_no_correction() -> None:
    """No neighbor can know a host that is seen for the first time."""
    proxy = nd_proxy(*THREE)
    handle(proxy, changed(), changed(state=REACHABLE))

    assert advertised(proxy, 1.0) == []


def test_host_that_moves_back_is_not_advertised_on_its_link() -> None:
    """The host itself answers there."""
    proxy = moved()
    handle(proxy, changed(dev="lan1", state=REACHABLE), changed(state=REACHABLE), now=0.2)

    assert Advertise(A, "lan0", None) not in advertised(proxy, 0.3)
