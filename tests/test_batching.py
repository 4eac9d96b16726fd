"""What waits and what runs -> the next step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ndpbr_py.iproute2 import batching
from ndpbr_py.iproute2.batching import MAX_UNFINISHED, Close, Feed, Start, State, Timing, Wait

TIMING = Timing(share_s=100.0)
NOW = 1000.0
IDLE = State(NOW, entries=0, probes=0, started_at=NOW - 50.0)
OPEN = replace(IDLE, working=True, open=True)
BUSY = replace(OPEN, unfinished=MAX_UNFINISHED - 100)
FULL = replace(OPEN, unfinished=MAX_UNFINISHED)

# In the order of the table in the docstring of batching.next().
CASES: dict[str, tuple[State, object]] = {
    "no process, nothing waits": (IDLE, Wait()),
    "no process for a long time": (replace(IDLE, entries=2, started_at=NOW - 100.0), Start(False, Feed(2, 0))),
    "a process a moment ago": (replace(IDLE, probes=1), Start(True, Feed(0, 1))),
    "closed process": (replace(OPEN, entries=2, open=False), Wait()),
    "old process, although more waits": (replace(OPEN, entries=2, started_at=NOW - 100.0), Close()),
    "entries": (replace(OPEN, entries=2, probes=9), Feed(2, 0)),
    "many entries, and a third as many probes": (replace(OPEN, entries=14, probes=9), Feed(14, 4)),
    "a route and two proxy entries": (replace(OPEN, entries=3, probes=1), Feed(3, 0)),
    "more entries than there is room for": (replace(BUSY, entries=5000), Feed(100, 0)),
    "entries, no room": (replace(FULL, entries=2), Wait()),
    "probes, unfinished work": (replace(BUSY, probes=9), Wait()),
    "probes, no other work": (replace(OPEN, probes=5000), Feed(0, MAX_UNFINISHED)),
    "nothing waits, unfinished work": (BUSY, Wait()),
    "shared process with nothing to do": (replace(OPEN, shared=True), Wait(NOW + 50.0)),
    "process with nothing to do": (OPEN, Close()),
}


@pytest.mark.parametrize(("state", "step"), CASES.values(), ids=CASES)
def test_each_row_of_the_table(state: State, step: object) -> None:
    """The next step follows from the state of the process and from what waits."""
    assert batching.next(state, TIMING) == step


def test_shared_process_closes_when_its_time_has_come() -> None:
    """When the time of a Wait has come, the step is another one: the executor does not wait for ever."""
    state = replace(OPEN, shared=True)
    step = batching.next(state, TIMING)
    assert isinstance(step, Wait)
    assert step.until is not None

    assert batching.next(replace(state, now=step.until), TIMING) == Close()
