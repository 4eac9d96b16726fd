"""Actions -> batches for a program; its refusals and its end -> events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

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
from ndpbr_py.core.events import ActionFinished, ActionRefused, Refusal
from ndpbr_py.iproute2.action_queue import ActionQueue, about
from ndpbr_py.iproute2.batching import MAX_UNFINISHED, TIMING, Timing
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.executor import Executor, ExecutorEvent, ProcessLost
from tests.builders import LLADDR, addr
from tests.scripts import DEADLINE, later, script, until

A = addr()
ROUTE, PROXY, PROBE = AddRoute(A, "lan0"), AddProxy(A, "wan0"), Probe(A, "lan0", LLADDR)
ADVERTISE = Advertise(A, "wan0", addr("fe80::1"))
OTHER = AddRoute(addr("2001:db8::99"), "lan0")
UNKNOWN = r"""@*) echo "Object \"$words\" is unknown, try \"ip help\"." >&2; echo "Command failed -:$n" >&2;;"""
NO_DEVICE = "*wan9*) echo 'RTNETLINK answers: No such device' >&2; exit 2;;"


def ip(folder: Path, *cases: str) -> str:
    """Return a program that writes its input to the file `commands`, with `--` before each batch.

    It answers by *cases*, and does not write down its warm-up.
    """
    warm_up = Commands(135).warm_up().count("\n")
    log = (f'[ $n = {warm_up + 1} ] && echo -- >>"{folder}/commands"', f'echo "$words" >>"{folder}/commands"')
    lines = ("n=0", "while read -r words; do", "n=$((n + 1))", f"[ $n -le {warm_up} ] && continue", *log)
    return script(folder, *lines, 'case "$words" in', *cases, UNKNOWN, "esac", "done")


def commands(folder: Path) -> list[str]:
    """Return the commands that the programs read, without checkpoints."""
    path = folder / "commands"
    return [line for line in path.read_text().splitlines() if line[0] != "@"] if path.exists() else []


def lines(*actions: Action) -> list[str]:
    """Return the commands that carry *actions* out."""
    return [line for action in actions for line in Commands(135).lines(action)]


@asynccontextmanager
async def running(path: str, timing: Timing = TIMING) -> AsyncIterator[tuple[Executor, list[ExecutorEvent]]]:
    """Run an executor; yield it, and the events that it emits."""
    events: list[ExecutorEvent] = []
    executor = Executor(path, Commands(135), events.append, timing)
    async with asyncio.timeout(DEADLINE):
        yield executor, events
    executor.close()


def run(path: str, *parts: Sequence[Action], timing: Timing = TIMING) -> list[ExecutorEvent]:
    """Run *parts* one after the other; return the events."""

    async def story() -> list[ExecutorEvent]:
        async with running(path, timing) as (executor, events):
            for actions in parts:
                executor.submit(actions)
                await executor.drained()
        return events

    return asyncio.run(story())


def test_actions_are_run_in_order_and_probes_after_them(tmp_path: Path) -> None:
    """One batch carries out what was submitted, in its order; probes come last."""
    events = run(ip(tmp_path), [PROBE, ROUTE, PROXY])

    assert commands(tmp_path) == ["--", *lines(ROUTE, PROXY, PROBE)]
    assert events == []


def test_each_batch_has_a_process_of_its_own(tmp_path: Path) -> None:
    """A process that lives long programs the wrong interface after a rename."""
    run(ip(tmp_path), [ROUTE], [PROXY])

    assert commands(tmp_path).count("--") == 2


def test_latest_actions_tell_a_resync_what_still_waits() -> None:
    """Only the latest of those about one thing counts: an entry whose removal waits is needed again."""
    queue = ActionQueue()
    for action in (ROUTE, PROXY, DelRoute(A, "lan0"), PROBE, Mark(1)):
        queue.add(action)

    assert queue.latest() == {about(PROXY): PROXY, about(ROUTE): DelRoute(A, "lan0"), Mark(1): Mark(1)}
    assert queue.dequeue(2, 0) == [ROUTE, PROXY]
    assert PROXY not in queue.latest().values()


def test_probe_that_waits_already_is_run_once() -> None:
    """A later probe of the same address on the same link replaces the earlier one."""
    queue = ActionQueue()
    queue.add(PROBE)
    queue.add(Probe(PROBE.address, PROBE.dev, None))

    assert queue.dequeue(0, 1) == [Probe(PROBE.address, PROBE.dev, None)]


def test_rejoin_that_waits_already_is_run_once() -> None:
    """A second rejoin of the same group would only interrupt it once more; later it is another one."""
    queue = ActionQueue()
    rejoins: list[Action] = [RejoinGroup((A, addr("2001:db8::44")), dev) for dev in ("wan0", "lan0")]

    for action in rejoins + rejoins:
        queue.add(action)

    assert queue.dequeue(2, 0) == rejoins
    queue.add(rejoins[0])
    assert queue.dequeue(1, 0) == rejoins[:1]


def test_proxy_entry_waits_behind_the_route_of_its_host(tmp_path: Path) -> None:
    """A host that moves before it has its entries is never proxied without a route."""
    move = (DelRoute(A, "lan0"), AddRoute(A, "lan1"))

    run(ip(tmp_path), [ROUTE, PROXY, *move])

    assert commands(tmp_path) == ["--", *lines(ROUTE, PROXY, *move)]


def test_proxy_entry_stays_before_its_advertisement(tmp_path: Path) -> None:
    """An entry that is wanted again while it waits is not acknowledged before it is there."""
    run(ip(tmp_path), [PROXY, ADVERTISE, PROXY])

    assert (tmp_path / "commands").read_text().splitlines()[:3] == ["--", *lines(PROXY), "@2"]


def test_removed_entry_is_not_added_again_by_a_rejoin(tmp_path: Path) -> None:
    """A rejoin does not replace the removal of one of its entries, which comes later and stays."""
    rejoin = RejoinGroup((A, addr("2001:db8::44")), "wan0")

    run(ip(tmp_path), [rejoin, DelProxy(A, "wan0")])

    assert commands(tmp_path) == ["--", *lines(rejoin, DelProxy(A, "wan0"))]


def test_probe_and_removal_of_one_entry_are_one_probe(tmp_path: Path) -> None:
    """A probe makes a FAILED entry anew, whether it comes before or after the removal of the entry."""
    first, second = Probe(A, "lan0", None), Probe(addr("2001:db8::34"), "lan0", None)
    removals = [DelNeighbor(probe.address, "lan0") for probe in (first, second)]

    run(ip(tmp_path), [first, removals[0], removals[1], second])

    assert commands(tmp_path) == ["--", *lines(first, second)]


def test_refusal_that_does_not_end_the_process_is_emitted(tmp_path: Path) -> None:
    """A refused route does not affect the rest of the batch."""
    answer = "route*) echo 'RTNETLINK answers: File exists' >&2; echo \"Command failed -:$n\" >&2;;"

    events = run(ip(tmp_path, answer), [ROUTE, PROXY])

    assert events == [ActionRefused(ROUTE, Refusal.EXISTS, "File exists")]


def test_refusal_that_ends_the_process_is_found(tmp_path: Path) -> None:
    """Of many commands, the one that ended the process is reported, and all others are carried out."""
    bad = AddProxy(A, "wan9")
    others: list[Action] = [AddProxy(addr(f"2001:db8::{n:x}"), "wan0") for n in range(40)]

    events = run(ip(tmp_path, NO_DEVICE), [*others[:20], bad, *others[20:]])

    assert events == [ActionRefused(bad, Refusal.NO_DEVICE, "No such device")]
    assert set(lines(*others)) <= set(commands(tmp_path))


def test_consequence_of_a_refusal_comes_after_undone_actions(tmp_path: Path) -> None:
    """An entry that is taken back is not added again by the process that carries out the rest of an earlier batch."""
    remove = DelProxy(A, "wan0")

    async def story() -> None:
        def take_back(_: ExecutorEvent) -> None:
            executor.submit([remove])
            executor.flush()

        executor = Executor(ip(tmp_path, NO_DEVICE), Commands(135), take_back)
        async with asyncio.timeout(DEADLINE):
            executor.submit([AddProxy(A, "wan9"), PROXY])
            await executor.drained()
        executor.close()

    asyncio.run(story())
    assert commands(tmp_path)[-2:] == lines(remove)


def test_more_actions_than_fit_are_fed_as_the_process_gets_on(tmp_path: Path) -> None:
    """A process is never far behind, so a new host does not wait behind a flood."""
    routes = [AddRoute(addr(f"2001:db8::{n:x}"), "lan0") for n in range(2 * MAX_UNFINISHED + 1)]

    events = run(ip(tmp_path), routes)

    assert [line for line in commands(tmp_path) if line != "--"] == lines(*routes)
    assert events == []


def test_killed_process_is_reported_as_lost(tmp_path: Path) -> None:
    """Only the kernel's tables can tell what a killed process has done."""
    events = run(ip(tmp_path, "route*) kill -9 $$;;"), [ROUTE, PROXY])

    assert events == [ProcessLost("ended by signal 9", 2)]


