"""Facts -> the findings of all checks.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ndpbr_py.doctor import link_checks, machine_checks, route_checks
from ndpbr_py.doctor.facts import Facts
from ndpbr_py.doctor.finding import Finding, Status
from ndpbr_py.doctor.firewall import firewall


def findings(facts: Facts) -> list[Finding]:
    """Return the findings of all checks: failures, warnings, the rest; each group in the order in which to fix them.

    A check whose facts are unknown has no finding.
    """
    found = [finding for check in CHECKS for finding in check(facts)]
    return sorted(found, key=lambda it: (it.status is not Status.FAIL, it.status is not Status.WARN))


CHECKS: tuple[Callable[[Facts], Iterable[Finding]], ...] = (
    machine_checks.iproute2,
    machine_checks.kernel,
    machine_checks.capabilities,
    link_checks.interfaces,
    link_checks.forwarding,
    route_checks.router_advertisements,
    route_checks.default_route,
    route_checks.prefixes,
    route_checks.static_hosts,
    route_checks.upstream,
    route_checks.policy_rules,
    link_checks.proxying,
    machine_checks.table_size,
    machine_checks.limits,
    machine_checks.leftovers,
    machine_checks.foreign,
    firewall,
)
