"""What the daemon knows and has done, told.

counters.py     what is counted; history.py: the last decisions; rules.py: what it goes by
control.py      the socket where it is asked; asking.py: the other end
metrics.py      the counters in a file; screen.py: the hosts on a terminal
recording.py    what the monitor said, and what the kernel had, in a file
"""