def test_hung_process_is_killed(tmp_path: Path) -> None:
    """A process that never ends does not stop everything."""
    events = run(ip(tmp_path, "route*) exec sleep 1000;;"), [ROUTE], timing=Timing(hang_timeout_s=0.3))

    assert events == [ProcessLost("hung for 0.3 s", 1)]


@pytest.mark.parametrize("words", ["no memory", ""])
def test_standby_process_that_dies_is_replaced(words: str, tmp_path: Path) -> None:
    """A standby process that ends is reported, with its last words, and another carries out what comes."""
    flag = tmp_path / "flag"
    path = ip(tmp_path)
    body = Path(path).read_text().removeprefix("#!/bin/sh\n")
    script(tmp_path, f'[ -e "{flag}" ] || {{ touch "{flag}"; printf "{words}" >&2; exit 1; }}', body)

    async def story() -> list[ExecutorEvent]:
        async with running(path, Timing(retry_delay_s=0.05)) as (executor, events):
            await until(lambda: events)
            executor.submit([ROUTE])
            await executor.drained()
        return events

    [lost] = asyncio.run(story())
    assert isinstance(lost, ProcessLost)
    assert lost.actions == 0
    status, _, complaint = lost.error.removeprefix("standby process ended with status ").partition(": ")
    assert (int(status) != 0, complaint) == (True, words)
    assert commands(tmp_path) == ["--", *lines(ROUTE)]


