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
    return entries(host)[1]


def entries(host: Host) -> tuple[set[str], set[str]]:
    """Return its host routes, and its proxy entries for other hosts."""
    # One process: this is called again and again until the entries are what a test waits for.
    text = host.lay("neigh show proxy", "address show", "route show", options=("-6", "-o"))
    lines = [line.split() for line in text.splitlines()]
    own = {words[3].partition("/")[0] for words in lines if words[0].rstrip(":").isdigit()}  # the interface's index
    found = _proxies(line for line in text.splitlines() if line.split()[3:4] == ["proxy"])
    return _host_routes(text), {entry for entry in found if entry.split()[0] not in own}


def _proxies(lines: Iterable[str]) -> set[str]:
    return {" ".join(word for word in line.split() if word != "proxy") for line in lines}


def routes(host: Host) -> set[str]:
    """Return its host routes, e.g. ``"2001:db8:64::11 dev lan0 proto 135"``."""
    return _host_routes(host.ip("-6 route show"))


def _host_routes(text: str) -> set[str]:
    lines = [line.partition(" metric ") for line in text.splitlines()]
    return {route for route, metric, _ in lines if metric and route[0] in "23f" and "/" not in route.split()[0]}


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
