"""Actions -> batches for a program; what it refuses -> events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from ndpbr_py.core.actions import (
    Action,
    AddProxy,
    AddRoute,
    DelProxy,
    DelRoute,
    Mark,
    Probe,
    RejoinGroup,
    RequestResync,
)
from ndpbr_py.core.events import ActionRefused, Refusal
from ndpbr_py.iproute2 import batch
from ndpbr_py.iproute2 import executor as under_test
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.executor import LIMIT, Executor
from tests.builders import LLADDR, addr
from tests.scripts import DEADLINE, Watched, script, until

A = addr()
ROUTE, PROXY, ASK = AddRoute(A, "lan0"), AddProxy(A, "wan0"), Probe(A, "lan0", LLADDR)
UNKNOWN = r"""@*) echo "Object \"$words\" is unknown, try \"ip help\"." >&2; echo "Command failed -:$n" >&2;;"""


def ip(folder: Path, *cases: str) -> str:
    """Return a program that notes what it is told in `told`, a line `--` before each batch, and answers by *cases*.

    What it rehearses is not noted.
    """
    rehearsed = Commands(135).warm_up().count("\n")
    note = (f'[ $n = {rehearsed + 1} ] && echo -- >>"{folder}/told"', f'echo "$words" >>"{folder}/told"')
    lines = ("n=0", "while read -r words; do", "n=$((n + 1))", f"[ $n -le {rehearsed} ] && continue", *note)
    return script(folder, *lines, 'case "$words" in', *cases, UNKNOWN, "esac", "done")


def told(folder: Path) -> list[str]:
    """Return what the programs were told, without the signs."""
    path = folder / "told"
    return [line for line in path.read_text().splitlines() if line[0] != "@"] if path.exists() else []


def run(path: str, *bits: Sequence[Action]) -> Watched:
    """Return what was told when each of *bits* had been run, one after the other."""

    async def story() -> Watched:
        watched = Watched()
        executor = Executor(path, Commands(135), watched)
        async with asyncio.timeout(DEADLINE):
            for actions in bits:
                executor.submit(actions)
                await executor.drained()
        executor.close()
        return watched

    return asyncio.run(story())


def test_actions_are_run_in_order_and_probes_after_them(tmp_path: Path) -> None:
    """One batch carries out what was submitted, in its order; the kernel is asked about hosts last."""
    watched = run(ip(tmp_path), [ASK, ROUTE, PROXY])

    assert told(tmp_path) == [
        "--",
        "route add 2001:db8::33/128 dev lan0 proto 135",
        "neigh add proxy 2001:db8::33 dev wan0 proto 135",
        f"neigh replace 2001:db8::33 lladdr {LLADDR} dev lan0 nud probe",
    ]
    assert (watched.refusals, watched.failed_probes) == ([], [])


def test_each_batch_has_a_process_of_its_own(tmp_path: Path) -> None:
    """A process that lives long programs the wrong interface after a rename."""
    run(ip(tmp_path), [ROUTE], [PROXY])

    assert told(tmp_path).count("--") == 2


def test_later_action_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    """What is undone before it was done is not done at all."""
    run(ip(tmp_path), [ROUTE, PROXY, DelProxy(A, "wan0"), DelRoute(A, "lan0"), Mark(1), Mark(2)])

    assert [line.split()[1] for line in told(tmp_path)[1:]] == ["add", "del", "del", "replace", "del"]
    assert "route add 2001:db8::33/128 dev lan0 proto 135" not in told(tmp_path)


def test_entry_that_goes_does_not_come_back_by_a_refresh(tmp_path: Path) -> None:
    """Taking entries out and in is another matter than removing one of them, which comes later and stays."""
    run(ip(tmp_path), [RejoinGroup((A, addr("2001:db8::44")), "wan0"), DelProxy(A, "wan0")])

    assert [line.split()[1] for line in told(tmp_path)[1:]] == ["add", "add", "del", "del", "add", "add", "add", "del"]
    assert told(tmp_path)[-1] == "neigh del proxy 2001:db8::33 dev wan0"


def test_refusal_that_ends_nothing_is_told(tmp_path: Path) -> None:
    """A refused route leaves the rest of the batch as it is."""
    answer = "route*) echo 'RTNETLINK answers: File exists' >&2; echo \"Command failed -:$n\" >&2;;"

    watched = run(ip(tmp_path, answer), [ROUTE, PROXY])

    assert watched.refusals == [ActionRefused(ROUTE, Refusal.EXISTS, "File exists")]
    assert watched.failed_probes == []


def test_refusal_that_ends_the_process_is_pinned_down(tmp_path: Path) -> None:
    """Of many commands the one that ended the process is told, and all others are carried out."""
    answer = "*wan9*) echo 'RTNETLINK answers: No such device' >&2; exit 2;;"
    bad = AddProxy(A, "wan9")
    others: list[Action] = [AddProxy(addr(f"2001:db8::{n:x}"), "wan0") for n in range(40)]

    watched = run(ip(tmp_path, answer), [*others[:20], bad, *others[20:]])

    assert watched.refusals == [ActionRefused(bad, Refusal.NO_DEVICE, "No such device")]
    assert watched.failed_probes == []
    lines = set(told(tmp_path))
    assert all(Commands(135).lines(action)[0] in lines for action in others)


def test_what_follows_from_a_refusal_comes_after_what_was_undone(tmp_path: Path) -> None:
    """An entry that is taken back is not put back by a process that carries out the rest of an earlier batch."""
    answer = "*wan9*) echo 'RTNETLINK answers: No such device' >&2; exit 2;;"
    path = ip(tmp_path, answer)

    class TakesBack(Watched):
        def refused(self, event: ActionRefused) -> None:
            # Another host waits for its route, so that nothing is put off.
            executors[0].submit([DelProxy(A, "wan0"), AddRoute(addr("2001:db8::44"), "lan0")])
            executors[0].flush()

    async def story() -> None:
        executor = Executor(path, Commands(135), TakesBack())
        executors.append(executor)
        async with asyncio.timeout(DEADLINE):
            executor.submit([AddProxy(A, "wan9"), PROXY])
            await executor.drained()
        executor.close()

    executors: list[Executor] = []
    asyncio.run(story())

    [add] = Commands(135).lines(PROXY)
    assert Commands(135).lines(DelProxy(A, "wan0")) == (add, "neigh del proxy 2001:db8::33 dev wan0")
    assert told(tmp_path).count(add) == 1
    assert told(tmp_path).index(add) < told(tmp_path).index("neigh del proxy 2001:db8::33 dev wan0")


def test_many_actions_are_several_batches(tmp_path: Path) -> None:
    """A batch has a limit, so that a new host does not wait behind a flood."""
    run(ip(tmp_path), [AddRoute(addr(f"2001:db8::{n:x}"), "lan0") for n in range(LIMIT + 1)])

    assert told(tmp_path).count("--") == 2
    assert len(told(tmp_path)) == LIMIT + 3


def test_killed_process_leaves_doubt(tmp_path: Path) -> None:
    """What a process that was killed has done, only the kernel's tables can tell."""
    watched = run(ip(tmp_path, "route*) kill -9 $$;;"), [ROUTE, PROXY])

    assert (watched.refusals, watched.failed_probes) == ([], [("ended by signal 9", 2)])