@pytest.mark.parametrize("refuses", [True, False])
def test_process_that_refuses_the_warm_up_still_works(refuses: bool, tmp_path: Path) -> None:
    """If the warm-up is refused the next process goes without; complaints are still matched to actions by line."""
    warm_up = "echo no warm-up >&2; exit 1" if refuses else ":"
    reader = ("n=0", "while read -r words; do", "n=$((n + 1))", 'case "$words" in', f"*100::87*) {warm_up};;")
    refusal = r"""route*) echo "RTNETLINK answers: File exists" >&2; echo "Command failed -:$n" >&2;;"""
    path = script(tmp_path, *reader, refusal, UNKNOWN, "esac", "done")

    async def story() -> list[ExecutorEvent]:
        async with running(path, Timing(retry_delay_s=0.05)) as (executor, events):
            if refuses:
                await until(lambda: events)
            executor.submit([PROXY, ROUTE])
            await executor.drained()
        return events

    *lost, refused = asyncio.run(story())
    assert refused == ActionRefused(ROUTE, Refusal.EXISTS, "File exists")
    assert [isinstance(event, ProcessLost) and event.error.endswith(": no warm-up") for event in lost] == [
        True
    ] * refuses


def test_actions_wait_while_the_program_is_missing(tmp_path: Path) -> None:
    """While ip is missing, for example during an upgrade, actions wait."""

    async def story() -> list[ExecutorEvent]:
        async with running(str(tmp_path / "ip"), Timing(retry_delay_s=0.05)) as (executor, events):
            executor.submit([ROUTE])
            executor.flush()
            await until(lambda: events)
            ip(tmp_path)
            await executor.drained()
        return events

    [lost] = asyncio.run(story())
    assert isinstance(lost, ProcessLost)
    assert lost.error.startswith(f"{tmp_path}/ip could not be started: ")
    assert (lost.actions, commands(tmp_path)) == (0, ["--", *lines(ROUTE)])


