"""A Storm whose entries are not what the model expects -> what is missing and too much, and what is known of it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.lab import until
from tests.program import children
from tests.storm import Storm

_MAX_LINES = 60  # of the log
_REPEATED = ("command", "not-confirmed")  # every few seconds for each host


def until_storm(storm: Storm, condition: Callable[[], object], what: str) -> None:
    """Wait until *condition* is true.

    Raises:
        AssertionError: It was not true in time; says what differs.
    """
    try:
        until(condition, what=what)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{difference(storm)}") from None


def until_compared(storm: Storm) -> None:
    """Wait until the daemon has compared the tables twice, the second time from now on.

    Before that it may not know of a host that came and went just now, and learn it from the neighbor cache.
    """
    compared = _resyncs(storm)
    until_storm(storm, lambda: _resyncs(storm) >= compared + 2, "the tables are compared twice")


def _resyncs(storm: Storm) -> int:
    known = len(storm.daemon.logged("state"))
    storm.daemon.process.send_signal(signal.SIGUSR1)
    return int(until(lambda: storm.daemon.logged("state")[known:])[0]["resyncs"])


def difference(storm: Storm) -> str:
    """Return how the router's entries differ from the expected ones, and what the daemon logged about them."""
    lines = []
    addresses = set()
    for kind, actual, expected in zip(("routes", "proxies"), storm.actual(), storm.expected(), strict=True):
        for which, entries in (("missing", expected - actual), ("too much", actual - expected)):
            lines.append(f"{kind} {which}: {sorted(entries)}")
            addresses |= {entry.split()[0] for entry in entries}
    lines += [f"hosts: {storm.living}", f"other routes: {storm.routes}", f"interfaces away: {storm.away}"]
    lines += [f"faults: {dict(storm.done)}", f"siege: {bool(storm.siege)}", *_processes(storm)]
    neighbors = storm.home.router.ip("-6 neigh show nud all").splitlines()
    lines += [f"neighbor {line}" for line in neighbors if line.split()[0] in addresses]
    log = storm.daemon.logfile.read_text().splitlines()
    lines += ["the end of the log:", *log[-10:], f"what it says about {sorted(addresses)}:"]
    others = [line for line in log if not any(f'"{word}"' in line for word in _REPEATED)]
    lines += [line for line in others if any(f'"{address}"' in line for address in addresses)][-_MAX_LINES:]
    return "\n".join(lines)


def _processes(storm: Storm) -> list[str]:
    """Return the state of the daemon and of its children, a line each."""
    running = storm.daemon.process
    if (status := running.poll()) is not None:
        return [f"the daemon has ended with {status}"]
    lines = []
    for pid in (running.pid, *children(running.pid)):
        with suppress(OSError):  # it has ended meanwhile
            words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            lines.append(f"process {pid} in state {state}: {words}")
    return lines
