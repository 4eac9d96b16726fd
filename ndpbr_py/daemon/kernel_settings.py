"""The kernel settings that ndpbr needs -> changes of them, a record for each, and their old values at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ndpbr_py.config import RunConfig
from ndpbr_py.core.damping import Damping
from ndpbr_py.errors import NdpbrError
from ndpbr_py.logs.logger import Log
from ndpbr_py.system import clock
from ndpbr_py.system.sysctl import SysctlOverrides


class KernelSettings:
    """Sets what ndpbr needs, again if another program changes it, and restores what was there before."""

    def __init__(self, config: RunConfig, log: Log) -> None:
        self._overrides = SysctlOverrides(config.state_dir, config.protocol)
        self._dry_run = config.dry_run
        self._log = log
        self._restores = Damping()
        self._contested: set[str] = set()  # the settings that another program changes again and again

    def apply(self, devs: Iterable[str], level: str, may_set: Callable[[str], bool] = lambda _: True) -> None:
        """Set what ndpbr needs on *devs* where *may_set* allows it, and log what changed.

        Raises:
            NdpbrError: A setting cannot be changed.
        """
        if self._dry_run:
            return
        for change in self._overrides.apply(devs, may_set):
            severity = "debug" if change.path in self._contested else level
            self._log.record(
                severity, "setting-changed", setting=change.path, old_value=change.old_value, value=change.value
            )
        save_error = self._overrides.save_error
        self._log.condition("warning", "settings-unsaved", active=save_error is not None, error=save_error)

    def reapply(self, devs: Iterable[str]) -> None:
        """Set what another program has changed on *devs*."""
        self._restores.begin()
        try:
            self.apply(devs, "warning", self._may_restore)
        except NdpbrError as error:
            self._log.record("warning", "setting-refused", error=str(error))

    def retry_in_s(self) -> float:
        """Return in how many seconds `reapply()` may set what was too early the last time; infinite: nothing was."""
        return self._restores.retry_at - clock.now()

    def restore(self) -> None:
        """Restore the values from before the start."""
        for change in self._overrides.restore():
            self._log.record("debug", "setting-restored", setting=change.path, value=change.value)

    def _may_restore(self, path: str) -> bool:
        """Whether a setting that another program changed is restored now; if it does so all the time, less often."""
        times = self._restores.times(path, clock.now())
        again = times is None or times > 1
        (self._contested.add if again else self._contested.discard)(path)
        self._log.condition("warning", "setting-changed-again", active=again, key=path, setting=path)
        return times is not None
