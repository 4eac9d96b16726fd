"""ndpbr: lets hosts on different links share one IPv6 /64.

The map of the package:

    cli.py          arguments -> command -> exit status
    config.py       what the user wants, checked
    commands/       run, show, flush, kill, doctor, explain, lookup, record, report, ...: one file each
    daemon/         what `ndpbr run` is while it runs
    core/           DECIDES: events -> decisions, pure
    iproute2/       SPEAKS ip(8): its output -> events, actions -> its commands, and the processes that run it
    packets/        what goes over our own sockets: solicitations, echo requests, MLD reports
    system/         sysctls, locks, clocks, files
    logs/           decisions and daemon events -> log records
    control/        the daemon's answers on its control socket
    recording/      recordings of the monitor, for replay; without secrets, for a report
    metrics.py      counters, and their text for Prometheus
    doctor/         facts about the machine -> findings, and how to fix them
"""

__version__ = "0.2.0"
ISSUES = "https://example.org/ndpbr/issues"
