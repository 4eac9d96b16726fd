"""What the rules say about an address -> words: what it means, and what helps.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address

from ndpbr_py.core.decision import Reason
from ndpbr_py.core.events import NeighborChanged
from ndpbr_py.core.verdicts import VERDICTS, Verdict

Answer = tuple[str, str | None]

OBJECTIONS: Mapping[Reason, Answer] = {
    Reason.KIND: ("only global and unique-local addresses are", None),
    Reason.OFF_LINK: (
        "it is in no prefix that is on-link on a listed interface: anybody could claim it",
        "give the router an address in its prefix, or `ndpbr run --prefix PREFIX`",
    ),
    Reason.ANYCAST: ("it is the subnet-router anycast address, which every router has", None),
    Reason.OWN: ("it is the router's own", None),
    Reason.NEXT_HOP: ("it is the next hop of a default route on another interface", None),
    Reason.ROUTER: ("it is a router on the link of a default route, and was heard on another", None),
    Reason.STATIC: ("`--static` says that it is on another interface", None),
    Reason.WITHOUT_ND: ("it was heard on an interface without neighbor discovery, where nobody is learned", None),
    Reason.FULL: ("as many hosts are known as `--max-hosts` allows", "`ndpbr run --max-hosts N` with more"),
    Reason.LLADDR_FULL: (
        "its link-layer address has as many addresses as `--max-hosts-per-lladdr` allows",
        "`ndpbr run --max-hosts-per-lladdr N` with more",
    ),
}
_MEANING = {
    Verdict.PRESENT: "it is there",
    Verdict.CLAIMED: "it has spoken, and may be there",
    Verdict.GONE: "it does not answer",
    Verdict.NOTHING: "which says nothing",
}


def kind(address: IPv6Address) -> str:
    """Return which kind of address it is.  Source: RFC 4291, 2.4; RFC 4193."""
    if address.is_multicast:
        return "multicast: a group, which is nobody's in particular"
    if address.is_link_local:
        return "link-local: each link has its own, and nobody asks for it from another"
    if address.is_unspecified or address.is_loopback:
        return "a host's word for itself"
    if int(address) >> 121 == 0xFC >> 1:
        return "unique-local"
    return "global" if int(address) >> 125 == 1 else "of no kind that hosts have"


def neighbor(entry: NeighborChanged) -> str:
    """Return what the neighbor cache has."""
    said = [entry.dev, f"lladdr {entry.lladdr}" if entry.lladdr else "", entry.state.value]
    return f"{' '.join(filter(None, said))}: {_MEANING[VERDICTS[entry.state]]}"


def whose(ours: bool) -> str:
    """Return who has made an entry."""
    return "ours" if ours else "another program's"
