"""ndpbr: lets hosts on different links share one IPv6 /64.

The map of the package:

    cli.py          arguments -> configuration -> subcommand -> exit status
    options.py      every command and option: the source of --help
    config.py       what the user wants, checked
    subcommands/    run, show, flush, kill, doctor, explain, record, refresh, replay: one file each
    daemon.py       the daemon's life: start, signals, stop
    borrowing.py    its settings; ticking.py: what time brings; removal.py: what its end does
    hearing.py      what the monitor says -> events
    relay.py        events -> the core -> actions and records
    listening.py    what the listener hears -> events; the looks that fall due
    resync.py       the kernel's tables are read whenever something may have been missed
    view.py         what it knows and has done -> its answers; counters.py, history.py: what it keeps of it
    clock.py        the date
    control.py      the socket where it is asked; asking.py: the other end; rules.py: the rules it tells there
    sweep.py        who may be there is asked at the start; remembered.py: the file; rollcall.py: the echo request
    log.py          records; logsink.py: where they go, without ever blocking
    metrics.py      the counters in a file; screen.py: the hosts on a terminal
    recording.py    what the monitor said, and what the kernel had, in a file
    mld.py          an address -> a report of its multicast group, for switches that forget
    lock.py         one daemon a pid file, and one an interface
    core/           DECIDES: events -> decisions, pure
    iproute2/       SPEAKS: every word of ip(8), and the processes that take it
    packets/        HEARS: neighbor solicitations as they pass a link
    doctor/         EXAMINES: facts about the machine -> findings, and what mends them
    kernel/         SETS: what is borrowed under /proc/sys
"""

__version__ = "0.1.0"
