"""The options of each command -> the parser of the command line, the one source of --help and of the manual page."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, NoReturn

from ndpbr_py import __version__, config
from ndpbr_py.errors import ConfigError


class Parser(argparse.ArgumentParser):
    """argparse, but bad usage raises ConfigError, whose message is one sentence.

    Attributes:
        file_options: The words that were read from the files of `run @FILE`.
    """

    def __init__(self, **words: Any) -> None:
        super().__init__(**words)
        self.file_options: list[str] = []

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError with *message* and the command that prints the help."""
        # argparse passes on an OSError, of `run @FILE`, with its number.
        message = re.sub(r"^\[Errno \d+\] ", "", message)
        raise ConfigError(f"{message} (see `{self.prog} --help`)")

    def convert_arg_line_to_args(self, arg_line: str) -> list[str]:
        """Return the words of a line of `run @FILE`, without its comment."""
        try:
            words = shlex.split(arg_line, comments=True)
        except ValueError as error:
            self.error(f"{arg_line!r}: {error}")
        self.file_options += words
        return words


def _value(
    parser: argparse.ArgumentParser,
    option: str,
    kind: Callable[[str, str], object],
    metavar: str,
    text: str,
    default: object = None,
) -> None:
    """Add an option with a value, which ``kind(option, value)`` reads."""
    dest = option.removeprefix("--").replace("-", "_") + ("_s" if metavar == "SECONDS" else "")
    parser.add_argument(option, dest=dest, type=partial(kind, option), default=default, metavar=metavar, help=text)


def _run_options(parser: argparse.ArgumentParser) -> None:
    add, value = parser.add_argument, partial(_value, parser)
    text = "two or more interfaces that share one /64, or quoted patterns such as 'br-*' for those that come and go; "
    text += "@FILE reads options from FILE, one per line"
    add("interfaces", nargs="*", type=config.interface_or_pattern, metavar="IFACE", help=text)
    add("--check", action="store_const", dest="command", const="check", help="check the options and ip(8), then exit")
    add("--dry-run", action="store_true", help="log what would be done, change nothing")
    _prefix(parser, "count addresses in P as on-link, too; may be repeated")
    text = "always proxy ADDR, which is on IFACE: never expired or moved, removed at stop; or proxy each address of "
    text += "PREFIX when it is solicited, for an IFACE without neighbor discovery; may be repeated"
    kind = config.static_host
    add("--static", dest="statics", action="append", default=[], type=kind, metavar="ADDR[/N]%IFACE", help=text)
    text = "learn no host on IFACE, the link of the modem; solicitations there are answered; may be repeated"
    add("--upstream", dest="upstreams", action="append", default=[], type=config.interface, metavar="IFACE", help=text)
    _protocol(parser)
    text = "probe hosts not confirmed for SECONDS (%(default)g)"
    value("--expire-interval", config.seconds, "SECONDS", text, config.EXPIRE_INTERVAL_S)
    text = "compare with the kernel's tables every SECONDS (%(default)g)"
    value("--resync-interval", config.seconds, "SECONDS", text, config.RESYNC_INTERVAL_S)
    value("--refresh", config.seconds, "SECONDS", "remove and add each proxy entry once in SECONDS (never)")
    value("--max-hosts", config.count, "N", "learn at most N hosts (%(default)d)", config.MAX_HOSTS)
    text = "learn at most N hosts with one link-layer address on one link (%(default)d)"
    value("--max-hosts-per-lladdr", config.count, "N", text, config.MAX_HOSTS_PER_LLADDR)
    _state_dir(parser)
    value(
        "--metrics-file", config.path, "PATH", "write counters for the textfile collector of Prometheus' node_exporter"
    )
    _names(parser)
    text = "host discovery at startup: look up the hosts of the last run, ping all nodes (on)"
    add("--discover", action=argparse.BooleanOptionalAction, default=True, help=text)
    value(
        "--hosts-file",
        config.path,
        "PATH",
        "where hosts are remembered, a line `ADDR IFACE LLADDR` each (%(default)s)",
        config.HOSTS_FILE,
    )
    text = "only watch the neighbor table, do not receive solicitations"
    add("--no-listen", dest="listen", action="store_false", help=text)
    text = "answer solicitations on IFACE from the solicited address, too: for a provider that drops the usual answer; "
    text += "may be repeated"
    add("--answer-as-target", action="append", default=[], type=config.interface, metavar="IFACE", help=text)
    add("--keep", action="store_true", help="leave entries and settings in place at exit, for a quick restart")


