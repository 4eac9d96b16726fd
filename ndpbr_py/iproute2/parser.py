"""Line of `ip -6 monitor neigh` (also with label, link, address) -> event.

Pure.  Grammar: print_neigh() and print_headers() of iproute2 4.20 to 7.1, print_linkinfo(), print_addrinfo().
A line about something else (IPv4, a multicast group, a bridge's table, a route, a time stamp) gives None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv6Address

from ndpbr_py.core.address import parsed
from ndpbr_py.core.events import (
    AddressChanged,
    LineRejected,
    LinkChanged,
    LinkDeleted,
    NeighborChanged,
    NeighborDeleted,
    NudState,
)

LineEvent = NeighborChanged | NeighborDeleted | LinkChanged | LinkDeleted | AddressChanged | LineRejected

_STATES = {state.value: state for state in NudState if state is not NudState.NONE}
_FLAGS = frozenset(("router", "proxy", "managed", "extern_learn", "offload", "extern_valid"))
_WITH_ARGUMENT = frozenset(("proto", "protocol", "ref", "used", "probes"))
_HEADER = re.compile(r"(?:\[\d{4}-\d\d-\d\dT[\d:.]+\] ?)*(?:\[nsid [^]]*\])?(?:\[(NEIGH|LINK|ADDR|[A-Z ]+)\])?")
_LINK = re.compile(r"(Deleted )?([0-9]{1,10}): ([^\s/:]{1,15}?)(?:@[^\s:@]+)?: <([A-Z0-9_,-]*)>")
_UNSETTLED = frozenset(("tentative", "dadfailed", "deprecated", "temporary"))
_ADDRESS = re.compile(r"(Deleted )?\d+: ([^\s/:]{1,15})\s+(inet6?) (\S+)")
_LLADDR = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2})*")
_IPV4 = re.compile(r"\d+(?:\.\d+){3}(?:/\d+)?")
# ip -s of iproute2 5.16 and later prints no blank before the next word: "used 0/60/0probes 0".
_USED = re.compile(r"\d+/\d+/\d+(probes)?")
_MAX_REJECTED_CHARACTERS = 120


def is_settled(line: str) -> bool:
    """Whether a line about an address of the router says that it is in lasting use, as `RouterAddress` says."""
    return _UNSETTLED.isdisjoint(line.split())


def event(line: str, devs: frozenset[str] | None = None) -> LineEvent | None:
    """Return the event in *line* (without its newline); None if it is not about a neighbor, link or address.

    Neighbors on other interfaces than *devs* give None, too, and are not parsed further.
    """
    if line[:7] == "[NEIGH]":
        return neighbor(line, line[7:].split(), devs)
    if not line or line[0] in " \t":
        return None  # the second line of a link or address, printed without -o
    header = _HEADER.match(line)
    body = line[header.end() :].lstrip() if header else line
    label = header.group(1) if header else None
    if label not in (None, "NEIGH", "LINK", "ADDR"):
        return None
    if body.startswith("Timestamp: ") or not body:
        return None
    if (link := _LINK.match(body)) is not None:
        # A port that leaves its bridge is deleted in the bridge's address family only. Such a line has no qdisc.
        left_bridge = link[1] is not None and " master " in body and " qdisc " not in body
        return None if left_bridge else _link(link)
    if (address := _ADDRESS.match(body)) is not None:
        deleted, dev, family, interface = address.groups()
        return AddressChanged(dev, interface, bool(deleted), is_settled(body)) if family == "inet6" else None
    if label in ("LINK", "ADDR"):
        return None  # a bridge port's or another family's
    return _neighbor(body.split(), line, devs)


def neighbor(
    line: str, words: list[str], devs: frozenset[str] | None, address: Callable[[str], IPv6Address] = parsed
) -> NeighborChanged | NeighborDeleted | LineRejected | None:
    """Return the event in *words*, those of *line* about a neighbor; *address* parses an address as `parsed` does."""
    return _common(words, devs, address) or _neighbor(words, line, devs)


def _common(
    words: list[str], devs: frozenset[str] | None, parse: Callable[[str], IPv6Address]
) -> NeighborChanged | None:
    """Return the event in a line ADDR dev DEV lladdr LLADDR STATE; None if *words* are anything else.

    Row "parse" of throughput.  It is the first line about a new host, whose first packet is on its way.
    """
    if len(words) != 6 or words[1] != "dev" or words[3] != "lladdr" or (devs is not None and words[2] not in devs):
        return None
    state = _STATES.get(words[5])
    if state is None or len(words[4]) != 17 or not _LLADDR.fullmatch(words[4]):
        return None
    try:
        address = parse(words[0])
    except (OSError, ValueError):
        return None
    return None if int(address) >> 120 == 0xFF else NeighborChanged(address, words[2], words[4], state)


def _link(match: re.Match[str]) -> LinkChanged | LinkDeleted:
    deleted, index, dev, flags = match.groups()
    if deleted:
        return LinkDeleted(int(index), dev)
    words = flags.split(",")
    carrier = "LOWER_UP" in words and "NO-CARRIER" not in words
    # On both kinds of link the kernel resolves no neighbor (ndisc_constructor).
    nd = "NOARP" not in words and "POINTOPOINT" not in words
    return LinkChanged(int(index), dev, "UP" in words, carrier, nd)


def _neighbor(
    words: list[str], line: str, devs: frozenset[str] | None
) -> NeighborChanged | NeighborDeleted | LineRejected | None:
    deleted = bool(words) and words[0] == "Deleted"
    if words and words[0] in ("Deleted", "miss"):
        del words[0]
    if not words:
        return _rejected(line, "expected an address, got nothing")
    if devs is not None and len(words) > 2 and words[1] == "dev" and words[2] not in devs:
        return None
    # Only after `dev NAME`: an interface may be called metric.
    if words[0] == "dev" or (" metric " in line and "metric" in words[3:]) or _IPV4.fullmatch(words[0]):
        return None  # a bridge's forwarding entry, a route, an IPv4 neighbor
    try:
        address = parsed(words[0])
    except (OSError, ValueError):
        return _rejected(line, "expected an IPv6 address first")
    if int(address) >> 120 == 0xFF:
        return None  # a multicast group, announced when its link goes down
    if len(words) < 3 or words[1] != "dev":
        return _rejected(line, "expected `dev NAME` after the address")
    at, lladdr = 3, None
    if words[3:4] == ["lladdr"]:
        text = words[4] if len(words) > 4 else ""
        octets = _LLADDR.fullmatch(text)
        if octets is None and not _tunnel_end(text):
            return _rejected(line, "expected octets in hexadecimal after `lladdr`")
        # For a link without link-layer addresses ip(8) prints one octet of uninitialized memory.
        lladdr = text if octets is not None and len(text) >= 17 else None
        at = 5
    state, unknown = _state_and_unknown_words(words[at:])
    if deleted:
        return NeighborDeleted(address, words[2], lladdr, state)
    return NeighborChanged(address, words[2], lladdr, state, unknown, "router" in words[at:])


def _tunnel_end(text: str) -> bool:
    """Whether *text* is what ll_addr_n2a() prints for a tunnel: the IPv4 or IPv6 address of its other end."""
    try:
        return bool(_IPV4.fullmatch(text)) or bool(parsed(text))
    except (OSError, ValueError):
        return False


def _state_and_unknown_words(words: list[str]) -> tuple[NudState, tuple[str, ...]]:
    """Return the state in *words*, and the words that no known iproute2 prints."""
    if len(words) == 1 and words[0] in _STATES:
        return _STATES[words[0]], ()
    state, unknown = NudState.NONE, []
    remaining = iter(words)
    for word in remaining:
        if word in _STATES:
            state = _STATES[word]
        elif word in _WITH_ARGUMENT:
            figures = _USED.fullmatch(next(remaining, ""))
            if figures and figures.group(1):
                next(remaining, "")
        elif word not in _FLAGS:
            unknown.append(word)
    return state, tuple(unknown)


def _rejected(line: str, why: str) -> LineRejected:
    return LineRejected(line[:_MAX_REJECTED_CHARACTERS], why)
