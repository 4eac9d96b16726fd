"""Facts -> findings about the machine: its programs, kernel and rights, and what other programs have done to it.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ndpbr_py.core.events import HostRoute, KernelSnapshot, ProxyEntry
from ndpbr_py.doctor.facts import Facts
from ndpbr_py.doctor.finding import Finding, fail, ok, setting, skipped, warn

_NAMED = 3  # foreign entries


def iproute2(facts: Facts) -> Iterator[Finding]:
    """ip(8) can do what is asked of it."""
    install = "apt-get install iproute2 || apk add iproute2"
    if facts.ip is None:
        yield fail("iproute2", facts.ip_problem or "none was found", install)
        return
    version = f"{facts.ip[0]}.{facts.ip[1]}"
    if facts.ip < (5, 0):
        yield fail("iproute2", f"{version} cannot tag proxy entries, 5.0 can", install)
    elif facts.ip < (5, 16):
        yield warn("iproute2", f"{version} cannot ask a silent host a second time, 5.16 can", install)
    else:
        yield ok("iproute2", version)


def kernel(facts: Facts) -> Iterator[Finding]:
    """The kernel keeps the tags of proxy entries."""
    numbers = re.match(r"(\d+)\.(\d+)", facts.kernel)
    if numbers is None:
        yield skipped("kernel", "/proc/sys/kernel/osrelease cannot be read")
    elif (int(numbers[1]), int(numbers[2])) < (5, 0):
        yield fail("kernel", f"Linux {facts.kernel} keeps no tags of proxy entries, Linux 5.0 does")
    else:
        yield ok("kernel", f"Linux {facts.kernel}")


def capabilities(facts: Facts) -> Iterator[Finding]:
    """Whoever asks is one who may run the daemon."""
    if facts.capable:
        yield ok("capabilities", "CAP_NET_ADMIN")
    else:
        yield warn("capabilities", "no CAP_NET_ADMIN, which `run` needs, and some checks", "sudo ndpbr doctor")


def table_size(facts: Facts) -> Iterator[Finding]:
    """The neighbor cache has room for every host."""
    if facts.neighbors is None or facts.gc_thresh3 is None:
        yield skipped("neighbor-table", "its size belongs to the machine's first network namespace")
        return
    # What is not on the listed interfaces, and in other namespaces, takes its places, too.
    found = f"{facts.neighbors} entries, {facts.gc_thresh3} at the most"
    if facts.neighbors * 4 >= facts.gc_thresh3 * 3:
        size = 1 << (facts.neighbors * 4).bit_length()
        yield warn("neighbor-table", f"{found}: hosts may find no place", setting("neigh/default/gc_thresh3", size))
    else:
        yield ok("neighbor-table", found)


def leftovers(facts: Facts) -> Iterator[Finding]:
    """Nothing is left of a daemon that was killed."""
    if facts.running:
        yield ok("leftovers", "none: a daemon runs")
        return
    mine = tagged(facts.tables)
    if mine:
        found = f"{len(mine)} routes and proxy entries of a run that was killed, or stopped with --keep"
        yield warn("leftovers", found, f"ndpbr flush{facts.tag}")
    if facts.borrowed:
        again = " ".join((f"ndpbr run{facts.tag}", *facts.interfaces))
        yield warn("leftovers", "settings of a run that was killed; the next one gives them back when it stops", again)
    if not mine and not facts.borrowed:
        yield ok("leftovers", "none")


def foreign(facts: Facts) -> Iterator[Finding]:
    """No other program answers for addresses."""
    if facts.tables is None:
        yield skipped("foreign-entries", "ip cannot be run")
        return
    theirs = [entry for entry in facts.tables.proxies if not entry.ours]
    if not theirs:
        yield ok("foreign-entries", "no proxy entries of other programs")
        return
    named = ", ".join(f"{entry.address} dev {entry.dev}" for entry in theirs[:_NAMED])
    more = f" and {len(theirs) - _NAMED} more" if len(theirs) > _NAMED else ""
    fix = " && ".join(f"ip -6 neigh del proxy {entry.address} dev {entry.dev}" for entry in theirs)
    yield warn("foreign-entries", f"{named}{more}, which ndpbr never touches", fix if not more else "ndpbr flush --all")


def tagged(tables: KernelSnapshot | None) -> list[HostRoute | ProxyEntry]:
    """Return ndpbr's own entries."""
    entries: list[HostRoute | ProxyEntry] = [*tables.host_routes, *tables.proxies] if tables is not None else []
    return [entry for entry in entries if entry.ours]
