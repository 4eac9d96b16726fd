"""Benchmarks on a real kernel, in namespaces: what ndpbr costs, and what the kernel and ip(8) alone would cost.

Times drift on a shared machine, so what counts are ratios within one run.  Nothing here passes or fails.
"""
