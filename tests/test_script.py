"""Actions -> the text of a batch; what ip(8) said -> how each of them ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ndpbr_py.core.actions import Action, AddProxy, AddRoute, DelProxy, DelRoute
from ndpbr_py.core.events import ActionRefused, Refusal
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.script import STEP, BatchScript, Outcome
from tests.builders import FIXTURES, addr

A = addr()
ROUTE, PROXY = AddRoute(A, "lan0"), AddProxy(A, "wan0")
MANY: list[Action] = [AddRoute(addr(f"2001:db8::{n:x}"), "lan0") for n in range(40)]
TEXTS = {
    "RTNETLINK answers: File exists": Refusal.EXISTS,
    "RTNETLINK answers: No such process": Refusal.ABSENT,
    "RTNETLINK answers: No such file or directory": Refusal.ABSENT,
    "RTNETLINK answers: No such device": Refusal.NO_DEVICE,
    'Cannot find device "lan0"': Refusal.NO_DEVICE,
    "Error: Nexthop device is not up.": Refusal.NO_DEVICE,
    "RTNETLINK answers: Network is down": Refusal.NO_DEVICE,
    "RTNETLINK answers: Operation not permitted": Refusal.DENIED,
    "Error: Egress device not specified.": Refusal.OTHER,
    "RTNETLINK answers: No buffer space available": Refusal.OTHER,
}


def script(*actions: Action, step: int = STEP) -> BatchScript:
    made = BatchScript(Commands(135), step)
    made.add(actions)
    return made


def sign(number: int, line: int) -> str:
    """Return what ip says of the line `@NUMBER`, the LINE-th."""
    return f'Object "@{number}" is unknown, try "ip help".\nCommand failed -:{line}\n'


def test_text_ends_each_bit_with_a_sign() -> None:
    """After what is said at once stands a sign with the number of actions until there."""
    made = BatchScript(Commands(135))

    assert made.add([ROUTE, PROXY]).decode().splitlines() == [
        "route add 2001:db8::33/128 dev lan0 proto 135",
        "neigh add proxy 2001:db8::33 dev wan0 proto 135",
        "@2",
    ]
    assert made.add([DelRoute(A, "lan0")]).decode().splitlines()[-1] == "@3"


def test_text_has_a_sign_every_step() -> None:
    """A long bit has signs in between, so that little is done twice."""
    lines = BatchScript(Commands(135), step=16).add(MANY).decode().splitlines()

    assert [line for line in lines if line.startswith("@")] == ["@16", "@32", "@40"]


@pytest.mark.parametrize(
    ("said", "done"),
    {
        b"": 0,
        sign(16, 17).encode(): 16,
        (sign(16, 17) + sign(32, 34)).encode(): 32,
        b'Object "@3': 0,
        b'@7" is': 0,
    }.items(),
)
def test_end_of_what_was_said_tells_how_far_it_is(said: bytes, done: int) -> None:
    """The last whole sign counts; of half a one nothing is known."""
    assert BatchScript.done(said) == done


def test_silence_but_for_signs_means_done() -> None:
    """Where only the signs were unknown to ip, everything was done."""
    assert script(ROUTE, PROXY).outcome(sign(2, 3).encode()) == Outcome()


@pytest.mark.parametrize(("text", "why"), TEXTS.items())
def test_refusal_is_told_from_its_text(text: str, why: Refusal) -> None:
    """A command that failed without ending the batch is known by the number of its line."""
    said = f"{text}\nCommand failed -:1\n{sign(2, 3)}".encode()

    refused = ActionRefused(ROUTE, why, text.removeprefix("RTNETLINK answers: "))
    assert script(ROUTE, PROXY).outcome(said) == Outcome((refused,))


def test_action_of_two_commands_is_refused_as_one() -> None:
    """Which of its two commands failed does not matter."""
    text = 'Cannot find device "wan0"'
    said = f"{text}\nCommand failed -:1\n{text}\nCommand failed -:2\n{sign(1, 3)}"

    assert script(DelProxy(A, "wan0")).outcome(said.encode()).refused == (
        ActionRefused(DelProxy(A, "wan0"), Refusal.NO_DEVICE, text),
    )


def test_complaint_about_what_came_before_is_nobodys() -> None:
    """What was refused of the rehearsal says nothing about the first action."""
    rehearsed = "".join(f'Cannot find device "lo"\nCommand failed -:{line}\n' for line in (1, 2))
    made = BatchScript(Commands(135), before=2)
    made.add([ROUTE, PROXY])

    said = f"{rehearsed}RTNETLINK answers: File exists\nCommand failed -:3\n{sign(2, 5)}"
    assert made.outcome(said.encode()) == Outcome((ActionRefused(ROUTE, Refusal.EXISTS, "File exists"),))


def test_end_in_the_middle_leaves_the_rest_since_the_last_sign_undone() -> None:
    """A refused neigh command ends the process without a word about which it was."""
    said = f"{sign(16, 17)}RTNETLINK answers: Operation not permitted\n"

    assert script(*MANY).outcome(said.encode()) == Outcome((), tuple(MANY[16:]))


def test_end_is_pinned_down_with_a_sign_after_every_action() -> None:
    """With a step of 1 the action after the last sign is the one that was refused."""
    said = f"{sign(1, 2)}RTNETLINK answers: No such device\n"

    assert script(ROUTE, PROXY, DelRoute(A, "lan0"), step=1).outcome(said.encode()) == Outcome(
        (ActionRefused(PROXY, Refusal.NO_DEVICE, "No such device"),), (DelRoute(A, "lan0"),)
    )


def test_process_that_said_nothing_has_done_nothing() -> None:
    """Without any sign nothing counts as done, and nothing as refused."""
    assert script(ROUTE, PROXY).outcome(b"") == Outcome((), (ROUTE, PROXY))


@pytest.mark.parametrize("version", ["4.20.0", "5.10.0", "6.1.0"])
def test_recorded_answers_are_understood(version: str) -> None:
    """What a real ip said to nine commands and ended with, in every version in the same bytes."""
    recorded = (FIXTURES / "captures" / f"batch-stderr-{version}.txt").read_text().splitlines(keepends=True)
    said = "".join(line for line in recorded if not line.startswith("#"))
    actions: list[Action] = MANY[:10]

    outcome = script(*actions, step=1).outcome(said.encode())

    assert [(actions.index(it.action), it.why) for it in outcome.refused if isinstance(it.action, AddRoute)] == [
        (2, Refusal.EXISTS),
        (3, Refusal.ABSENT),
        (4, Refusal.NO_DEVICE),
        (5, Refusal.OTHER),
        (8, Refusal.ABSENT),
    ]
    assert outcome.undone == (actions[9],)


@given(st.binary() | st.text().map(str.encode))
def test_whatever_it_says_every_action_is_accounted_for(said: bytes) -> None:
    """No answer ends the program; actions are undone from some place on."""
    actions = MANY[:5]

    outcome = script(*actions).outcome(said)

    assert outcome.undone == tuple(actions[len(actions) - len(outcome.undone) :])
