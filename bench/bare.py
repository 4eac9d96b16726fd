"""The least that could be done: a line about a new address on lan0 -> two commands for an `ip -batch` that waits.

No judgement, no log, no clean-up, nothing remembered but the addresses: what is left is the way through the monitor,
this process and ip(8), against which ndpbr's first contact is held.  Run by path, in the router's namespace.
"""

from __future__ import annotations

import subprocess

_BATCH = ("ip", "-6", "-force", "-batch", "-")
_MONITOR = ("ip", "-6", "monitor", "neigh")


def main() -> None:
    """Answer for whoever speaks, until killed."""
    monitor = subprocess.Popen(_MONITOR, stdout=subprocess.PIPE, bufsize=0)
    waiting = subprocess.Popen(_BATCH, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
    print("ready", flush=True)
    seen: set[bytes] = set()
    assert monitor.stdout is not None
    for line in iter(monitor.stdout.readline, b""):
        words = line.split()
        if b"dev lan0 lladdr" not in line or words[0] in seen or words[0].startswith(b"fe80"):
            continue
        seen.add(words[0])
        assert waiting.stdin is not None
        waiting.stdin.write(b"route add %s/128 dev lan0\nneigh add proxy %s dev wan0\n" % (words[0], words[0]))
        waiting.stdin.close()
        waiting.wait()
        waiting = subprocess.Popen(_BATCH, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)


if __name__ == "__main__":
    main()
