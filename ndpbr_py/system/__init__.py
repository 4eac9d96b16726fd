"""Files and settings of the machine: kernel settings, locks, clocks, atomic writes."""
