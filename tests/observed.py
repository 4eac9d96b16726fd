"""A host of the lab -> its kernel's entries, neighbors and settings; and a kernel with short neighbor timers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.lab import Host

MARKER = "100::87"
# The kernel's defaults are 30 s, 5 s and three times 1 s: too slow for a test.
SHORT_TIMERS = {"base_reachable_time_ms": 300, "delay_first_probe_time": 0, "retrans_time_ms": 100}


def all_proxies(host: Host) -> set[str]:
    """Return its proxy entries, e.g. ``"2001:db8:64::11 dev wan0 proto 135"``."""
    return _proxies(host.ip("-6 neigh show proxy").splitlines())


def proxies(host: Host) -> set[str]:
    """Return its proxy entries for other hosts."""
    # One process: this is called again and again until the entries are what a test waits for.
    lines = host.lay("neigh show proxy", "address show", options=("-6", "-o")).splitlines()
    of_addresses = {line for line in lines if line.split()[0].rstrip(":").isdigit()}  # they begin with the index
    own = {line.split()[3].partition("/")[0] for line in of_addresses}
    return {entry for entry in _proxies(set(lines) - of_addresses) if entry.split()[0] not in own}


def _proxies(lines: Iterable[str]) -> set[str]:
    return {" ".join(word for word in line.split() if word != "proxy") for line in lines}


def routes(host: Host) -> set[str]:
    """Return its host routes, e.g. ``"2001:db8:64::11 dev lan0 proto 135"``."""
    lines = [line.partition(" metric ")[0] for line in host.ip("-6 route show").splitlines()]
    return {line for line in lines if line and line[0] in "23f" and "/" not in line.split()[0]}


def neighbor(host: Host, address: str, dev: str) -> str:
    """Return its neighbor entry for *address*, e.g. ``"lladdr 02:00:00:00:03:0b REACHABLE"``; "" if none."""
    return host.ip(f"-6 neigh show {address} nud all dev {dev}").partition(address)[2].strip()


def settings(host: Host, *devs: str) -> dict[str, str]:
    """Return every setting that ndpbr may override: path below /proc/sys -> value."""
    paths = ["net/ipv6/conf/all/proxy_ndp"]
    for dev in devs:
        paths += [f"net/ipv6/conf/{dev}/{name}" for name in ("proxy_ndp", "accept_untracked_na")]
        paths.append(f"net/ipv6/neigh/{dev}/proxy_delay")
    # accept_untracked_na is Linux 5.19.
    return {path: host.sysctl(path) for path in paths if host.inside(Path("/proc/sys", path).exists)}


def clean(host: Host) -> bool:
    """Whether the host has no proxy entry, no host route and no marker."""
    return not (all_proxies(host) or routes(host) or neighbor(host, MARKER, "lo"))


def shorten_neighbor_timers(host: Host, *devs: str) -> None:
    """Make *host* probe a silent neighbor after 0.3 s, and set it FAILED 0.3 s later."""
    for dev in devs:
        for name, value in SHORT_TIMERS.items():
            host.sysctl(f"net/ipv6/neigh/{dev}/{name}", value)
