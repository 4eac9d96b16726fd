"""Facts -> findings about the machine: programs, kernel, capabilities, neighbor table, leftovers, foreign entries.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv6Address

from ndpbr_py.core.events import ProxyEntry
from ndpbr_py.core.routes import RoutingTable
from ndpbr_py.doctor.facts import Facts
from ndpbr_py.doctor.finding import Finding, fail, info, ok, setting, warn

_MAX_NAMED_ENTRIES = 3


def daemon(facts: Facts) -> Finding:
    """A daemon runs, unless none has ever been started."""
    if facts.daemon is not None:
        return ok("daemon", facts.daemon)
    if facts.running:
        return info("daemon", "running, but it does not answer: it answers root, in its --state-dir")
    start = facts.start or " ".join((f"ndpbr run{facts.tag}", *facts.interfaces))
    return (fail if facts.expected or facts.readable_tables().tagged else warn)("daemon", "not running", start)


def iproute2(facts: Facts) -> Iterator[Finding]:
    """ip(8) has the features that ndpbr needs."""
    install = "apt-get install iproute2 || apk add iproute2"
    if facts.ip is None:
        yield fail("iproute2", facts.ip_problem or "not found", install)
        return
    version = f"{facts.ip[0]}.{facts.ip[1]}"
    if facts.ip < (5, 0):
        yield fail("iproute2", f"{version} cannot tag proxy entries; 5.0 or later can", install)
    elif facts.ip < (5, 16):
        yield warn("iproute2", f"{version} cannot probe a silent host again; 5.16 or later can", install)
    else:
        yield ok("iproute2", version)


def kernel(facts: Facts) -> Iterator[Finding]:
    """The kernel keeps the tags of proxy entries."""
    numbers = re.match(r"(\d+)\.(\d+)", facts.kernel)
    if numbers is None:
        return
    if (int(numbers[1]), int(numbers[2])) < (5, 0):
        yield fail("kernel", f"Linux {facts.kernel} keeps no tags of proxy entries; Linux 5.0 or later does")
    else:
        yield ok("kernel", f"Linux {facts.kernel}")


def capabilities(facts: Facts) -> Iterator[Finding]:
    """doctor has the capability that the daemon requires."""
    if facts.capable:
        yield ok("capabilities", "CAP_NET_ADMIN")
    else:
        fix = f"{facts.become_root} ndpbr doctor" if facts.become_root else None
        yield warn("capabilities", "no CAP_NET_ADMIN; `run` and some checks require it", fix)


def table_size(facts: Facts) -> Iterator[Finding]:
    """The neighbor cache has room for every host."""
    if facts.neighbors is None or facts.gc_thresh3 is None:
        return  # only the first network namespace shows its size
    # Entries of other interfaces and of other network namespaces count, too.
    detail = f"{facts.neighbors} entries, at most {facts.gc_thresh3}"
    if facts.neighbors * 4 >= facts.gc_thresh3 * 3:
        size = 1 << (facts.neighbors * 4).bit_length()
        yield warn("neighbor-table", f"{detail}: new hosts may find no room", setting("neigh/default/gc_thresh3", size))
    else:
        yield ok("neighbor-table", detail)


def limits(facts: Facts) -> Iterator[Finding]:
    """The daemon has room for more hosts."""
    if facts.hosts is None:
        return
    (most, lladdr, dev), rules = facts.most_addresses, facts.rules
    reached = []
    if facts.hosts >= rules.max_hosts:
        reached.append((f"{facts.hosts} hosts", "--max-hosts", rules.max_hosts))
    if most >= rules.max_hosts_per_lladdr:
        detail = f"{lladdr} on {dev} has {most} addresses"
        reached.append((detail, "--max-hosts-per-lladdr", rules.max_hosts_per_lladdr))
    for detail, option, limit in reached:
        run = " ".join((f"ndpbr run{facts.tag} {option} {2 * limit}", *facts.interfaces))
        yield warn("limits", f"{detail}, as many as {option} allows: others are ignored", run)
    if not reached:
        per_lladdr = f"{most} of {rules.max_hosts_per_lladdr} with one link-layer address"
        yield ok("limits", f"{facts.hosts} of {rules.max_hosts} hosts, {per_lladdr}")


def leftovers(facts: Facts) -> Iterator[Finding]:
    """A daemon that was killed has left no entries and no settings."""
    if facts.running:
        return
    own = facts.readable_tables().tagged
    remaining = [f"{len(own)} routes and proxy entries"] if own else []
    remaining += ["settings"] if facts.unrestored else []
    for leftover in remaining:
        yield warn(
            "leftovers", f"{leftover} of a run that was killed, or stopped with --keep", f"ndpbr flush{facts.tag}"
        )
    if not remaining:
        yield ok("leftovers", "none")


def foreign(facts: Facts) -> Iterator[Finding]:
    """No other program has proxy entries."""
    if facts.tables is None:
        return
    entries = [entry for entry in facts.tables.proxies if not entry.ours]
    if not entries:
        yield ok("foreign-entries", "no proxy entries of other programs")
        return
    named = ", ".join(f"{entry.address} dev {entry.dev}" for entry in entries[:_MAX_NAMED_ENTRIES])
    more = f" and {len(entries) - _MAX_NAMED_ENTRIES} more" if len(entries) > _MAX_NAMED_ENTRIES else ""
    # No command: it would cut off the hosts of the other program.
    routes = RoutingTable(facts.tables.routes, facts.rules.prefixes)
    hosts = {route.address: route.dev for route in facts.tables.host_routes}
    if all(_leads_elsewhere(routes, hosts, entry) for entry in entries):
        yield ok("foreign-entries", f"{named}{more}: another program's, and the routing table agrees with them")
    else:
        yield warn("foreign-entries", f"{named}{more}, which ndpbr never changes")


def _leads_elsewhere(routes: RoutingTable, hosts: Mapping[IPv6Address, str | None], entry: ProxyEntry) -> bool:
    """Whether the /128 route of a host, else the routing table, sends *entry*'s address to a link where it is not."""
    devs = {hosts.get(entry.address)} - {None} or {route.dev for route in routes.best(entry.address)}
    return bool(devs) and entry.dev not in devs
