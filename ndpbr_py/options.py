"""The command line: every command and option, what it means, and what it is if not given.

The one source of --help and of the manual page.  Subcommands are a table; nothing of them is imported here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from ndpbr_py import __version__, config
from ndpbr_py.errors import ConfigError


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake is answered by one plain sentence."""

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError: *message*, and where more is said."""
        raise ConfigError(f"{message} (see `{self.prog} --help`)")


def _run(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("interfaces", nargs="*", metavar="IFACE", help="two or more interfaces that share one /64")
    add("--check", action="store_true", help="check the options and ip(8), start nothing")
    add("--dry-run", action="store_true", help="say what would be done, change nothing")
    add("--prefix", action="append", default=[], metavar="P", help="count addresses in P as on-link, too")
    add("--static", action="append", default=[], metavar="ADDR%IFACE", help="always proxy ADDR, which is on IFACE")
    _tag(parser)
    add("--expire-interval", default="3600", metavar="SECONDS", help="probe hosts not confirmed since (3600)")
    add("--resync-interval", default="60", metavar="SECONDS", help="compare with the kernel's tables (60)")
    add("--refresh", metavar="SECONDS", help="take each proxy entry out and put it back, once in SECONDS (never)")
    add("--max-hosts", default=str(config.MAX_HOSTS), metavar="N", help="learn at the most N hosts (4096)")
    add(
        "--max-hosts-per-lladdr",
        default=str(config.MAX_HOSTS_PER_LLADDR),
        metavar="N",
        help="learn at the most N hosts with one link-layer address (64)",
    )
    _state_dir(parser)
    add("--metrics-file", metavar="PATH", help="write counters for node_exporter's textfile collector")
    add(
        "--discover",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="at the start ask the last run's hosts, and who else is there (on)",
    )
    add(
        "--hosts-file",
        default=str(config.HOSTS_FILE),
        metavar="PATH",
        help="where hosts are remembered (/var/lib/ndpbr/hosts)",
    )
    add("--no-listen", action="store_true", help="do not listen to solicitations, only to the neighbor table")
    add("--keep", action="store_true", help="leave entries in place at exit, for a quick restart")


def _show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ping", action="store_true", help="ping each host, show the round-trip time or FAILED")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--watch", nargs="?", const="2", metavar="SECONDS", help="draw it on the terminal again and again (2)"
    )
    _state_dir(parser)
    _tag(parser)


def _flush(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--all", action="store_true", help="every proxy entry with its host route, and turn proxy_ndp off everywhere"
    )
    _state_dir(parser)
    _tag(parser)


def _refresh(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("interfaces", nargs="*", metavar="IFACE", help="interfaces whose global addresses are reported")
    parser.add_argument("--interval", default="45", metavar="SECONDS", help="each address once in SECONDS (45)")


def _doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("interfaces", nargs="*", metavar="IFACE", help="the interfaces to check (those of the daemon)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    _tag_asked(parser)
    _state_dir(parser)


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDR", help="an IPv6 address")
    parser.add_argument("--interfaces", metavar="A,B", help="the listed interfaces, with commas (those of the daemon)")
    parser.add_argument("--prefix", action="append", default=[], metavar="P", help="as for run (those of the daemon)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    _tag_asked(parser)
    _state_dir(parser)


def _replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="of `ndpbr record` or `ip -6 monitor neigh`; - is standard input")
    parser.add_argument("--interfaces", metavar="A,B", help="the listed interfaces, with commas (those recorded)")
    parser.add_argument(
        "--prefix", action="append", default=[], metavar="P", help="on-link prefix (those recorded, otherwise all)"
    )
    parser.add_argument("--real-time", action="store_true", help="take the time that it took")
    parser.add_argument("--protocol", metavar="N", help="number that tags ndpbr's own entries (that recorded, or 135)")


def _record(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a new file; - is standard output")
    # Not "*", which options between FILE and the interfaces would end.
    parser.add_argument("interfaces", nargs="+", metavar="IFACE", help="the interfaces that `run` is given")
    parser.add_argument("--seconds", metavar="N", help="end after N seconds (until SIGTERM or Ctrl-C)")
    _state_dir(parser)


def _nothing(parser: argparse.ArgumentParser) -> None:
    pass


def _state_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state-dir", default=str(config.STATE_DIR), metavar="DIR", help="the daemon's directory (/run/ndpbr)"
    )


def _tag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--protocol", default=str(config.PROTOCOL), metavar="N", help="number that tags ndpbr's own entries (135)"
    )


def _tag_asked(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--protocol", metavar="N", help="number that tags ndpbr's own entries (that of the daemon, or 135)"
    )


@dataclass(frozen=True, slots=True)
class Subcommand:
    """A row of the table: its module is ndpbr_py.commands.NAME, with a function main(arguments)."""

    options: Callable[[argparse.ArgumentParser], None]
    help: str


SUBCOMMANDS = {
    "run": Subcommand(_run, "bridge neighbor discovery between interfaces until SIGTERM or SIGINT"),
    "show": Subcommand(_show, "what is proxied, and learned where"),
    "flush": Subcommand(_flush, "remove ndpbr's entries"),
    "kill": Subcommand(_nothing, "stop the running daemon, wait until it has cleaned up"),
    "record": Subcommand(_record, "what the kernel has and the monitor says, for a bug report and for replay"),
    "refresh": Subcommand(_refresh, "remind switches of this host's own addresses until SIGTERM or SIGINT"),
    "doctor": Subcommand(_doctor, "check everything that must be right, and say what mends the rest"),
    "explain": Subcommand(_explain, "why an address is, or is not, proxied"),
    "replay": Subcommand(_replay, "what would be done for a recording, without touching the kernel"),
}


def parser() -> Parser:
    """Return the parser of the whole command line."""
    top = Parser(prog="ndpbr", description="Lets hosts on different links share one IPv6 /64.", allow_abbrev=False)
    add = top.add_argument
    add("-v", "--verbose", action="store_true", help="log every single command, too")
    add("-l", "--syslog", action="store_true", help="log to syslog instead of standard error")
    add("--pidfile", default=str(config.PIDFILE), metavar="PATH", help="where the daemon's pid is (/run/ndpbr.pid)")
    add("--log-format", default="auto", metavar="FORMAT", help="auto, console, logfmt or json")
    add("--log-level", default="info", metavar="LEVEL", help="debug, info, warning or error")
    add("--version", action="version", version=f"ndpbr {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, subcommand in SUBCOMMANDS.items():
        subcommand.options(
            commands.add_parser(name, help=subcommand.help, description=subcommand.help, allow_abbrev=False)
        )
    return top
