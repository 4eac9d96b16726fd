"""Benchmarks on a real kernel, in network namespaces: the cost of ndpbr, and of the kernel and ip(8) alone.

Times drift on a shared machine, so compare ratios within one run.  No benchmark passes or fails.
"""
