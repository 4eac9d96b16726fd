"""The daemon behind `ndpbr run`.

daemon.py               its life: start, events, stop
inbox.py                every event waits here for its turn
dispatcher.py           events for the core -> decisions -> the executor and the log; the one timer
monitor_events.py       lines of the monitor -> events
solicitation_events.py  which interfaces solicitations are received on
resync.py               snapshots of the kernel's tables
discovery.py            host discovery at startup; hosts_file.py: the remembered hosts
status.py               answers on the control socket, and counters
removal.py              removes every route and proxy entry at the stop
"""
