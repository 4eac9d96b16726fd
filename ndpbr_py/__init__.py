"""ndpbr: lets hosts on different links share one IPv6 /64.

The map of the package:

    cli.py          arguments -> configuration -> subcommand -> exit status
    options.py      every command and option: the source of --help
    config.py       what the user wants, checked
    subcommands/    run, show, flush, kill, doctor, explain, record, refresh, replay: one file each
    daemon/         LIVES: its start and stop, and what goes on between the monitor, the core and ip(8)
    core/           DECIDES: events -> decisions, pure
    iproute2/       SPEAKS: every word of ip(8), and the processes that take it
    packets/        HEARS: neighbor solicitations as they pass a link; and the few packets of our own
    kernel/         SETS: what is borrowed under /proc/sys
    telling/        TELLS: what the daemon knows and has done, to a socket, a terminal, a file, a recording
    doctor/         EXAMINES: facts about the machine -> findings, and what mends them
    log.py          records; fields.py: what is in them; logsink.py: where they go, without ever blocking
    clock.py        the date
    lock.py         one daemon a pid file, and one an interface
"""

__version__ = "0.1.0"
