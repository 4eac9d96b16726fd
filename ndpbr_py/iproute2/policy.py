"""Lines of `ip -6 rule` and `ip -6 route get` -> policy rules, and the path of a packet.

Pure. Grammar: print_rule() and print_route() of iproute2. Words that are not understood are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

_MAIN = ("main", "254")
_BEFORE_MAIN = ("local", "255", "main", "254", "default", "253", "[l3mdev-table]")
_CONDITIONS = frozenset(("to", "iif", "oif", "fwmark", "tos", "dsfield", "ipproto", "sport", "dport", "uidrange"))


@dataclass(frozen=True, slots=True)
class Path:
    """Where the kernel sends a packet: the interface, or None with why not; and the table, if it is not main."""

    dev: str | None
    error: str | None = None
    table: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """A rule that the kernel applies before it looks at the main table.

    Attributes:
        priority: Its priority.
        text: The rest of the line, e.g. ``from all iif wan0 lookup 100``.
        iif: The interface whose packets it applies to; None: those of every interface.
    """

    priority: int
    text: str
    iif: str | None


def path(output: str, error: str) -> Path:
    """Return the path in the *output* of `ip -6 route get`, or its *error*."""
    words = output.split()
    pairs = dict(pairwise(words))
    if words[:1] in (["unreachable"], ["blackhole"], ["prohibit"]):
        return Path(None, words[0], pairs.get("table"))
    if "dev" not in pairs:
        return Path(None, error.strip().removeprefix("RTNETLINK answers: ") or "no answer")
    table = pairs.get("table")
    return Path(pairs["dev"], table=None if table in _MAIN else table)


def before_main(lines: Iterable[str]) -> list[PolicyRule]:
    """Return the rules that may keep a packet from the main table, the first one first."""
    result = []
    for line in lines:
        priority, _, text = line.partition(":")
        words = text.split()
        pairs = dict(pairwise(words))
        table = pairs.get("lookup")
        # "suppress_prefixlength 0", of wg-quick: only the default routes of the main table are left out.
        all_packets = words[:2] == ["from", "all"] and _CONDITIONS.isdisjoint(words)
        if table in _MAIN and all_packets:
            break
        # `iif lo` is about the router's own packets.
        if priority.isdecimal() and table not in (*_BEFORE_MAIN, None) and pairs.get("iif") != "lo":
            result.append(PolicyRule(int(priority), " ".join(words), pairs.get("iif")))
    return result