def test_hung_process_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that never ends does not stop everything."""
    monkeypatch.setattr(batch, "HUNG", 0.3)

    watched = run(ip(tmp_path, "route*) exec sleep 1000;;"), [ROUTE])

    assert watched.failed_probes == [("hung for 0.3 s", 1)]


def test_process_that_dies_while_waiting_is_replaced(tmp_path: Path) -> None:
    """A waiting process that ends is told, with its last words, and another carries out what comes."""
    flag = tmp_path / "flag"
    path = ip(tmp_path)
    body = Path(path).read_text().removeprefix("#!/bin/sh\n")
    script(tmp_path, f'[ -e "{flag}" ] || {{ touch "{flag}"; echo "no memory" >&2; exit 1; }}', body)

    async def story() -> Watched:
        watched = Watched()
        executor = Executor(path, Commands(135), watched)
        async with asyncio.timeout(DEADLINE):
            while not watched.failed_probes:
                await asyncio.sleep(0.005)
            executor.submit([ROUTE])
            await executor.drained()
        executor.close()
        return watched

    [(why, actions)] = asyncio.run(story()).failed_probes
    assert (why.startswith("waiting process ended "), why.endswith(": no memory"), actions) == (True, True, 0)
    assert told(tmp_path)[1:] == ["route add 2001:db8::33/128 dev lan0 proto 135"]


@pytest.mark.parametrize("refuses", [True, False])
def test_process_that_refuses_to_rehearse_works_all_the_same(refuses: bool, tmp_path: Path) -> None:
    """Where the rehearsal is refused the next process goes without, and still its complaints are told apart by line."""
    said = "echo no rehearsal >&2; exit 1" if refuses else ":"
    lines = ("n=0", "while read -r words; do", "n=$((n + 1))", 'case "$words" in', f"*100::87*) {said};;")
    refusal = r"""route*) echo "RTNETLINK answers: File exists" >&2; echo "Command failed -:$n" >&2;;"""
    path = script(tmp_path, *lines, refusal, UNKNOWN, "esac", "done")

    async def story() -> Watched:
        watched = Watched()
        executor = Executor(path, Commands(135), watched)
        async with asyncio.timeout(DEADLINE):
            while refuses and not watched.failed_probes:
                await asyncio.sleep(0.005)
            executor.submit([PROXY, ROUTE])
            await executor.drained()
        executor.close()
        return watched

    watched = asyncio.run(story())
    assert [(event.action, event.why) for event in watched.refusals] == [(ROUTE, Refusal.EXISTS)]
    assert [why.endswith(": no rehearsal") for why, _ in watched.failed_probes] == [True] * refuses


def test_program_that_comes_back_carries_out_what_waited(tmp_path: Path) -> None:
    """While ip is missing, say during an upgrade, actions wait."""

    async def story() -> Watched:
        watched = Watched()
        executor = Executor(str(tmp_path / "ip"), Commands(135), watched)
        executor.submit([ROUTE])
        executor.flush()
        ip(tmp_path)
        async with asyncio.timeout(DEADLINE):
            await executor.drained()
        executor.close()
        return watched

    [(why, actions)] = asyncio.run(story()).failed_probes
    assert why.startswith(f"{tmp_path}/ip could not be started: ")
    assert (actions, len(told(tmp_path))) == (0, 2)


def test_refresh_is_not_for_ip(tmp_path: Path) -> None:
    """An action that no command carries out is a mistake of ours."""
    with pytest.raises(TypeError, match="not for ip"):
        run(ip(tmp_path), [RequestResync()])


@pytest.mark.parametrize("at_once", [1.0, 20.0])
def test_many_in_a_row_share_a_process(at_once: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes soon after another does not wait for a process of his own, whether it could be started or not."""
    for name, value in {"_STARTS_A_SECOND": 0.001, "_STARTS_AT_ONCE": at_once, "_SHARED": 1000.0}.items():
        monkeypatch.setattr(under_test, name, value)
    path = ip(tmp_path)

    async def story() -> None:
        working = Executor(path, Commands(135), Watched())
        async with asyncio.timeout(DEADLINE):
            for number in range(1, 6):
                working.submit([AddRoute(addr(f"2001:db8::{number}"), "lan0")])
                working.flush()
                while len([line for line in told(tmp_path) if line != "--"]) < number:
                    await asyncio.sleep(0.005)
                if number == 1:
                    await working.drained()
            await working.drained()
        working.close()

    asyncio.run(story())
    assert [line == "--" for line in told(tmp_path)] == [True, False, True, False, False, False, False]