def test_closed_executor_carries_nothing_out(tmp_path: Path) -> None:
    """Actions that are submitted after that are dropped, as are those that waited."""

    async def story() -> list[ExecutorEvent]:
        events: list[ExecutorEvent] = []
        executor = Executor(ip(tmp_path, "route*) exec sleep 1000;;"), Commands(135), events.append)
        executor.submit([ROUTE])
        executor.flush()
        await until(partial(_is_last, ROUTE, tmp_path))
        executor.close()
        executor.submit([PROXY])
        executor.flush()
        return events

    assert asyncio.run(story()) == []
    assert commands(tmp_path) == ["--", *lines(ROUTE)]


def test_closed_executor_does_not_retry(tmp_path: Path) -> None:
    """The program is missing when the daemon stops: no process is started, and nothing reported, after that."""

    async def story() -> list[ExecutorEvent]:
        forward = later()
        async with running(str(tmp_path / "ip")) as (executor, events):
            await until(lambda: events)
            executor.close()
            forward(TIMING.retry_delay_s)
            await asyncio.sleep(0.01)  # timers run in the order of their times
        return events

    assert len(asyncio.run(story())) == 1


def _is_last(action: Action, folder: Path) -> bool:
    return commands(folder)[-1:] == lines(action)


def test_shared_process_ends_when_its_time_has_come(tmp_path: Path) -> None:
    """An idle process ends without a new action, which it might run on the wrong interface."""
    path, ended = ip(tmp_path), tmp_path / "ended"
    script(tmp_path, Path(path).read_text().removeprefix("#!/bin/sh\n"), f'echo >>"{ended}"')

    async def story() -> None:
        forward = later()
        async with running(path, Timing(share_s=DEADLINE / 2, hang_timeout_s=DEADLINE)) as (executor, events):
            executor.submit([ROUTE])
            await executor.drained()
            executor.submit([PROXY, ADVERTISE])
            executor.flush()
            await until(lambda: events)  # the process has nothing to do any more
            assert ended.read_text() == "\n"
            forward(DEADLINE / 2)
            await until(lambda: ended.read_text() == "\n\n")

    asyncio.run(story())


def test_processes_in_quick_succession_are_shared(tmp_path: Path) -> None:
    """The second process within share_s stays open: hosts that follow do not wait for one of their own."""
    routes = [AddRoute(addr(f"2001:db8::{number}"), "lan0") for number in range(1, 6)]

    async def story() -> None:
        async with running(ip(tmp_path), Timing(share_s=1000.0)) as (executor, _):
            executor.submit(routes[:1])
            await executor.drained()
            for route in routes[1:]:
                executor.submit([route])
                executor.flush()
                await until(partial(_is_last, route, tmp_path))
            await executor.drained()

    asyncio.run(story())
    assert commands(tmp_path) == ["--", *lines(routes[0]), "--", *lines(*routes[1:])]


def test_old_process_is_replaced_while_more_arrives(tmp_path: Path) -> None:
    """No stream of actions keeps a process beyond share_s."""

    async def story() -> None:
        number = 0
        async with running(ip(tmp_path), Timing(share_s=0.05)) as (executor, _):
            while commands(tmp_path).count("--") < 3:
                number += 1
                executor.submit([AddRoute(addr(f"2001:db8::{number:x}"), "lan0")])
                executor.flush()
                await asyncio.sleep(0.001)

    asyncio.run(story())


def test_new_host_does_not_wait_for_thousands_of_probes(tmp_path: Path) -> None:
    """After a crash every host is verified; a new host waits only for the probes that were fed before it."""
    probes: list[Action] = [Probe(addr(f"2001:db8::{n:x}"), "lan0", LLADDR) for n in range(1, 4001)]

    async def story() -> None:
        async with running(ip(tmp_path), Timing(share_s=1000.0)) as (executor, _):
            executor.submit(probes)
            executor.flush()
            await until(lambda: commands(tmp_path))
            executor.submit([ROUTE])
            executor.flush()
            await executor.drained()

    asyncio.run(story())
    assert commands(tmp_path).count("--") == 1
    assert set(commands(tmp_path)) == {"--", *lines(ROUTE, *probes)}
    assert commands(tmp_path).index(lines(ROUTE)[0]) <= 2 * MAX_UNFINISHED + 1


