"""ndpbr replay: recorded monitor output -> the decisions and commands that would follow.  Nothing is touched.

Records go where those of `run` go; the commands go to standard output, one a line.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

from ndpbr_py import config
from ndpbr_py.cli import log_config
from ndpbr_py.core.events import AddressChanged, LineRejected
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.state import Rules
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import parser
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.log import Log


def main(arguments: argparse.Namespace) -> int:
    """Replay a file."""
    names = config.interfaces(arguments.interfaces.split(","))
    prefixes = frozenset(config.prefix(text) for text in arguments.prefix)
    commands = Commands(config.protocol(arguments.protocol))
    log = Log(log_config(arguments))
    proxy = NdProxy(Rules(names, prefixes, everything_on_link=not prefixes))
    for line in replayed(_lines(arguments.file), proxy, commands, log):
        print(line)
    return 0


def replayed(lines: Iterable[str], proxy: NdProxy, commands: Commands, log: Log) -> Iterator[str]:
    """Yield the commands, each as one would type it; *log* gets the decisions."""
    for number, line in enumerate(lines, 1):
        if line.startswith("#") or not line.strip():
            continue
        event = parser.event(line)
        if event is None or isinstance(event, AddressChanged):
            continue
        if isinstance(event, LineRejected):
            log.record("warning", "line-rejected", line=event.text, wanted=event.why, number=number)
            continue
        decisions = proxy.handle(event, 0.0)
        log.decided(decisions)
        log.flush()
        for decision in decisions:
            for action in decision.actions:
                yield from (f"ip -6 {command}" for command in commands.lines(action))


def _lines(name: str) -> Iterator[str]:
    try:
        # Split at LF alone: an interface name may hold any other byte.
        with open(0 if name == "-" else name, "rb", closefd=name != "-") as file:
            for line in file:
                yield line.rstrip(b"\n").decode(errors="surrogateescape")
    except OSError as error:
        raise NdpbrError(f"a readable recording was wanted, got {name!r}: {error.strerror}") from error
