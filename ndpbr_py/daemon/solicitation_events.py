"""Snapshots -> the interfaces whose solicitations are received.

Without the permission to receive them (CAP_NET_RAW), or where the kernel refuses, hosts are learned from the monitor
only.
"""

from __future__ import annotations

from collections.abc import Callable

from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.logs.logger import Log
from ndpbr_py.packets.solicitation_socket import SolicitationSocket


class SolicitationHandler:
    """Opens and closes the packet sockets; opens none with *enabled* false (--no-listen)."""

    def __init__(self, emit: Callable[..., None], log: Log, *, enabled: bool) -> None:
        self._log = log
        self._enabled = enabled
        self._socket = SolicitationSocket(lambda events: emit(*events))

    def on_snapshot(self, snapshot: KernelSnapshot) -> None:
        """Receive on the listed interfaces that are up and have neighbor discovery."""
        for dev in sorted(snapshot.up):
            active = dev in snapshot.without_nd
            self._log.condition("info", "interface-without-nd", active=active, key=dev, dev=dev)
        indexes = {dev: index for index, dev in snapshot.names.items() if dev in snapshot.up - snapshot.without_nd}
        self._socket.tune(indexes if self._enabled else {})

    def close(self) -> None:
        """Close the sockets."""
        self._socket.close()
