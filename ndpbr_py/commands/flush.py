"""`ndpbr flush`: remove our entries; with --all, remove every proxy entry with its host route and reset proxy_ndp."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import dump, process, program, tables
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.system import lock
from ndpbr_py.system.capabilities import has_net_admin
from ndpbr_py.system.sysctl import PROC_SYS, SysctlOverrides


def main(arguments: argparse.Namespace) -> int:
    """Remove the entries, and print how many were removed."""
    protocol = arguments.protocol
    if not has_net_admin():
        raise NdpbrError("flush requires root or CAP_NET_ADMIN")
    ip = program.find()
    restored = _restore_settings(arguments.state_dir, protocol)  # first: a flush of many entries is slow
    kernel = dump.snapshot_now(ip, (), protocol, ("route", "proxy"))
    if arguments.all:
        removed = _everything(ip, kernel)
    else:
        removed = sum(entry.ours for entry in kernel.proxies), sum(route.ours for route in kernel.host_routes)
        for words in Commands(protocol).flush():
            _ip(ip, *words)
    settings = f", {restored} settings restored" if restored else ""
    print(f"{removed[0]} proxy entries and {removed[1]} host routes removed{settings}")
    if lock.daemon_runs(protocol):
        print("ndpbr: a daemon runs, and will put its entries back", file=sys.stderr)
    return 0


def _restore_settings(state_dir: Path, protocol: int) -> int:
    """Restore the settings that an ended daemon left changed, return how many; none while one with *protocol* runs."""
    try:
        locks = lock.NamespaceLocks([f"protocol {protocol}"])
    except NdpbrError:
        return 0
    overrides = SysctlOverrides(state_dir, protocol)
    restored = overrides.restore()
    locks.release()
    if overrides.pending():
        print(
            "ndpbr: conf/all/proxy_ndp stays on, because another ndpbr needs it; flush again when that has stopped",
            file=sys.stderr,
        )
    return len(restored)


def _everything(ip: program.Program, kernel: KernelSnapshot) -> tuple[int, int]:
    """Remove what `flush` of the shell script removed, whichever program added it."""
    proxied = {entry.address for entry in kernel.proxies}
    # ip(8) finds a route without an interface by its address only, so these come last.
    routes = sorted((r for r in kernel.host_routes if r.address in proxied), key=lambda r: r.dev is None)
    _ip(ip, "neigh", "flush", "proxy")
    for route in routes:
        _ip(ip, "route", "del", *tables.route_words(route))
    for setting in PROC_SYS.glob("conf/*/proxy_ndp"):
        try:
            setting.write_text("0\n")
        except OSError as error:
            raise NdpbrError(f"{setting} could not be set to 0: {error.strerror}") from error
    return len(kernel.proxies), len(routes)


def _ip(ip: program.Program, *words: str) -> None:
    ended = process.output(ip.path, "-6", *words)
    if ended.status != 0:
        raise NdpbrError(f"`ip -6 {' '.join(words)}` failed: {ended.complaint}")
