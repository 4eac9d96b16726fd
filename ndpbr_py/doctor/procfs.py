"""/proc and /sys -> facts.

This starts no process, requires no capability and takes milliseconds: `run` does it at its start, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ndpbr_py import config
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.doctor.facts import Facts, Link
from ndpbr_py.system.capabilities import has_net_admin
from ndpbr_py.system.interfaces import port_of
from ndpbr_py.system.lock import daemon_runs, locked
from ndpbr_py.system.sysctl import SysctlOverrides, has_nd

_UP, _LOOPBACK = 0x1, 0x8  # linux/if.h


class ProcFs:
    """The files of /proc and /sys."""

    def __init__(self, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> None:
        self._proc = proc
        self._net = sys / "class/net"
        self._ipv6 = proc / "sys/net/ipv6"

    def facts(self, interfaces: Iterable[str], tables: KernelSnapshot | None, protocol: int, state_dir: Path) -> Facts:
        """Return the facts about *interfaces*, and about a daemon with the number *protocol*."""
        names = tuple(interfaces)
        routes = tables.routes if tables is not None else ()
        devs = dict.fromkeys((*names, *(route.dev for route in routes if route.default)))
        return Facts(
            interfaces=names,
            links=tuple(self.link(dev) for dev in devs if (self._net / dev).exists()),
            tables=tables,
            kernel=_text(self._proc / "sys/kernel/osrelease") or "",
            capable=has_net_admin(self._proc),
            running=daemon_runs(protocol, self._proc),
            tag=config.tag(protocol),
            unrestored=SysctlOverrides(state_dir, protocol).pending(),
            forwarding=_number(self._ipv6 / "conf/all/forwarding"),
            proxy_ndp=_number(self._ipv6 / "conf/all/proxy_ndp"),
            neighbors=self._neighbors(),
            gc_thresh3=_number(self._ipv6 / "neigh/default/gc_thresh3"),
        )

    def links(self) -> list[Link]:
        """Return every interface."""
        return [self.link(path.name) for path in sorted(self._net.glob("*")) if path.is_dir()]

    def link(self, dev: str) -> Link:
        """Return an interface that exists."""
        net, conf = self._net / dev, self._ipv6 / "conf" / dev
        flags = int(_text(net / "flags") or "0", 16)
        return Link(
            name=dev,
            up=bool(flags & _UP),
            carrier=_text(net / "carrier") != "0",
            noarp=not has_nd(dev, self._net),
            loopback=bool(flags & _LOOPBACK),
            port_of=port_of(dev, self._net),
            disabled=_number(conf / "disable_ipv6"),
            forwarding=_number(conf / "forwarding"),
            accept_ra=_number(conf / "accept_ra"),
            proxy_ndp=_number(conf / "proxy_ndp"),
            proxy_delay=_number(self._ipv6 / "neigh" / dev / "proxy_delay"),
        )

    def locks(self) -> list[str]:
        """Return the locks of the daemons in this network namespace, e.g. `protocol 135`, `interface wan0`."""
        interfaces = (f"interface {path.name}" for path in self._net.glob("*"))
        return locked((*(f"protocol {number}" for number in range(256)), *interfaces), self._proc)

    def _neighbors(self) -> int | None:
        lines = (_text(self._proc / "net/stat/ndisc_cache") or "").splitlines()
        return int(lines[1].split()[0], 16) if len(lines) > 1 else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except (OSError, ValueError):
        return None


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text is not None and text.lstrip("-").isdecimal() else None