def _show_options(parser: argparse.ArgumentParser) -> None:
    text = "only hosts with that address, interface, name or link-layer address"
    parser.add_argument("hosts", nargs="*", metavar="HOST", help=text)
    parser.add_argument("--ping", action="store_true", help="ping each host, print the round-trip time or FAILED")
    form = parser.add_mutually_exclusive_group()
    text = "print a table, as on a terminal, whatever its width"
    form.add_argument("--long", action="store_true", help=text)
    form.add_argument("--json", action="store_true", help="print one JSON object")
    text = "redraw the table every SECONDS (2), with the state of the daemon, until q"
    kind = partial(config.seconds, "--watch", minimum=0.5, maximum=3600.0)
    form.add_argument("--watch", nargs="?", const=2.0, type=kind, metavar="SECONDS", help=text)
    _color(parser)
    _names(parser)
    _state_dir(parser)
    _protocol(parser)


def _flush_options(parser: argparse.ArgumentParser) -> None:
    text = "remove every proxy entry and its host route, set proxy_ndp to 0 everywhere"
    parser.add_argument("--all", action="store_true", help=text)
    _state_dir(parser)
    _protocol(parser)


def _record_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a new file; - is standard output")
    # Not "*", which options between FILE and the interfaces would end.
    _interfaces(parser, "+", "the interfaces that `run` is given")
    kind = partial(config.seconds, "--seconds", maximum=604_800.0)
    parser.add_argument("--seconds", type=kind, metavar="N", help="stop after N seconds (at SIGTERM or SIGINT)")
    _state_dir(parser)


def _report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a new file; - is standard output")
    _interfaces(parser, "*", "the interfaces (those of the daemon)")
    text = "replace addresses, prefixes, link-layer addresses and names by others, leave out comments of the firewall"
    parser.add_argument("--anonymize", action="store_true", help=text)
    kind = partial(config.seconds, "--seconds", maximum=604_800.0)
    text = "record for N seconds (%(default)g)"
    parser.add_argument("--seconds", type=kind, default=60.0, metavar="N", help=text)
    _names(parser)
    _state_dir(parser)


def _refresh_options(parser: argparse.ArgumentParser) -> None:
    _interfaces(parser, "+", "interfaces whose global addresses are reported")
    _value(parser, "--interval", config.seconds, "SECONDS", "report each address once in SECONDS (%(default)g)", 45.0)


def _doctor_options(parser: argparse.ArgumentParser) -> None:
    _interfaces(parser, "*", "the interfaces to check (those of the daemon)")
    _query_options(parser)


def _explain_options(parser: argparse.ArgumentParser) -> None:
    _host(parser)
    _interface_list(parser, "those of the daemon")
    _prefix(parser, "as for run (those of the daemon)")
    _query_options(parser)


def _lookup_options(parser: argparse.ArgumentParser) -> None:
    _host(parser)
    _state_dir(parser)


def _replay_options(parser: argparse.ArgumentParser) -> None:
    text = "output of `ndpbr record` or `ip -6 monitor neigh`; - is standard input"
    parser.add_argument("file", metavar="FILE", help=text)
    _interface_list(parser, "those recorded")
    _prefix(parser, "on-link prefix (those recorded, otherwise all)")
    parser.add_argument("--real-time", action="store_true", help="take as long as the recording did")
    _protocol(parser, None, "that recorded, or 135")


def _query_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    _color(parser)
    _protocol(parser, None, "that of the daemon, or 135")
    _state_dir(parser)


def _host(parser: argparse.ArgumentParser) -> None:
    text = "an IPv6 address, or the link-layer address or the name of a host"
    parser.add_argument("address", metavar="ADDR", help=text)
    _names(parser)


def _interfaces(parser: argparse.ArgumentParser, nargs: str, text: str) -> None:
    parser.add_argument("interfaces", nargs=nargs, type=config.interface, metavar="IFACE", help=text)


def _interface_list(parser: argparse.ArgumentParser, default: str) -> None:
    text = f"the listed interfaces, separated by commas ({default})"
    parser.add_argument("--interfaces", type=config.interface_list, default=(), metavar="A,B", help=text)


