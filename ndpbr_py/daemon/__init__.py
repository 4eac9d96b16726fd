"""What `ndpbr run` is while it runs.

daemon.py       its life: start, signals, stop
borrowing.py    its settings; ticking.py: what time brings; removal.py: what its end does
hearing.py      what the monitor says -> events
listening.py    what the listener hears -> events; the looks that fall due
relay.py        events -> the core -> actions and records
resync.py       the kernel's tables are read whenever something may have been missed
view.py         what it knows -> its answers
sweep.py        who may be there is asked at the start; remembered.py: the file
"""
