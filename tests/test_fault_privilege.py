"""A user with CAP_NET_ADMIN can run the daemon; with CAP_NET_RAW it also receives solicitations."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.claim import claim
from tests.echo import ask, echo
from tests.home import INET, LAN, Home
from tests.lab import TIMEOUT_S, Lab, until
from tests.observed import clean, proxies, routes, settings
from tests.program import PROGRAM, ROOT, can_become_a_user

NOBODY = 65534
DEVS = ("wan0", "lan0")
NET_ADMIN = ("--inh-caps", "+net_admin", "--ambient-caps", "+net_admin", "--bounding-set", "-all,+net_admin")
BOTH = "+net_admin,+net_raw"
NET_RAW = ("--inh-caps", BOTH, "--ambient-caps", BOTH, "--bounding-set", f"-all,{BOTH}")
NOTHING = ("--bounding-set", "-all")
NO_ICMP = "sending ICMPv6 messages requires root or CAP_NET_RAW"


class User:
    """An unprivileged user with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # If the venv's Python is in root's home, other users cannot run it: use the system's, with our packages.
        packages = f"{ROOT}:{Path(structlog.__file__).parent.parent}"
        self.environment = {**os.environ, "PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1"}
        self.python = next(filter(self._can_run, (sys.executable, "/usr/bin/python3")), None)

    def argv(self, rights: tuple[str, ...], *words: str) -> tuple[str, ...]:
        """Return the command line that runs ``ndpbr WORDS`` with the capabilities *rights* and no others."""
        assert self.python is not None
        pidfile = ("--pidfile", str(self.folder / "ndpbr.pid"))
        return *self._as(rights), self.python, "-m", "ndpbr_py", *pidfile, *words

    def run_words(self, *devs: str) -> tuple[str, ...]:
        """Return the words that start the daemon."""
        return "run", "--state-dir", str(self.folder / "state"), "--hosts-file", str(self.folder / "hosts"), *devs

    def _as(self, rights: tuple[str, ...]) -> tuple[str, ...]:
        return "setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", *rights

    def _can_run(self, python: str) -> bool:
        words = (*self._as(NET_ADMIN), python, "-c", "import sh, structlog, ndpbr_py.daemon.daemon")
        try:
            return subprocess.run(words, capture_output=True, check=False, env=self.environment).returncode == 0
        except OSError:
            return False


@pytest.fixture
def user(lab: Lab) -> Iterator[User]:
    """Return a user that can run the program with given capabilities."""
    if not can_become_a_user():
        pytest.skip("setpriv (util-linux) is not installed")
    # pytest's own folders are root's only.
    with tempfile.TemporaryDirectory() as folder:
        try:
            os.chown(folder, NOBODY, NOBODY)
        except OSError as error:
            pytest.skip(f"this root has no other users ({error.strerror})")
        it = User(Path(folder))
        if it.python is None:
            pytest.skip("another user cannot run a Python that has sh and structlog")
        yield it


def test_net_admin_is_enough(home: Home, user: User) -> None:
    """With only CAP_NET_ADMIN the first datagram is answered, and the stop cleans up."""
    before = settings(home.router, *DEVS)
    echo(home.inet, delay=0.02)
    log = user.folder / "log"
    with log.open("w") as stderr:
        running = home.router.spawn(
            *user.argv(NET_ADMIN, *user.run_words("--no-discover", *DEVS)), stderr=stderr, env=user.environment, cwd="/"
        )
    until(lambda: "event=started" in log.read_text(), what="the daemon has started")
    rights = dict(line.split(":\t") for line in Path("/proc", str(running.pid), "status").read_text().splitlines())
    answer = ask(home.lan, INET, timeout=10.0)
    state = user.folder / "state"

    assert (rights["Uid"].split()[1], int(rights["CapEff"], 16), int(rights["CapBnd"], 16)) == (
        "65534",
        1 << 12,
        1 << 12,
    )
    assert answer is not None
    assert f"{LAN} dev lan0 proto 135" in routes(home.router)
    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)
    assert [oct(path.stat().st_mode & 0o777) for path in (state, state / "settings-135.json")] == ["0o755", "0o644"]
    stopped = home.router.run(*user.argv(NOTHING, "kill"), env=user.environment, cwd="/")
    assert (stopped.returncode, stopped.stderr, running.wait(TIMEOUT_S)) == (0, "", 0)
    assert clean(home.router)
    assert settings(home.router, *DEVS) == before
    # Receiving solicitations and sending advertisements require CAP_NET_RAW.
    complaints = re.findall("level=(?:warning|error) event=.*", log.read_text())
    refused = 'level=warning event=listen-refused dev={} error="Operation not permitted"'
    mute = f'level=warning event=advertising-refused error="{NO_ICMP}"'
    assert sorted(complaints) == [mute, *(refused.format(dev) for dev in ("lan0", "wan0"))]


