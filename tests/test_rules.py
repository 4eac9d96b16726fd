"""The daemon's rules -> what it tells of them, and back."""

from __future__ import annotations

import json
from ipaddress import IPv6Network

from ndpbr_py.control.rules import heard, narrowed, told
from ndpbr_py.core.state import Rules
from tests.builders import HOST, INTERFACES, PREFIX, addr

RULES = Rules(
    INTERFACES,
    frozenset({PREFIX, IPv6Network("fd00::/64")}),
    max_hosts=7,
    max_hosts_per_lladdr=3,
    statics={addr(HOST): "lan0"},
)


def test_what_is_told_is_what_is_heard() -> None:
    """Whoever asks the daemon has its rules, in the words of the options."""
    said = told(RULES, 99)

    assert (said["prefixes"], said["statics"]) == (["2001:db8::/64", "fd00::/64"], [f"{HOST}%lan0"])
    assert heard(json.loads(json.dumps({"interfaces": INTERFACES, "rules": said}))) == (RULES, 99)


def test_what_is_asked_about_counts_in_their_place() -> None:
    """Interfaces and prefixes that are named replace the daemon's; a static host elsewhere goes with its interface."""
    other = frozenset({IPv6Network("fd01::/64")})

    assert narrowed(RULES, INTERFACES, frozenset()) == RULES
    assert (narrowed(RULES, INTERFACES, other).prefixes, narrowed(RULES, INTERFACES, other).max_hosts) == (other, 7)
    assert narrowed(RULES, ("wan0", "lan1"), other).statics == {}


def test_daemon_that_tells_nothing_has_the_usual_rules() -> None:
    """None runs, or one of before an upgrade."""
    assert heard(None) == (Rules(()), 135)
    assert heard({"interfaces": ["wan0", "lan0"]}) == (Rules(INTERFACES), 135)
