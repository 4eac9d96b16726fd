"""Words of the command line -> a sentence, and an exit status."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from ndpbr_py import __version__
from ndpbr_py.cli import main
from ndpbr_py.commands.check import checked
from ndpbr_py.iproute2 import program
from ndpbr_py.options import COMMANDS, parser

MISTAKES = {
    "dance": "argument COMMAND: invalid choice: 'dance'",
    "--pidfil=/x show": "unrecognized arguments: --pidfil=/x",
    "run": "run needs at least two interfaces, for example: ndpbr run wan0 lan0",
    "run lan0": "run needs at least two interfaces, for example: ndpbr run wan0 lan0",
    "run lan0 lan0": "IFACE: expected each interface once, got 'lan0' more than once",
    "run lan0 all": "IFACE: expected an interface name of 1 to 15 letters",
    "run lan0 wan0 --prefix 2001:db8::1/64": "--prefix: expected an IPv6 prefix such as ",
    "run lan0 wan0 --static 2001:db8::11%lan1": "--static: expected a listed interface (lan0, wan0) for ",
    "run lan0 wan0 --static lan0": "--static: expected a global address or prefix and its interface, ",
    "run lan0 wan0 --protocol 2": "--protocol: expected a number from 5 to 255",
    "run lan0 wan0 --expire-interval 0": "--expire-interval: expected 1 to",
    "run lan0 wan0 --resync-interval never": "--resync-interval: expected 1 to",
    "run lan0 wan0 --max-hosts 0": "--max-hosts: expected a number from 1 to 1000000, got '0'",
    "run lan0 wan0 --max-hosts-per-lladdr x": "--max-hosts-per-lladdr: expected a number from 1 to 1000000, got 'x'",
    "run --check lan0": "run needs at least two interfaces, for example: ndpbr run wan0 lan0",
    "run lan0 wan0 --sideways": "unrecognized arguments: --sideways",
    "run lan0 wan0 --protocol": "argument --protocol: expected one argument",
    "--log-format xml show": "--log-format: expected one of auto, console, logfmt, json, got 'xml'",
    "--log-level loud show": "--log-level: expected one of debug, info, warning, error, got 'loud'",
    "show --protocol kernel": "--protocol: expected a number from 5 to 255",
    "show --watch never": "--watch: expected 0.5 to 3600 seconds, got 'never'",
    "show --watch --json": "argument --json: not allowed with argument --watch",
    "show --watch": "--watch: expected a terminal as standard output",
    "flush --protocol 4": "--protocol: expected a number from 5 to 255",
    "replay": "the following arguments are required: FILE",
    "record": "the following arguments are required: FILE, IFACE",
    "record - lan0": "record needs at least two interfaces, for example: ndpbr record FILE wan0 lan0",
    "record - lan0 wan0 --seconds 0": "--seconds: expected 1 to 604800 seconds, got '0'",
    "refresh": "the following arguments are required: IFACE (see `ndpbr refresh --help`)",
    "refresh lo": "IFACE: expected an interface name of 1 to 15 letters",
    "refresh wan0 --interval 0": "--interval: expected 1 to",
    "run lan0 wan0 --refresh 0.5": "--refresh: expected 1 to",
    "doctor lo": "IFACE: expected an interface name of 1 to 15 letters",
    "doctor wan0 wan0": "IFACE: expected each interface once, got 'wan0' more than once",
    "explain": "the following arguments are required: ADDR",
    "explain 192.0.2.1": "expected an IPv6 address, a link-layer address or the name of a host, got '192.0.2.1'",
    "explain 2001:db8::1 --interfaces lan0": "--interfaces needs at least two interfaces, ",
    "replay - --interfaces lan0": "--interfaces needs at least two interfaces, ",
    "replay - --interfaces lan0,wan0 --prefix x": "--prefix: expected an IPv6 prefix such as",
}


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Run the program; return its exit status, standard output and standard error."""
    status = main(argv)
    return status, *capsys.readouterr()


