"""Facts -> findings about the firewall: whether it makes one of the mistakes that keep hosts from being reached.

Pure.  A rule set is not evaluated as a whole.  Each probe is a packet that must pass.  A finding is a rule or a policy
that certainly drops the packet.  A condition that is not understood may hold, so it never leads to a finding.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from fnmatch import fnmatchcase
from ipaddress import IPv6Network
from itertools import product

from ndpbr_py.doctor.facts import Facts
from ndpbr_py.doctor.finding import Finding, info, ok, warn
from ndpbr_py.doctor.nft import REVERSE_PATH, Chain, Condition

Packet = dict[str, tuple[str, ...] | IPv6Network]

_TCP: Packet = {"nfproto": ("ipv6",), "l4proto": ("tcp", "6")}
# Connection tracking leaves neighbor discovery alone.  Source: net/netfilter/nf_conntrack_proto_icmpv6.c.
_ND: Packet = {"nfproto": ("ipv6",), "l4proto": ("ipv6-icmp", "icmpv6", "58"), "ct state": ("untracked",)}
_SOLICITATION: Packet = {**_ND, "ip6 hoplimit": ("255",), "icmpv6 type": ("nd-neighbor-solicit", "135")}
_ADVERTISEMENT: Packet = {**_ND, "ip6 hoplimit": ("255",), "icmpv6 type": ("nd-neighbor-advert", "136")}
_RANGE = re.compile(r"\d+-\d+")
_IP6TABLES = ("ip6 filter", "ip6 mangle", "ip6 raw", "ip6 security")  # ip6tables-nft's


class Match(IntEnum):
    """Whether a condition holds for a packet."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Probe:
    """A packet that must pass.

    Attributes:
        hook: The hook that the packet passes.
        traffic: The packet's kind, and the interfaces.
        packet: Selectors of nft(8) -> the spellings of the packet's value, or the prefix of its address.
        accept: The conditions of a rule that accepts the packet, for nft(8) and for ip6tables(8).
    """

    hook: str
    traffic: tuple[str, str]
    packet: Packet
    accept: tuple[str, str]


def firewall(facts: Facts) -> Iterator[Finding]:
    """The firewall accepts neighbor discovery, LAN hosts without a host route, connections and their replies."""
    if facts.chains is None:
        yield info("firewall", f"cannot tell: {facts.firewall_problem}")
        return
    dropped: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for probe in _probes(facts):
        for base in (chain for chain in facts.chains if chain.hook == probe.hook):
            within = {chain.name: chain for chain in facts.chains if chain.table == base.table}
            if reason := _drop(base, within, probe.packet):
                traffic, devs = probe.traffic
                mistake = f"{base.table} {base.name} drops {traffic}", reason
                dropped[mistake].append((devs, _fix(base, within, probe.accept)))
    for (traffic, reason), places in dropped.items():
        where, fixes = (list(dict.fromkeys(column)) for column in zip(*places, strict=True))
        yield warn("firewall", f"{traffic} {' and '.join(where)}: {reason}", " && ".join(fixes))
    if not any(chain.hook in ("input", "forward") for chain in facts.chains) and not dropped:
        yield ok("firewall", "filters neither input nor forwarded packets")
    elif not dropped:
        yield info("firewall", "cannot tell: makes none of the usual mistakes, but is not evaluated as a whole")


