"""SIGKILL at any moment of a start or a stop: the next run takes over, and its stop leaves nothing behind."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable
from itertools import count
from random import Random

from tests.claim import claim
from tests.conftest import Start
from tests.effort import SEED
from tests.home import LAN, Home
from tests.lab import TIMEOUT_S, until
from tests.observed import clean, routes, settings
from tests.program import Daemon

DEVS = ("wan0", "lan0", "lan1")
MOMENTS = 25
PAIRS = 4  # of kills, until the next stop
HOSTS = [LAN, *(f"2001:db8:64::12:{number:x}" for number in range(1, 8))]
ROUTES = {f"{address} dev lan0 proto 135" for address in HOSTS}


def test_killed_starts_and_stops_leave_nothing_to_the_next_run(home: Home, daemon: Start) -> None:
    """A run is killed when its log has a random length, during its start or its stop; the next run adopts its hosts.

    In turn a start and the next run's stop are killed; after some of them everything is as it was at first.
    """
    print(f"NDPBR_SEED={SEED}")
    random = Random(SEED)
    home.router.sysctl("net/ipv6/neigh/wan0/proxy_delay", 33)
    home.lan.lay(*(f"address replace {address}/64 dev eth0 nodad" for address in HOSTS))
    before = settings(home.router, *DEVS)
    # The first run learns its hosts while it runs; its successors adopt them during their start, which logs more.
    first = _serving(home, daemon)
    first.process.kill()
    first.process.wait(TIMEOUT_S)
    second = daemon(home.router, *DEVS)
    start_size = second.logfile.stat().st_size
    stop_size = _stopped(second)
    killed = {"start": 0, "stop": 0}
    for pair in count():
        starting = daemon(home.router, *DEVS, ready=False)
        killed["start"] += _is_killed(starting, random.randrange(start_size), "started")
        stopping = _serving(home, daemon, adopted=routes(home.router) & ROUTES)
        written = stopping.logfile.stat().st_size
        stopping.process.terminate()
        killed["stop"] += _is_killed(stopping, written + random.randrange(stop_size), "stopped")
        enough = sum(killed.values()) >= MOMENTS
        if enough or pair % PAIRS == 0:
            last = _serving(home, daemon, adopted=routes(home.router) & ROUTES)
            _stopped(last)
            assert clean(home.router)
            assert settings(home.router, *DEVS) == before
            assert not any(last.state.iterdir())
        if enough:
            break
    assert min(killed.values()) > 0


def _stopped(running: Daemon) -> int:
    """Stop a daemon; return how many bytes it has logged meanwhile."""
    written = running.logfile.stat().st_size
    assert running.stop() == 0
    return running.logfile.stat().st_size - written


def _is_killed(running: Daemon, size: int, last: str) -> bool:
    """Kill a daemon as soon as its log has *size* bytes or the *last* event; return whether it had not ended before."""
    while running.logfile.stat().st_size < size and not running.logged(last) and running.process.poll() is None:
        time.sleep(0.001)
    running.process.kill()
    return running.process.wait(TIMEOUT_S) == -signal.SIGKILL


def _serving(home: Home, daemon: Start, adopted: Iterable[str] = ()) -> Daemon:
    """Return a daemon that serves all hosts, and has adopted those with these routes."""
    running = daemon(home.router, *DEVS)
    found = {record["address"] for record in running.logged("host-learned", reason="adopted")}
    assert {route.split()[0] for route in adopted} <= found
    lladdr = home.lan.mac("eth0")
    for address in HOSTS:
        claim(home.lan, address, lladdr=lladdr)
    until(lambda: routes(home.router) >= ROUTES, what="each host has its route")
    return running
