"""Words of the command line -> a frozen configuration, or a ConfigError that says what was wanted and what was got."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

from ndpbr_py.errors import ConfigError

PIDFILE = Path("/run/ndpbr.pid")
STATE_DIR = Path("/run/ndpbr")
HOSTS_FILE = Path("/var/lib/ndpbr/hosts")
PROTOCOL = 135
EXPIRE_INTERVAL = 3600.0
RESYNC_INTERVAL = 60.0
MAX_HOSTS = 4096
MAX_HOSTS_PER_LLADDR = 64
LOG_FORMATS = ("auto", "console", "logfmt", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")

# What can neither be mistaken by ip's batch language for something else, nor name an alias or an index.
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,14}")
_RESERVED = re.compile(r"\.|\.\.|all|default|lo|if\d+")


@dataclass(frozen=True, slots=True)
class LogConfig:
    """Where records go, and which."""

    format: str = "auto"
    level: str = "info"
    syslog: bool = False


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What `ndpbr run` is to do; times in seconds."""

    interfaces: tuple[str, ...]
    prefixes: frozenset[IPv6Network] = frozenset()
    protocol: int = PROTOCOL
    expire_interval: float = EXPIRE_INTERVAL
    resync_interval: float = RESYNC_INTERVAL
    refresh: float | None = None
    max_hosts: int = MAX_HOSTS
    max_hosts_per_lladdr: int = MAX_HOSTS_PER_LLADDR
    state_dir: Path = STATE_DIR
    pidfile: Path = PIDFILE
    dry_run: bool = False
    keep: bool = False
    metrics_file: Path | None = None
    statics: Mapping[IPv6Address, str] = field(default_factory=dict)
    discover: bool = True
    hosts_file: Path = HOSTS_FILE
    listen: bool = True


def interfaces(names: list[str], least: int = 2) -> tuple[str, ...]:
    """Return the listed interfaces.

    Raises:
        ConfigError: Fewer than *least*, one of them twice, or a name that no interface of ours can have.
    """
    for name in names:
        if not is_interface_name(name):
            raise ConfigError(
                "an interface name of 1 to 15 letters, digits, `_`, `.` and `-` was wanted "
                f"(not `.`, `..`, `all`, `default`, `lo` or `ifN`), got {name!r}"
            )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"each interface once was wanted, got {twice[0]!r} more than once")
    if len(names) < least:
        wanted = "one or more interfaces were" if least == 1 else "two or more interfaces were"
        raise ConfigError(f"{wanted} wanted, got {len(names)}")
    return tuple(names)


def is_interface_name(name: str) -> bool:
    """Whether an interface with that name may be listed."""
    return _NAME.fullmatch(name) is not None and _RESERVED.fullmatch(name) is None


def address(text: str) -> IPv6Address:
    """Return an IPv6 address, without the interface that may follow it.

    Raises:
        ConfigError: *text* is none.
    """
    try:
        return IPv6Address(text.partition("%")[0])
    except ValueError as error:
        raise ConfigError(f"an IPv6 address such as 2001:db8:1::11 was wanted, got {text!r}") from error


def prefix(text: str) -> IPv6Network:
    """Return an IPv6 prefix, e.g. ``"2001:db8:1::/64"``.

    Raises:
        ConfigError: *text* is none.
    """
    try:
        prefix = IPv6Network(text)
    except ValueError as error:
        raise ConfigError(f"an IPv6 prefix such as 2001:db8:1::/64 was wanted, got {text!r}: {error}") from error
    if "/" not in text:  # it would be a prefix of one address
        raise ConfigError(f"an IPv6 prefix with its length, such as 2001:db8:1::/64, was wanted, got {text!r}")
    return prefix


def prefixes(texts: Iterable[str]) -> frozenset[IPv6Network]:
    """Return IPv6 prefixes, each as `prefix` has it."""
    return frozenset(map(prefix, texts))


def statics(words: Sequence[str], interfaces: tuple[str, ...]) -> dict[IPv6Address, str]:
    """Return the interface of each static address, from words such as ``"2001:db8:1::11%lan0"``.

    Raises:
        ConfigError: One is no host's address, its interface is not listed, or it has two.
    """
    from ndpbr_py.core.eligibility import Scope  # here alone: --help need not wait for it

    result: dict[IPv6Address, str] = {}
    for word in words:
        text, _, dev = word.partition("%")
        try:
            address = IPv6Address(text)
        except ValueError:
            address = IPv6Address("::")
        if Scope(None).objection(address, dev) is not None:
            raise ConfigError(f"a global address with its interface, ADDR%IFACE, was wanted for --static, got {word!r}")
        if dev not in interfaces:
            listed = ", ".join(interfaces)
            raise ConfigError(f"a listed interface ({listed}) was wanted after `%`, got --static {word!r}")
        if result.setdefault(address, dev) != dev:
            raise ConfigError(f"one interface for --static {address} was wanted, got {result[address]!r} and {dev!r}")
    return result


def protocol(text: str) -> int:
    """Return the number that tags our entries.

    Source: rt_protos of iproute2: what is not free there belongs to another program.

    Raises:
        ConfigError: *text* is no such number.
    """
    taken = {*range(5), *range(8, 19), 42, 72, 84, 99, 100, *range(186, 190), 192}
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else -1
    if not 5 <= number <= 255 or number in taken:
        raise ConfigError(f"a protocol number from 5 to 255 that no other program has was wanted, got {text!r}")
    return number


def seconds(what: str, text: str, least: float = 1.0, most: float = 31_536_000.0) -> float:
    """Return a span of time in seconds, e.g. ``"3600"``.

    Raises:
        ConfigError: *text* is no number between *least* and *most*.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise ConfigError(f"{what} of {least:g} to {most:.9g} seconds was wanted, got {text!r}")
    return value


def count(what: str, text: str, most: int = 1_000_000) -> int:
    """Return a number of things, one at least.

    Raises:
        ConfigError: *text* is no such number.
    """
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 7 else 0
    if not 1 <= number <= most:
        raise ConfigError(f"{what} of 1 to {most} was wanted, got {text!r}")
    return number


def path(what: str, text: str) -> Path:
    """Return where a file, or a directory of ours, is to be.

    Raises:
        ConfigError: *text* has no name in it: a variable of a script that is empty, say.
    """
    if not Path(text).name:
        raise ConfigError(f"a path for {what} was wanted, got {text!r}")
    return Path(text)


def choice(what: str, text: str, choices: tuple[str, ...]) -> str:
    """Return *text* in lower case.

    Raises:
        ConfigError: It is none of *choices*.
    """
    if text.lower() not in choices:
        raise ConfigError(f"{what} was wanted, one of {', '.join(choices)}, got {text!r}")
    return text.lower()
