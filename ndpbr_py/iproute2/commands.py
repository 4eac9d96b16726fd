"""Action -> commands for ip(8), as in the lines of a batch.

Pure.  Grammar: ip-route(8), ip-neighbour(8), iproute2 5.0 (the first with `proto` for neighbors) to 7.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from ndpbr_py.core.actions import (
    Action,
    AddProxy,
    AddRoute,
    Advertise,
    DelNeighbor,
    DelProxy,
    DelRoute,
    Mark,
    Probe,
    RejoinGroup,
)
from ndpbr_py.core.address import text

# Larger than 1024, the default. Otherwise another program's `route add` fails where ours exists, and wg-quick, for
# one, then takes its interface down. Its route comes first, and replaces ours.
METRIC = 4096
_MARKER_LLADDR = "00:00:5e"  # the prefix of IANA itself: no host has it


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands for each action.

    Attributes:
        protocol: The number that tags routes and proxy entries as ours.
        has_use: Whether ip knows `neigh ... use` (iproute2 5.16).
    """

    protocol: int
    has_use: bool = True

    @property
    def marker(self) -> str:
        """The address of markers and warm-ups, in the discard prefix of RFC 6666: no host has it.

        Another daemon on the machine has another protocol number, so it does not delete our marker.
        """
        return f"100::{self.protocol:x}"

    def lines(self, action: Action) -> tuple[str, ...]:
        """Return the commands that carry *action* out, each without `ip -6`."""
        if isinstance(action, AddRoute):
            return (f"route add {text(action.address)}/128 dev {action.dev} proto {self.protocol} metric {METRIC}",)
        if isinstance(action, AddProxy):
            return (f"neigh add proxy {text(action.address)} dev {action.dev} proto {self.protocol}",)
        if isinstance(action, Probe):
            return (self._probe(text(action.address), action),)
        if isinstance(action, DelRoute):
            return (f"route del {text(action.address)}/128 dev {action.dev} proto {self.protocol}",)
        if isinstance(action, DelProxy):
            address = text(action.address)
            # A failed `neigh del` ends the whole batch (exit 2); adding is idempotent, so this one cannot fail.
            return (
                f"neigh add proxy {address} dev {action.dev} proto {self.protocol}",
                f"neigh del proxy {address} dev {action.dev}",
            )
        if isinstance(action, DelNeighbor):
            entry = f"{text(action.address)} dev {action.dev}"
            # As above: the first command makes an entry where there is none any more.
            return (f"neigh replace {entry} nud failed", f"neigh del {entry}")
        if isinstance(action, RejoinGroup):
            entries = [f"{text(address)} dev {action.dev}" for address in action.addresses]
            add = [f"neigh add proxy {entry} proto {self.protocol}" for entry in entries]
            return (*add, *[f"neigh del proxy {entry}" for entry in entries], *add)
        if isinstance(action, Mark):
            return (
                f"neigh replace {self.marker} lladdr {marker(action.sequence)} dev lo nud permanent",
                f"neigh del {self.marker} dev lo",
            )
        if isinstance(action, Advertise):
            return ()  # a packet of ours
        assert_never(action)

    def shown(self, action: Action) -> tuple[str, ...]:
        """Return what *action* does, for the log and for a replay: whole command lines, or a packet in words."""
        if isinstance(action, Advertise):
            source = f" from {text(action.address)}" if action.as_target else ""
            destination = text(action.destination) if action.destination is not None else "ff02::1"
            return (f"advertise {text(action.address)} dev {action.dev} to {destination}{source}",)
        return tuple(f"ip -6 {line}" for line in self.lines(action))

    def warm_up(self) -> str:
        """Return lines that change nothing in the end: a process that has run them does its first action sooner."""
        return f"neigh add proxy {self.marker} dev lo proto {self.protocol}\nneigh del proxy {self.marker} dev lo\n"

    def flush(self) -> tuple[tuple[str, ...], ...]:
        """Return the arguments of the commands that remove every entry with our tag, proxy entries first."""
        tag = ("proto", str(self.protocol))
        return ("neigh", "flush", "proxy", *tag), ("route", "flush", *tag)

    def _probe(self, address: str, probe: Probe) -> str:
        dev = probe.dev
        if probe.lladdr is not None:
            # `change` ends the batch if the entry is gone; `replace` with the lladdr makes a new one.
            return f"neigh {'add' if probe.new else 'replace'} {address} lladdr {probe.lladdr} dev {dev} nud probe"
        if self.has_use:
            return f"neigh replace {address} dev {dev} nud none use"
        # Before 5.16: the kernel probes an entry that it has when traffic comes.
        return f"neigh replace {address} dev {dev} nud delay"


def marker(sequence: int) -> str:
    """Return the lladdr that the monitor prints for Mark(*sequence*)."""
    return f"{_MARKER_LLADDR}:{sequence.to_bytes(3, 'big').hex(':')}"
