"""Actions -> text for one `ip -6 -force -batch -`; what it said on stderr -> how each of them ended.

Pure.  Now and then stands a line `@K`: after K actions.  No object of ip(8) begins with that sign, so ip says on
stderr, in the same bytes in every version from 4.20 to 7.1, that it does not know it: that is how far it has come.
(One after each action would take half as long again as the actions themselves.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ndpbr_py.core.actions import Action
from ndpbr_py.core.events import ActionRefused, Refusal
from ndpbr_py.iproute2.commands import Commands

STEP = 16  # actions between two signs
# The quickest way to see that nothing was refused, the common case.
_SIGNS_ALONE = re.compile(rb'(?:Object "@\d+" is unknown, try "ip help"\.\nCommand failed -:\d+\n)*')
_SIGN = re.compile(r'Object "@([0-9]{1,9})" is unknown')
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
    """How a batch ended: the actions refused, and those it did not come to."""

    refused: tuple[ActionRefused, ...] = ()
    undone: tuple[Action, ...] = ()


class BatchScript:
    """What one process is told, bit by bit; with a sign after every *step* actions, and after each bit.

    It has been told *before* lines already.
    """

    def __init__(self, commands: Commands, step: int = STEP, before: int = 0) -> None:
        self.actions: list[Action] = []
        self.step = step
        self._before = before
        self._commands = commands
        self._signs: set[int] = set()

    def add(self, actions: Iterable[Action]) -> bytes:
        """Return the text that carries *actions* out, too."""
        before = len(self.actions)
        lines: list[str] = []
        for action in actions:
            if lines and len(self.actions) % self.step == 0:
                self._sign(lines)
            lines.extend(self._commands.lines(action))
            self.actions.append(action)
        if len(self.actions) == before:
            return b""
        self._sign(lines)
        return "\n".join([*lines, ""]).encode()

    @staticmethod
    def done(stderr: bytes | bytearray) -> int:
        """Return how many actions it has done, from the end of what it said; 0 if that does not tell."""
        number, quote, _ = stderr.rpartition(b'Object "@')[2].partition(b'"')
        return int(number) if quote and number.isdigit() else 0

    def outcome(self, stderr: bytes) -> Outcome:
        """Return how it ended, told by a process that has ended and said *stderr*.

        A refused neigh command ends the process without saying which it was.  With a step of 1 it is known to be the
        one after the last sign, and counts as refused; otherwise nothing after the last sign counts as done.
        """
        if self.done(stderr) == len(self.actions) and _SIGNS_ALONE.fullmatch(stderr):
            return Outcome()
        places = self._places()
        refused: dict[int, ActionRefused] = {}
        complaint: list[str] = []
        done = 0
        for line in stderr.decode(errors="replace").splitlines():
            if (sign := _SIGN.match(line)) is not None:
                done, complaint = min(int(sign.group(1)), len(self.actions)), []
            elif (failed := _FAILED.match(line)) is None:
                complaint.append(line)
            else:
                if complaint and (place := places.get(int(failed.group(1)))) is not None:
                    refused[place] = _refused(self.actions[place], complaint)
                complaint = []
        if complaint and self.step == 1 and done < len(self.actions):
            refused[done] = _refused(self.actions[done], complaint)
            done += 1
        return Outcome(tuple(refused[place] for place in sorted(refused) if place < done), tuple(self.actions[done:]))

    def _sign(self, lines: list[str]) -> None:
        self._signs.add(len(self.actions))
        lines.append(f"@{len(self.actions)}")

    def _places(self) -> dict[int, int]:
        """Return the place in `actions` of each line of the text; lines are counted from 1."""
        places: dict[int, int] = {}
        line = self._before
        for place, action in enumerate(self.actions):
            for _ in self._commands.lines(action):
                line += 1
                places[line] = place
            line += place + 1 in self._signs
        return places


def _refused(action: Action, complaint: Sequence[str]) -> ActionRefused:
    said = "; ".join(complaint).removeprefix("RTNETLINK answers: ")
    why = next((refusal for words, refusal in _REFUSALS if words in said), Refusal.OTHER)
    return ActionRefused(action, why, said)
