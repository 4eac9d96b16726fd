"""A snapshot of the kernel -> why one address is, or is not, proxied."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Network
from pathlib import Path

import pytest

from ndpbr_py.commands.explain import lines
from ndpbr_py.commands.host_word import addresses, keys_of
from ndpbr_py.core.decision import Reason
from ndpbr_py.core.events import (
    HostRoute,
    KernelSnapshot,
    NeighborChanged,
    NudState,
    ProxyEntry,
    Route,
    RouteType,
)
from ndpbr_py.core.state import Rules
from ndpbr_py.doctor import explain_text
from ndpbr_py.doctor.explain import Explanation, explained
from ndpbr_py.errors import ConfigError
from ndpbr_py.names import Names
from tests.builders import HOST, INTERFACES, LLADDR, PREFIX, addr, changed, entry, kernel, prefix_route, route

RULES = Rules(INTERFACES)
ON_LINK = (Route(PREFIX, "wan0"), Route(IPv6Network("::/0"), "wan0", addr("fe80::1")))


def of(
    address: str, *found: HostRoute | ProxyEntry | NeighborChanged, running: bool = True, **known: object
) -> Explanation:
    """Return the explanation of *address* where the kernel has *found*."""
    read: KernelSnapshot = kernel(*found, **known)  # type: ignore[arg-type]
    return explained(addr(address), RULES, replace(read, routes=(*read.routes, *ON_LINK)), running=running)


def test_host_that_is_proxied() -> None:
    """The answer is printed first, then all facts."""
    printed = list(lines(of(HOST, changed(state=NudState.REACHABLE), route(), entry()), None, running=False))

    assert printed == [
        "yes, but ndpbr is not running, and its entries are left over: proxied on wan0",
        "interfaces: wan0, lan0",
        "kind: global",
        "on-link: yes, 2001:db8::/64 on wan0",
        "longest-route: 2001:db8::/64 dev wan0",
        f"neighbor: lan0 lladdr {LLADDR} REACHABLE: the host is present",
        "host-route: dev lan0, ours",
        "proxy-entry: dev wan0, ours",
        "hosts: 1 known, 1 with its link-layer address on its interface",
        "daemon: not running",
    ]


def test_host_that_did_not_answer_the_last_time() -> None:
    """The answer says for how long it has been silent."""
    proxied = of(HOST, changed(), route(), entry())
    host = {"dev": "lan0", "lladdr": LLADDR, "verified": True, "rechecking": True, "last_seen_s": 19.2}
    silent = list(lines(proxied, {"host": host, "events": []}, running=True))
    answering = list(lines(proxied, {"host": {**host, "rechecking": False}, "events": []}, running=True))

    assert silent[0] == "yes, but it has not answered for 19 s: proxied on wan0"
    assert answering[0] == "yes: proxied on wan0"


def test_static_host_that_was_never_seen() -> None:
    """The answer says so: it is proxied because of --static only."""
    host = {"dev": "lan0", "lladdr": None, "verified": True, "rechecking": False, "last_seen_s": 2.9}
    printed = list(lines(of(HOST, route(), entry()), {"host": host, "events": []}, running=True))

    assert printed[0] == "yes, but it has never been seen: proxied on wan0"
    assert printed[-1] == "daemon: a host on lan0, never seen"


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        (NudState.STALE, "yes, but it was seen on lan0, and another program's route leads to wan0: proxied on lan0"),
        (NudState.FAILED, "yes: proxied on lan0"),
    ],
)
def test_host_that_was_seen_on_another_link_than_that_of_a_foreign_route(state: NudState, answer: str) -> None:
    """A /128 route that another program has left behind sends the host's packets to the wrong link."""
    routed = of(HOST, changed(state=state), route(dev="wan0", ours=False), entry(dev="lan0"))
    printed = list(lines(routed, None, running=True))

    assert printed[0] == answer
    assert (f"advice: ip -6 route show {HOST}" in printed) == answer.startswith("yes, but")


def test_host_is_an_address_an_lladdr_or_a_name(tmp_path: Path) -> None:
    """A link-layer address is that of all its addresses in the neighbor table; a name may be of both."""
    (tmp_path / "hosts").write_text(f"2001:db8::77 phone\n{LLADDR} phone\n")
    names = Names(tmp_path / "hosts", ())
    found = kernel(
        changed(), changed("2001:db8::44"), changed("fe80::44"), changed("2001:db8::55", lladdr="02:00:00:00:00:55")
    )

    assert keys_of(f"{HOST}%lan0", names) == {addr()}
    assert keys_of(LLADDR.upper(), names) == {LLADDR}
    assert addresses(LLADDR, {LLADDR}, found) == [addr(), addr("2001:db8::44")]
    assert addresses("Phone", keys_of("Phone", names), found) == [addr(), addr("2001:db8::44"), addr("2001:db8::77")]
    with pytest.raises(ConfigError, match="got 'tablet'"):
        keys_of("tablet", names)


