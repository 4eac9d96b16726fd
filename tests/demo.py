"""Shows on this kernel, step by step, what ndpbr does; exit status 1 if a step fails.

Run as ``tests/isolated python -m tests.demo``, or ``make demo``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.echo import ask, echo
from tests.home import INET, LAN, Home, home
from tests.lab import Host, Lab, can_lay, until
from tests.program import PROGRAM, ROOT

SETTINGS = tuple(f"net/ipv6/conf/{dev}/proxy_ndp" for dev in ("all", "wan0", "lan0"))
FAR = 0.02  # round-trip time to a server on the internet, in seconds; without it there would be none
MAP = """\
  inet ------------- modem ------------- router ------------- lan
  2001:db8:ffff::2   2001:db8:64::1     2001:db8:64::2       2001:db8:64::11
                     believes that 2001:db8:64::/64 is all on its own link
"""


class StepFailedError(Exception):
    """A step of the demo failed; the message is the sentence to end with."""


def main() -> int:
    """Run the demo; return the exit status."""
    if reason := can_lay():
        print(f"The demo needs network namespaces: {reason}.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, Lab() as lab:
        log = Path(folder, "ndpbr.log")
        try:
            run(home(lab), Path(folder), log)
        except (StepFailedError, AssertionError) as error:
            print(f"The demo failed: {error}", file=sys.stderr)
            print(log.read_text() if log.exists() else "", end="", file=sys.stderr)
            return 1
    return 0


def run(at: Home, folder: Path, log: Path) -> None:
    """Run the steps in order."""
    say("A network of five machines; these four matter:")
    print(MAP)
    settings = [at.router.sysctl(path) for path in SETTINGS]
    without(at)
    options = ["--pidfile", str(folder / "ndpbr.pid"), "--log-format", "logfmt"]
    started(at.router, options, folder, log)
    first_packets(at)
    shown(at.router, options, log)
    ended(at.router, options, settings)


def without(at: Home) -> None:
    """Without ndpbr the LAN host is cut off."""
    echo(at.inet, delay=FAR)
    echo(at.lan)
    need(ask(at.router, INET) is not None, "the router itself does not reach inet")
    need(ask(at.lan, INET, timeout=1.5) is None, "lan reaches inet although nothing proxies for it")
    say("Without ndpbr: lan sends inet a datagram, and no answer comes. The modem solicits lan on the wrong link.")
    # Flush all caches, so that the next packet is a new host's first packet.
    for host, dev in ((at.modem, "lan0"), (at.router, "lan0"), (at.lan, "eth0")):
        host.ip(f"-6 neigh flush dev {dev}")


def started(router: Host, options: list[str], folder: Path, log: Path) -> None:
    """The daemon starts."""
    words = (*PROGRAM, *options, "run", "--no-discover", "--state-dir", str(folder / "state"), "wan0", "lan0")
    with log.open("w") as stderr:
        daemon = router.spawn(*words, stderr=stderr, cwd=ROOT)
    began = time.monotonic()
    until(lambda: "event=started" in log.read_text() or daemon.poll() is not None, 10.0, "the daemon has started")
    need(daemon.poll() is None, "the daemon ended immediately")
    say(f"On the router: ndpbr run --no-discover wan0 lan0      (ready after {time.monotonic() - began:.2f} s)")


def first_packets(at: Home) -> None:
    """The first packet is answered in both directions."""
    rtt = ask(at.lan, INET, timeout=3.0)
    if rtt is None:
        raise StepFailedError("the first datagram of lan was not answered")
    say(f"lan, a new host, sends inet one datagram: answered after {rtt * 1000:.1f} ms,")
    print(f"  of which {FAR * 1000:.0f} ms are the round trip to inet.")
    back = ask(at.inet, LAN, timeout=3.0)
    if back is None:
        raise StepFailedError("a datagram from inet to lan was not answered")
    say(f"inet sends lan one datagram: answered after {back * 1000:.1f} ms.")


def shown(router: Host, options: list[str], log: Path) -> None:
    """`ndpbr show` and the log have the host."""
    table = ndpbr(router, *options, "show")
    need(LAN in table, "ndpbr show does not list lan")
    say("ndpbr show:")
    print(table.rstrip())
    lines = [line for line in log.read_text().splitlines() if LAN in line]
    need(bool(lines), "the log does not mention lan")
    say(f"grep {LAN} in its log:")
    print("\n".join(lines))


def ended(router: Host, options: list[str], settings: list[str]) -> None:
    """After `ndpbr kill` the router is as before."""
    ndpbr(router, *options, "kill")
    need(not router.ip("-6 neigh show proxy").strip(), "a proxy entry is left")
    need(LAN not in router.ip("-6 route show"), "the route of lan is left")
    need([router.sysctl(path) for path in SETTINGS] == settings, "proxy_ndp was not restored")
    until(lambda: not _running(router), 2.0, "no process of the daemon runs")
    say("ndpbr kill: no proxy entry and no host route is left, and proxy_ndp is restored.")


def ndpbr(router: Host, *words: str) -> str:
    """Return the output of a command."""
    done = router.run(*PROGRAM, *words, cwd=ROOT)
    need(done.returncode == 0, f"ndpbr {words[-1]} failed: {done.stderr.strip()}")
    return done.stdout


def need(condition: bool, sentence: str) -> None:
    """Raise StepFailedError unless *condition* holds."""
    if not condition:
        raise StepFailedError(f"{sentence}.")


def say(line: str) -> None:
    """Print a line immediately."""
    print(f"* {line}", flush=True)


def _running(router: Host) -> list[int | None]:
    return [child.pid for child in router.spawned if child.poll() is None]


if __name__ == "__main__":
    sys.exit(main())
