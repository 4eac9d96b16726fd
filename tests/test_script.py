"""Actions -> the text of a batch; stderr of ip(8) -> how each action ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ndpbr_py.core.actions import Action, AddProxy, AddRoute, Advertise, DelProxy, DelRoute
from ndpbr_py.core.events import ActionRefused, Refusal
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.script import CHECKPOINT_INTERVAL, BatchScript, Outcome
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


def script(*actions: Action, interval: int = CHECKPOINT_INTERVAL) -> BatchScript:
    made = BatchScript(Commands(135), interval)
    made.add(actions)
    return made


def checkpoint(number: int, line: int) -> str:
    """Return what ip prints about the checkpoint `@NUMBER` in line *line*."""
    return f'Object "@{number}" is unknown, try "ip help".\nCommand failed -:{line}\n'


def test_each_part_ends_with_a_checkpoint() -> None:
    """After each part comes a checkpoint with the number of actions so far."""
    made = BatchScript(Commands(135))

    assert made.add([ROUTE, PROXY]).decode().splitlines() == [
        "route add 2001:db8::33/128 dev lan0 proto 135 metric 4096",
        "neigh add proxy 2001:db8::33 dev wan0 proto 135",
        "@2",
    ]
    assert made.add([DelRoute(A, "lan0")]).decode().splitlines()[-1] == "@3"


def test_advertisement_has_a_checkpoint_of_its_own() -> None:
    """The checkpoint shows that the commands before it are done; the advertisement is returned once."""
    made, advertise = BatchScript(Commands(135)), Advertise(A, "wan0", None)

    lines = made.add([ROUTE, advertise, PROXY]).decode().splitlines()

    assert [line for line in lines if line.startswith("@")] == [lines[1], lines[3]] == ["@2", "@3"]
    assert made.acknowledged(b"") == []
    assert made.acknowledged(checkpoint(2, 2).encode()) == [advertise]
    assert made.acknowledged((checkpoint(2, 2) + checkpoint(3, 4)).encode()) == []


def test_long_part_has_checkpoints_in_between() -> None:
    """A long part has checkpoints in between, so that little is done twice."""
    lines = BatchScript(Commands(135), checkpoint_interval=16).add(MANY).decode().splitlines()

    assert [line for line in lines if line.startswith("@")] == ["@16", "@32", "@40"]


@pytest.mark.parametrize(
    ("stderr", "done"),
    {
        b"": 0,
        checkpoint(16, 17).encode(): 16,
        (checkpoint(16, 17) + checkpoint(32, 34)).encode(): 32,
        b'Object "@3': 0,
        b'@7" is': 0,
    }.items(),
)
def test_last_checkpoint_tells_how_much_is_done(stderr: bytes, done: int) -> None:
    """The last complete checkpoint counts; half a checkpoint is ignored."""
    assert BatchScript.done(stderr) == done


def test_nothing_but_checkpoints_means_done() -> None:
    """If ip complains about nothing but checkpoints, everything is done."""
    assert script(ROUTE, PROXY).outcome(checkpoint(2, 3).encode()) == Outcome()


@pytest.mark.parametrize(("text", "why"), TEXTS.items())
def test_refusal_is_recognized_by_its_text(text: str, why: Refusal) -> None:
    """A command that failed without ending the batch is found by the number of its line."""
    stderr = f"{text}\nCommand failed -:1\n{checkpoint(2, 3)}".encode()

    refused = ActionRefused(ROUTE, why, text.removeprefix("RTNETLINK answers: "))
    assert script(ROUTE, PROXY).outcome(stderr) == Outcome((refused,))


def test_action_of_two_commands_is_refused_as_one() -> None:
    """Which of its two commands failed does not matter."""
    text = 'Cannot find device "wan0"'
    stderr = f"{text}\nCommand failed -:1\n{text}\nCommand failed -:2\n{checkpoint(1, 3)}"

    assert script(DelProxy(A, "wan0")).outcome(stderr.encode()).refused == (
        ActionRefused(DelProxy(A, "wan0"), Refusal.NO_DEVICE, text),
    )


def test_complaint_about_the_warm_up_refuses_no_action() -> None:
    """A complaint about a line before the first part says nothing about the first action."""
    warm_up = "".join(f'Cannot find device "lo"\nCommand failed -:{line}\n' for line in (1, 2))
    made = BatchScript(Commands(135), lines_before=2)
    made.add([ROUTE, PROXY])

    stderr = f"{warm_up}RTNETLINK answers: File exists\nCommand failed -:3\n{checkpoint(2, 5)}"
    assert made.outcome(stderr.encode()) == Outcome((ActionRefused(ROUTE, Refusal.EXISTS, "File exists"),))


def test_early_end_leaves_everything_since_the_last_checkpoint_undone() -> None:
    """A refused neigh command ends the process, which does not say which command it was."""
    stderr = f"{checkpoint(16, 17)}RTNETLINK answers: Operation not permitted\n"

    assert script(*MANY).outcome(stderr.encode()) == Outcome((), tuple(MANY[16:]))


def test_early_end_is_found_with_a_checkpoint_after_every_action() -> None:
    """With an interval of 1, the action after the last checkpoint is the refused one."""
    stderr = f"{checkpoint(1, 2)}RTNETLINK answers: No such device\n"

    assert script(ROUTE, PROXY, DelRoute(A, "lan0"), interval=1).outcome(stderr.encode()) == Outcome(
        (ActionRefused(PROXY, Refusal.NO_DEVICE, "No such device"),), (DelRoute(A, "lan0"),)
    )


def test_process_that_printed_nothing_has_done_nothing() -> None:
    """Without any checkpoint nothing counts as done, and nothing as refused."""
    assert script(ROUTE, PROXY).outcome(b"") == Outcome((), (ROUTE, PROXY))


@pytest.mark.parametrize("version", ["4.20.0", "5.10.0", "6.1.0"])
def test_recorded_stderr_is_understood(version: str) -> None:
    """The stderr of a real ip(8) for ten commands has the same bytes in every version."""
    recorded = (FIXTURES / "captures" / f"batch-stderr-{version}.txt").read_text().splitlines(keepends=True)
    stderr = "".join(line for line in recorded if not line.startswith("#"))
    actions: list[Action] = MANY[:10]

    outcome = script(*actions, interval=1).outcome(stderr.encode())

    assert [(actions.index(it.action), it.why) for it in outcome.refused if isinstance(it.action, AddRoute)] == [
        (2, Refusal.EXISTS),
        (3, Refusal.ABSENT),
        (4, Refusal.NO_DEVICE),
        (5, Refusal.OTHER),
        (8, Refusal.ABSENT),
    ]
    assert outcome.undone == (actions[9],)


@given(st.binary() | st.text().map(str.encode))
def test_any_stderr_accounts_for_every_action(stderr: bytes) -> None:
    """No stderr raises an exception; actions are undone from some index on."""
    actions = MANY[:5]

    outcome = script(*actions).outcome(stderr)

    assert outcome.undone == tuple(actions[len(actions) - len(outcome.undone) :])
