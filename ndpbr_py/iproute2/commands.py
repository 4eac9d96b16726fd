"""Actions -> lines for `ip -6 -batch -`; what it says on stderr -> how each of them ended.

Pure.  Grammar: ip-route(8), ip-neighbour(8); texts as recorded from iproute2 4.20 to 7.1.

After each action stands a line `@K`.  No object of ip(8) begins with that sign, so ip says on stderr, in the same
bytes in every version, that it does not know it: that is how far the batch has come.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ndpbr_py.core.actions import Action, AddProxy, AddRoute, DelProxy, DelRoute, Mark, Probe
from ndpbr_py.core.events import ActionRefused, Refusal

MARKER = "100::1"  # in the discard prefix of RFC 6666: no host has it
_MARKER_LLADDR = "00:00:5e"  # the Internet Assigned Numbers Authority's own

# The quickest way to see that nothing was refused, the common case.
_ALL_DONE = re.compile(rb'(?:Object "@\d+" is unknown, try "ip help"\.\nCommand failed -:\d+\n)*')
_SENTINEL = re.compile(r'Object "@(\d+)" is unknown')
_REFUSALS = (
    ("File exists", Refusal.EXISTS),
    ("No such process", Refusal.ABSENT),
    ("No such file or directory", Refusal.ABSENT),
    ("No such device", Refusal.NO_DEVICE),
    ("Cannot find device", Refusal.NO_DEVICE),
    ("Nexthop device is not up", Refusal.NO_DEVICE),
    ("Network is down", Refusal.NO_DEVICE),
    ("Invalid device", Refusal.NO_DEVICE),
    ("Operation not permitted", Refusal.DENIED),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a batch ended: the actions refused, and those it did not come to."""

    refused: tuple[ActionRefused, ...]
    undone: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Commands:
    """The words for each action.

    Attributes:
        protocol: The number that tags routes and proxy entries as ours.
        has_use: Whether ip knows `neigh ... use` (iproute2 5.16).
    """

    protocol: int
    has_use: bool = True

    def lines(self, action: Action) -> tuple[str, ...]:
        """Return the commands that carry *action* out, each without the word ip."""
        match action:
            case AddRoute(address, dev):
                return (f"route add {address}/128 dev {dev} proto {self.protocol}",)
            case DelRoute(address, dev):
                return (f"route del {address}/128 dev {dev} proto {self.protocol}",)
            case AddProxy(address, dev):
                return (f"neigh add proxy {address} dev {dev} proto {self.protocol}",)
            case DelProxy(address, dev):
                # A failed `neigh del` ends the whole batch (exit 2); adding is idempotent, so this one can't fail.
                return (
                    f"neigh add proxy {address} dev {dev} proto {self.protocol}",
                    f"neigh del proxy {address} dev {dev}",
                )
            case Probe(address, dev, lladdr):
                return (self._probe(str(address), dev, lladdr),)
            case Mark(sequence):
                octets = sequence.to_bytes(3, "big").hex(":")
                return (
                    f"neigh replace {MARKER} lladdr {_MARKER_LLADDR}:{octets} dev lo nud permanent",
                    f"neigh del {MARKER} dev lo",
                )
        return ()

    def batch(self, actions: Sequence[Action]) -> bytes:
        """Return what is written to `ip -6 -force -batch -` to carry *actions* out."""
        text: list[str] = []
        for number, action in enumerate(actions):
            text.extend(self.lines(action))
            text.append(f"@{number}\n")
        return "\n".join(text).encode()

    def _probe(self, address: str, dev: str, lladdr: str | None) -> str:
        # `replace` with the address known does not fail where the entry is gone, as `change` would, for good.
        if lladdr is not None:
            return f"neigh replace {address} lladdr {lladdr} dev {dev} nud probe"
        if self.has_use:
            return f"neigh replace {address} dev {dev} nud none use"
        # Older: whatever the kernel has of it is looked at again when traffic comes.
        return f"neigh replace {address} dev {dev} nud delay"


def marker(sequence: int) -> str:
    """Return the lladdr under which Mark(*sequence*) comes back through the monitor."""
    return f"{_MARKER_LLADDR}:{sequence.to_bytes(3, 'big').hex(':')}"


def outcome(actions: Sequence[Action], stderr: bytes) -> Outcome:
    """Return how the batch of *actions* ended whose process has ended and said *stderr*."""
    if stderr.count(b'Object "@') >= len(actions) and _ALL_DONE.fullmatch(stderr):
        return Outcome((), ())
    refused: list[ActionRefused] = []
    complaint: list[str] = []
    done = 0
    for line in stderr.decode(errors="replace").splitlines():
        sentinel = _SENTINEL.match(line)
        if sentinel is not None:
            done = min(int(sentinel.group(1)) + 1, len(actions))
            if complaint and done:
                refused.append(_refused(actions[done - 1], complaint))
            complaint = []
        elif not line.startswith("Command failed"):
            complaint.append(line)
    if complaint and done < len(actions):
        # What ended the process is the action after the last sign of life; the rest was not come to.
        refused.append(_refused(actions[done], complaint))
        done += 1
    return Outcome(tuple(refused), tuple(actions[done:]))


def _refused(action: Action, complaint: Sequence[str]) -> ActionRefused:
    text = "; ".join(complaint).removeprefix("RTNETLINK answers: ")
    why = next((refusal for words, refusal in _REFUSALS if words in text), Refusal.OTHER)
    return ActionRefused(action, why, text)
