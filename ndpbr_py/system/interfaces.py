"""The network interfaces of this machine -> their names, and which are ports of a bridge or bond."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def interface_names() -> list[str]:
    """Return the names of all interfaces that exist now, ports of bridges included."""
    return [name for _, name in socket.if_nameindex()]


def port_of(dev: str, net: Path = Path("/sys/class/net")) -> str | None:
    """Return the bridge or bond of which *dev* is a port.

    The kernel removes `master` before it reports that a port has left, and `brport` after that.
    """
    master = net / dev / "master"
    if any((master / kind).exists() for kind in ("bridge", "bonding")):
        return os.path.basename(os.path.realpath(master))
    return None
