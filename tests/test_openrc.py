"""The init script under real OpenRC, on the lab's router: `rc-service ndpbr` and its commands."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from ndpbr_py.options import COMMANDS
from tests.claim import claim
from tests.echo import ask, echo
from tests.home import INET, LAN, Home
from tests.lab import until
from tests.observed import clean, proxies, settings
from tests.openrc import OpenRc, missing
from tests.program import ROOT

TWO = 'interfaces="wan0 lan0"'
STARTED, STOPPED, UNSUPERVISED = 0, 3, 64  # exit status of `rc-service status`


@pytest.fixture
def router(home: Home) -> OpenRc:
    """Return the home's router, booted by OpenRC."""
    if reason := missing():
        pytest.skip(reason)
    return OpenRc(home.router)


def test_service_works_and_cleans_up(home: Home, router: OpenRc) -> None:
    """A started service answers for a host and lists it; a stop restores everything."""
    before = settings(home.router, "wan0", "lan0")
    echo(home.inet, delay=0.02)
    router.configure(TWO)
    started = router.service("start")
    router.wait_for("event=started")

    assert (started.returncode, router.service("status").returncode) == (0, STARTED)
    lines = [line for line in started.stdout.splitlines() if "Caching service dependencies" not in line]
    assert lines == [" * Checking the configuration of ndpbr ... [ ok ]", " * Starting ndpbr ... [ ok ]"]
    assert router.service("ineed").stdout.split() == ["network"]
    assert ask(home.lan, INET, timeout=10.0) is not None
    assert f"{LAN} lan0 -> wan0\n" in router.service("show").stdout
    stopped = router.service("stop")
    assert (stopped.returncode, stopped.stdout) == (0, " * Stopping ndpbr ... [ ok ]\n")
    assert router.service("status").returncode == STOPPED
    assert clean(home.router)
    assert settings(home.router, "wan0", "lan0") == before
    assert [path.name for path in router.run_folder.glob("ndpbr*/*")] == ["stderr"]
    assert (router.run_folder / "ndpbr/stderr").read_text() == ""
    assert [path.name for path in router.run_folder.glob("*.pid")] == ["syslogd.pid"]


MISTAKES = {
    'interfaces=""': "run needs at least two interfaces, for example: ndpbr run wan0 lan0",
    'interfaces="wan0"': "run needs at least two interfaces, for example: ndpbr run wan0 lan0",
    f'{TWO}; run_options="--prefix home"': "--prefix: expected an IPv6 prefix such as 2001:db8:1::/64, got 'home'",
    f'{TWO}; protocol="kernel"': "--protocol: expected a number from 5 to 255 that no other program uses, got 'kernel'",
    f'{TWO}; log_options="--log-level loud"': "--log-level: expected one of debug, info, warning, error, got 'loud'",
}


@pytest.mark.parametrize(("text", "sentence"), MISTAKES.items())
def test_mistake_in_conf_d_is_named(home: Home, router: OpenRc, text: str, sentence: str) -> None:
    """With a mistake in conf.d nothing is started, and one sentence names the mistake and the file."""
    router.configure(text)
    for word, status in (("checkconfig", 2), ("start", 1)):
        done = router.service(word)

        assert done.returncode == status
        assert f"ndpbr: {sentence}" in done.stdout
        assert "(see /etc/conf.d/ndpbr)" in done.stdout
    assert router.service("status").returncode == STOPPED
    assert "supervise-daemon" not in router.log()
    assert clean(home.router)


def test_checkconfig_of_a_correct_configuration(router: OpenRc) -> None:
    """A correct conf.d is confirmed, and nothing is started."""
    router.configure(TWO)
    done = router.service("checkconfig")

    assert (done.returncode, done.stdout) == (0, " * Checking the configuration of ndpbr ... [ ok ]\n")
    assert router.service("status").returncode == STOPPED


