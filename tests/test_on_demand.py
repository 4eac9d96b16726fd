"""Addresses that the routing table sends where no lookup reaches them: proxied when they are solicited."""

from __future__ import annotations

import pytest

from ndpbr_py.config import static_host
from ndpbr_py.core.actions import AddProxy, Advertise, DelProxy
from ndpbr_py.core.events import ActionRefused, HostRoute, KernelSnapshot, NudState, ProxyEntry, Refusal, Route, Tick
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.state import Rules
from tests.builders import (
    HOST,
    PREFIX,
    actions,
    addr,
    changed,
    detection,
    entry,
    handle,
    kernel,
    link,
    prefix_route,
    route,
    solicited,
    why,
)

LISTED = ("wan0", "lan0", "tun0")
NESTED = "2001:db8:0:0:b::/80"
CLIENT = "2001:db8:0:0:b::5"
SENDER = addr("fe80::1")
ON_WAN = prefix_route(str(PREFIX), "wan0")
TUNNEL = prefix_route(NESTED, "tun0")
PROXIED = AddProxy(addr(CLIENT), "wan0")
ANSWER = Advertise(addr(CLIENT), "wan0", SENDER)


def tables(*found: Route | HostRoute | ProxyEntry, **more: object) -> KernelSnapshot:
    """Return the tables of a server with the entries *found*."""
    return kernel(*found, **{"up": LISTED, "without_nd": ("tun0",), **more})  # type: ignore[arg-type]


def server(*routes: Route, static: str | None = None, **more: object) -> NdProxy:
    """Return the proxy of a server with *routes*."""
    statics = dict([static_host(static)]) if static else {}
    proxy = NdProxy(Rules(LISTED, frozenset({PREFIX}), statics=statics))
    handle(proxy, tables(*routes, **more))
    return proxy


def test_solicited_client_is_proxied_and_its_solicitor_answered() -> None:
    """No route, no probe; the soliciting host's first packet gets through."""
    decisions = handle(server(ON_WAN, TUNNEL), solicited(CLIENT))

    assert why(decisions) == [("proxied-on-demand", "solicited")]
    assert (decisions[0].dev, actions(decisions)) == ("tun0", [PROXIED, ANSWER])


SERVED = {
    "nested prefix": ((ON_WAN, TUNNEL), True),
    "nested prefix behind a gateway": ((ON_WAN, prefix_route(NESTED, "lan0", "fe80::7")), True),
    "prefix inside only": ((prefix_route("::/0", "wan0", "fe80::9"), prefix_route(str(PREFIX), "tun0")), True),
    "nested prefix with neighbor discovery": ((ON_WAN, prefix_route(NESTED, "lan0")), False),
    "no route of its own": ((ON_WAN,), False),
    "equal prefixes": ((ON_WAN, prefix_route(str(PREFIX), "tun0")), False),
    "the whole prefix is on a modem without neighbor discovery": ((prefix_route(str(PREFIX), "tun0"),), False),
    "an interface that is not listed": ((ON_WAN, prefix_route(NESTED, "tun9")), False),
    "outside of the prefix": ((prefix_route("2001:db8:9::/64"), prefix_route("2001:db8:9::/80", "tun0")), False),
}


@pytest.mark.parametrize("name", SERVED)
def test_where_addresses_are_served_on_demand(name: str) -> None:
    """Where the kernel can ask no host, and no host of the soliciting link may have the address."""
    routes, served = SERVED[name]
    proxy = server(*routes)

    assert (PROXIED in actions(handle(proxy, solicited(CLIENT)))) is served


@pytest.mark.parametrize("target", ["2001:db8:0:0:b::", "2001:db8:0:0:b::1", "2001:db8::5"])
def test_addresses_that_are_not_served(target: str) -> None:
    """The anycast address of the prefix, the router's own, and one beside the prefix."""
    proxy = NdProxy(Rules(LISTED, frozenset({PREFIX, TUNNEL.prefix})))
    handle(proxy, tables(ON_WAN, TUNNEL, own=["2001:db8:0:0:b::1"]))

    assert AddProxy(addr(target), "wan0") not in actions(handle(proxy, solicited(target)))


