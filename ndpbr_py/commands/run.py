"""ndpbr run: options -> RunConfig -> the daemon, until a signal."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import platform
import sys

from ndpbr_py import __version__, config
from ndpbr_py.control import NAME, server
from ndpbr_py.core.listed import Listed
from ndpbr_py.daemon.daemon import Daemon
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import program
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.logs.logger import Log
from ndpbr_py.names import Names
from ndpbr_py.system.capabilities import has_net_admin
from ndpbr_py.system.lock import NamespaceLocks, PidFile

_NICE = -10


def main(arguments: argparse.Namespace) -> int:
    """Run until a signal."""
    options = config.run_config(arguments)
    ip = program.find()
    commands = Commands(options.protocol, ip.has_use)
    names = Names(options.names)
    log = Log(config.log_config(arguments), commands=commands.shown, dry_run=options.dry_run, name_of=names.of)
    _tune_garbage_collector()
    _raise_priority()
    with contextlib.ExitStack() as locks:
        namespace_locks = None
        if not options.dry_run:
            try:
                namespace_locks = _lock(options, locks)
            except NdpbrError as error:
                if arguments.syslog:  # a service's standard error may have no reader
                    log.record("error", "failed", error=str(error))
                raise
        about = {"version": __version__, "pid": os.getpid(), "python": platform.python_version()}
        words, read = sys.argv[1:], options.file_options or None
        log.record("info", "starting", **about, interfaces=list(options.interfaces), options=words, file_options=read)

        async def run() -> None:
            await Daemon(options, ip, commands, log, namespace_locks).run()

        asyncio.run(run())
    return 0


def _lock(options: config.RunConfig, locks: contextlib.ExitStack) -> NamespaceLocks:
    if not has_net_admin():
        raise NdpbrError("run requires root or CAP_NET_ADMIN")
    names = [f"protocol {options.protocol}", *(f"interface {dev}" for dev in Listed(options.interfaces))]
    locks.callback(PidFile(options.pidfile).remove)  # first: its sentence says how to start a second instance
    held = NamespaceLocks(names)
    locks.callback(held.release)
    with contextlib.suppress(OSError):  # the daemon warns that it has no control socket
        if server.stays_served(options.state_dir / NAME):
            raise NdpbrError(f"another ndpbr uses {options.state_dir}; for a second instance use another --state-dir")
    return held


def _tune_garbage_collector() -> None:
    """Exclude the modules loaded so far from garbage collection: they make each one 10 ms or more longer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def _raise_priority() -> None:
    """Run before programs that compute: a first packet is lost while they use up their time slice of 3 ms."""
    if os.getpriority(os.PRIO_PROCESS, 0) == 0:  # any other value was set on purpose
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, _NICE)