def test_pattern_is_passed_unexpanded(tmp_path: Path) -> None:
    """Neither the script nor the shell that is given command_args expands it, whatever files there are."""
    (tmp_path / "br-x").touch()
    script = '. "$0"; eval "set -- $command_args"; echo "$*"; echo "$ndpbr_names"'
    found = subprocess.run(
        ["sh", "-c", script, ROOT / "openrc/ndpbr.initd"],
        env={"RC_SVCNAME": "ndpbr", "interfaces": "eth0 br-* wg0"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout.splitlines()[0].endswith(" eth0 br-* wg0")
    assert found.stdout.splitlines()[1:] == [" eth0 wg0"]


def test_pattern_in_conf_d(home: Home, router: OpenRc) -> None:
    """The interfaces that match are listed, also where a file in the working directory matches, too."""
    (router.run_folder / "here").mkdir()
    (router.run_folder / "here/lan9").touch()
    router.configure('interfaces="wan0 lan*"; cd /run/here')
    assert router.service("checkconfig").returncode == 0
    router.service("start")
    router.wait_for("event=started")

    assert "dev=lan0" in router.log()
    claim(home.lan, LAN)
    until(lambda: f"{LAN} dev wan0 proto 135" in proxies(home.router), what="the host is proxied")
    router.service("stop")


def test_restart_with_a_mistake_keeps_the_daemon(router: OpenRc) -> None:
    """A restart with a mistake in conf.d does not stop the running daemon."""
    pid = _started(router)
    router.configure('interfaces="wan0"')
    done = router.service("restart")

    assert done.returncode == 1
    assert "run needs at least two interfaces, for example: ndpbr run wan0 lan0" in done.stdout
    assert router.pid() == pid
    assert router.service("status").returncode == STARTED


def test_restart(router: OpenRc) -> None:
    """A restart starts another daemon."""
    pid = _started(router)
    router.service("restart")
    router.wait_for("event=started", 2)

    assert router.pid() not in ("", pid)


def test_restart_loses_no_packet_of_a_known_host(home: Home, router: OpenRc) -> None:
    """A restart with the same options keeps entries and settings for that one stop; the next stop removes them."""
    before = settings(home.router, "wan0", "lan0")
    echo(home.lan)
    _started(router)
    claim(home.lan, LAN)
    until(lambda: ask(home.inet, LAN), what="the host is reached")
    restarting = Thread(target=router.service, args=("restart",))
    restarting.start()
    answers, proxied = [], []
    while restarting.is_alive() or router.log().count("event=started") < 2:
        answers.append(ask(home.inet, LAN, timeout=10.0))  # on a busy machine even an answer takes time
        proxied.append(f"{LAN} dev wan0 proto 135" in proxies(home.router))
    restarting.join()

    assert "entries_removed=false" in router.log()
    assert None not in answers
    assert all(proxied)
    assert router.service("stop").returncode == 0
    assert clean(home.router)
    assert settings(home.router, "wan0", "lan0") == before


def test_stop_just_after_a_restart(home: Home, router: OpenRc) -> None:
    """A stop that comes before the new daemon can handle it removes what the restart has kept."""
    before = settings(home.router, "wan0", "lan0")
    _started(router)
    claim(home.lan, LAN)
    until(lambda: proxies(home.router), what="the host is proxied")
    for word in ("restart", "stop"):
        assert router.service(word).returncode == 0

    assert "entries_removed=false" in router.log()
    assert clean(home.router)
    assert settings(home.router, "wan0", "lan0") == before


@pytest.mark.parametrize("changed", ['interfaces="lan0 wan0"', f'{TWO}; protocol="200"'])
def test_restart_with_other_options_cleans_up(home: Home, router: OpenRc, changed: str) -> None:
    """Entries that the next daemon would not recognize as its own are removed."""
    _started(router)
    claim(home.lan, LAN)
    until(lambda: proxies(home.router), what="the host is proxied")
    router.configure(changed)
    router.service("restart")
    router.wait_for("event=started", 2)

    assert "entries_removed=true" in router.log()
    assert router.service("stop").returncode == 0
    assert clean(home.router)


def test_killed_daemon_is_started_again_and_adopts(home: Home, router: OpenRc) -> None:
    """After kill -9 the host stays reachable, the next daemon adopts its entries, and a stop restores everything."""
    before = settings(home.router, "wan0", "lan0")
    echo(home.lan)
    pid = _started(router, f'{TWO}; log_options="-v"')
    claim(home.lan, LAN)
    until(lambda: proxies(home.router), what="the host is proxied")
    router.wait_for(f"address={LAN} dev=lan0")  # logged after the command was sent
    router.run("kill", "-KILL", pid)

    assert ask(home.inet, LAN, timeout=10.0) is not None
    router.wait_for("event=started", 2)
    assert router.pid() not in ("", pid)
    assert ask(home.inet, LAN, timeout=10.0) is not None
    assert "reason=adopted" in router.log()
    router.service("stop")
    assert clean(home.router)
    assert settings(home.router, "wan0", "lan0") == before


def test_restarts_are_limited(router: OpenRc) -> None:
    """A daemon that keeps failing is restarted respawn_max times; syslog has the reason."""
    other = (router.program, "--pidfile", "/run/other.pid")
    run = f"{' '.join(other)} run --state-dir /run/other --hosts-file /run/other/hosts wan0 lan1 >/dev/null 2>&1 &"
    router.run("sh", "-c", run)
    until((router.run_folder / "other/settings-135.json").exists, what="another ndpbr has wan0")
    pid = (router.run_folder / "other.pid").read_text().strip()
    router.configure(f"{TWO}; respawn_delay=1; respawn_max=2")
    started = router.service("start")
    router.wait_for("too many times")
    until(lambda: router.service("status").returncode == STOPPED, what="OpenRC has stopped the service")

    assert started.returncode == 0
    assert router.log().count(f'event=failed error="protocol 135 is already in use by another ndpbr, pid {pid}"') == 3
    assert router.service("stop").returncode == 0
    assert router.run(*other, "kill").returncode == 0
    assert router.service("start").returncode == 0
    router.wait_for("event=started")


def test_kill_names_the_command_to_use(router: OpenRc) -> None:
    """`ndpbr kill` does not kill a daemon that OpenRC would restart, and names the command to use."""
    pid = _started(router)
    done = router.run(router.program, "kill")

    assert done.returncode == 1
    assert done.stdout == f"ndpbr: use `rc-service ndpbr stop`: OpenRC would restart ndpbr (pid {pid})\n"
    assert router.pid() == pid
    assert "event=stopping" not in router.log()


def test_reload_reads_the_tables(home: Home, router: OpenRc) -> None:
    """Flushed entries are restored by a reload."""
    _started(router, f'{TWO}; run_options="--resync-interval 86400"')
    claim(home.lan, LAN)
    until(lambda: proxies(home.router), what="the host is learned")
    home.router.ip("-6 neigh flush proxy")
    done = router.service("reload")

    assert done.returncode == 0
    until(lambda: proxies(home.router), what="the host is proxied again")


def test_show_and_run_use_the_protocol_of_conf_d(home: Home, router: OpenRc) -> None:
    """The entries have the number of conf.d's `protocol`, and `show` lists these entries."""
    _started(router, f'{TWO}; protocol="140"; run_options="--no-discover"')
    claim(home.lan, LAN)
    until(lambda: proxies(home.router), what="the host is learned")

    assert proxies(home.router) == {f"{LAN} dev wan0 proto 140"}
    assert router.service("show").stdout == f"{LAN} lan0 -> wan0\n"


@pytest.mark.skipif("doctor" not in COMMANDS, reason="ndpbr has no doctor")
def test_doctor_checks_the_interfaces_of_conf_d(router: OpenRc) -> None:
    """`rc-service ndpbr doctor` prints what `ndpbr doctor wan0 lan0` prints, even if no daemon runs."""
    router.configure(TWO)
    done = router.service("doctor").stdout

    assert done == router.run(router.program, "doctor", "wan0", "lan0").stdout
    assert re.search("wan0|lan0", done)


def _supervisor_killed(router: OpenRc) -> None:
    router.run("kill", "-KILL", (router.run_folder / "supervise-ndpbr.pid").read_text().strip())
    until(
        lambda: router.service("status").returncode == UNSUPERVISED,
        what="OpenRC has noticed that the supervisor is dead",
    )


def _hung(router: OpenRc) -> None:
    router.run("kill", "-STOP", router.pid())


@pytest.mark.parametrize("fault", [_supervisor_killed, _hung])
def test_stop_after_a_fault_removes_the_entries(home: Home, router: OpenRc, fault: Callable[[OpenRc], None]) -> None:
    """A stop also ends a daemon that hangs or has lost its supervisor, and removes its entries."""
    pid = _started(router, f'{TWO}; retry="TERM/1/KILL/5"')
    claim(home.lan, LAN)
    router.wait_for("event=host-learned")
    fault(router)
    done = router.service("stop")

    assert done.returncode == 0
    assert "ndpbr has not cleaned up; removing its entries" in done.stdout
    assert router.run("kill", "-0", pid).returncode != 0
    assert clean(home.router)


def test_log_goes_to_a_file_instead(router: OpenRc) -> None:
    """With error_log in conf.d the records are in that file, and not in syslog; logrotate may truncate it."""
    router.configure(f'{TWO}; error_log="/run/ndpbr.log"; log_options="-v"')
    router.service("start")
    log = router.run_folder / "ndpbr.log"
    until(lambda: log.exists() and "event=started" in log.read_text(), what="the file has the start")

    assert "level=debug event=setting-changed" in log.read_text()
    assert "event=" not in router.log()
    os.truncate(log, 0)  # what copytruncate in packaging/logrotate does
    router.run("kill", "-USR1", router.pid())
    until(lambda: "event=counters" in log.read_text(), what="the file has the next records")
    assert log.read_bytes()[:3] == b"ts="  # no hole where the old records were


def test_link_to_the_script_is_a_second_instance(home: Home, router: OpenRc) -> None:
    """Each instance has its pid file, interfaces and protocol number; a stop of one does not stop the other."""
    home.router.lay("link add guest0 type veth peer name guest1", "link set guest0 up")
    pid = _started(router)
    (router.root / "etc/init.d/ndpbr.guest").symlink_to("ndpbr")
    router.configure('interfaces="lan1 guest0"; protocol="136"', service="ndpbr.guest")
    router.run("rc-service", "ndpbr.guest", "start")
    router.wait_for("event=started interfaces=lan1,guest0")

    assert (router.run_folder / "ndpbr.guest.pid").exists()
    assert router.run("rc-service", "ndpbr.guest", "stop").returncode == 0
    assert not (router.run_folder / "ndpbr.guest.pid").exists()
    assert router.pid() == pid
    assert router.service("status").returncode == STARTED


def _started(router: OpenRc, text: str = TWO) -> str:
    """Start the service, wait until the daemon works, return its pid."""
    router.configure(text)
    assert router.service("start").returncode == 0
    router.wait_for("event=started")
    return router.pid()