def test_net_raw_lets_it_receive_solicitations(home: Home, user: User) -> None:
    """With CAP_NET_RAW, too, the daemon receives solicitations, and logs no warning."""
    echo(home.lan)
    log = user.folder / "log"
    with log.open("w") as stderr:
        running = home.router.spawn(
            *user.argv(NET_RAW, *user.run_words(*DEVS)), stderr=stderr, env=user.environment, cwd="/"
        )
    until(lambda: "event=started" in log.read_text(), what="the daemon has started")

    assert ask(home.inet, LAN, timeout=10.0) is not None
    running.terminate()
    assert running.wait(TIMEOUT_S) == 0
    assert not re.search("level=(warning|error)", log.read_text())


def test_discovery_without_net_raw_probes_remembered_hosts(home: Home, user: User) -> None:
    """Without CAP_NET_RAW there is one warning each, no ping and no advertisement; remembered hosts are found."""
    log, file = user.folder / "log", user.folder / "hosts"
    file.write_text(f"# ndpbr\n{LAN} lan0\n")
    with log.open("w") as stderr:
        argv = user.argv(NET_ADMIN, *user.run_words("--no-listen", *DEVS))
        running = home.router.spawn(*argv, stderr=stderr, env=user.environment, cwd="/")
    until(lambda: f"event=host-learned address={LAN}" in log.read_text(), what="the host is found")
    running.terminate()

    assert running.wait(TIMEOUT_S) == 0
    warnings = [line.partition("event=")[2] for line in log.read_text().splitlines() if "level=warning" in line]
    assert sorted(warnings) == [f'{what}-refused error="{NO_ICMP}"' for what in ("advertising", "discovery")]
    assert f"{LAN} lan0 {home.lan.mac('eth0')}\n" in file.read_text()


def test_without_net_admin_it_does_not_start(home: Home, user: User) -> None:
    """Without CAP_NET_ADMIN the daemon ends with one sentence, and nothing is changed."""
    before = settings(home.router, *DEVS)
    claim(home.lan, LAN)
    ended = home.router.run(*user.argv(NOTHING, *user.run_words(*DEVS)), env=user.environment, cwd="/")

    assert (ended.returncode, ended.stderr) == (1, "ndpbr: run requires root or CAP_NET_ADMIN\n")
    assert list(user.folder.iterdir()) == []
    assert clean(home.router)
    assert settings(home.router, *DEVS) == before


def test_kill_and_flush_of_another_user_print_one_sentence(home: Home, user: User) -> None:
    """Without rights they name what they require, and root's daemon runs on with its entries."""
    pidfile = user.folder / "ndpbr.pid"
    words = (*PROGRAM, "--pidfile", str(pidfile), *user.run_words("--no-discover", *DEVS))
    log = user.folder / "log"
    with log.open("w") as stderr:
        running = home.router.spawn(*words, stderr=stderr, cwd=ROOT)
    until(lambda: "event=started" in log.read_text(), what="the daemon has started")
    claim(home.lan, LAN)
    until(lambda: f"{LAN} dev wan0 proto 135" in proxies(home.router), what="the host is proxied")
    killed, flushed, hidden = (
        home.router.run(*user.argv(NOTHING, *words), env=user.environment, cwd="/")
        for words in (("kill",), ("flush", "--state-dir", str(user.folder / "state")), ("--pidfile", "/root/x", "kill"))
    )

    assert (killed.returncode, killed.stderr) == (1, "ndpbr: kill requires root, or the user that runs ndpbr\n")
    assert (flushed.returncode, flushed.stderr) == (1, "ndpbr: flush requires root or CAP_NET_ADMIN\n")
    assert (hidden.returncode, hidden.stderr) == (1, "ndpbr: cannot read the pid file /root/x: Permission denied\n")
    assert running.poll() is None
    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)
    running.terminate()
    assert running.wait(TIMEOUT_S) == 0


def test_kill_of_a_user_who_sees_no_daemon_requires_root(home: Home, user: User) -> None:
    """Where /proc hides the locks from a user, kill does not say that no daemon runs."""
    hidden = ("unshare", "-m", "sh", "-c", 'mount --bind /dev/null /proc/locks && exec "$@"', "sh")
    killed = home.router.run(*hidden, *user.argv(NOTHING, "kill"), env=user.environment, cwd="/")

    why = f"no process that this user can see holds {user.folder}/ndpbr.pid"
    needed = "kill requires root, or the user that runs ndpbr"
    assert (killed.returncode, killed.stderr) == (1, f"ndpbr: {why}: {needed}\n")


def test_show_needs_no_capability_and_ping_names_its_own(home: Home, user: User) -> None:
    """show works for any user, also without a daemon (status 3); --ping without CAP_NET_RAW ends with one sentence."""
    home.router.lay(f"route add {LAN}/128 dev lan0 proto 135", f"neigh add proxy {LAN} dev wan0 proto 135")
    shown, pinged = (
        home.router.run(*user.argv(NOTHING, *words), env=user.environment, cwd="/")
        for words in (("show",), ("show", "--ping"))
    )

    assert (shown.returncode, shown.stdout) == (3, f"{LAN} lan0 -> wan0\n")
    assert (pinged.returncode, pinged.stderr) == (1, "ndpbr: sending ICMPv6 messages requires root or CAP_NET_RAW\n")
