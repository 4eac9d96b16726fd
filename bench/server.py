"""A rented server with VPN clients, a nested router and a container: which of them does a peer outside reach, how fast?

The VPN has a /80 of the prefix on a tun interface, and no route per client. The same is done with ndppd (Debian's
package, if it is installed) and each of its three methods: `static` answers for every address, `auto` where the routing
table sends the address to another interface, and `iface` where a host on that interface answers. Each try begins on new
machines. "Unused": how often the modem got an answer for an address that no host has.

The second table is a scan of the VPN's prefix: each solicited address gets a proxy entry, and so a multicast group.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.report import heading, median, ms, table
from bench.site import ROOT, TAG, cpu_s, sender
from tests.echo import ask, echo
from tests.lab import Host, Lab, until
from tests.server import CLIENT, CONTAINER, Server, rented

_TRIES = 3
_CLIENTS = 5
_TIMEOUT_S = 3.0
_NESTED = "2001:db8:64:0:d::5"
_UNUSED = ("2001:db8:64:0:b::ff", "2001:db8:64:0:e::5")
_LISTED = ("eth0", "br0", "tun0")
_TARGETS_PER_SECOND = (100, 1000, 10000)
_DURATION_S = 10.0

_Rtts = dict[str, list[float | None]]


def run() -> None:
    """Print the tables."""
    heading("A rented server: VPN clients, a nested router's host and a container, reached from outside")
    programs: dict[str, Callable[[Host, Path], None]] = {"ndpbr": _ndpbr}
    ndppd = shutil.which("ndppd", path="/usr/sbin:/usr/bin")
    if ndppd is not None:
        programs |= {f"ndppd {name}": _ndppd(ndppd, rules) for name, rules in _RULES.items()}
    columns = (
        "program",
        f"{_CLIENTS} clients: answered",
        "first packet",
        "later",
        "nested: answered",
        "first",
        "later",
    )
    table(
        (*columns, "container: answered", "first", "later", "unused in the VPN's prefix", "unused elsewhere"),
        [_row(*item) for item in programs.items()],
    )
    if ndppd is None:
        print("\nndppd is not installed: no comparison.")
    heading("A scan of the VPN's prefix from outside")
    columns = ("targets a second", "sent", "known client: median", "worst", "lost", "most entries", "multicast groups")
    table((*columns, "CPU of ndpbr"), [_scan(rate) for rate in _TARGETS_PER_SECOND])


def _ndpbr(host: Host, folder: Path) -> None:
    argv = (sys.executable, "-m", "ndpbr_py", "--log-format", "logfmt", "--pidfile", f"{folder}/pid", "run")
    options = ("--no-discover", "--state-dir", f"{folder}/state", "--hosts-file", f"{folder}/hosts")
    with Path(folder, "log").open("w") as log:
        host.spawn(*argv, *options, *_LISTED, stderr=log, cwd=ROOT)
    until(lambda: "event=started" in Path(folder, "log").read_text(), what="ndpbr is ready")


def _ndppd(path: str, rules: str) -> Callable[[Host, Path], None]:
    def start(host: Host, folder: Path) -> None:
        config = Path(folder, "ndppd.conf")
        config.write_text(f"proxy eth0 {{ router yes\n{rules} }}\n")
        with Path(folder, "log").open("w") as log:
            host.spawn(path, "-c", str(config), stdout=log, stderr=log)
        time.sleep(1)  # ndppd does not report when it is ready

    return start


def _rule(prefix: str, method: str) -> str:
    return f"  rule 2001:db8:64:{prefix} {{ {method} }}\n"


_RULES = {
    "static": _rule(":/64", "static"),
    "auto": _rule(":/64", "auto"),
    "iface": _rule("0:b::/80", "iface tun0") + _rule("0:c::/80", "iface br0") + _rule("0:d::/80", "iface br0"),
}


def _client(number: int) -> str:
    return f"{CLIENT[:-1]}{number + 5}"


@contextmanager
def _place(start: Callable[[Host, Path], None], clients: int) -> Iterator[tuple[Server, Path]]:
    """Set up the machines, and start a program on the server."""
    with tempfile.TemporaryDirectory() as folder, Lab() as lab, rented(lab) as it:
        for number in range(clients):
            client = lab.host(f"vpn{number}")
            it.tunnel.connect(client, _client(number))
            echo(client)
        it.container.sysctl("net/ipv6/conf/all/forwarding", 1)
        it.container.ip(f"address add {_NESTED}/128 dev lo nodad")
        it.server.ip(f"-6 route add 2001:db8:64:0:d::/80 via {CONTAINER} dev br0")
        echo(it.container)
        start(it.server, Path(folder))
        yield it, Path(folder)


def _row(name: str, start: Callable[[Host, Path], None]) -> tuple[str, ...]:
    first: _Rtts = {"client": [], "nested": [], "container": []}
    later: _Rtts = {"client": [], "nested": [], "container": []}
    answered_for: Counter[str] = Counter()
    for _ in range(_TRIES):
        with _place(start, _CLIENTS) as (it, _):
            places = [("client", _client(number)) for number in range(_CLIENTS)]
            for kind, address in (*places, ("nested", _NESTED), ("container", CONTAINER)):
                first[kind].append(ask(it.inet, address, timeout=_TIMEOUT_S))
                later[kind].append(ask(it.inet, address, timeout=_TIMEOUT_S) if first[kind][-1] else None)
            for address in _UNUSED:
                ask(it.inet, address, timeout=_TIMEOUT_S)
                answered_for[address] += "lladdr" in it.modem.ip(f"-6 neigh show {address} dev lan0")
    cells = []
    for kind, rtts in first.items():
        answered = [rtt for rtt in rtts if rtt is not None]
        after = [rtt for rtt in later[kind] if rtt is not None]
        cells += [f"{len(answered)} of {len(rtts)}", ms(median(answered)), ms(median(after))]
    return (name, *cells, *(f"{answered_for[address]} of {_TRIES}" for address in _UNUSED))


def _scan(rate: int) -> tuple[str, ...]:
    with _place(_ndpbr, 1) as (it, folder):
        pid = int(Path(folder, "pid").read_text())
        until(lambda: ask(it.inet, _client(0)), what="the client is reached")
        spent = cpu_s(pid)
        scan = sender(it.modem, "vpn-scan", rate, _DURATION_S)
        known: list[float | None] = []
        most = groups = 0
        while scan.poll() is None:
            known.append(ask(it.inet, _client(0)))
            if len(known) % 20 == 0:
                most = max(most, it.server.ip("-6 neigh show proxy").count(TAG))
                groups = max(groups, it.server.ip("-6 maddr show dev eth0").count("inet6"))
            time.sleep(0.02)
        spent = max(cpu_s(pid) - spent, 0.0)
        answered = [rtt for rtt in known if rtt is not None]
        return (
            str(rate),
            scan.communicate()[0].strip(),
            ms(median(answered)),
            ms(max(answered, default=None)),
            f"{len(known) - len(answered)} of {len(known)}",
            str(most),
            str(groups),
            f"{spent / _DURATION_S * 100:.0f} %",
        )
