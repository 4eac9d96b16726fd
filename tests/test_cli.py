"""Words of the command line -> one sentence, and an exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ndpbr_py import __version__
from ndpbr_py.cli import main
from ndpbr_py.options import SUBCOMMANDS

MISTAKES = {
    "dance": "argument COMMAND: invalid choice: 'dance'",
    "--pidfil=/x show": "unrecognized arguments: --pidfil=/x",
    "run": "two or more interfaces were wanted, got 0",
    "run lan0": "two or more interfaces were wanted, got 1",
    "run lan0 lan0": "each interface once was wanted, got 'lan0' more than once",
    "run lan0 all": "an interface name of 1 to 15 letters",
    "run lan0 wan0 --prefix 2001:db8::1/64": "an IPv6 prefix such as 2001:db8:1::/64 was wanted",
    "run lan0 wan0 --static 2001:db8::11%lan1": "a listed interface (lan0, wan0) was wanted after `%`, got ",
    "run lan0 wan0 --static lan0": "a global address with its interface, ADDR%IFACE, was wanted for --static",
    "run lan0 wan0 --protocol 2": "a protocol number from 5 to 255",
    "run lan0 wan0 --expire-interval 0": "an --expire-interval of 1 to",
    "run lan0 wan0 --resync-interval never": "a --resync-interval of 1 to",
    "run lan0 wan0 --max-hosts 0": "--max-hosts of 1 to 1000000 was wanted, got '0'",
    "run lan0 wan0 --max-hosts-per-lladdr x": "--max-hosts-per-lladdr of 1 to 1000000 was wanted, got 'x'",
    "run --check lan0": "two or more interfaces were wanted, got 1",
    "run lan0 wan0 --sideways": "unrecognized arguments: --sideways",
    "run lan0 wan0 --protocol": "argument --protocol: expected one argument",
    "--log-format xml show": "a log format was wanted, one of auto, console, logfmt, json, got 'xml'",
    "--log-level loud show": "a log level was wanted, one of debug, info, warning, error, got 'loud'",
    "show --protocol kernel": "a protocol number from 5 to 255",
    "show --watch never": "a --watch of 0.5 to 3600 seconds was wanted, got 'never'",
    "show --watch --json": "--watch or --json was wanted, got both",
    "show --watch": "a terminal was wanted for --watch, got another standard output",
    "flush --protocol 4": "a protocol number from 5 to 255",
    "replay": "the following arguments are required: FILE",
    "record": "the following arguments are required: FILE, IFACE",
    "record - lan0": "two or more interfaces were wanted, got 1",
    "record - lan0 wan0 --seconds 0": "--seconds of 1 to 604800 seconds was wanted, got '0'",
    "refresh": "one or more interfaces were wanted, got 0",
    "refresh lo": "an interface name of 1 to 15 letters",
    "refresh wan0 --interval 0": "an --interval of 1 to",
    "run lan0 wan0 --refresh 0.5": "a --refresh of 1 to",
    "doctor lo": "an interface name of 1 to 15 letters",
    "doctor wan0 wan0": "each interface once was wanted, got 'wan0' more than once",
    "explain": "the following arguments are required: ADDR",
    "explain 192.0.2.1": "an IPv6 address such as 2001:db8:1::11 was wanted, got '192.0.2.1'",
    "explain 2001:db8::1 --interfaces lan0": "two or more interfaces were wanted, got 1",
    "replay - --interfaces lan0": "two or more interfaces were wanted, got 1",
    "replay - --interfaces lan0,wan0 --prefix x": "an IPv6 prefix such as",
}


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Return exit status, standard output and standard error of the program."""
    status = main(argv)
    return status, *capsys.readouterr()


@pytest.mark.parametrize(("words", "sentence"), MISTAKES.items())
def test_mistake_is_answered_by_one_sentence(words: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad usage or configuration: one line that says what was wanted, exit status 2, nothing done."""
    status, out, err = said(capsys, *words.split())

    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"ndpbr: {sentence}")


def test_check_of_a_configuration_that_is_right(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Nothing is said, and nothing is started, by anybody: neither right nor interface is needed."""
    pidfile = tmp_path / "ndpbr.pid"

    assert said(capsys, "--pidfile", str(pidfile), "run", "--check", "lan0", "wan0") == (0, "", "")
    assert not pidfile.exists()


def test_no_command_prints_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Who asks for nothing is told what there is."""
    status, out, err = said(capsys)

    assert (status, err) == (0, "")
    assert out.startswith("usage: ndpbr ")
    assert all(f"    {name} " in out for name in SUBCOMMANDS)


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["replay", "-h"]])
def test_help_is_no_mistake(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Help goes to standard output."""
    with pytest.raises(SystemExit) as end:
        main(words)

    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("usage: ndpbr")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The program says which it is."""
    with pytest.raises(SystemExit) as end:
        main(["--version"])

    assert (end.value.code, capsys.readouterr().out) == (0, f"ndpbr {__version__}\n")


def test_kill_says_if_none_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A stale pid file is not a running daemon, whosever number is in it."""
    pidfile = tmp_path / "ndpbr.pid"
    pidfile.write_text("1\n")

    status, out, err = said(capsys, "--pidfile", str(pidfile), "kill")

    assert (status, out) == (1, "")
    assert err == f"ndpbr: a running ndpbr was wanted, none holds the pid file {pidfile}\n"


def test_replay_of_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What cannot be read is named."""
    status, _, err = said(capsys, "replay", str(tmp_path / "none"), "--interfaces", "lan0,wan0")

    assert status == 1
    assert err == f"ndpbr: a readable recording was wanted, got '{tmp_path / 'none'}': No such file or directory\n"


@pytest.mark.parametrize("words", ["show", "run --check lan0 wan0"])
@pytest.mark.parametrize("ip", [None, "#!/bin/sh\necho 'BusyBox v1.35.0 multi-call binary.' >&2\nexit 1\n"])
def test_ip_that_is_not_of_iproute2(
    ip: str | None, words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ip, or with busybox's alone, the package that is needed is named."""
    if ip is not None:
        (tmp_path / "ip").write_text(ip)
        (tmp_path / "ip").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("ndpbr_py.iproute2.program._ELSEWHERE", "")

    status, out, err = said(capsys, *words.split())

    got = "found none on PATH" if ip is None else f"got {tmp_path}/ip, which is another (busybox's?)"
    assert (status, out) == (1, "")
    assert err == f"ndpbr: ndpbr needs the ip command of the iproute2 package, {got}\n"


def test_help_loads_neither_library() -> None:
    """Help, and mistakes, are there at once: the libraries are imported by the commands that need them."""
    code = (
        "import sys\nfrom ndpbr_py.cli import main\nmain([])\nmain(['dance'])\n"
        "print(*sorted({'sh', 'structlog', 'asyncio'} & sys.modules.keys()), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr.splitlines()[1:] == [""]


def test_reader_that_has_seen_enough_is_no_trouble() -> None:
    """Help into a closed pipe ends without a traceback."""
    code = "import sys\nfrom ndpbr_py.cli import main\nsys.exit(main([]))"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()

        assert "Traceback" not in child.stderr.read()
