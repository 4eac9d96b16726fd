"""Time passes -> hosts are looked at, what waits is written, and a machine that has slept reads its tables."""

from __future__ import annotations

import asyncio
import time

from ndpbr_py.config import RunConfig
from ndpbr_py.core.events import Tick
from ndpbr_py.daemon.discovery import Discovery
from ndpbr_py.daemon.dispatcher import Dispatcher
from ndpbr_py.daemon.resync import Resync
from ndpbr_py.logs.logger import Log

_SHORTEST, _LONGEST = 0.5, 30.0  # s, between two ticks
_SLEPT = 2.0  # s; the machine was suspended if the clocks differ by more


async def ticks(config: RunConfig, dispatcher: Dispatcher, resync: Resync, sweep: Discovery, log: Log) -> None:
    """Let time pass, for ever: a hundred ticks in the shortest of the intervals at which hosts have their turn."""
    shortest = min(config.expire_interval, config.refresh or config.expire_interval)
    period = min(max(shortest / 100, _SHORTEST), _LONGEST)
    asleep = suspended()
    while True:
        await asyncio.sleep(period)
        dispatcher.deliver([Tick()])
        log.flush()
        sweep.save()
        if suspended() - asleep > _SLEPT:
            log.record("info", "resumed", suspended_s=round(suspended() - asleep))
            resync.request()
        asleep = suspended()


def suspended() -> float:
    """Return how long the machine has slept since it was started, in seconds."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
