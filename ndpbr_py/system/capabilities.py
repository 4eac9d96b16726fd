"""/proc -> what this process may do.  Source: capabilities(7), proc(5)."""

from __future__ import annotations

from pathlib import Path

_CAP_NET_ADMIN = 12


def has_net_admin(proc: Path = Path("/proc")) -> bool:
    """Whether this process has CAP_NET_ADMIN; False where that cannot be read."""
    try:
        lines = (proc / "self/status").read_text().splitlines()
    except OSError:
        return False
    return any(line.startswith("CapEff:") and int(line.split()[1], 16) >> _CAP_NET_ADMIN & 1 for line in lines)
