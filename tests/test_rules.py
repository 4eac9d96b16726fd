"""The daemon's rules -> fields of its answer, and back."""

from __future__ import annotations

import json
from ipaddress import IPv6Network

from ndpbr_py.control.rules import narrowed, parse_rules, rules_fields
from ndpbr_py.core.state import Rules
from tests.builders import HOST, INTERFACES, PREFIX, addr

RULES = Rules(
    INTERFACES,
    frozenset({PREFIX, IPv6Network("fd00::/64")}),
    max_hosts=7,
    max_hosts_per_lladdr=3,
    statics={addr(HOST): "lan0"},
    upstreams=frozenset({"wan0"}),
    answer_as_target=frozenset({"wan0"}),
)


def test_parsed_fields_are_the_rules() -> None:
    """A client gets the daemon's rules; the fields are written like options."""
    fields = rules_fields(RULES, 99)

    assert (fields["prefixes"], fields["statics"]) == (["2001:db8::/64", "fd00::/64"], [f"{HOST}%lan0"])
    assert parse_rules(json.loads(json.dumps({"interfaces": INTERFACES, "rules": fields}))) == (RULES, 99)


def test_options_narrow_the_rules() -> None:
    """Interfaces and prefixes given as options replace the daemon's; static hosts on other interfaces are dropped."""
    other = frozenset({IPv6Network("fd01::/64")})

    assert narrowed(RULES, INTERFACES, frozenset()) == RULES
    assert (narrowed(RULES, INTERFACES, other).prefixes, narrowed(RULES, INTERFACES, other).max_hosts) == (other, 7)
    assert narrowed(RULES, ("wan0", "lan1"), other).statics == {}


def test_answer_without_rules() -> None:
    """Without an answer, or in that of an older daemon, the rules are the defaults of `run`."""
    assert parse_rules(None) == (Rules(()), 135)
    assert parse_rules({"interfaces": ["wan0", "lan0"]}) == (Rules(INTERFACES), 135)