def test_advertisement_is_due_before_the_rest_of_its_batch_is_done(tmp_path: Path) -> None:
    """A host's advertisement waits for the host's own entries only."""

    async def story() -> list[ExecutorEvent]:
        async with running(ip(tmp_path, "*::99/*) exec sleep 1000;;")) as (executor, events):
            executor.submit([ROUTE, PROXY, ADVERTISE, OTHER, PROBE])
            executor.flush()
            await until(lambda: events)
        return events

    assert asyncio.run(story()) == [ActionFinished(ADVERTISE)]
    assert commands(tmp_path)[:3] == ["--", *lines(ROUTE, PROXY)]
    assert lines(PROBE)[0] not in commands(tmp_path)


def test_advertisement_without_actions_in_progress_is_due_now(tmp_path: Path) -> None:
    """An advertisement for entries that the kernel has already needs no process."""
    assert run(ip(tmp_path), [ADVERTISE]) == [ActionFinished(ADVERTISE)]
    assert commands(tmp_path) == []


def test_advertisement_waits_for_actions_that_were_fed_before(tmp_path: Path) -> None:
    """A solicitation that arrives while the commands are in progress is answered when they are done."""
    hold = tmp_path / "hold"

    async def story() -> list[ExecutorEvent]:
        wait = f'route*) while [ ! -e "{hold}" ]; do sleep 0.01; done;;'
        async with running(ip(tmp_path, wait)) as (executor, events):
            executor.submit([ROUTE])
            executor.flush()
            executor.submit([ADVERTISE])
            executor.flush()
            assert events == []
            hold.touch()
            await until(lambda: events)
        return events

    assert asyncio.run(story()) == [ActionFinished(ADVERTISE)]


REFUSED_ROUTE = "*::33/*) echo 'RTNETLINK answers: File exists' >&2; echo \"Command failed -:$n\" >&2;;"
REFUSED_PROXY = "*proxy*::33*) echo 'RTNETLINK answers: No such device' >&2; exit 2;;"


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (REFUSED_ROUTE, ActionRefused(ROUTE, Refusal.EXISTS, "File exists")),
        (REFUSED_PROXY, ActionRefused(PROXY, Refusal.NO_DEVICE, "No such device")),
    ],
)
def test_advertisement_is_dropped_when_an_entry_is_refused(answer: str, refused: ActionRefused, tmp_path: Path) -> None:
    """No address that the router cannot reach is advertised; other addresses are not affected."""
    other = Advertise(OTHER.address, "wan0", addr("fe80::1"))

    events = run(ip(tmp_path, answer), [ROUTE, PROXY, ADVERTISE, OTHER, other])

    assert sorted(events, key=repr) == [ActionFinished(other), refused]


def test_advertisement_before_an_early_end_is_due(tmp_path: Path) -> None:
    """The process ends at another host's refused entry, and all that it printed is read only then."""
    refused = AddProxy(OTHER.address, "wan0")
    exits = f"""*proxy*) echo $$ >"{tmp_path}/pid"; echo 'RTNETLINK answers: No such device' >&2; exit 2;;"""

    async def story() -> list[ExecutorEvent]:
        async with running(ip(tmp_path, exits)) as (executor, events):
            executor.submit([ROUTE, ADVERTISE, refused])
            executor.flush()
            deadline = time.monotonic() + DEADLINE
            while not _has_ended(tmp_path / "pid"):
                assert time.monotonic() < deadline
                time.sleep(0.005)  # not in the loop, which would read
            await executor.drained()
        return events

    assert asyncio.run(story()) == [
        ActionFinished(ADVERTISE),
        ActionRefused(refused, Refusal.NO_DEVICE, "No such device"),
    ]


def _has_ended(pid_file: Path) -> bool:
    pid = pid_file.read_text().strip() if pid_file.exists() else ""
    return pid != "" and not Path("/proc", pid).exists()


def test_advertisement_is_dropped_with_a_lost_process(tmp_path: Path) -> None:
    """Whether the kernel has the entries is not known then."""
    assert run(ip(tmp_path, "route*) kill -9 $$;;"), [ROUTE, ADVERTISE]) == [ProcessLost("ended by signal 9", 2)]
