"""`ip6tables -S` -> chains of the table filter.

Pure.  Grammar: iptables(8).  What is not known is a condition that may or may not hold.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

from ndpbr_py.doctor.firewall import Chain, Match, Rule, weakest

_TARGETS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "drop", "RETURN": "return", "QUEUE": "accept"}
_GO_ON = ("LOG", "NFLOG", "MARK", "CONNMARK", "AUDIT", "TRACE")
_ICMPV6 = frozenset(("ipv6-icmp", "icmpv6", "58"))
_ND = frozenset(("135", "136", "neighbour-solicitation", "neighbor-solicitation"))
_HARMLESS = frozenset(("-m", "--comment", "--reject-with", "--log-prefix", "--log-level", "-g", "-j"))


def chains(text: str) -> list[Chain]:
    """Return the chains that *text* lists."""
    policies: dict[str, str | None] = {}
    rules: dict[str, list[Rule]] = {}
    for line in text.splitlines():
        words = shlex.split(line)
        match words:
            case ["-P", chain, policy]:
                policies[chain] = policy
            case ["-N", chain]:
                policies[chain] = None
            case ["-A", chain, *rest]:
                if (rule := _rule(rest)) is not None:
                    rules.setdefault(chain, []).append(rule)
    return [
        Chain("ip6tables", "filter", name, name.lower() if policy else None, rules.get(name, ()), policy == "DROP")
        for name, policy in policies.items()
    ]


def _rule(words: list[str]) -> Rule | None:
    """Return what a rule does; None if it only notes something down, and packets go on."""
    rule, negated = Rule(""), False
    rest = iter(words)
    for word in rest:
        if word == "!":
            negated = True
            continue
        if not word.startswith("-"):
            continue
        value = next(rest, "") if word not in ("--syn", "-f") else ""
        if word in ("-j", "-g"):
            rule = replace(rule, verdict=_TARGETS.get(value, value))
        elif word not in _HARMLESS:
            rule = _narrowed(rule, word, frozenset(value.split(",")), negated)
        negated = False
    return None if rule.verdict in ("", *_GO_ON) else rule


def _narrowed(rule: Rule, option: str, values: frozenset[str], negated: bool) -> Rule:
    nd = new = Match.MAYBE
    if not negated:
        match option:
            case "-i" | "-o" if not any(value.endswith("+") for value in values):
                return replace(rule, iif=values) if option == "-i" else replace(rule, oif=values)
            case "-p":
                nd, new = (Match.YES, Match.NO) if values & _ICMPV6 else (Match.NO, Match.MAYBE)
            case "--icmpv6-type":
                nd, new = (Match.YES if values & _ND else Match.NO), Match.NO
            case "--ctstate" | "--state":
                # Neighbor discovery is never tracked.
                nd = Match.YES if "UNTRACKED" in values else Match.NO
                new = Match.YES if "NEW" in values else Match.NO
    return replace(rule, nd=weakest(rule.nd, nd), new=weakest(rule.new, new))
