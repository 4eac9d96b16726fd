"""Lines of `ip -6 rule` and `ip -6 route get` -> policy rules, and the path of a packet."""

from __future__ import annotations

import pytest

from ndpbr_py.core.state import Rules
from ndpbr_py.doctor import route_checks
from ndpbr_py.doctor.explain import explained
from ndpbr_py.doctor.facts import Facts
from ndpbr_py.iproute2.policy import Path, PolicyRule, before_main, path
from tests.builders import HOST, PREFIX, addr, entry, kernel, route

RULES = {
    "0:\tfrom all lookup local": None,
    "100:\tfrom all iif wan0 lookup 100": PolicyRule(100, "from all iif wan0 lookup 100", "wan0"),
    "101:\tfrom 2001:db8:0:0:b::/80 lookup vpn": PolicyRule(101, "from 2001:db8:0:0:b::/80 lookup vpn", None),
    "102:\tfrom all iif lo lookup 100": None,
    "1000:\tfrom all lookup [l3mdev-table]": None,
    "105:\tfrom all fwmark 0x1 lookup main": None,
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


def test_doctor_reports_rules_of_listed_links() -> None:
    """And how to have the main table consulted first."""
    of_wan0, of_eth9 = before_main(["100: from all iif wan0 lookup 100", "101: from all iif eth9 lookup 100"])
    (finding,) = route_checks.policy_rules(Facts(("wan0", "lan0"), policy_rules=(of_wan0, of_eth9)))
    (none,) = route_checks.policy_rules(Facts(("wan0", "lan0"), policy_rules=(of_eth9,)))

    assert finding.fix == "ip -6 rule add priority 99 lookup main suppress_prefixlength 0"
    assert (finding.status.value, none.status.value) == ("warn", "ok")
    assert list(route_checks.policy_rules(Facts(("wan0",)))) == []
