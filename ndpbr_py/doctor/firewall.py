"""A firewall's chains -> whether they let neighbor discovery, and forwarded packets, through.

Pure.  Rules are read as far as this question needs: what depends on more (a source address, a rate) is taken to let
through where it accepts, and not to drop where it drops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum


class Match(Enum):
    """Whether a rule is about a packet; MAYBE depends on what is not looked at."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done with a packet: ``accept``, ``drop``, ``return``, or the chain that it goes to.

    Attributes:
        nd: Whether it is about neighbor solicitations and advertisements.
        new: Whether it is about the first packet of any connection.
        iif: The interfaces that a packet must come from; None: any.
        oif: The interfaces that a packet must leave by; None: any.
    """

    verdict: str
    nd: Match = Match.YES
    new: Match = Match.YES
    iif: frozenset[str] | None = None
    oif: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """Rules in order.  ``tool`` is the program that lists it, ``table`` where the program has it."""

    tool: str
    table: str
    name: str
    hook: str | None
    rules: Sequence[Rule] = ()
    drops: bool = False


def weakest(*matches: Match) -> Match:
    """Return whether all of them hold."""
    return min(matches, key=lambda match: match.value)


def passes_nd(chains: Sequence[Chain], base: Chain, dev: str) -> bool:
    """Return whether *base*, a chain with the hook input or output, lets neighbor discovery on *dev* through."""

    def match(rule: Rule) -> Match:
        return weakest(rule.nd, _on(rule.oif if base.hook == "output" else rule.iif, dev))

    return _passes(chains, base, match)


def passes_new(chains: Sequence[Chain], base: Chain, dev: str) -> bool:
    """Return whether *base*, a chain with the hook forward, lets connections from *dev* through, to wherever."""

    def match(rule: Rule) -> Match:
        return weakest(rule.new, _on(rule.iif, dev), Match.YES if rule.oif is None else Match.MAYBE)

    return _passes(chains, base, match)


def _passes(chains: Sequence[Chain], base: Chain, match: Callable[[Rule], Match]) -> bool:
    named = {chain.name: chain for chain in chains if (chain.tool, chain.table) == (base.tool, base.table)}
    decided = _decided(base, named, match, frozenset())
    return not base.drops if decided is None else decided


def _decided(
    chain: Chain, named: Mapping[str, Chain], match: Callable[[Rule], Match], within: frozenset[str]
) -> bool | None:
    """Return whether *chain* accepts; None if it leaves that to whoever called it."""
    for rule in chain.rules:
        how = match(rule)
        if how is Match.NO:
            continue
        if rule.verdict == "accept":
            return True
        decided: bool | None = False
        if rule.verdict == "return":
            decided = None
        elif rule.verdict != "drop":
            target = named.get(rule.verdict)
            if target is None or target.name in within:
                continue
            decided = _decided(target, named, match, within | {chain.name})
            if decided is None:
                continue
        if decided or how is Match.YES:
            return decided
    return None


def _on(devs: frozenset[str] | None, dev: str) -> Match:
    return Match.YES if devs is None or dev in devs else Match.NO