def test_thousands_are_asked_by_one_process(tmp_path: Path) -> None:
    """After a crash every host is verified; whoever comes meanwhile does not wait for all of that."""
    probes = [Probe(addr(f"2001:db8::{n:x}"), "lan0", LLADDR) for n in range(1, 4001)]
    path = ip(tmp_path)

    async def story() -> None:
        working = Executor(path, Commands(135), Watched())
        async with asyncio.timeout(DEADLINE):
            working.submit(probes)
            working.flush()
            await until(lambda: told(tmp_path))
            working.submit([ROUTE])
            working.flush()
            await working.drained()
        working.close()

    asyncio.run(story())
    [route] = Commands(135).lines(ROUTE)
    assert told(tmp_path).count("--") == 1
    assert set(told(tmp_path)) == {"--", route, *(line for probe in probes for line in Commands(135).lines(probe))}
    assert told(tmp_path).index(route) < 2000


def test_nobody_waits_for_a_process_that_is_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not urgent is done as soon as its process is there, which is ended when all is to be done."""
    monkeypatch.setattr(under_test, "_SHARED", 1000.0)
    path = ip(tmp_path)

    async def story() -> None:
        working = Executor(path, Commands(135), Watched())
        async with asyncio.timeout(DEADLINE):
            for action in (ASK, Probe(A, "lan1", LLADDR)):
                [line] = Commands(135).lines(action)
                working.submit([action])
                working.flush()
                await until(partial(lambda line: line in told(tmp_path), line))
            await working.drained()
        working.close()

    asyncio.run(story())
    assert told(tmp_path).count("--") == 1
