"""A minimal ND proxy: a monitor line about a new address on lan0 -> two commands for a standby `ip -batch`.

It makes no decision, writes no log and cleans nothing up.  So it measures only the path through the monitor, one
process and ip(8), as the baseline for ndpbr's first contact.  Run by path, in the router's namespace.
"""

from __future__ import annotations

import subprocess

_BATCH = ("ip", "-6", "-force", "-batch", "-")
_MONITOR = ("ip", "-6", "monitor", "neigh")


def main() -> None:
    """Add the entries of every new host, until killed."""
    monitor = subprocess.Popen(_MONITOR, stdout=subprocess.PIPE, bufsize=0)
    standby = subprocess.Popen(_BATCH, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
    print("ready", flush=True)
    seen: set[bytes] = set()
    assert monitor.stdout is not None
    for line in iter(monitor.stdout.readline, b""):
        words = line.split()
        if b"dev lan0 lladdr" not in line or words[0] in seen or words[0].startswith(b"fe80"):
            continue
        seen.add(words[0])
        assert standby.stdin is not None
        standby.stdin.write(b"route add %s/128 dev lan0\nneigh add proxy %s dev wan0\n" % (words[0], words[0]))
        standby.stdin.close()
        standby.wait()
        standby = subprocess.Popen(_BATCH, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)


if __name__ == "__main__":
    main()
