"""Facts -> every check's findings.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ndpbr_py.doctor import link_checks, machine_checks, route_checks
from ndpbr_py.doctor.facts import Facts
from ndpbr_py.doctor.finding import Finding, ok, skipped, warn
from ndpbr_py.doctor.firewall import Chain, passes_nd, passes_new


def findings(facts: Facts) -> list[Finding]:
    """Return what every check finds, in the order in which it is best mended."""
    return [finding for check in CHECKS for finding in check(facts)]


def firewall(facts: Facts) -> Iterator[Finding]:
    """The firewall lets neighbor discovery through, and what is forwarded."""
    if facts.chains is None:
        yield skipped("firewall", facts.firewall_problem or "neither nft nor ip6tables can", "sudo ndpbr doctor")
        return
    devs = [link.name for link in facts.listed()]
    complaints = 0
    for chain in facts.chains:
        if chain.hook in ("input", "output"):
            shut = [dev for dev in devs if not passes_nd(facts.chains, chain, dev)]
            what, fix = "neighbor discovery", _let_through(chain, [_ND[chain.tool]])
        elif chain.hook == "forward":
            # Many a router lets nothing in from outside: one way must be open.
            shut = [] if any(passes_new(facts.chains, chain, dev) for dev in devs) else devs
            what, fix = "what is forwarded", _let_through(chain, [_ANSWERS[chain.tool], *_inward(facts, chain.tool)])
        else:
            continue
        if shut:
            complaints += 1
            place = f"{chain.tool} {chain.table} {chain.name}"
            yield warn("firewall", f"{place} may drop {what} on {', '.join(shut)}", fix)
    if not complaints:
        yield ok("firewall", "drops nothing that is needed, as far as its rules tell" if facts.chains else "none")


_ND = {"nft": "icmpv6 type '{ nd-neighbor-solicit, nd-neighbor-advert }'", "ip6tables": "-p ipv6-icmp"}
_ANSWERS = {"nft": "ct state established,related", "ip6tables": "-m conntrack --ctstate ESTABLISHED,RELATED"}
_FROM = {"nft": "iifname", "ip6tables": "-i"}


def _inward(facts: Facts, tool: str) -> list[str]:
    """Return what comes from the interfaces without a default route."""
    out = {route.dev for route in facts.default_routes()}
    return [f"{_FROM[tool]} {link.name}" for link in facts.listed() if link.name not in out]


def _let_through(chain: Chain, matches: Iterable[str]) -> str:
    """Return the commands that put rules for *matches* before all others of *chain*."""
    if chain.tool == "nft":
        return " && ".join(f"nft insert rule {chain.table} {chain.name} {match} accept" for match in matches)
    return " && ".join(f"ip6tables -I {chain.name} {match} -j ACCEPT" for match in matches)


CHECKS: tuple[Callable[[Facts], Iterable[Finding]], ...] = (
    machine_checks.iproute2,
    machine_checks.kernel,
    machine_checks.capabilities,
    link_checks.interfaces,
    link_checks.forwarding,
    route_checks.router_advertisements,
    route_checks.default_route,
    route_checks.prefixes,
    link_checks.proxying,
    link_checks.snooping,
    machine_checks.table_size,
    machine_checks.leftovers,
    machine_checks.foreign,
    firewall,
)
