"""What nft and ip6tables list -> whether neighbor discovery, and what is forwarded, may pass."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ndpbr_py.doctor import ip6tables, nft
from ndpbr_py.doctor.firewall import Chain, passes_nd, passes_new

ACCEPT: dict[str, Any] = {"accept": None}
DROP: dict[str, Any] = {"drop": None}


def match(left: dict[str, Any], right: Any, op: str = "==") -> dict[str, Any]:
    """Return a condition, as nft writes it."""
    return {"match": {"op": op, "left": left, "right": right}}


def meta(key: str, right: Any) -> dict[str, Any]:
    """Return a condition on what the kernel knows of a packet."""
    return match({"meta": {"key": key}}, right)


def payload(protocol: str, field: str, right: Any) -> dict[str, Any]:
    """Return a condition on a packet's header."""
    return match({"payload": {"protocol": protocol, "field": field}}, right)


STATE = {"ct": {"key": "state"}}
SOLICIT = payload("icmpv6", "type", {"set": ["nd-neighbor-solicit", "nd-neighbor-advert"]})
VMAP = {"vmap": {"key": STATE, "data": {"set": [["established", ACCEPT], ["invalid", DROP]]}}}


def listed(*rules: list[dict[str, Any]], policy: str = "drop", hook: str = "input") -> list[Chain]:
    """Return the chains of a table with a base chain of *rules* and one chain that accepts solicitations."""
    where = {"family": "inet", "table": "fw"}
    items: list[dict[str, Any]] = [
        {"metainfo": {"version": "1.0.6"}},
        {"chain": {**where, "name": "base", "hook": hook, "policy": policy}},
        {"chain": {**where, "name": "nd"}},
        {"rule": {**where, "chain": "nd", "expr": [SOLICIT, ACCEPT]}},
        {"rule": {"family": "ip", "table": "fw", "chain": "base", "expr": [ACCEPT]}},
        *({"rule": {**where, "chain": "base", "expr": rule}} for rule in rules),
    ]
    return nft.chains(json.dumps({"nftables": items}).encode())


