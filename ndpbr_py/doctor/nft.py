"""`nft list ruleset` -> the filter chains that IPv6 packets pass, with their rules.

Pure.  Grammar: nft(8).  The plain text is read, not `nft -j`: the plain text translates the matches of ip6tables-nft,
which `nft -j` shows without their arguments, and an nft that was built without JSON prints it, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# nft names the program that owns a table in a comment.
_TABLE = re.compile(r"^table (ip6 \S+|inet \S+) \{(?: #[^\n]*)?$(.*?)^\}$", re.MULTILINE | re.DOTALL)
_DORMANT = re.compile(r"^\tflags .*dormant", re.MULTILINE)
_CHAIN = re.compile(r"^\tchain (\S+) \{$(.*?)^\t\}$", re.MULTILINE | re.DOTALL)
_BASE = re.compile(r"type (\S+) hook (\S+) .*; policy (\w+);")
_WITHOUT_EFFECT = re.compile(
    r' ?\b(?:counter(?: packets \d+ bytes \d+)?|comment "[^"]*"|log(?: (?:prefix|group|level|flags) (?:"[^"]*"|\S+))*)'
)
_VMAP = re.compile(r"(.*) vmap \{ (.*) \}$")
_VERDICT = re.compile(r"(?:^| )(accept|drop|reject|return|(?:jump|goto) (\S+)|queue|vmap)(?: (?:with|flags|to|@).*)?$")
_CONDITION = re.compile(
    r"(?:meta )?([io]if(?:name)?|nfproto|l4proto|ct state|ip6 saddr|ip6 daddr|ip6 nexthdr|ip6 hoplimit|icmpv6 type"
    r'|fib saddr (?:\. mark )?\. iif oif) (!=? )?(\{[^}]*\}|"[^"]*"|[\w@][^ ]*)(?= (?!\.)|$)'
)
_OTHER_PROTOCOL = re.compile(r"(tcp|udp|udplite|sctp|dccp|esp|ah|comp|icmp|igmp|ip|arp) ")
REVERSE_PATH = "fib saddr . iif oif"
_SYNONYMS = {"iif": "iifname", "oif": "oifname", "ip6 nexthdr": "l4proto", "fib saddr . mark . iif oif": REVERSE_PATH}


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison, e.g. ``iifname != "lan0"``.  The selector None stands for a condition that is not understood."""

    selector: str | None = None
    values: tuple[str, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions and a verdict: accept, drop, return, jump or goto; the last two have a target chain."""

    text: str
    verdict: str
    target: str = ""
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """Rules in order.  Only a base chain has a hook; ``drops`` is whether its policy is drop."""

    table: str
    name: str
    hook: str | None
    drops: bool
    rules: tuple[Rule, ...]


def parse(ruleset: str) -> tuple[Chain, ...]:
    """Return the chains of the families ip6 and inet, without base chains of other types than filter."""
    return tuple(
        Chain(table, name, base and base[2], base is not None and base[3] == "drop", tuple(_rules(lines)))
        for table, chains in _TABLE.findall(ruleset)
        if not _DORMANT.search(chains)
        for name, lines in _CHAIN.findall(chains)
        if (base := _BASE.search(lines)) is None or base[1] == "filter"
    )


def _rules(lines: str) -> Iterator[Rule]:
    """Yield each line's rule: none if it has no verdict; with a verdict map, one for each element."""
    for line in lines.splitlines():
        text = _WITHOUT_EFFECT.sub("", line).strip()
        if found := _VMAP.match(text):
            for element in found[2].split(", "):
                yield from _rules(f"{found[1]} {element.replace(' : ', ' ')}")
        elif found := _VERDICT.search(text):
            # A named verdict map may accept, and so may a program that reads the queue.
            verdict = {"reject": "drop", "queue": "accept", "vmap": "accept"}.get(found[1], found[1].split()[0])
            yield Rule(text, verdict, found[2] or "", tuple(_conditions(text[: found.start()].strip())))


def _conditions(text: str) -> Iterator[Condition]:
    """Yield the conditions up to the first that is not understood."""
    while found := _CONDITION.match(text):
        selector = _SYNONYMS.get(found[1], found[1])
        if selector == "icmpv6 type":
            yield Condition("l4proto", ("ipv6-icmp",))
        values = found[3].strip('{ }"').replace('"', "")
        yield Condition(selector, tuple(re.split(", ?", values)), bool(found[2]))
        text = text[found.end() :].strip()
    if other := _OTHER_PROTOCOL.match(text):
        yield Condition("l4proto", (other[1],))
    if text:
        yield Condition()