def test_lookup_goes_to_the_link_of_a_nested_prefix_only() -> None:
    """Where the kernel can ask there; an address beside it is looked up on every other link."""
    proxy = NdProxy(Rules((*LISTED, "lan1"), frozenset({PREFIX})))
    handle(proxy, tables(ON_WAN, prefix_route(NESTED, "lan0"), up=(*LISTED, "lan1")))

    assert [action.dev for action in actions(handle(proxy, solicited(CLIENT)))] == ["lan0"]  # type: ignore[union-attr]
    assert [action.dev for action in actions(handle(proxy, solicited()))] == ["lan0", "lan1"]  # type: ignore[union-attr]


def test_duplicate_address_detection_is_no_solicitation() -> None:
    """Its sender may not use the address, but nothing is gained by defending it."""
    assert handle(server(ON_WAN, TUNNEL), detection(CLIENT, "wan0")) == []


def test_address_is_forgotten_ten_minutes_after_its_last_solicitation() -> None:
    """Each solicitation starts the time anew, and needs no entry."""
    proxy = server(ON_WAN, TUNNEL)
    handle(proxy, solicited(CLIENT))
    assert handle(proxy, solicited(CLIENT), now=500.0) == []
    assert handle(proxy, Tick(), now=1099.0) == []

    assert proxy.on_demand.next_deadline() == 1100.0
    decisions = handle(proxy, Tick(), now=1100.0)
    assert why(decisions) == [("on-demand-ended", "not-solicited")]
    assert actions(decisions) == [DelProxy(addr(CLIENT), "wan0")]
    assert handle(proxy, Tick(), now=5000.0) == []


def test_each_link_has_its_own_entry() -> None:
    """A container that solicits the client gets its answer; the uplink's entry stays as it is."""
    proxy = server(ON_WAN, prefix_route(str(PREFIX), "lan0"), TUNNEL)
    handle(proxy, solicited(CLIENT))

    assert AddProxy(addr(CLIENT), "lan0") in actions(handle(proxy, solicited(CLIENT, "lan0")))


def test_second_solicitation_before_the_kernel_has_the_entry_is_answered() -> None:
    """The kernel may have been too late for the other sender, too."""
    proxy = server(ON_WAN, TUNNEL)
    handle(proxy, solicited(CLIENT))

    assert actions(handle(proxy, solicited(CLIENT), now=0.01)) == [ANSWER]
    assert proxy.may_advertise(ANSWER)


def test_least_recently_solicited_address_loses_its_place() -> None:
    """256 addresses per link; the first one was solicited again, so the second one goes."""
    proxy = server(ON_WAN, TUNNEL)
    targets = [f"2001:db8:0:0:b::1:{n:x}" for n in range(257)]
    for number, target in enumerate(targets[:256]):
        assert actions(handle(proxy, solicited(target, lladdr=f"02:00:00:00:01:{number % 256:02x}"), now=number * 1.0))
    handle(proxy, solicited(targets[0]), now=300.0)

    decisions = handle(proxy, solicited(targets[256]), now=301.0)

    assert why(decisions) == [("proxied-on-demand", "solicited"), ("on-demand-ended", "max-on-demand")]
    assert actions(decisions)[-1] == DelProxy(addr(targets[1]), "wan0")


def test_limits_are_those_of_lookups() -> None:
    """A scan from one link-layer address adds 25 entries in one burst, then five a second."""
    proxy = server(ON_WAN, TUNNEL)
    decided = [handle(proxy, solicited(f"2001:db8:0:0:b::1:{n:x}")) for n in range(100)]

    assert sum(("proxied-on-demand", "solicited") in why(decisions) for decisions in decided) == 25
    assert proxy.lookups.rate_limited == 75
    assert handle(proxy, solicited("2001:db8:0:0:b::2:1"), now=0.2) != []


def test_route_that_goes_takes_the_addresses_along() -> None:
    """Without the tunnel's prefix the address may be on any link."""
    proxy = server(ON_WAN, TUNNEL)
    handle(proxy, solicited(CLIENT))

    decisions = handle(proxy, tables(ON_WAN, entry(CLIENT)))

    assert why(decisions) == [("on-demand-ended", "routed-elsewhere")]
    assert actions(decisions) == [DelProxy(addr(CLIENT), "wan0")]


