"""Reasons of the core, addresses and neighbor entries -> the sentences of `ndpbr explain`.

Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from ipaddress import IPv6Address, IPv6Network

from ndpbr_py.core.decision import Reason
from ndpbr_py.core.events import NeighborChanged, NudState, Route, RouteType
from ndpbr_py.core.routes import described
from ndpbr_py.core.verdicts import VERDICTS, Verdict

Answer = tuple[str, str | None]  # the reason, and the advice

OBJECTIONS: Mapping[Reason, Answer] = {
    Reason.KIND: ("only global and unique-local addresses are proxied", None),
    Reason.OFF_LINK: (
        "it is in no prefix that is on-link on a listed interface, so any host could claim it",
        "give the router an address in its prefix, or `ndpbr run --prefix PREFIX`",
    ),
    Reason.ANYCAST: ("it is the subnet-router anycast address, which every router has", None),
    Reason.RESERVED: ("it is a reserved subnet anycast address, which no host has (RFC 2526)", None),
    Reason.OWN: ("it is the router's own address", None),
    Reason.ROUTED_ELSEWHERE: ("the routing table sends it to another interface than the one where it was seen", None),
    Reason.NEXT_HOP: ("it is the next hop of a default route on another interface", None),
    Reason.ROUTER: ("it is a router on the link of a default route, and was seen on another link", None),
    Reason.STATIC: ("`--static` puts it on another interface", None),
    Reason.UPSTREAM_LINK: ("it was seen on a link of `--upstream`, where no host is learned", None),
    Reason.WITHOUT_ND: ("it was seen on an interface without neighbor discovery, where no host is learned", None),
    Reason.FULL: ("the limit `--max-hosts` is reached", "`ndpbr run --max-hosts N` with a higher limit"),
    Reason.LLADDR_FULL: (
        "the limit `--max-hosts-per-lladdr` is reached for its link-layer address",
        "`ndpbr run --max-hosts-per-lladdr N` with a higher limit",
    ),
}
ON_DEMAND: Answer = (
    "it is behind an interface without neighbor discovery, or a gateway, and was not solicited for ten minutes",
    "send a packet to it from a host on another link",
)
_VERDICT_MEANING = {
    Verdict.PRESENT: "the host is present",
    Verdict.CLAIMED: "a host has used the address, and has not answered a probe since",
    Verdict.GONE: "no host answers",
    Verdict.NOTHING: "not resolved",
}
_STATE_MEANING = {
    NudState.INCOMPLETE: "being resolved, no answer yet",
    NudState.NOARP: "no neighbor discovery takes place",
}


def off_link(address: IPv6Address, networks: Collection[IPv6Network]) -> Answer:
    """Return why an address outside *networks* is not proxied: a public address there is another network's."""
    reason, advice = OBJECTIONS[Reason.OFF_LINK]
    if kind(address) != "global":
        return reason, advice
    if networks:
        return f"not in your network ({', '.join(map(str, sorted(networks)))}), nothing to proxy", None
    return reason, "give the router an address in its prefix"


def routed_elsewhere(best: Sequence[Route], listed: Collection[str]) -> Answer:
    """Return why an address that the routes *best* send elsewhere is not proxied; `run` may lack an interface."""
    missing = [route.dev for route in best if route.type is RouteType.UNICAST and route.dev not in listed]
    reason, _ = OBJECTIONS[Reason.ROUTED_ELSEWHERE]
    return f"{reason}: {described(best)}", " ".join(("ndpbr run", *missing, *listed)) if missing else None


def kind(address: IPv6Address) -> str:
    """Return which kind of address it is.  Source: RFC 4291, 2.4; RFC 4193."""
    if address.is_multicast:
        return "multicast: a group, not a host"
    if address.is_link_local:
        return "link-local: valid on its own link only"
    if address.is_unspecified or address.is_loopback:
        return "unspecified or loopback: never on a link"
    if int(address) >> 121 == 0xFC >> 1:
        return "unique-local"
    return "global" if int(address) >> 125 == 1 else "not a kind of address that hosts have"


def neighbor(entry: NeighborChanged) -> str:
    """Return an entry of the neighbor cache, and what it means."""
    lladdr = f" lladdr {entry.lladdr}" if entry.lladdr else ""
    meaning = _STATE_MEANING.get(entry.state) or _VERDICT_MEANING[VERDICTS[entry.state]]
    return f"{entry.dev}{lladdr} {entry.state.value}: {meaning}"


def owner(ours: bool) -> str:
    """Return which program has made an entry."""
    return "ours" if ours else "another program's"