@pytest.mark.parametrize(("words", "sentence"), MISTAKES.items())
def test_bad_usage_is_answered_by_one_sentence(words: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad usage or configuration: one line says what was expected, the exit status is 2, and nothing is done."""
    status, out, err = run(capsys, *words.split())

    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"ndpbr: {sentence}")


def test_check_of_a_correct_configuration(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Nothing is started, and neither a privilege nor an interface is needed; missing interfaces are named."""
    pidfile = tmp_path / "ndpbr.pid"

    status, out, err = run(capsys, "--pidfile", str(pidfile), "run", "--check", "nope0", "nope1")

    assert (status, err) == (0, "")
    assert out.startswith("ok: no interface exists; note: nope0 does not exist (yet)")
    assert not pidfile.exists()


def test_check_suggests_a_similar_interface() -> None:
    """A missing interface is noted, with the name of an interface that the user may have meant."""
    existing = ("lo", "wan0", "lan0")

    assert checked(("wan0", "lan0", "nope0"), existing) == "ok: wan0, lan0; note: nope0 does not exist (yet)"
    assert checked(("wan0", "lan"), existing) == "ok: wan0; note: lan does not exist (yet); did you mean lan0?"


@pytest.mark.parametrize("words", ["--color never {}", "{} --color never"])
@pytest.mark.parametrize("command", ["show", "doctor", "explain phone"])
def test_color_stands_before_or_after_the_command(words: str, command: str) -> None:
    """For the commands whose output has colors."""
    assert parser().parse_args(words.format(command).split()).color == "never"


def test_no_command_prints_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command, the help is printed, with all commands."""
    status, out, err = run(capsys)

    assert (status, err) == (0, "")
    assert out.startswith("usage: ndpbr ")
    assert "For example `ndpbr run wan0 lan0`" in out
    assert all(f"    {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["replay", "-h"]])
def test_help_is_no_mistake(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The help goes to standard output."""
    with pytest.raises(SystemExit) as end:
        main(words)

    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("usage: ndpbr")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is printed."""
    with pytest.raises(SystemExit) as end:
        main(["--version"])

    assert (end.value.code, capsys.readouterr().out) == (0, f"ndpbr {__version__}\n")


def test_kill_without_a_daemon(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A stale pid file is not a running daemon, whatever pid it contains."""
    pidfile = tmp_path / "ndpbr.pid"
    pidfile.write_text("1\n")

    status, out, err = run(capsys, "--pidfile", str(pidfile), "kill")

    assert (status, out) == (1, "")
    assert err == f"ndpbr: ndpbr is not running (no process holds {pidfile})\n"


def test_replay_of_a_missing_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The file that cannot be read is named."""
    status, _, err = run(capsys, "replay", str(tmp_path / "none"), "--interfaces", "lan0,wan0")

    assert status == 1
    assert err == f"ndpbr: {tmp_path / 'none'} could not be read: {os.strerror(errno.ENOENT)}\n"


@pytest.mark.parametrize("words", ["show", "run --check lan0 wan0"])
@pytest.mark.parametrize("ip", [None, "#!/bin/sh\necho 'BusyBox v1.35.0 multi-call binary.' >&2\nexit 1\n"])
def test_ip_that_is_not_of_iproute2(
    ip: str | None, words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ip, or only with busybox's, the package that is needed is named."""
    if ip is not None:
        (tmp_path / "ip").write_text(ip)
        (tmp_path / "ip").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(program, "find", partial(program.find, ""))  # this machine has iproute2

    status, out, err = run(capsys, *words.split())

    got = "found none on PATH" if ip is None else f"got {tmp_path}/ip, which is another (busybox's?)"
    assert (status, out) == (1, "")
    assert err == f"ndpbr: ndpbr needs the ip command of the iproute2 package, {got}\n"


def loaded(*argvs: list[str]) -> set[str]:
    """Return the modules that are loaded after the program has run with each of *argvs*."""
    calls = "\n".join(f"try: main({argv})\nexcept SystemExit: pass" for argv in argvs)
    return loaded_by(f"from ndpbr_py.cli import main\n{calls}")


def loaded_by(code: str) -> set[str]:
    """Return the modules that are loaded after *code* has run."""
    code = f"import sys\n{code}\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


def test_help_loads_neither_library() -> None:
    """Help, and mistakes, are quick: the libraries are imported by the commands that need them."""
    modules = loaded([], ["--help"], ["run", "--help"], ["dance"], ["run", "--protocol", "2"])

    assert "ndpbr_py.cli" in modules
    assert modules & {"sh", "structlog", "asyncio", "ndpbr_py.commands"} == set()


def test_run_imports_no_other_command() -> None:
    """The daemon keeps no other command in memory."""
    modules = loaded(["run", "lan0", "wan0", "--upstream", "lan9"])

    assert {name for name in modules if name.startswith("ndpbr_py.commands.")} == {"ndpbr_py.commands.run"}


@pytest.mark.parametrize("words", ["show", "show 2001:db8::1 --json", "--pidfile /nonexistent/ndpbr.pid kill"])
def test_quick_commands_import_neither_the_rules_nor_the_checks(words: str) -> None:
    """Commands that only read the kernel's tables, or a lock, start sooner without the modules that decide."""
    modules = loaded(words.split())

    assert "ndpbr_py.system.lock" in modules
    assert {name for name in modules if re.match(r"structlog|ndpbr_py\.(daemon|doctor|core\.state)", name)} == set()


def test_lookup_of_an_address_loads_neither_library() -> None:
    """Only for a name or a link-layer address the neighbor table is read."""
    modules = loaded(["lookup", "2001:db8::1", "--state-dir", "/nonexistent"])

    assert "ndpbr_py.commands.lookup" in modules
    assert modules & {"sh", "structlog", "asyncio"} == set()


def test_flush_imports_neither_the_rules_nor_the_checks() -> None:
    """As little as the other quick commands; it does not run here, where it would flush this machine."""
    modules = loaded_by("import ndpbr_py.commands.flush")

    assert {name for name in modules if re.match(r"structlog|ndpbr_py\.(daemon|doctor|core\.state)", name)} == set()


def test_check_imports_no_daemon() -> None:
    """A service checks its configuration before each start: that takes half as long without the daemon."""
    modules = loaded(["run", "--check", "lan0", "wan0"])

    assert {name for name in modules if name.startswith("ndpbr_py.commands.")} == {"ndpbr_py.commands.check"}
    assert {name for name in modules if re.match(r"structlog|ndpbr_py\.(daemon|doctor|logs)", name)} == set()


def test_closed_pipe_is_no_error() -> None:
    """The help into a closed pipe ends without a traceback."""
    code = "import sys\nfrom ndpbr_py.cli import main\nsys.exit(main([]))"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()

        assert "Traceback" not in child.stderr.read()


def test_run_reads_options_from_a_file(tmp_path: Path) -> None:
    """`run @FILE` has the options of the file, without blank lines and comments."""
    file = tmp_path / "options"
    file.write_text("# the printer\n\n--static 2001:db8:64::9%lan0  # first floor\n--prefix 2001:db8:1::/64\nlan1\n")
    read = parser().parse_args(["run", f"@{file}", "wan0", "lan0"])

    assert [str(address) for address, _ in read.statics] == ["2001:db8:64::9"]
    assert [str(it) for it in read.prefixes] == ["2001:db8:1::/64"]
    assert read.interfaces == ["lan1", "wan0", "lan0"]
    assert read.file_options == ["--static", "2001:db8:64::9%lan0", "--prefix", "2001:db8:1::/64", "lan1"]


def test_file_of_options_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, and an open quote in one, are one sentence and status 2."""
    (tmp_path / "quote").write_text("--prefix '2001:db8:1::/64\n")
    for name, reason in (("none", "No such file or directory"), ("quote", "No closing quotation")):
        assert main(["run", f"@{tmp_path / name}", "wan0", "lan0"]) == 2
        assert re.fullmatch(rf"ndpbr: [^\[]*{reason}.*\n", capsys.readouterr().err)


def test_other_commands_take_an_at_sign_as_it_is() -> None:
    """Only `run` reads a file of options."""
    assert parser().parse_args(["record", "@out", "wan0"]).file == "@out"
