"""Actions -> text for one `ip -6 -force -batch -`; its stderr -> how each action ended.

Pure.  A line `@K` in the text is a checkpoint: K actions stand before it.  No object of ip(8) begins with `@`, so ip(8)
prints, in the same bytes from version 4.20 to 7.1, that it does not know the object: it has come that far.

An advertisement has no command, but a checkpoint of its own: a host waits for it, and the end of the part may be far.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address

from ndpbr_py.core.actions import Action, Advertise, Entry
from ndpbr_py.core.events import ActionRefused, Refusal
from ndpbr_py.iproute2.commands import Commands

# 3,000 hosts take the daemon 96 ms of CPU (1: 198 ms, 16: 108 ms), and equally long until they are installed.  Where a
# process dies, so many more actions are in doubt.
CHECKPOINT_INTERVAL = 64  # actions
# The quickest way to see the common case: nothing was refused.
_ONLY_CHECKPOINTS = re.compile(rb'(?:Object "@\d+" is unknown, try "ip help"\.\nCommand failed -:\d+\n)*')
_CHECKPOINT = re.compile(r'Object "@([0-9]{1,9})" is unknown')
_FAILED = re.compile(r"Command failed -:([0-9]{1,9})")
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
    """How a batch ended.

    Attributes:
        refused: The actions that the kernel refused.
        undone: The actions that the process did not reach, as far as is known.
    """

    refused: tuple[ActionRefused, ...] = ()
    undone: tuple[Action, ...] = ()

    @property
    def refused_addresses(self) -> frozenset[IPv6Address]:
        """The addresses of refused routes and proxy entries."""
        return frozenset(event.action.address for event in self.refused if isinstance(event.action, Entry))


class BatchScript:
    """The text for one process, part by part; each part ends with a checkpoint.

    Args:
        commands: Writes an action as ip(8) commands.
        checkpoint_interval: How many actions there are between two checkpoints of a long part.
        lines_before: How many lines the process has read already.

    Attributes:
        actions: The actions of all parts.
    """

    def __init__(
        self, commands: Commands, checkpoint_interval: int = CHECKPOINT_INTERVAL, lines_before: int = 0
    ) -> None:
        self.actions: list[Action] = []
        self.checkpoint_interval = checkpoint_interval
        self._lines_before = lines_before
        self._commands = commands
        self._checkpoints: set[int] = set()
        self._advertisements: deque[tuple[int, Advertise]] = deque()

    def add(self, actions: Iterable[Action]) -> bytes:
        """Add a part; return its text."""
        before = len(self.actions)
        lines: list[str] = []
        for action in actions:
            if lines and len(self.actions) % self.checkpoint_interval == 0:
                self._add_checkpoint(lines)
            lines.extend(self._commands.lines(action))
            self.actions.append(action)
            if isinstance(action, Advertise):
                self._advertisements.append((len(self.actions), action))
                self._add_checkpoint(lines)
        if len(self.actions) == before:
            return b""
        self._add_checkpoint(lines)
        return "\n".join([*lines, ""]).encode()

    @staticmethod
    def done(stderr: bytes | bytearray) -> int:
        """Return how many actions are done by the last checkpoint at the end of *stderr*; 0 if none is there."""
        number, quote, _ = stderr.rpartition(b'Object "@')[2].partition(b'"')
        return int(number) if quote and number.isdigit() else 0

    def acknowledged(self, stderr: bytes | bytearray) -> list[Advertise]:
        """Return each advertisement once, when the kernel has carried out everything before it.

        An advertisement for an address that has a refused action is never returned.
        """
        reached: list[Advertise] = []
        while self._advertisements and self._advertisements[0][0] <= self.done(stderr):
            reached.append(self._advertisements.popleft()[1])
        if not reached or _ONLY_CHECKPOINTS.fullmatch(stderr):
            return reached
        refused = self.outcome(stderr).refused_addresses
        return [advertisement for advertisement in reached if advertisement.address not in refused]

    def outcome(self, stderr: bytes | bytearray) -> Outcome:
        """Return how a process ended that has printed *stderr*.

        A refused neigh command ends the process without saying which command it was.  If there is a checkpoint after
        every action, it is the one after the last checkpoint, and counts as refused.  Otherwise everything after the
        last checkpoint counts as undone.
        """
        if self.done(stderr) == len(self.actions) and _ONLY_CHECKPOINTS.fullmatch(stderr):
            return Outcome()
        action_of_line = self._action_of_line()
        refused: dict[int, ActionRefused] = {}
        complaint: list[str] = []
        done = 0
        for line in stderr.decode(errors="replace").splitlines():
            if (checkpoint := _CHECKPOINT.match(line)) is not None:
                done, complaint = min(int(checkpoint.group(1)), len(self.actions)), []
            elif (failed := _FAILED.match(line)) is None:
                complaint.append(line)
            else:
                if complaint and (number := action_of_line.get(int(failed.group(1)))) is not None:
                    refused[number] = _refused(self.actions[number], complaint)
                complaint = []
        if complaint and self.checkpoint_interval == 1 and done < len(self.actions):
            refused[done] = _refused(self.actions[done], complaint)
            done += 1
        known = tuple(refused[number] for number in sorted(refused) if number < done)
        return Outcome(known, tuple(self.actions[done:]))

    def _add_checkpoint(self, lines: list[str]) -> None:
        if len(self.actions) not in self._checkpoints:
            self._checkpoints.add(len(self.actions))
            lines.append(f"@{len(self.actions)}")

    def _action_of_line(self) -> dict[int, int]:
        """Return the number of a line, counted from 1 as ip(8) does -> the index in `actions`."""
        result: dict[int, int] = {}
        line = self._lines_before
        for index, action in enumerate(self.actions):
            for _ in self._commands.lines(action):
                line += 1
                result[line] = index
            line += index + 1 in self._checkpoints
        return result


def _refused(action: Action, complaint: Sequence[str]) -> ActionRefused:
    text = "; ".join(complaint).removeprefix("RTNETLINK answers: ")
    refusal = next((refusal for words, refusal in _REFUSALS if words in text), Refusal.OTHER)
    return ActionRefused(action, refusal, text)
