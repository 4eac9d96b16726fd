"""A Storm -> one more fault of the daemon or its processes.

Each function does one fault, or returns False if it is not possible now.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from ipaddress import IPv6Address

from tests.lab import TIMEOUT_S
from tests.observed import entries
from tests.program import children
from tests.storm import ATTACKER, Storm

_KILLS = 3  # of one monitor of a daemon; after the next one the restart delay would be 8 s
_HANGS = 2  # hung batches per test; each takes 5 s until it is killed


def send_signal(storm: Storm) -> None:
    """The user requests a resync, or the state."""
    storm.daemon.process.send_signal(storm.random.choice((signal.SIGHUP, signal.SIGUSR1)))


def kill_batch(storm: Storm) -> bool:
    """A batch process is killed."""
    return _signal_child(storm, "-batch", signal.SIGKILL)


def stop_batch(storm: Storm) -> bool:
    """A batch process hangs."""
    return storm.done["stop_batch"] < _HANGS and _signal_child(storm, "-batch", signal.SIGSTOP)


def kill_monitor(storm: Storm) -> bool:
    """The monitor is killed."""
    storm.monitor_kills += 1
    return storm.monitor_kills <= _KILLS and _signal_child(storm, "monitor", signal.SIGKILL)


def stop_monitor(storm: Storm) -> bool:
    """The monitor hangs."""
    return _signal_child(storm, "monitor", signal.SIGSTOP)


def pause(storm: Storm) -> None:
    """The daemon is stopped for a moment."""
    storm.daemon.process.send_signal(signal.SIGSTOP)
    time.sleep(storm.random.random() * 0.2)
    storm.daemon.process.send_signal(signal.SIGCONT)


def crash(storm: Storm) -> None:
    """The daemon is killed, sometimes its successor during startup, too, and started again."""
    storm.daemon.process.kill()
    storm.daemon.process.wait(5.0)
    if storm.random.random() < 0.5:
        successor = storm.start(False)
        time.sleep(storm.random.random() * 0.5)
        successor.process.kill()
        successor.process.wait(5.0)
    storm.start_daemon()


def second_daemon(storm: Storm) -> None:
    """A second daemon is started for the same interfaces: it ends, and changes nothing."""
    assert storm.start(False).process.wait(TIMEOUT_S) == 1


def stop_before_exec(storm: Storm) -> bool:
    """A process that takes the place of a killed one is stopped between fork and exec."""
    if storm.done["stop_before_exec"] >= _HANGS or not children(storm.daemon.process.pid, "-batch"):
        return False
    (storm.folder / "flag").write_text("-batch")
    return kill_batch(storm)


def restart(storm: Storm) -> None:
    """The daemon is stopped, sometimes without ip(8) for a moment, leaves nothing, and is started again.

    In the meantime an attacker that answers claims the address of each host on another link.
    """
    if storm.random.random() < 0.5:
        storm.ip.rename(storm.ip.with_suffix(".away"))
        storm.daemon.process.send_signal(signal.SIGTERM)
        time.sleep(storm.random.random())
        storm.ip.with_suffix(".away").rename(storm.ip)
    assert storm.daemon.stop(TIMEOUT_S) == 0
    assert storm.renamed_settings_are_restored()
    ours = [line for lines in entries(storm.home.router) for line in lines if line.endswith(" proto 135")]
    assert ours == []
    for dev in ("lan0", "lan1"):
        if dev not in storm.away:
            claimed = [address for address, home in storm.living.items() if home != dev]
            with storm.attacker(dev, ATTACKER, set(map(IPv6Address, claimed))) as attacker, suppress(OSError):
                for address in claimed:
                    attacker.claim(address)
    storm.start_daemon()


def _signal_child(storm: Storm, word: str, number: int) -> bool:
    pids = children(storm.daemon.process.pid, word)
    if not pids:
        return False
    with suppress(ProcessLookupError):
        os.kill(storm.random.choice(pids), number)
    return True
