"""A DAD probe on one link for an address that no host has, and an answer on another link -> an advertisement."""

from __future__ import annotations

import pytest

from ndpbr_py.core.actions import AddProxy, AddRoute, Advertise, DelProxy, DelRoute, Probe
from ndpbr_py.core.events import NudState, Tick
from ndpbr_py.core.proxy import NdProxy
from tests.builders import LLADDR, OTHER_LLADDR, actions, addr, changed, detection, handle, kernel, nd_proxy, why

A = addr()
THREE = ("wan0", "lan0", "lan1")
PROBE, REACHABLE = NudState.PROBE, NudState.REACHABLE
DENIAL = Advertise(A, "lan1", None)
ANSWER = changed(state=REACHABLE)  # of the owner, on lan0


def probed(lladdr: str | None = OTHER_LLADDR) -> NdProxy:
    """Return a proxy with a default route on wan0 that received a DAD probe for an unknown address on lan1."""
    proxy = nd_proxy(*THREE)
    handle(proxy, kernel(up=THREE, next_hops={"fe80::9": "wan0"}), detection(dev="lan1", lladdr=lladdr))
    return proxy


def test_owner_is_looked_up_except_on_the_providers_link() -> None:
    """All other links may have the owner, but what answers on the provider's link may answer for anything."""
    proxy = nd_proxy(*THREE)
    decisions = handle(
        proxy, kernel(up=THREE, next_hops={"fe80::9": "wan0"}), detection(dev="lan1", lladdr=OTHER_LLADDR)
    )

    assert actions(decisions) == [Probe(A, "lan1", OTHER_LLADDR, new=True), Probe(A, "lan0", None)]
    assert DENIAL not in actions(handle(proxy, changed(dev="wan0", state=REACHABLE)))


def test_owner_that_answers_keeps_its_address() -> None:
    """The newcomer, which is learned because of its probe, loses the address, and the owner's is advertised to it."""
    proxy = probed()
    handle(proxy, changed(dev="lan1", state=PROBE, lladdr=OTHER_LLADDR))
    decisions = handle(proxy, ANSWER, now=1.0)

    assert why(decisions) == [("host-moved", "owner-answers"), ("host-advertised", "duplicate-address-detection")]
    assert set(actions(decisions)[:-1]) == {
        DelProxy(A, "lan0"),
        DelRoute(A, "lan1"),
        AddRoute(A, "lan0"),
        AddProxy(A, "lan1"),
    }
    assert actions(decisions)[-1] == DENIAL


@pytest.mark.parametrize("home", ["lan0", "wan0"])
def test_answer_takes_no_address_that_the_last_run_knew_on_a_third_link(home: str) -> None:
    """Two attackers, one detects duplicates and the other one answers: the owner gets its address when it answers."""
    proxy = probed()
    proxy.remembered = {A: home}
    handle(proxy, changed(dev="lan1", state=PROBE, lladdr=OTHER_LLADDR))

    handle(proxy, ANSWER)
    handle(proxy, changed(dev=home, state=REACHABLE), now=0.1)

    assert [host.dev for host in proxy.hosts] == [home]


def test_owner_that_answers_before_the_newcomer_is_seen_is_learned() -> None:
    """The advertisement comes after the entries that it needs."""
    decisions = handle(probed(), ANSWER)

    assert why(decisions) == [("host-learned", "reachable"), ("host-advertised", "duplicate-address-detection")]
    assert actions(decisions)[-1] == DENIAL


@pytest.mark.parametrize("lladdr", [LLADDR, None])
def test_moving_host_passes(lladdr: str | None) -> None:
    """An answer from the sender of the probe itself (the Ethernet source) denies nothing."""
    proxy = probed(LLADDR)

    assert DENIAL not in actions(handle(proxy, changed(state=REACHABLE, lladdr=lladdr)))


def test_answer_after_detection_denies_nothing() -> None:
    """The newcomer uses the address by then."""
    assert DENIAL not in actions(handle(probed(), ANSWER, now=1.2))


def test_newcomer_that_has_answered_is_not_denied_its_address() -> None:
    """A host that is known, and has answered, is an owner itself."""
    proxy = probed()
    handle(proxy, changed(dev="lan1", state=REACHABLE, lladdr=OTHER_LLADDR))

    assert DENIAL not in actions(handle(proxy, ANSWER))


def test_nd_proxy_denies_nothing() -> None:
    """A machine that answers for every address would leave none to the hosts of the other links."""
    proxy = probed()
    for n in range(16):
        handle(proxy, changed(f"2001:db8::5ca:{n:x}", state=REACHABLE))

    assert DENIAL not in actions(handle(proxy, ANSWER))


def test_owner_that_cannot_be_learned_is_not_advertised() -> None:
    """The table is full: without the owner's entries the newcomer would be denied an address that it cannot reach."""
    proxy = nd_proxy(*THREE, max_hosts=1)
    handle(proxy, kernel(up=THREE), changed("2001:db8::34", state=REACHABLE), Tick())
    handle(proxy, detection(dev="lan1", lladdr=OTHER_LLADDR), now=10.0)

    assert why(handle(proxy, ANSWER, now=10.1)) == [("address-ignored", "max-hosts")]


def test_advertisements_to_newcomers_are_rate_limited() -> None:
    """The owner is learned, but not advertised."""
    proxy = probed()
    while proxy.waiting.allows("lan1", 0.0):
        pass

    assert why(handle(proxy, ANSWER)) == [("host-learned", "reachable")]


@pytest.mark.parametrize("upstreams", [(), ("wan0",)])
def test_next_hop_keeps_its_own_address(upstreams: tuple[str, ...]) -> None:
    """The routing table names the next hop of the default route: nothing has to be looked up on the provider's link."""
    proxy = nd_proxy(*THREE, upstreams=upstreams)
    denied = handle(proxy, kernel(up=THREE, next_hops={str(A): "wan0"}), detection(dev="lan1", lladdr=OTHER_LLADDR))

    assert (why(denied), actions(denied)) == ([("host-advertised", "duplicate-address-detection")], [DENIAL])
    assert proxy.may_advertise(DENIAL)
    assert not proxy.may_advertise(Advertise(A, "lan1", addr("fe80::9")))
    assert not proxy.may_advertise(Advertise(A, "wan0", None))
