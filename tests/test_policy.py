"""Lines of `ip -6 rule` and `ip -6 route get` -> policy rules, and the path of a packet."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Network

import pytest

from ndpbr_py.core.state import Rules
from ndpbr_py.doctor import route_checks
from ndpbr_py.doctor.explain import explained
from ndpbr_py.doctor.facts import Facts
from ndpbr_py.iproute2.policy import Path, PolicyRule, before_main, deciding, path, source_specific, table_routes
from tests.builders import HOST, PREFIX, addr, entry, kernel, prefix_route, route

NOWHERE = IPv6Network("fd99::/64")
RULES = {
    "0:\tfrom all lookup local": None,
    "100:\tfrom all iif wan0 lookup 100": PolicyRule(100, "from all iif wan0 lookup 100", "wan0", table="100"),
    "101:\tfrom 2001:db8:0:0:b::/80 lookup vpn": PolicyRule(101, "from 2001:db8:0:0:b::/80 lookup vpn", table="vpn"),
    "102:\tfrom all iif lo lookup 100": None,
    "103:\tfrom all iif wan0 prohibit": PolicyRule(103, "from all iif wan0 prohibit", "wan0"),
    "104:\tfrom all to fd99::/64 lookup 9": PolicyRule(104, "from all to fd99::/64 lookup 9", to=NOWHERE, table="9"),
    "105:\tnot from all to fd99::/64 lookup 9": PolicyRule(105, "not from all to fd99::/64 lookup 9", table="9"),
    "106:\tfrom all to fd99::/64 lookup main": PolicyRule(
        106, "from all to fd99::/64 lookup main", to=NOWHERE, table="main"
    ),
    "107:\tfrom all uidrange 0-99 lookup 100": None,
    "108:\tfrom all oif wan0 lookup 100": None,
    "1000:\tfrom all lookup [l3mdev-table]": None,
    "1001:\tfrom all fwmark 0x1 lookup main": None,
    "110:\tfrom all to nonsense lookup 9": PolicyRule(110, "from all to nonsense lookup 9", table="9"),
    "nonsense": None,
}


@pytest.mark.parametrize("line", RULES)
def test_rule_that_may_keep_a_packet_from_the_main_table(line: str) -> None:
    """Other tables come before main for some packets, but not for those of the router itself."""
    expected = RULES[line]

    assert before_main([line, "32766:\tfrom all lookup main"]) == ([] if expected is None else [expected])


@pytest.mark.parametrize("main", ["32766:\tfrom all lookup main", "50:\tfrom all lookup 254 suppress_prefixlength 0"])
def test_rule_after_the_main_table_does_not_count(main: str) -> None:
    """As wg-quick's rules: the main table is consulted first, but for its default routes."""
    assert before_main([main, "32767:\tnot from all fwmark 0xca6c lookup 51820"]) == []


def test_rules_without_one_for_the_main_table() -> None:
    """The administrator has deleted it: every other rule counts."""
    assert [rule.priority for rule in before_main(RULES)] == [100, 101, 103, 104, 105, 106, 110]


def test_rule_for_the_main_table_decides_only_about_its_destinations() -> None:
    """The rules after it apply to the rest of the prefix."""
    main = PolicyRule(106, "from all to 2001:db8::/80 lookup main", to=IPv6Network("2001:db8::/80"), table="main")
    later = PolicyRule(107, "from all prohibit")

    assert list(deciding([main, later], PREFIX, ("wan0",))) == [(later, "no table")]
    assert list(deciding([main, later], main.to, ("wan0",))) == []


# The routes of table 100 -> which of them decides about a host.
TABLES = {
    "": None,
    "default via fe80::1 dev wg0 proto static metric 1024 pref medium": "default via fe80::1 dev wg0",
    "blackhole default dev lo metric 1024 pref medium": "blackhole default dev lo",
    "throw 2001:db8::/64 dev lo metric 1024\nblackhole default dev lo metric 1024": None,
    "throw default dev lo metric 1024\n2001:db8::/64 dev wg0 metric 1024": "2001:db8::/64 dev wg0",
    "2001:db8::/80 metric 1024\n\tnexthop via fe80::1 dev wg0 weight 1": "2001:db8::/80",
    "2001:db8::/80 from 2001:db8:7::/48 dev wg0": "2001:db8::/80 from 2001:db8:7::/48 dev wg0",
    "2001:db8:0:1::/64 dev wg0 metric 256\nnonsense dev wg0\nblackhole": None,
}


@pytest.mark.parametrize("lines", TABLES)
def test_route_of_another_table_that_decides_about_hosts(lines: str) -> None:
    """The longest one over their prefix, or one within it. Where there is none the main table is consulted."""
    rule = PolicyRule(100, "from all lookup 100", table="100", routes=table_routes(lines.splitlines()))
    says = [it for _, it in deciding([rule], PREFIX, ("wan0",))]

    assert says == ([f"table 100 has {TABLES[lines]}"] if TABLES[lines] is not None else [])


