"""ndpbr run: options -> a checked configuration -> the daemon."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os

from ndpbr_py import config
from ndpbr_py.cli import log_config
from ndpbr_py.daemon.daemon import Daemon
from ndpbr_py.doctor.procfs import ProcFs
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import program
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.logs.logger import Log
from ndpbr_py.system.lock import NamespaceLocks, PidFile

_NICE = -10


def main(arguments: argparse.Namespace) -> int:
    """Run until a signal."""
    wanted = run_config(arguments)
    ip = program.find()
    if arguments.check:
        return 0
    commands = Commands(wanted.protocol, ip.has_use)
    log = Log(log_config(arguments), commands=commands.lines, dry_run=wanted.dry_run)
    _tune_collector()
    _be_prompt()
    if wanted.dry_run:
        asyncio.run(_run(wanted, ip, commands, log))
        return 0
    with contextlib.ExitStack() as held:
        try:
            if not ProcFs().capable():
                raise NdpbrError("root or CAP_NET_ADMIN was wanted, got neither")
            locks = NamespaceLocks([f"protocol {wanted.protocol}", *(f"interface {dev}" for dev in wanted.interfaces)])
            held.callback(locks.release)
            held.callback(PidFile(wanted.pidfile).remove)
        except NdpbrError as error:
            if arguments.syslog:  # under a supervisor nobody may read the sentence on standard error
                log.record("error", "failed", error=str(error))
            raise
        asyncio.run(_run(wanted, ip, commands, log))
    return 0


def _tune_collector() -> None:
    """Leave what was loaded until now out of every later collection: with it each would take 10 ms and more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def _be_prompt() -> None:
    """Run before programs that compute: a first packet is lost if others use up their turn of 3 ms first."""
    if os.getpriority(os.PRIO_PROCESS, 0) == 0:  # otherwise somebody has decided
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, _NICE)


async def _run(wanted: config.RunConfig, ip: program.Program, commands: Commands, log: Log) -> None:
    await Daemon(wanted, ip, commands, log).run()


def run_config(arguments: argparse.Namespace) -> config.RunConfig:
    """Return what `ndpbr run` is to do.

    Raises:
        ConfigError: An option or a name is not what was wanted.
    """
    listed = config.interfaces(arguments.interfaces)
    return config.RunConfig(
        interfaces=listed,
        prefixes=config.prefixes(arguments.prefix),
        protocol=config.protocol(arguments.protocol),
        expire_interval=config.seconds("an --expire-interval", arguments.expire_interval),
        resync_interval=config.seconds("a --resync-interval", arguments.resync_interval),
        refresh=None if arguments.refresh is None else config.seconds("a --refresh", arguments.refresh),
        max_hosts=config.count("--max-hosts", arguments.max_hosts),
        max_hosts_per_lladdr=config.count("--max-hosts-per-lladdr", arguments.max_hosts_per_lladdr),
        state_dir=config.path("--state-dir", arguments.state_dir),
        pidfile=config.path("--pidfile", arguments.pidfile),
        dry_run=arguments.dry_run,
        keep=arguments.keep,
        metrics_file=None if arguments.metrics_file is None else config.path("--metrics-file", arguments.metrics_file),
        statics=config.statics(arguments.static, listed),
        discover=arguments.discover,
        hosts_file=config.path("--hosts-file", arguments.hosts_file),
        listen=not arguments.no_listen,
    )