def test_snapshot_repairs_and_keeps_the_entries() -> None:
    """An entry that another program flushed is added again; those of a daemon that was killed are removed."""
    proxy = server(ON_WAN, TUNNEL)
    handle(proxy, solicited(CLIENT))

    assert handle(proxy, tables(ON_WAN, TUNNEL, entry(CLIENT))) == []
    assert actions(handle(proxy, tables(ON_WAN, TUNNEL), now=10.0)) == [PROXIED]
    assert why(handle(server(), tables(ON_WAN, TUNNEL, entry(CLIENT)))) == [("leftover-removed", "leftover")]


def test_host_that_gets_a_route_of_its_own_keeps_its_entry() -> None:
    """The address is no longer forgotten after ten minutes."""
    proxy = server(ON_WAN, TUNNEL)
    handle(proxy, solicited(CLIENT))
    named = (prefix_route(f"{CLIENT}/128", "tun0"), route(CLIENT, "tun0", ours=False))

    decisions = handle(proxy, tables(ON_WAN, TUNNEL, *named, entry(CLIENT), routed={CLIENT: "tun0"}))

    assert (why(decisions), actions(decisions)) == ([("host-learned", "routed")], [AddProxy(addr(CLIENT), "lan0")])
    assert list(proxy.on_demand) == []


def test_host_that_is_learned_keeps_its_entry() -> None:
    """On the link of the gateway a host uses the address itself."""
    proxy = server(ON_WAN, prefix_route(NESTED, "lan0", "fe80::7"))
    handle(proxy, solicited(CLIENT))

    decisions = handle(proxy, changed(CLIENT, state=NudState.REACHABLE))

    assert why(decisions) == [("host-learned", "reachable")]
    assert PROXIED not in actions(decisions)
    assert list(proxy.on_demand) == []


@pytest.mark.parametrize(("dev", "follow"), [("tun0", [DelProxy(addr(CLIENT), "wan0")]), ("wan0", [])])
def test_interface_that_goes_down(dev: str, follow: list[DelProxy]) -> None:
    """Without the tunnel the address is not reached; with the soliciting link the kernel removes the entry itself."""
    proxy = server(ON_WAN, TUNNEL)
    handle(proxy, solicited(CLIENT))

    assert actions(handle(proxy, link(dev, up=False))) == follow
    assert list(proxy.on_demand) == []


def test_entry_that_the_kernel_refuses_is_tried_again() -> None:
    """With the next solicitation."""
    proxy = server(ON_WAN, TUNNEL)
    handle(proxy, solicited(CLIENT))

    assert handle(proxy, ActionRefused(PROXIED, Refusal.OTHER, "?")) == []
    assert PROXIED in actions(handle(proxy, solicited(CLIENT), now=5.0))


def test_another_program_answers_already() -> None:
    """Its proxy entry serves as ours would."""
    proxy = server(ON_WAN, TUNNEL)
    handle(proxy, tables(ON_WAN, TUNNEL, entry(CLIENT, ours=False)))

    assert PROXIED not in actions(handle(proxy, solicited(CLIENT)))


STATIC = f"{NESTED}%tun0"


@pytest.mark.parametrize("routes", [(ON_WAN, prefix_route(str(PREFIX), "tun0")), (ON_WAN,), ()])
def test_prefix_of_static_is_served(routes: tuple[Route, ...]) -> None:
    """The user's word is enough, whatever the routing table says, and wherever the prefix is."""
    assert PROXIED in actions(handle(server(*routes, static=STATIC), solicited(CLIENT)))


def test_address_of_a_static_prefix_cannot_be_claimed_elsewhere() -> None:
    """The user has configured where the prefix is."""
    proxy = server(ON_WAN, static=STATIC)

    assert why(handle(proxy, changed(CLIENT, dev="lan0"))) == [("address-ignored", "static")]
    assert why(handle(proxy, changed(HOST, dev="lan0"))) == [("host-learned", "first-sight")]


def test_static_prefix_on_a_link_with_neighbor_discovery() -> None:
    """There the kernel can ask, so nothing is served on demand."""
    proxy = server(ON_WAN, static=f"{NESTED}%lan0")
    decisions = handle(proxy, solicited(CLIENT))

    assert why(decisions) == [("lookup-started", "solicited")]
