"""Waiting actions and the state of the batch process -> the next step: start, feed, close or wait.

Pure: the executor carries the steps out.  Entries (routes, proxy entries, markers) come before probes, because the
first packet of a host waits for entries and for nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from ndpbr_py.core.value import value

# The figures are medians, on two cores that others kept busy.
# While thousands of hosts are verified, a new host's actions wait behind so many others: for 31 ms (1000: 71 ms).  With
# fewer the process has to wait for the daemon: row "ratio" of throughput is 1.7 (1000: 1.6, 128: 2.5).
MAX_UNFINISHED = 256  # actions
# In a flood of claims without gaps, each adding two entries and later removing them, a probe waits 0.1 s (0.25: 0.4 s,
# 0.1: 1.3 s, and more each second).  The entries of a host wait equally long with 1 and with 0.01.  A new host's route
# and two proxy entries are written without its probe.
PROBES_PER_ENTRY = 0.3


@dataclass(frozen=True, slots=True)
class Timing:
    """The durations of the executor, all in seconds.

    Attributes:
        share_s: A process takes new actions for at most so long: ip(8) caches interface indexes for its whole life.
            A second process within that time is kept open for all of it.  Row "new host: median" of flood: 7 ms,
            and 1 s without sharing.
        refill_delay_s: The next standby process is started so long after one was taken, or later if that one has work.
            Row "added (median)" of first_contact: up to 1 ms, and 2 to 4 ms without the delay.
        refill_limit_s: In any case it is started so long after one was taken: after `share_s` it is needed.
        retry_delay_s: Until a standby process that could not be started, or that died, is replaced.  Where each one
            dies, starting them takes 1 % of a core (0.1 s: 8 %).
        hang_timeout_s: A process that has work and reports no progress for so long is killed.  The longest silence of a
            working process was 0.3 s, with eight busy processes on two cores.
    """

    share_s: float = 0.25
    refill_delay_s: float = 0.003
    refill_limit_s: float = 0.15
    retry_delay_s: float = 1.0
    hang_timeout_s: float = 5.0


TIMING = Timing()


@value
class State:
    """All that the decision depends on.

    Attributes:
        now: The current time.
        entries: The number of waiting actions, except probes.
        probes: The number of waiting probes.
        started_at: When the last process was taken from standby, ended or not.
        working: Whether that process has not ended.
        open: Whether its stdin is still open.
        unfinished: The number of actions that it was fed and has not reported as done.
        shared: Whether it stays open although it has nothing to do.
    """

    now: float
    entries: int
    probes: int
    started_at: float
    working: bool = False
    open: bool = False
    unfinished: int = 0
    shared: bool = False


@value
class Feed:
    """Write so many of the waiting entries, then so many of the waiting probes, to the process."""

    entries: int
    probes: int


@value
class Start:
    """Take the standby process, and write so much to it; *shared*: keep it open for more."""

    shared: bool
    feed: Feed


@value
class Close:
    """Close the stdin of the process: it ends when it has done everything."""


@value
class Wait:
    """Do nothing until *until* (None: forever), or until an action is submitted or the process reports progress."""

    until: float | None = None


def next(state: State, timing: Timing) -> Start | Feed | Close | Wait:
    """Return what to do now; the caller asks again after each step but Wait.

    =========  ==============  ===================================  ===========================
    process    waiting         and                                  step
    =========  ==============  ===================================  ===========================
    none       nothing                                              Wait
    none       any             last start at least share_s ago      Start(shared=False, Feed)
    none       any             last start less than share_s ago     Start(shared=True, Feed)
    closed     any                                                  Wait (for its end)
    open       any             started at least share_s ago         Close
    open       entries         less than MAX_UNFINISHED unfinished  Feed(entries, some probes)
    open       entries         MAX_UNFINISHED unfinished            Wait (for progress)
    open       only probes     something unfinished                 Wait (for progress)
    open       only probes     nothing unfinished                   Feed(0, probes)
    open       nothing         something unfinished                 Wait (for progress)
    open       nothing         nothing unfinished, shared           Wait(started_at + share_s)
    open       nothing         nothing unfinished, not shared       Close
    =========  ==============  ===================================  ===========================
    """
    close_at = state.started_at + timing.share_s
    if not state.working:
        if not state.entries and not state.probes:
            return Wait()
        return Start(state.now < close_at, _feed(state))
    if not state.open:
        return Wait()
    if state.now >= close_at:
        return Close()
    if state.entries:
        return _feed(state) if state.unfinished < MAX_UNFINISHED else Wait()
    if state.unfinished:
        return Wait()
    if state.probes:
        return _feed(state)
    return Wait(close_at) if state.shared else Close()


def _feed(state: State) -> Feed:
    room = MAX_UNFINISHED - state.unfinished
    if not state.entries:
        return Feed(0, min(state.probes, room))
    entries = min(state.entries, room)
    return Feed(entries, min(state.probes, int(entries * PROBES_PER_ENTRY)))