def test_rules_that_concern_hosts() -> None:
    """Rules for other destinations or interfaces do not, nor those after one that looks up the main table for hosts."""
    routes = table_routes(["default dev wg0"])
    elsewhere = PolicyRule(1, "", to=NOWHERE, table="100", routes=routes)
    of_eth9 = PolicyRule(2, "", "eth9", table="100", routes=routes)
    unreadable, prohibit = PolicyRule(3, "", "wan0", table="101"), PolicyRule(4, "")
    main, after = PolicyRule(5, "", to=IPv6Network("2001:db8::/32"), table="main"), PolicyRule(6, "")
    found = deciding([elsewhere, of_eth9, unreadable, prohibit, main, after], PREFIX, ("wan0",))

    assert list(found) == [(unreadable, "table 101 cannot be read"), (prohibit, "no table")]


def test_source_specific_routes_that_decide() -> None:
    """A source-specific route decides if it is at least as long as the longest route for all sources."""
    longer, equal, shorter = (f"{it} from fd99::/64 dev lan1" for it in ("2001:db8::33", "2001:db8::/64", "default"))
    routes = table_routes([longer, equal, "2001:db8::/64 dev wan0 proto kernel", shorter])

    assert [it.text for it in source_specific(routes)] == [longer, equal]


PATHS = {
    f"{HOST} from 2000::1 dev lan0 metric 1024 iif wan0 pref medium": Path("lan0"),
    f"{HOST} from 2000::1 dev lan1 table 100 metric 1024 iif wan0 pref medium": Path("lan1", table="100"),
    f"{HOST} from 2000::1 via fe80::7 dev lan1 table main iif wan0": Path("lan1"),
    f"unreachable {HOST} from 2000::1 dev lo table 100 error -113": Path(None, "unreachable", "100"),
}


@pytest.mark.parametrize("output", PATHS)
def test_path_of_a_packet(output: str) -> None:
    """The interface, and the table if it is not main."""
    assert path(output, "") == PATHS[output]


def test_path_that_the_kernel_refuses() -> None:
    """A blackhole is an error of ip(8)."""
    assert path("", "RTNETLINK answers: Invalid argument\n") == Path(None, "Invalid argument")


def test_address_whose_packets_go_elsewhere_is_not_proxied() -> None:
    """A policy rule leads past the host route."""
    rules = Rules(("wan0", "lan0"), frozenset({PREFIX}))
    tables = kernel(route(), entry())
    good = explained(addr(), rules, tables, running=True, paths={"wan0": Path("lan0")})
    past = explained(addr(), rules, tables, running=True, paths={"wan0": Path("wg9", table="100")})

    assert (good.reason, good.proxied_on) == (None, ("wan0",))
    assert past.reason == "packets from wan0 do not go to lan0 but: dev wg9 by a policy rule, table 100"
    assert ("path", "from wan0: dev wg9 by a policy rule, table 100") in past.facts


def test_what_else_would_decide() -> None:
    """explain names the rules whose tables have a route over the address, and routes for some sources only."""
    routes = table_routes(["default dev wg9"])
    rule = PolicyRule(100, "from fd99::/64 lookup 100", table="100", routes=routes)
    of_sources = table_routes([f"{HOST} from fd99::/64 dev wg9"])
    rules = Rules(("wan0", "lan0"), frozenset({PREFIX}))
    facts = explained(addr(), rules, kernel(), running=True, policy=(rule,), of_sources=of_sources).facts

    says = "100: from fd99::/64 lookup 100 decides for packets that it matches (table 100 has default dev wg9)"
    assert ("policy-rule", says) in facts
    assert ("source-specific", f"{HOST} from fd99::/64 dev wg9 decides for packets from fd99::/64") in facts


def test_doctor_reports_rules_of_listed_links() -> None:
    """And how to have the main table consulted first."""
    routes = table_routes(["default dev wg9"])
    of_wan0, of_eth9 = (
        PolicyRule(100, f"from all iif {it} lookup 9", it, table="9", routes=routes) for it in ("wan0", "eth9")
    )
    facts = Facts(("wan0", "lan0"), tables=kernel(prefix_route()), policy_rules=(of_wan0, of_eth9))
    (finding,) = route_checks.policy_rules(facts)
    (none,) = route_checks.policy_rules(replace(facts, policy_rules=(replace(of_wan0, routes=()), of_eth9)))

    says = "100: from all iif wan0 lookup 9 (table 9 has default dev wg9)"
    assert finding.detail == f"{says}: packets to {PREFIX} that it matches use no host routes of ndpbr"
    assert finding.fix == "ip -6 rule add priority 99 lookup main suppress_prefixlength 0"
    assert (finding.status.value, none.status.value) == ("warn", "ok")
    assert list(route_checks.policy_rules(Facts(("wan0",)))) == []
