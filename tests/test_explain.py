"""A reading of the kernel -> why one address is, or is not, proxied."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Network

import pytest

from ndpbr_py.commands.explain import lines
from ndpbr_py.core.decision import Reason
from ndpbr_py.core.events import HostRoute, KernelSnapshot, NeighborChanged, NudState, PrefixOrDefaultRoute, ProxyEntry
from ndpbr_py.core.state import Rules
from ndpbr_py.doctor import words
from ndpbr_py.doctor.explain import Explanation, explained
from tests.builders import HOST, INTERFACES, LLADDR, PREFIX, addr, changed, entry, kernel, route

RULES = Rules(INTERFACES)
ON_LINK = (PrefixOrDefaultRoute(PREFIX, "wan0"), PrefixOrDefaultRoute(IPv6Network("::/0"), "wan0", addr("fe80::1")))


def of(
    address: str, *found: HostRoute | ProxyEntry | NeighborChanged, running: bool = True, **known: object
) -> Explanation:
    """Return the explanation of *address* where the kernel has *found*."""
    read: KernelSnapshot = kernel(*found, **known)  # type: ignore[arg-type]
    return explained(addr(address), RULES, replace(read, routes=ON_LINK), running=running)


def test_host_that_is_proxied() -> None:
    """Every fact is told in the order of the rules, and the verdict says where."""
    told = list(lines(of(HOST, changed(state=NudState.REACHABLE), route(), entry()), None, running=False))

    assert told == [
        "interfaces: wan0, lan0",
        "kind: global",
        "on-link: yes, 2001:db8::/64 on wan0",
        f"neighbor: lan0 lladdr {LLADDR} REACHABLE: it is there",
        "host-route: dev lan0, ours",
        "proxy-entry: dev wan0, ours",
        "hosts: 1 known, 1 with its link-layer address",
        "daemon: none runs",
        "proxied: yes, on wan0",
    ]


@pytest.mark.parametrize(
    ("address", "kind", "because"),
    [
        ("fe80::33", "link-local: each link", "only global and unique-local"),
        ("ff02::1", "multicast: a group", "only global and unique-local"),
        ("::1", "a host's word for itself", "only global and unique-local"),
        ("fec0::1", "of no kind that hosts have", "only global and unique-local"),
        ("2001:db8:5::1", "global", "it is in no prefix that is on-link"),
        ("fd00::1", "unique-local", "it is in no prefix that is on-link"),
        ("2001:db8::", "global", "it is the subnet-router anycast address"),
        ("2001:db8::2", "global", "it is the router's own"),
        (HOST, "global", "nobody has been heard with it"),
    ],
)
def test_addresses_that_nobody_proxies(address: str, kind: str, because: str) -> None:
    """Each has a sentence of its own."""
    explanation = of(address, own=["2001:db8::2"])

    assert explanation.proxied_on == ()
    assert dict(explanation.facts)["kind"].startswith(kind)
    assert (explanation.because or "").startswith(because)


@pytest.mark.parametrize(
    ("found", "up", "running", "because", "advice"),
    [
        ([changed(state=NudState.FAILED)], INTERFACES, True, "nobody answers for it", f"ping -c 1 -I lan0 {HOST}"),
        ([changed(state=NudState.NOARP)], INTERFACES, True, "nobody has been heard with it", None),
        ([changed()], INTERFACES, False, "no daemon runs", "ndpbr run wan0 lan0"),
        ([changed()], INTERFACES, True, "the daemon has not made its entries yet, or could not", None),
        ([changed()], ["wan0"], True, "lan0, where it was heard, is down", "ip link set lan0 up"),
        ([changed()], ["lan0"], True, "no other listed interface is up", None),
        (
            [changed(), route(dev="wan0", ours=False)],
            INTERFACES,
            True,
            "another program has a route for it, dev wan0",
            f"ip -6 route del {HOST} dev wan0",
        ),
    ],
)
def test_hosts_that_are_not_proxied(
    found: list[HostRoute | NeighborChanged], up: list[str], running: bool, because: str, advice: str | None
) -> None:
    """What is missing is said, and what helps."""
    explanation = of(HOST, *found, running=running, up=up)

    assert (explanation.proxied_on, explanation.because) == ((), because)
    assert advice is None or explanation.advice == advice


def test_next_hop_claimed_on_another_interface() -> None:
    """The modem's address counts on its own link, and is refused on others."""
    modem = "2001:db8::1"
    there = of(modem, changed(modem, "wan0"), next_hops={modem: "wan0"}, running=False)
    elsewhere = of(modem, changed(modem, "lan0"), next_hops={modem: "wan0"})

    assert dict(there.facts)["next-hop"].startswith("of a default route on wan0")
    assert there.because == "no daemon runs"
    assert elsewhere.because == "it is the next hop of a default route on another interface"


