"""Files of the kernel and of the machine: sysctls, locks, clocks, atomic writes."""
