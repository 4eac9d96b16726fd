"""ndpbr refresh: interfaces -> MLD reports of their global addresses' groups, each once an interval, until a signal.

For a switch that forgets who listens.  No address is touched.  Taking one out and putting it back has the kernel report
the group, too, but what hangs on the address is lost: its temporary addresses with their connections, and the `src` of
routes; and every program that watches addresses is told.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address

from ndpbr_py import config
from ndpbr_py.cli import log_config
from ndpbr_py.core.address import link_local
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import process, program
from ndpbr_py.iproute2.tables import in_use
from ndpbr_py.logs.logger import Log
from ndpbr_py.packets import mld
from ndpbr_py.packets.round_trip import icmp_socket
from ndpbr_py.system.lock import NamespaceLocks

_STOP = (signal.SIGTERM, signal.SIGINT)


class Refresher:
    """Whose turn it is, and how that went.

    Args:
        addresses: Returns the addresses that an interface has now.
        announce: Reports the group of an address on an interface, from a link-local address.
        log: Gets what was done.
        interval: The seconds in which each address of an interface has one turn.
    """

    def __init__(
        self,
        addresses: Callable[[str], Sequence[IPv6Address]],
        announce: Callable[[IPv6Address, str, IPv6Address], None],
        log: Log,
        interval: float,
    ) -> None:
        self._addresses = addresses
        self._announce = announce
        self._log = log
        self._interval = interval
        self._last: dict[str, IPv6Address] = {}

    def turn(self, dev: str) -> float:
        """Announce the next address of *dev*; return how many seconds its next turn is away."""
        pause = self._interval
        try:
            own = self._addresses(dev)
            others = sorted(address for address in own if not link_local(address))
            source = next(filter(link_local, own), None)
            if source is None or not others:
                raise NdpbrError(f"a {'global' if source else 'link-local'} address in use was wanted, found none")
            last = self._last.get(dev, others[-1])
            address = next((address for address in others if address > last), others[0])
            self._announce(address, dev, source)
        except (NdpbrError, OSError) as error:
            self._log.condition("warning", "refresh-failed", active=True, key=dev, dev=dev, error=str(error))
        else:
            self._log.condition("warning", "refresh-failed", active=False, key=dev)
            # At level info the first time only.
            level = "debug" if dev in self._last else "info"
            group = str(mld.solicited_node_group(address))
            self._log.record(level, "address-refreshed", address=str(address), dev=dev, group=group)
            self._last[dev] = address
            pause = self._interval / len(others)
        self._log.flush()
        return pause


def main(arguments: argparse.Namespace) -> int:
    """Refresh until a signal."""
    devs = config.interfaces(arguments.interfaces, least=1)
    interval = config.seconds("an --interval", arguments.interval)
    ip = program.find()
    log = Log(log_config(arguments))
    icmp_socket().close()
    locks = NamespaceLocks(f"the refresh of {dev}" for dev in devs)
    try:
        _run(Refresher(lambda dev: _addresses(ip.path, dev), mld.send_report, log, interval), devs, interval, log)
    finally:
        locks.release()
    return 0


def _run(refresher: Refresher, devs: Sequence[str], interval: float, log: Log) -> None:
    # Blocked, they wait for the one place where they are asked for.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    log.record("info", "started", interfaces=list(devs), interval_s=interval)
    due = dict.fromkeys(devs, time.monotonic())
    while True:
        dev = min(due, key=due.__getitem__)
        stop = signal.sigtimedwait(_STOP, max(0.0, due[dev] - time.monotonic()))
        if stop is not None:
            break
        due[dev] = time.monotonic() + refresher.turn(dev)
    log.record("info", "stopping", signal=signal.Signals(stop.si_signo).name)
    log.record("info", "stopped")


def _addresses(path: str, dev: str) -> list[IPv6Address]:
    ended = process.output(path, "-6", "-color=never", "-o", "address", "show", "dev", dev)
    if ended.status != 0:
        raise NdpbrError(f"the addresses of {dev} could not be read: {ended.complaint or ended.status}")
    found = map(in_use, ended.stdout.decode(errors="replace").splitlines())
    return [address for address in found if address is not None]