def test_no_place_left() -> None:
    """The limits are the core's."""
    full = Rules(INTERFACES, max_hosts_per_lladdr=1)
    read = kernel(changed("2001:db8::1", state=NudState.REACHABLE), changed())
    explanation = explained(addr(), full, replace(read, routes=ON_LINK), running=True)

    assert dict(explanation.facts)["hosts"] == "1 known, 1 with its link-layer address"
    assert explanation.because == words.OBJECTIONS[Reason.LLADDR_FULL][0]


def test_place_belongs_to_who_has_his_entries() -> None:
    """The order in which the kernel lists its neighbors does not matter."""
    full = Rules(INTERFACES, max_hosts_per_lladdr=1)
    read = kernel(changed(), changed("2001:db8::1"), route("2001:db8::1"), entry("2001:db8::1"))
    explanation = explained(addr(), full, replace(read, routes=ON_LINK), running=True)

    assert explanation.because == words.OBJECTIONS[Reason.LLADDR_FULL][0]


def test_entries_of_another_program_do_as_well() -> None:
    """An address is proxied, whoever has seen to that."""
    explanation = of(HOST, changed(), route(ours=False), entry(ours=False))

    assert explanation.proxied_on == ("wan0",)
    assert dict(explanation.facts)["proxy-entry"] == "dev wan0, another program's"


def test_prefix_of_the_user() -> None:
    """What `--prefix` names is on-link, too."""
    rules = Rules(INTERFACES, frozenset({IPv6Network("fd00::/64")}))
    explanation = explained(addr("fd00::1"), rules, kernel(), running=True)

    assert dict(explanation.facts)["on-link"] == "yes, fd00::/64 by --prefix"


def test_static_address() -> None:
    """What the user says is there is a fact, and counts wherever it lies."""
    rules = Rules(INTERFACES, statics={addr("fd00::1"): "lan0"})
    explanation = explained(addr("fd00::1"), rules, kernel(), running=False)

    assert dict(explanation.facts)["static"] == "on lan0 by --static, wherever it lies"
    assert explanation.because == "no daemon runs"


def test_interface_without_neighbor_discovery() -> None:
    """It is no reason why an address does not count; who is heard there is not learned, and needs no proxy entry."""
    own = of(HOST, own=[HOST], without_nd=["wan0"])
    heard = of(HOST, changed(dev="wan0"), without_nd=["wan0"])
    behind = of(HOST, changed(), route(), without_nd=["wan0"])

    assert own.because == "it is the router's own"
    assert heard.because == words.OBJECTIONS[Reason.WITHOUT_ND][0]
    assert behind.because == "nobody solicits on wan0: it needs a host route alone"


@pytest.mark.parametrize(
    "reason", [Reason.KIND, Reason.ROUTER, Reason.FULL, Reason.LLADDR_FULL, Reason.STATIC, Reason.WITHOUT_ND]
)
def test_every_objection_has_words(reason: Reason) -> None:
    """Also those that take a long story to come about."""
    assert words.OBJECTIONS[reason][0]
