"""docs/server.md and docs/systemd.md, followed from top to bottom on a machine that systemd has booted.

What `make install` installs is started by systemd itself. Stand-ins, all other lines run as printed:

- the package manager: nothing, since the tests need the same packages; `make dist`: what the fixture has built
- Docker: a bridge with a veth pair to the container, and a ruleset that Docker has written
- wg-quick: a tun device with a program at its end, and the routes that wg-quick adds
- the journal: a file; scp: a copy; node_exporter: its group and its directory
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import followed
from tests.claim import claim
from tests.echo import ask, echo
from tests.home import INET, LAN, Home
from tests.lab import Lab, until
from tests.observed import all_proxies, clean, settings
from tests.program import ROOT
from tests.recipe import missing
from tests.server import CLIENT, CONTAINER, rented
from tests.systemd import Systemd, booted
from tests.test_server import RULES, WIREGUARD, reached, vpn


@pytest.mark.parametrize("docker", [True, False])
def test_server_page(lab: Lab, built: dict[str, bytes], tmp_path: Path, docker: bool) -> None:
    """The commands of docs/server.md, with or without Docker, lead to a service that serves all hosts."""
    if reason := missing("make", "sysctl", *(("nft", "ip6tables") if docker else ())):
        pytest.skip(reason)
    with rented(lab, dev="wg0", recipe=True) as at, booted(at.server, tmp_path / "groups", installed=False) as machine:
        for host in (at.inet, at.container, at.client):
            echo(host)
        source = followed.source(machine, built)
        before = settings(at.server, "eth0")

        def follow(words: list[str]) -> None:
            match words:
                case ["apt-get", "install", *names]:
                    assert {"python3", "iproute2", "make"} <= set(names)
                case ["make", "dist"]:
                    pass
                case ["docker", "network", "create", *options]:
                    if docker:
                        assert "com.docker.network.bridge.name=br0" in options
                        run("ip", "link", "add", "br0", "type", "bridge")
                        run("ip", "-6", "address", "add", "2001:db8:64:0:c::1/80", "dev", "br0")
                        run("ip", "link", "set", "br0", "up")
                        run("sh", "-c", 'echo "$0" | nft -f -', RULES.replace("docker0", "br0"))
                case ["docker", "run", *options]:
                    assert CONTAINER in options
                case ["systemctl", "enable", "--now", "wg-quick@wg0"]:
                    at.server.lay("link set veth0 master br0 up")
                    vpn(at, WIREGUARD["Address"])
                case ["ip", *_]:
                    if not docker:
                        run(*words)
                case ["ip6tables", *_]:
                    if docker:
                        run(*words)
                case ["ndpbr", "show"]:
                    reached(at)
                    shown = run(*words).splitlines()
                    assert any(line.startswith(f"{CONTAINER} br0 -> ") for line in shown), shown
                    assert any(line.startswith(f"{CLIENT} wg0 -> ") for line in shown), shown
                case ["ndpbr", "doctor"]:
                    printed = run(*words)
                    assert printed.startswith("ok   daemon: "), printed
                    assert " 0 failed" in printed.splitlines()[-1], printed
                case _:
                    run(*words)

        def run(*words: str) -> str:
            done = machine.run("env", "-C", source, *words)
            assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}"
            return done.stdout

        for path, text in followed.blocks("server.md"):
            if path is not None:
                followed.write(machine, path, text)
            else:
                for words in followed.commands(text):
                    follow(words)

        _ends_with_a_service(machine)
        assert not all_proxies(at.server)
        assert settings(at.server, "eth0") == before


def test_systemd_page(home: Home, pyz: Path, tmp_path: Path) -> None:
    """The commands of docs/systemd.md lead to a service that keeps its entries over a restart, and readable metrics."""
    with booted(home.router, tmp_path / "groups", installed=False) as machine:
        echo(home.inet)
        echo(home.lan)
        program = machine.root / "usr/bin/ndpbr"  # as README says
        shutil.copy(pyz, program)
        program.chmod(0o755)
        collected = machine.root / "var/lib/prometheus/node-exporter"
        collected.mkdir(parents=True)
        with (machine.root / "etc/group").open("a") as groups:
            groups.write("prometheus:x:4711:\n")

        def follow(line: str) -> None:
            if line.startswith("scp "):
                _, file, target = line.split()
                shutil.copy(ROOT / file, machine.root / target.removeprefix("router:/"))
                return
            if line.startswith("journalctl "):
                machine.wait_for("event=started")
                claim(home.lan, LAN)
                machine.wait_for(f"event=host-learned address={LAN}")
                return
            done = machine.run("sh", "-c", line)
            assert done.returncode == 0, f"{line}: {done.stdout}"
            if line == "ndpbr show":
                assert done.stdout == f"{LAN} lan0 -> wan0\n"
                until(lambda: ask(home.inet, LAN), what="the host is reached")
            elif "USR2" in line:
                machine.wait_for("event=started", 2)
                assert "entries_removed=false" in machine.log()

        for path, text in followed.blocks("systemd.md"):
            if path is not None:
                followed.write(machine, path, text)
            else:
                for line in text.splitlines():
                    follow(line)

        machine.wait_for("event=started", 3)
        assert ask(home.lan, INET) is not None
        until(lambda: list(collected.iterdir()), what="the metrics are written")
        read = machine.run(
            "setpriv", "--reuid=65534", "--clear-groups", "cat", "/var/lib/prometheus/node-exporter/ndpbr.prom"
        )
        assert "ndpbr_build_info{" in read.stdout
        _ends_with_a_service(machine)
        assert clean(home.router)


def _ends_with_a_service(machine: Systemd) -> None:
    """Assert that the service runs, starts at boot, stops cleanly, and that docs/upgrade.md leaves no file of it."""
    assert machine.systemctl("is-active", "ndpbr").stdout == "active\n"
    assert machine.systemctl("is-enabled", "ndpbr").stdout == "enabled\n"
    assert "event=check-failed" not in machine.log()
    assert machine.systemctl("stop", "ndpbr").returncode == 0
    assert machine.shown("Result") == "success"
    printed = machine.run("ndpbr", "doctor").stdout
    assert printed.startswith("fail daemon: not running; fix: systemctl start ndpbr\n"), printed
    for _, text in followed.blocks("upgrade.md"):
        for line in text.splitlines():
            if "# OpenRC" not in line:
                assert machine.run("sh", "-c", line).returncode == 0
    left = machine.run("find", "/etc", "/usr", "/var/lib", "-name", "*ndpbr*").stdout.splitlines()
    assert {Path(path).name for path in left} <= {"ndpbr.service.d", "ndpbr.conf"}, left