def _prefix(parser: argparse.ArgumentParser, text: str) -> None:
    kind = config.prefix
    parser.add_argument("--prefix", dest="prefixes", action="append", default=[], type=kind, metavar="P", help=text)


def _names(parser: argparse.ArgumentParser) -> None:
    text = "names of hosts, a line `LLADDR NAME` each, besides /etc/hosts, /etc/ethers and dnsmasq's leases"
    _value(parser, "--names", config.file, "FILE", text)


def _color(parser: argparse.ArgumentParser, default: str = argparse.SUPPRESS) -> None:
    text = f"color: one of {', '.join(config.COLORS)} (auto: on a terminal, unless NO_COLOR is set)"
    _value(parser, "--color", partial(config.choice, choices=config.COLORS), "WHEN", text, default)


def _state_dir(parser: argparse.ArgumentParser) -> None:
    _value(parser, "--state-dir", config.path, "DIR", "the daemon's directory (%(default)s)", config.STATE_DIR)


def _protocol(parser: argparse.ArgumentParser, default: int | None = config.PROTOCOL, shown: str = "135") -> None:
    text = f"number that tags ndpbr's own routes and entries ({shown})"
    parser.add_argument("--protocol", type=config.protocol, default=default, metavar="N", help=text)


class Command(NamedTuple):
    """A command: what adds its options to a parser, and its line in --help."""

    add_options: Callable[[argparse.ArgumentParser], None]
    help: str


COMMANDS = {
    "run": Command(_run_options, "bridge neighbor discovery between interfaces until SIGTERM or SIGINT"),
    "show": Command(_show_options, "list the hosts: where each was learned, and where it is proxied"),
    "flush": Command(_flush_options, "remove ndpbr's routes and proxy entries"),
    "kill": Command(lambda _: None, "stop the running daemon, wait until it has cleaned up"),
    "record": Command(_record_options, "write the kernel's tables and the monitor's lines to a file"),
    "report": Command(_report_options, "write what an issue needs to a file: doctor, show, log, firewall, recording"),
    "refresh": Command(_refresh_options, "remind switches of this host's own addresses until a signal"),
    "doctor": Command(_doctor_options, "check the system: one line per check, with the fix"),
    "explain": Command(_explain_options, "say why an address is, or is not, proxied"),
    "lookup": Command(_lookup_options, "make the daemon look an address up, print which host answers"),
    "replay": Command(_replay_options, "print the commands for a recording, without touching the kernel"),
}


def parser() -> Parser:
    """Return the parser of the whole command line."""
    about = "Lets hosts on different links share one IPv6 /64."
    steps = "For example `ndpbr run wan0 lan0`, then `ndpbr show`. If a host is not reached: `ndpbr doctor`, then "
    steps += "`ndpbr explain ADDR`. `ndpbr COMMAND --help` describes the options of a command."
    top = Parser(prog="ndpbr", description=about, epilog=steps, allow_abbrev=False)
    value = partial(_value, top)
    top.add_argument("-v", "--verbose", action="store_true", help="log every single command, too")
    top.add_argument("-l", "--syslog", action="store_true", help="log to syslog instead of standard error")
    text = "the longest line that syslogd reads; a longer record loses its last fields (%(default)s)"
    value("--syslog-bytes", config.line_bytes, "N", text, config.SYSLOG_BYTES)
    value("--pidfile", config.path, "PATH", "where the daemon's pid is (%(default)s)", config.PIDFILE)
    kind = partial(config.choice, choices=config.LOG_FORMATS)
    value("--log-format", kind, "FORMAT", f"one of {', '.join(config.LOG_FORMATS)} (%(default)s)", "auto")
    kind = partial(config.choice, choices=config.LOG_LEVELS)
    value("--log-level", kind, "LEVEL", f"one of {', '.join(config.LOG_LEVELS)} (%(default)s)", "info")
    _color(top, "auto")
    top.add_argument("--version", action="version", version=f"ndpbr {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", title="commands")
    for name, command in COMMANDS.items():
        # `run @FILE` reads options from a file.
        prefix = "@" if name == "run" else None
        below = commands.add_parser(
            name, help=command.help, description=command.help, allow_abbrev=False, fromfile_prefix_chars=prefix
        )
        command.add_options(below)
        below.set_defaults(command=name, file_options=below.file_options)
    return top
