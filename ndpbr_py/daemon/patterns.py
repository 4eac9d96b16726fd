"""An interface appears or disappears -> it is listed and locked if it matches a pattern of the command line."""

from __future__ import annotations

from ndpbr_py.core.listed import Listed
from ndpbr_py.errors import NdpbrError
from ndpbr_py.logs.logger import Log
from ndpbr_py.system.interfaces import port_of
from ndpbr_py.system.lock import NamespaceLocks


class Patterns:
    """Keeps *listed* up to date; *locks* is None in a dry run."""

    def __init__(self, listed: Listed, locks: NamespaceLocks | None, log: Log) -> None:
        self._listed = listed
        self._locks = locks
        self._log = log

    def follow(self, dev: str, *, exists: bool) -> bool:
        """Note that *dev* exists, or not; return whether it is newly listed, or no longer.

        A port of a bridge or bond has no neighbor discovery of its own: it is not listed.
        """
        fits = exists and port_of(dev) is None
        if fits and self._listed.wants(dev):
            return self._list(dev)
        if fits or dev not in self._listed.matched:
            return False
        self._listed.remove(dev)
        if self._locks is not None:
            self._locks.remove(f"interface {dev}")
        self._log.record("info", "interface-unlisted", dev=dev)
        return True

    def _list(self, dev: str) -> bool:
        try:
            if self._locks is not None:
                self._locks.add(f"interface {dev}")
        except NdpbrError as error:
            self._log.condition("warning", "interface-in-use", active=True, key=dev, dev=dev, error=str(error))
            return False
        self._log.condition("warning", "interface-in-use", active=False, key=dev)
        self._listed.add(dev)
        self._log.record("info", "interface-listed", dev=dev)
        return True