def test_prefix_is_advised_for_private_addresses_only() -> None:
    """A public address outside is not ours; without any prefix the router first needs an address."""
    without = explained(addr("2001:db8:5::1"), RULES, kernel(), running=True)

    assert of("2001:db8:5::1").advice is None
    assert "--prefix" in (of("fd00::1").advice or "")
    assert without.advice == "give the router an address in its prefix"


@pytest.mark.parametrize(
    ("address", "kind", "reason"),
    [
        ("fe80::33", "link-local: valid on its own link", "only global and unique-local"),
        ("ff02::1", "multicast: a group", "only global and unique-local"),
        ("::1", "unspecified or loopback", "only global and unique-local"),
        ("fec0::1", "not a kind of address that hosts have", "only global and unique-local"),
        ("2001:db8:5::1", "global", "not in your network (2001:db8::/64), nothing to proxy"),
        ("fd00::1", "unique-local", "it is in no prefix that is on-link"),
        ("2001:db8::", "global", "it is the subnet-router anycast address"),
        ("2001:db8::2", "global", "it is the router's own address"),
        (HOST, "global", "no host has used this address"),
    ],
)
def test_addresses_that_are_not_proxied(address: str, kind: str, reason: str) -> None:
    """Each has its own sentence."""
    explanation = of(address, own=["2001:db8::2"])

    assert explanation.proxied_on == ()
    assert dict(explanation.facts)["kind"].startswith(kind)
    assert (explanation.reason or "").startswith(reason)


@pytest.mark.parametrize(
    ("found", "up", "running", "reason", "advice"),
    [
        (
            [changed(state=NudState.FAILED)],
            INTERFACES,
            True,
            "no host answers for this address",
            f"ndpbr lookup {HOST}",
        ),
        ([changed(state=NudState.NOARP)], INTERFACES, True, "no host has used this address", None),
        ([changed()], INTERFACES, False, "ndpbr is not running", "ndpbr run wan0 lan0"),
        ([changed()], INTERFACES, True, "the daemon has not added its entries yet, or adding them failed", None),
        ([changed()], ["wan0"], True, "its interface lan0 is down", "ip link set lan0 up"),
        ([changed()], ["lan0"], True, "no other listed interface is up", None),
        (
            [changed(), route(dev="wan0", ours=False)],
            INTERFACES,
            True,
            "another program has a route for it, dev wan0",
            f"ip -6 route show {HOST}",
        ),
        (
            [changed(), route(dev=None, ours=False)],
            INTERFACES,
            True,
            "another program has a route for it, multipath",
            f"ip -6 route show {HOST}",
        ),
        (
            [changed(), route(dev=None, ours=False, kind=RouteType.BLACKHOLE)],
            INTERFACES,
            True,
            "another program has a route for it, blackhole",
            f"ip -6 route show {HOST}",
        ),
    ],
)
def test_hosts_that_are_not_proxied(
    found: list[HostRoute | NeighborChanged], up: list[str], running: bool, reason: str, advice: str | None
) -> None:
    """The reason says what is missing, and the advice is its fix."""
    explanation = of(HOST, *found, running=running, up=up)

    assert (explanation.proxied_on, explanation.reason) == ((), reason)
    assert advice is None or explanation.advice == advice


@pytest.mark.parametrize(("dev", "advice"), [("lan1", None), ("tun0", "ndpbr run tun0 wan0 lan0 lan1"), ("lo", None)])
def test_claim_where_the_routing_table_does_not_send_it(dev: str, advice: str | None) -> None:
    """The route is named; the advice lists its interface if that is missing."""
    rules, nested = Rules(("wan0", "lan0", "lan1")), "2001:db8::30/124"
    kind = RouteType.UNICAST if dev != "lo" else RouteType.BLACKHOLE
    read = kernel(changed(), up=rules.interfaces)
    routes = (*ON_LINK, prefix_route(nested, dev, kind=kind))
    explanation = explained(addr(), rules, replace(read, routes=routes), running=True)

    shown = f"dev {dev}" if dev != "lo" else "blackhole"
    assert (explanation.reason or "").endswith(f"to another interface than the one where it was seen: {nested} {shown}")
    assert explanation.advice == advice


