"""ndpbr replay: a recording -> the decisions and commands that would follow.  Nothing is changed.

Log records go where those of `run` go, with the time of the recording; commands go to standard output, one per line.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ndpbr_py import config
from ndpbr_py.control import rules
from ndpbr_py.core.events import AddressChanged, Event, LineRejected, Tick
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.state import Rules
from ndpbr_py.errors import ConfigError, NdpbrError
from ndpbr_py.iproute2 import parser
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.logs.logger import Log
from ndpbr_py.recording.format import DAEMON, ENDED, INTERFACES, STARTED, ZONE, Recording, ReplayClock, comment

_MAX_REJECTED_LINES = 100  # lines, before the first that can be parsed
_NO_RECORDING = "expected a recording or the output of `ip -6 monitor neigh`, got something else"


def main(arguments: argparse.Namespace) -> int:
    """Replay a file."""
    recording = Recording(_lines(arguments.file))
    if not arguments.interfaces and INTERFACES not in recording.values:
        raise ConfigError("replay needs --interfaces, because the recording does not name them")
    listed = arguments.interfaces or config.interface_list(recording.values[INTERFACES])
    prefixes = frozenset(arguments.prefixes)
    recorded, protocol = _recorded_rules(recording.values.get(DAEMON, "null"))
    protocol = protocol if arguments.protocol is None else arguments.protocol
    narrowed = rules.narrowed(recorded, listed, prefixes)
    proxy = NdProxy(replace(narrowed, everything_on_link=not prefixes and not recording.has_header))
    clock = ReplayClock(recording.values.get(ZONE, ""), wait=time.sleep if arguments.real_time else None)
    log = Log(config.log_config(arguments), date=clock.date)
    player = Player(proxy, Commands(protocol), log, clock)
    if recording.has_header:
        _print(player.advance(recording.values.get(STARTED, "")))
        _print(player.handle(recording.snapshot(listed, protocol, prefixes)))
    for line in recording.monitor_lines():
        _print(player.play(line, recording.number))
    log.flush()
    if player.rejected and not player.understood:
        raise NdpbrError(_NO_RECORDING)
    return 0


class Player:
    """Passes a recording to the core, line by line.

    Attributes:
        understood: The number of lines about a neighbor or a link.
        rejected: The number of lines that the monitor does not print.
    """

    def __init__(self, proxy: NdProxy, commands: Commands, log: Log, clock: ReplayClock) -> None:
        self._proxy = proxy
        self._commands = commands
        self._log = log
        self._clock = clock
        self.rejected = 0
        self.understood = 0

    def play(self, line: str, number: int) -> Iterator[str]:
        """Yield the commands that follow from a line, as one would type them; log the decisions.

        Raises:
            NdpbrError: So many lines were rejected that the file is something else.
        """
        yield from self.advance(line.removeprefix(comment(ENDED, "")))
        if line.startswith("#") or not line.strip():
            return
        event = parser.event(line)
        if not isinstance(event, LineRejected):
            self.understood += event is not None
            if event is not None and not isinstance(event, AddressChanged):
                yield from self.handle(event)
            return
        self._log.record("warning", "line-rejected", line=event.text, error=event.why, number=number)
        self.rejected += 1
        if not self.understood and self.rejected == _MAX_REJECTED_LINES:
            raise NdpbrError(_NO_RECORDING)

    def advance(self, line: str) -> Iterator[str]:
        """Yield the commands that follow from the ticks until the time of *line*."""
        for _ in self._clock.ticks(line, self._proxy.next_deadline):
            yield from self.handle(Tick())

    def handle(self, event: Event) -> Iterator[str]:
        """Yield the commands that follow from an event."""
        decisions = self._proxy.handle(event, self._clock.now)
        self._log.decided(decisions)
        self._log.flush()
        for decision in decisions:
            for action in decision.actions:
                yield from self._commands.shown(action)


def _recorded_rules(answer: str) -> tuple[Rules, int]:
    """Return the rules and the protocol number of the daemon that gave *answer*."""
    try:
        return rules.parse_rules(json.loads(answer))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NdpbrError("expected a whole recording, got one whose `# daemon` line cannot be parsed") from error


def _print(commands: Iterable[str]) -> None:
    for command in commands:
        print(command)
    sys.stdout.flush()


def _lines(name: str) -> Iterator[str]:
    try:
        # Split at LF only: an interface name may contain any other byte.
        with open(0 if name == "-" else name, "rb", closefd=name != "-") as file:
            for line in file:
                yield line.decode(errors="surrogateescape")
    except OSError as error:
        raise NdpbrError(f"{name} could not be read: {error.strerror}") from error
