"""What waits and what runs -> the next step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ndpbr_py.iproute2.batching import MAX_UNFINISHED, Close, Feed, Process, Start, State, Timing, Wait, next_step

TIMING = Timing(share_s=100.0)
NOW = 1000.0
IDLE = State(NOW, entries=0, probes=0, last_start_at=NOW - 50.0)
OPEN = Process(started_at=NOW - 50.0, unfinished=0, shared=False)
BUSY = replace(OPEN, unfinished=MAX_UNFINISHED - 100)
FULL = replace(OPEN, unfinished=MAX_UNFINISHED)

# In the order of the table in the docstring of next_step().
CASES: dict[str, tuple[State, object]] = {
    "no process, nothing waits": (IDLE, Wait()),
    "no process for a long time": (replace(IDLE, entries=2, last_start_at=NOW - 100.0), Start(shared=False)),
    "a process a moment ago": (replace(IDLE, probes=1), Start(shared=True)),
    "closed process": (replace(IDLE, entries=2, process=replace(OPEN, open=False)), Wait()),
    "old process, although more waits": (
        replace(IDLE, entries=2, process=replace(OPEN, started_at=NOW - 100.0)),
        Close(),
    ),
    "entries": (replace(IDLE, entries=9, probes=9, process=OPEN), Feed(9, 0)),
    "many entries, and a tenth as many probes": (replace(IDLE, entries=40, probes=9, process=OPEN), Feed(40, 4)),
    "more entries than there is room for": (replace(IDLE, entries=5000, process=BUSY), Feed(100, 0)),
    "entries, no room": (replace(IDLE, entries=2, process=FULL), Wait()),
    "probes, unfinished work": (replace(IDLE, probes=9, process=BUSY), Wait()),
    "probes, no other work": (replace(IDLE, probes=5000, process=OPEN), Feed(0, MAX_UNFINISHED)),
    "nothing waits, unfinished work": (replace(IDLE, process=BUSY), Wait()),
    "shared process with nothing to do": (replace(IDLE, process=replace(OPEN, shared=True)), Wait(NOW + 50.0)),
    "process with nothing to do": (replace(IDLE, process=OPEN), Close()),
}


@pytest.mark.parametrize(("state", "step"), CASES.values(), ids=CASES)
def test_each_row_of_the_table(state: State, step: object) -> None:
    """The next step follows from the state of the process and from what waits."""
    assert next_step(state, TIMING) == step


def test_shared_process_closes_when_its_time_has_come() -> None:
    """When the time of a Wait has come, the step is another one: the executor does not wait for ever."""
    state = replace(IDLE, process=replace(OPEN, shared=True))
    step = next_step(state, TIMING)
    assert isinstance(step, Wait)
    assert step.until is not None

    assert next_step(replace(state, now=step.until), TIMING) == Close()
