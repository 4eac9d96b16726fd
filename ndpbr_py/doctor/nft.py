"""`nft -j list ruleset` -> chains.

Pure.  Grammar: libnftables-json(5).  What is not known is a condition that may or may not hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ndpbr_py.doctor.firewall import Chain, Match, Rule, weakest

_FAMILIES = ("ip6", "inet")
_ENDS = {"accept": "accept", "drop": "drop", "reject": "drop", "return": "return", "queue": "accept"}
_ICMPV6 = frozenset(("ipv6-icmp", "icmpv6", 58))
_TRANSPORT = frozenset(("tcp", "udp", "th", "sctp", "dccp", "udplite"))
_SOLICIT = frozenset(("nd-neighbor-solicit", 135))
_SILENT = frozenset(("counter", "log", "mangle", "set", "notrack", "flow", "meter"))


def chains(text: bytes) -> list[Chain]:
    """Return the chains of the families that IPv6 passes.

    Raises:
        ValueError: *text* is no such list.
    """
    try:
        return _chains(json.loads(text)["nftables"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"what nft lists could not be understood: {error!r}") from error


def _chains(said: Sequence[Mapping[str, Any]]) -> list[Chain]:
    rules: dict[tuple[str, str], list[Rule]] = {}
    for rule in (item["rule"] for item in said if "rule" in item):
        if rule["family"] in _FAMILIES:
            place = f"{rule['family']} {rule['table']}", rule["chain"]
            rules.setdefault(place, []).extend(_rules(rule.get("expr", ())))
    result = []
    for chain in (item["chain"] for item in said if "chain" in item):
        table, name = f"{chain['family']} {chain['table']}", chain["name"]
        if chain["family"] in _FAMILIES:
            drops = chain.get("policy") == "drop"
            result.append(Chain("nft", table, name, chain.get("hook"), rules.get((table, name), ()), drops))
    return result


def _rules(expressions: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """Return what one rule does: nothing, one thing, or with a verdict map one for each of its keys."""
    so_far, result = Rule(""), []
    for expression in expressions:
        for word, body in expression.items():
            if word == "match":
                so_far = _narrowed(so_far, body["left"], body.get("op", "=="), _values(body["right"]))
            elif word == "vmap":
                for value, verdict in _pairs(body["data"]):
                    result.append(replace(_narrowed(so_far, body["key"], "==", _values(value)), verdict=verdict))
            elif (end := _verdict(expression)) is not None:
                result.append(replace(so_far, verdict=end))
            elif word not in _SILENT:
                so_far = _both(so_far, Match.MAYBE, Match.MAYBE)
    return result


def _verdict(expression: Mapping[str, Any]) -> str | None:
    for word, body in expression.items():
        if word in _ENDS:
            return _ENDS[word]
        if word in ("jump", "goto"):
            return str(body["target"])
    return None


def _pairs(data: Any) -> list[tuple[Any, str]]:
    """Return keys and verdicts of a map that stands in the rule itself."""
    pairs = data.get("set", ()) if isinstance(data, dict) else ()
    return [(value, verdict) for value, body in pairs if (verdict := _verdict(body)) is not None]


def _values(right: Any) -> list[Any]:
    if isinstance(right, dict):
        return list(right["set"]) if "set" in right else [right]
    return list(right) if isinstance(right, list) else [right]


def _narrowed(rule: Rule, left: Mapping[str, Any], op: str, values: Sequence[Any]) -> Rule:
    """Return *rule* with one more condition."""
    payload, meta, ct = left.get("payload", {}), left.get("meta", {}).get("key"), left.get("ct", {}).get("key")
    protocol, field = payload.get("protocol"), payload.get("field")
    plain = {value for value in values if isinstance(value, str | int)}
    named_set = any(str(value).startswith("@") for value in plain)
    if op not in ("==", "in") or len(plain) != len(values) or named_set:
        return _both(rule, Match.MAYBE, Match.MAYBE)
    if meta in ("iifname", "iif", "oifname", "oif"):
        if any(str(value).endswith("*") for value in plain):
            return _both(rule, Match.MAYBE, Match.MAYBE)
        devs = frozenset(map(str, plain))
        return replace(rule, iif=devs) if meta.startswith("i") else replace(rule, oif=devs)
    if meta == "l4proto" or (protocol, field) == ("ip6", "nexthdr"):
        return _both(rule, Match.YES if plain & _ICMPV6 else Match.NO, Match.MAYBE if plain - _ICMPV6 else Match.NO)
    if meta in ("nfproto", "protocol"):
        wanted = Match.YES if plain & {"ipv6", "ip6"} else Match.NO
        return _both(rule, wanted, wanted)
    if (protocol, field) == ("icmpv6", "type"):
        return _both(rule, Match.YES if plain & _SOLICIT else Match.NO, Match.NO)
    if ct == "state":
        # Neighbor discovery is never tracked.
        return _both(rule, Match.YES if "untracked" in plain else Match.NO, Match.YES if "new" in plain else Match.NO)
    if ct is not None or protocol in _TRANSPORT:
        return _both(rule, Match.NO, Match.MAYBE)
    if protocol in ("ip", "arp", "icmp"):
        return _both(rule, Match.NO, Match.NO)
    return _both(rule, Match.MAYBE, Match.NO if protocol == "icmpv6" else Match.MAYBE)


def _both(rule: Rule, nd: Match, new: Match) -> Rule:
    """Return *rule*, which holds where *nd* and *new* hold, too."""
    return replace(rule, nd=weakest(rule.nd, nd), new=weakest(rule.new, new))
