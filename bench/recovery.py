"""A host moves, wakes up, announces itself, or is contacted for the first time: after what time is it reached?

Each try uses another address.

move: an old neighbor on the first LAN, whose cache has the host's lladdr as REACHABLE, sends to a host that has just
come to the second LAN.
sleep: the host was forgotten while it was silent. It is awake again and sends nothing. The modem has the router's
lladdr in its cache and does not solicit.
routed: the same for a host that was never seen, if the modem routes its address to the router.
announced: a host that was forgotten sends an unsolicited advertisement, and is not solicited. After what time is it
proxied?
duplicate: a host takes the address of a silent host on the other LAN, which ndpbr has never seen. After what time has
its duplicate address detection failed?
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.report import heading, median, ms, table
from bench.site import Site, address, site
from tests.claim import claim
from tests.echo import ask, echo
from tests.home import LAN, ROUTER, Home
from tests.lab import Host, until
from tests.observed import SHORT_TIMERS, neighbor, proxies, routes

_TRIES = 10
_TIMEOUT_S = 60.0
_MOVING, _NEIGHBOR = "02:00:00:00:00:55", "02:00:00:00:00:56"
_DEFAULT_TIMERS = {"base_reachable_time_ms": 30000, "delay_first_probe_time": 5, "retrans_time_ms": 1000}


def run() -> None:
    """Print the table."""
    heading("A host that moves, wakes up, announces itself, or is reached for the first time")
    cases = {"move": _move, "sleep": _sleep, "routed": _routed, "announced": _announced, "duplicate": _duplicate}
    table(("case", "succeeded", "median", "worst"), [_row(name, case) for name, case in cases.items()])


def _row(name: str, case: Callable[[Site, int], float | None]) -> tuple[str, ...]:
    with site("--max-hosts-per-lladdr", "1000", interfaces=("wan0", "lan0", "lan1")) as where:
        echo(where.home.lan)
        echo(where.home.lan2)
        times = [case(where, number) for number in range(1, _TRIES + 1)]
    reached = [it for it in times if it is not None]
    return name, f"{len(reached)} of {_TRIES}", ms(median(reached)), ms(max(reached, default=None))


def _move(where: Site, number: int) -> float | None:
    home, it = where.home, address(number)
    home.lan2.ip(f"link set eth0 address {_NEIGHBOR}")
    home.lan.ip(f"link set eth0 address {_MOVING}")
    _learn(where, it)
    # What was the host is its old neighbor from now on.
    home.lan.lay(f"address del {it}/64 dev eth0", f"link set eth0 address {_NEIGHBOR}")
    claim(home.lan, LAN)  # the router has to know the neighbor's lladdr
    home.lan.ip(f"neigh replace {it} lladdr {_MOVING} dev eth0 nud reachable")
    home.lan2.lay(f"link set eth0 address {_MOVING}", f"address add {it}/64 dev eth0 nodad")
    claim(home.lan2, it)
    return _reached(home.lan, it)


def _sleep(where: Site, number: int) -> float | None:
    home, it = where.home, address(number)
    _learn(where, it)
    _forget(home, it)
    home.modem.ip(f"neigh replace {it} lladdr {home.router.mac('wan0')} dev lan0 nud permanent")
    home.lan.ip(f"address add {it}/64 dev eth0 nodad")
    return _reached(home.inet, it)


def _routed(where: Site, number: int) -> float | None:
    home, it = where.home, address(number)
    home.modem.ip(f"route add {it}/128 via {ROUTER} dev lan0")
    home.lan.ip(f"address add {it}/64 dev eth0 nodad")
    return _reached(home.inet, it)


def _announced(where: Site, number: int) -> float | None:
    home, it = where.home, address(number)
    _learn(where, it)
    _forget(home, it)
    home.lan.sysctl("net/ipv6/conf/eth0/ndisc_notify", 1)
    home.lan.ip(f"address add {it}/64 dev eth0")
    return _seconds_until(lambda: f"{it} dev wan0 proto 135" in proxies(home.router))


def _duplicate(where: Site, number: int) -> float | None:
    home, it = where.home, address(number)
    home.lan.ip(f"address add {it}/64 dev eth0 nodad")
    # The kernel waits for a random time before its probe, up to this long.
    for name, value in (("accept_dad", 1), ("router_solicitation_delay", 0)):
        home.lan2.sysctl(f"net/ipv6/conf/eth0/{name}", value)
    home.lan2.ip(f"address add {it}/64 dev eth0")
    words = f"-6 address show dev eth0 to {it}"
    elapsed_s = _seconds_until(lambda: "dadfailed" in home.lan2.ip(words) or "tentative" not in home.lan2.ip(words))
    return elapsed_s if "dadfailed" in home.lan2.ip(words) else None


def _learn(where: Site, it: str) -> None:
    where.home.lan.ip(f"address add {it}/64 dev eth0 nodad")
    claim(where.home.lan, it)
    until(lambda: "REACHABLE" in neighbor(where.home.router, it, "lan0"), what="the host is verified")
    until(lambda: f"{it} dev lan0 proto 135" in routes(where.home.router), what="the host has its route")
    # A host that sleeps has been known for a while: ndpbr has looked it up on the other links.
    until(
        lambda: not any(neighbor(where.home.router, it, dev) for dev in ("wan0", "lan1")), what="the lookups are over"
    )


def _forget(home: Home, it: str) -> None:
    home.lan.ip(f"address del {it}/64 dev eth0")
    _set_timers(home.router, SHORT_TIMERS)
    home.router.ip(f"-6 neigh change {it} dev lan0 nud probe")
    until(lambda: f"{it} dev lan0 proto 135" not in routes(home.router), what="the host is forgotten")
    until(lambda: neighbor(home.router, it, "lan0") == "", what="its FAILED entry is deleted")
    _set_timers(home.router, _DEFAULT_TIMERS)


def _reached(source: Host, it: str) -> float | None:
    """Return after how many seconds of sending, ten times a second, *it* has answered; None: never."""
    started = time.monotonic()
    while time.monotonic() - started < _TIMEOUT_S:
        if ask(source, it, timeout=0.1) is not None:
            return time.monotonic() - started
    return None


def _seconds_until(condition: Callable[[], bool]) -> float:
    started = time.monotonic()
    while not condition():
        time.sleep(0.001)
    return time.monotonic() - started


def _set_timers(host: Host, timers: dict[str, int]) -> None:
    for name, value in timers.items():
        host.sysctl(f"net/ipv6/neigh/lan0/{name}", value)