def test_next_hop_claimed_on_another_interface() -> None:
    """The modem's address is accepted on its own link only."""
    modem = "2001:db8::1"
    there = of(modem, changed(modem, "wan0"), next_hops={modem: "wan0"}, running=False)
    elsewhere = of(modem, changed(modem, "lan0"), next_hops={modem: "wan0"})

    assert dict(there.facts)["next-hop"].startswith("of a default route on wan0")
    assert there.reason == "ndpbr is not running"
    assert elsewhere.reason == "it is the next hop of a default route on another interface"


def test_limit_is_reached() -> None:
    """The limits are those of the core."""
    full = Rules(INTERFACES, max_hosts_per_lladdr=1)
    read = kernel(changed("2001:db8::1", state=NudState.REACHABLE), changed())
    explanation = explained(addr(), full, replace(read, routes=(*read.routes, *ON_LINK)), running=True)

    assert dict(explanation.facts)["hosts"] == "1 known, 1 with its link-layer address on its interface"
    assert explanation.reason == explain_text.OBJECTIONS[Reason.LLADDR_FULL][0]


def test_host_with_entries_counts_first() -> None:
    """The order in which the kernel lists the neighbors does not matter for the limits."""
    full = Rules(INTERFACES, max_hosts_per_lladdr=1)
    read = kernel(changed(), changed("2001:db8::1"), route("2001:db8::1"), entry("2001:db8::1"))
    explanation = explained(addr(), full, replace(read, routes=(*read.routes, *ON_LINK)), running=True)

    assert explanation.reason == explain_text.OBJECTIONS[Reason.LLADDR_FULL][0]


def test_entries_of_another_program() -> None:
    """An address is proxied also if the entries belong to another program."""
    explanation = of(HOST, changed(), route(ours=False), entry(ours=False))

    assert explanation.proxied_on == ("wan0",)
    assert dict(explanation.facts)["proxy-entry"] == "dev wan0, another program's"


def test_prefix_of_the_user() -> None:
    """A prefix of `--prefix` is on-link, too."""
    rules = Rules(INTERFACES, frozenset({IPv6Network("fd00::/64")}))
    explanation = explained(addr("fd00::1"), rules, kernel(), running=True)

    assert dict(explanation.facts)["on-link"] == "yes, fd00::/64 by --prefix"


def test_static_address() -> None:
    """A static address is a fact, and eligible whatever its prefix is."""
    rules = Rules(INTERFACES, statics={addr("fd00::1"): "lan0"})
    explanation = explained(addr("fd00::1"), rules, kernel(), running=False)

    assert dict(explanation.facts)["static"] == "on lan0 by --static, whatever its prefix is"
    assert explanation.reason == "ndpbr is not running"


def test_interface_without_neighbor_discovery() -> None:
    """Such an interface is no objection to an address: no host is learned on it, and it needs no proxy entry."""
    own = of(HOST, own=[HOST], without_nd=["wan0"])
    seen = of(HOST, changed(dev="wan0"), without_nd=["wan0"])
    behind = of(HOST, changed(), route(), without_nd=["wan0"])

    assert own.reason == "it is the router's own address"
    assert seen.reason == explain_text.OBJECTIONS[Reason.WITHOUT_ND][0]
    assert behind.reason == "wan0 has no neighbor discovery: only a host route is needed"


@pytest.mark.parametrize(
    "reason",
    [
        Reason.KIND,
        Reason.ROUTER,
        Reason.FULL,
        Reason.LLADDR_FULL,
        Reason.STATIC,
        Reason.WITHOUT_ND,
        Reason.UPSTREAM_LINK,
    ],
)
def test_every_objection_has_a_sentence(reason: Reason) -> None:
    """Also the objections that the other tests do not provoke."""
    assert explain_text.OBJECTIONS[reason][0]


@pytest.mark.parametrize(
    ("state", "meaning"),
    [
        (NudState.INCOMPLETE, "being resolved, no answer yet"),
        (NudState.STALE, "a host has used the address, and has not answered a probe since"),
        (NudState.FAILED, "no host answers"),
        (NudState.NONE, "not resolved"),
        (NudState.NOARP, "no neighbor discovery takes place"),
    ],
)
def test_meaning_of_a_neighbor_state(state: NudState, meaning: str) -> None:
    """An entry of the neighbor cache is printed with what its state means."""
    assert dict(of(HOST, changed(state=state)).facts)["neighbor"].endswith(f"{state.value}: {meaning}")


def test_answers_from_the_address_itself_are_reported() -> None:
    """--answer-as-target is a fact about each address, where it was given."""
    rules = replace(RULES, answer_as_target=frozenset({"wan0"}))

    assert dict(explained(addr(), rules, kernel(), running=True).facts)["answer-as-target"].startswith("on wan0 ")
    assert "answer-as-target" not in dict(explained(addr(), RULES, kernel(), running=True).facts)
