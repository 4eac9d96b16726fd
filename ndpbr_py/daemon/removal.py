"""Stop -> every route and proxy entry with our protocol number is removed, also those of an earlier run."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ndpbr_py.core.decision import Reason
from ndpbr_py.daemon.dispatcher import Dispatcher
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2.process import output
from ndpbr_py.iproute2.program import Program
from ndpbr_py.logs.logger import Log

_TIMEOUT_S = 10.0  # for all commands; service managers kill a daemon that takes longer than 25 s in all
_LAST_TIMEOUT_S = 1.0  # for a command after that
_RETRY_DELAY_S = 0.2


def remove_all(program: Program, dispatcher: Dispatcher, log: Log, *, patient: bool) -> bool:
    """Remove the entries of all hosts, and log each host as forgotten; return whether every command worked.

    If *patient*, a command that fails is repeated for several seconds: iproute2 may be in the middle of an upgrade.
    """
    end = time.monotonic() + _TIMEOUT_S
    done = True
    for words in dispatcher.commands.flush():
        while (error := _error(program, words, end)) and patient and time.monotonic() + _RETRY_DELAY_S < end:
            time.sleep(_RETRY_DELAY_S)
        if error is not None:
            log.record("error", "flush-failed", command=f"ip -6 {' '.join(words)}", error=error)
            done = False
    log.decided([dispatcher.proxy.forget(host, Reason.STOPPING, dispatcher.now()) for host in dispatcher.proxy.hosts])
    return done


def _error(program: Program, words: Sequence[str], end: float) -> str | None:
    try:
        ended = output(program.path, "-6", *words, timeout_s=max(_LAST_TIMEOUT_S, end - time.monotonic()))
    except NdpbrError as error:
        return str(error)
    return ended.complaint if ended.status != 0 else None
