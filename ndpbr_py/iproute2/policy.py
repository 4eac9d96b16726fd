"""Lines of `ip -6 rule`, `ip -6 route show` and `ip -6 route get` -> what decides before the main table does.

Pure. Grammar: print_rule() and print_route() of iproute2. Words that are not understood are ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Network
from itertools import pairwise

_MAIN = ("main", "254")
_SKIPPED = ("local", "255", "default", "253", "[l3mdev-table]")  # they have no route to a host
_CONDITIONS = frozenset(("iif", "oif", "fwmark", "tos", "dsfield", "ipproto", "sport", "dport", "uidrange"))
_OWN_PACKETS = frozenset(("oif", "uidrange"))  # conditions that only packets of the router itself meet
_TYPES = frozenset(("unreachable", "blackhole", "prohibit", "throw"))
_EVERYWHERE = IPv6Network("::/0")


@dataclass(frozen=True, slots=True)
class Path:
    """Where the kernel sends a packet: the interface, or None with why not; and the table, if it is not main."""

    dev: str | None
    error: str | None = None
    table: str | None = None


@dataclass(frozen=True, slots=True)
class TableRoute:
    """A route of some table.

    Attributes:
        prefix: The destinations.
        source: The prefix of the sources that it is for; None: all.
        text: What it says, e.g. ``default dev wg0``.
    """

    prefix: IPv6Network
    source: str | None
    text: str


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """A rule that the kernel applies before it looks at the main table for all packets.

    Attributes:
        priority: Its priority.
        text: The rest of the line, e.g. ``from all iif wan0 lookup 100``.
        iif: The interface whose packets it applies to; None: those of every interface.
        to: The destinations that it applies to.
        table: The table that it looks up; None: it has another effect, e.g. it refuses the packets.
        routes: The routes of that table; None: unknown.
    """

    priority: int
    text: str
    iif: str | None = None
    to: IPv6Network = _EVERYWHERE
    table: str | None = None
    routes: tuple[TableRoute, ...] | None = None


def deciding(
    rules: Iterable[PolicyRule], prefix: IPv6Network, devs: Collection[str]
) -> Iterator[tuple[PolicyRule, str]]:
    """Yield the rules that may keep packets from *devs* to *prefix* from the main table, and what they do instead."""
    for rule in rules:
        if not rule.to.overlaps(prefix) or (rule.iif is not None and rule.iif not in devs):
            continue
        if rule.table in _MAIN:
            if prefix.subnet_of(rule.to):
                return
        elif rule.table is None or rule.routes is None:
            yield rule, "no table" if rule.table is None else f"table {rule.table} cannot be read"
        elif (route := _first(rule.routes, prefix)) is not None:
            yield rule, f"table {rule.table} has {route.text}"


def _first(routes: Iterable[TableRoute], prefix: IPv6Network) -> TableRoute | None:
    """Return a route that decides about addresses in *prefix*; a throw route leaves that to the rules that follow."""
    routes = tuple(routes)
    over = max((it for it in routes if prefix.subnet_of(it.prefix)), key=lambda it: it.prefix.prefixlen, default=None)
    inside = (it for it in routes if it.prefix.subnet_of(prefix))
    candidates = [*inside, *([over] if over is not None else [])]
    return next((it for it in candidates if not it.text.startswith("throw ")), None)


def source_specific(routes: Iterable[TableRoute]) -> list[TableRoute]:
    """Return those of the *routes* over an address that decide about it for packets from their source."""
    routes = tuple(routes)
    longest = max((it.prefix.prefixlen for it in routes if it.source is None), default=0)
    return [it for it in routes if it.source is not None and it.prefix.prefixlen >= longest]


def table_routes(lines: Iterable[str]) -> tuple[TableRoute, ...]:
    """Return the routes in *lines* of `ip -6 route show`; the next hops of a multipath route are left out."""
    result = []
    for line in lines:
        words = line.split()
        at = 1 if words[:1] and words[0] in _TYPES else 0
        if line[:1].isspace() or len(words) <= at:
            continue
        try:
            prefix = _EVERYWHERE if words[at] == "default" else IPv6Network(words[at])
        except ValueError:
            continue
        text = line.partition(" proto ")[0].partition(" metric ")[0].strip()
        result.append(TableRoute(prefix, dict(pairwise(words)).get("from"), text))
    return tuple(result)


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
    """Return the rules that come before the main table for some forwarded packets, the first one first.

    A rule that looks up the main table for some destinations is one of them: the rules after it do not apply to these.
    """
    result = []
    for line in lines:
        priority, _, text = line.partition(":")
        words = text.split()
        pairs = dict(pairwise(words))
        table = pairs.get("lookup")
        everything = words[:2] == ["from", "all"] and _CONDITIONS.isdisjoint(words)
        to = _network(pairs.get("to")) if words[:1] != ["not"] else _EVERYWHERE
        # "suppress_prefixlength 0", of wg-quick: only the default routes of the main table are left out.
        if table in _MAIN and everything and to == _EVERYWHERE:
            break
        if not priority.isdecimal() or table in _SKIPPED or (table in _MAIN and not everything):
            continue
        # `iif lo` is about the router's own packets, too.
        if pairs.get("iif") != "lo" and _OWN_PACKETS.isdisjoint(words):
            result.append(PolicyRule(int(priority), " ".join(words), pairs.get("iif"), to, table))
    return result


def _network(text: str | None) -> IPv6Network:
    try:
        return IPv6Network(text) if text is not None else _EVERYWHERE
    except ValueError:
        return _EVERYWHERE
