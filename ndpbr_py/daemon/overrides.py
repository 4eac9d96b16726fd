"""The settings of the listed interfaces: set before each reading of the tables, and given back at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from ndpbr_py.errors import NdpbrError
from ndpbr_py.logs.logger import Log
from ndpbr_py.system.sysctl import OriginalSettings, has_nd, wanted


class SysctlOverrides:
    """Does nothing in a dry run."""

    def __init__(self, interfaces: Sequence[str], state_dir: Path, log: Log, *, dry_run: bool) -> None:
        self._interfaces = interfaces
        self._settings = OriginalSettings(state_dir)
        self._log = log
        self._dry_run = dry_run

    def begin(self) -> None:
        """Set what is needed for the first time.

        Raises:
            NdpbrError: Something cannot be set.
        """
        for dev in self._interfaces:
            if not Path("/sys/class/net", dev).exists():
                self._log.record("warning", "interface-missing", dev=dev)
        self._set(self._interfaces, "debug")

    def renew(self) -> None:
        """Set what somebody has changed meanwhile."""
        try:
            self._set(self._interfaces, "warning")
        except NdpbrError as error:
            self._log.record("warning", "setting-refused", error=str(error))

    def linked(self, dev: str) -> None:
        """Set what an interface needs that has come up: one that was made anew has the kernel's defaults."""
        with contextlib.suppress(NdpbrError):
            self._set((dev,), "debug")

    def restore(self) -> None:
        """Give everything the value that was found."""
        if not self._dry_run:
            for path, value in self._settings.restore():
                self._log.record("debug", "setting-restored", setting=path, value=value)

    def _set(self, devs: Iterable[str], level: str) -> None:
        if self._dry_run:
            return
        for path, found, value in self._settings.borrow(wanted(filter(has_nd, devs))):
            self._log.record(level, "setting-changed", setting=path, found=found, value=value)
        if self._settings.unsaved is not None:
            self._log.once("warning", "settings-unsaved", error=self._settings.unsaved)
