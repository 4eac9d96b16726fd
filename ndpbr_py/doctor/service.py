"""The files of a service manager -> whether it starts ndpbr at boot, and its command that starts it now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Service:
    """The service: the command that starts it, None if it is not installed; whether the machine starts it at boot."""

    start: str | None = None
    enabled: bool = False


def service(root: Path = Path("/")) -> Service:
    """Return the service of the service manager that has it installed."""
    if (root / "etc/init.d/ndpbr").exists() and (root / "sbin/openrc-run").exists():
        return Service("rc-service ndpbr start", any(root.glob("etc/runlevels/*/ndpbr")))
    if any((root / path / "systemd/system/ndpbr.service").exists() for path in ("etc", "usr/lib", "lib")):
        return Service("systemctl start ndpbr", any(root.glob("etc/systemd/system/*.wants/ndpbr.service")))
    return Service()
