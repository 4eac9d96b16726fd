"""ndpbr refresh: interfaces -> an MLD report of each global address's group, once per interval, until a signal.

For a switch that forgets which groups have members.  No address is changed: to remove and add one makes the kernel
report its group, too, but ends the connections of its temporary addresses, loses the `src` of routes, and notifies
every program that watches addresses.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address

from ndpbr_py import config
from ndpbr_py.core.address import link_local
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import process, program
from ndpbr_py.iproute2.tables import in_use
from ndpbr_py.logs.logger import Log
from ndpbr_py.packets import mld
from ndpbr_py.packets.round_trip import icmp_socket
from ndpbr_py.system.lock import NamespaceLocks

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Refresher:
    """Announces the addresses of interfaces in turn, and logs the outcome.

    Args:
        addresses: Returns the addresses that an interface has now.
        announce: Reports the group of an address on an interface, from a link-local address.
        log: Where the outcome goes.
        interval_s: Each address of an interface is announced once in this time.
    """

    def __init__(
        self,
        addresses: Callable[[str], Sequence[IPv6Address]],
        announce: Callable[[IPv6Address, str, IPv6Address], None],
        log: Log,
        interval_s: float,
    ) -> None:
        self._addresses = addresses
        self._announce = announce
        self._log = log
        self._interval_s = interval_s
        self._last: dict[str, IPv6Address] = {}

    def announce_next(self, dev: str) -> float:
        """Announce the next address of *dev*; return the seconds until the one after it is due."""
        pause_s = self._interval_s
        try:
            own = self._addresses(dev)
            others = sorted(address for address in own if not link_local(address))
            source = next(filter(link_local, own), None)
            if source is None or not others:
                raise NdpbrError(f"{dev} has no {'global' if source else 'link-local'} address in use")
            last = self._last.get(dev, others[-1])
            address = next((address for address in others if address > last), others[0])
            self._announce(address, dev, source)
        except (NdpbrError, OSError) as error:
            self._log.condition("warning", "refresh-failed", active=True, key=dev, dev=dev, error=str(error))
        else:
            self._log.condition("warning", "refresh-failed", active=False, key=dev)
            level = "debug" if dev in self._last else "info"  # info the first time only
            group = str(mld.solicited_node_group(address))
            self._log.record(level, "address-refreshed", address=str(address), dev=dev, group=group)
            self._last[dev] = address
            pause_s = self._interval_s / len(others)
        self._log.flush()
        return pause_s


def main(arguments: argparse.Namespace) -> int:
    """Announce the addresses until a signal."""
    devs = config.interfaces(arguments.interfaces)
    ip = program.find()
    log = Log(config.log_config(arguments))
    icmp_socket().close()
    locks = NamespaceLocks(f"the refresh of {dev}" for dev in devs)
    try:
        refresher = Refresher(lambda dev: _addresses(ip.path, dev), mld.send_report, log, arguments.interval_s)
        _run(refresher, devs, arguments.interval_s, log)
    finally:
        locks.release()
    return 0


def _run(refresher: Refresher, devs: Sequence[str], interval_s: float, log: Log) -> None:
    # Blocked signals wait for sigtimedwait().
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    log.record("info", "started", interfaces=list(devs), interval_s=interval_s)
    due = dict.fromkeys(devs, time.monotonic())
    while True:
        dev = min(due, key=due.__getitem__)
        stop = signal.sigtimedwait(_STOP_SIGNALS, max(0.0, due[dev] - time.monotonic()))
        if stop is not None:
            break
        due[dev] = time.monotonic() + refresher.announce_next(dev)
    log.record("info", "stopping", signal=signal.Signals(stop.si_signo).name)
    log.record("info", "stopped")


def _addresses(path: str, dev: str) -> list[IPv6Address]:
    result = process.output(path, "-6", "-color=never", "-o", "address", "show", "dev", dev)
    if result.status != 0:
        raise NdpbrError(f"the addresses of {dev} could not be read: {result.complaint or result.status}")
    addresses = map(in_use, result.stdout.decode(errors="replace").splitlines())
    return [address for address in addresses if address is not None]