@pytest.mark.parametrize(
    ("rules", "passes"),
    [
        ([], False),
        ([[ACCEPT]], True),
        ([[SOLICIT, {"counter": {"packets": 0}}, ACCEPT]], True),
        ([[payload("icmpv6", "type", "echo-request"), ACCEPT]], False),
        ([[payload("icmpv6", "type", 135), ACCEPT]], True),
        ([[meta("l4proto", "ipv6-icmp"), {"limit": {"rate": 10}}, ACCEPT]], True),
        ([[meta("l4proto", {"set": ["tcp", "udp"]}), ACCEPT]], False),
        ([[payload("ip6", "nexthdr", "ipv6-icmp"), ACCEPT]], True),
        ([[payload("tcp", "dport", 22), ACCEPT]], False),
        ([[payload("ip", "saddr", "192.0.2.1"), ACCEPT]], False),
        ([[payload("ip6", "saddr", {"prefix": {"addr": "fe80::", "len": 10}}), ACCEPT]], True),
        ([[match(STATE, ["established", "related"], "in"), ACCEPT]], False),
        ([[match(STATE, ["established", "untracked"], "in"), ACCEPT]], True),
        ([[VMAP]], False),
        ([[VMAP], [ACCEPT]], True),
        ([[{"vmap": {"key": {"meta": {"key": "l4proto"}}, "data": {"set": [["ipv6-icmp", ACCEPT]]}}}]], True),
        ([[{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": "@somewhere"}}]], False),
        ([[meta("iifname", "lan0"), ACCEPT]], True),
        ([[meta("iifname", "wan0"), ACCEPT]], False),
        ([[meta("iifname", {"set": ["wan0", "lan0"]}), ACCEPT]], True),
        ([[meta("iifname", "lan*"), ACCEPT]], True),
        ([[meta("iifname", "@inner"), ACCEPT]], True),
        ([[meta("nfproto", "ipv4"), ACCEPT]], False),
        ([[meta("nfproto", "ipv6"), ACCEPT]], True),
        ([[{"jump": {"target": "nd"}}]], True),
        ([[{"goto": {"target": "nowhere"}}], [ACCEPT]], True),
        ([[{"jump": {"target": "base"}}]], False),
        ([[{"return": None}], [ACCEPT]], False),
        ([[{"reject": {}}], [ACCEPT]], False),
        ([[payload("ip6", "saddr", "fe80::1"), DROP], [ACCEPT]], True),
        ([[SOLICIT, DROP], [ACCEPT]], False),
    ],
)
def test_rules_of_nft(rules: list[list[dict[str, Any]]], passes: bool) -> None:
    """The first rule that is about neighbor discovery decides; without one it is the policy, drop."""
    chains = listed(*rules)

    assert passes_nd(chains, chains[0], "lan0") is passes


def test_policy_and_hook() -> None:
    """A policy that accepts lets through; what leaves is told by the interface it leaves by."""
    accepting, leaving = listed(policy="accept"), listed([meta("oifname", "lan0"), ACCEPT], hook="output")

    assert passes_nd(accepting, accepting[0], "lan0")
    assert [passes_nd(leaving, leaving[0], dev) for dev in ("lan0", "wan0")] == [True, False]


@pytest.mark.parametrize(
    ("rules", "passes"),
    [
        ([], False),
        ([[match(STATE, ["established", "related"], "in"), ACCEPT]], False),
        ([[match(STATE, "new", "in"), ACCEPT]], True),
        ([[meta("l4proto", "ipv6-icmp"), ACCEPT]], False),
        ([[SOLICIT, ACCEPT]], False),
        ([[payload("tcp", "dport", 443), ACCEPT]], True),
        ([[meta("iifname", "lan0"), meta("oifname", "wan0"), ACCEPT]], True),
        ([[meta("oifname", "wan0"), DROP], [ACCEPT]], True),
    ],
)
def test_what_is_forwarded(rules: list[list[dict[str, Any]]], passes: bool) -> None:
    """Answers alone are not enough: some connection must be able to begin."""
    chains = listed(*rules, hook="forward")

    assert passes_new(chains, chains[0], "lan0") is passes


@pytest.mark.parametrize(
    ("rules", "passes"),
    [
        ([], False),
        (["-p ipv6-icmp -j ACCEPT"], True),
        (["-p ipv6-icmp -m icmp6 --icmpv6-type 135 -m hl --hl-eq 255 -j ACCEPT"], True),
        (["-p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT"], False),
        (["-p tcp -m tcp --dport 22 -j ACCEPT"], False),
        (["-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"], False),
        (["-i wan0 -j ACCEPT"], False),
        (["! -i wan0 -j ACCEPT"], True),
        (["-i lan+ -j ACCEPT"], True),
        (['-p ipv6-icmp -m comment --comment "-j DROP it" -j LOG', "-j ACCEPT"], True),
        (["-s fe80::1/128 -j DROP", "-j ACCEPT"], True),
        (["-j REJECT --reject-with icmp6-port-unreachable", "-j ACCEPT"], False),
        (["-j other"], True),
        (["-j RETURN", "-j ACCEPT"], False),
        (["-p ipv6-icmp"], False),
    ],
)
def test_rules_of_ip6tables(rules: list[str], passes: bool) -> None:
    """The same questions, asked of `ip6tables -S`."""
    lines = ["-P INPUT DROP", "-P FORWARD ACCEPT", "-N other", "-A other -p ipv6-icmp -j ACCEPT"]
    chains = ip6tables.chains("\n".join([*lines, *(f"-A INPUT {rule}" for rule in rules)]))

    assert [(chain.name, chain.hook) for chain in chains] == [
        ("INPUT", "input"),
        ("FORWARD", "forward"),
        ("other", None),
    ]
    assert passes_nd(chains, chains[0], "lan0") is passes


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"nftables": [{"rule": {}}]}', b'{"nftables": [{"chain": 1}]}'])
def test_no_list_of_nft(text: bytes) -> None:
    """What is no ruleset is a ValueError, whatever it is."""
    with pytest.raises(ValueError):
        nft.chains(text)