def _probes(facts: Facts) -> Iterator[Probe]:
    """Yield the packets that real rule sets drop by mistake.

    input: neighbor discovery, by a policy of drop.  prerouting: hosts without a host route, by a reverse path filter.
    forward: new connections to the uplink (by Docker's policy) and the replies, or the whole prefix.
    """
    uplinks = dict.fromkeys(route.dev for route in facts.default_routes())
    on_link = {(it.prefix, it.dev) for it in facts.readable_tables().routes if it.connected}
    prefixes = sorted({prefix for prefix, dev in on_link if dev in facts.interfaces} | facts.rules.prefixes)
    accept = "icmpv6 type '{ nd-neighbor-solicit, nd-neighbor-advert }'", "-p ipv6-icmp"
    for link in facts.listed():
        for packet in (_SOLICITATION, _ADVERTISEMENT) if not link.noarp else ():
            yield Probe("input", ("neighbor discovery on", link.name), {**packet, "iifname": (link.name,)}, accept)
    for lan, prefix in product(facts.interfaces, prefixes):
        if lan in uplinks:
            continue
        if (prefix, lan) not in on_link:
            packet = {**_ADVERTISEMENT, "iifname": (lan,), "ip6 saddr": prefix, REVERSE_PATH: ("missing", "0")}
            accept = f"iifname {lan} ip6 saddr {prefix}", f"-i {lan} -s {prefix}"
            yield Probe("prerouting", ("packets of hosts without a host route on", lan), packet, accept)
        for uplink in uplinks:
            packet = {**_TCP, "iifname": (lan,), "oifname": (uplink,), "ip6 saddr": prefix, "ct state": ("new",)}
            accept = f"iifname {lan} oifname {uplink}", f"-i {lan} -o {uplink}"
            yield Probe("forward", ("connections from", f"{lan} to {uplink}"), packet, accept)
            packet = {**_TCP, "iifname": (uplink,), "oifname": (lan,), "ip6 daddr": prefix}
            packet["ct state"] = ("established",)
            accept = "ct state established,related", "-m conntrack --ctstate ESTABLISHED,RELATED"
            yield Probe("forward", ("replies from", f"{uplink} to {lan}"), packet, accept)


def _fix(base: Chain, within: Mapping[str, Chain], accept: tuple[str, str]) -> str:
    """Return the command that puts a rule which accepts the packet before all others."""
    if base.table not in _IP6TABLES or not base.name.isupper():
        return f"nft insert rule {base.table} {base.name} {accept[0]} accept"
    # DOCKER-USER is for such rules: at each start Docker puts it before all others.
    name = "DOCKER-USER" if base.hook == "forward" and "DOCKER-USER" in within else base.name
    return f"ip6tables -t {base.table.removeprefix('ip6 ')} -I {name} {accept[1]} -j ACCEPT"


def _drop(base: Chain, within: Mapping[str, Chain], packet: Packet) -> str | None:
    """Return what certainly drops *packet*: a rule, or the policy of *base*; None or "" if it may pass."""
    decided = _walk(base, within, packet)
    return "its policy is drop, and no rule accepts them" if decided is None and base.drops else decided


def _walk(chain: Chain, within: Mapping[str, Chain], packet: Packet) -> str | None:
    """Return the rule that certainly drops *packet*; "" if a rule may accept it; None if no rule decides."""
    certain = True  # whether *packet* certainly reaches the rule
    for rule in chain.rules:
        match = min((_holds(condition, packet) for condition in rule.conditions), default=Match.YES)
        if match is Match.NO:
            continue
        drops: str | None = None
        if rule.verdict == "accept":
            return ""
        if rule.verdict == "drop":
            drops = f"`{rule.text}`"
        elif rule.target in within:
            drops = _walk(within[rule.target], within, packet)
        if drops == "" or (drops and certain and match is Match.YES):
            return drops
        if rule.verdict in ("return", "goto"):
            if match is Match.YES:
                return None
            certain = False
    return None


def _holds(condition: Condition, packet: Packet) -> Match:
    """Return whether *condition* holds; it may where *packet* says nothing about it."""
    has = packet.get(condition.selector or "")
    if has is None:
        return Match.MAYBE
    match = max(_equals(has, value) for value in condition.values)
    return Match(Match.YES - match) if condition.negated else match


def _equals(has: tuple[str, ...] | IPv6Network, value: str) -> Match:
    if value.startswith("@") or _RANGE.fullmatch(value):
        return Match.MAYBE
    if isinstance(has, tuple):
        return Match.YES if any(fnmatchcase(spelling, value) for spelling in has) else Match.NO
    try:
        network = IPv6Network(value)
    except ValueError:
        return Match.MAYBE
    return Match.YES if has.subnet_of(network) else Match.MAYBE if has.overlaps(network) else Match.NO
