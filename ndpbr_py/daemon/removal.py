"""Stop -> every route and proxy entry with our protocol number is removed, also those of an earlier run."""

from __future__ import annotations

from ndpbr_py.core.decision import Reason
from ndpbr_py.daemon.dispatcher import Dispatcher
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2.process import output
from ndpbr_py.iproute2.program import Program
from ndpbr_py.logs.logger import Log


def remove_all(program: Program, dispatcher: Dispatcher, log: Log) -> None:
    """Remove the entries of all hosts, and log each host as forgotten; log a command that fails."""
    for words in dispatcher.commands.flush():
        try:
            ended = output(program.path, "-6", *words)
            error = ended.complaint if ended.status != 0 else None
        except NdpbrError as failed:  # e.g. iproute2 is being upgraded
            error = str(failed)
        if error is not None:
            log.record("error", "flush-failed", command=f"ip -6 {' '.join(words)}", error=error)
    log.decided([dispatcher.proxy.forget(host, Reason.STOPPING) for host in dispatcher.proxy.hosts])
