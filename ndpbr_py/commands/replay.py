"""ndpbr replay: a recording -> the decisions and commands that would follow.  Nothing is touched.

Records go where those of `run` go, with the time recorded; the commands go to standard output, one a line.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ndpbr_py import config
from ndpbr_py.cli import log_config
from ndpbr_py.control import rules
from ndpbr_py.core.events import AddressChanged, Event, LineRejected, Tick
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.state import Rules
from ndpbr_py.errors import ConfigError, NdpbrError
from ndpbr_py.iproute2 import parser
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.logs.logger import Log
from ndpbr_py.recording.format import DAEMON, ENDED, INTERFACES, STARTED, ZONE, Clock, Recording, comment

_MOST_REJECTED = 100  # lines, before the first that says anything
_SOMETHING_ELSE = "a recording, or what `ip -6 monitor neigh` prints, was wanted, got something else"


def main(arguments: argparse.Namespace) -> int:
    """Replay a file."""
    protocol = None if arguments.protocol is None else config.protocol(arguments.protocol)
    prefixes = config.prefixes(arguments.prefix)
    listed = None if arguments.interfaces is None else config.interfaces(arguments.interfaces.split(","))
    recording = Recording(_lines(arguments.file))
    if listed is None:
        if INTERFACES not in recording.values:
            raise ConfigError("--interfaces was wanted, because the recording does not name them")
        listed = config.interfaces(recording.values[INTERFACES].split(","))
    theirs, tag = _recorded(recording.values.get(DAEMON, "null"))
    protocol = tag if protocol is None else protocol
    wanted = replace(
        rules.narrowed(theirs, listed, prefixes), everything_on_link=not prefixes and not recording.has_header
    )
    clock = Clock(recording.values.get(ZONE, ""), wait=time.sleep if arguments.real_time else None)
    log = Log(log_config(arguments), date=clock.date)
    player = Player(NdProxy(wanted), Commands(protocol), log, clock)
    if recording.has_header:
        _print(player.pass_time(recording.values.get(STARTED, "")))
        _print(player.told(recording.kernel(listed, protocol, prefixes)))
    for line in recording.heard():
        _print(player.heard(line, recording.number))
    log.flush()
    if player.rejected and not player.understood:
        raise NdpbrError(_SOMETHING_ELSE)
    return 0


class Player:
    """Has the core decide about what was recorded.

    Attributes:
        understood: How many lines said something about a neighbor or a link.
        rejected: How many were no lines of the monitor.
    """

    def __init__(self, proxy: NdProxy, commands: Commands, log: Log, clock: Clock) -> None:
        self._proxy = proxy
        self._commands = commands
        self._log = log
        self._clock = clock
        self.rejected = 0
        self.understood = 0

    def heard(self, line: str, number: int) -> Iterator[str]:
        """Yield the commands that follow from a line, each as one would type it; the log gets the decisions.

        Raises:
            NdpbrError: So many were no lines of the monitor that the file is something else.
        """
        yield from self.pass_time(line.removeprefix(comment(ENDED, "")))
        if line.startswith("#") or not line.strip():
            return
        event = parser.event(line)
        if not isinstance(event, LineRejected):
            self.understood += event is not None
            if event is not None and not isinstance(event, AddressChanged):
                yield from self.told(event)
            return
        self._log.record("warning", "line-rejected", line=event.text, expected=event.why, number=number)
        self.rejected += 1
        if not self.understood and self.rejected == _MOST_REJECTED:
            raise NdpbrError(_SOMETHING_ELSE)

    def pass_time(self, line: str) -> Iterator[str]:
        """Yield the commands that follow as the time goes by until that of *line*."""
        for _ in self._clock.ticks(line):
            yield from self.told(Tick())

    def told(self, event: Event) -> Iterator[str]:
        """Yield the commands that follow from an event."""
        decisions = self._proxy.handle(event, self._clock.now)
        self._log.decided(decisions)
        self._log.flush()
        for decision in decisions:
            for action in decision.actions:
                yield from (f"ip -6 {command}" for command in self._commands.lines(action))


def _recorded(daemon: str) -> tuple[Rules, int]:
    """Return the rules, and the protocol number, of the daemon that ran."""
    try:
        return rules.heard(json.loads(daemon))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NdpbrError("a whole recording was wanted, got one in which what the daemon said is garbled") from error


def _print(commands: Iterable[str]) -> None:
    for command in commands:
        print(command)
    sys.stdout.flush()


def _lines(name: str) -> Iterator[str]:
    try:
        # Split at LF alone: an interface name may hold any other byte.
        with open(0 if name == "-" else name, "rb", closefd=name != "-") as file:
            for line in file:
                yield line.decode(errors="surrogateescape")
    except OSError as error:
        raise NdpbrError(f"a readable recording was wanted, got {name!r}: {error.strerror}") from error
