"""The network interfaces of this machine -> their names."""

from __future__ import annotations

import socket


def interface_names() -> list[str]:
    """Return the names of all interfaces that exist now, those of bridges' ports, too."""
    return [name for _, name in socket.if_nameindex()]
