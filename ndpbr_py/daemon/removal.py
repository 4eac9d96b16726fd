"""At the stop: every entry with our tag goes, also what an earlier run left behind."""

from __future__ import annotations

from ndpbr_py.core.policy import Reason
from ndpbr_py.daemon.relay import Relay
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2.process import output
from ndpbr_py.iproute2.program import Program
from ndpbr_py.log import Log


def remove_all(program: Program, relay: Relay, log: Log) -> None:
    """Remove the entries of all hosts, and say of each that it is forgotten; a refusal is logged."""
    for words in relay.commands.flush():
        try:
            ended = output(program.path, "-6", *words)
            error = ended.complaint if ended.status != 0 else None
        except NdpbrError as failed:  # ip is being upgraded, say; the settings are given back all the same
            error = str(failed)
        if error is not None:
            log.record("error", "flush-failed", command=f"ip -6 {' '.join(words)}", error=error)
    log.decided([relay.proxy.forget(host, Reason.STOPPING) for host in relay.proxy.hosts])
